"""The remaining work for the signatures of each document. Written by jobs, not by people."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime, only_where

LASTING = "B-LTA"
"""The highest level of ETSI EN 319 142-1: only renewals remain to be done."""
IS_FAILING = "failure <> ''"
IS_LASTING = f"failure = '' AND level = '{LASTING}'"
IS_RISING = f"failure = '' AND level <> '{LASTING}'"
"""Conditions of the lists, in the words of the partial indexes: a database knows one by its words alone."""


class Preservation(Base):
    """One row for each signed document: a letter, a slip, a register's closing, a monthly report.

    The job of its last signature makes it, or brings it up to date (``uow.preserve``), within moments.
    ``level``: the lowest of the signatures in its last revision; empty for a closing or a report that waits for the seal.
    ``due_at``: time of the next step, to the next level or to renew the last time-stamp.
    ``failure``: error code of the last attempt; empty after a success.
    """

    __tablename__ = "preservations"
    __table_args__ = (
        Index("ix_preservations_level_due_at", "level", "due_at", "id"),
        Index("ix_preservations_failing", "due_at", "id", **only_where(IS_FAILING)),
        Index("ix_preservations_rising", "due_at", "id", **only_where(IS_RISING)),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), unique=True)
    slip_id: Mapped[int | None] = mapped_column(ForeignKey("slips.id"), unique=True)
    closing_id: Mapped[int | None] = mapped_column(ForeignKey("register_closings.id"), unique=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("monthly_reports.id"), unique=True)
    level: Mapped[str] = mapped_column(String(8))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    failure: Mapped[str] = mapped_column(String(64), default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
