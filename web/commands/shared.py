"""Shared by commands: the settings of this installation, files that are written whole, the steps of long work."""

import glob
import os
import stat
from pathlib import Path

import click

from ged.config import Settings
from ged.durable import replace_file
from ged.errors import ConfigError
from ged.moving.mark import require_not_moved
from web.processes import logs
from web.wiring import settings_file

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def print_step(line: str) -> None:
    """Print what long work tells of itself on standard error (a ``ged.progress.Progress``)."""
    click.echo(f"  {line}", err=True)


def settings_of(*, moved: bool = False) -> Settings:
    """The settings of this installation. Sets ``GED_ENV_FILE``, so that started processes find them too.

    Args:
        moved: also of an embedded installation that is being moved to servers, or was: no other command touches it.

    Raises:
        ConfigError: see ``ged.config.load_settings``; ``move.moved``, ``move.unfinished``.
    """
    path = settings_file.find()
    os.environ["GED_ENV_FILE"] = str(path)
    settings = _read(path)
    if settings.embedded and not moved:
        require_not_moved(settings.data_dir)
    return settings


def _read(path: Path) -> Settings:
    try:
        settings = settings_file.read(path)
        if "GED_LOG" not in os.environ:
            logs.configure(settings.log)
        return settings
    except ConfigError as error:
        if path.is_file():
            raise
        # Whoever is told of the first setting that is missing invents one: a second secret, for keys that it does not open.
        raise ConfigError(
            error.code,
            f"name the file of the settings (ged --env FILE …, or GED_ENV_FILE): {path} is not there, and the variables of the "
            f"process do not suffice ({error.remedy}). A new installation: ged init",
            **error.params,
        ) from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: it is written beside its place, then renamed. Killed in the middle, or on a full disk, the
    command leaves the earlier file as it was. What is no file (a terminal, a pipe) is written directly.

    Raises:
        click.FileError: it cannot be written; the message names the file and the cause.
    """
    try:
        _write(path.resolve(), content)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "") from error


def _write(place: Path, content: bytes) -> None:
    if place.exists() and not place.is_file():
        place.write_bytes(content)
        return
    for left in place.parent.glob(f".{glob.escape(place.name)}.{'[0-9a-f]' * 8}"):  # of a command that was killed
        left.unlink(missing_ok=True)
    replace_file(place, content, mode=stat.S_IMODE(place.stat().st_mode) if place.exists() else None)
