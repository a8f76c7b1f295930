"""Counts refused reads: a probe of thousands of ids must not fill the journal, nor contend for its head's lock."""

from datetime import datetime, timedelta

from sqlalchemy import Integer, String, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged.db import Base, UtcDateTime, insert_if_missing

EACH_UP_TO = 20
"""Up to this many refusals of one actor within an hour each get a journal entry."""
KEPT = timedelta(days=2)


class RefusalCount(Base):
    """How often one actor was refused within an hour."""

    __tablename__ = "refusal_counts"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0)


def count(session: Session, subject: str, *, now: datetime) -> int:
    """Count one more refusal of an actor; returns how many there were within this hour."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    insert_if_missing(session, RefusalCount, subject=subject, hour=hour, count=0)
    here = (RefusalCount.subject == subject) & (RefusalCount.hour == hour)
    counted = session.scalars(
        update(RefusalCount).where(here).values(count=RefusalCount.count + 1).returning(RefusalCount.count)
    ).one()
    if counted == 1:
        session.execute(delete(RefusalCount).where(RefusalCount.subject == subject, RefusalCount.hour < hour - KEPT))
    return counted


def is_told(counted: int) -> bool:
    """Whether this refusal gets a journal entry: each of the first, then every doubling."""
    return counted <= EACH_UP_TO or counted & (counted - 1) == 0
