"""A ministry of another installation, where people acted on its letters: it arrives in the installation of a test, and they act on there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from ged.archive.seal import journal_seal
from ged.org.models import Post, Unit
from ged.ports import MailId, PostId, RegisterId, UnitId
from ged.register import operations as register_operations
from ged.register.models import Mail, MailNumber, Register
from ged.register.operations import IncomingForm
from ged.routing import operations
from ged.routing.models import Assignment
from ged.routing.operations import ImputationForm
from ged.routing.states import LIVE
from ged.transfer.export import export
from ged.unit import Actor, Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.transfer_kit import THEIRS, add_other

AUTHORITY, CLERK = f"{THEIRS}-T".lower(), f"{THEIRS}-B".lower()
"""The accounts of its people."""


def leaving(folder: Path) -> tuple[Path, bytes]:
    """The signed folder of the ministry, and the key with which its journal was signed. Its letters are in each state."""
    folder.mkdir()
    services = make_services(folder)
    make_organisation(services)
    add_other(services)
    ids = [register(services, NOW) for _ in range(6)]
    for mail_id in ids[:4]:
        impute(services, mail_id, NOW)
    finish(services, ids[0], NOW)
    give_back(services, ids[1], NOW)
    void(services, ids[5], NOW)
    made = export(services, THEIRS, folder / "entity", now=NOW).folder
    key = journal_seal(services).public_pem()
    services.engine.dispose()
    return made, key


def letters(services: Services) -> list[int]:
    """The letters that the ministry has."""
    with services.reading() as session:
        own = select(Mail.id).join(Unit, Unit.id == Mail.unit_id).where(Unit.code == THEIRS)
        return list(session.scalars(own.order_by(Mail.id)))


def register(services: Services, now: datetime) -> int:
    """The ministry's mail office registers a letter."""
    with services.reading() as session:
        addressed = PostId(session.scalars(select(Post.id).where(Post.code == f"{THEIRS}-T")).one())
        register_id = RegisterId(session.scalars(select(Register.id).where(Register.code == f"{THEIRS}-ARR")).one())
    form = IncomingForm(f"Demande {THEIRS}", f"Expéditeur {THEIRS}", addressed)
    who = actor(services, CLERK, on=now.date())
    with services.unit_of_work(now) as uow:
        return int(register_operations.register_incoming(uow, register_id, form, actor=who, now=now).mail_id)


def impute(services: Services, mail_id: int, now: datetime) -> None:
    """The ministry's authority decides."""
    with services.unit_of_work(now) as uow:
        unit = uow.session.scalars(select(Unit.id).where(Unit.code == THEIRS)).one()
        form = ImputationForm(UnitId(unit))
        operations.impute(uow, MailId(mail_id), form, version=None, actor=_authority(services, now), now=now)


def finish(services: Services, mail_id: int, now: datetime) -> None:
    """It has dealt with the letter."""
    with services.unit_of_work(now) as uow:
        row = _live(services, mail_id)
        operations.finish(uow, MailId(mail_id), row, outcome="Fait", actor=_authority(services, now), now=now)


def give_back(services: Services, mail_id: int, now: datetime) -> None:
    """It returns the letter."""
    with services.unit_of_work(now) as uow:
        row = _live(services, mail_id)
        operations.give_back(uow, MailId(mail_id), row, reason="Ailleurs", actor=_authority(services, now), now=now)


def void(services: Services, mail_id: int, now: datetime) -> None:
    """The number of the letter is void."""
    with services.unit_of_work(now) as uow:
        number = uow.session.scalars(select(MailNumber.id).where(MailNumber.mail_id == mail_id)).first()
        who = actor(services, CLERK, on=now.date())
        register_operations.void_number(uow, number or 0, reason="Double", actor=who, now=now)


ACTS = (impute, finish, give_back, void)
"""What its people do with a letter."""


def _authority(services: Services, now: datetime) -> Actor:
    return actor(services, AUTHORITY, on=now.date())


def _live(services: Services, mail_id: int) -> int:
    with services.reading() as session:
        live = select(Assignment.id).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
        return session.scalars(live.order_by(Assignment.id)).all()[0]
