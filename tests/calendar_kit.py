"""Letters with due dates in working days, and a calendar with the holidays of two years."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from ged.ports import MailId
from ged.register.models import Mail, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.routing import calendar_changes, due
from ged.routing.models import Assignment
from ged.unit import SYSTEM, Services
from tests.factories import NOW, actor, make_organisation
from tests.routing_kit import make_mentions, post_id

MONDAY = date(2026, 11, 30)


def made(services: Services) -> Services:
    """Add the organisation of the tests and the holidays of two years; returns the given services."""
    make_organisation(services)
    make_mentions(services)
    with services.unit_of_work(NOW) as uow:
        calendar_changes.fill(uow, range(2026, 2028), actor=SYSTEM)
    return services


def counted(services: Services, days: int, *, since: date = date(2026, 11, 24)) -> MailId:
    """Register a letter that is due ``days`` working days after ``since``, the day of its arrival."""
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    form = IncomingForm(
        subject="Demande",
        sender_name="Préfecture",
        addressed_post_id=post_id(services, "SG-T"),  # type: ignore[arg-type]
        received_on=since,
        due_days=days,
    )
    with services.unit_of_work(NOW) as uow:
        form = due.counted(uow, form)
        return register_incoming(uow, register_id, form, actor=actor(services, "agent"), now=NOW).mail_id  # type: ignore[arg-type]


def dates(services: Services, mail_id: int) -> tuple[date | None, list[date | None]]:
    """The due date of a letter and the due dates of its assignments, by ascending id; None where none is set."""
    with services.reading() as session:
        below = select(Assignment.due_on).where(Assignment.mail_id == mail_id).order_by(Assignment.id)
        return session.get_one(Mail, mail_id).due_on, list(session.scalars(below))
