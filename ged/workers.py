"""The running workers: each has a row that it renews, so that a page can show when no worker is running."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import JSON, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged.db import Base, UtcDateTime, insert_if_missing
from ged.ports import Lane

BEAT_EVERY = timedelta(seconds=10)
ALIVE_FOR = timedelta(seconds=45)
"""A worker without a heartbeat for longer counts as dead."""
FORGOTTEN_AFTER = timedelta(days=1)


class Worker(Base):
    """A worker process: its name, host and lanes, and its last heartbeat."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    lanes: Mapped[list[str]] = mapped_column(JSON)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class LivingWorker:
    """A worker with a recent heartbeat."""

    name: str
    host: str
    lanes: tuple[Lane, ...]
    started_at: datetime
    beat_at: datetime


def beat(session: Session, name: str, *, host: str, lanes: Sequence[Lane], now: datetime) -> None:
    """Renew this worker's row. Rows of workers without a heartbeat for a day are deleted."""
    renewed = session.scalars(update(Worker).where(Worker.name == name).values(beat_at=now).returning(Worker.name))
    if renewed.first() is None:
        lane_names = [lane.value for lane in lanes]
        # The row is missing at the first beat, and after a day of sleep, when another worker has deleted it.
        insert_if_missing(session, Worker, name=name, host=host[:255], lanes=lane_names, started_at=now, beat_at=now)
        session.execute(delete(Worker).where(Worker.beat_at < now - FORGOTTEN_AFTER))


def leave(session: Session, name: str) -> None:
    """Delete the row of a worker that ends."""
    session.execute(delete(Worker).where(Worker.name == name))


def living(session: Session, *, now: datetime) -> list[LivingWorker]:
    """The workers with a recent heartbeat, by name."""
    found = select(Worker).where(Worker.beat_at >= now - ALIVE_FOR).order_by(Worker.name)
    return [
        LivingWorker(one.name, one.host, tuple(Lane(lane) for lane in one.lanes), one.started_at, one.beat_at)
        for one in session.scalars(found)
    ]
