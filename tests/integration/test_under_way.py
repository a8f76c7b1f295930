"""The database keeps for each assignment whether its letter is under way, whoever changes the letter."""

import pytest
from sqlalchemy import Boolean, column, select, table, text, update

from ged.register.models import Mail
from ged.register.states import MailState
from ged.routing import checking, queries
from ged.routing.models import Assignment
from ged.routing.rights import UNDER_WAY
from ged.under_way import FILL, STATES
from ged.unit import Services
from ged.verify import verify
from tests.factories import NOW, actor
from tests.routing_kit import impute, register
from tests.routing_kit import services_with_mentions as services

__all__ = ["services"]  # a fixture


def told(services: Services, mail_id: int) -> set[bool]:
    """Whether each assignment of a letter says that the letter is under way."""
    with services.reading() as session:
        return set(session.scalars(select(Assignment.is_under_way).where(Assignment.mail_id == mail_id)))


def in_state(services: Services, mail_id: int, state: MailState) -> None:
    """Give a letter a state by SQL alone, as a program that knows nothing of the column would."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail.__table__).where(Mail.id == mail_id).values(state=state))


def test_the_triggers_know_the_states_of_the_program() -> None:
    assert set(STATES) == {one.value for one in UNDER_WAY}


@pytest.mark.parametrize("after", list(MailState))
@pytest.mark.parametrize("before", [MailState.ASSIGNED, MailState.CLOSED])
def test_the_column_follows_each_state(services: Services, before: MailState, after: MailState) -> None:
    mail, other = register(services), register(services)
    for one in (mail, other):
        impute(services, one.mail_id, "DAF", ("DGE",))
    in_state(services, mail.mail_id, before)
    in_state(services, mail.mail_id, after)
    assert told(services, mail.mail_id) == {after in UNDER_WAY}
    assert told(services, other.mail_id) == {True}


@pytest.mark.parametrize("state", [MailState.ASSIGNED, MailState.CLOSED])
def test_a_new_assignment_says_what_its_letter_says(services: Services, state: MailState) -> None:
    mail = register(services)
    impute(services, mail.mail_id, "DAF")
    in_state(services, mail.mail_id, state)
    with services.unit_of_work(NOW) as uow:
        listed = ", ".join(one.name for one in Assignment.__table__.columns if one.name not in ("id", "is_under_way"))
        uow.session.execute(text(f"INSERT INTO assignments ({listed}) SELECT {listed} FROM assignments"))
    assert told(services, mail.mail_id) == {state in UNDER_WAY}
    with services.reading() as session:
        assert queries.inbox_count(session, actor(services, "daf")) == (2 if state in UNDER_WAY else 0)


def test_tables_with_rows_are_filled(services: Services) -> None:
    mail, closed = register(services), register(services)
    for one in (mail, closed):
        impute(services, one.mail_id, "DAF")
    in_state(services, closed.mail_id, MailState.CLOSED)
    plain = table("assignments", column("is_under_way", Boolean))
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(plain).values(is_under_way=False))
        uow.session.execute(text(FILL))
    assert (told(services, mail.mail_id), told(services, closed.mail_id)) == ({True}, {False})


@pytest.mark.parametrize(
    ("state", "says", "found"),
    [(MailState.ASSIGNED, False, ["assignment.hidden"]), (MailState.CLOSED, True, ["assignment.left_over"])],
)
def test_the_proof_tells_an_assignment_that_is_wrong(
    services: Services, state: MailState, says: bool, found: list[str]
) -> None:
    mail, other = register(services), register(services)
    for one in (mail, other):
        impute(services, one.mail_id, "DAF")
    in_state(services, mail.mail_id, state)
    with services.reading() as session:
        assert list(checking.broken(session)) == []
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Assignment.__table__).where(Assignment.mail_id == mail.mail_id).values(is_under_way=says)
        )
    with services.reading() as session:
        assert [code for code, _where in checking.broken(session)] == found
    assert [one.code for one in verify(services, now=NOW).problems if one.code.startswith("assignment.")] == found
