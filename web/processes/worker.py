"""The worker runs the jobs. Embedded, it is one process that polls the table; on servers, RQ calls ``run_job``."""

import fcntl
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy.orm import Session

from ged import index_sync, jobs, pipeline, workers
from ged.config import Settings, load_settings
from ged.errors import ConfigError
from ged.ports import JobId, Lane
from ged.unit import Services
from web.processes import look_around, supervisor
from web.processes.backup_clock import BackupClock
from web.processes.schema_check import require_migrated
from web.wiring.redis_jobs import require_redis, work_for_rq
from web.wiring.services import build_services

logger = logging.getLogger(__name__)

POLL_S = 0.2
PERIODIC_EVERY_S = workers.BEAT_EVERY.total_seconds()
SWEEP_EVERY_S = 2.0
SWEEP_LIMIT = 200
LOST_AFTER = timedelta(seconds=5)
SECOND_WORKER = "worker.second"
"""The code of the error of who asks for the lock of the embedded worker while another process holds it."""
GRACE_S = 5.0
"""How long a stopping worker waits for its jobs before it requeues them."""


_START = secrets.token_hex(4)
"""Distinguishes starts: in a container, host name and process id are the same after each start."""


def worker_name() -> str:
    """Host, process and start: the worker's name in a job's row."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{_START}"


def env_file() -> Path | None:
    """The environment file named by ``GED_ENV_FILE``."""
    name = os.environ.get("GED_ENV_FILE")
    return Path(name) if name else None


@cache
def _services() -> Services:
    # RQ forks a child for each job: each child builds its own connections, once.
    return build_services(load_settings(env_file()), writes_index=True)


def run_job(job_id: int) -> None:
    """Run a job; RQ calls this in a child of its worker."""
    # A stopping RQ worker would wait for its child, and a report of 300 pages takes an hour.
    # In a thread: a signal's handler interrupts the job anywhere, also where it holds the lock that a session needs.
    signal.signal(signal.SIGRTMIN, lambda *_: threading.Thread(target=_give_back, daemon=True).start())
    # Only a child may end like this: nothing else in Python stops a call that hangs in C.
    pipeline.run_job(_services(), JobId(job_id), worker=worker_name(), overdue=lambda: os._exit(1))
    _services().meter.flush(at_once=True)


def _give_back() -> None:
    logger.warning("worker.told_to_stop grace_s=%s", GRACE_S)
    time.sleep(GRACE_S)  # a job that ends meanwhile ends this process
    now = datetime.now(UTC)
    with _services().unit_of_work(now) as uow:
        given_back = jobs.put_back(uow.session, worker_name(), now=now)
    logger.warning("worker.gave_back jobs=%s", given_back)
    logging.shutdown()
    # Not sys.exit: that would end this thread alone.
    os._exit(0)


@contextmanager
def only_worker(data_dir: Path) -> Iterator[None]:
    """Hold the lock of the embedded worker.

    Raises:
        ConfigError: ``worker.second``.
    """
    with (data_dir / "worker.lock").open("w") as place:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                SECOND_WORKER,
                "one worker runs already on this data folder; several workers need GED_DATABASE_URL, GED_REDIS_URL "
                "and GED_ELASTICSEARCH_URL",
                setting="GED_REDIS_URL",
            ) from None
        yield


def run_embedded(settings: Settings, stop: threading.Event) -> bool:
    """Work until ``stop``, in a thread for each lane.

    Returns False when a job was still running after the grace time: the job was requeued, and the process must exit.

    Raises:
        ConfigError: ``worker.second``.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_worker(settings.data_dir):
        # Inside of the lock: tantivy lets one process write.
        services = build_services(settings, writes_index=True)
        now = datetime.now(UTC)
        with services.unit_of_work(now) as uow:
            # We hold the worker's lock: the holders of these leases are dead.
            jobs.release(uow.session, "", now=now)
        lanes = [
            threading.Thread(target=_lane, args=(services, lane, stop), name=lane.value, daemon=True) for lane in Lane
        ]
        for lane in lanes:
            lane.start()
        look_around.start(stop)
        supervisor.tell(supervisor.READY)
        _periodically(_Rounds(services, tuple(Lane), BackupClock(settings, services)), lanes, stop)
        return _ended(services, lanes)


def _ended(services: Services, lanes: list[threading.Thread]) -> bool:
    until = time.monotonic() + GRACE_S
    for lane in lanes:
        lane.join(max(0.0, until - time.monotonic()))
    now = datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        workers.leave(uow.session, worker_name())
    services.meter.flush(at_once=True)
    if not any(lane.is_alive() for lane in lanes):
        return True
    with services.unit_of_work(now) as uow:
        given_back = jobs.put_back(uow.session, worker_name(), now=now)
    logger.warning("worker.gave_back jobs=%s", given_back)
    return False


