"""Pure rules of the register: patterns of numbers, the table of a letter's states."""

from datetime import date

import pytest

from ged.errors import Invalid, InvalidTransition
from ged.register.numbering import MAX_LENGTH, TRAINING, check_pattern, format_number
from ged.register.states import MOVES, MailAct, MailState, move
from tests.remedies import refused

ON = date(2026, 3, 4)
WRONG = ["{year}/{entity}", "{seq:05x", "{seq}{name}", "{seq:z}", "{}", "{seq.a}", "{0}{seq}"]
LOSSY = [
    "{seq:c}", "{seq:x}", "{seq:.0e}", "{seq:g}", "{seq:0<5d}", "{seq:,}", "{seq!s:0<5}", "{seq!r}", "{seq:0{yy}d}",
    "{seq}/{year:.0e}", "{seq}/{year!s:.2}",
]  # fmt: skip
"""Python would accept these patterns and write characters, rounded or padded numbers, so that two numbers look
alike."""


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("{seq:05d}/{year}/{entity}", "00042/2026/MMRE"),
        ("{seq}-{yy}", "42-26"),
        ("BT-{seq:04d}/{month}/{unit}", "BT-0042/03/BO"),
        ("{seq}/{register}", "42/ARR"),
    ],
)
def test_a_pattern_makes_numbers(pattern: str, number: str) -> None:
    assert check_pattern(pattern) == pattern
    assert format_number(pattern, sequence=42, on=ON, entity="MMRE", unit="BO", register="ARR") == number


def test_numbers_of_an_exercise_begin_as_its_texts_and_prints_say() -> None:
    assert TRAINING == "EX-"
    assert check_pattern(TRAINING + "{seq}") == "EX-{seq}"


@pytest.mark.parametrize("pattern", WRONG + LOSSY)
def test_a_pattern_that_makes_no_number_is_refused(pattern: str) -> None:
    with refused(Invalid, "register.pattern", field="pattern"):
        check_pattern(pattern)


@pytest.mark.parametrize("rest", ["", "{year}", "{yy}", "{month}", "/{entity}", "/{unit}", "/{register}", "{{}}"])
def test_a_number_fits_its_column_with_the_longest_codes(rest: str) -> None:
    """Seven digits and codes of 32 characters: 64 in all."""
    longest = format_number(
        "{seq}" + rest, sequence=9_999_999, on=ON, entity="E" * 32, unit="U" * 32, register="R" * 32
    )
    fits = "{seq}" + rest + "/" * (64 - len(longest))
    assert check_pattern(fits) == fits
    with refused(Invalid, "register.pattern_long", field="pattern", maximum=64):
        check_pattern(fits + "/")


@pytest.mark.parametrize("pattern", ["{seq}/{entity}/{unit}", "{seq:060d}/{year}", "{seq:05d}/{year}/" + "M" * 54])
def test_a_pattern_whose_number_would_be_cut_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid, match=r"register\.pattern_long"):
        check_pattern(pattern)


def test_two_codes_fit_where_the_codes_of_the_register_are_short() -> None:
    pattern = "{seq:05d}/{year}/{entity}/{unit}"
    assert check_pattern(pattern, entity="MMRE", unit="DGE", register="DEP") == pattern
    codes = {"entity": "E" * 25, "unit": "U" * 25, "register": "R"}
    assert check_pattern(pattern, **codes) == pattern, "64 characters with seven digits"
    with refused(Invalid, "register.pattern_long", field="pattern", maximum=64):
        check_pattern(pattern, **{**codes, "unit": "U" * 26})


def test_a_pattern_with_every_name_is_too_long_and_not_misspelt() -> None:
    with refused(Invalid, "register.pattern_long", field="pattern", maximum=64):
        check_pattern("{seq}{year}{yy}{month}{entity}{unit}{register}")


def test_the_parts_of_a_date_have_two_digits() -> None:
    on = date(2105, 3, 4)
    assert format_number("{seq}-{yy}-{month}", sequence=1, on=on, entity="", unit="", register="") == "1-05-03"


def test_a_number_is_written_in_full() -> None:
    pattern = check_pattern("{seq:05d}/{year}/{entity}/SG")
    number = format_number(pattern, sequence=9_999_999, on=ON, entity="M" * 32, unit="U" * 32, register="R" * 32)
    assert number.endswith("/" + "M" * 32 + "/SG")
    assert len(number) <= MAX_LENGTH


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


@pytest.mark.parametrize("pattern", ["{seq}/{entity:>2000000000}", "{seq}/{unit:{register}}", "{seq}/{month:99999}"])
def test_a_pattern_that_would_fill_the_memory_is_refused_before_it_is_tried(pattern: str) -> None:
    with pytest.raises(Invalid, match=r"register\.pattern"):
        check_pattern(pattern)


def test_a_width_is_refused_by_its_digits_before_the_length_of_the_number_is_measured() -> None:
    with refused(Invalid, "register.pattern", field="pattern"):
        check_pattern("{seq}/{entity:00099}")
    with refused(Invalid, "register.pattern_long", field="pattern", maximum=64):
        check_pattern("{seq}/{entity:0099}")
