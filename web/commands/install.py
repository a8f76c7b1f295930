"""``ged init`` and ``ged migrate``: a new installation, and the schema of its database."""

from pathlib import Path

import click

from web.commands.shared import settings_of
from web.processes.migrate import expand_database, finish_database
from web.wiring import settings_file


@click.command()
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
    """Make a new installation: folder, secret, settings file. The settings are outside of the data folder."""
    if production and folder is not None:
        raise click.UsageError("give --production or --settings")
    place = settings_file.PRODUCTION if production else folder
    data = data.resolve() if production else data
    path = settings_file.move(data, place) if move_settings else settings_file.make(data, place)
    keyring = settings_file.read(path).keyring or "—"
    click.echo(str(path))
    click.echo(
        f"Réglages et secret : {path} (hors des données, à sauvegarder à part) ; données : {data}\n"
        f"Settings and secret: {path} (outside of the data: back them up elsewhere); data: {data}\n"
        f"Trousseau des documents (à sauvegarder aussi souvent que les données) : {keyring}\n"
        f"Keyring of the documents (back it up as often as the data): {keyring}\n"
        f"GED_ENV_FILE={path.resolve()}",
        err=True,
    )
    if not move_settings:
        click.echo("Ensuite / Then: ged migrate --finish; ged account first NAME; ged serve; ged worker", err=True)
    else:
        click.echo(
            "Les sauvegardes des données faites jusqu'ici contiennent encore le secret : gardez-les comme lui.\n"
            "Backups of the data made until now still hold the secret: keep them as you keep it.",
            err=True,
        )


@click.command()
@click.option(
    "--finish",
    is_flag=True,
    help="Run the contractions too: when the last site and worker of the release before has been stopped.",
)
def migrate(finish: bool) -> None:
    """Migrate the database: what this release needs to start, while the release before works on."""

    if finish:
        finish_database(settings_of())
        click.echo("database: up to date")
        return
    waiting = expand_database(settings_of())
    click.echo(
        "database: ready for this release; when the last site and worker of the release before has been stopped: "
        f"`ged migrate --finish` ({', '.join(waiting)})"
        if waiting
        else "database: up to date"
    )
