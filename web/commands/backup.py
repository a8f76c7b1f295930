"""``ged backup``: copies of the installation on another medium."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from ged.archive.copies import keys_written, last_made
from ged.archive.seal import HeadSeal
from ged.backup import checking
from ged.backup.clock import is_due
from ged.backup.drill_sheet import digest_of
from ged.backup.making import make
from ged.backup.order import Made
from ged.backup.papers import Index
from ged.backup.retention import Retention
from ged.errors import EngineFailed
from web.commands.media import MEDIUM, medium_of
from web.commands.passphrases import Passphrases, passphrases
from web.commands.shared import FILE, print_step, settings_of
from web.wiring import settings_file
from web.wiring.backups import Given, new_pair, order, public_key
from web.wiring.services import build_services

FOLDER = click.Path(file_okay=False, path_type=Path)
DAMAGED = 3
"""Exit code of a copy that lacks something: files that the installation itself has lost or altered, or the keyring."""


def _rule(context: click.Context, option: click.Parameter, typed: str | None) -> str | None:  # noqa: ARG001  # click's own
    """What is kept, as it was typed."""
    try:
        Retention.of(typed or "0/0/0")
    except ValueError:
        raise click.BadParameter("write days/weeks/months, as 7/5/24") from None
    return typed


@click.group(invoke_without_command=True)
@click.option("--to", type=MEDIUM, help="Folder of the medium, or s3://bucket/prefix.  [default: GED_BACKUP_TO]")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    help="Public key age1…; repeat it for several holders.  [default: GED_BACKUP_RECIPIENTS]",
)
@click.option(
    "--keys-to",
    type=FOLDER,
    help="Folder of another medium, for secret, authority and journal key.  [default: GED_BACKUP_KEYS_TO]",
)
@click.option(
    "--keys-recipient",
    "keys_recipients",
    multiple=True,
    help="Public key for the keys.  [default: GED_BACKUP_KEYS_RECIPIENTS]",
)
@click.option("--keys-passphrase", is_flag=True, help="Protect the keys by a passphrase instead; it is asked for.")
@click.option(
    "--keep", callback=_rule, help="Copies that stay: of so many days/weeks/months.  [default: GED_BACKUP_KEEP, 7/5/24]"
)
@click.option("--due", "only_due", is_flag=True, help="Only where GED_BACKUP_AT has passed since the last copy.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@passphrases("that of the keys")
@click.pass_context
def backup(
    context: click.Context,
    to: str | None,
    recipients: Sequence[str],
    keys_to: Path | None,
    keys_recipients: Sequence[str],
    keys_passphrase: bool,
    keep: str | None,
    only_due: bool,
    as_json: bool,
    words: Passphrases,
) -> None:
    """Copy database, files, sealed heads and settings to a medium, encrypted, while people work.

    Only what is new is written. Each file is read back. Exit code 3: the copy lacks files that this installation itself has
    lost or altered (they are named), or the keyring.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_of()
    given = Given(
        to, recipients, keys_to, keys_recipients, words.ask("keys", new=True) if keys_passphrase else "", keep
    )
    services = build_services(settings)
    if only_due:
        with services.reading() as session:
            last = last_made(session)
        if not is_due(settings.backup_at, last, now=datetime.now(UTC), zone=settings.zone):
            click.echo("no copy is due", err=True)
            return
    made = make(
        services,
        order(settings, given, settings_file.find()),
        now=datetime.now(UTC),
        progress=print_step,
    )
    if as_json:
        click.echo(json.dumps(asdict(made)))
    else:
        with services.reading() as session:
            known = keys_written(session)
        _tell(made, keys_known=known == made.keys)
    sys.exit(DAMAGED if made.damaged or made.lost or not made.is_whole else 0)


