"""Jobs queued in Redis: the site's queue, and the worker's side."""

import threading
from collections.abc import Callable, Sequence

from redis.exceptions import RedisError

from ged.adapters.queue_rq import NAMES, RqQueue, open_redis
from ged.adapters.rq_worker import work
from ged.config import Settings
from ged.errors import ConfigError
from ged.ports import Lane


def queue(url: str, settings: Settings) -> RqQueue:
    """The implementation of the port ``JobQueue``."""
    return RqQueue(url, ca_file=settings.redis_ca)


def require_redis(settings: Settings) -> None:
    """Check that Redis answers.

    Raises:
        ConfigError: ``worker.redis_unreachable``.
    """
    try:
        with open_redis(settings.redis_url or "", ca_file=settings.redis_ca, timeout_s=5) as redis:
            redis.ping()
    except RedisError as error:
        raise ConfigError(
            "worker.redis_unreachable",
            f"start Redis or correct GED_REDIS_URL ({type(error).__name__}); no job is lost meanwhile",
            setting="GED_REDIS_URL",
        ) from None


def work_for_rq(
    settings: Settings,
    *,
    name: Callable[[], str],
    lanes: Sequence[Lane],
    stop: threading.Event,
    between_sweeps: threading.Lock,
) -> None:
    """Process RQ's messages of these lanes until ``stop`` is set (``ged.adapters.rq_worker.work``)."""
    queues = [queue for lane, queue in NAMES.items() if lane in lanes]
    with open_redis(settings.redis_url or "", ca_file=settings.redis_ca) as redis:
        work(redis, name=name, queues=queues, stop=stop, between_sweeps=between_sweeps)
