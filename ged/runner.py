"""Runs the function of a job: sends heartbeats while it runs, fences its writes, stores its outcome.

The fence: a job's unit of work commits only while its worker holds the job (``Services.fence``). If a worker was silent
for longer than its lease and another worker claimed the job, the first can commit nothing more.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ged import jobs, log_context
from ged.errors import EngineFailed, GedError, LeaseLost, Overtaken
from ged.faults import fault_of
from ged.jobs import ClaimedJob
from ged.unit import Services, once_more

logger = logging.getLogger(__name__)

BEATS_A_LEASE = 4
SAY_EVERY_S = 1.0
"""Progress is written at most this often. Progress reported in between is written with the next heartbeat."""
JOIN_S = 5.0
TOO_LONG = "job.too_long"


@dataclass(frozen=True)
class Run:
    """The argument of a job's function.

    Attributes:
        services: their units of work commit only while the job is held.
        heartbeat: reports the progress (``3/12``); raises ``LeaseLost`` when the lease is lost.
    """

    services: Services
    job: ClaimedJob
    heartbeat: Callable[[str], None]
    now: datetime


@dataclass(frozen=True)
class Limits:
    """How long a job is held without a heartbeat, how long it may take, and what then ends it.

    Attributes:
        overdue: called in the heartbeat's thread, after the failure was stored: a single-job process then exits.
    """

    work: timedelta
    lease: timedelta = jobs.LEASE
    overdue: Callable[[], None] | None = None


class Beat:
    """Renews the leases of jobs from a separate thread with its own connection, whatever their function does."""

    def __init__(self, services: Services, held: Sequence[ClaimedJob], limits: Limits) -> None:
        self._services, self._held, self._limits = services, held, limits
        self._done, self._lost = threading.Event(), threading.Event()
        self._progress: str | None = None
        self._said_s = float("-inf")
        # In a copy of the context: a thread begins with an empty one, and its lines of the log would not name the job.
        self._thread = threading.Thread(target=copy_context().run, args=(self._beat,), name="heartbeat", daemon=True)

    def __enter__(self) -> "Beat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        # A heartbeat that waits for an unreachable database must not delay the job's end: the fence protects the rows.
        self._thread.join(JOIN_S)

    def fence(self, session: Session) -> None:
        """Make a transaction commit only while the jobs are held.

        Raises:
            LeaseLost: ``job.lease_lost``.
        """
        jobs.renew(session, self._held, now=datetime.now(UTC), lease=self._limits.lease)

    def say(self, progress: str) -> None:
        """Report the progress.

        Raises:
            LeaseLost: ``job.lease_lost``: any further work would be in vain.
        """
        if self._lost.is_set():
            raise LeaseLost("job.lease_lost", "another worker has this job now", job=self._held[0].id)
        self._progress = progress
        if time.monotonic() - self._said_s >= SAY_EVERY_S:
            self._said_s = time.monotonic()
            self._renew()

    def _beat(self) -> None:
        began_s, every_s = time.monotonic(), self._limits.lease.total_seconds() / BEATS_A_LEASE
        until_s = began_s + self._limits.work.total_seconds()
        while not self._done.wait(min(every_s, max(0.0, until_s - time.monotonic()))):
            if time.monotonic() >= until_s:
                self._end_overdue()
                return
            try:
                self._renew()
            except LeaseLost:
                self._lost.set()
                return

    def _renew(self) -> None:
        now = datetime.now(UTC)
        try:
            with self._services.unit_of_work(now) as uow:
                jobs.renew(uow.session, self._held, now=now, lease=self._limits.lease, progress=self._progress)
        except (SQLAlchemyError, Overtaken):
            # The next heartbeat may succeed. At worst the lease expires, and the fence refuses this worker's writes.
            logger.warning("job.beat_missed job=%s", self._held[0].id, exc_info=True)

    def _end_overdue(self) -> None:
        # First: the function stops at its next report of progress, even if the database does not take the failure.
        self._lost.set()
        for job in self._held:
            note_failure(self._services, job, EngineFailed(TOO_LONG, "look at the log, then ask again", job=job.id))
        if self._limits.overdue is not None:
            self._limits.overdue()


def run(
    services: Services, job: ClaimedJob, function: Callable[[Run], None], limits: Limits, *, waits_out: bool = False
) -> None:
    """Run a claimed job. An error is stored in its row, never lost; after a lost lease the row is left alone.

    Args:
        waits_out: while the server that the job needs is unreachable, or has no room, the job waits without limit.
    """
    try:
        with Beat(services, [job], limits) as beat:
            run = Run(replace(services, fence=beat.fence), job, beat.say, datetime.now(UTC))
            once_more(lambda: function(run))
    except LeaseLost:
        logger.warning("job.lease_lost job=%s", job.id)
        return
    except Exception as error:  # noqa: BLE001  # every error is stored in the job's row, for the administrator
        known = fault_of(error) or error  # a full disk is waited for too, whoever met it: the store or the database
        if waits_out and isinstance(known, EngineFailed) and known.retryable:
            wait_out(services, [job], known)
        else:
            note_failure(services, job, known)
        return
    finish(services, [job])


def about(job: ClaimedJob) -> AbstractContextManager[None]:
    """For a block, the lines of the log say which job they are of, and which request asked for it."""
    asked = str(job.params.get(log_context.REQUEST, ""))
    return log_context.bound(
        job=str(job.id), kind=job.kind.value, **{log_context.REQUEST: asked if log_context.is_id(asked) else ""}
    )


def _count(services: Services, job: ClaimedJob, outcome: str) -> float:
    seconds = time.monotonic() - job.began_s
    services.meter.time("ged_job_seconds", seconds, job.kind.value, outcome)
    return seconds


def finish(services: Services, held: Sequence[ClaimedJob]) -> bool:
    """Mark jobs as done; False when other workers have claimed all of them."""
    now = datetime.now(UTC)
    try:
        for attempt in services.attempts(now):
            with attempt as uow:
                jobs.finish_many(uow.session, held, now=now)
    except LeaseLost as lost:
        logger.warning("job.lease_lost job=%s", lost.params["job"])
        return False
    for job in held:
        with about(job):
            logger.info("job.done job=%s kind=%s seconds=%.2f", job.id, job.kind.value, _count(services, job, "done"))
    return True


def wait_out(services: Services, held: Sequence[ClaimedJob], error: EngineFailed) -> None:
    """Requeue jobs whose server is unreachable."""
    logger.warning("job.waits jobs=%s code=%s", len(held), error.code)
    for job in held:
        _count(services, job, "waits")
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        code = jobs.AWAY if error.code.startswith("index.") else error.code
        jobs.wait_out(uow.session, held, now=now, code=code)


def note_failure(services: Services, job: ClaimedJob, error: Exception) -> None:
    """Write a failure to the job's row, and to the log. A full disk and a database that is away are known failures."""
    error = fault_of(error) or error
    if isinstance(error, GedError):
        logger.warning("job.failed job=%s code=%s", job.id, error.code)
    else:
        logger.error("job.crashed job=%s", job.id, exc_info=error)
    _count(services, job, "failed" if isinstance(error, GedError) else "crashed")
    now = datetime.now(UTC)
    try:
        for attempt in services.attempts(now):
            with attempt as uow:
                jobs.fail(uow.session, job, error, now=now)
    except LeaseLost:
        logger.warning("job.lease_lost job=%s", job.id)
