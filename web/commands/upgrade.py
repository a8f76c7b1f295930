"""``ged upgrade``: a newer release takes the place of the one that runs, while people work."""

import os
import sys
from pathlib import Path

import click

from ged.errors import ConfigError
from web.commands.shared import print_step
from web.processes import upgrade as process
from web.processes.systemd import Systemd
from web.processes.upgrade import Place
from web.wiring.settings_file import NAME, PRODUCTION

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("release", type=FOLDER, required=False)
@click.option("--finish", is_flag=True, help="Close the upgrade: the database forgets the release before.")
@click.option("--back", is_flag=True, help="Let the release before serve again, until --finish.")
@click.option("--no-backup", is_flag=True, help="Without a copy first.")
@click.option("--root", type=FOLDER, default=Path("/opt/ged"), show_default=True, help="Folder of the releases.")
@click.option(
    "--state", type=FOLDER, default=Path("/etc/ged-install"), show_default=True, help="What install.sh remembers."
)
@click.option("--account", default="ged", show_default=True, help="Account of the services.")
@click.option(
    "--settings",
    type=click.Path(dir_okay=False, path_type=Path),
    default=PRODUCTION / NAME,
    show_default=True,
    help="File of the settings.",
)
def upgrade(
    release: Path | None,
    finish: bool,
    back: bool,
    no_backup: bool,
    root: Path,
    state: Path,
    account: str,
    settings: Path,
) -> None:
    """Let the installed RELEASE serve (by default the one of this command), and go back where anything fails.

    Called as root, as `/opt/ged/releases/VERSION/bin/ged upgrade`; `sh install.sh --upgrade` of a bundle installs the release first.
    Checks, copy, expansions while the release before serves, then one service after another.
    """
    if finish and back:
        raise click.UsageError("give --finish or --back")
    if not root.is_dir():
        raise ConfigError(
            "upgrade.nothing_installed",
            f"no installation in {root}: `sh install.sh` of a bundle makes one",
            setting="--root",
        )
    if not os.access(root, os.W_OK) or not os.access(state, os.W_OK):
        raise ConfigError("upgrade.denied", "call it as root: it changes links and restarts services", setting="--root")
    machine, place = Systemd(account, settings), Place(root, state)
    if finish:
        process.finish(machine, place, progress=print_step)
        click.echo("closed: from now on only a backup leads back")
    elif back:
        process.back(machine, place, progress=print_step)
    else:
        process.upgrade(machine, place, release or Path(sys.prefix), copy=not no_backup, progress=print_step)
