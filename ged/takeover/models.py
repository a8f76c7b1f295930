"""Tables of imports: the source's own id of each imported letter, and its batch."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class TakeoverBatch(Base):
    """Letters imported in one transaction, which one job indexes."""

    __tablename__ = "takeover_batches"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), index=True)
    source: Mapped[str] = mapped_column(String(200))
    """Name of the imported file."""
    first_line: Mapped[int] = mapped_column(Integer)
    last_line: Mapped[int] = mapped_column(Integer)
    letters: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TakenLetter(Base):
    """An imported letter. Its own id is unique in a register, so that a restarted import resumes."""

    __tablename__ = "taken_letters"
    __table_args__ = (UniqueConstraint("register_id", "own_id"),)

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, autoincrement=False)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    own_id: Mapped[str] = mapped_column(String(200))
    batch_id: Mapped[int] = mapped_column(ForeignKey("takeover_batches.id"), index=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the line's content: the same id with other content is another letter."""
