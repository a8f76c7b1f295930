"""The command line for the figures of the register: ``ged facts``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from ged.figures import checking, operations
from ged.unit import Services
from web.commands.shared import settings_of
from web.wiring.services import build_services

SHOWN = 50


@click.group()
def facts() -> None:
    """The figures of the register: letters and delays by day."""


@facts.command()
@click.option("--afresh", is_flag=True, help="Begin at the first letter, also after an interruption.")
def rebuild(afresh: bool) -> None:
    """Make all figures anew from the register and the journal; people go on working.

    After an interruption, run it again: it resumes where it stopped. Until its end no page shows figures.
    """
    with _serving() as services:
        try:
            count = operations.rebuild(services, now=datetime.now(UTC), afresh=afresh, progress=_progress)
        except KeyboardInterrupt:
            click.echo("\nstopped: run it again to go on from here")
            sys.exit(130)
    click.echo(f"\n{count} letters")


@facts.command()
@click.option("--all", "all_of_them", is_flag=True, help=f"Print every difference, not the first {SHOWN}.")
def verify(all_of_them: bool) -> None:
    """Compare the figures with the register: each letter, each cell. Prints each difference; ends with 1 when there is one.

    First it counts the acts that wait to be counted. Letters on which people act meanwhile are left out.
    """
    with _serving() as services:
        operations.run(services, now=datetime.now(UTC), progress=_progress)
        found = 0
        for one in checking.compare(services, progress=_progress):
            found += 1
            if all_of_them or found <= SHOWN:
                click.echo(
                    f"\n{one.what} {one.where}\n  counted: {one.counted or '-'}\n  must be: {one.must_be or '-'}"
                )
    if found > SHOWN and not all_of_them:
        click.echo(f"... and {found - SHOWN} more: `ged facts verify --all`")
    click.echo(f"\n{found} differences" if found else "\nthe figures are those of the register")
    sys.exit(1 if found else 0)


@facts.command()
def heal() -> None:
    """Compare each letter with the register and count again those that differ, as the job of the night does.

    A cell whose letters are counted as they should, and whose number is wrong all the same, is mended by a rebuild alone.
    """
    with _serving() as services:
        count = operations.heal(services, now=datetime.now(UTC), progress=_progress)
    click.echo(f"\n{count} letters counted again")


def _progress(done: int, total: int) -> None:
    click.echo(f"\r{done}/{total}", nl=False)


@contextmanager
def _serving() -> Iterator[Services]:
    services = build_services(settings_of())
    try:
        yield services
    finally:
        services.engine.dispose()
