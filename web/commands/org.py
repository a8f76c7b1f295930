"""``ged org``: the organisation."""

from datetime import UTC, datetime
from pathlib import Path

import click

from web.commands.organisation import load_file
from web.commands.shared import settings_of
from web.wiring.services import build_services


@click.group()
def org() -> None:
    """The organisation."""


@org.command("load")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
def org_load(file: Path, dry_run: bool) -> None:
    """Load units, people, posts, registers and lists from FILE."""

    changes = load_file(build_services(settings_of()), file, dry_run=dry_run, now=datetime.now(UTC))
    for change in changes:
        click.echo(f"{change.action:8} {change.kind:16} {change.code} {change.detail}".rstrip())
    click.echo(f"{len(changes)} changes" + (" (dry run: nothing was changed)" if dry_run else ""))
