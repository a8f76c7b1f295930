"""The form in which a number as printed and as typed are equal."""

import pytest

from ged.registry.numbering import MAX_KEY, number_key


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