def _tell(made: Made, *, keys_known: bool) -> None:
    click.echo(f"copy {made.snapshot}: {made.objects} stored files, {made.new} of them new ({_size(made.new_bytes)})")
    for digest in made.damaged:
        click.echo(
            f"BROKEN blob.altered: {digest} on the server is not what was stored; an earlier copy of it stays, where there is one"
        )
    for digest in made.lost:
        click.echo(
            f"BROKEN blob.missing: {digest} is not on the server; an earlier copy of it stays, where there is one"
        )
    if not made.is_whole:
        click.echo(
            "keyring: NOT COPIED. Files that were stored since it last was cannot be opened from this copy: the medium of "
            "the keys must be there each time (--keys-to, GED_BACKUP_KEYS_TO)"
        )
    if made.dropped:
        click.echo(f"removed, by the rule of what is kept: {', '.join(made.dropped)}")
    if made.keys_written:
        click.echo(f"keys: written (ged-keys-{made.snapshot}-{made.keys}.age)")
    elif made.keys_there:
        click.echo("keys: unchanged since they were last written")
    elif keys_known:
        click.echo("keys: their medium is not here; they are as they were last written")
    else:
        click.echo(
            "keys: NOT COPIED, and new or changed since they were last written. Plug their medium in and call "
            "`ged backup --keys-to FOLDER`: without secret and keys nobody continues the installation"
        )


@backup.command()
@click.option(
    "--to", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="New file for the private key."
)
def keygen(file: Path) -> None:
    """Make a pair of keys: the private one in a new FILE, the public one on the screen.

    Put the private key on a medium that lies in a safe, twice, and not on the server. Who loses it has no backup.
    """
    if file.exists():
        raise click.BadParameter(f"{file} exists: a private key is never written over", param_hint="--to")
    if not file.parent.is_dir():
        raise click.BadParameter(
            f"the folder {file.parent} is not there: plug the medium in, or make it", param_hint="--to"
        )
    try:
        public = new_pair(file)
    except OSError as error:
        raise click.FileError(str(file), error.strerror or "") from error
    click.echo(public)
    click.echo(
        f"The private key is in {file}, and nowhere else: keep it away from the server, in two places.\n"
        f'On the server: GED_BACKUP_RECIPIENTS=["{public}"]',
        err=True,
    )


@backup.command("list")
@click.argument("medium", type=MEDIUM)
def list_copies(medium: str) -> None:
    """Name the copies of a MEDIUM; no key is needed."""
    place = medium_of(medium)
    place.require()
    for name in place.snapshots():
        try:
            index = Index.read(place.path_of(name))
        except EngineFailed as error:
            click.echo(f"{name}  {error.code}: {error.remedy}")
            continue
        size = sum(piece.size_bytes for piece in index.pieces)
        click.echo(
            f"{name}  {len(index.objects)} stored files, database and small files {_size(size)}, keys {index.keys}"
        )


@backup.command()
@click.argument("medium", type=MEDIUM)
@click.option(
    "--key", type=FILE, help="The journal's public key (seal/journal.pub): who made the copies is checked too."
)
def check(medium: str, key: Path | None) -> None:
    """Read every byte of a MEDIUM; no private key is needed. Exit code 1: something is not what was written.

    A broken object may be removed: the next backup writes it again, while the server has the file.
    """
    found = list(checking.check(medium_of(medium), public_key(key) if key else None, progress=print_step))
    for one in found:
        harmed = f" (of {', '.join(one.snapshots)})" if one.snapshots else ""
        click.echo(f"BROKEN {one.code}: {one.where}{harmed}")
    if not found:
        click.echo("every byte is what was written" + ("" if key else "; who wrote it was not asked (--key)"))
    sys.exit(1 if found else 0)


@backup.command()
def status() -> None:
    """When the last copy was made, as the journal says."""
    with build_services(settings_of()).reading() as session:
        at = last_made(session)
    click.echo("never" if at is None else at.isoformat(timespec="seconds"))
    sys.exit(0 if at else 1)


@backup.command()
@click.argument("report", type=FILE)
@click.option("--key", required=True, type=FILE, help="The journal's public key (seal/journal.pub).")
def report(report: Path, key: Path) -> None:
    """Check the signature of the REPORT of a drill (`ged restore --drill`). Exit code 1: it is not ours."""
    public_key(key)
    try:
        document = json.loads(report.read_bytes())
        body, signature = dict(document["report"]), str(document["signature"])
    except (ValueError, KeyError, TypeError):
        raise click.BadParameter(f"{report} is no report of a drill (ged-drill-….json)", param_hint="REPORT") from None
    is_ours = HeadSeal.of_public(key).is_signed(body, signature)
    proven = body.get("proven") is True
    click.echo(f"signature: {'ours' if is_ours else 'NOT OURS'}; proven: {'yes' if proven else 'NO'}")
    click.echo(f"SHA-256 of what is signed, as the report on paper prints it: {digest_of(body)}")
    sys.exit(0 if is_ours and proven else 1)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:,.1f} MB"
