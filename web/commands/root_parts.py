"""The root's key on the command line: under a passphrase, or under parts that two people type."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ged.config import Settings
from ged.directory import machine
from ged.errors import Forbidden
from ged.unit import Actor, Role, Services
from web.commands.passphrases import Passphrases
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
    part = str(click.prompt(f"Part of the root's key of {actor.account}", hide_input=True, err=True))
    holder = parts.holder_of(part)
    if holder and holder != actor.account:
        raise Forbidden("root.not_holder", "its holder types it", account=actor.account)
    if not holder and not actor.has(Role.ADMINISTRATOR):
        raise Forbidden("root.not_holder", "an administrator opens the envelope", account=actor.account)
    return actor, part


def split(settings: Settings, root: Path) -> None:
    """Put the root's key in the hands of two, or of two others."""
    services = build_services(settings)
    passphrase = root_passphrase(settings, root, "split")
    click.echo("the two who will hold it, each with the own account", err=True)
    first, second = (prove(services, words, role=None) for words in WORDS)
    machine.require_two(services, first, second, role=None, now=datetime.now(UTC))
    whose = {"A": first.account, "B": second.account}

    def tell(letter: str, text: str) -> str:
        name = whose.get(letter, "the envelope, which both close")
        click.pause(f"Part {letter}, for {name}: nobody else looks now. Press a key.", err=True)
        click.echo(text, err=True)
        click.pause("Write it on paper, then press a key.", err=True)
        click.clear()
        return str(click.prompt(f"Type part {letter} from the paper", err=True))

    root_parts.split(root, passphrase, (first.account, second.account), tell=tell)
    _note(services, SPLIT, first, second, "split")


def _note(services: Services, action: str, first: Actor, second: Actor, what: str) -> None:
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.record(action, "installation", None, actor=second, asked_by=int(first.person_id), form=what)
