"""The worker: does the jobs. Embedded it is one process that looks at the table; on servers RQ calls ``run_job``."""

import fcntl
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from ged import jobs, pipeline
from ged.config import Settings, load_settings
from ged.errors import ConfigError
from ged.jobs import JobKind
from ged.ports import JobId
from ged.unit import Services
from web.bootstrap import build_services

logger = logging.getLogger(__name__)

POLL_S = 0.2
PERIODIC_EVERY_S = 60.0
LOST_AFTER = timedelta(seconds=10)


def worker_name() -> str:
    """Host and process: what a job's row says of who has it."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def env_file() -> Path | None:
    """The environment file named by ``GED_ENV_FILE``."""
    name = os.environ.get("GED_ENV_FILE")
    return Path(name) if name else None


@cache
def _services() -> Services:
    # RQ forks a child per job: each builds its own connections, once.
    return build_services(load_settings(env_file()), writes_index=True)


def run_job(job_id: int) -> None:
    """What RQ runs."""
    pipeline.run_job(_services(), JobId(job_id), worker=worker_name())


@contextmanager
def only_worker(data_dir: Path) -> Iterator[None]:
    """Hold the place of the one embedded worker.

    Raises:
        ConfigError: ``worker.second``.
    """
    with (data_dir / "worker.lock").open("w") as place:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                "worker.second",
                "one worker runs already on this data folder; several workers need GED_DATABASE_URL, GED_REDIS_URL "
                "and GED_ELASTICSEARCH_URL",
                setting="GED_REDIS_URL",
            ) from None
        yield


def run_embedded(settings: Settings, stop: threading.Event) -> None:
    """Work until ``stop``: one lane for what is quick, one for what is slow, so that a clerk never waits for OCR.

    Raises:
        ConfigError: ``worker.second``.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_worker(settings.data_dir):
        services = build_services(settings, writes_index=True)
        now = datetime.now(UTC)
        with services.unit_of_work(now) as uow:
            # The place is ours: whoever held these leases is dead.
            jobs.release(uow.session, "", now=now)
        lanes = [
            threading.Thread(target=_lane, args=(services, kinds, stop), name=name)
            for name, kinds in (("quick", pipeline.FAST_KINDS), ("slow", pipeline.SLOW_KINDS))
        ]
        for lane in lanes:
            lane.start()
        _periodically(services, stop)
        for lane in lanes:
            lane.join()


def _lane(services: Services, kinds: frozenset[JobKind], stop: threading.Event) -> None:
    name = worker_name()
    while not stop.is_set():
        try:
            with services.reading() as session:
                waiting = jobs.due(session, now=datetime.now(UTC), kinds=kinds, limit=20)
            for job_id in waiting:
                if stop.is_set():
                    return
                pipeline.run_job(services, job_id, worker=name)
        except Exception:
            # The database may be away for a while; the lane must outlive it.
            logger.exception("worker.lane_failed")
            waiting = []
            stop.wait(5)
        if not waiting:
            stop.wait(POLL_S)


def _periodically(services: Services, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            pipeline.schedule_periodic(services, now=datetime.now(UTC))
        except Exception:
            logger.exception("worker.periodic_failed")
        stop.wait(PERIODIC_EVERY_S)


def run_servers(settings: Settings, stop: threading.Event) -> None:
    """Work for RQ until it is told to stop; a thread submits again what a crash lost between commit and queue."""
    from redis import Redis
    from rq import Queue, Worker

    services = build_services(settings)
    sweeper = threading.Thread(target=_resubmit, args=(services, stop), name="sweep", daemon=True)
    sweeper.start()
    connection = Redis.from_url(settings.redis_url or "")
    worker = Worker([Queue("ged", connection=connection)], connection=connection, name=f"ged-{worker_name()}")
    worker.work(logging_level="WARNING")
    stop.set()


def _resubmit(services: Services, stop: threading.Event) -> None:
    last_periodic = 0.0
    while not stop.wait(2.0):
        try:
            now = datetime.now(UTC)
            with services.reading() as session:
                lost = jobs.due(session, now=now - LOST_AFTER, limit=200)
            for job_id in lost:
                services.queue.submit(job_id)
            last_periodic += 2.0
            if last_periodic >= PERIODIC_EVERY_S:
                last_periodic = 0.0
                pipeline.schedule_periodic(services, now=now)
        except Exception:
            logger.exception("worker.sweep_failed")
