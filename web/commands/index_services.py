"""Services for commands that read or write the index. It loads no client of Elasticsearch: embedded installations have none."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from ged.config import Settings
from ged.errors import ConfigError
from ged.unit import Services
from web.processes.worker import only_worker
from web.wiring.services import build_services

LOOK_EVERY_S = 0.5
"""How often a command that waits for jobs looks whether they are done."""


def worker_runs(settings: Settings) -> bool:
    """Whether the embedded worker is running."""
    with suppress(ConfigError), only_worker(settings.data_dir):
        return False
    return True


@contextmanager
def reading(settings: Settings) -> Iterator[Services]:
    """Services that do not write the index; their connections are closed at the end."""
    services = build_services(settings)
    try:
        yield services
    finally:
        services.engine.dispose()


@contextmanager
def writing(settings: Settings) -> Iterator[Services]:
    """Services that may write the index; embedded, this process holds the worker's lock meanwhile."""

    with nullcontext() if settings.elasticsearch_url else only_worker(settings.data_dir):
        services = build_services(settings, writes_index=True)
        try:
            yield services
        finally:
            services.engine.dispose()
