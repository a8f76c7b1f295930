"""``ged metrics``: the figures for Prometheus, printed."""

import click

from ged.health.gauges import space_of
from web.commands.shared import settings_of
from web.processes.metrics import Gauges, text_of
from web.wiring.services import build_services


@click.command()
def metrics() -> None:
    """Print the figures that a monitor reads.

    For a machine with workers alone, whose monitor reads files, and to look by hand. The program counts pages and jobs only
    where GED_METRICS_BIND is set.
    """
    settings = settings_of()
    services = build_services(settings)
    gauges = Gauges(services, space_of(services, settings.disk_reserve_bytes))
    click.echo(text_of(services, gauges.read()), nl=False)
