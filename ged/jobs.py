"""The outbox: a job is a row committed with the change that asks for it, and only then submitted.

States: ``queued`` -> ``running`` -> ``done`` | ``queued`` again after a back-off | ``failed`` (a person retries) |
``uncertain`` (what cannot be taken back was interrupted: a person decides).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Index,
    Integer,
    String,
    Text,
    and_,
    func,
    insert,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged import locks
from ged.db import Base, Code, Id, UtcDateTime, insert_if_missing, table_of
from ged.errors import GedError, InvalidTransition, LeaseLost, NotFound, StaleVersion
from ged.ports import JobId, MailId

LEASE = timedelta(seconds=45)
"""So long a worker may be silent before its job is given to another; it beats four times as often."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
MAX_ATTEMPTS = 8
WORKER_LOST = "job.worker_lost"
AWAY = "index.unavailable"
"""Code in the rows of jobs that wait for the index, whatever keeps it away."""
LONGEST_WAIT_S = 30
BACK_OFF_S = (1, 5, 20, 60, 300, 900, 3600, 3600)


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


LIVE_STATES = (JobState.QUEUED, JobState.RUNNING)
"""Of a job that a worker will do or does."""
UNSETTLED_STATES = (*LIVE_STATES, JobState.FAILED, JobState.UNCERTAIN)


class JobKind(StrEnum):
    """What a worker can do; the table of ``ged.pipeline`` says of each its lane, function, limit and schedule."""

    INTAKE = "intake"
    """Look at the pages of a batch, split it at labels, make scans or join them to their numbers."""
    RECOGNISE = "recognise"
    """OCR of an attachment."""
    INDEX = "index"
    """Put a letter into the index as SQL has it now."""
    CHECK_SIGNATURES = "check_signatures"
    """Look at the signatures of a file that came."""
    NOTIFY = "notify"
    """Send an e-mail (cannot be taken back)."""
    COLLECT_MAIL = "collect_mail"
    """Take in what lies in the mailboxes."""
    SEAL = "seal"
    """Sign and write out the journal's head."""
    CLOSE_DAYS = "close_days"
    """Close the days of the registers that are over."""
    ANCHOR = "anchor"
    """Anchor the journal: a root over all entries, time-stamped outside."""
    SWEEP = "sweep"
    """Remove bytes of transactions that were rolled back."""
    CHECK_FIXITY = "check_fixity"
    """Compare stored bytes with their digests."""
    READ_SCAN = "read_scan"
    """Read the first and last page of a waiting scan, for what is proposed to the clerk."""
    LEARN = "learn"
    """Learn from the register what clerks and authorities decide."""
    ALERTS = "alerts"
    """Look whether followed searches (or one of them) find new letters."""
    ALERT_MAIL = "alert_mail"
    """Send the e-mail of an alert (cannot be taken back)."""
    REBUILD_INDEX = "rebuild_index"
    """Make the index anew beside the living one."""
    PRESERVE = "preserve"
    """Raise the signatures of a document (params: of which sort) towards B-LTA."""
    PRESERVE_DUE = "preserve_due"
    """Raise and renew the signatures of all documents whose turn it is."""
    INDEX_BACKLOG = "index_backlog"
    """Put the letters of one piece of an import into the index."""
    RECOGNISE_BACKLOG = "recognise_backlog"
    """OCR of an attachment that came with an import."""
    EXPORT = "export"
    """Make a file that a person asked for and that takes longer than a page may."""
    PRUNE_JOBS = "prune_jobs"
    """Turn the rows of jobs that were done a month ago into figures."""


class Job(Base):
    """One job. ``params`` holds ids and flags, never document text."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state_run_after", "state", "run_after"),
        Index("ix_jobs_kind_subject", "kind", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[JobKind] = mapped_column(Code(JobKind))
    subject_id: Mapped[int] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(String(32), default="")
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[JobState] = mapped_column(Code(JobState), default=JobState.QUEUED)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    run_after: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str] = mapped_column(String(64), default="")
    begun_irrevocable_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error_detail: Mapped[str] = mapped_column(Text, default="")
    progress: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the present or last try began."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JobSchedule(Base):
    """The last due time of a kind that was served: who moves it asks for the job, in one transaction."""

    __tablename__ = "job_schedules"

    kind: Mapped[JobKind] = mapped_column(Code(JobKind), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker now holds. ``worker`` and ``attempts`` are its fence: another claim changes them."""

    id: JobId
    kind: JobKind
    subject_id: int
    params: dict[str, Any]
    attempts: int
    worker: str


