"""``ged restore``: a copy comes back, on an empty machine or for a drill."""

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from ged.archive.copies import DRILL_FAILED, DRILLED
from ged.unit import SYSTEM
from web.commands.media import MEDIUM, medium_of
from web.commands.passphrases import Passphrases, passphrases
from web.commands.shared import FILE, print_step, settings_of, write_whole
from web.commands.two_people import two_administrators
from web.processes import replacing
from web.processes import restore as process
from web.processes.restore import Drill, Outcome, Wanted
from web.wiring import backups, settings_file
from web.wiring.services import build_services

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("medium", type=MEDIUM)
@click.option("--identity", required=True, type=FILE, help="The private key of the copies.")
@click.option(
    "--keys",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Archive ged-keys-….age, or the folder that holds it.",
)
@click.option("--keys-identity", type=FILE, help="The private key of the archive of the keys.  [default: --identity]")
@click.option("--keys-passphrase", is_flag=True, help="A passphrase protects the keys; it is asked for.")
@click.option("--snapshot", default="", help="Name of the copy (`ged backup list`).  [default: the latest]")
@click.option(
    "--key", type=FILE, help="A copy of the journal's public key that came another way: proves who made the copy."
)
@click.option(
    "--database-url",
    default="",
    envvar="RESTORE_DATABASE_URL",
    help="Of an empty database of PostgreSQL; also RESTORE_DATABASE_URL.  [default: as the settings say]",
)
@click.option("--data", type=FOLDER, help="New data folder.")
@click.option("--settings", "settings_folder", type=FOLDER, help="New folder of the settings, outside of the data.")
@click.option("--drill", is_flag=True, help="Restore into a spare folder, prove that all is of use, and remove it.")
@click.option("--spare", type=FOLDER, help="Folder of the drill: new, on a disk with room.  [default: ged-drill here]")
@click.option(
    "--letters",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Letters that a drill opens, taken by chance.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the drill's signed report; the report on paper lies beside it as .pdf.  [default: ged-drill-DATE.json]",
)
@click.option(
    "--over",
    is_flag=True,
    help="Take the place of the installation in --data and --settings, which is set aside: two of its administrators prove themselves.",
)
@click.option(
    "--no-live-accounts",
    is_flag=True,
    help="With --over, where its accounts cannot be read, or fewer than two administer: the restored journal says so.",
)
@passphrases("that of the keys")
def restore(
    medium: str,
    identity: Path,
    keys: Path,
    keys_identity: Path | None,
    keys_passphrase: bool,
    snapshot: str,
    key: Path | None,
    database_url: str,
    data: Path | None,
    settings_folder: Path | None,
    drill: bool,
    spare: Path | None,
    letters: int,
    report: Path | None,
    over: bool,
    no_live_accounts: bool,
    words: Passphrases,
) -> None:
    """Restore a copy of a MEDIUM into new folders, or prove by a drill that it can be restored.

    MEDIUM: a folder, or s3://bucket/prefix, with GED_BACKUP_S3_ENDPOINT, …_REGION, …_ACCESS_KEY, …_SECRET_KEY, …_CA as
    variables where no settings are.

    Nothing is ever restored over what is there: with --over it is set aside, whole. Everything is compared with what was written before the data folder gets
    its name. Exit code 1: something is broken; it is named, and the rest is there.
    """
    opens_keys = (
        backups.passphrase(words.ask("keys")) if keys_passphrase else backups.identities(keys_identity or identity)
    )
    wanted = Wanted(
        medium_of(medium),
        snapshot,
        backups.identities(identity),
        keys,
        opens_keys,
        backups.public_key(key) if key else None,
        database_url,
    )
    if drill:
        if data is not None or settings_folder is not None:
            raise click.UsageError("a drill has a folder of its own: --spare")
        _drill(wanted, spare or Path("ged-drill"), letters, report)
        return
    if data is None or settings_folder is None:
        raise click.UsageError("give --data and --settings: two new folders (or --drill)")
    if not over:
        replacing.require_whole(data)
    outcome = (
        _over(wanted, data, settings_folder, without_accounts=no_live_accounts)
        if over
        else process.restore(wanted, data, settings_folder, progress=print_step)
    )
    _tell(outcome)
    sys.exit(1 if outcome.broken or outcome.report.problems else 0)


def _over(wanted: Wanted, data: Path, settings_folder: Path, *, without_accounts: bool) -> Outcome:
    now = datetime.now(UTC)
    replacing.put_back(data, progress=print_step)
    with replacing.stopped(data, settings_folder):
        people = replacing.consent(
            data, settings_folder, wanted.snapshot, without_accounts=without_accounts, ask=two_administrators
        )
        if not people:
            click.echo(
                "RESTORING WITHOUT THE CONSENT of two administrators: the restored journal will say so", err=True
            )
        return replacing.replace(wanted, data, settings_folder, people, now=now, progress=print_step)


