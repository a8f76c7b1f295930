"""``ged run`` and ``ged demo``: the demonstration ministry."""

import logging
import sys
from pathlib import Path

import click

from demo import stage


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
