"""Letters for the pages of figures: of several units, days, natures and levels, counted."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update

from ged.figures import operations as figures
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import Confidentiality, MailId, PostId, RegisterId, UnitId
from ged.register import operations as register_operations
from ged.register.models import Mail, Priority, Register
from ged.register.operations import IncomingForm
from ged.routing import operations
from ged.routing.models import Assignment
from ged.routing.operations import ImputationForm
from ged.routing.states import LIVE
from ged.unit import Actor, Role, Services
from tests import kept_rows
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import post_id, unit_id


def add_auditor(services: Services) -> None:
    """Add an auditor of the ministry, with the account ``auditeur``."""
    with services.unit_of_work(NOW) as uow:
        post = Post(code="AUD", title="Poste AUD", unit_id=unit_id(services, "SG"), roles=[PostRole(role=Role.AUDITOR)])
        person = Person(account="auditeur", name="Auditeur")
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))


@dataclass(frozen=True)
class Known:
    """What each letter needs of the organisation. To look it up for each of them took a quarter of their time."""

    register: RegisterId
    addressed: PostId
    units: Mapping[str, int]
    agent: Actor
    sg: Actor

    @classmethod
    def of(cls, services: Services) -> Known:
        """As it is now."""
        with services.reading() as session:
            register = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
            units = dict(session.execute(select(Unit.code, Unit.id)).all())
        addressed = PostId(post_id(services, "SG-T"))
        return cls(RegisterId(register), addressed, units, actor(services, "agent"), actor(services, "sg"))


def letter(
    services: Services,
    unit: str = "",
    *,
    on: date = TODAY,
    level: Confidentiality = Confidentiality.ORDINARY,
    nature: str = "",
    priority: Priority = Priority.NORMAL,
    due_on: date | None = None,
    answered: datetime | None = None,
    known: Known | None = None,
) -> int:
    """A letter that was received on a day, given to a unit (empty: to none yet), answered at a moment (None: not yet).

    Args:
        known: the organisation, where it does not change between several letters; None: it is looked up.
    """
    known = known or Known.of(services)
    form = IncomingForm(
        subject="Demande", sender_name="Préfecture de l'Ogou", addressed_post_id=known.addressed, received_on=on,
        nature=nature, priority=priority,
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        made = register_operations.register_incoming(uow, known.register, form, actor=known.agent, now=NOW)
    mail_id = int(made.mail_id)
    if unit:
        decision = ImputationForm(UnitId(known.units[unit]), due_on=due_on)
        with services.unit_of_work(NOW) as uow:
            operations.impute(uow, made.mail_id, decision, version=None, actor=known.sg, now=NOW)
    if unit and answered is not None:
        _finish(services, mail_id, unit.lower(), answered)
    if level:
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(level)))
    return mail_id


def _finish(services: Services, mail_id: int, account: str, at: datetime) -> None:
    with services.reading() as session:
        row = session.scalars(
            select(Assignment.id).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
        ).one()
    with services.unit_of_work(at) as uow:
        operations.finish(uow, MailId(mail_id), row, outcome="Fait", actor=actor(services, account), now=at)


def furnish(services: Services, seed: int = 5, count: int = 48) -> None:
    """Letters of two months: of two directorates and of none, with and without date, answered and open, of each level."""
    kept_rows.once(services, ("letters of two months", seed, count), lambda: _furnish(services, seed, count))


def _furnish(services: Services, seed: int, count: int) -> None:
    chance, answered, known = random.Random(seed), list[tuple[int, str]](), Known.of(services)
    for _ in range(count):
        unit = chance.choice(["", "DGE", "DGE", "DAF"])
        mail_id = letter(
            services,
            unit,
            on=TODAY - timedelta(days=chance.randrange(80)),
            nature=chance.choice(["", "demande", "plainte"]),
            priority=chance.choice(list(Priority)),
            due_on=chance.choice([None, TODAY + timedelta(days=2)]),
            known=known,
        )
        if unit and chance.random() < 0.4:
            answered.append((mail_id, unit.lower()))
    for hours, (mail_id, account) in enumerate(answered, start=1):
        _finish(services, mail_id, account, NOW + timedelta(hours=5 * hours))
    with services.unit_of_work(NOW) as uow:
        for mail_id in uow.session.scalars(select(Mail.id).order_by(Mail.id)).all():
            level = chance.choice([0, 0, 0, 0, 1, 2])
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=level))
    count_all(services)


def count_all(services: Services) -> None:
    """Count every letter anew, also what was changed by hand."""
    figures.rebuild(services, now=NOW)
