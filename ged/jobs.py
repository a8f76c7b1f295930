"""The outbox: a job is a row, committed with the change that needs it, and submitted after the commit.

States: ``queued`` -> ``running`` -> ``done`` | ``queued`` again after a back-off | ``failed`` (a person retries) |
``uncertain`` (an irrevocable act was interrupted: a person decides).
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnDefault,
    ColumnElement,
    CompoundSelect,
    Index,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged import locks
from ged.db import Base, Code, Id, UtcDateTime, insert_if_missing, only_where, placed, table_of
from ged.errors import DatabaseAway, DiskFull, GedError, InvalidTransition, LeaseLost, NotFound, StaleVersion
from ged.ports import JobId, MailId

LEASE = timedelta(seconds=45)
"""After this time without a heartbeat, another worker may take the job. A worker beats four times as often."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
MAX_ATTEMPTS = 8
WORKER_LOST = "job.worker_lost"
AWAY = "index.unavailable"
"""Error code of jobs that wait for the index, whatever the cause of the outage."""
LONGEST_WAIT_S = 30
BACK_OFF_S = (1, 5, 20, 60, 300, 900, 3600, 3600)
LONGEST_AHEAD = timedelta(hours=2)
"""No job is put off for as long as this (``BACK_OFF_S``), and no clock may be so far from another."""
OF_THE_NOTE = (DatabaseAway, DiskFull)
"""Errors that may have met the note of an irrevocable act, after it was done: to try again would do it twice."""


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


LIVE_STATES = (JobState.QUEUED, JobState.RUNNING)
"""States of a job that waits for a worker or runs."""
UNSETTLED_STATES = (*LIVE_STATES, JobState.FAILED, JobState.UNCERTAIN)


class JobKind(StrEnum):
    """The kinds of job. The table in ``ged.pipeline`` gives the lane, function, limit and schedule of each."""

    INTAKE = "intake"
    """Inspect the pages of a batch, split it at labels, make scans or join them to their numbers."""
    RECOGNISE = "recognise"
    """OCR of an attachment."""
    INDEX = "index"
    """Index the present state of a letter."""
    CHECK_SIGNATURES = "check_signatures"
    """Check the signatures of a received file."""
    NOTIFY = "notify"
    """Send an e-mail (irrevocable)."""
    COLLECT_MAIL = "collect_mail"
    """Collect the messages of the mailboxes."""
    SEAL = "seal"
    """Sign the journal's head and write it outside the database."""
    CLOSE_DAYS = "close_days"
    """Close the past days of the registers."""
    ANCHOR = "anchor"
    """Anchor the journal: a Merkle root over all entries, time-stamped by an outside authority."""
    SWEEP = "sweep"
    """Remove files of transactions that were rolled back."""
    CHECK_FIXITY = "check_fixity"
    """Compare stored bytes with their digests."""
    READ_SCAN = "read_scan"
    """Read the first and last page of a waiting scan, for suggestions to the clerk."""
    LEARN = "learn"
    """Learn from the register how clerks and authorities decide."""
    ALERTS = "alerts"
    """Check whether followed searches (or one of them) find new letters."""
    ALERT_MAIL = "alert_mail"
    """Send the e-mail of an alert (irrevocable)."""
    REMINDER_MAIL = "reminder_mail"
    """Send the e-mail of a reminder to one person (irrevocable)."""
    REBUILD_INDEX = "rebuild_index"
    """Build a new index beside the live index."""
    PRESERVE = "preserve"
    """Raise the signatures of a document (its sort is in params) towards B-LTA."""
    PRESERVE_DUE = "preserve_due"
    """Raise and renew the signatures of all documents that are due."""
    INDEX_BACKLOG = "index_backlog"
    """Index the letters of one batch of an import."""
    RECOGNISE_BACKLOG = "recognise_backlog"
    """OCR of an imported attachment."""
    READ_AGAIN = "read_again"
    """Read the doubtful pages of an attachment with the second reader."""
    READ_AGAIN_BACKLOG = "read_again_backlog"
    """Read the doubtful pages of an imported attachment with the second reader."""
    EXPORT = "export"
    """Make a file that a person requested, and that takes longer than a page request may."""
    NOTICES = "notices"
    """Find in the journal what people must be told."""
    NOTICE_MAIL = "notice_mail"
    """Send an e-mail about notices (irrevocable)."""
    NOTICE_DIGEST = "notice_digest"
    """Order the e-mails of the morning."""
    REMIND = "remind"
    """Remind of the dates of assignments, by rule."""
    MAIL_LOOP = "mail_loop"
    """Write a message to our own address, to see that e-mail goes out and comes in."""
    WORD_PAGES = "word_pages"
    """Make the pages of a letter that is written in Word."""
    ORGANISATION_ACTS = "organisation_acts"
    """Do the changes of the organisation that are planned for today."""
    TAKE_OVER = "take_over"
    """Take in a register that was kept as a spreadsheet."""
    TAKE_OVER_SCANS = "take_over_scans"
    """Join the files of a folder of scans to the letters whose numbers they bear."""
    ENTITY_EXPORT = "entity_export"
    """Write an entity, sealed for the installation that takes it in."""
    DIRECTORY_CHECK = "directory_check"
    """Ask the directory for the people who are signed in: whoever is closed there is signed out here."""
    FIGURES = "figures"
    """Count the letters of the acts since the last run."""
    HEAL_FIGURES = "heal_figures"
    """Compare what is counted with the register, and count again where they differ."""
    MONTHLY_REPORTS = "monthly_reports"
    """Make the reports of the months that have ended, for the entities that want them."""
    PROVE_REPORT = "prove_report"
    """Prove a monthly report that somebody asked about."""
    PRUNE_JOBS = "prune_jobs"
    """Turn the rows of jobs finished a month ago into figures."""


