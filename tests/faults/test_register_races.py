"""Two registrations at one moment on PostgreSQL: a form sent twice makes one letter, a new sender one entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.ports import RegisterId
from ged.register.models import Correspondent, Mail, MailNumber, Register
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.lock_kit import Actor, wait_for_waiters

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = make_services(tmp_path, url=request.getfixturevalue("make_database")())
    make_organisation(made)
    yield made
    made.engine.dispose()


def register_both(services: Services, *forms: IncomingForm) -> list[Registered]:
    """Register each form in a transaction of its own. The first commits only when the second waits for it."""
    clerk = actor(services, "agent")
    with services.reading() as session:
        register_id = RegisterId(session.scalars(select(Register.id).where(Register.code == "ARR")).one())

    def enter(form: IncomingForm) -> Registered:
        with services.unit_of_work(NOW) as uow:
            return register_incoming(uow, register_id, form, actor=clerk, now=NOW)

    with services.unit_of_work(NOW) as uow:
        first = register_incoming(uow, register_id, forms[0], actor=clerk, now=NOW)
        second = Actor(lambda: enter(forms[1]))
        wait_for_waiters(services.engine)
    return [first, second.result()]


def form(services: Services, subject: str, token: str) -> IncomingForm:
    return IncomingForm(
        subject, "Préfecture de l'Anié", actor(services, "sg").posts[0].post_id, request_token=token
    )  # fmt: skip


def test_a_double_click_is_one_letter(services: Services) -> None:
    one = form(services, "Demande", "a" * 43)
    first, second = register_both(services, one, one)
    assert (second.mail_id, second.number, second.is_repeated) == (first.mail_id, first.number, True)
    with services.reading() as session:
        assert session.scalar(select(func.count(Mail.id))) == session.scalar(select(func.count(MailNumber.id))) == 1


def test_a_new_sender_typed_by_two_clerks_is_one_entry(services: Services) -> None:
    register_both(services, form(services, "Demande", "a" * 43), form(services, "Relance", "b" * 43))
    with services.reading() as session:
        assert session.scalars(select(Correspondent.version)).all() == [1]
        assert session.scalar(select(func.count(MailNumber.id))) == 2
