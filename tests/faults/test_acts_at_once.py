"""Acts of the administration at one moment, on PostgreSQL: each is done once and whole, and who comes second hears it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.administration import operations, planned, wanted
from ged.administration.states import ActState, state_of
from ged.audit import AuditEntry
from ged.errors import GedError, InvalidTransition
from ged.org.models import Unit
from ged.ports import MailId, UnitId
from ged.routing import operations as routing
from ged.routing.models import Assignment
from ged.routing.operations import ImputationForm
from ged.unit import Services, once_more
from tests.administration_kit import confirm, do, propose, the_act, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.lock_kit import outcomes
from tests.routing_kit import register, unit_id

pytestmark = pytest.mark.servers
TOMORROW = TODAY + timedelta(days=1)
DAY = datetime(TOMORROW.year, TOMORROW.month, TOMORROW.day, 8, tzinfo=UTC)


@pytest.fixture
def services(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.engine.dispose()


def entries(services: Services, action: str) -> int:
    with services.reading() as session:
        return session.scalar(select(func.count()).where(AuditEntry.action == action)) or 0


def test_an_act_that_is_confirmed_twice_at_once_is_done_once(services: Services) -> None:
    asked = propose(services, lambda now: wanted.changed_unit(now, "DGE", name="Energie", kind="service"))
    shown = operations.preview(services, asked, actor=actor(services, "admin"), now=NOW).digest

    def once() -> None:
        with services.unit_of_work(NOW) as uow:
            operations.confirm(uow, asked, shown=shown, actor=actor(services, "admin"))

    found = outcomes(once, once)
    assert [type(one) for one in found if one is not None] == [InvalidTransition]
    assert entries(services, "organisation.changed") == 1


def test_a_planned_act_is_withdrawn_or_done(services: Services) -> None:
    def withdraw(act_id: int) -> None:
        with services.unit_of_work(DAY) as uow:
            operations.withdraw(uow, act_id, actor=actor(services, "admin"))

    for n in range(4):
        name = f"Energie {n}"
        asked = propose(services, lambda now, name=name: wanted.changed_unit(now, "DGE", name=name, kind="service"))
        confirm(services, asked, on=TOMORROW)
        found = outcomes(
            lambda asked=asked: withdraw(asked), lambda: planned.run(services, now=DAY), lambda: planned.run(services, now=DAY)
        )  # fmt: skip
        state = state_of(the_act(services, asked))
        assert (state, type(found[0])) in {(ActState.WITHDRAWN, type(None)), (ActState.DONE, InvalidTransition)}
        assert found[1:] == [None, None]
        with services.reading() as session:
            renamed = session.scalars(select(Unit.name).where(Unit.code == "DGE")).one() == name
        assert renamed == (state is ActState.DONE)


def give(services: Services, mail_id: int, target: int) -> None:
    """Impute a letter to a unit that the page had shown, as a request does: once more, where the database refused it."""

    def impute() -> None:
        with services.unit_of_work(NOW) as uow:
            form = ImputationForm(UnitId(target), (), (), "", None)
            routing.impute(uow, MailId(mail_id), form, version=None, actor=actor(services, "sg"), now=NOW)

    once_more(impute)


def test_a_new_unit_is_taken_back_or_gets_a_letter(services: Services) -> None:
    """One of the two succeeds; nothing names a unit that is not there."""
    for n in range(4):
        code = f"N{n}"
        made = do(services, lambda now, code=code: wanted.new_unit(
            now, code=code, name=code, kind="service", below="SG", is_entity=False
        ))  # fmt: skip
        mail_id = register(services).mail_id
        target = unit_id(services, code)
        found = outcomes(
            lambda made=made: once_more(lambda: undo(services, made)),  # as a request does
            lambda mail_id=mail_id, target=target: give(services, mail_id, target),
        )
        undone = state_of(the_act(services, made)) is ActState.UNDONE
        refusals = [one for one in found if isinstance(one, GedError)]
        assert len(refusals) == 1, found
        with services.reading() as session:
            given = session.scalar(select(func.count()).where(Assignment.mail_id == mail_id))
        assert given == (0 if undone else 1)
