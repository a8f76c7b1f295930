"""The command line: ``ged``. Each command parses, calls one function, prints."""

import json
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ged.errors import EngineFailed, GedError, Invalid, Overtaken
from ged.unit import busy
from web import settings_file
from web.cli_clock import clock
from web.cli_import import import_letters
from web.cli_index import index
from web.cli_keys import keys
from web.cli_ocr import ocr
from web.cli_pki import pki
from web.cli_search import search
from web.cli_signatures import signatures
from web.cli_token import token
from web.passphrases import Passphrases, passphrases

if TYPE_CHECKING:
    from ged.archive.outside import HeldCopy
    from ged.config import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def settings_of(env: Path | None = None) -> "Settings":
    """The settings of this installation.

    Raises:
        ConfigError: see ``ged.config.load_settings``.
    """
    path = env or settings_file.find()
    os.environ["GED_ENV_FILE"] = str(path)
    return settings_file.read(path)


class Group(click.Group):
    """Expected errors end with their code and what to do, never with a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except GedError as error:
            _stop(error)
        except Overtaken:
            _stop(busy())


def _stop_with_choices(error: Invalid) -> NoReturn:
    """Several letters bear the number: each with the option that names it."""
    click.echo(f"{error.code} (number: {error.params['number']})", err=True)
    choices = error.params["choices"]
    for mail_id, words in choices if isinstance(choices, tuple) else ():
        click.echo(f"-> --letter {mail_id}: {words}", err=True)
    sys.exit(1)


def _stop(error: GedError, *, code: int = 1) -> NoReturn:
    details = ", ".join(f"{key}: {value}" for key, value in error.params.items())
    click.echo(f"{error.code}" + (f" ({details})" if details else ""), err=True)
    if error.remedy:
        click.echo(f"-> {error.remedy}", err=True)
    sys.exit(code)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--env", type=click.Path(path_type=Path), default=None, help="File of GED_* settings.")
def main(env: Path | None) -> None:
    """GED: documents and mail of a ministry."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("alembic", "elastic_transport"):  # a line for each call of each search
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if env is not None:
        os.environ["GED_ENV_FILE"] = str(env)


main.add_command(clock)
main.add_command(import_letters)
main.add_command(index)
main.add_command(keys)
main.add_command(ocr)
main.add_command(pki)
main.add_command(search)
main.add_command(signatures)
main.add_command(token)


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), help="Folder of the installation.")
@click.option(
    "--settings",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder of the settings and the secret, outside of the data; made with mode 0700.  [default: beside the data]",
)
@click.option("--production", is_flag=True, help=f"Put the settings into {settings_file.PRODUCTION} (as root).")
@click.option(
    "--move-settings", is_flag=True, help="Take the settings of an older installation out of its data folder."
)
def init(data: Path, folder: Path | None, production: bool, move_settings: bool) -> None:
    """Make a new installation: folder, secret, settings file. The settings lie outside of the data folder."""
    if production and folder is not None:
        raise click.UsageError("give --production or --settings")
    place = settings_file.PRODUCTION if production else folder
    data = data.resolve() if production else data
    path = settings_file.move(data, place) if move_settings else settings_file.make(data, place)
    click.echo(str(path))
    click.echo(
        f"Réglages et secret : {path} (hors des données, à sauvegarder à part) ; données : {data}\n"
        f"Settings and secret: {path} (outside of the data: back them up elsewhere); data: {data}\n"
        f"GED_ENV_FILE={path.resolve()}",
        err=True,
    )
    if move_settings:
        click.echo(
            "Les sauvegardes des données faites jusqu'ici contiennent encore le secret : gardez-les comme lui.\n"
            "Backups of the data made until now still hold the secret: keep them as you keep it.",
            err=True,
        )


@main.command()
def migrate() -> None:
    """Bring the database to the present schema."""
    from web.migrate import migrate_database

    migrate_database(settings_of())
    click.echo("database: up to date")


@main.group()
def org() -> None:
    """The organisation."""


@org.command("load")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
def org_load(file: Path, dry_run: bool) -> None:
    """Load units, people, posts, registers and lists from FILE."""
    from web.bootstrap import build_services
    from web.organisation import load_file

    changes = load_file(build_services(settings_of()), file, dry_run=dry_run, now=datetime.now(UTC))
    for change in changes:
        click.echo(f"{change.action:8} {change.kind:16} {change.code} {change.detail}".rstrip())
    click.echo(f"{len(changes)} changes" + (" (dry run: nothing was changed)" if dry_run else ""))


@main.group()
def account() -> None:
    """Accounts and their keys."""


@account.command("password")
@click.argument("name")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def account_password(name: str, password: str) -> None:
    """Set the password of account NAME; its sessions end."""
    from web.bootstrap import build_services
    from web.organisation import set_password_of

    set_password_of(build_services(settings_of()), name, password, now=datetime.now(UTC))
    click.echo("password: set")


@account.command("key")
@click.argument("name")
@click.option("--passphrase", prompt=True, hide_input=True, confirmation_prompt=True)
@passphrases()
def account_key(name: str, passphrase: str, words: Passphrases) -> None:
    """Issue a signing key and certificate to account NAME; the authority's passphrase is asked for."""
    from web.bootstrap import build_services, open_authority
    from web.organisation import issue_key_to

    settings = settings_of()
    services = build_services(settings, authority=open_authority(settings, words.authority))
    issue_key_to(services, name, passphrase, now=datetime.now(UTC))
    click.echo("key: issued")


