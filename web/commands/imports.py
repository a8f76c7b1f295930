"""``ged import``: imports an archive's letters into a register, in batches, resumable; every refusal is reported."""

import faulthandler
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from ctypes import c_uint64
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

import click

from ged import jobs, pipeline, workers
from ged.config import Settings
from ged.errors import ConfigError
from ged.takeover.operations import Refusal, Takeover, TakeoverTarget, find_register, give_room_back, take_over
from ged.unit import Services
from web.commands.index_services import LOOK_EVERY_S, worker_runs, writing
from web.commands.shared import settings_of
from web.processes import logs, memory
from web.processes.schema_check import require_migrated
from web.processes.worker import SECOND_WORKER, worker_name
from web.wiring.services import build_services

BATCHES = 5
"""Batches that are indexed in one write: a thousand letters. Today's letters wait for such a write, one or two seconds."""
APART_FROM_BYTES = 300_000
"""A list of so many bytes and more is indexed by a second process meanwhile. To open its services takes as long as to index some hundred
letters."""
HANGS_AFTER_S = 120.0
"""A second process that ends no write of the index for so long is ended. The embedded index takes some seconds for a write."""
BROKEN_OFF_S = 20.0
"""For so long an import that is broken off lets it end the write that it is at."""
TELLS_WITHIN_S = 2.0
REPORTED_FROM_S = 1.0
"""A shorter wait for the index is not worth a word."""
STDERR = 2

_log = logging.getLogger(__name__)

_FORMAT = """\
  id               its own id in the archive (text or number); the only field that must be there,
                   with at least one of subject, text and file
  number           its number in the paper book, as written there
  registered_on    day on which the book registered it: 2015-03-09 or 09/03/2015
  received_on, written_on
  subject          (or title) the first line of the text when missing
  sender, addressee
  their_reference  (or reference) the sender's own reference
  nature           lettre, note, rapport ...
  unit             code of the unit that holds it; the register's own when missing
  confidentiality  ordinary, restricted or secret (also ordinaire, confidentiel, secret; 0, 1, 2)
  direction        incoming, outgoing or internal; the register's own when missing
  text             what was read, pages parted by a form feed
  file             a file below --files DIR; read by the machine unless text is given
"""

_EXAMPLE = """\
  {"id": "B12-0457", "number": "0457/MEM/SG", "registered_on": "2015-03-09", "subject": "Marché de poteaux",
   "sender": "CEET", "unit": "DAF", "text": "Lomé, le 9 mars 2015 ..."}
"""


@click.command("import", epilog=f"\b\nThe fields of a line (any may be missing but id; other keys are ignored):\n{_FORMAT}\n\b\n"
               f"Example (on one line):\n{_EXAMPLE}")  # fmt: skip
@click.argument("letters", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="LETTERS.jsonl")
@click.option("--into", "register", required=True, metavar="REGISTER", help="Code of the register.")
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the files that lines name.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be refused; change nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the letters can be found.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: each refusal, then the figures.")
def import_letters(
    letters: Path, register: str, files: Path | None, dry_run: bool, no_wait: bool, as_json: bool
) -> None:
    """Take over the letters of LETTERS.jsonl, one JSON object a line.

    Run again after a stop, it continues: letters whose ids the register already has are left alone. In a register of
    the nature "archive", letters keep the number and the day of their paper book. In any other register they get its
    next number, and keep their own number as reference. They are indexed when no current job waits. Exit 1: a line was
    refused, the others are taken over.
    """

    logging.getLogger().setLevel(logging.WARNING)
    settings = settings_of()
    require_migrated(settings)
    output = _Output(as_json=as_json)
    is_large = not letters.is_file() or letters.stat().st_size >= APART_FROM_BYTES  # nobody knows how much a pipe holds
    try:
        with ExitStack() as closed_last:
            with letters.open("rb") as lines, _indexing(settings, wanted=is_large and not (dry_run or no_wait)):
                services = build_services(settings)  # only now: a forked process would share their connections
                closed_last.callback(services.engine.dispose)
                with services.reading() as session:
                    place = TakeoverTarget(find_register(session, register).id, letters.name, files, dry_run)
                done = take_over(services, place, lines, refuse=output.refusal, progress=output.progress)
                output.taken()
            left = 0 if dry_run or no_wait else _indexed(settings, services)
            give_room_back(services)
    except KeyboardInterrupt:
        click.echo("\nstopped: run it again to go on from here", err=True)
        sys.exit(130)
    output.end(done, left, dry_run=dry_run)
    sys.exit(1 if done.refused else 0)


