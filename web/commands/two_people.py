"""Two people at one terminal: each types an account, its password and, where one is armed, the code of the second step."""

from datetime import UTC, datetime

import click

from ged.directory import machine
from ged.unit import Actor, Role, Services

WORDS = ("First person", "Second person")


def two_administrators(services: Services, what: str) -> tuple[Actor, Actor]:
    """Let two administrators prove themselves.

    Args:
        what: the act, as the terminal names it.

    Raises:
        Invalid, Forbidden: as ``ged.directory.machine``.
    """
    click.echo(f"{what}: it takes two administrators, each with the account's password", err=True)
    first, second = (prove(services, words, role=Role.ADMINISTRATOR) for words in WORDS)
    machine.require_two(services, first, second, role=Role.ADMINISTRATOR, now=datetime.now(UTC))
    return first, second


def prove(services: Services, words: str, *, role: Role | None) -> Actor:
    """Let one person prove who it is, with a post that has a role.

    Args:
        words: how the terminal names the person.

    Raises:
        Invalid, Forbidden: as ``ged.directory.machine.prove``.
    """
    account = click.prompt(f"{words}: account", err=True)
    password = click.prompt(f"Password of {account}", hide_input=True, err=True)

    def code() -> str:
        return str(click.prompt(f"Code of {account} (telephone, or recovery code)", hide_input=True, err=True))

    return machine.prove(services, account, password, ask_code=code, role=role, now=datetime.now(UTC))
