"""Two registrations at one moment on PostgreSQL: a form sent twice makes one letter, a new sender one entry.

And a registration while its register changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ged.errors import Invalid, InvalidTransition
from ged.ports import RegisterId
from ged.register.models import Correspondent, Direction, Mail, MailNumber, Register, RegisterNature
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.unit import Services, once_more
from ged.workbook.operations import bring_to
from ged.workbook.state import organisation_now
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
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


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"closed_at": NOW}, "register.closed"),
        ({"pattern": "N{seq:03d}/{entity}"}, "N002/MIN"),
        ({"nature": RegisterNature.ARCHIVE}, "register.nature"),
        ({"direction": Direction.OUTGOING}, "register.nature"),
    ],
)
def test_a_register_that_changes_while_a_number_waits_is_read_again(
    services: Services, changed: dict[str, object], number: str
) -> None:
    clerk = actor(services, "agent")
    with services.reading() as session:
        register_id = RegisterId(session.scalars(select(Register.id).where(Register.code == "ARR")).one())

    def enter() -> str:
        try:
            with services.unit_of_work(NOW) as uow:
                letter = form(services, "Demande", "b" * 43)
                return register_incoming(uow, register_id, letter, actor=clerk, now=NOW).number
        except (Invalid, InvalidTransition) as refusal:
            return refusal.code

    with services.unit_of_work(NOW) as uow:
        register_incoming(uow, register_id, form(services, "Demande", "a" * 43), actor=clerk, now=NOW)
        second = Actor(lambda: once_more(enter))
        wait_for_waiters(services.engine)
        with services.unit_of_work(NOW) as other:
            other.session.execute(update(Register).where(Register.id == register_id).values(changed))
    assert second.result() == number


def test_a_register_that_gets_its_first_number_meanwhile_keeps_what_it_was_given_by(services: Services) -> None:
    clerk = actor(services, "agent")
    with services.reading() as session:
        register_id = RegisterId(session.scalars(select(Register.id).where(Register.code == "ARR")).one())
        now = organisation_now(session, on=TODAY)
    wanted = [one.model_copy(update={"restarts_yearly": not one.restarts_yearly}) for one in now.registers]
    file = now.model_copy(update={"registers": [one for one in wanted if one.code == "ARR"]})

    def change() -> str:
        try:
            with services.unit_of_work(NOW) as uow:
                bring_to(uow, file, on=TODAY)
        except Invalid as refusal:
            return refusal.code
        return "changed"

    with services.unit_of_work(NOW) as uow:
        register_incoming(uow, register_id, form(services, "Demande", "a" * 43), actor=clerk, now=NOW)
        changer = Actor(change)
        wait_for_waiters(services.engine)
    assert changer.result() == "register.in_use"
