"""The outbox: a job is a row committed with the change that asks for it, and only then submitted.

States: ``queued`` -> ``running`` -> ``done`` | ``queued`` again after a back-off | ``failed`` (a person retries) |
``uncertain`` (what cannot be taken back was interrupted: a person decides).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Integer, String, Text, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged import locks
from ged.db import Base, Code, Id, UtcDateTime
from ged.errors import GedError, InvalidTransition, NotFound, StaleVersion
from ged.ports import JobId, Lane, MailId

LEASE = timedelta(seconds=45)
MAX_ATTEMPTS = 8
WORKER_LOST = "job.worker_lost"
AWAY = "index.unavailable"
"""Code in the rows of jobs that wait for a server which is away."""
LONGEST_WAIT_S = 30
BACK_OFF_S = (1, 5, 20, 60, 300, 900, 3600, 3600)


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.UNCERTAIN)


class JobKind(StrEnum):
    """What a worker can do; ``ged.pipeline`` maps each kind to its function."""

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


SLOW_KINDS = frozenset(
    {
        JobKind.RECOGNISE,
        JobKind.CHECK_FIXITY,
        JobKind.READ_SCAN,
        JobKind.LEARN,
        JobKind.REBUILD_INDEX,
        JobKind.PRESERVE,
        JobKind.PRESERVE_DUE,
    }
)
"""What takes minutes and travels in a lane of its own: a clerk's letter is indexed while a report of 300 pages is read."""

BACKLOG_KINDS = frozenset({JobKind.INDEX_BACKLOG, JobKind.RECOGNISE_BACKLOG})
"""What an archive that was taken over leaves to do: it waits for all that is of today."""

DESK_KINDS = frozenset({JobKind.READ_SCAN})
"""Of the slow ones, those that a clerk waits for: the embedded worker has a third lane for them."""


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
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def lane_of(kind: JobKind) -> Lane:
    """The lane in which a kind of job travels."""
    if kind in BACKLOG_KINDS:
        return Lane.BACKLOG
    return Lane.SLOW if kind in SLOW_KINDS else Lane.QUICK


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker now holds."""

    id: JobId
    kind: JobKind
    subject_id: int
    params: dict[str, Any]
    attempts: int


def new(
    kind: JobKind,
    subject_id: int,
    *,
    now: datetime,
    reason: str = "",
    run_after: datetime | None = None,
    params: dict[str, Any] | None = None,
) -> Job:
    """A job row, not yet of any transaction (the unit of work adds it last)."""
    return Job(
        kind=kind,
        subject_id=subject_id,
        reason=reason,
        params=params or {},
        created_at=now,
        run_after=run_after or now,
    )


def due(
    session: Session, *, now: datetime, kinds: Collection[JobKind] = tuple(JobKind), limit: int = 50
) -> list[JobId]:
    """Jobs of these kinds that may run: queued and due, or running under a lease that ended (the worker was killed)."""
    ready = or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= now),
        and_(Job.state == JobState.RUNNING, Job.lease_until < now),
    )
    found = select(Job.id).where(ready, Job.kind.in_(kinds)).order_by(Job.id).limit(limit)
    return [JobId(i) for i in session.scalars(found)]


def claim(session: Session, job_id: JobId, *, worker: str, now: datetime) -> ClaimedJob | None:
    """Take a job, or None when another worker has it, it is done, or it must wait for a person."""
    job = next(iter(locks.hold_free(session, Job, Job.id == job_id)), None)
    if job is None or job.state not in (JobState.QUEUED, JobState.RUNNING):
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
    job.state, job.worker, job.lease_until = JobState.RUNNING, worker, now + LEASE
    job.attempts += 1
    return ClaimedJob(JobId(job.id), job.kind, job.subject_id, dict(job.params), job.attempts)


def claim_more(session: Session, kind: JobKind, *, worker: str, now: datetime, limit: int) -> list[ClaimedJob]:
    """Take further jobs of a kind that are due, oldest first, to do them in one go."""
    found = due(session, now=now, kinds=(kind,), limit=limit)
    claimed = (claim(session, job_id, worker=worker, now=now) for job_id in found)
    return [job for job in claimed if job is not None]


def outage_until(session: Session, kind: JobKind, *, now: datetime) -> datetime | None:
    """Until when jobs of a kind wait for a server that was found away; None when it is not known to be."""
    return session.scalar(
        select(func.max(Job.run_after)).where(
            Job.kind == kind, Job.state == JobState.QUEUED, Job.error_code == AWAY, Job.run_after > now
        )
    )


def wait_out(session: Session, job_ids: Collection[int], *, now: datetime, until: datetime | None = None) -> None:
    """The server that these jobs need is away: they wait, without an end and without a try counted.

    Args:
        until: when known from ``outage_until``; otherwise longer at each try, half a minute at most.
    """
    rows = locks.hold(session, Job, job_ids)
    longest = max((job.attempts for job in rows), default=1)
    again = until or now + timedelta(seconds=min(BACK_OFF_S[min(longest, len(BACK_OFF_S)) - 1], LONGEST_WAIT_S))
    for job in rows:
        job.state, job.lease_until, job.run_after = JobState.QUEUED, None, again
        job.error_code, job.error_detail = AWAY, ""
        job.attempts = min(job.attempts, MAX_ATTEMPTS // 2) if until is None else job.attempts - 1


def resume(session: Session, kind: JobKind, *, now: datetime) -> None:
    """The server is back: those that wait for it may run at once."""
    session.execute(
        update(Job)
        .where(Job.kind == kind, Job.state == JobState.QUEUED, Job.error_code == AWAY)
        .values(run_after=now, error_code="")
    )


def renew(session: Session, job_id: JobId, *, worker: str, now: datetime, progress: str | None = None) -> None:
    """Keep the lease of a long job, and say how far it is."""
    values: dict[str, Any] = {"lease_until": now + LEASE}
    if progress is not None:
        values["progress"] = progress
    session.execute(
        update(Job).where(Job.id == job_id, Job.worker == worker, Job.state == JobState.RUNNING).values(**values)
    )


def mark_irrevocable(session: Session, job_id: JobId, *, now: datetime) -> None:
    """Say, before the attempt, that what follows cannot be taken back."""
    session.execute(update(Job).where(Job.id == job_id).values(begun_irrevocable_at=now))


def finish(session: Session, job_id: JobId, *, now: datetime) -> None:
    """The job is done."""
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=JobState.DONE, finished_at=now, lease_until=None, error_code="", error_detail="", progress="")
    )


def finish_many(session: Session, job_ids: Collection[int], *, now: datetime) -> None:
    """These jobs are done."""
    done = {"state": JobState.DONE, "finished_at": now, "lease_until": None}
    session.execute(update(Job).where(Job.id.in_(job_ids)).values(**done, error_code="", error_detail="", progress=""))


def fail(session: Session, job_id: JobId, error: Exception, *, now: datetime) -> None:
    """Note a failure: another try after a back-off, or a person's turn."""
    job = locks.hold_known(session, Job, job_id)
    expected = isinstance(error, GedError)
    job.error_code = error.code if isinstance(error, GedError) else "job.crashed"
    # Only expected errors are known to carry no document text; of others the type is enough to find them in the log.
    job.error_detail = str(error)[:500] if expected else type(error).__name__
    job.lease_until = None
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
        select(Job.subject_id).where(Job.kind == JobKind.INDEX, Job.reason == "access", Job.state.in_(OPEN_STATES))
    )
    return frozenset(MailId(i) for i in rows)


