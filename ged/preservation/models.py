"""The remaining work for the signatures of each document. Written by jobs, not by people."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class Preservation(Base):
    """One row for each signed document: a letter, a slip, a register's closing.

    ``due_at``: time of the next step, to the next level or to renew the last time-stamp.
    ``failure``: error code of the last attempt; empty after a success.
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
