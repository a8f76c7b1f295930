"""``ged entity``: an entity leaves whole."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ged import case_export
from ged.transfer.export import export
from web.commands.shared import settings_of
from web.wiring.services import build_services


@click.group()
def entity() -> None:
    """A whole entity, in a signed folder."""


@entity.command("export")
@click.argument("code")
@click.argument("folder", type=click.Path(path_type=Path))
def export_entity(code: str, folder: Path) -> None:
    """Write the entity CODE into the new FOLDER: records, files, and what proves them. Check it with ged-verify.

    It holds all letters of the entity, the secret ones too, in clear text: keep and carry it as a backup. It holds no
    password and no private key.
    """
    if folder.exists():
        raise click.BadParameter(f"{folder} exists", param_hint="FOLDER")
    written = export(
        build_services(settings_of()),
        code,
        folder,
        now=datetime.now(UTC),
        told=lambda what: click.echo(f"  {what}", err=True),
    )
    click.echo(
        f"{folder}: {written.letters} letters, {written.documents} files, {written.entries} entries of the journal"
    )
    click.echo(f"manifest: SHA-256 {written.manifest_sha256}")
    click.echo(
        f"check it with a ged_verify.py of your own, and a journal.pub that came another way; SHA-256 {case_export.verifier()[1]}"
    )