def open_job(session: Session, kind: JobKind) -> JobId | None:
    """A job of a kind that waits or runs."""
    found = select(Job.id).where(Job.kind == kind, Job.state.in_((JobState.QUEUED, JobState.RUNNING))).limit(1)
    found_id = session.scalar(found)
    return None if found_id is None else JobId(found_id)


def progress_of(session: Session, job_id: JobId) -> tuple[JobState, str]:
    """State of a job, and how far it is."""
    return session.execute(select(Job.state, Job.progress).where(Job.id == job_id)).one()


def waiting_of(session: Session, kind: JobKind, subject_ids: Collection[int]) -> int:
    """How many jobs of a kind wait or run for these subjects."""
    some = select(Job.subject_id).where(Job.kind == kind, Job.state.in_((JobState.QUEUED, JobState.RUNNING)))
    return len(set(session.scalars(some)) & set(subject_ids))


def counts_of(session: Session, kind: JobKind) -> dict[JobState, int]:
    """How many jobs of a kind are open, by state."""
    found = select(Job.state, func.count()).where(Job.kind == kind, Job.state.in_(OPEN_STATES)).group_by(Job.state)
    return dict(iter(session.execute(found)))


def latest_id(session: Session) -> int:
    """The highest job number: the version that a rebuilt index document bears."""
    return session.scalar(select(Job.id).order_by(Job.id.desc()).limit(1)) or 0


def covered_id(session: Session, kinds: Collection[JobKind]) -> int:
    """The job up to which all jobs of these kinds are done."""
    opened = session.scalar(select(func.min(Job.id)).where(Job.kind.in_(kinds), Job.state.in_(OPEN_STATES)))
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
