"""Jobs as the administrator sees them: kind, state, reason of a failure; never the text of their subjects."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ged import paging, workers
from ged.jobs import CURRENT, Job, JobKind, JobState, is_live
from ged.paging import START, Place, Slice
from ged.workers import LivingWorker

STALLED_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class JobRow:
    """A job of the list. Of a failure only the code: its detail may name files, addresses and people."""

    id: int
    kind: JobKind
    subject_id: int
    state: JobState
    attempts: int
    run_after: datetime
    created_at: datetime
    finished_at: datetime | None
    error_code: str
    progress: str

    @property
    def may_retry(self) -> bool:
        """Whether a person may request a retry."""
        return self.state in (JobState.FAILED, JobState.UNCERTAIN)


def counts(session: Session) -> dict[str, int]:
    """The number of jobs in each state; large numbers are only counted up to more than ``paging.MOST_COUNTED``."""
    one = (
        select(func.count()).select_from(_in_state(state).limit(paging.MOST_COUNTED + 1).subquery()).scalar_subquery()
        for state in JobState
    )
    found = session.execute(select(*one)).one()
    return {state.value: count for state, count in zip(JobState, found, strict=True)}


def _in_state(state: JobState) -> Select[int]:
    return select(Job.id).where(Job.state == state)


def jobs(
    session: Session, states: Collection[JobState], at: Place = START, *, limit: int = 50
) -> tuple[list[JobRow], Slice]:
    """A page of jobs in these states, the newest first."""
    page = paging.read(session, select(Job.id).where(Job.state.in_(states)), Job.id, at, descending=True, limit=limit)
    rows = session.scalars(select(Job).where(Job.id.in_(page.ids)).order_by(Job.id.desc()))
    found = [
        JobRow(
            j.id, j.kind, j.subject_id, j.state, j.attempts, j.run_after, j.created_at, j.finished_at,
            j.error_code, j.progress,
        )
        for j in rows
    ]  # fmt: skip
    return found, page


def is_stalled(session: Session, *, now: datetime) -> bool:
    """Whether a runnable job has waited for minutes and no job runs: no worker takes jobs."""
    oldest = session.scalar(select(func.min(Job.run_after)).where(Job.state == JobState.QUEUED))
    # A worker that was killed leaves its job RUNNING: only the lease tells whether somebody runs it.
    running = session.scalar(select(func.count()).where(Job.state == JobState.RUNNING, Job.lease_until > now)) or 0
    return oldest is not None and oldest < now - STALLED_AFTER and running == 0


def living_workers(session: Session, now: datetime) -> list[LivingWorker]:
    """The workers with a recent heartbeat; without a worker, no job runs."""
    return workers.living(session, now=now)


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest runnable job has waited; None when no job waits.

    Jobs of an archive taken over do not count: they wait until all other jobs are done.
    """
    waiting = select(func.min(Job.run_after)).where(
        is_live(), Job.state == JobState.QUEUED, Job.run_after <= now, Job.kind.in_(CURRENT)
    )
    return session.scalar(waiting)
