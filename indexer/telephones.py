"""Telephones: 22 30 81 40, 22308140, +228 22 30 81 40, 00228 22.30.81.40 and (228) 22-30-81-40 are one number. Pure.

A letter has one of these writings, and a person types another. So the telephones of a letter are indexed by their ``key``, the last
eight digits: a number keeps them whether its country or the 0 before it is written or not, and no list of countries is needed.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from indexer import analysis

Run = tuple[analysis.Forms, ...]
"""As ``tree.Run``: the tree knows the fields, and the fields know the telephones of a letter."""
DIGITS: Final = 8
"""The digits of a key: those of a number of Togo. Longer numbers of other countries differ in them as well."""
_ABROAD: Final = r"(?:\+|00)\x20?\(?[1-9]\d{0,2}\)?\x20?(?:\(0\))?(?:[\x20.-]?\d){7,12}"
_CODE: Final = r"(?:\(\+?(?:00)?[1-9]\d{0,2}\)\x20?|[1-9]\d{2}[\x20.-])?"
"""A country in brackets, or three digits of it before the pairs."""


def _pairs(mark: str) -> str:
    """A pattern of four pairs, or of five.

    Args:
        mark: names the sign between them; no name stands twice in one pattern. A day (2026-11-05) is no such number.
    """
    return rf"\d{{2}}(?P<{mark}>[\x20.-])\d{{2}}(?:(?P={mark})\d{{2}}){{2,3}}"


_ANY: Final = rf"(?<![\w+])(?<!\d[\x20.,-])(?:{_ABROAD}|{_CODE}(?:{_pairs('pairing')}|\d{{8}})|0\d{{9}})(?![\x20.,-]?\d)(?!\w|-\w)"
TELEPHONE: Final = rf"{_ANY}(?![/*])"
"""A number as a part of a pattern of several lines, which is no part of a reference, and not begun. No-break and thin spaces are blanks
by then."""
_HELD: Final = re.compile(rf"{_ANY}(?!/[^\W\d])")
"""Letters part two numbers by a stroke."""
_BLANKS: Final = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " ") | dict.fromkeys("\u2010\u2011", "-"))
_MARKS: Final = ",;:.!?)]}"
MAX_HELD: Final = 500
"""The most telephones of one letter that are indexed: a directory has as many."""


def key(text: str) -> str:
    """What all writings of one number share; empty where the text is no telephone.

    >>> key("+228 22 30 81 40"), key("(228) 22-30-81-40."), key("22308140"), key("2026-11-05")
    ('22308140', '22308140', '22308140', '')
    """
    return _key(text) if _HELD.fullmatch(text.rstrip(_MARKS)) else ""


def _key(text: str) -> str:
    return "".join(re.findall(r"\d", text))[-DIGITS:]


def writings(key: str) -> tuple[Run, ...]:
    """The writings of a key that are words of a letter: as one, and in pairs."""
    pairs = " ".join(key[at : at + 2] for at in range(0, DIGITS, 2))
    return tuple(tuple(analysis.words(text)) for text in (key, pairs))


def places(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The key of each telephone in a text that went through ``clean``, and where it stands."""
    for found in _HELD.finditer(text.translate(_BLANKS)):
        yield _key(found[0]), found.span()


def held(texts: Iterable[str]) -> tuple[str, ...]:
    """The keys of the telephones that stand in these texts, the first ``MAX_HELD`` of them."""
    found = (one for text in texts for one, _span in places(text))
    return tuple(sorted(islice(dict.fromkeys(found), MAX_HELD)))
