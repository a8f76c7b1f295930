"""How a command ends on an expected error. Every command loads this, so it loads nothing of the installation."""

import sys
from typing import NoReturn

import click

from ged.errors import GedError


def stop(error: GedError, *, code: int = 1) -> NoReturn:
    """End the command: print the error's code and remedy on standard error."""
    details = ", ".join(f"{key}: {value}" for key, value in error.params.items())
    click.echo(f"{error.code}" + (f" ({details})" if details else ""), err=True)
    if error.remedy:
        click.echo(f"-> {error.remedy}", err=True)
    sys.exit(code)
