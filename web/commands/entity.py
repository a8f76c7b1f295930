"""``ged entity``: an entity leaves whole, and is taken in elsewhere."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from ged import case_export
from ged.capture.files import private_dir
from ged.transfer import leaving, sealed
from ged.transfer.export import export
from ged.transfer.take_in import take_in
from web.commands.shared import FILE, print_step, settings_of
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
        progress=print_step,
    )
    click.echo(
        f"{folder}: {written.letters} letters, {written.documents} files, {written.entries} entries of the journal"
    )
    click.echo(f"manifest: SHA-256 {written.manifest_sha256}")
    click.echo(
        f"check it with a ged_verify.py of your own, and a journal.pub that came another way; SHA-256 {case_export.verifier()[1]}"
    )


@entity.command("key")
@click.argument("key", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("certificate", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", default="GED", help="Of our installation, in the certificate.")
@click.password_option("--passphrase", help="Protects the key; asked for when it is not given.")
def make_key(key: Path, certificate: Path, name: str, passphrase: str) -> None:
    """Make the KEY that opens an entity which another installation exports for us, and its CERTIFICATE.

    Send the certificate to the other installation, and tell it the fingerprint another way. The key never leaves us.
    """
    for place in (key, certificate):
        if place.exists():
            raise click.BadParameter(f"{place} exists")
    held, certificate_bytes, digest = sealed.make_key(name, passphrase.encode(), now=datetime.now(UTC))
    key.touch(mode=0o600)
    key.write_bytes(held)
    certificate.write_bytes(certificate_bytes)
    click.echo(f"fingerprint: {digest}")
    click.echo(
        f"say its first {leaving.TYPED} digits to the other installation, by telephone for example: {digest[: leaving.TYPED]}"
    )


@entity.command("accept")
@click.argument("certificate", type=FILE)
@click.argument("fingerprint")
def accept_receiver(certificate: Path, fingerprint: str) -> None:
    """Let the site export entities for the holder of CERTIFICATE, whose FINGERPRINT they told us another way.

    The site's administrator may not read the letters, and could make a certificate: so it is accepted here, on the server.
    """
    receiver = leaving.accept(
        build_services(settings_of()), certificate.read_bytes(), fingerprint, now=datetime.now(UTC)
    )
    click.echo(f"accepted: {receiver}; to take it back, remove {leaving.RECEIVERS}/{receiver}.crt from the data folder")


@entity.command("open")
@click.argument("file", type=FILE)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--opens", required=True, type=FILE, help="The key of `ged entity key`.")
@click.option("--passphrase", prompt=True, hide_input=True, help="Of the key; asked for when it is not given.")
def open_file(file: Path, folder: Path, opens: Path, passphrase: str) -> None:
    """Write what the sealed FILE holds into the new FOLDER, in clear text, for ged-verify."""
    if folder.exists():
        raise click.BadParameter(f"{folder} exists", param_hint="FOLDER")
    sealed.open_sealed(file, folder, opens.read_bytes(), passphrase.encode())
    click.echo(f"{folder}: check it with ged-verify, and remove it afterwards")


@entity.command("take-in")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--opens", type=FILE, help="The key of `ged entity key`, where FOLDER is a sealed file.")
@click.option("--passphrase", default="", help="Of that key; asked for when it is not given.")
@click.option(
    "--key",
    required=True,
    type=FILE,
    help="The journal's public key of the other installation, which came another way.",
)
@click.option("--prefix", default="", help="Put before codes and accounts where some of them are here already.")
@click.option("--dry-run", is_flag=True, help="Verify and compare only; write nothing.")
def take_in_entity(folder: Path, opens: Path | None, passphrase: str, key: Path, prefix: str, dry_run: bool) -> None:
    """Take in the entity of FOLDER, which `ged entity export` wrote elsewhere: all of it, or nothing.

    FOLDER may be the sealed file that the site of the other installation made: --opens names the key for which it was sealed.

    Numbers stay. While the rows are written nobody else writes. People arrive without passwords: give them first accesses.
    """
    services = build_services(settings_of())
    with ExitStack() as stack:
        if folder.is_file():
            if opens is None:
                raise click.BadParameter("name the key with --opens", param_hint="FOLDER")
            secret = passphrase or click.prompt("Passphrase", hide_input=True)
            opened = stack.enter_context(private_dir(services)) / "entity"
            sealed.open_sealed(folder, opened, opens.read_bytes(), secret.encode())
            folder = opened
        done = take_in(
            services, folder, key.read_bytes(), prefix=prefix, now=datetime.now(UTC), dry_run=dry_run,
            progress=print_step,
        )  # fmt: skip
    would = "would be taken in" if dry_run else "taken in"
    click.echo(
        f"{done.code} ({done.name}) {would}: {done.letters} letters, {done.documents} files, {done.entries} entries of its journal"
    )
    if not dry_run:
        click.echo("trust its roots (trust/*.pem of the folder, in GED_TRUSTED_DIR), then: ged verify")
