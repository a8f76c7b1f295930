"""Other writings of an ordinal number in a query: 13e, 13ème, 13 e, treizième, XIIIe. Pure.

A letter has one of them, and a person types another. They are added to the query as synonyms are, so that no letter is
indexed again. Cardinal numbers (*13*, *treize*) are left as typed: they are in so many letters that the order of the
letters suffers (measured).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from indexer import analysis
from indexer.tree import Run

_SAID: Final[Mapping[int, str]] = {
    1: "premier", 2: "deuxième", 3: "troisième", 4: "quatrième", 5: "cinquième", 6: "sixième", 7: "septième",
    8: "huitième", 9: "neuvième", 10: "dixième", 11: "onzième", 12: "douzième", 13: "treizième", 14: "quatorzième",
    15: "quinzième", 16: "seizième", 20: "vingtième", 30: "trentième", 40: "quarantième", 50: "cinquantième",
    60: "soixantième", 100: "centième",
}  # fmt: skip
_ENDINGS: Final = ("e", "eme", "ieme", "er", "ere", "re", "nd", "nde")
"""Behind the digits, folded."""
_DIGITS: Final = re.compile(rf"(\d{{1,3}})({'|'.join(_ENDINGS)})")
_ROMANS: Final = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_MAX_ROMAN: Final = 39
_WORDS: Final = frozenset({"vie"})
"""Words that are also Roman ordinals."""


def _roman(number: int) -> str:
    roman = ""
    for value, letters in _ROMANS:
        roman += letters * (number // value)
        number %= value
    return f"{roman}e"


_NUMBERS: Final[Mapping[str, int]] = {analysis.fold(said): number for number, said in _SAID.items()} | {
    _roman(number): number for number in range(2, _MAX_ROMAN + 1) if _roman(number) not in _WORDS
}


def others(words: tuple[str, ...]) -> tuple[Run, ...]:
    """The other writings of one or two neighbouring words, folded; none where they are no ordinal number."""
    number = _number(words)
    if number is None:
        return ()
    runs = (tuple(analysis.words(text)) for text in _writings(number))
    return tuple(run for run in runs if tuple(form.folded for form in run) != words)


def is_in_two_words(run: Run) -> bool:
    """Whether a run is an ordinal number whose mark stands apart: *13 e*."""
    return len(run) == 2 and _number(tuple(form.folded for form in run)) is not None


def _number(words: tuple[str, ...]) -> int | None:
    if len(words) == 1 and words[0] in _NUMBERS:
        return _NUMBERS[words[0]]
    if len(words) == 1 or (len(words) == 2 and words[1] in _ENDINGS):
        found = _DIGITS.fullmatch("".join(words))
        return int(found[1]) if found else None
    return None


def _writings(number: int) -> Iterator[str]:
    yield f"{number}e"
    if number in _SAID:
        yield _SAID[number]
    if number == 1:
        yield "1er"
        return
    yield f"{number}ème"
    yield f"{number} e"
    yield f"{number} ème"
    if number <= _MAX_ROMAN:
        yield _roman(number)
