"""``ged blobs``: the stored files, and the keys that encrypt them."""

import sys
from datetime import UTC, datetime, timedelta

import click

from ged.errors import EngineFailed, NotFound
from web.commands.shared import settings_of
from web.wiring.stored_files import opened

TOLD_EACH = 1_000
UNUSED_AFTER = timedelta(hours=24)
SHOWN = 20


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
                if n % TOLD_EACH == 0:
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
        unused = [key_id for key_id, _, made_at in keyring.listed() if key_id not in used and made_at < before]
        if drop_unused:
            for key_id in unused:
                keyring.destroy(key_id)
    click.echo(f"{len(used)} files encrypted, {clear} clear")
    click.echo(f"{len(unused)} keys without a file" + (", destroyed" if drop_unused and unused else ""))
    _tell("files without a readable key, put the keyring back from its latest backup", unreadable)


def _tell(what: str, names: list[str]) -> None:
    if names:
        click.echo(f"{len(names)} {what}:", err=True)
        for one in names[:SHOWN]:
            click.echo(f"  {one}", err=True)
        sys.exit(1)
