"""The command line for the ministry's own certificate authority: ``ged pki``."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ged.errors import GedError
from ged.org.certificates import listed, note_issued, revoke
from ged.org.keys import renew_key, renewals_asked
from ged.org.models import CertificateKind
from ged.preservation.operations import standing
from ged.unit import SYSTEM, Services
from web.commands.passphrases import Passphrases, passphrases
from web.commands.root_parts import root_passphrase, split
from web.commands.shared import settings_of
from web.wiring.authority import (
    create_authority,
    has_root_here,
    make_seal,
    open_authority,
    protect_authority,
    publish_status,
    renew_issuing_authority,
    renew_root_list,
)
from web.wiring.services import build_services

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
@click.option("--trial", is_flag=True, help="Keep both keys under the server's secret (never for real letters).")
@passphrases("the authority's, then the root's")
def pki_init(organisation: str, root: Path | None, trial: bool, words: Passphrases) -> None:
    """Make the authority of ORGANISATION (once): an offline root, and the issuing authority."""

    if (root is None) is not trial:
        raise click.UsageError("name the medium with --root FOLDER, or say --trial")
    settings = settings_of()
    issuing = words.ask("authority", new=True) if root is not None else ""
    passphrase = words.ask("root", new=True) if root is not None else ""
    create_authority(
        settings,
        organisation=organisation,
        now=datetime.now(UTC),
        root=root,
        passphrase=passphrase,
        issuing_passphrase=issuing,
    )
    click.echo("authority: made; restart the site and the workers, so that they recognise its signatures")
    if root is None:
        click.echo("authority: for trials; ged pki protect makes it one for real letters")
        return
    click.echo(f"root: put {root} away; it is needed once a year (ged pki root-crl) and to renew the authority")
    click.echo("authority: sign its list again within a month (ged pki crl)")


@pki.command("protect")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=None,
    help="New folder for the root's key, if it lies in the installation: on a medium that is put away afterwards.",
)
@passphrases("the authority's present one if it has one, its new one, then the root's")
def pki_protect(root: Path | None, words: Passphrases) -> None:
    """Encrypt the authority's key with a passphrase, or with a new passphrase."""

    settings = settings_of()
    authority = open_authority(settings, lambda: words.ask("authority (the present one)"))
    if has_root_here(settings) and root is None:
        raise click.UsageError("the root's key lies in the installation too: name a medium with --root FOLDER")
    new = words.ask("authority (the new one)", new=True)
    root_words = words.ask("root", new=True) if has_root_here(settings) else ""
    protect_authority(
        settings, build_services(settings), authority, new,
        now=datetime.now(UTC), root=root, root_passphrase=root_words,
    )  # fmt: skip
    click.echo("authority: protected; sign its list again within a month (ged pki crl)")
    click.echo("copies of the data that were made until now still hold the key as it was: destroy them")


@pki.command("crl")
@click.option("--days", type=click.IntRange(1, 100), default=35, show_default=True, help="How long it is valid.")
@passphrases()
def pki_crl(days: int, words: Passphrases) -> None:
    """Sign the revocation list, and certify the site's OCSP responder for the same time."""

    settings = settings_of()
    authority = open_authority(settings, words.authority)
    until = publish_status(
        settings, build_services(settings), authority, now=datetime.now(UTC), validity=timedelta(days=days)
    )
    click.echo(f"list: good until {until:%Y-%m-%d}")


@pki.command("renewals")
@passphrases()
def pki_renewals(words: Passphrases) -> None:
    """Renew the certificates that end soon, of keys that their owners have used; the keys do not change."""

    settings, now = settings_of(), datetime.now(UTC)
    with build_services(settings).reading() as session:
        waiting = renewals_asked(session)
    if not waiting:
        click.echo("renewals: none is asked for")
        return
    authority = open_authority(settings, words.authority)
    services = build_services(settings, authority=authority)
    for person_id, account in waiting:
        serial = renew_key(services, person_id, actor=SYSTEM, now=now)
        click.echo(f"{account}: {serial}")
    publish_status(settings, services, authority, now=now)


