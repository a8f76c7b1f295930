"""``ged move``: from SQLite and tantivy to PostgreSQL and Elasticsearch."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from web.commands.ending import stop
from web.commands.shared import settings_of
from web.processes import move as process
from web.processes.move import Differs, Outcome, Wanted
from web.wiring import moved, settings_file

DIFFERS = 3
"""Exit code of a target that is not as the source."""


def _pairs(_context: click.Context, _option: click.Parameter, words: Sequence[str]) -> dict[str, str]:
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    if len(pairs) != len(words) or not all(name.startswith("GED_") for name in pairs):
        raise click.BadParameter("write GED_NAME=VALUE")
    return pairs


@click.command()
@click.option(
    "--to",
    envvar="MOVE_DATABASE_URL",
    default="",
    help="Of an empty database: postgresql+psycopg://user:password@host/name; also MOVE_DATABASE_URL.",
)
@click.option("--redis", envvar="MOVE_REDIS_URL", default="", help="GED_REDIS_URL of the servers; also MOVE_REDIS_URL.")
@click.option(
    "--elasticsearch",
    envvar="MOVE_ELASTICSEARCH_URL",
    default="",
    help="GED_ELASTICSEARCH_URL of the servers; also MOVE_ELASTICSEARCH_URL.",
)
@click.option(
    "--set", "more", multiple=True, callback=_pairs, metavar="GED_NAME=VALUE", help="Another line of the new settings."
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="New folder, to which the files are copied.  [default: they stay where they are]",
)
@click.option(
    "--settings",
    "place",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"New file of the new settings.  [default: {moved.NAME} beside the old ones]",
)
@click.option(
    "--letters", type=click.IntRange(0, 1000), default=20, show_default=True, help="Letters that are opened and found."
)
@click.option(
    "--anew", is_flag=True, help="Empty what an earlier, unfinished move left in the database, and begin again."
)
@click.option("--back", is_flag=True, help="Serve the embedded installation again.")
@click.option("--lose", is_flag=True, help="With --back: leave behind what was typed with the servers since.")
def move(
    to: str,
    redis: str,
    elasticsearch: str,
    more: dict[str, str],
    data: Path | None,
    place: Path | None,
    letters: int,
    anew: bool,
    back: bool,
    lose: bool,
) -> None:
    """Move this embedded installation to PostgreSQL and Elasticsearch, and prove that everything arrived.

    Site and worker are stopped meanwhile. Interrupted, the same call goes on. The embedded installation stays as it is; the new
    settings come into a file beside the old ones. Exit code 3: something differs; it is named.
    """
    settings = settings_of(moved=True)
    if back:
        process.go_back(settings, lose=lose)
        click.echo("the embedded installation may be served again: ged serve; ged worker")
        return
    if not to:
        raise click.UsageError("name the new database: --to, or MOVE_DATABASE_URL")
    old = settings_file.find()
    new = {"GED_DATABASE_URL": to, "GED_REDIS_URL": redis, "GED_ELASTICSEARCH_URL": elasticsearch, **more}
    if data is not None:
        new["GED_DATA_DIR"] = str(data.resolve())
    wanted = Wanted(moved.lines_of(old, new), place or moved.place_of(old), letters, anew)
    try:
        outcome = process.move(settings, wanted, progress=_print_step)
    except Differs as error:
        for one in error.named:
            click.echo(f"DIFFERS {one}")
        stop(error, code=DIFFERS)
    _tell(outcome, old)
    sys.exit(0)


def _print_step(what: str, count: int) -> None:
    click.echo(f"  {what}" + (f": {count}" if count else ""), err=True)


def _tell(outcome: Outcome, old: Path) -> None:
    if outcome.rows:
        took_s = outcome.seconds.get("rows", 0)
        rate = f", {outcome.copied / took_s:,.0f} rows a second" if took_s and outcome.copied else ""
        click.echo(f"rows: {outcome.rows}, each the same in both (copied now: {outcome.copied}{rate})")
        click.echo(f"digest of all rows: {outcome.digest}")
        click.echo(
            f"keys of documents: {outcome.keys}; files copied: {outcome.files or 'none, they stay where they are'}"
        )
    for one in outcome.known:
        click.echo(f"already so in the embedded installation: {one.code}: {one.where}")
    if outcome.report is not None:
        click.echo(f"ged verify: {outcome.report.blobs} stored files, {outcome.report.signatures} signatures")
    click.echo(f"index: {outcome.letters} letters; {outcome.opened} taken by chance were opened and found")
    if outcome.seconds:
        click.echo("seconds: " + ", ".join(f"{name} {one:.1f}" for name, one in outcome.seconds.items()))
    kept = old.with_name(f"{old.name}.embedded")
    click.echo(
        f"\nThe new settings: {outcome.settings}\n"
        f"To change over:\n"
        f"  cp -p {old} {kept}\n"
        f"  cp -p {outcome.settings} {old}\n"
        f"  start site and workers (docs/operate/move.md names the units), then: ged doctor\n"
        f"To go back (before anybody works there; stop site and workers first):\n"
        f"  cp -p {kept} {old}\n"
        f"  ged move --back\n"
        f"  start site and worker"
    )
