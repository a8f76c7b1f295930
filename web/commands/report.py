"""The command line for monthly reports: ``ged report``."""

import logging
import stat
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from ged.errors import GedError, Invalid, Overtaken
from ged.faults import busy, fault_of
from ged.languages import LANGUAGES
from ged.monthly import checking, operations, queries
from ged.monthly.checking import Proof
from ged.unit import SYSTEM
from web.commands.ending import stop
from web.commands.shared import FILE, settings_of, write_whole
from web.wiring.attached import report_file
from web.wiring.services import build_services
from web.words.monthly import proof_lines

CHANGED, NOT_PROVEN, UNKNOWN = 1, 2, 3
"""Exit codes. An error that ends other commands with 1 must not look like numbers whose changes the journal explains."""
LARGEST = 256 * 1024 * 1024
"""In bytes, of a file that is read."""


class _Month(click.ParamType[date]):
    name = "month"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return datetime.strptime(str(value), "%Y-%m").replace(tzinfo=UTC).date()
        except ValueError:
            self.fail(f"{value}: write the month as 2026-10", param, ctx)


@click.group()
def report() -> None:
    """Monthly reports of an entity: figures under the seal, proven again years later."""


@report.command()
@click.argument("entity", metavar="CODE")
@click.argument("month", type=_Month())
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write the sealed PDF to this file, too.")
@click.option("--reason", default="", help="Why another report is made, where the month has one with the same numbers.")
def make(entity: str, month: date, to: Path | None, reason: str) -> None:
    """Make the report of the entity with CODE on a MONTH (2026-10) that has ended."""
    services = build_services(settings_of())
    try:
        with services.reading() as session:
            entity_id = queries.entity_with(session, entity)
        row = operations.make(services, entity_id, month, actor=SYSTEM, now=datetime.now(UTC), reason=reason)
        with services.reading() as session:
            last = queries.last_file(session, row.id)
        if to is not None:
            with services.blobs.open(last) as stored:
                write_whole(to, stored.read())
    finally:
        services.engine.dispose()
    click.echo(f"report {row.id}: {last}")


@report.command()
@click.argument("file", type=FILE)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the sentences.")
def verify(file: Path, language: str) -> None:
    """Prove the report in FILE: its seal, and each number counted again from the register and the journal.

    Prints what changed since, with the journal's entries that say when and by whom. Exit 0: every number is that of the report;
    1: numbers have changed since, and the journal explains each; 2: the file, the journal or the database was altered, or it is no report;
    3: nothing could be proven now, as where the database is away.
    """
    logging.getLogger().setLevel(logging.WARNING)
    pdf = _read(file)
    try:
        proof, zone = _proof(pdf)
    except Invalid as error:
        raise click.BadParameter(f"{file} is no monthly report ({error.code})", param_hint="FILE") from None
    except Exception as error:
        fault = error if isinstance(error, GedError) else busy() if isinstance(error, Overtaken) else fault_of(error)
        if fault is None:
            raise
        stop(fault, code=UNKNOWN)
    click.echo("", err=True)
    for line in proof_lines(proof, language=language, zone=zone):
        click.echo(line)
    sys.exit(NOT_PROVEN if proof.faults else CHANGED if proof.changes else 0)


def _proof(pdf: bytes) -> tuple[Proof, ZoneInfo]:
    services = build_services(settings_of())
    try:
        return checking.verify(services, pdf, report_file, now=datetime.now(UTC), progress=_progress), services.zone
    finally:
        services.engine.dispose()


def _read(file: Path) -> bytes:
    """The bytes of a file. Nobody knows when a pipe ends, and a large file would fill the memory before it is judged."""
    found = file.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
        raise click.BadParameter(f"{file} is no monthly report", param_hint="FILE")
    return file.read_bytes()


def _progress(done: int, total: int) -> None:
    click.echo(f"\r{done}/{total}", nl=False, err=True)
