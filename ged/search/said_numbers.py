"""Numbers in letters, French and English: those of a day, of a year (*deux mille vingt-six*) and small counts. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_ENGLISH_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL: Final = (
    "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize", "quatorze", "quinze",
    "seize", "dix-sept", "dix-huit", "dix-neuf",
)  # fmt: skip
_ENGLISH_SMALL: Final = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = (
    ("vingt", 20, 9), ("trente", 30, 9), ("quarante", 40, 9), ("cinquante", 50, 9), ("soixante", 60, 19), ("quatre vingt", 80, 19),
)  # fmt: skip
"""Each with the number that it says and the largest number that is said behind it."""
_CENTURIES: Final = {
    "deux mille": 2000, "deux mil": 2000, "mille neuf cent": 1900, "mil neuf cent": 1900, "two thousand and": 2000,
    "two thousand": 2000, "twenty": 2000, "nineteen": 1900,
}  # fmt: skip
"""What a year in letters begins with."""


def _french() -> dict[str, int]:
    numbers = {word: number for number, word in enumerate(_SMALL, start=1)}
    for tens, ten, most in _TENS:
        numbers[tens] = ten
        for unit in range(1, most + 1):
            joint = "et " if unit in (1, 11) and ten < 80 else ""
            numbers[f"{tens} {joint}{_SMALL[unit - 1]}"] = ten + unit
    return {words.replace("-", " "): number for words, number in numbers.items()} | {"quatre vingts": 80}


def _english() -> dict[str, int]:
    numbers = {word: number for number, word in enumerate(_ENGLISH_SMALL, start=1)}
    for ten, tens in enumerate(_ENGLISH_TENS, start=2):
        numbers |= {tens: 10 * ten} | {f"{tens} {word}": 10 * ten + unit for word, unit in numbers.items() if unit < 10}
    return numbers


_NUMBERS: Final = _french() | _english()
_COUNTS: Final = {word: number for word, number in _NUMBERS.items() if number <= len(_SMALL)} | {"une": 1, "a": 1}


def _any_of(words: Iterable[str]) -> str:
    """A pattern of one of these words, the longest first; their words may stand with blanks or hyphens between them."""
    return "|".join(sorted(words, key=lambda said: (-len(said), said))).replace(" ", r"[\s-]")


DAY: Final = _any_of({word: number for word, number in _french().items() if 1 < number <= 31})
"""A day of a month in letters, but the first one, which is *premier*."""
COUNT: Final = rf"[1-9]\d{{0,2}}|{_any_of(_COUNTS)}"
"""A small number, in figures or in letters."""
YEAR_IN_LETTERS: Final = rf"(?:{_any_of(_CENTURIES)})[\s-](?:{_any_of(_NUMBERS)})"
YEAR: Final = rf"[12]\d{{3}}|{YEAR_IN_LETTERS}|{_any_of(_CENTURIES)}"
"""A year, in figures or in letters."""


def folded(text: str) -> str:
    """Lower case in the plain alphabet: a pattern that ignores the case takes a long s for an s, and four letters for an i."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in apart if not unicodedata.combining(char)).replace("ı", "i")


def number(text: str) -> int:
    """A number below a hundred that ``DAY`` or ``COUNT`` has matched, or an ordinal number in figures.

    >>> number("vingt et un"), number("3rd")
    (21, 3)
    """
    if digits := re.match(r"\d+", text):
        return int(digits[0])
    return (_NUMBERS | _COUNTS)[_plain(text)]


def year(text: str) -> int:
    """A year that ``YEAR`` has matched.

    Raises:
        ValueError: the words say no year, as *twenty-five*.

    >>> year("deux mille vingt-six"), year("mil neuf cent soixante")
    (2026, 1960)
    """
    if text.isdigit():
        return int(text)
    said = _plain(text)
    begin = max((one for one in _CENTURIES if said == one or said.startswith(f"{one} ")), key=len)
    rest = said[len(begin) :].strip()
    if begin in ("twenty", "nineteen") and _NUMBERS.get(rest, 0) < 10:
        raise ValueError  # *twenty-five* is a number of things
    return _CENTURIES[begin] + (_NUMBERS[rest] if rest else 0)


def _plain(text: str) -> str:
    return " ".join(re.split(r"[\s-]+", folded(text)))