def _indexed(settings: "Settings", services: "Services") -> int:
    """Wait until the letters are indexed: by this process, or by the worker, if only the worker writes the index.

    Returns how many jobs still wait, because the index is unavailable or the process that holds it does not get on.
    """

    seen, since_s = _left(services), time.monotonic()
    while True:
        if _indexes_here(settings):
            # Until the end: what a killed run had begun is due when its lease is over, and two writers in turn keep each other out.
            with _unless_held(settings) as here:
                if here is not None:
                    while _index_next(here) or not _is_over(here):
                        pass
                    return _left(services)
        elif _is_over(services):
            return _left(services)
        left = _left(services)
        if left != seen or _worker_lives(services):  # a living one may have other work before that of an archive
            seen, since_s = left, time.monotonic()
        elif time.monotonic() - since_s >= HANGS_AFTER_S:
            click.echo("the process that holds the index does not get on: look at the worker (`ged doctor`)", err=True)
            return left


@contextmanager
def _unless_held(settings: "Settings") -> "Iterator[Services | None]":
    """Services that write the index; None where a worker that was started meanwhile holds it."""
    with ExitStack() as closed_last:
        try:
            here = closed_last.enter_context(writing(settings))
        except ConfigError as error:
            if error.code != SECOND_WORKER:
                raise
            here = None
        yield here


def _worker_lives(services: "Services") -> bool:
    with services.reading() as session:
        return bool(workers.living(session, now=datetime.now(UTC)))


def _is_over(services: "Services") -> bool:
    """Whether no letter waits for the index, or the index is away. Waits a moment, if not."""
    with services.reading() as session:
        away = jobs.outage_until(session, jobs.JobKind.INDEX_BACKLOG, now=datetime.now(UTC))
    if away is not None or not _left(services):
        return True
    time.sleep(LOOK_EVERY_S)
    return False


def _left(services: "Services") -> int:
    """How many jobs of the index wait or run."""
    with services.reading() as session:
        waiting = jobs.counts_of(session, jobs.JobKind.INDEX_BACKLOG)
    return waiting.get(jobs.JobState.QUEUED, 0) + waiting.get(jobs.JobState.RUNNING, 0)


def _indexes_here(settings: "Settings") -> bool:
    """Whether this process may index: embedded, only while no worker runs."""
    return bool(settings.elasticsearch_url) or not worker_runs(settings)


def _index_next(here: "Services") -> bool:
    """Run the oldest index job of an archive, and some behind it. Returns whether one was due."""
    with here.reading() as session:
        due = jobs.due(session, now=datetime.now(UTC), kinds=(jobs.JobKind.INDEX_BACKLOG,), limit=1)
    if due:
        pipeline.run_job(here, due[0], worker=worker_name(), batches=BATCHES)
    return bool(due)


def _index_apart(settings: "Settings", orders: Connection, sender: Connection, writes: c_uint64) -> None:
    """What the second process does: run index jobs until the import is over and none is due.

    What goes wrong is told on standard error: an exception as a line of the log, a crash of the index or a hang as the places of the
    program at which each thread was.

    Args:
        orders: one message comes when the import is over. It ends without one where the import was broken off or killed: then the
            jobs are left to the next run.
        sender: its other end, of which a forked process has a copy. While one is open, the pipe does not end.
        writes: counts the writes of the index, so that the importing process sees that this one gets on.
    """
    sender.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes, and the importing one ends this one
    faulthandler.enable(STDERR)
    faulthandler.register(signal.SIGUSR1, STDERR)
    logs.configure(settings.log)
    logging.getLogger().setLevel(logging.WARNING)
    is_over, was_due = False, True
    try:
        # A worker that was started meanwhile holds the lock, and indexes.
        with suppress(ConfigError, EOFError), writing(settings) as here:
            while was_due or not is_over:
                if orders.poll(0 if was_due else LOOK_EVERY_S):
                    is_over = bool(orders.recv())
                # Looked for after the message was: a job that was written before it is found.
                was_due = _index_next(here)
                writes.value += was_due
    except BaseException:  # noqa: BLE001  # a panic of the embedded index is no Exception
        _log.exception("import.indexing_failed")
        sys.exit(1)


