"""Figures of finished jobs by day and kind. The rows of the jobs are deleted after a month."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Float, Integer, and_, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged import locks
from ged.db import Base, Code, Id, insert_if_missing
from ged.jobs import Job, JobKind, JobState

KEPT_FOR = timedelta(days=30)
BATCH = 1_000
"""Rows of one transaction: it is short, so nobody waits for it."""


class JobFigure(Base):
    """Figures of the deleted jobs of one kind that ended on one day (in the installation's time zone)."""

    __tablename__ = "job_figures"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[JobKind] = mapped_column(Code(JobKind), primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    """The jobs among them that failed."""
    seconds_sum: Mapped[float] = mapped_column(Float, default=0.0)
    """Sum of the seconds from the last begin to the end, of jobs whose begin is known."""
    seconds_max: Mapped[float] = mapped_column(Float, default=0.0)
    last_job_id: Mapped[int] = mapped_column(Id, default=0)


@dataclass
class _Sum:
    count: int = 0
    failed: int = 0
    seconds_sum: float = 0.0
    seconds_max: float = 0.0
    last_job_id: int = 0

    def add(self, row: Job, finished_at: datetime) -> None:
        """Count one row."""
        seconds = max(0.0, (finished_at - row.started_at).total_seconds()) if row.started_at else 0.0
        self.count += 1
        self.failed += row.state is JobState.FAILED
        self.seconds_sum += seconds
        self.seconds_max = max(self.seconds_max, seconds)
        self.last_job_id = max(self.last_job_id, row.id)


def prune(session: Session, *, scheduled: Collection[JobKind], zone: ZoneInfo, now: datetime) -> int:
    """Turn a batch of old rows into figures, and return their number; call again until it returns 0.

    Finished jobs are deleted, and failed jobs of scheduled kinds. A failure that a person has to settle stays.

    Args:
        scheduled: the kinds with a schedule.
    """
    rows = _old_rows(session, scheduled, now)
    sums: dict[tuple[date, JobKind], _Sum] = {}
    for row in rows:
        if row.finished_at is not None:  # always true: the query selects such rows
            sums.setdefault((row.finished_at.astimezone(zone).date(), row.kind), _Sum()).add(row, row.finished_at)
    for (day, kind), one in sorted(sums.items()):
        _keep(session, day, kind, one)
    session.execute(delete(Job).where(Job.id.in_([row.id for row in rows])))
    return len(rows)


def _old_rows(session: Session, scheduled: Collection[JobKind], now: datetime) -> Sequence[Job]:
    made_anew = and_(Job.state == JobState.FAILED, Job.kind.in_(scheduled), Job.subject_id == 0)
    is_old = and_(Job.finished_at < now - KEPT_FOR, or_(Job.state == JobState.DONE, made_anew))
    ids = session.scalars(select(Job.id).where(is_old).order_by(Job.id).limit(BATCH)).all()
    # A row that a person settles or retries at this moment is locked; another night deletes it.
    return locks.hold_free(session, Job, Job.id.in_(ids), is_old)


def _keep(session: Session, day: date, kind: JobKind, one: _Sum) -> None:
    insert_if_missing(
        session, JobFigure, day=day, kind=kind, count=0, failed=0, seconds_sum=0.0, seconds_max=0.0, last_job_id=0
    )
    (row,) = locks.hold_where(session, JobFigure, JobFigure.day == day, JobFigure.kind == kind)
    row.count += one.count
    row.failed += one.failed
    row.seconds_sum += one.seconds_sum
    row.seconds_max = max(row.seconds_max, one.seconds_max)
    row.last_job_id = max(row.last_job_id, one.last_job_id)


def pruned_until(session: Session, kinds: Collection[JobKind]) -> int:
    """The highest id of a deleted job of these kinds; 0 when no row was deleted."""
    return session.scalar(select(func.max(JobFigure.last_job_id)).where(JobFigure.kind.in_(kinds))) or 0
