"""A void and a closing at one moment on PostgreSQL. Whichever comes first, one closing lists the void."""

import dataclasses
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.closing import operations as closing
from ged.errors import StaleVersion
from ged.register.models import MailNumber, RegisterClosing
from ged.register.operations import void_number
from ged.unit import Services, UnitOfWork
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.lock_kit import Actor, wait_for_waiters
from tests.slip_kit import letter, register_id

pytestmark = pytest.mark.servers
DAY = timedelta(days=1)


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = make_services(tmp_path, url=request.getfixturevalue("make_database")())
    make_organisation(made)
    yield made
    made.engine.dispose()


def close(services: Services, until_on: date) -> RegisterClosing:
    now = NOW + (until_on - TODAY) + DAY
    return closing.close_days(services, register_id(services, "ARR"), until_on, actor=actor(services, "agent"), now=now)


def void(uow: UnitOfWork, mail_id: int) -> None:
    number = uow.session.scalars(select(MailNumber).where(MailNumber.mail_id == mail_id)).one()
    void_number(uow, number.id, reason="Inscrit deux fois", actor=actor(uow.services, "agent"), now=NOW)


def test_a_closing_that_waits_for_a_void_does_not_leave_it_out(services: Services) -> None:
    mail_id = letter(services)
    with services.unit_of_work(NOW) as uow:
        void(uow, mail_id)
        closer = Actor(lambda: close(services, TODAY))
        wait_for_waiters(services.engine)
    with pytest.raises(StaleVersion):
        closer.result()
    assert close(services, TODAY).void_count == 1


# In the year of the void's clock, and in a later one.
@pytest.mark.parametrize("until_on", [TODAY, date(TODAY.year + 1, 1, 2)])
def test_a_void_that_waits_for_a_closing_falls_behind_it(services: Services, until_on: date) -> None:
    mail_id = letter(services)
    waiting: list[Actor] = []

    def late() -> None:
        with services.unit_of_work(NOW) as uow:
            void(uow, mail_id)

    def meanwhile(_: Session) -> None:  # the closing holds its locks and will commit
        waiting.append(Actor(late))
        wait_for_waiters(services.engine)

    first = close(dataclasses.replace(services, fence=meanwhile), until_on)
    waiting[0].result()
    second = close(services, until_on + DAY)
    assert (first.void_count, second.void_count) == (0, 1)
    with services.reading() as session:
        assert list(closing.broken(session, services)) == []


# The day alone, and the whole year: its counter is then another one.
@pytest.mark.parametrize("until_on", [TODAY, date(TODAY.year, 12, 31)])
def test_a_number_that_waits_for_a_closing_falls_behind_it(services: Services, until_on: date) -> None:
    letter(services)
    waiting: list[Actor] = []

    def meanwhile(_: Session) -> None:  # the closing holds its locks and will commit
        waiting.append(Actor(lambda: letter(services)))
        wait_for_waiters(services.engine)

    first = close(dataclasses.replace(services, fence=meanwhile), until_on)
    late = waiting[0].result()
    assert first.number_count == 1
    with services.reading() as session:
        number = session.scalars(select(MailNumber).where(MailNumber.mail_id == late)).one()
        assert number.registered_on == until_on + DAY
        assert (number.year, number.sequence) == ((until_on + DAY).year, 2 if until_on == TODAY else 1)
        assert list(closing.broken(session, services)) == []
