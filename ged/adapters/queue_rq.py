"""RQ on Redis: sends the number of a committed job row to any worker.

Redis is not trusted. A message is JSON and can only request ``RUN_JOB`` with one number. An attacker who can write to
Redis can request a job that is due anyway, and nothing else.
"""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from ged.ports import MOST_WAITING, JobId, Lane

NAMES = {
    Lane.QUICK: "ged",
    Lane.DESK: "ged-desk",
    Lane.FILES: "ged-files",
    Lane.UPKEEP: "ged-upkeep",
    Lane.SLOW: "ged-slow",
    Lane.BACKLOG: "ged-backlog",
}
QUEUE_NAMES = tuple(NAMES.values())
"""In the polling order of a free worker: a report of 300 pages waits for the indexing of a letter, not the reverse."""
SHARING = (NAMES[Lane.UPKEEP], NAMES[Lane.SLOW])
"""These two share a worker's time. Each signed slip brings upkeep, and where it never ended no page was read."""
RUN_JOB = "web.processes.worker.run_job"
WITHOUT_LIMIT = -1
"""No timeout in RQ: the runner has a timeout for each kind of job."""

logger = logging.getLogger(__name__)


class ForeignMessage(Exception):
    """None of our processes wrote the message."""


class Message(Job):
    """A message of RQ that can only call one function. RQ itself would call any function that a message names."""

    @property
    def func(self) -> Callable[[int], None]:
        """The only function.

        Raises:
            ForeignMessage: the message requests something else.
        """
        args: Any = self.args
        is_ours = self.func_name == RUN_JOB and self.instance is None and not self.kwargs
        if not is_ours or len(args) != 1 or type(args[0]) is not int:
            raise ForeignMessage(self.id)
        run: Callable[[int], None] = import_attribute(RUN_JOB)
        return run

    def restore(self, raw_data: Any) -> None:
        """Read the message, without its callbacks and webhooks, which RQ would call."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []


def open_redis(url: str, *, ca_file: Path | None = None, timeout_s: float | None = None) -> "Redis":
    """A client of Redis; over ``rediss://`` the server's certificate and name are checked.

    Args:
        ca_file: PEM of the only trusted authorities; None: the authorities of the system.
        timeout_s: for each answer and for connecting; None: no limit, as a worker waits for its next message.
    """
    checked: dict[str, Any] = {}
    if url.startswith("rediss://"):
        checked = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        if ca_file is not None:
            checked["ssl_ca_certs"] = str(ca_file)
    return Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s or 5, **checked)


def queue_of(name: str, redis: "Redis") -> Queue:
    """One of the queues."""
    return Queue(name, connection=redis, serializer=JSONSerializer, job_class=Message)


class RqQueue:
    """Adapter of ``JobQueue`` over RQ. The sweep sends a lost message again: only the row counts."""

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        self._redis = open_redis(url, ca_file=ca_file, timeout_s=5)
        self._queues = {lane: queue_of(name, self._redis) for lane, name in NAMES.items()}
        self._is_away = False

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Enqueue; a Redis that is down delays a job, but never loses it."""
        try:
            self._queues[lane].enqueue(
                RUN_JOB,
                int(job_id),
                # `waiting` reads the job's number from the beginning of the message's name.
                job_id=f"{int(job_id)}-{secrets.token_hex(4)}",
                job_timeout=WITHOUT_LIMIT,
                result_ttl=0,
                failure_ttl=3600,
            )
        except RedisError as error:
            self._note_away(error)
        else:
            self._note_back()

    def waiting(self, lane: Lane) -> frozenset[JobId] | None:
        """Jobs of a lane whose messages no worker has taken yet; None: more than ``MOST_WAITING``, or Redis is down."""
        try:
            names = self._queues[lane].get_job_ids(length=MOST_WAITING + 1)
        except RedisError as error:
            self._note_away(error)
            return None
        self._note_back()
        if len(names) > MOST_WAITING:
            return None
        numbers = (str(name).partition("-")[0] for name in names)
        # Foreign messages have other names.
        return frozenset(JobId(int(number)) for number in numbers if number.isascii() and number.isdigit())

    def _note_away(self, error: RedisError) -> None:
        # Once for each outage: the sweep looks every two seconds.
        if not self._is_away:
            self._is_away = True
            logger.warning("queue.unavailable error=%s", type(error).__name__)

    def _note_back(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.warning("queue.back")
