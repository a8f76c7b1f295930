"""Two people at one reserve book, on both databases: a line gives one letter, and no number is lost or given twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.errors import InvalidTransition
from ged.register.models import MailNumber
from ged.register.operations import Registered
from ged.reserve import checking
from ged.reserve.operations import MadeBook
from ged.unit import Services
from tests.factories import make_organisation, make_services
from tests.lock_kit import outcomes
from tests.reserve_kit import enter, line_ids, make, second_clerk, states, void


@pytest.fixture
def services(tmp_path: Path, either_database: str | None) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    second_clerk(made)
    yield made
    made.engine.dispose()


def numbers(services: Services) -> list[int]:
    with services.reading() as session:
        return list(session.scalars(select(MailNumber.sequence).order_by(MailNumber.sequence)))


def refusals(found: list[object]) -> list[str]:
    for one in found:
        if isinstance(one, Exception) and not isinstance(one, InvalidTransition):
            raise one
    return sorted(one.code for one in found if isinstance(one, InvalidTransition))


def test_of_two_clerks_with_one_line_one_wins_and_the_other_is_told(services: Services) -> None:
    for line in line_ids(services, make(services).id)[:5]:
        found = outcomes(
            partial(enter, services, line, "De l'un"), partial(enter, services, line, "De l'autre", account="agent2")
        )
        assert sum(isinstance(one, Registered) for one in found) == 1
        assert refusals(found) == ["reserve.line_used"]
    assert numbers(services) == [1, 2, 3, 4, 5]
    with services.reading() as session:
        assert list(checking.broken(session)) == []


def test_one_form_sent_twice_at_once_is_one_letter(services: Services) -> None:
    line = line_ids(services, make(services).id)[0]
    found = outcomes(*[lambda: enter(services, line, token="t")] * 2)
    assert refusals(found) == []
    assert sorted(one.is_repeated for one in found) == [False, True]
    assert numbers(services) == [1]


def test_who_voids_and_who_enters_share_the_lines(services: Services) -> None:
    book = make(services)
    ids = line_ids(services, book.id)
    entering = [partial(enter, services, line, account="agent2") for line in ids[:4]]
    found = outcomes(*entering, partial(void, services, book.id))
    used = [one for one in found if isinstance(one, Registered)]
    assert refusals(found) == ["reserve.line_void"] * (4 - len(used))
    assert [state for state, _number in states(services, book.id)].count("used") == len(used)
    assert [state for state, _number in states(services, book.id)].count("void") == 10 - len(used)
    assert numbers(services) == list(range(1, len(used) + 1))


def test_books_made_at_once_have_numbers_that_follow(services: Services) -> None:
    found = outcomes(*(partial(make, services, account=account) for account in ("agent", "agent2") * 3))
    assert all(isinstance(one, MadeBook) for one in found), found
    assert sorted(one.code for one in found) == [f"CS-ARR-2026-{n:03d}" for n in range(1, 7)]