def new(
    kind: JobKind,
    subject_id: int,
    *,
    now: datetime,
    reason: str = "",
    run_after: datetime | None = None,
    params: dict[str, Any] | None = None,
) -> Job:
    """A job row, not yet of any transaction (the unit of work writes it last, see ``write``)."""
    return Job(
        kind=kind,
        subject_id=subject_id,
        reason=reason,
        params=params or {},
        created_at=now,
        run_after=run_after or now,
    )


_NEW = insert(table_of(Job)).returning(table_of(Job).c.id, sort_by_parameter_order=True)


def write(session: Session, asked: Sequence[Job]) -> None:
    """Insert jobs that ``new`` made, in their order, and give each its id; they stay outside of the session."""
    names = ("kind", "subject_id", "reason", "params", "created_at", "run_after")
    ids = session.scalars(_NEW, [{name: getattr(job, name) for name in names} for job in asked])
    for job, job_id in zip(asked, ids, strict=True):
        job.id = job_id


def due(
    session: Session, *, now: datetime, kinds: Collection[JobKind] = tuple(JobKind), limit: int = 50
) -> list[JobId]:
    """Jobs of these kinds that may run: queued and due, or running under a lease that ended (the worker was killed)."""
    found = select(Job.id).where(_ready(now), Job.kind.in_(kinds)).order_by(Job.id).limit(limit)
    return [JobId(i) for i in session.scalars(found)]


def _ready(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= now),
        and_(Job.state == JobState.RUNNING, Job.lease_until < now),
    )


def claim(
    session: Session, job_id: JobId, *, worker: str, now: datetime, lease: timedelta = LEASE
) -> ClaimedJob | None:
    """Take a job, or None when another worker has it, it is done, or it must wait for a person."""
    job = next(iter(locks.hold_free(session, Job, Job.id == job_id)), None)
    if job is None or job.state not in LIVE_STATES:
        return None
    if job.state is JobState.RUNNING and job.lease_until is not None and job.lease_until >= now:
        return None
    if job.begun_irrevocable_at is not None:
        job.state, job.lease_until, job.finished_at = JobState.UNCERTAIN, None, now
        return None
    if job.attempts >= MAX_ATTEMPTS:
        # It never failed in words, and its workers are all dead: taken up once more it would kill the next one.
        job.state, job.lease_until, job.finished_at = JobState.FAILED, None, now
        job.error_code, job.error_detail = WORKER_LOST, ""
        return None
    job.state, job.worker, job.lease_until, job.started_at = JobState.RUNNING, worker, now + lease, now
    job.attempts += 1
    return ClaimedJob(JobId(job.id), job.kind, job.subject_id, dict(job.params), job.attempts, worker)