BACKLOG = (JobKind.INDEX_BACKLOG, JobKind.RECOGNISE_BACKLOG, JobKind.READ_AGAIN_BACKLOG)
"""Jobs of an archive that is taken over. They may wait for weeks, so their age says nothing."""
CURRENT = tuple(kind for kind in JobKind if kind not in BACKLOG)
"""All other jobs."""


class Job(Base):
    """One job. ``params`` holds ids and flags, never document text."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state_run_after", "state", "run_after"),
        Index("ix_jobs_kind_subject", "kind", "subject_id"),
        Index("ix_jobs_live", "kind", "id", **only_where("state IN ('queued', 'running')")),
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
    """When the present or last attempt began."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JobSchedule(Base):
    """The last due time of a kind that was served. It is moved in the transaction that defers the job."""

    __tablename__ = "job_schedules"

    kind: Mapped[JobKind] = mapped_column(Code(JobKind), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker holds. ``worker`` and ``attempts`` are its fencing token: another claim changes them.

    Attributes:
        began_s: when it was claimed, on the clock of ``time.monotonic``.
    """

    id: JobId
    kind: JobKind
    subject_id: int
    params: dict[str, Any]
    attempts: int
    worker: str
    began_s: float = field(default_factory=time.monotonic, compare=False, repr=False)


def new(
    kind: JobKind,
    subject_id: int,
    *,
    now: datetime,
    reason: str = "",
    run_after: datetime | None = None,
    params: dict[str, Any] | None = None,
) -> Job:
    """A job row that is not yet in a session (the unit of work writes it last, see ``write``)."""
    return Job(
        kind=kind,
        subject_id=subject_id,
        reason=reason,
        params=params or {},
        created_at=now,
        run_after=run_after or now,
    )


_GIVEN = ("kind", "subject_id", "reason", "params", "created_at", "run_after")
# A statement of Together must name its defaults: SQLAlchemy does not apply them there.
_DEFAULTS = {
    one.name: one.default.arg
    for one in table_of(Job).columns
    if isinstance(one.default, ColumnDefault) and one.default.is_scalar
}
_NEW = insert(table_of(Job)).returning(table_of(Job).c.id, sort_by_parameter_order=True)
ONE = (
    insert(table_of(Job))
    .values(_DEFAULTS | {name: placed(f"job_{name}") for name in _GIVEN})
    .returning(table_of(Job).c.id)
)
"""The statement that inserts one job, for ``Together``. ``values_of_one`` makes its values; it returns the id."""


def values_of_one(job: Job) -> dict[str, Any]:
    """The values of the statement ``ONE``."""
    return {f"job_{name}": getattr(job, name) for name in _GIVEN}


def write(session: Session, asked: Sequence[Job]) -> None:
    """Insert jobs made by ``new``, in their order, and set their ids. The rows stay outside of the session."""
    ids = session.scalars(_NEW, [{name: getattr(job, name) for name in _GIVEN} for job in asked])
    for job, job_id in zip(asked, ids, strict=True):
        job.id = job_id


def due(
    session: Session, *, now: datetime, kinds: Collection[JobKind] = tuple(JobKind), limit: int = 50
) -> list[JobId]:
    """Jobs of these kinds that may run: queued and due, or running with an expired lease (the worker was killed).

    The oldest come first. The million jobs of an archive cost the other kinds nothing.
    """
    return [JobId(i) for i in session.scalars(_oldest_of(frozenset(kinds)), {"due_now": now, "due_limit": limit})]


@cache
def _oldest_of(kinds: frozenset[JobKind]) -> CompoundSelect[int]:
    """The statement of ``due``. Workers ask it some times a second, so it is composed once.

    Each kind is read in its own order (``ix_jobs_live``), and no further than the limit. With one condition over all kinds
    the database walked by id, past every job of an archive that had been queued before: half a second among a million.
    """
    now, limit = bindparam("due_now", type_=Job.run_after.type), bindparam("due_limit", type_=Integer)
    each = (
        select(Job.id).where(is_live(), _ready(now), Job.kind == kind).order_by(Job.id).limit(limit).subquery()
        for kind in sorted(kinds)
    )
    found = union_all(*(select(one.c.id) for one in each))
    return found.order_by(found.selected_columns.id).limit(limit)


def is_live() -> ColumnElement[bool]:
    """The condition of ``ix_jobs_live``, written into the statement: an index of few rows serves its own condition only."""
    return Job.state.in_([literal(state, Job.state.type, literal_execute=True) for state in LIVE_STATES])


def _ready(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= now),
        and_(Job.state == JobState.RUNNING, Job.lease_until < now),
    )


def claim(
    session: Session, job_id: JobId, *, worker: str, now: datetime, lease: timedelta = LEASE
) -> ClaimedJob | None:
    """Claim a job. None when another worker has it, when it is done, or when it must wait for a person."""
    # Without waiting: whoever holds the row is just claiming or ending this job.
    job = next(iter(locks.hold_free(session, Job, Job.id == job_id)), None)
    if job is None or job.state not in LIVE_STATES:
        return None
    if job.state is JobState.RUNNING and job.lease_until is not None and job.lease_until >= now:
        return None
    # Its worker died between the note and the outcome: nobody knows whether the e-mail has left.
    if job.begun_irrevocable_at is not None:
        job.state, job.lease_until, job.finished_at = JobState.UNCERTAIN, None, now
        return None
    if job.attempts >= MAX_ATTEMPTS:
        # No attempt ended with an error, and all its workers died: another attempt would kill the next worker.
        job.state, job.lease_until, job.finished_at = JobState.FAILED, None, now
        job.error_code, job.error_detail = WORKER_LOST, ""
        return None
    job.state, job.worker, job.lease_until, job.started_at = JobState.RUNNING, worker, now + lease, now
    job.attempts += 1
    return ClaimedJob(JobId(job.id), job.kind, job.subject_id, dict(job.params), job.attempts, worker)


def claim_more(
    session: Session, kind: JobKind, *, worker: str, now: datetime, limit: int, lease: timedelta = LEASE
) -> list[ClaimedJob]:
    """Claim further due jobs of a kind, the oldest first, in one statement, to run them together.

    Jobs that only a person may decide, and jobs that killed all their workers, are left to ``claim``.
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
    """Until when jobs of a kind wait for an unreachable server; None when no outage is known."""
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
    """Requeue jobs whose server is unreachable. They wait without limit, and the attempt is not counted.

    Args:
        held: jobs that another worker has meanwhile are left alone.
        code: what the jobs wait for, for the administrator; ``AWAY``: the index (``resume``).
        until: end of the wait, if known from ``outage_until``; else longer at each attempt, at most half a minute.
    """
    rows = locks.hold_where(session, Job, _held(held))
    longest = max((job.attempts for job in rows), default=1)
    again = until or now + timedelta(seconds=min(BACK_OFF_S[min(longest, len(BACK_OFF_S)) - 1], LONGEST_WAIT_S))
    for job in rows:
        job.state, job.lease_until, job.run_after = JobState.QUEUED, None, again
        job.error_code, job.error_detail = code, ""
        # The pauses grow with the attempts, and these stop at the half: a long outage must not make the job fail.
        job.attempts = min(job.attempts, MAX_ATTEMPTS // 2) if until is None else job.attempts - 1


def resume(session: Session, kind: JobKind, *, now: datetime) -> None:
    """Let jobs that waited for the server run at once: the server is back."""
    session.execute(
        update(Job)
        .where(Job.kind == kind, Job.state == JobState.QUEUED, Job.error_code == AWAY)
        .values(run_after=now, error_code="")
    )


# --- the fence: a worker may change a job's row only while it holds the job


def _held(held: Collection[ClaimedJob]) -> ColumnElement[bool]:
    keys = [(job.id, job.worker, job.attempts) for job in held]
    return and_(Job.state == JobState.RUNNING, tuple_(Job.id, Job.worker, Job.attempts).in_(keys))


def _change(session: Session, held: Collection[ClaimedJob], values: dict[str, Any]) -> int:
    """Update the rows of jobs that are still held; returns their number.

    Raises:
        LeaseLost: no job is held any more.
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
    """Renew the lease of running jobs, and store their progress.

    In the transaction of a job's result this call is the fence: the rows stay locked until the commit, so that no other
    worker can claim the job in between.

    Raises:
        LeaseLost: ``job.lease_lost``: another worker has the jobs, or a person settled them.
    """
    values: dict[str, Any] = {"lease_until": now + lease}
    if progress is not None:
        values["progress"] = progress
    _change(session, held, values)


def mark_irrevocable(session: Session, job: ClaimedJob, *, now: datetime) -> None:
    """Record, before an irrevocable act, that it is about to begin.

    Raises:
        LeaseLost: ``job.lease_lost``.
    """
    _change(session, [job], {"begun_irrevocable_at": now})


def finish(session: Session, job: ClaimedJob, *, now: datetime) -> None:
    """Mark a job as done.

    Raises:
        LeaseLost: ``job.lease_lost``.
    """
    finish_many(session, [job], now=now)


def finish_many(session: Session, held: Collection[ClaimedJob], *, now: datetime) -> None:
    """Mark jobs as done. Jobs that another worker has meanwhile are left alone.

    Raises:
        LeaseLost: ``job.lease_lost``: all these jobs were lost.
    """
    _change(session, held, {"state": JobState.DONE, "finished_at": now, **_CLEARED})


_CLEARED = {"lease_until": None, "error_code": "", "error_detail": "", "progress": ""}


def fail(session: Session, held: ClaimedJob, error: Exception, *, now: datetime) -> None:
    """Record a failure: the job is retried after a back-off, or waits for a person.

    An irrevocable act that has begun is retried only if the error says that it was not done.

    Raises:
        LeaseLost: ``job.lease_lost``.
    """
    # The fence comes first: whoever lost the job must not even read the row of the one who has it now.
    _change(session, [held], {"lease_until": None})
    # The statement above went past the session, so the row is read anew.
    job = session.get_one(Job, held.id, populate_existing=True)
    expected = isinstance(error, GedError)
    job.error_code = error.code if isinstance(error, GedError) else "job.crashed"
    # Only expected errors are known to carry no document text. For others the type is enough to find them in the log.
    job.error_detail = str(error)[:500] if expected else type(error).__name__
    # A job that lost a race (StaleVersion) reads the new state when it runs again.
    may_repeat = isinstance(error, GedError) and error.retryable
    retry = may_repeat or isinstance(error, StaleVersion) or not expected
    if job.begun_irrevocable_at is not None and (not may_repeat or isinstance(error, OF_THE_NOTE)):
        job.state, job.finished_at = JobState.UNCERTAIN, now
    elif retry and job.attempts < MAX_ATTEMPTS:
        job.state = JobState.QUEUED
        job.begun_irrevocable_at = None
        job.run_after = now + timedelta(seconds=BACK_OFF_S[min(job.attempts, len(BACK_OFF_S)) - 1])
    else:
        job.state, job.finished_at = JobState.FAILED, now


# --- what a person decides


def settle(session: Session, job_id: JobId, *, now: datetime) -> bool:
    """Mark a failed or interrupted job as done, by a person's decision; False when the job is not in such a state."""
    stopped = Job.state.in_((JobState.FAILED, JobState.UNCERTAIN))
    settled = session.scalars(
        update(Job)
        .where(Job.id == job_id, stopped)
        .values(state=JobState.DONE, finished_at=now, **_CLEARED)
        .returning(Job.id)
    )
    return settled.first() is not None


def retry(session: Session, job_id: JobId, *, now: datetime) -> None:
    """Queue a failed job again, by a person's decision.

    Raises:
        NotFound: ``job.unknown``.
        InvalidTransition: ``job.not_failed``.
    """
    job = locks.hold_one(session, Job, job_id)
    if job is None:
        raise NotFound("job.unknown", "the job is gone: reload the list", id=job_id)
    if job.state not in (JobState.FAILED, JobState.UNCERTAIN):
        raise InvalidTransition("job.not_failed", "only a failed job can be tried again", id=job_id)
    # The person decides that the act is begun again, so its note goes; the attempts count from the start.
    job.state, job.attempts, job.run_after, job.begun_irrevocable_at = JobState.QUEUED, 0, now, None
    job.finished_at = None


def open_access_changes(session: Session) -> frozenset[MailId]:
    """Letters whose rights changed, but are not yet indexed. They are left out of every index query."""
    rows = session.scalars(
        # A failed job counts too: until somebody settles it, the index still has the old rights.
        select(Job.subject_id).where(Job.kind == JobKind.INDEX, Job.reason == "access", Job.state.in_(UNSETTLED_STATES))
    )
    return frozenset(MailId(i) for i in rows)


def live_job(session: Session, kind: JobKind) -> JobId | None:
    """The id of a job of a kind that waits or runs; None when there is none."""
    found = select(Job.id).where(Job.kind == kind, Job.state.in_(LIVE_STATES)).limit(1)
    found_id = session.scalar(found)
    return None if found_id is None else JobId(found_id)


def is_unsettled(session: Session, kind: JobKind, *, since: datetime) -> bool:
    """Whether a job of a kind waits or runs, or waits for a person since it failed after ``since``."""
    failed = and_(Job.state.in_((JobState.FAILED, JobState.UNCERTAIN)), Job.finished_at > since)
    found = select(Job.id).where(Job.kind == kind, or_(Job.state.in_(LIVE_STATES), failed)).limit(1)
    return session.scalar(found) is not None


def live_state(session: Session, kind: JobKind) -> JobState | None:
    """For a scheduled kind: RUNNING when a job runs, otherwise QUEUED when a job waits, or None."""
    found = select(Job.state).where(Job.kind == kind, Job.subject_id == 0, Job.state.in_(LIVE_STATES))
    states = set(session.scalars(found.distinct()))
    return JobState.RUNNING if JobState.RUNNING in states else next(iter(states), None)


def progress_of(session: Session, job_id: JobId) -> tuple[JobState, str]:
    """State and progress of a job."""
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
    """The highest job id; a rebuild uses it as the version of index documents."""
    return session.scalar(select(Job.id).order_by(Job.id.desc()).limit(1)) or 0


def covered_id(session: Session, kinds: Collection[JobKind]) -> int:
    """The highest job id up to which all jobs of these kinds are done."""
    opened = session.scalar(select(func.min(Job.id)).where(Job.kind.in_(kinds), Job.state.in_(UNSETTLED_STATES)))
    return latest_id(session) if opened is None else opened - 1


def release(session: Session, worker_prefix: str, *, now: datetime) -> Sequence[int]:
    """End the leases of a worker that is known to be dead (embedded: the only worker restarts)."""
    rows = session.scalars(select(Job).where(Job.state == JobState.RUNNING, Job.worker.startswith(worker_prefix))).all()
    for job in rows:
        job.lease_until = now - timedelta(seconds=1)
    return [job.id for job in rows]


def put_back(session: Session, worker: str, *, now: datetime) -> Sequence[int]:
    """Requeue the jobs of a worker that is stopping. The interrupted attempt is not counted."""
    rows = locks.hold_where(session, Job, Job.state == JobState.RUNNING, Job.worker == worker)
    for job in rows:
        if job.begun_irrevocable_at is not None:
            job.lease_until = now - timedelta(seconds=1)  # the next claim then leaves the job to a person
            continue
        job.state, job.lease_until, job.run_after, job.attempts = JobState.QUEUED, None, now, job.attempts - 1
    return [job.id for job in rows]


# --- the clock


def served(session: Session) -> dict[JobKind, datetime]:
    """The last due time of each kind that was served."""
    known = {kind.value for kind in JobKind}
    rows = session.execute(select(type_coerce(JobSchedule.kind, String), JobSchedule.due_at))
    return {JobKind(kind): due_at for kind, due_at in rows if kind in known}


def is_to_come(at: datetime, *, now: datetime) -> bool:
    """Whether a moment that was noted as past lies so far ahead that the clock was wrong when it was noted."""
    return at > now + LONGEST_AHEAD


def is_put_off(session: Session, *, now: datetime) -> bool:
    """Whether there are jobs for ``bring_back``."""
    found = select(literal(True)).where(or_(*(exists().where(one) for one in _put_off(now))))
    return session.scalar(found) is not None


def _put_off(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    late = now + LONGEST_AHEAD
    return (
        and_(Job.state == JobState.QUEUED, Job.run_after > late),
        and_(Job.state == JobState.RUNNING, Job.lease_until > late),
    )


def bring_back(session: Session, *, now: datetime) -> Sequence[int]:
    """Let jobs run that wait for a moment which only a clock that was ahead can have named. Returns their ids.

    Else what was asked in the minute in which a server took itself for a year older would wait for a year: a reading, a
    job of the index, the next attempt of an e-mail. A running one gets the usual lease, so that it is taken over if its
    worker is dead.
    """
    rows = locks.hold_free(session, Job, or_(*_put_off(now)))
    for job in rows:
        if job.state is JobState.QUEUED:
            job.run_after = now
        else:
            job.lease_until = now + LEASE
    return [job.id for job in rows]


def hold_schedule(session: Session, kind: JobKind) -> JobSchedule:
    """The schedule of a kind, locked until the commit: of two concurrent schedulers, one waits here."""
    insert_if_missing(session, JobSchedule, kind=kind, due_at=NEVER)
    return locks.hold_where(session, JobSchedule, JobSchedule.kind == kind)[0]
