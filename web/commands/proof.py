"""``ged verify``, ``ged seal`` and ``ged anchor``: prove the journal, and what the journal proves."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from ged.archive.keeping import anchor_journal, seal_head
from ged.archive.outside import HeldCopy, read_copy
from ged.errors import EngineFailed, Invalid
from ged.health.proof import note_verified
from ged.verify import verify as verify_all
from web.commands.ending import stop
from web.commands.shared import FILE, settings_of
from web.wiring.services import build_services


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--key", type=FILE, help="A copy of the journal's public key (seal/journal.pub) kept elsewhere.")
@click.option("--heads", type=FILE, help="A copy of seal/heads.jsonl kept elsewhere; needs --key.")
def verify(as_json: bool, key: Path | None, heads: Path | None) -> None:
    """Prove journal, sealed heads, registers, blobs and signatures.

    With --key and --heads, also prove that the journal continues the copied heads: nothing else detects a journal that
    an attacker with the whole server wrote anew. Exit 1 when a proof fails, 2 when the copy cannot be used, 3 when the
    database cannot be read: then nothing is proven or refuted.
    """

    held = _held_copy(key, heads)
    services = build_services(settings_of())
    try:
        report = verify_all(services, now=datetime.now(UTC), held=held)
    except EngineFailed as failure:
        stop(failure, code=3)
    note_verified(Path(services.data_dir), at=datetime.now(UTC), entries=report.entries, problems=len(report.problems))
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    else:
        click.echo(
            f"journal: {report.entries} entries, sealed until {report.sealed_until} ({report.sealed_at or 'never'}), "
            f"unsealed: {report.unsealed}, the oldest for {report.unsealed_age_s} s"
        )
        if held is not None and held.heads:
            later = max(0, report.entries - report.copy_until)
            click.echo(
                f"copy: {report.copy_heads} heads, until entry {report.copy_until}; {later} entries are newer than the copy"
            )
        click.echo(f"registers: {'no gap' if report.numbers_without_gap else 'GAPS'}")
        click.echo(f"blobs: {report.blobs}   signatures: {report.signatures}")
        for problem in report.problems:
            click.echo(f"BROKEN {problem.code}: {problem.where}")
            if problem.code in _MEANINGS:
                click.echo(f"-> {_MEANINGS[problem.code]}")
    sys.exit(1 if report.problems else 0)


_MEANINGS = {
    "journal.cut_behind_seal": "the journal held that many entries when it was sealed; some are lost, and with them numbers "
    "that were given: compare the latest backup with labels, receipts and printed registers",
    "journal.rewritten_behind_seal": "other entries stand where sealed ones stood: numbers may have been given twice",
    "number.told_and_missing": "this number was given to somebody, and the register does not have it any more",
    "journal.key_other": "the journal here is signed by another key than yours: another installation, or a replaced key",
    "journal.other_than_copy": "nothing of the copy is here: another installation's copy, or a journal written anew",
    "journal.rewritten_behind_copy": "the entry was changed after the copy was made, and chain and heads signed anew",
    "journal.cut_behind_copy": "the journal here ends before the copy: an older backup was restored, or entries were cut",
    "seal.differs_from_copy": "the file of heads here is not the one that was copied, from this line on",
}


def _held_copy(key: Path | None, heads: Path | None) -> HeldCopy | None:

    if key is None:
        if heads is not None:
            raise click.UsageError("--heads needs --key: the public key, as it was copied elsewhere")
        return None
    try:
        return read_copy(key.read_bytes(), heads.read_bytes() if heads is not None else None)
    except Invalid as error:
        details = f" (line {error.params['line']})" if "line" in error.params else ""
        raise click.UsageError(f"{error.code}{details}: {error.remedy}") from None


@click.command()
def seal() -> None:
    """Sign the journal's head and write it outside the database now."""

    sealed = seal_head(build_services(settings_of()), now=datetime.now(UTC))
    click.echo("sealed" if sealed else "sealed already")


@click.command()
def anchor() -> None:
    """Anchor the journal now: a root hash over all entries, signed, and time-stamped when an authority answers."""

    made, stamps = anchor_journal(build_services(settings_of()), now=datetime.now(UTC))
    click.echo(f"{'anchored' if made else 'anchored already'}; time-stamps received: {stamps}")
