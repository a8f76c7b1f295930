"""Pure rules of the register: number patterns, the table of a letter's states."""

from datetime import date

import pytest

from ged.errors import Invalid, InvalidTransition
from ged.registry.numbering import MAX_LENGTH, check_pattern, format_number
from ged.registry.states import MOVES, MailAct, MailState, move

ON = date(2026, 3, 4)
WRONG = ["{year}/{entity}", "{seq:05x", "{seq}{name}", "{seq:z}", "{}", "{seq.a}", "{0}{seq}"]


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("{seq:05d}/{year}/{entity}", "00042/2026/MMRE"),
        ("{seq}-{yy}", "42-26"),
        ("BT-{seq:04d}/{month}/{unit}/{register}", "BT-0042/03/BO/ARR"),
    ],
)
def test_a_pattern_makes_numbers(pattern: str, number: str) -> None:
    assert check_pattern(pattern) == pattern
    assert format_number(pattern, sequence=42, on=ON, entity="MMRE", unit="BO", register="ARR") == number


@pytest.mark.parametrize("pattern", WRONG)
def test_a_pattern_that_makes_no_number_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_pattern(pattern)
    assert (refusal.value.code, refusal.value.params["field"]) == ("register.pattern", "pattern")


def test_a_number_fits_its_column() -> None:
    assert len(format_number("{entity}{seq}", sequence=1, on=ON, entity="E" * 99, unit="", register="")) == MAX_LENGTH


@pytest.mark.parametrize("state", MailState)
@pytest.mark.parametrize("act", MailAct)
def test_only_the_moves_of_the_table_exist(state: MailState, act: MailAct) -> None:
    if (state, act) in MOVES:
        assert move(state, act) is MOVES[state, act]
    else:
        with pytest.raises(InvalidTransition, match=r"mail\.wrong_state"):
            move(state, act)


def test_nothing_leaves_a_voided_letter() -> None:
    assert not [act for state, act in MOVES if state is MailState.VOIDED]
