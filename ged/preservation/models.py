"""What is still to be done for the signatures of a document. Machines alone write here."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class Preservation(Base):
    """One row a signed document: a letter, a slip, a register's closing.

    ``due_at``: when its turn comes, for the next level or for the renewal of its last time-stamp.
    ``failure``: code of what stood in the way at the last try, empty when nothing did.
    """

    __tablename__ = "preservations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), unique=True)
    slip_id: Mapped[int | None] = mapped_column(ForeignKey("slips.id"), unique=True)
    closing_id: Mapped[int | None] = mapped_column(ForeignKey("register_closings.id"), unique=True)
    level: Mapped[str] = mapped_column(String(8))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    failure: Mapped[str] = mapped_column(String(64), default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
