"""Reads passphrases for commands: typed, or from a file descriptor that another program passes. Shows new ones apart.

So no passphrase appears in the arguments, the environment or the history of a shell, and none stays on the screen.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

_MAX_BYTES = 4096
APART, BACK = "\033[?1049h\033[2J\033[3J\033[H", "\033[2J\033[3J\033[H\033[?1049l"
"""To a second screen that is scrolled back by nobody, and from there; a terminal without one is wiped with all that it has kept."""


@contextmanager
def apart() -> Iterator[None]:
    """What is shown meanwhile is gone afterwards: the next person finds nothing of it, nor does who scrolls back."""
    click.echo(APART, nl=False)
    try:
        yield
    finally:
        click.echo(BACK, nl=False)


class Passphrases:
    """Prompts for passphrases, or reads them, one on each line, in the order named in the command's help.

    Args:
        descriptor: of an open file or pipe; None to prompt at the terminal.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._given = None if descriptor is None else iter(_lines(descriptor))

    @property
    def is_given(self) -> bool:
        """Whether another program passes the passphrases."""
        return self._given is not None

    def ask(self, whose: str, *, new: bool = False) -> str:
        """The next passphrase; a new one is typed twice.

        Raises:
            UsageError: no line is left.
        """
        if self._given is None:
            return str(click.prompt(f"Passphrase of the {whose}", hide_input=True, confirmation_prompt=new))
        found = next(self._given, "")
        if not found:
            raise click.UsageError(f"--passphrase-fd: the passphrase of the {whose} is missing")
        return found

    def authority(self) -> str:
        """The passphrase of the issuing authority."""
        return self.ask("authority")


def _lines(descriptor: int) -> list[str]:
    try:
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise click.UsageError("--passphrase-fd: give the number of a file that is open for reading") from None


def passphrases(order: str = "the authority's") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the option ``--passphrase-fd`` to a command, which then gets the argument ``words``.

    Args:
        order: whose passphrases are read, one on each line.
    """
    return click.option(
        "--passphrase-fd",
        "words",
        type=click.IntRange(min=0),
        default=None,
        metavar="N",
        callback=lambda _context, _option, number: Passphrases(number),
        help=f"Read passphrases from the open file N, a line each: {order}.  [default: ask]",
    )
