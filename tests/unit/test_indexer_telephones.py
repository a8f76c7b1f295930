"""The writings of a telephone."""

import pytest

from indexer import telephones


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((text, "22308140") for text in (
            "22 30 81 40", "22308140", "22.30.81.40", "22-30-81-40", "+228 22 30 81 40", "+22822308140", "00228 22.30.81.40", "(228) 22-30-81-40",
            "(+228)22308140", "228 22 30 81 40", "22308140.",
        )),
        ("+33 (0)6 12 34 56 78", "12345678"), ("06 12 34 56 78", "12345678"), ("0612345678", "12345678"), ("+229 01 97 12 34 56", "97123456"),
        ("+233 24 123 4567", "41234567"),
        *((text, "") for text in (
            "", "22 30 81", "22 308 140", "2026-11-05", "05.11.2026", "20 30 40 50 60 70", "22 30-81 40", "22308140F", "22308140/MEF", "12345678901", "tel",
        )),
    ],
)  # fmt: skip
def test_a_telephone_has_one_key(text: str, key: str) -> None:
    assert telephones.key(text) == key


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Tél. : 22 30 81 40 / 90 12 34 56", ("22308140", "90123456")),
        ("Tél. 22308140/90123456", ("22308140", "90123456")),
        ("Tél.\u00a0+228\u00a022\u202f30\u202f81\u202f40, fax 22\u201130\u201181\u201141", ("22308140", "22308141")),
        ("facture 22308140/2026/MEF du 2026-11-05", ("22308140",)),
        ("1 250 000 F, 22 30 81 40 55 66", ()),
    ],
)
def test_the_telephones_of_a_text(text: str, keys: tuple[str, ...]) -> None:
    assert telephones.held([text]) == keys


def test_of_a_directory_the_first_ones_are_held() -> None:
    assert (
        len(telephones.held([" ; ".join(f"22{n:06}" for n in range(telephones.MAX_HELD + 5))])) == telephones.MAX_HELD
    )
