"""An imputation taken back while somebody acts on it, on PostgreSQL: one of the two comes first, and the other hears it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import access
from ged.errors import GedError, Invalid, NotFound
from ged.followup import notes, undoing
from ged.ports import MailId, PostId, UnitId, unit_principal
from ged.register.models import Mail
from ged.register.states import MailState
from ged.routing import operations
from ged.routing.models import Assignment, Purpose, UndoneImputation
from ged.routing.states import AssignmentState
from ged.signbook import drafts
from ged.signbook.models import LetterTemplate
from ged.unit import Services, UnitOfWork
from tests.factories import NOW, actor, make_organisation, make_services
from tests.lock_kit import Actor, outcomes, wait_for_waiters
from tests.routing_kit import impute, post_id, register, unit_id

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.engine.dispose()


def undo(services: Services, imputation_id: int) -> None:
    for attempt in services.attempts(NOW):
        with attempt as uow:
            undoing.undo(uow, [imputation_id], actor=actor(services, "sg"))


def take(services: Services, mail_id: MailId) -> None:
    with services.reading() as session:
        (row,) = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).all()
    for attempt in services.attempts(NOW):
        with attempt as uow:
            operations.take(uow, mail_id, row, actor=actor(services, "dge"))


def is_whole(services: Services, mail_id: MailId) -> bool:
    """Either the decision stands with all that it gave, or nothing of it; returns whether it stands."""
    with services.reading() as session:
        (row,) = session.scalars(select(Assignment).where(Assignment.mail_id == mail_id)).unique().all()
        mail, gone = session.get_one(Mail, mail_id), session.scalar(select(UndoneImputation.imputation_id)) is not None
        seen = unit_principal(UnitId(unit_id(services, "DGE"))) in access.principals_of(session, mail_id)
    expected = (AssignmentState.SUPERSEDED, MailState.TO_IMPUTE, False) if gone else (
        AssignmentState.TAKEN, MailState.ASSIGNED, True
    )  # fmt: skip
    assert (row.state, mail.state, seen) == expected
    return not gone


def test_who_takes_the_letter_first_keeps_it(services: Services) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id)
    with services.reading() as session:
        (row,) = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).all()
    with services.unit_of_work(NOW) as uow:
        operations.take(uow, mail_id, row, actor=actor(services, "dge"))
        uow.session.flush()
        late = Actor(lambda: undo(services, made))
        wait_for_waiters(services.engine)
    with pytest.raises(Invalid, match=r"imputation\.taken"):
        late.result()
    assert is_whole(services, mail_id)


def test_what_is_taken_back_first_is_not_taken(services: Services) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        undoing.undo(uow, [made], actor=actor(services, "sg"))
        uow.session.flush()
        late = Actor(lambda: take(services, mail_id))
        wait_for_waiters(services.engine)
    with pytest.raises(NotFound, match=r"mail\.unknown"):
        late.result()
    assert not is_whole(services, mail_id)


def test_both_at_once_end_whole(services: Services) -> None:
    ended = set()
    for _ in range(6):
        mail_id = register(services).mail_id
        made = impute(services, mail_id)
        found = outcomes(lambda made=made: undo(services, made), lambda mail_id=mail_id: take(services, mail_id))  # type: ignore[misc]
        assert sum(isinstance(one, GedError) for one in found) == 1, found
        with services.reading() as session:
            (row,) = session.scalars(select(Assignment.state).where(Assignment.mail_id == mail_id)).all()
            state = session.get_one(Mail, mail_id).state
        ended.add((row, state))
    assert ended <= {
        (AssignmentState.TAKEN, MailState.ASSIGNED), (AssignmentState.SUPERSEDED, MailState.TO_IMPUTE)
    }  # fmt: skip


def _note(uow: UnitOfWork, services: Services, mail_id: MailId) -> None:
    notes.write(uow, mail_id, text="Vu", to_post_id=None, actor=actor(services, "agent"))


def _pass_on(uow: UnitOfWork, services: Services, mail_id: MailId) -> None:
    (row,) = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).all()
    operations.assign(
        uow, mail_id, from_assignment_id=row, to_unit_id=UnitId(unit_id(services, "DGE")),
        to_post_id=PostId(post_id(services, "DGE-C")), purpose=Purpose.ACTION, instruction="", due_on=None,
        actor=actor(services, "dge"), now=NOW,
    )  # fmt: skip


def _answer(uow: UnitOfWork, services: Services, mail_id: MailId) -> None:
    uow.session.add(LetterTemplate(code="R", title="Réponse", subject="Votre lettre", body="Monsieur"))
    uow.session.flush()
    drafts.draft_reply(uow, mail_id, "R", actor=actor(services, "dge"), now=NOW)


@pytest.mark.parametrize(("act", "code"), [(_note, "noted"), (_pass_on, "passed_on"), (_answer, "answered")])
def test_what_is_written_meanwhile_stops_it(
    services: Services, act: Callable[[UnitOfWork, Services, MailId], None], code: str
) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        act(uow, services, mail_id)
        uow.session.flush()
        late = Actor(lambda: undo(services, made))
        wait_for_waiters(services.engine)
    with pytest.raises(Invalid, match=rf"imputation\.{code}"):
        late.result()


def test_two_tabs_take_it_back_once(services: Services) -> None:
    mail_id = register(services).mail_id
    made = impute(services, mail_id)
    found = outcomes(lambda: undo(services, made), lambda: undo(services, made))
    assert [one.code for one in found if isinstance(one, GedError)] == ["imputation.undone"]
