"""The writings of a telephone."""

import pytest

from indexer import telephones


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((text, "22308140") for text in (
            "22 30 81 40", "22308140", "22.30.81.40", "22-30-81-40", "+228 22 30 81 40", "+22822308140", "00228 22.30.81.40", "(228) 22-30-81-40",
            "(+228)22308140", "228 22 30 81 40", "22308140.", "2230 8140", "22 308 140",
        )),
        ("+33 (0)6 12 34 56 78", "12345678"), ("06 12 34 56 78", "12345678"), ("0612345678", "12345678"), ("+229 01 97 12 34 56", "97123456"),
        ("+233 24 123 4567", "41234567"),
        *((text, "") for text in (
            "", "22 30 81", "12 500 000", "2250 2026", "8000 4000", "2026-11-05", "05.11.2026", "20 30 40 50 60 70", "22 30-81 40", "22308140F", "22308140/MEF", "12345678901", "tel",
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
        ("22308140/MEF", ()),
        *((text, ("22308140", "30814001")) for text in (
            "Tél. 22 30 81 40 01 BP 123 Lomé", "+228 22 30 81 40 01 BP 123", "(228) 22.30.81.40.01", "22-30-81-40-01",
        )),
        ("07 22 30 81 40 ou +33 12 34 56 78", ("12345678", "22308140")),
        *((text, ("22308140", "90123456")) for text in (
            "22308140,90123456", "22 30 81 40,90 12 34 56", "22308140,90 12 34 56", "22.30.81.40,90123456", "22308140,+22890123456",
        )),
        ("soit 22308140,50 ou 5,22308140 ou 22308140,500", ()),
    ],
)  # fmt: skip
def test_the_telephones_of_a_text(text: str, keys: tuple[str, ...]) -> None:
    assert telephones.held([text]) == keys


def test_of_a_directory_the_first_ones_are_held() -> None:
    assert (
        len(telephones.held([" ; ".join(f"22{n:06}" for n in range(telephones.MAX_HELD + 5))])) == telephones.MAX_HELD
    )


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("22 69 20 51 / 22 30 81 40", "22 69 20 51, 22 30 81 40"), ("22692051/22308140 MEF", "22692051, 22308140 MEF"),
        ("+228 22 69 20 51/+228 90 12 34 56", "+228 22 69 20 51, +228 90 12 34 56"),
        *((text, text) for text in ("00017/2026", "22 69 20 51/52", "22308140/MEF", "2026/22308140", "a / b")),
    ],
)  # fmt: skip
def test_a_stroke_between_two_telephones_is_a_comma(text: str, parted: str) -> None:
    assert telephones.apart(text) == parted
