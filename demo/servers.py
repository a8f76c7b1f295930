"""Private servers for ``make demo SHAPE=servers``: PostgreSQL, Redis, Elasticsearch, as the tests start them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.servers import close_run, elastic, open_run, postgres, redis


@contextmanager
def private_servers(say: Callable[[str], None]) -> Iterator[dict[str, str]]:
    """Start the three servers and yield the settings that name them; at the end they are stopped by process id."""
    folder, handle = open_run()
    try:
        say("Serveurs privés : PostgreSQL, Redis, Elasticsearch …")
        settings = {
            "GED_DATABASE_URL": postgres.server().url,
            "GED_UNSAFE_DATABASE": "for-tests",
            "GED_REDIS_URL": redis.server().url,
            "GED_ELASTICSEARCH_URL": elastic.server().url,
        }
        yield settings
    finally:
        close_run(folder, handle)
