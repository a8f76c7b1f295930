"""``ged clock``: an administrator confirms the server's clock."""

from datetime import UTC, datetime

import click

from ged.register import clock as clock_rules
from ged.unit import SYSTEM
from web.commands.shared import settings_of
from web.wiring.services import build_services


@click.group()
def clock() -> None:
    """The clock by which numbers are dated."""


@clock.command("confirm")
@click.option("--reason", required=True, help="The other clock by which you know that this server's clock is right.")
def confirm(reason: str) -> None:
    """Confirm that this server's clock is right today, so that numbers are given again. Recorded in the journal."""

    services, now = build_services(settings_of()), datetime.now(UTC)
    with services.unit_of_work(now) as uow:
        clock_rules.confirm(uow, reason=reason, actor=SYSTEM)
    click.echo(f"clock: {now.astimezone(services.zone):%Y-%m-%d %H:%M %Z} confirmed")