@contextmanager
def _indexing(settings: "Settings", *, wanted: bool) -> "Iterator[None]":
    """Index the letters of the block in a second process while later ones are written: each has a core of its own.

    Open no service before the block: the second process is forked, and would share its connections.
    At the end of the block the jobs that are due are done. Where the block was broken off, they are left to the next run. A second
    process that hangs is ended. What one that hung or died leaves is done by ``_indexed``.
    """
    if not wanted or not _indexes_here(settings):
        yield
        return
    memory.share()
    # Forked: to load the program anew took as long as to index two thousand letters.
    context = multiprocessing.get_context("fork")
    theirs, ours = context.Pipe(duplex=False)
    writes = RawValue(c_uint64, 0)  # without a lock, with which the second process might die
    second = context.Process(target=_index_apart, args=(settings, theirs, ours, writes), name="indexing", daemon=True)
    second.start()
    theirs.close()
    try:
        yield
        with suppress(OSError):  # it died
            ours.send(True)
        _wait_for(second, writes, HANGS_AFTER_S)
    except BaseException:
        ours.close()
        _wait_for(second, writes, BROKEN_OFF_S)
        raise
    finally:
        _end(second)
        ours.close()


def _wait_for(second: BaseProcess, writes: c_uint64, limit_s: float) -> None:
    """Wait until the second process has ended, or has ended no write of the index for so long."""
    seen, since_s = writes.value, time.monotonic()
    while second.exitcode is None and time.monotonic() - since_s < limit_s:
        second.join(LOOK_EVERY_S)
        if writes.value != seen:
            seen, since_s = writes.value, time.monotonic()


def _end(second: BaseProcess) -> None:
    """End the second process if it has not ended, and say what happened if it did not end well."""
    if second.exitcode is None and second.pid is not None:
        os.kill(second.pid, signal.SIGUSR1)  # it writes where it hangs, if it can
        second.join(TELLS_WITHIN_S)
        second.kill()
        second.join()
        what = "got on no more, and was ended"
    elif second.exitcode:
        what = _ended(second.exitcode)
    else:
        return
    click.echo(f"the second process, which indexes, {what}; what it left is indexed after the import", err=True)


def _ended(code: int) -> str:
    if code > 0:
        return "ended with an error (see above)"
    memory = ", perhaps for lack of memory (see the system's log)" if -code in (signal.SIGKILL, signal.SIGABRT) else ""
    return f"was ended by {signal.Signals(-code).name}{memory}"


class _Output:
    """The command's output: refusals and figures on standard output, the progress on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._began_s, self._taken_s = time.monotonic(), 0.0
        self._shows = sys.stderr.isatty()

    def refusal(self, one: "Refusal") -> None:
        error = one.error
        if self._as_json:
            about = {"line": one.line_no, "id": one.own_id, "refused": error.code, "remedy": error.remedy}
            click.echo(json.dumps(about | dict(error.params), ensure_ascii=False, default=str))
            return
        details = ", ".join(f"{key}: {value}" for key, value in error.params.items())
        who = f" ({one.own_id})" if one.own_id else ""
        click.echo(
            f"line {one.line_no}{who}: {error.code}" + (f" [{details}]" if details else "") + f" -> {error.remedy}"
        )

    def progress(self, done: "Takeover") -> None:
        if self._shows:
            click.echo(f"\r{done.lines} lines, {done.taken} letters, {done.refused} refused", err=True, nl=False)

    def taken(self) -> None:
        """The last letter is written: what follows is the wait for the index."""
        self._taken_s = time.monotonic() - self._began_s

    def end(self, done: "Takeover", left: int, *, dry_run: bool) -> None:
        seconds = round(self._taken_s, 1)
        waited = round(time.monotonic() - self._began_s - self._taken_s, 1)
        if self._as_json:
            figures = {"lines": done.lines, "taken": done.taken, "already": done.already, "refused_lines": done.refused}
            more = {
                "ignored_keys": sorted(done.ignored),
                "dry_run": dry_run,
                "seconds": seconds,
                "seconds_until_found": waited,
                "index_jobs_waiting": left,
            }
            click.echo(json.dumps(figures | more, ensure_ascii=False))
            return
        if self._shows:
            click.echo("", err=True)
        if done.ignored:
            click.echo(f"keys that were ignored: {', '.join(sorted(done.ignored))}")
        what = "would be taken over (dry run: nothing was changed)" if dry_run else "taken over"
        if left:
            click.echo(f"{left} jobs wait for the index, and catch up by themselves")
        then = f"; then {waited} s until they can be found" if waited >= REPORTED_FROM_S and not left else ""
        click.echo(f"{done.taken} {what}, {done.already} were there, {done.refused} refused, {seconds} s{then}")
