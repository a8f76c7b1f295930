"""``ged blobs``: the stored files, and the keys that encrypt them."""

import sys
from datetime import UTC, datetime, timedelta

import click

from ged.errors import EngineFailed, NotFound
from web.commands.shared import settings_of
from web.wiring.stored_files import is_store, moving, opened

REPORTED_EACH = 1_000
UNUSED_AFTER = timedelta(hours=24)
SHOWN = 20
FOLDER = "folder"


@click.group()
def blobs() -> None:
    """The stored files, and the keys that encrypt them."""


@blobs.command()
def encrypt() -> None:
    """Encrypt the files that were stored in clear, while the site works. Interrupted, run it again: it goes on."""
    with opened(settings_of()) as (files, _):
        done = 0
        damaged: list[str] = []
        try:
            for n, (digest, _) in enumerate(files.digests(), 1):
                try:
                    done += files.encrypt(digest)
                except EngineFailed as error:
                    damaged.append(f"{digest} ({error.code})")
                if n % REPORTED_EACH == 0:
                    click.echo(f"{n} files, {done} encrypted", err=True)
        except KeyboardInterrupt:
            click.echo(f"\nstopped: {done} files encrypted; run it again to go on from here", err=True)
            sys.exit(130)
    click.echo(f"{done} files encrypted")
    _tell("left as they were, restore them from a backup", damaged)
    click.echo("Free space on this disk still holds what was clear: overwrite it, or replace the disk.", err=True)


@blobs.command()
def rotate() -> None:
    """Encrypt the keys under a new master key and remove the earlier one. No file is rewritten."""
    with opened(settings_of()) as (_, keyring):
        for left in keyring.rotate():
            click.echo(f"keys still under an earlier master key: {left}", err=True)
        number = max(keyring.master.all())
    click.echo(
        f"master key {number}; replace the backups of the keyring now: earlier ones open nothing stored from here on"
    )


@blobs.command()
@click.option("--drop-unused", is_flag=True, help="Destroy the keys of files that are not there, after a day.")
def check(drop_unused: bool) -> None:
    """Compare files and keys: what is encrypted, which file has no key, which key has no file."""
    with opened(settings_of()) as (files, keyring):
        used: set[bytes] = set()
        clear = 0
        unreadable: list[str] = []
        for digest, _ in files.digests():
            try:
                key_id = files.key_of(digest)
                if key_id is None:
                    clear += 1
                    continue
                used.add(key_id)
                keyring.key(key_id, digest)
            except (NotFound, EngineFailed) as error:
                if files.exists(digest):  # else a sweep removed it meanwhile
                    unreadable.append(f"{digest} ({error.code})")
        before = datetime.now(UTC) - UNUSED_AFTER
        # An earlier copy may hold bytes that are there under an earlier key: only a disposal destroys it.
        unused = [
            key_id
            for key_id, digest, made_at in keyring.listed()
            if key_id not in used and made_at < before and not files.exists(digest)
        ]
        if drop_unused:
            for key_id in unused:
                keyring.destroy(key_id)
    click.echo(f"{len(used)} files encrypted, {clear} clear")
    click.echo(f"{len(unused)} keys without a file" + (", destroyed" if drop_unused and unused else ""))
    _tell("files without a readable key, put the keyring back from its latest backup", unreadable)


@blobs.command()
@click.option("--to", required=True, help="s3://bucket/prefix of the store of the settings (GED_S3_…), or `folder`.")
@click.option(
    "--from",
    "origin",
    default="",
    help="Where they are.  [default: where the settings say; once they say --to, the folder]",
)
def move(to: str, origin: str) -> None:
    """Copy the stored files to another store, as they are, and read each there again. Nothing is removed from where they are.

    Call it while people work, then set GED_BLOBS, restart site and workers, and call it again: it goes on with what came
    meanwhile. Interrupted, it goes on too. Exit code 1: something could not be copied (named).
    """
    for one, hint in ((to, "--to"), (origin or FOLDER, "--from")):
        if one != FOLDER and not is_store(one):
            raise click.BadParameter(f"write s3://bucket/prefix, or {FOLDER}", param_hint=hint)
    settings, address = settings_of(), to if to != FOLDER else ""
    came_from = origin or (FOLDER if settings.blobs == address else settings.blobs or FOLDER)
    if came_from == to:
        raise click.BadParameter("the files are there: name where they come from", param_hint="--from")
    with moving(settings, came_from if came_from != FOLDER else "", address) as (source, target):
        copied, there, failed, closed = 0, 0, list[str](), 0
        for n, (digest, _) in enumerate(source.digests(), 1):
            try:
                if target.verify(digest):
                    there += 1
                    continue
                _, stored = source.open_stored(digest)
                with stored:
                    target.put_stored(digest, stored)
                if not target.verify(digest):
                    raise EngineFailed("blob.altered", digest=digest)
                copied += 1
            except (NotFound, EngineFailed) as error:
                # A store is away: all files that are left would fail for the same reason, and be named as damaged.
                if isinstance(error, EngineFailed) and error.retryable:
                    raise
                if error.code == "blob.no_key":
                    closed += 1
                elif source.exists(digest):
                    failed.append(f"{digest} ({error.code})")
            if n % REPORTED_EACH == 0:
                click.echo(f"{n} files, {copied} copied", err=True)
    click.echo(f"{copied} files copied, {there} were there; every one was read there again")
    if closed:
        # Disposed of, or the keyring was put back from an earlier backup: then this is their only place.
        click.echo(
            f"{closed} files were not copied, they have no key: compare with `ged blobs check` before you remove them",
            err=True,
        )
    _tell("could not be copied, restore them from a backup", failed)
    if settings.blobs != address:
        click.echo(
            f"Now {f'set GED_BLOBS={address}' if address else 'remove GED_BLOBS'}, restart site and workers, and call this again.",
            err=True,
        )
    else:
        click.echo(
            "The settings name this store. Remove the files of the other one when a backup was made from here.",
            err=True,
        )


def _tell(what: str, names: list[str]) -> None:
    if names:
        click.echo(f"{len(names)} {what}:", err=True)
        for one in names[:SHOWN]:
            click.echo(f"  {one}", err=True)
        sys.exit(1)