def _tell(outcome: Outcome) -> None:
    made, report = outcome.manifest, outcome.report
    click.echo(
        f"restored: the copy of {made.made_at}, {made.entries} entries of the journal, {len(made.held)} stored files"
    )
    for one in outcome.broken:
        click.echo(f"BROKEN {one}")
    if outcome.destroyed:
        click.echo(
            f"{len(outcome.destroyed)} letters were destroyed by a slip of disposal after this copy: they cannot be opened from it, and stay "
            "destroyed"
        )
    if outcome.keyring_unread:
        click.echo(
            "the keyring of the installation that was set aside could not be read: letters that were destroyed since the latest copy of the "
            "keyring are back; compare with the slips of disposal"
        )
    for digest in made.damaged:
        click.echo(f"already lost or altered when the copy was made: {digest}")
    for problem in report.problems:
        click.echo(f"BROKEN {problem.code}: {problem.where}")
    if not report.problems:
        click.echo(f"ged verify: no problem ({report.blobs} stored files, {report.signatures} signatures)")
    settled = outcome.settled
    click.echo(f"everybody signs in anew; jobs that were running are queued again: {settled.requeued}")
    if settled.uncertain:
        click.echo(
            f"{settled.uncertain} messages may have left after the copy was made: they wait for a decision, "
            "on the page of the jobs (/administration)"
        )
    if settled.waiting:
        click.echo(
            f"{len(settled.waiting)} registers give no number yet: {', '.join(settled.waiting)}. For each of them a clerk says the last "
            "number that stands on paper, or that none was given since the copy (/registres/reprise)"
        )
    click.echo(
        "last numbers of the copy: whatever paper bears a higher one was registered after it, and is to be entered again"
    )
    for book in made.books:
        click.echo(f"  {book.register}: {book.text}" + (f" ({book.year})" if book.year else ""))
    click.echo(f"settings: {outcome.settings}")
    click.echo(
        f"Then: GED_ENV_FILE={outcome.settings} ged verify --key journal.pub --heads heads.jsonl (the copies kept elsewhere); "
        "ged serve; ged worker (it builds the index anew)"
    )


def _drill(wanted: Wanted, spare: Path, letters: int, report: Path | None) -> None:
    now = datetime.now(UTC)
    place = report or Path(f"ged-drill-{now:%Y-%m-%dT%H%M%SZ}.json")
    done = process.drill(wanted, spare, letters=letters, progress=print_step)
    content = json.dumps(
        {"report": done.body, "signature": done.signature, "journal_key_sha256": hashlib.sha256(done.public).hexdigest()},
        ensure_ascii=False, indent=1, sort_keys=True,
    ).encode()  # fmt: skip
    write_whole(place, content + b"\n")
    paper = place.with_suffix(".pdf")
    if done.sheet:
        write_whole(paper, done.sheet)
    if done.unsealed:
        lacks = f"{paper} bears no seal" if done.sheet else f"{paper} was not made"
        click.echo(f"{lacks} ({done.unsealed}): the signed report {place} is the proof", err=True)
    _note(done, hashlib.sha256(content + b"\n").hexdigest(), now)
    if done.destroyed:
        click.echo(
            f"{done.destroyed} letters were destroyed by a slip of disposal after this copy: they cannot be opened from it"
        )
    for fault in done.faults:
        click.echo(f"BROKEN {fault}")
    click.echo(
        f"drill of {done.snapshot}: {'FAILED' if done.faults else 'proven'}; {done.letters} letters opened and found{'' if done.letters else ' (the copy holds none)'}; "
        f"{done.seconds:.1f} s; report: {place}; on paper: {paper}"
    )
    sys.exit(1 if done.faults else 0)


def _note(done: Drill, sha256: str, now: datetime) -> None:
    """Note the drill in the journal of the installation of this machine, where it is the one that was copied."""
    if not settings_file.find().is_file():
        return
    services = build_services(settings_of())
    if not done.is_of(Path(services.data_dir)):
        click.echo("the installation of this machine is another one: its journal does not name the drill", err=True)
        return
    with services.unit_of_work(now) as uow:
        uow.record(
            DRILL_FAILED if done.faults else DRILLED, "backup", None, actor=SYSTEM, snapshot=done.snapshot, report=sha256,
            letters=done.letters, seconds=round(done.seconds),
        )  # fmt: skip
