"""The worker of the servers shape: RQ's worker, which forks a child for each job, extended to survive Redis outages."""

import ctypes
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from ged.adapters.queue_rq import SHARING, Message, queue_of

BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between attempts to reach Redis again."""
MOST_OWED_S = 300.0
"""A page waits no longer than this for upkeep, however long the last one took to read."""

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in linux/prctl.h

logger = logging.getLogger(__name__)


class _Forking(Worker):
    """Forks only between two sweeps; also signals its child to end; tolerates that Redis goes away at any moment."""

    max_connection_wait_time = BACK_OFF_S[-1]

    def __init__(self, *args: Any, between_sweeps: threading.Lock, stop: threading.Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._between_sweeps, self._stop = between_sweeps, stop
        self._shares = Shares(SHARING)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # A child inherits every lock that another thread holds, but no thread that would release it.
        with self._between_sweeps:
            self._forking_pid = os.getpid()
            super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        _end_with(self._forking_pid)
        super().main_work_horse(job, queue)

    def reorder_queues(self, reference_queue: Queue) -> None:
        # RQ calls it with the queue of each message that was taken.
        self._shares.taken(reference_queue.name)

    def execute_job(self, job: Job, queue: Queue) -> None:
        began = time.monotonic()
        try:
            super().execute_job(job, queue)
        finally:
            self.note_work(queue.name, time.monotonic() - began)

    def note_work(self, name: str, seconds: float) -> None:
        """Look next into the queue that had less of this worker's time."""
        self._shares.worked(name, seconds)
        by_name = {queue.name: queue for queue in self._ordered_queues}
        self._ordered_queues = [by_name[one] for one in self._shares.order(list(by_name))]

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        # The child continues: its job's row is in the database.
        with suppress(RedisError):
            super().maintain_heartbeats(job, execution)

    def handle_warm_shutdown_request(self) -> None:
        self._stop.set()
        # The child gives its job back at this signal (`web.processes.worker`): nobody has to wait for the end of the lease.
        if self.horse_pid:
            self.kill_horse(sig=signal.SIGRTMIN)


def _end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, also by SIGKILL.

    Else nobody ends the child of a killed worker when its job hangs, and it reads beside the worker that is started anew.
    Its job is taken again when the lease ends.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


class Shares:
    """In which order a worker looks into the queues that share its time: first into the one that had less of it.

    A queue that was empty is owed nothing, and none is owed more than ``MOST_OWED_S``: after a job of hours the others
    are not shut out for hours.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """``names``: the queues that share, the first first where they had the same time."""
        self._spent_s = dict.fromkeys(names, 0.0)

    def order(self, names: Sequence[str]) -> list[str]:
        """All queues of a worker in the order in which it looks into them. Queues that do not share stay where they are."""
        turns = iter(sorted((one for one in self._spent_s if one in names), key=lambda one: self._spent_s[one]))
        return [next(turns) if name in self._spent_s else name for name in names]

    def taken(self, name: str) -> None:
        """A message of a queue was taken: those that had less time, and so were looked into before it, are empty."""
        if name in self._spent_s:
            self._spent_s = {one: max(spent, self._spent_s[name]) for one, spent in self._spent_s.items()}

    def worked(self, name: str, seconds: float) -> None:
        """A message of a queue took the worker this time."""
        if name in self._spent_s:
            most = min(self._spent_s.values()) + MOST_OWED_S
            self._spent_s[name] = min(self._spent_s[name] + seconds, most)


def work(
    redis: "Redis",
    *,
    name: Callable[[], str],
    queues: Sequence[str],
    stop: threading.Event,
    between_sweeps: threading.Lock,
) -> None:
    """Take messages until ``stop`` is set (by SIGTERM or SIGINT); while Redis is away, wait for it.

    Args:
        queues: names of the queues, in the order in which a free worker looks into them.
        name: returns a new name at each call: RQ remembers names for minutes and refuses a known name.
        between_sweeps: lock that is held while no child may be forked.
    """
    logging.getLogger("rq.worker").addFilter(_without_outages)
    while not stop.is_set():
        with suppress(RedisError, StopRequested):
            _Forking(
                [queue_of(queue, redis) for queue in queues],
                connection=redis,
                name=name(),
                job_class=Message,
                serializer=JSONSerializer,
                between_sweeps=between_sweeps,
                stop=stop,
            ).work(logging_level="WARNING")
        _stop_on_signals(stop)
        if not stop.is_set():
            _wait_for(redis, stop)


def _stop_on_signals(stop: threading.Event) -> None:
    # The handlers that RQ installed belong to a worker that has ended.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def _wait_for(redis: "Redis", stop: threading.Event) -> None:
    logger.warning("worker.redis_away: no job is lost; waiting until it is back")
    looks = 0
    while not stop.wait(BACK_OFF_S[min(looks, len(BACK_OFF_S) - 1)]):
        looks += 1
        with suppress(RedisError):
            redis.ping()
            logger.warning("worker.redis_back")
            return


def _without_outages(record: logging.LogRecord) -> bool:
    """Drop RQ's records of failed connections, one at each try and a traceback at the end: we log an outage once."""
    is_outage = record.exc_info is not None and isinstance(record.exc_info[1], RedisError)
    return not is_outage and "could not connect to Redis" not in str(record.msg)
