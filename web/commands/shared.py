"""Shared by commands: the settings of this installation, and the exit on an expected error."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from ged.config import Settings
from ged.errors import GedError
from web.wiring import settings_file

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def settings_of() -> Settings:
    """The settings of this installation. Sets ``GED_ENV_FILE``, so that started processes find them too.

    Raises:
        ConfigError: see ``ged.config.load_settings``.
    """
    path = settings_file.find()
    os.environ["GED_ENV_FILE"] = str(path)
    return settings_file.read(path)


def stop(error: GedError, *, code: int = 1) -> NoReturn:
    """End the command: print the error's code and remedy on standard error."""
    details = ", ".join(f"{key}: {value}" for key, value in error.params.items())
    click.echo(f"{error.code}" + (f" ({details})" if details else ""), err=True)
    if error.remedy:
        click.echo(f"-> {error.remedy}", err=True)
    sys.exit(code)
