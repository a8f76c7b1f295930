"""The worker of the servers shape: RQ's worker, which forks a child for each job, extended to survive Redis outages."""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from ged.adapters.queue_rq import IN_TURNS, Message, queue_of

BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between attempts to reach Redis again."""

logger = logging.getLogger(__name__)


class _Forking(Worker):
    """Forks only between two sweeps; also signals its child to end; tolerates that Redis goes away at any moment."""

    max_connection_wait_time = BACK_OFF_S[-1]

    def __init__(self, *args: Any, between_sweeps: threading.Lock, stop: threading.Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._between_sweeps, self._stop = between_sweeps, stop

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # A child inherits every lock that another thread holds, but no thread that would release it.
        with self._between_sweeps:
            super().fork_work_horse(job, queue)

    def reorder_queues(self, reference_queue: Queue) -> None:
        # RQ calls it with the queue of each message that was taken, and looks into ``_ordered_queues`` next.
        by_name = {queue.name: queue for queue in self._ordered_queues}
        self._ordered_queues = [by_name[name] for name in in_turns(list(by_name), reference_queue.name)]

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        # The child continues: its job's row is in the database.
        with suppress(RedisError):
            super().maintain_heartbeats(job, execution)

    def handle_warm_shutdown_request(self) -> None:
        self._stop.set()
        if self.horse_pid:
            self.kill_horse(sig=signal.SIGRTMIN)


def in_turns(names: Sequence[str], taken: str) -> list[str]:
    """The queues in the order in which a worker looks into them after it took a message of one of them."""
    if taken not in IN_TURNS:
        return list(names)
    turns = iter([*(name for name in names if name in IN_TURNS and name != taken), taken])
    return [next(turns) if name in IN_TURNS else name for name in names]


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
