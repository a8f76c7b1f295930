"""The command line for the ministry's own certificate authority: ``ged pki``."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the root's key, on a medium that is put away afterwards.",
)


@click.group()
def pki() -> None:
    """The ministry's own certificate authority."""


@pki.command("init")
@click.argument("organisation")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=None,
    help="New folder for the root's key, on a medium that is put away afterwards.",
)
@click.option("--trial", is_flag=True, help="Keep the root's key in the installation (never for real letters).")
def pki_init(organisation: str, root: Path | None, trial: bool) -> None:
    """Make the authority of ORGANISATION (once): a root that is kept offline, and the authority that issues."""
    from web.bootstrap import create_authority
    from web.cli import settings_of

    if (root is None) is not trial:
        raise click.UsageError("name the medium with --root FOLDER, or say --trial")
    passphrase = "" if root is None else _new_passphrase()
    create_authority(settings_of(), organisation=organisation, now=datetime.now(UTC), root=root, passphrase=passphrase)
    click.echo("authority: made")
    if root is not None:
        click.echo(f"root: put {root} away; it is needed once a year (ged pki root-crl) and to renew the authority")


def _new_passphrase() -> str:
    return str(click.prompt("Passphrase of the root", hide_input=True, confirmation_prompt=True))


def _passphrase() -> str:
    return str(click.prompt("Passphrase of the root", hide_input=True))


@pki.command("renew")
@_ROOT
def pki_renew(root: Path) -> None:
    """Let the root certify the issuing authority for ten more years; all that it issued stays good."""
    from web.bootstrap import renew_issuing_authority
    from web.cli import settings_of

    until = renew_issuing_authority(settings_of(), root=root, passphrase=_passphrase(), now=datetime.now(UTC))
    click.echo(f"authority: good until {until:%Y-%m-%d}")


@pki.command("root-crl")
@_ROOT
def pki_root_crl(root: Path) -> None:
    """Let the root sign its revocation list for the next year."""
    from web.bootstrap import renew_root_list
    from web.cli import settings_of

    renew_root_list(settings_of(), root=root, passphrase=_passphrase(), now=datetime.now(UTC))
    click.echo("root: list signed")


@pki.command("seal")
@click.option(
    "--identifier",
    default="",
    help="Of the institution (EN 319 412-1, 5.1.4): VATTG-1000123456, GO:TG-MEF.  [default: made of its name]",
)
def pki_seal(identifier: str) -> None:
    """Make the key of the institution's seal, or a new one in time; what the old one sealed holds."""
    from ged.org.certificates import note_issued
    from ged.org.models import CertificateKind
    from ged.unit import SYSTEM
    from web.bootstrap import build_services, make_seal
    from web.cli import settings_of

    settings, now = settings_of(), datetime.now(UTC)
    facts, pem = make_seal(settings, identifier=identifier, now=now)
    with build_services(settings).unit_of_work(now) as uow:
        note_issued(uow, facts, pem, kind=CertificateKind.SEAL)
        uow.record("seal.issued", "installation", None, actor=SYSTEM, serial=facts.serial)
    click.echo(f"seal: {facts.subject}, good until {facts.not_after:%Y-%m-%d}")


@pki.command("list")
@click.option("--expiring", type=int, default=None, help="Only those in use that end within so many days.")
def pki_list(expiring: int | None) -> None:
    """The certificates that were issued, the latest first."""
    from ged.org.certificates import listed
    from web.bootstrap import build_services
    from web.cli import settings_of

    before = None if expiring is None else datetime.now(UTC) + timedelta(days=expiring)
    with build_services(settings_of()).reading() as session:
        for row in listed(session, expiring_before=before):
            state = f"revoked {row.revoked_at:%Y-%m-%d} {row.reason}" if row.revoked_at else ""
            click.echo(
                f"{row.serial}  until {row.expires_at:%Y-%m-%d}  {row.kind.value:6}  {row.subject}  {state}".rstrip()
            )


@pki.command("revoke")
@click.argument("serial")
@click.option("--reason", default="unspecified", show_default=True, help="As RFC 5280 spells it: keyCompromise, …")
def pki_revoke(serial: str, reason: str) -> None:
    """Revoke the certificate SERIAL: lists and OCSP say so at once, and its key signs no more."""
    from ged.org.certificates import revoke
    from ged.unit import SYSTEM
    from web.bootstrap import build_services
    from web.cli import settings_of

    with build_services(settings_of()).unit_of_work(datetime.now(UTC)) as uow:
        revoke(uow, serial, reason=reason, actor=SYSTEM)
    click.echo("certificate: revoked")


@pki.command("status")
def pki_status() -> None:
    """Which level the signatures have reached, and what stands in the way of the others."""
    from ged.preservation.operations import standing
    from web.bootstrap import build_services
    from web.cli import settings_of

    for level, failure, count in standing(build_services(settings_of())):
        click.echo(f"{level:6} {count:8}  {failure}".rstrip())
