"""Numbers in French words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ged.in_words import LARGEST, counted, in_words

VALUES = {
    "zéro": 0, "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9,
    "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "vingt": 20,
    "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
}  # fmt: skip


def value(words: str) -> int:
    """The number that French words state, read back by independent rules."""
    total = group = 0
    for word in words.replace("-", " ").replace(" et ", " ").split():
        singular = word.rstrip("s") if word in ("vingts", "cents", "millions") else word
        if singular == "million":
            total, group = total + group * 1_000_000, 0
        elif singular == "mille":
            total, group = total + (group or 1) * 1000, 0
        elif singular == "cent":
            hundreds = group % 100 or 1
            group = group - group % 100 + hundreds * 100 if group >= 100 else hundreds * 100
        elif singular == "vingt" and group % 100 == 4:
            group += 76
        else:
            group += VALUES[singular]
    return total + group


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zéro"), (1, "un"), (16, "seize"), (17, "dix-sept"), (21, "vingt et un"), (22, "vingt-deux"),
        (61, "soixante et un"), (70, "soixante-dix"), (71, "soixante et onze"), (72, "soixante-douze"),
        (80, "quatre-vingts"), (81, "quatre-vingt-un"), (90, "quatre-vingt-dix"), (91, "quatre-vingt-onze"),
        (99, "quatre-vingt-dix-neuf"), (100, "cent"), (101, "cent un"), (180, "cent quatre-vingts"), (200, "deux cents"),
        (201, "deux cent un"), (999, "neuf cent quatre-vingt-dix-neuf"), (1000, "mille"), (1001, "mille un"),
        (1871, "mille huit cent soixante et onze"), (2000, "deux mille"), (80_000, "quatre-vingt mille"),
        (200_000, "deux cent mille"), (1_000_000, "un million"), (2_000_001, "deux millions un"),
        (200_000_000, "deux cents millions"), (21_000, "vingt et un mille"),
    ],
)  # fmt: skip
def test_words(number: int, words: str) -> None:
    assert in_words(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "une"), (11, "onze"), (21, "vingt et une"), (71, "soixante et onze"), (81, "quatre-vingt-une"),
     (101, "cent une"), (1000, "mille"), (21_000, "vingt et un mille"), (0, "zéro"), (111, "cent onze")],
)  # fmt: skip
def test_what_is_feminine_is_counted_so(number: int, words: str) -> None:
    assert in_words(number, feminine=True) == words


@given(st.integers(0, LARGEST), st.booleans())
def test_words_read_back_are_the_number(number: int, feminine: bool) -> None:
    assert value(in_words(number, feminine=feminine)) == number


def test_counted() -> None:
    assert counted(0, "numéro", "numéros") == "zéro (0) numéro"
    assert counted(1500, "pièce", "pièces", feminine=True) == "mille cinq cents (1 500) pièces"


@pytest.mark.parametrize("number", [-1, LARGEST + 1])
def test_what_has_no_words_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        in_words(number)