@pki.command("renew")
@_ROOT
def pki_renew(root: Path) -> None:
    """Let the root certify the issuing authority for ten more years; all certificates that it issued stay valid."""

    settings = settings_of()
    words = root_passphrase(settings, root, "renew")
    until = renew_issuing_authority(settings, root=root, passphrase=words, now=datetime.now(UTC))
    click.echo(f"authority: good until {until:%Y-%m-%d}")


@pki.command("root-crl")
@_ROOT
def pki_root_crl(root: Path) -> None:
    """Let the root sign its revocation list for the next year."""

    settings = settings_of()
    renew_root_list(settings, root=root, passphrase=root_passphrase(settings, root, "root-crl"), now=datetime.now(UTC))
    click.echo("root: list signed")


@pki.command("split")
@_ROOT
def pki_split(root: Path) -> None:
    """Put the root's key in the hands of two people: any two of three parts open it, the third lies in an envelope.

    Called again, two parts make three new ones: after one is lost, or when somebody leaves. The earlier parts open nothing then.
    """

    split(settings_of(), root)
    click.echo("root: in the hands of two; the third part goes into an envelope that both close")


@pki.command("seal")
@click.option(
    "--identifier",
    default="",
    help="Of the institution (EN 319 412-1, 5.1.4): VATTG-1000123456, GO:TG-MEF.  [default: made of its name]",
)
@passphrases()
def pki_seal(identifier: str, words: Passphrases) -> None:
    """Make the key of the institution's seal, or replace it in time; seals made with the old key stay valid."""

    settings, now = settings_of(), datetime.now(UTC)
    authority = open_authority(settings, words.authority)
    facts, pem = make_seal(settings, identifier=identifier, now=now, authority=authority)
    with build_services(settings).unit_of_work(now) as uow:
        note_issued(uow, facts, pem, kind=CertificateKind.SEAL)
        uow.record("seal.issued", "installation", None, actor=SYSTEM, serial=facts.serial)
    click.echo(f"seal: {facts.subject}, good until {facts.not_after:%Y-%m-%d}")


@pki.command("list")
@click.option("--expiring", type=int, default=None, help="Only those in use that end within this number of days.")
def pki_list(expiring: int | None) -> None:
    """List the issued certificates, the latest first."""

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
@passphrases()
def pki_revoke(serial: str, reason: str, words: Passphrases) -> None:
    """Revoke the certificate SERIAL: the site publishes it at once, its key signs no more. Then run `ged pki crl`."""

    settings, now = settings_of(), datetime.now(UTC)
    services = build_services(settings)
    with services.unit_of_work(now) as uow:
        revoke(uow, serial, reason=reason, actor=SYSTEM)
    click.echo("certificate: revoked")
    if not _is_protected(services):
        return
    try:
        until = publish_status(settings, services, open_authority(settings, words.authority), now=now)
    except (click.Abort, click.UsageError, GedError) as failure:
        click.echo("list: the site knows; whoever reads the list alone does not before ged pki crl")
        if isinstance(failure, GedError):
            raise
        return
    click.echo(f"list: good until {until:%Y-%m-%d}")


def _is_protected(services: "Services") -> bool:
    standing = services.revocation.standing() if services.revocation is not None else None
    return standing is not None and standing.is_protected


@pki.command("status")
def pki_status() -> None:
    """Show how the authority's keys are kept, the level of the signatures, and what the next levels need."""

    services = build_services(settings_of())
    for line in _authority_lines(services):
        click.echo(line)
    for level, failure, count in standing(services):
        click.echo(f"{level:6} {count:8}  {failure}".rstrip())


def _authority_lines(services: "Services") -> list[str]:

    kept = services.revocation.standing() if services.revocation is not None else None
    if kept is None:
        return []
    if not kept.is_protected:
        return [
            "authority: FOR TRIALS: whoever has the data and the secret can issue certificates",
            "-> ged pki protect",
        ]
    lines = ["authority: under a passphrase"]
    if kept.ends_soon(datetime.now(UTC)):
        until = f"ends {kept.list_until:%Y-%m-%d}" if kept.list_until else "is missing"
        lines += [f"list: {until}: others will not know what is revoked", "-> ged pki crl"]
    elif kept.list_until:
        lines.append(f"list: good until {kept.list_until:%Y-%m-%d}")
    with services.reading() as session:
        waiting = len(renewals_asked(session))
    return [*lines, f"renewals: {waiting} wait", "-> ged pki renewals"] if waiting else lines
