"""Two people at one register after a restore, on PostgreSQL: one answer counts, and who waits for a number gets the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ged.errors import InvalidTransition
from ged.resuming import operations, queries
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


def none_of(services: Services, *codes: str) -> list[Released]:
    with services.unit_of_work(NOW) as uow:
        held = [hold_id(services, code) for code in codes]
        return operations.release_unused(uow, held, actor=actor(services, "agent"))


def test_of_two_clerks_who_answer_for_all_and_for_one_the_first_counts(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        operations.release(uow, hold_id(services, "ARR"), last_sequence=4, actor=actor(services, "agent"))
        waits = Actor(lambda: none_of(services, "BT", "ARR", "PLI"))
        wait_for_waiters(services.engine)
    with pytest.raises(InvalidTransition, match=r"hold\.released"):
        waits.result()
    with services.reading() as session:
        assert queries.waiting_codes(session) == ["ARR-DGE", "BT", "DEP", "PLI"], (
            "of the list that was refused none goes on"
        )
    found = outcomes(lambda: none_of(services, "PLI", "BT", "DEP"), lambda: none_of(services, "DEP", "BT", "PLI"))
    assert [[one.lost for one in rows] for rows in found] == [[0, 0, 0], [0, 0, 0]]


def test_numbers_that_are_taken_while_registers_begin_to_wait_stand_before_it(services: Services) -> None:
    """``ged registers hold`` on a site that runs: whoever is later is refused, and no number lies behind the wait."""
    none_of(services, "ARR", "BT", "DEP", "PLI")

    def letter() -> str:
        try:
            return register(services).number
        except InvalidTransition as refusal:
            return refusal.code

    found = outcomes(letter, letter, lambda: hold(services), letter, letter, lambda: none_of(services, "PLI", "DEP"))
    assert not [one for one in found if isinstance(one, Exception) and not isinstance(one, InvalidTransition)], found
    given = [one for one in found if isinstance(one, str) and one != "register.waits"]
    assert letter() == "register.waits"
    assert len(numbers(services, "ARR")) == 1 + len(given)
    assert release(services, "ARR", None).last == 1 + len(given)
