"""``ged serve`` and ``ged worker``: the long-running processes."""

import logging
import os
import signal
import threading

import click

from ged.config import refuse_unknown_addresses
from web.commands.shared import settings_of
from web.processes.schema_check import require_migrated
from web.processes.server import serve_site
from web.processes.worker import run_embedded, run_servers
from web.wiring.isolation import require_isolation


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
@click.option("--threads", default=8, show_default=True, help="Requests that one process serves at once.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=None, help="By default GED_PROCESSES, else one for each core."
)
def serve(bind: str, threads: int, processes: int | None) -> None:
    """Serve site and API."""

    settings = settings_of()
    refuse_unknown_addresses(settings)
    require_migrated(settings)
    require_isolation(settings)
    serve_site(settings, bind=bind, threads=threads, processes=processes)


@click.command()
def worker() -> None:
    """Run the jobs until stopped."""

    settings = settings_of()
    require_isolation(settings)
    stop = threading.Event()
    if settings.redis_url:
        run_servers(settings, stop)
        return
    require_migrated(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not run_embedded(settings, stop):
        logging.shutdown()
        os._exit(0)  # a thread still works on a requeued job: a normal exit would wait for it
