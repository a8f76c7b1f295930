"""The root's key on the command line: under a passphrase, or under parts that two people type."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from ged.config import Settings
from ged.directory import machine
from ged.errors import Forbidden, Invalid, NotFound
from ged.org.actors import actor_of_account
from ged.unit import Actor, Role, Services
from web.commands.passphrases import Passphrases, apart
from web.commands.two_people import WORDS, prove
from web.wiring import root_parts
from web.wiring.root_parts import Parts
from web.wiring.services import build_services

USED, SPLIT = "authority.root_used", "authority.root_split"


def root_passphrase(settings: Settings, root: Path, what: str) -> str:
    """The passphrase of the root's key: typed, or opened by the parts of two people, who prove themselves. The journal names them.

    Args:
        what: the act, for the journal.

    Raises:
        Invalid, Forbidden, ConfigError: as ``signing.root_parts`` and ``ged.directory.machine``.
    """
    parts = root_parts.parts_of(root)
    if parts is None:
        return Passphrases(None).ask("root")
    services = build_services(settings)
    click.echo("the root's key is in the hands of two: each types an account, its password and a part", err=True)
    people, typed = zip(*(_holder(services, parts, words) for words in WORDS), strict=True)
    first, second = people
    machine.require_two(services, first, second, role=None, now=datetime.now(UTC))
    opened = parts.passphrase(*typed)
    _note(services, USED, first, second, what)
    return opened


def _holder(services: Services, parts: Parts, words: str) -> tuple[Actor, str]:
    actor = prove(services, words, role=None)
    part, holder = _typed_part(parts, actor.account)
    if holder and holder != actor.account and _is_there(services, holder):
        raise Forbidden("root.not_holder", "its holder types it", account=actor.account)
    if holder != actor.account and not actor.has(Role.ADMINISTRATOR):
        raise Forbidden("root.not_holder", "an administrator types it", account=actor.account)
    return actor, part


def _is_there(services: Services, account: str) -> bool:
    """Whether an account is open. The part of who has left is typed by an administrator, as that of the envelope: where both
    holders have left, nobody would open the root ever again.
    """
    with services.reading() as session:
        try:
            actor_of_account(session, account, on=datetime.now(services.zone).date())
        except NotFound:
            return False
    return True


def _typed_part(parts: Parts, account: str) -> tuple[str, str]:
    """A part as it was typed, and the account of its holder. A slip of the hand is typed again."""
    left = root_parts.TRIES
    while True:
        part = str(click.prompt(f"Part of the root's key of {account}", hide_input=True, err=True))
        try:
            return part, parts.holder_of(part)
        except Invalid:
            left -= 1
            if not left:
                raise
            click.echo(_AGAIN, err=True)


_AGAIN = "It is mistyped: a letter A, B or C, then 35 signs; 0, O, 1 and I are none of them."


def split(settings: Settings, root: Path) -> None:
    """Put the root's key in the hands of two, or of two others."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("call it at a terminal, without redirection: each part is told to one person alone")
    services = build_services(settings)
    passphrase = root_passphrase(settings, root, "split")
    click.echo("the two who will hold it, each with the own account", err=True)
    first, second = (prove(services, words, role=None) for words in WORDS)
    machine.require_two(services, first, second, role=None, now=datetime.now(UTC))
    whose = {"A": first.account, "B": second.account}

    def tell(letter: str, text: str, is_again: bool) -> str:
        name = whose.get(letter, "the envelope, which both close")
        if not is_again:
            click.pause(f"Part {letter}, for {name}: nobody else looks now. Press a key.")
        with apart():
            if is_again:
                click.echo("It is not what was told. Compare the paper with the screen, and type it once more.")
            click.echo(f"Part {letter}, for {name}:\n\n{text}\n")
            click.pause("Write it on paper, then press a key.")
        with apart():
            return str(click.prompt(f"Type part {letter} from the paper"))

    root_parts.split(root, passphrase, (first.account, second.account), tell=tell)
    _note(services, SPLIT, first, second, "split")


def _note(services: Services, action: str, first: Actor, second: Actor, what: str) -> None:
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.record(action, "installation", None, actor=second, asked_by=int(first.person_id), form=what)
