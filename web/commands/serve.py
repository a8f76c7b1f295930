"""``ged serve`` and ``ged worker``: the long-running processes."""

import logging
import os
import signal
import threading

import click

from ged.config import refuse_unknown_addresses
from ged.ports import Lane
from web.commands.shared import settings_of
from web.processes import supervisor
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

    with supervisor.forgotten_on_failure():
        settings = settings_of()
        refuse_unknown_addresses(settings)
        require_migrated(settings)
        require_isolation(settings)
        serve_site(settings, bind=bind, threads=threads, processes=processes)


def _lanes(_context: click.Context, _option: click.Parameter, words: str) -> tuple[Lane, ...]:
    """The lanes of `quick:desk`; all where none is named. Numbers only tell the services of the same lanes apart."""
    named = {word for word in words.split(":") if word and not word.isdigit()}
    unknown = named - {lane.value for lane in Lane}
    if unknown:
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: there are {', '.join(Lane)}")
    return tuple(lane for lane in Lane if not named or lane.value in named)


@click.command()
@click.option(
    "--lanes",
    default="",
    metavar="LANE:LANE",
    callback=_lanes,
    help=f"With Redis: take jobs of these lanes only, of {':'.join(Lane)}.  [default: all]",
)
def worker(lanes: tuple[Lane, ...]) -> None:
    """Run the jobs until stopped."""

    settings = settings_of()
    if lanes != tuple(Lane) and not settings.redis_url:
        raise click.UsageError("--lanes needs Redis: the one worker of an embedded installation has all lanes")
    require_isolation(settings)
    stop = threading.Event()
    if settings.redis_url:
        run_servers(settings, stop, lanes=lanes)
        return
    require_migrated(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not run_embedded(settings, stop):
        logging.shutdown()
        os._exit(0)  # a thread still works on a requeued job: a normal exit would wait for it
