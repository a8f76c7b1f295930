"""RQ on Redis: carries the number of a committed job row to any worker."""

import logging
import secrets

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from ged.ports import JobId, Lane

NAMES = {
    Lane.QUICK: "ged",
    Lane.DESK: "ged-desk",
    Lane.UPKEEP: "ged-upkeep",
    Lane.SLOW: "ged-slow",
    Lane.BACKLOG: "ged-backlog",
}
QUEUE_NAMES = tuple(NAMES.values())
"""In the order in which a free worker looks: a report of 300 pages waits for a letter to be indexed, not the reverse."""
RUN_JOB = "web.worker.run_job"
JOB_TIMEOUT_S = 3600

logger = logging.getLogger(__name__)


class RqQueue:
    """Plug of ``JobQueue`` over RQ. A lost message is sent again by the sweep: the row is the truth."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        self._queues = [Queue(name, connection=self._redis) for name in QUEUE_NAMES]

    def submit(self, job_id: JobId, *, lane: Lane = Lane.QUICK) -> None:
        """Enqueue; Redis being down costs time, never a job."""
        queue = self._queues[QUEUE_NAMES.index(NAMES[lane])]
        try:
            queue.enqueue(
                RUN_JOB,
                int(job_id),
                # The message's name begins with the job's number: `waiting` reads it there.
                job_id=f"{int(job_id)}-{secrets.token_hex(4)}",
                job_timeout=JOB_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=3600,
            )
        except RedisError as error:
            logger.warning("queue.unavailable job=%s error=%s", job_id, type(error).__name__)

    def waiting(self) -> frozenset[JobId]:
        """Jobs whose messages nobody has taken yet; empty when Redis is down."""
        try:
            names = [name for queue in self._queues for name in queue.get_job_ids()]
        except RedisError as error:
            logger.warning("queue.unavailable error=%s", type(error).__name__)
            return frozenset()
        return frozenset(JobId(int(name.partition("-")[0])) for name in names)
