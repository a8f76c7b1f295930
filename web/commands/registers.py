"""``ged registers``: registers wait after a restore that was not done by ``ged restore``."""

from datetime import UTC, datetime

import click

from ged.resuming.holding import hold_registers
from web.commands.shared import settings_of
from web.wiring.services import build_services


@click.group()
def registers() -> None:
    """The registers and their numbers."""


@registers.command("hold")
@click.option(
    "--since",
    required=True,
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
    help="The moment to which the database was brought back, in the installation's time zone.",
)
@click.option(
    "--register", "code", default="", help="The code of one register, where a wrong number was said.  [default: all]"
)
def hold(since: datetime, code: str) -> None:
    """Let the registers wait for the last number on paper, where another tool brought the database back.

    `ged restore` does this itself. Call it before the site is started: a snapshot of the machine or the log of PostgreSQL
    brings numbers back to a moment, and what was given after it stands on paper alone.
    """
    services, now = build_services(settings_of()), datetime.now(UTC)
    copied_at = since.replace(tzinfo=services.zone).astimezone(UTC)
    if copied_at > now:
        raise click.UsageError("--since is later than now")
    with services.unit_of_work(now) as uow:
        held = hold_registers(uow, copied_at=copied_at, code=code)
    click.echo(
        f"{len(held)} registers wait: {', '.join(dict.fromkeys(held))}. For each of them a clerk says the last number on paper, "
        "at /registres/reprise"
    )
