"""``ged entity``: an entity leaves whole, and is taken in elsewhere."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ged import case_export
from ged.transfer.export import export
from ged.transfer.take_in import take_in
from web.commands.shared import FILE, settings_of
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


@entity.command("take-in")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--key",
    required=True,
    type=FILE,
    help="The journal's public key of the other installation, which came another way.",
)
@click.option("--prefix", default="", help="Put before codes and accounts where some of them are here already.")
@click.option("--dry-run", is_flag=True, help="Verify and compare only; write nothing.")
def take_in_entity(folder: Path, key: Path, prefix: str, dry_run: bool) -> None:
    """Take in the entity of FOLDER, which `ged entity export` wrote elsewhere: all of it, or nothing.

    Numbers stay. While the rows are written nobody else writes. People arrive without passwords: give them first accesses.
    """
    done = take_in(
        build_services(settings_of()), folder, key.read_bytes(), prefix=prefix, now=datetime.now(UTC), dry_run=dry_run,
        told=lambda what: click.echo(f"  {what}", err=True),
    )  # fmt: skip
    would = "would be taken in" if dry_run else "taken in"
    click.echo(
        f"{done.code} ({done.name}) {would}: {done.letters} letters, {done.documents} files, {done.entries} entries of its journal"
    )
    if not dry_run:
        click.echo("trust its roots (trust/*.pem of the folder, in GED_TRUSTED_DIR), then: ged verify")
