"""The form in which a printed number and a typed one are equal."""

import pytest

from ged.register.numbering import MAX_KEY, number_key


@pytest.mark.parametrize(
    "typed",
    [
        "00042/2026/MÉM-SG", "42/2026/mem/sg", " N° 00042 / 2026 / MEM SG", "n°:42-2026-Mém.sg", "№ 042 2026 memsg",
        "٤٢/2026/MEM/SG",
    ],
)  # fmt: skip
def test_spellings_of_one_number_share_a_key(typed: str) -> None:
    assert number_key(typed) == "42/2026/memsg"


@pytest.mark.parametrize("other", ["4/22026/MEM/SG", "422026/MEM/SG", "420/2026/MEM/SG", "42/2026", "42/2026/MEM/SGA"])
def test_other_numbers_have_other_keys(other: str) -> None:
    assert number_key(other) != number_key("00042/2026/MEM/SG")


def test_what_has_no_letter_and_no_digit_has_no_key() -> None:
    assert [number_key(text) for text in ("", "  ", "n°", "/-/")] == ["", "", "", ""]
    assert number_key("000") == "0"
    assert len(number_key("\ufdfa" * 64)) <= MAX_KEY


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("n° 42 n° 7", "42/n/7"),  # a sign before the number is dropped, one inside stays
        ("42 nº 7", "42/no/7"),
        ("N°: 42", "42"),
        ("nº42", "42"),
        ("n ° 42", "42"),
        ("note 42", "note/42"),
        ("a-b/1-c.d", "ab/1/cd"),
        ("1 000 0", "1/0/0"),
        ("100/010", "100/10"),
        ("ﬁche 1", "fiche/1"),
    ],
)
def test_what_is_kept_of_a_spelling(typed: str, key: str) -> None:
    assert number_key(typed) == key


def test_a_key_fits_its_column() -> None:
    assert number_key("a" * 200) == "a" * 128
