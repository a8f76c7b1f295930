"""``ged run``, ``ged demo`` and ``ged training``: the demonstration ministry."""

import logging
import os
import signal
import sys
from pathlib import Path

import click

from demo import stage, training
from ged.errors import ConfigError
from web.commands.ending import stop


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--bind", default="127.0.0.1:8000", show_default=True)
def run(data: Path, bind: str) -> None:
    """Set up the demonstration ministry, do the main job once, serve site, worker and bridge until Ctrl+C."""
    logging.getLogger().setLevel(logging.WARNING)
    sys.exit(stage.run(data, bind=bind, say=click.echo))


@click.command()
@click.option("--shape", type=click.Choice(["embedded", "servers"]), default="embedded", show_default=True)
def demo(shape: str) -> None:
    """Do the main job in a separate installation; exit with 0, or with the reason."""
    logging.getLogger().setLevel(logging.WARNING)
    sys.exit(stage.demo(shape=shape, say=click.echo))


_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("training"),
    show_default=True,
    help="Folder of the training data.",
)


@click.group("training")
def training_group() -> None:
    """A training installation beside the real one: made people and letters, EXERCICE everywhere, nothing leaves it."""
    logging.getLogger().setLevel(logging.WARNING)


@training_group.command("start")
@_DATA
@click.option("--bind", default="127.0.0.1:8010", show_default=True)
@click.option("--url", default=None, help="Address by which browsers reach it.  [default: http://BIND]")
@click.option(
    "--letters",
    type=click.IntRange(0, 360),
    default=12,
    show_default=True,
    help="Letters that arrive each hour while somebody is signed in.",
)
def training_start(data: Path, bind: str, url: str | None, letters: int) -> None:
    """Make it where it is missing, and serve it until Ctrl+C; each night it is reset."""
    folders, url = training.Folders(data), url or f"http://{bind}"
    try:
        training.require_training(folders)
        with training.held(folders):
            training.make(folders, url=url, say=click.echo)
            code = training.Server(folders, bind=bind, url=url, letters=letters, say=click.echo).serve()
    except ConfigError as error:
        stop(error)
    sys.exit(code)


@training_group.command("reset")
@_DATA
def training_reset(data: Path) -> None:
    """Bring the made state back: what trainees did is gone."""
    folders = training.Folders(data)
    try:
        training.require_training(folders)
        pid = training.runner(folders)
        if pid is not None:
            os.kill(pid, signal.SIGUSR1)
            click.echo("the server resets it now")
            return
        with training.held(folders):
            training.reset(folders)
    except ConfigError as error:
        stop(error)
    click.echo("reset")


@training_group.command("stop")
@_DATA
def training_stop(data: Path) -> None:
    """Stop the server."""
    try:
        click.echo("stopped" if training.stop(training.Folders(data)) else "it was not running")
    except ConfigError as error:
        stop(error)