def _lane(services: Services, lane: Lane, stop: threading.Event) -> None:
    name = worker_name()
    while not stop.is_set():
        try:
            with services.reading() as session:
                waiting = _due(session, lane)
            for job_id in waiting:
                if stop.is_set():
                    return
                pipeline.run_job(services, job_id, worker=name)
        except Exception:
            # The database may be down for a while; the lane's thread must survive this.
            logger.exception("worker.lane_failed")
            waiting = []
            stop.wait(5)
        if not waiting:
            stop.wait(POLL_S)


def _due(session: Session, lane: Lane) -> list[JobId]:
    """The next jobs of a lane. BACKLOG takes one job, and only when no other job waits."""
    now = datetime.now(UTC)
    kinds = pipeline.kinds_of(lane)
    if lane is not Lane.BACKLOG:
        return jobs.due(session, now=now, kinds=kinds, limit=20)
    if jobs.due(session, now=now, kinds=pipeline.KINDS.keys() - kinds, limit=1):
        return []
    return jobs.due(session, now=now, kinds=kinds, limit=1)


class _Rounds:
    """What each worker does now and then, whatever hands it its jobs: it shows that it lives, and plans the scheduled jobs."""

    def __init__(self, services: Services, lanes: Sequence[Lane], clock: BackupClock) -> None:
        self.services = services
        self._lanes, self._clock = lanes, clock
        self._is_index_in_order = False

    def take(self, *, now: datetime) -> None:
        """One round."""
        # Once it was in order, only another release makes it outdated, and that one has workers of its own.
        if not self._is_index_in_order:
            self._is_index_in_order = index_sync.ask_rebuild_if_outdated(self.services, now=now)
        with self.services.unit_of_work(now) as uow:
            workers.beat(uow.session, worker_name(), host=socket.gethostname(), lanes=self._lanes, now=now)
        pipeline.schedule_periodic(self.services, now=now)
        self._clock.look(now)


def _periodically(rounds: _Rounds, lanes: Sequence[threading.Thread], stop: threading.Event) -> None:
    while not stop.is_set():
        # Without one of its lanes a worker does half of its work, for ever: it is better started again.
        if all(lane.is_alive() for lane in lanes):
            supervisor.tell(supervisor.ALIVE)
        try:
            rounds.take(now=datetime.now(UTC))
        except Exception:
            logger.exception("worker.periodic_failed")
        rounds.services.meter.flush()
        stop.wait(PERIODIC_EVERY_S)


def run_servers(settings: Settings, stop: threading.Event, *, lanes: Sequence[Lane] = tuple(Lane)) -> None:
    """Work for RQ until stopped. A thread resubmits jobs that a crash lost between commit and queue.

    Args:
        lanes: that this worker takes jobs of; what was lost it resubmits of all.

    Raises:
        ConfigError: ``worker.redis_unreachable`` at the start. A later outage of Redis is waited out.
    """
    between_sweeps = threading.Lock()
    services = build_services(settings)
    require_redis(settings)
    # Before the first message is taken: children would each learn it by a job that fails.
    require_migrated(settings)
    rounds = _Rounds(services, lanes, BackupClock(settings, services))
    sweeper = threading.Thread(target=_resubmit, args=(rounds, stop, between_sweeps), name="sweep", daemon=True)
    sweeper.start()
    look_around.start(stop)
    supervisor.tell(supervisor.READY)
    # RQ needs a new name for each start: it refuses a name that it remembers.
    work_for_rq(
        settings,
        name=lambda: f"ged-{worker_name()}-{secrets.token_hex(4)}",
        lanes=lanes,
        stop=stop,
        between_sweeps=between_sweeps,
    )
    stop.set()
    sweeper.join(GRACE_S)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        workers.leave(uow.session, worker_name())


def _resubmit(rounds: _Rounds, stop: threading.Event, between_sweeps: threading.Lock) -> None:
    periodic_at = time.monotonic()
    while not stop.wait(SWEEP_EVERY_S):
        supervisor.tell(supervisor.ALIVE)
        try:
            # RQ forks under this lock: else a child could inherit a lock that this thread holds, and no thread that releases it.
            with between_sweeps:
                sweep_lost(rounds.services, now=datetime.now(UTC))
                if time.monotonic() >= periodic_at:
                    rounds.take(now=datetime.now(UTC))
                    periodic_at = time.monotonic() + PERIODIC_EVERY_S
        except Exception:
            logger.exception("worker.sweep_failed")


def sweep_lost(services: Services, *, now: datetime) -> int:
    """Submit ready jobs without a message in the queue: the message or the worker was lost, or they are an archive's."""
    submitted = 0
    for lane in Lane:
        waiting = services.queue.waiting(lane)
        if waiting is None:  # workers have enough to do; what was lost is seen once they have taken most of it
            continue
        kinds = pipeline.kinds_of(lane)
        with services.reading() as session:
            due = jobs.due(session, now=now - LOST_AFTER, kinds=kinds, limit=len(waiting) + SWEEP_LIMIT)
        for job_id in [job_id for job_id in due if job_id not in waiting][:SWEEP_LIMIT]:
            services.queue.submit(job_id, lane=lane)
            submitted += 1
    return submitted
