"""Helpers for the tests of routing and search: mentions, letters that wait for an authority, jobs that index them."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import jobs, pipeline
from ged.followup import reminders
from ged.org.models import Post, Unit
from ged.ports import Confidentiality, MailId
from ged.register import operations as register_operations
from ged.register.models import Priority, Register
from ged.register.operations import IncomingForm, Registered
from ged.routing import operations
from ged.routing.models import Assignment, Mention
from ged.routing.operations import ImputationForm
from ged.routing.states import LIVE
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services

MENTIONS = (("attribution", "Attribution"), ("opinion", "Étude et avis"), ("information", "Information"))


def make_mentions(services: Services) -> None:
    """Add the list of mentions."""
    with services.unit_of_work(NOW) as uow:
        uow.session.add_all(Mention(code=code, label=label, position=n) for n, (code, label) in enumerate(MENTIONS))


@pytest.fixture
def services_with_mentions(tmp_path: Path) -> Iterator[Services]:
    """The organisation of the tests with its mentions, on SQLite."""
    made = make_services(tmp_path)
    make_organisation(made)
    make_mentions(made)
    yield made
    made.engine.dispose()


@pytest.fixture
def services_on_either(tmp_path: Path, either_database: str | None) -> Iterator[Services]:
    """The organisation of the tests with its mentions. The test runs once on each database."""
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    make_mentions(made)
    yield made
    made.engine.dispose()


def unit_id(services: Services, code: str) -> int:
    """The id of the unit with this code."""
    with services.reading() as session:
        return session.scalars(select(Unit.id).where(Unit.code == code)).one()


def post_id(services: Services, code: str) -> int:
    """The id of the post with this code."""
    with services.reading() as session:
        return session.scalars(select(Post.id).where(Post.code == code)).one()


def register(
    services: Services,
    subject: str = "Demande d'audience",
    *,
    level: Confidentiality = Confidentiality.ORDINARY,
    priority: Priority = Priority.NORMAL,
    due_on: date | None = None,
    sender: str = "Préfecture de l'Ogou",
    by: str = "agent",
    now: datetime = NOW,
) -> Registered:
    """Register an incoming letter for the secretary general."""
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    form = IncomingForm(
        subject=subject,
        sender_name=sender,
        addressed_post_id=post_id(services, "SG-T"),  # type: ignore[arg-type]
        level=level,
        priority=priority,
        due_on=due_on,
    )
    with services.unit_of_work(now) as uow:
        return register_operations.register_incoming(uow, register_id, form, actor=actor(services, by), now=now)  # type: ignore[arg-type]


def impute(
    services: Services,
    mail_id: int,
    leading: str = "DGE",
    others: tuple[str, ...] = (),
    *,
    by: str = "sg",
    due_on: date | None = None,
    mentions: tuple[str, ...] = (),
    note: str = "",
    version: int | None = None,
) -> int:
    """Assign a letter to units, named by their codes. Returns the id of the imputation."""
    form = ImputationForm(
        unit_id(services, leading),  # type: ignore[arg-type]
        tuple(unit_id(services, code) for code in others),  # type: ignore[misc]
        mentions,
        note,
        due_on,
    )
    with services.unit_of_work(NOW) as uow:
        return operations.impute(uow, MailId(mail_id), form, version=version, actor=actor(services, by), now=NOW)


def remind(services: Services, mail_id: int, unit: str = "DGE", *, by: str = "sg", now: datetime = NOW) -> int:
    """Remind a unit of a letter that was assigned to it. Returns the number of e-mails."""
    with services.unit_of_work(now) as uow:
        asked = select(Assignment.id).where(
            Assignment.mail_id == mail_id, Assignment.unit_id == unit_id(services, unit), Assignment.state.in_(LIVE)
        )
        return reminders.remind(uow, MailId(mail_id), uow.session.scalars(asked).all()[0], actor=actor(services, by))


def run_jobs(services: Services, *kinds: jobs.JobKind) -> None:
    """Run the due jobs of these kinds, as a worker does. Without kinds: the index jobs."""
    wanted = kinds or (jobs.JobKind.INDEX,)
    with services.reading() as session:
        waiting = jobs.due(session, now=NOW, kinds=wanted, limit=500)
    for job_id in waiting:
        pipeline.run_job(services, job_id, worker="test")
