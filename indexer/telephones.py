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
_PAIRS: Final = r"\d{2}(?P<pairing>[\x20.-])\d{2}(?:(?P=pairing)\d{2}){2,3}"
"""Four pairs, or five. A day (2026-11-05) is no such number."""
_BEGIN: Final = r"(?<![\w+])(?<!\d[\x20.-])(?:(?<!\d,)|(?<=\d{8},)|(?<=\d[\x20.-]\d\d,))"
_END: Final = r"(?![\x20.-]?\d)(?!,(?!(?:\d{8}|0\d{9}|\d\d[\x20.-]\d\d)(?!\d))\d)(?!\w|-\w)"
"""A comma parts two numbers, but not an amount and its cents."""
_BEGINS: Final = r"(?:2[2-7]|7[0-39]|9[0-36-9])"
"""The first two digits of a number of Togo. Other digits in these groups are an amount, or two numbers of something."""
_GROUPS: Final = rf"{_BEGINS}(?:\d\d\x20(?!19\d\d|20[0-4]\d)\d{{4}}|\x20\d{{3}}\x20\d{{3}})"
"""What people type besides pairs, but no number and a year."""
_BEFORE_BOX: Final = r"[1-9]\d(?P<parting_pairs>[\x20.-])\d\d(?:(?P=parting_pairs)\d\d){2}(?=\x20\d\d\x20?B\.?P(?!\w))"
"""Pairs of a letterhead before the first digits of its box: « 22 30 81 40 01 BP 123 »."""
_ANY: Final = rf"{_BEGIN}(?:{_ABROAD}|{_CODE}(?:{_PAIRS}|\d{{8}})|0\d{{9}}){_END}"
TELEPHONE: Final = rf"(?:{_BEGIN}{_BEFORE_BOX}|{_ANY}(?![/*])|{_BEGIN}{_GROUPS}{_END}(?![/*]))"
"""A number as a part of a pattern of several lines, which is no part of a reference, and not begun. No-break and thin spaces are blanks
by then."""
_HELD: Final = re.compile(rf"{_ANY}(?!/[^\W\d])")
"""Letters part two numbers by a stroke."""
_BLANKS: Final = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " ") | dict.fromkeys("\u2010\u2011", "-"))
_FIVE: Final = re.compile(r"(?<![\d+])[1-9]\d([\x20.-])\d\d(?:\1\d\d){3}\Z")
"""Five pairs that may be four and the first digits of what follows: « 22 30 81 40 01 BP 123 Lomé »."""
_TYPED: Final = re.compile(_GROUPS)
_STROKE: Final = re.compile(r"\x20?/\x20?")
NAMES: Final = frozenset({"tel", "telephone", "fax", "mobile", "portable", "cel", "gsm", "whatsapp"})
"""What people type before a number and its colon, folded."""
MAX_HELD: Final = 500
"""The most telephones of one letter that are indexed: a directory has as many."""


def key(text: str) -> str:
    """What all writings of one number share; empty where the text is no telephone.

    >>> key("+228 22 30 81 40"), key("(228) 22-30-81-40."), key("2230 8140"), key("2026-11-05")
    ('22308140', '22308140', '22308140', '')
    """
    bare = text.rstrip(analysis.PUNCTUATION)
    return _key(text) if _HELD.fullmatch(bare) or _TYPED.fullmatch(bare) else ""


def _key(text: str) -> str:
    return "".join(re.findall(r"\d", text))[-DIGITS:]


def writings(digits: str) -> tuple[Run, ...]:
    """The writings of a key that are words of a letter: as one, in pairs, and in fours."""
    parted = (" ".join(digits[at : at + size] for at in range(0, DIGITS, size)) for size in (DIGITS, 2, 4))
    return tuple(tuple(analysis.words(text)) for text in parted)


def apart(text: str) -> str:
    """The text with a comma for each stroke between two numbers: a stroke between digits is that of a reference.

    >>> apart("22 69 20 51 / 22 30 81 40"), apart("12/2026")
    ('22 69 20 51, 22 30 81 40', '12/2026')
    """
    if "/" not in text:
        return text
    spans = [span for _key, span in places(text)]
    begins, ends = {begin for begin, _end in spans}, {end for _begin, end in spans}
    return _STROKE.sub(lambda one: ", " if one.start() in ends and one.end() in begins else one[0], text)


def places(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The key of each telephone in a text that went through ``clean``, and where it stands. Five pairs have two, unless 0 begins them."""
    for found in _HELD.finditer(text.translate(_BLANKS)):
        yield _key(found[0]), found.span()
        if five := _FIVE.search(found[0]):
            yield _key(five[0][:-3]), (found.start(), found.end() - 3)


def held(texts: Iterable[str]) -> tuple[str, ...]:
    """The keys of the telephones that stand in these texts, the first ``MAX_HELD`` of them."""
    found = (one for text in texts for one, _span in places(text))
    return tuple(sorted(islice(dict.fromkeys(found), MAX_HELD)))
