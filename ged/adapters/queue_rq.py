"""RQ on Redis: carries the number of a committed job row to any worker."""

import logging
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from ged.ports import JobId

QUEUE_NAME = "ged"
RUN_JOB = "web.worker.run_job"
JOB_TIMEOUT_S = 3600

logger = logging.getLogger(__name__)


class RqQueue:
    """Plug of ``JobQueue`` over RQ. A lost message is sent again by the sweep: the row is the truth."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url)
        self._queue = Queue(QUEUE_NAME, connection=self._redis)

    def submit(self, job_id: JobId) -> None:
        """Enqueue; Redis being down costs time, never a job."""
        try:
            self._queue.enqueue(RUN_JOB, int(job_id), job_timeout=JOB_TIMEOUT_S, result_ttl=0, failure_ttl=3600)
        except RedisError as error:
            logger.warning("queue.unavailable job=%s error=%s", job_id, type(error).__name__)

    def waiting(self) -> int:
        """Messages not taken yet."""
        return int(self._queue.count)

    def seen_at(self) -> datetime | None:
        """When a worker was last heard of."""
        from rq import Worker  # noqa: PLC0415  # heavy, and only the administrator's page asks

        beats = [worker.last_heartbeat for worker in Worker.all(connection=self._redis)]
        return max((beat for beat in beats if beat is not None), default=None)
