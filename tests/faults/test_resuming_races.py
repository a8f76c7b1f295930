"""Two people at one register after a restore, on PostgreSQL: one answer counts, and who waits for a number gets the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ged.errors import InvalidTransition
from ged.resuming import operations
from ged.resuming.operations import Released
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.lock_kit import Actor, outcomes, wait_for_waiters
from tests.resuming_kit import hold, hold_id, numbers, register, release

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = make_services(tmp_path, url=request.getfixturevalue("make_database")())
    make_organisation(made)
    register(made)
    hold(made)
    yield made
    made.engine.dispose()


def released_first(services: Services, last: int | None, second: object) -> Actor:
    """Release the register; before the commit another one begins, and waits."""
    with services.unit_of_work(NOW) as uow:
        operations.release(uow, hold_id(services, "ARR"), last_sequence=last, actor=actor(services, "agent"))
        waits = Actor(second)  # type: ignore[arg-type]
        wait_for_waiters(services.engine)
    return waits


def test_who_says_the_same_number_meanwhile_voids_nothing_more(services: Services) -> None:
    second: Released = released_first(services, 4, lambda: release(services, "ARR", 4)).result()
    assert (second.is_repeated, second.lost) == (True, 3)
    assert len(numbers(services, "ARR")) == 4


def test_who_says_another_number_meanwhile_is_told_what_was_said(services: Services) -> None:
    with pytest.raises(InvalidTransition, match=r"hold\.released") as refusal:
        released_first(services, 4, lambda: release(services, "ARR", 6)).result()
    assert refusal.value.params["last"] == 4
    assert len(numbers(services, "ARR")) == 4


def test_a_letter_that_waits_for_the_answer_gets_the_next_number(services: Services) -> None:
    letter = released_first(services, 4, lambda: register(services, "En attente")).result()
    assert letter.number == "00005/2026/MIN"


def test_answers_and_letters_at_once_leave_no_gap_and_no_double(services: Services) -> None:
    def letter() -> str:
        try:
            return register(services).number
        except InvalidTransition as refusal:
            return refusal.code

    works = [letter, lambda: release(services, "ARR", 4), letter, lambda: release(services, "ARR", 4), letter, letter]
    found = outcomes(*works)
    given = [one for one in found if isinstance(one, str) and one != "register.waits"]
    assert [one.lost for one in found if isinstance(one, Released)] == [3, 3]
    assert sorted(given) == [f"{n:05d}/2026/MIN" for n in range(5, 5 + len(given))]
    assert len(numbers(services, "ARR")) == 4 + len(given)
