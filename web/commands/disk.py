"""``ged disk``: the ministry on a disk, to be read without a server."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from ged.backup.order import Order
from ged.disk import making, passphrase
from ged.disk.checking import check, manifest_of
from ged.disk.making import Disk, Wanted
from ged.disk.strength import is_strong
from ged.errors import Invalid
from ged.unit import Role
from web.commands.passphrases import Passphrases, apart, passphrases
from web.commands.shared import FILE, print_step, settings_of
from web.commands.two_people import prove
from web.wiring import settings_file
from web.wiring.backups import Given, order, public_key
from web.wiring.services import build_services

FOLDER = click.Path(file_okay=False, path_type=Path)
LACKS = 3
"""Exit code of a disk that lacks something: files that this installation itself has lost or altered, or the keyring."""


@click.group()
def disk() -> None:
    """The ministry on a disk: readable pages under a passphrase, and a copy from which a server comes back."""


@disk.command("make")
@click.argument("folder", type=FOLDER)
@click.option("--for", "holder", default="", help="For whom, in words: stands on the first page and in the journal.")
@click.option("--own-passphrase", is_flag=True, help="Type a passphrase of your own, twice, instead of a new one.")
@click.option("--anew", is_flag=True, help="Remove a disk that was interrupted, and begin again.")
@click.option(
    "--recipient", "recipients", multiple=True, help="Public key of the copy.  [default: GED_BACKUP_RECIPIENTS]"
)
@click.option("--keys-to", type=FOLDER, help="Medium of the keys, never this one.  [default: GED_BACKUP_KEYS_TO]")
@passphrases("that of the disk")
def make_disk(
    folder: Path,
    holder: str,
    own_passphrase: bool,
    anew: bool,
    recipients: Sequence[str],
    keys_to: Path | None,
    words: Passphrases,
) -> None:
    """Make a disk in FOLDER (of a USB disk, say), as a new folder GED-DATE. An administrator proves itself first.

    Interrupted, call it again: it goes on. Exit code 3: the disk is whole, but this installation has lost files, or the medium
    of the keys is not here; `ged backup` says which.
    """
    settings = settings_of()
    services = build_services(settings)
    actor = prove(services, "Administrator", role=Role.ADMINISTRATOR)
    file = settings_file.find()

    def ordered(place: Path) -> Order:
        return order(settings, Given(str(place), recipients, keys_to, keep="0/0/0"), file)

    # Before somebody writes down a passphrase for a disk that cannot be made.
    ordered(making.place_of(services, folder))
    begun = None if anew else making.draft_of(folder)
    phrase = _passphrase(words, begun=begun is not None and making.has_key(begun), own=own_passphrase)
    made = making.make(
        services,
        Wanted(
            folder=folder,
            order=ordered,
            passphrase=phrase,
            holder=" ".join(holder.split())[:200],
            actor=actor,
            anew=anew,
        ),
        now=datetime.now(UTC),
        progress=print_step,
    )
    _tell(made)
    sys.exit(LACKS if made.counts.unreadable or not made.is_whole else 0)


def _passphrase(words: Passphrases, *, begun: bool, own: bool) -> str:
    if begun:
        click.echo("a disk was begun here: type its passphrase to go on, or begin again with --anew", err=True)
        return words.ask("disk")
    if own or words.is_given:
        typed = words.ask("disk", new=True)
        if not is_strong(typed):
            raise Invalid(
                "disk.passphrase_weak", "type six words or more that do not belong together", field="passphrase"
            )
        return typed
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise click.UsageError("a new passphrase is shown at a terminal only: give one by --passphrase-fd")
    return _shown()


def _shown() -> str:
    """A new passphrase, which somebody has on paper: what is typed is not compared with the screen."""
    new, again = passphrase.made(), ""
    while True:
        with apart():
            click.echo(
                f"{again}The passphrase of the disk. Write it down, and keep it away from the disk:\n\n    {new}\n"
            )
            click.pause("Once it is on paper, press a key: it is shown no more.")
        typed = str(click.prompt("Type the passphrase of the disk from the paper", hide_input=True))
        if passphrase.normal(typed) == new:
            return new
        again = "It is not what was typed. Compare the paper with the screen.\n\n"


def _tell(made: Disk) -> None:
    click.echo(
        f"{made.folder}: {made.counts.letters} letters and {made.counts.files} files to read, {made.files} files in all"
    )
    click.echo(f"{made.size_bytes / 1_000_000:,.1f} MB; the copy in it is {made.copy.snapshot}")
    if made.counts.unreadable:
        click.echo(f"NOT READABLE: {made.counts.unreadable} files are lost or altered, or their key was destroyed")
    if made.problems:
        click.echo(f"PROBLEMS: `ged verify` finds {made.problems} and names them; the page of proofs says their kinds")
    if made.copy.damaged or made.copy.lost:
        click.echo("the copy lacks files that this installation has lost or altered: `ged verify` names them")
    if not made.copy.is_whole:
        click.echo("keyring: NOT COPIED. The copy cannot be opened whole: give the medium of the keys (--keys-to)")
    click.echo(
        f"manifest, SHA-256: {made.manifest_sha256}\nNote it with the passphrase. Check the disk: ged disk verify {made.folder}"
    )


@disk.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--key", type=FILE, help="The journal's public key (seal/journal.pub) that you hold: who made it is checked too."
)
def verify(folder: Path, key: Path | None) -> None:
    """Read every byte of the disk in FOLDER (GED-DATE); no passphrase is needed. Exit code 1: something is not as it was written."""
    if key is not None:
        public_key(key)
    signed = manifest_of(folder)
    found = list(check(folder, key, progress=print_step))
    for one in found:
        # A hostile disk chooses the names of its files: they must not move the cursor.
        click.echo(f"BROKEN {one.code}: {''.join(sign if sign.isprintable() else '?' for sign in one.where)}")
    if not found:
        click.echo("every byte is what was written" + ("" if key else "; who wrote it was not asked (--key)"))
    # An earlier disk of this installation is whole and signed too.
    click.echo(
        f"made: {signed.made_at:%Y-%m-%d %H:%M} (UTC)\nmanifest, SHA-256: {signed.sha256}; compare it with your note"
    )
    sys.exit(1 if found else 0)