def claim_more(
    session: Session, kind: JobKind, *, worker: str, now: datetime, limit: int, lease: timedelta = LEASE
) -> list[ClaimedJob]:
    """Take further jobs of a kind that are due, oldest first, to do them in one go: one statement for all.

    What only a person may decide, and what killed all its workers, is left to ``claim``.
    """
    may_run = and_(_ready(now), Job.begun_irrevocable_at.is_(None), Job.attempts < MAX_ATTEMPTS)
    free = locks.free_keys(Job, may_run, Job.kind == kind, limit=limit)
    taken = session.execute(
        update(Job)
        .where(Job.id.in_(free))
        .values(
            state=JobState.RUNNING, worker=worker, lease_until=now + lease, started_at=now, attempts=Job.attempts + 1
        )
        .returning(Job.id, Job.subject_id, Job.params, Job.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    held = [ClaimedJob(JobId(row.id), kind, row.subject_id, dict(row.params), row.attempts, worker) for row in taken]
    return sorted(held, key=lambda job: job.id)


def outage_until(session: Session, kind: JobKind, *, now: datetime) -> datetime | None:
    """Until when jobs of a kind wait for a server that was found away; None when it is not known to be."""
    return session.scalar(
        select(func.max(Job.run_after)).where(
            Job.kind == kind, Job.state == JobState.QUEUED, Job.error_code == AWAY, Job.run_after > now
        )
    )


def wait_out(
    session: Session,
    held: Collection[ClaimedJob],
    *,
    now: datetime,
    until: datetime | None = None,
    code: str = AWAY,
) -> None:
    """The server that these jobs need is away: they wait, without an end and without a try counted.

    Args:
        held: those that another worker has meanwhile are left to it.
        code: what they wait for, for the administrator; ``AWAY``: the index (``resume``).
        until: when known from ``outage_until``; otherwise longer at each try, half a minute at most.
    """
    rows = locks.hold_where(session, Job, _held(held))
    longest = max((job.attempts for job in rows), default=1)
    again = until or now + timedelta(seconds=min(BACK_OFF_S[min(longest, len(BACK_OFF_S)) - 1], LONGEST_WAIT_S))
    for job in rows:
        job.state, job.lease_until, job.run_after = JobState.QUEUED, None, again
        job.error_code, job.error_detail = code, ""
        job.attempts = min(job.attempts, MAX_ATTEMPTS // 2) if until is None else job.attempts - 1


def resume(session: Session, kind: JobKind, *, now: datetime) -> None:
    """The server is back: those that wait for it may run at once."""
    session.execute(
        update(Job)
        .where(Job.kind == kind, Job.state == JobState.QUEUED, Job.error_code == AWAY)
        .values(run_after=now, error_code="")
    )


# --- the fence: what a worker says of a job counts only while it holds the job


def _held(held: Collection[ClaimedJob]) -> ColumnElement[bool]:
    keys = [(job.id, job.worker, job.attempts) for job in held]
    return and_(Job.state == JobState.RUNNING, tuple_(Job.id, Job.worker, Job.attempts).in_(keys))


def _change(session: Session, held: Collection[ClaimedJob], values: dict[str, Any]) -> int:
    """Write to the rows of jobs that are still held; tells how many they were.

    Raises:
        LeaseLost: none of them is.
    """
    changed = session.execute(
        update(Job).where(_held(held)).values(**values).returning(Job.id).execution_options(synchronize_session=False)
    ).all()
    if held and not changed:
        raise LeaseLost("job.lease_lost", "another worker has this job now", job=min(job.id for job in held))
    return len(changed)


def renew(
    session: Session,
    held: Collection[ClaimedJob],
    *,
    now: datetime,
    lease: timedelta = LEASE,
    progress: str | None = None,
) -> None:
    """Keep the lease of jobs that run, and say how far they are.

    In the transaction of a job's result it is the fence: the rows stay locked until the commit, so that nobody takes
    the job over in between.

    Raises:
        LeaseLost: ``job.lease_lost``: another worker has them, or a person settled them.
    """
    values: dict[str, Any] = {"lease_until": now + lease}
    if progress is not None:
        values["progress"] = progress
    _change(session, held, values)


def mark_irrevocable(session: Session, job: ClaimedJob, *, now: datetime) -> None:
    """Say, before the attempt, that what follows cannot be taken back.

    Raises:
        LeaseLost: ``job.lease_lost``.
    """
    _change(session, [job], {"begun_irrevocable_at": now})


def finish(session: Session, job: ClaimedJob, *, now: datetime) -> None:
    """The job is done.

    Raises:
        LeaseLost: ``job.lease_lost``.
    """
    finish_many(session, [job], now=now)


def finish_many(session: Session, held: Collection[ClaimedJob], *, now: datetime) -> None:
    """These jobs are done; those of them that another worker has meanwhile are left to it.

    Raises:
        LeaseLost: ``job.lease_lost``: all of them were lost.
    """
    _change(session, held, {"state": JobState.DONE, "finished_at": now, **_CLEARED})


_CLEARED = {"lease_until": None, "error_code": "", "error_detail": "", "progress": ""}


def fail(session: Session, held: ClaimedJob, error: Exception, *, now: datetime) -> None:
    """Note a failure: another try after a back-off, or a person's turn.

    Raises:
        LeaseLost: ``job.lease_lost``.
    """
    _change(session, [held], {"lease_until": None})
    job = session.get_one(Job, held.id, populate_existing=True)
    expected = isinstance(error, GedError)
    job.error_code = error.code if isinstance(error, GedError) else "job.crashed"
    # Only expected errors are known to carry no document text; of others the type is enough to find them in the log.
    job.error_detail = str(error)[:500] if expected else type(error).__name__
    # A job that lost a race (StaleVersion) reads anew when it runs again.
    retry = (isinstance(error, GedError) and error.retryable) or isinstance(error, StaleVersion) or not expected
    if job.begun_irrevocable_at is not None and not (isinstance(error, GedError) and error.retryable):
        job.state, job.finished_at = JobState.UNCERTAIN, now
    elif retry and job.attempts < MAX_ATTEMPTS:
        job.state = JobState.QUEUED
        job.begun_irrevocable_at = None
        job.run_after = now + timedelta(seconds=BACK_OFF_S[min(job.attempts, len(BACK_OFF_S)) - 1])
    else:
        job.state, job.finished_at = JobState.FAILED, now


# --- what a person decides


def settle(session: Session, job_id: JobId, *, now: datetime) -> bool:
    """A person says that a job which failed or was interrupted is over; False when it is not (or no longer) stopped."""
    stopped = Job.state.in_((JobState.FAILED, JobState.UNCERTAIN))
    settled = session.scalars(
        update(Job)
        .where(Job.id == job_id, stopped)
        .values(state=JobState.DONE, finished_at=now, **_CLEARED)
        .returning(Job.id)
    )
    return settled.first() is not None


def retry(session: Session, job_id: JobId, *, now: datetime) -> None:
    """A person asks for another try.

    Raises:
        NotFound: ``job.unknown``.
        InvalidTransition: ``job.not_failed``.
    """
    job = locks.hold_one(session, Job, job_id)
    if job is None:
        raise NotFound("job.unknown", "the job is gone: reload the list", id=job_id)
    if job.state not in (JobState.FAILED, JobState.UNCERTAIN):
        raise InvalidTransition("job.not_failed", "only a failed job can be tried again", id=job_id)
    job.state, job.attempts, job.run_after, job.begun_irrevocable_at = JobState.QUEUED, 0, now, None
    job.finished_at = None


def open_access_changes(session: Session) -> frozenset[MailId]:
    """Letters whose rights changed while the index does not know it yet: left out of every index query."""
    rows = session.scalars(
        select(Job.subject_id).where(Job.kind == JobKind.INDEX, Job.reason == "access", Job.state.in_(UNSETTLED_STATES))
    )
    return frozenset(MailId(i) for i in rows)


def live_job(session: Session, kind: JobKind) -> JobId | None:
    """A job of a kind that waits or runs."""
    found = select(Job.id).where(Job.kind == kind, Job.state.in_(LIVE_STATES)).limit(1)
    found_id = session.scalar(found)
    return None if found_id is None else JobId(found_id)


def live_state(session: Session, kind: JobKind) -> JobState | None:
    """Of what the clock asks for: RUNNING when a job of the kind runs, otherwise QUEUED when one waits, or None."""
    found = select(Job.state).where(Job.kind == kind, Job.subject_id == 0, Job.state.in_(LIVE_STATES))
    states = set(session.scalars(found.distinct()))
    return JobState.RUNNING if JobState.RUNNING in states else next(iter(states), None)


def progress_of(session: Session, job_id: JobId) -> tuple[JobState, str]:
    """State of a job, and how far it is."""
    return session.execute(select(Job.state, Job.progress).where(Job.id == job_id)).one()


def waiting_of(session: Session, kind: JobKind, subject_ids: Collection[int]) -> int:
    """How many jobs of a kind wait or run for these subjects."""
    some = select(Job.subject_id).where(Job.kind == kind, Job.state.in_(LIVE_STATES))
    return len(set(session.scalars(some)) & set(subject_ids))


def counts_of(session: Session, kind: JobKind) -> dict[JobState, int]:
    """How many jobs of a kind are open, by state."""
    found = select(Job.state, func.count()).where(Job.kind == kind, Job.state.in_(UNSETTLED_STATES)).group_by(Job.state)
    return dict(iter(session.execute(found)))


def latest_id(session: Session) -> int:
    """The highest job number: the version that a rebuilt index document bears."""
    return session.scalar(select(Job.id).order_by(Job.id.desc()).limit(1)) or 0


def covered_id(session: Session, kinds: Collection[JobKind]) -> int:
    """The job up to which all jobs of these kinds are done."""
    opened = session.scalar(select(func.min(Job.id)).where(Job.kind.in_(kinds), Job.state.in_(UNSETTLED_STATES)))
    return latest_id(session) if opened is None else opened - 1


def release(session: Session, worker_prefix: str, *, now: datetime) -> Sequence[int]:
    """Give up the leases of a worker that is known to be dead (embedded: the only worker restarts)."""
    rows = session.scalars(select(Job).where(Job.state == JobState.RUNNING, Job.worker.startswith(worker_prefix))).all()
    for job in rows:
        job.lease_until = now - timedelta(seconds=1)
    return [job.id for job in rows]


def put_back(session: Session, worker: str, *, now: datetime) -> Sequence[int]:
    """A worker that was told to stop gives back what it holds: ready for the next, and no try is counted."""
    rows = locks.hold_where(session, Job, Job.state == JobState.RUNNING, Job.worker == worker)
    for job in rows:
        if job.begun_irrevocable_at is not None:
            job.lease_until = now - timedelta(seconds=1)  # whoever takes it next leaves it to a person
            continue
        job.state, job.lease_until, job.run_after, job.attempts = JobState.QUEUED, None, now, job.attempts - 1
    return [job.id for job in rows]


# --- the clock


def served(session: Session) -> dict[JobKind, datetime]:
    """The last due time of each kind that was served."""
    known = {kind.value for kind in JobKind}
    rows = session.execute(select(type_coerce(JobSchedule.kind, String), JobSchedule.due_at))
    return {JobKind(kind): due_at for kind, due_at in rows if kind in known}


def hold_schedule(session: Session, kind: JobKind) -> JobSchedule:
    """The schedule of a kind, locked until the commit: of two schedulers that look at one moment one waits here."""
    insert_if_missing(session, JobSchedule, kind=kind, due_at=NEVER)
    return locks.hold_where(session, JobSchedule, JobSchedule.kind == kind)[0]