@account.command("import-key")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--password", prompt="Password of the file", hide_input=True)
@click.option("--passphrase", prompt=True, hide_input=True, confirmation_prompt=True)
def account_import_key(name: str, file: Path, password: str, passphrase: str) -> None:
    """Give account NAME the key of FILE, a PKCS#12 of an accredited authority."""
    from web.bootstrap import build_services
    from web.organisation import adopt_key_of

    services = build_services(settings_of())
    adopt_key_of(services, name, file.read_bytes(), password, passphrase, now=datetime.now(UTC))
    click.echo("key: taken over")


@account.command("free-key")
@click.argument("name")
def account_free_key(name: str) -> None:
    """Let account NAME try its passphrase again after too many wrong ones."""
    from web.bootstrap import build_services
    from web.organisation import free_key_of

    free_key_of(build_services(settings_of()), name, now=datetime.now(UTC))
    click.echo("key: free to try again")


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
@click.option("--threads", default=8, show_default=True, help="Pages that one process makes at once.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=None, help="By default GED_PROCESSES, else one for each core."
)
def serve(bind: str, threads: int, processes: int | None) -> None:
    """Serve site and API."""
    from ged.config import refuse_unknown_addresses
    from web.isolation import require_isolation
    from web.migrate import require_migrated
    from web.server import serve_site

    settings = settings_of()
    refuse_unknown_addresses(settings)
    require_migrated(settings)
    require_isolation(settings)
    serve_site(settings, bind=bind, threads=threads, processes=processes)


@main.command()
def worker() -> None:
    """Do the jobs until stopped."""
    from web.isolation import require_isolation
    from web.migrate import require_migrated
    from web.worker import run_embedded, run_servers

    settings = settings_of()
    require_isolation(settings)
    stop = threading.Event()
    if settings.redis_url:
        run_servers(settings, stop)
        return
    require_migrated(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not run_embedded(settings, stop):
        logging.shutdown()
        os._exit(0)  # a lane is still at work on what was given back: the interpreter would wait for its threads


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--key", type=_FILE, help="The journal's public key, as it was copied elsewhere (seal/journal.pub).")
@click.option("--heads", type=_FILE, help="A copy of seal/heads.jsonl kept elsewhere; needs --key.")
def verify(as_json: bool, key: Path | None, heads: Path | None) -> None:
    """Prove journal, sealed heads, registers, blobs and signatures.

    With --key and --heads also that the journal is the one that was copied: a journal written anew by who holds the
    whole server is found by nothing else. Exit 1 when something does not hold, 2 when the copy cannot be used,
    3 when the database cannot be read: nothing is proven or refuted then.
    """
    from dataclasses import asdict

    from ged.verify import verify as verify_all
    from web.bootstrap import build_services

    held = _held_copy(key, heads)
    services = build_services(settings_of())
    try:
        report = verify_all(services, now=datetime.now(UTC), held=held)
    except EngineFailed as failure:
        _stop(failure, code=3)
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


def _held_copy(key: Path | None, heads: Path | None) -> "HeldCopy | None":
    from ged.archive.outside import read_copy

    if key is None:
        if heads is not None:
            raise click.UsageError("--heads needs --key: the public key, as it was copied elsewhere")
        return None
    try:
        return read_copy(key.read_bytes(), heads.read_bytes() if heads is not None else None)
    except Invalid as error:
        details = f" (line {error.params['line']})" if "line" in error.params else ""
        raise click.UsageError(f"{error.code}{details}: {error.remedy}") from None


@main.command()
def seal() -> None:
    """Sign the journal's head and write it outside the database now."""
    from ged.pipeline import seal_head
    from web.bootstrap import build_services

    sealed = seal_head(build_services(settings_of()), now=datetime.now(UTC))
    click.echo("sealed" if sealed else "sealed already")


@main.command()
def anchor() -> None:
    """Anchor the journal now: root over all entries, signed, time-stamped when an authority answers."""
    from ged.pipeline import anchor_journal
    from web.bootstrap import build_services

    made, stamps = anchor_journal(build_services(settings_of()), now=datetime.now(UTC))
    click.echo(f"{'anchored' if made else 'anchored already'}; time-stamps received: {stamps}")


@main.group()
def export() -> None:
    """Files for outside."""


@export.command("case")
@click.argument("number")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option("--letter", type=int, default=None, help="Which one, when several letters bear the number.")
def export_case(number: str, out: Path, letter: int | None) -> None:
    """Write all that proves the letter of register NUMBER into a folder; check it by ged-verify."""
    from ged import case_export
    from web.bootstrap import build_services

    if out.exists():
        raise click.BadParameter(f"{out} exists", param_hint="--out")
    services = build_services(settings_of())
    with services.reading() as session:
        try:
            mail_id = case_export.find_mail(session, number, letter=letter)
        except Invalid as several:
            _stop_with_choices(several)
    case = case_export.collect(services, mail_id, actor=None, now=datetime.now(UTC))
    case_export.write_folder(services, case, out)
    click.echo(f"{out}: {len(case.blobs)} files")
    digest = case_export.verifier()[1]
    click.echo(f"check it with a ged_verify.py of your own, never with a copy that came in a folder; SHA-256 {digest}")


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
def run(data: Path, bind: str) -> None:
    """Set up the demonstration ministry, do the main job once, serve site, worker and bridge until Ctrl+C."""
    from demo.stage import run as run_stage

    logging.getLogger().setLevel(logging.WARNING)
    sys.exit(run_stage(data, bind=bind, say=click.echo))


@main.command()
@click.option("--shape", type=click.Choice(["embedded", "servers"]), default="embedded", show_default=True)
def demo(shape: str) -> None:
    """Do the main job in an installation of its own; exit with 0 or the reason."""
    from demo.stage import demo as demo_stage

    logging.getLogger().setLevel(logging.WARNING)
    sys.exit(demo_stage(shape=shape, say=click.echo))


if __name__ == "__main__":
    main()
