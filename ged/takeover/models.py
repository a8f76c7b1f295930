"""What was taken over from an archive: which letter bears which own id of the file, and in which piece it came."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class TakeoverBatch(Base):
    """Letters that were taken over in one transaction, and that one job puts into the index."""

    __tablename__ = "takeover_batches"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), index=True)
    source: Mapped[str] = mapped_column(String(200))
    """Name of the file that was taken over."""
    first_line: Mapped[int] = mapped_column(Integer)
    last_line: Mapped[int] = mapped_column(Integer)
    letters: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TakenLetter(Base):
    """A letter taken over: its own id is used once in a register, so that an import begun again goes on."""

    __tablename__ = "taken_letters"
    __table_args__ = (UniqueConstraint("register_id", "own_id"),)

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, autoincrement=False)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    own_id: Mapped[str] = mapped_column(String(200))
    batch_id: Mapped[int] = mapped_column(ForeignKey("takeover_batches.id"), index=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what the line says: the same id with other content is another letter."""
