"""Shortened months and weekdays of a search: *17 nov. 2026*, *lun. 16 nov.*, *Nov. 17, 2026*. Pure.

They are spelled out before the days of a text are read. Many are also other words (*sept*, *DEC*, *mar.*): a month is spelled out beside its
day or its year, and with a point. What is spelled out and then belongs to no day stays in the search as it was typed.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from ged.search import said_numbers

_MONTHS: Final = {
    "janv": "janvier", "fevr": "février", "fev": "février", "avr": "avril", "juill": "juillet", "juil": "juillet", "sept": "septembre",
    "oct": "octobre", "nov": "novembre", "dec": "décembre", "jan": "janvier", "feb": "february", "mar": "march", "apr": "april",
    "jun": "june", "jul": "july", "aug": "august", "sep": "septembre",
}  # fmt: skip
_ENGLISH_MONTHS: Final = {
    "jan": "january", "sept": "september", "sep": "september", "oct": "october", "nov": "november", "dec": "december",
}  # fmt: skip
"""Before a day, or behind a weekday in English: a letter's text may name the day so."""
_WEEKDAYS: Final = {
    "lun": "lundi", "mar": "mardi", "mer": "mercredi", "jeu": "jeudi", "ven": "vendredi", "sam": "samedi", "dim": "dimanche",
}  # fmt: skip
_ENGLISH_WEEKDAYS: Final = {
    "mon": "monday", "tues": "tuesday", "tue": "tuesday", "wed": "wednesday", "thurs": "thursday", "thu": "thursday", "fri": "friday",
    "sat": "saturday", "sun": "sunday",
}  # fmt: skip
_ANY_WEEKDAY: Final = "|".join(_WEEKDAYS | _ENGLISH_WEEKDAYS)
_ALSO_WORDS: Final = frozenset({"sept", "sep", "mar", "jan", "jun", "jul", "feb", "apr", "aug"})
"""Words, names of people, or nothing that a French letter has: a point alone makes them no month."""
_MONTH: Final = "|".join(_MONTHS).replace("fev", "f[ée]v").replace("dec", "d[ée]c")
_FULL: Final = (
    "janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre|january|february|march|april|may|june|"
    "july|august|september|october|november|december"
)
_DAY: Final = r"\d{1,2}(?:er|st|nd|rd|th)?"
_YEAR: Final = r"(?:19|20)\d\d(?!\w)"
_START: Final = r"(?<![\w/'’-])"
_BLANKS: Final = r"\s{1,4}"
_SHORT: Final = re.compile(
    rf"{_START}(?:(?P<weekday>{_ANY_WEEKDAY})\.?,?(?={_BLANKS}(?:{_DAY}{_BLANKS}(?:{_MONTH}|{_FULL})|(?:{_MONTH}|{_FULL})\.?{_BLANKS}{_DAY})(?!\w))"
    rf"|(?P<month>{_MONTH})(?:(?P<glued>\.)(?={_YEAR})|\.?(?!\.?[\w/'’-])))",
    re.IGNORECASE,
)
_DAY_BEFORE: Final = re.compile(rf"(?<![\w/.,'’-]){_DAY}{_BLANKS}(?:of{_BLANKS})?\Z", re.IGNORECASE)
_TENS_BEFORE: Final = re.compile(
    rf"(?<!\w)(?:dix|vingts?|trente|quarante|cinquante|soixante|cents?|mil(?:le)?){_BLANKS}\Z", re.IGNORECASE
)
"""With *sept* behind, a number in letters: *vingt sept*."""
_YEAR_BEHIND: Final = re.compile(
    rf"(?:{_BLANKS}(?:[àa]|et|to|and){_BLANKS}(?:{_MONTH}|{_FULL})\.?)?,?{_BLANKS}{_YEAR}|{_BLANKS}{_DAY},?{_BLANKS}{_YEAR}",
    re.IGNORECASE,
)
_DAY_BEHIND: Final = re.compile(rf"{_BLANKS}{_DAY}(?![\w/-])", re.IGNORECASE)
_LOOKED_BACK: Final = 24
"""In characters: those of a day before its month."""


@dataclass(frozen=True)
class Spelled:
    """A text with its months and weekdays spelled out.

    Attributes:
        text: the text.
        changes: of each place that was spelled out, its end in ``text`` and its end as typed, in order; the first is (0, 0).
    """

    text: str
    changes: tuple[tuple[int, int], ...]

    def typed(self, start: int, end: int) -> tuple[int, int]:
        """The place in the typed text of a place in ``text``, which begins and ends at no word that is half in it."""
        return self._typed(start), self._typed(end)

    def _typed(self, at: int) -> int:
        spelled, typed = self.changes[bisect_right(self.changes, at, key=lambda change: change[0]) - 1]
        return typed + at - spelled


def spelled_out(text: str) -> Spelled:
    """The text with its shortened months and weekdays spelled out, where they are surely such.

    >>> spelled_out("lun. 16 nov. 2026").text, spelled_out("les sept").text
    ('lundi 16 novembre 2026', 'les sept')
    """
    pieces, changes, size, done, is_english = [], [(0, 0)], 0, 0, False
    for match in _SHORT.finditer(text):
        if match["weekday"]:
            short = said_numbers.folded(match["weekday"])
            is_english = short in _ENGLISH_WEEKDAYS
            full = (_WEEKDAYS | _ENGLISH_WEEKDAYS)[short]
        elif _is_month(match):
            full = _spelled_month(match, is_english=is_english)
        else:
            continue
        pieces += [text[done : match.start()], full]
        size += match.start() - done + len(full)
        done = match.end()
        changes.append((size, done))
    return Spelled("".join([*pieces, text[done:]]), tuple(changes))


def _spelled_month(match: "re.Match[str]", *, is_english: bool) -> str:
    short = said_numbers.folded(match["month"])
    months = (
        _MONTHS | _ENGLISH_MONTHS if is_english or (_has_day_behind(match) and not _has_day_before(match)) else _MONTHS
    )
    return f"{months[short]} " if match["glued"] else months[short]


def _is_month(match: "re.Match[str]") -> bool:
    """Whether a month stands beside its day or its year, or has a point and is no other word."""
    said, short, has_point = match["month"], said_numbers.folded(match["month"]), match[0].endswith(".")
    has_day = _has_day_before(match) or _has_day_behind(match)
    if match["glued"] or _YEAR_BEHIND.match(match.string, match.end()):
        is_office = said.isupper() and short == "dec" and not has_point  # as the DEC, that of the examinations
        return has_day or not (is_office or short == "mar" or _TENS_BEFORE.search(_before(match)))
    if said.isupper() or short == "mar":
        return False
    return has_day or (has_point and short not in _ALSO_WORDS)


def _has_day_before(match: "re.Match[str]") -> bool:
    return _DAY_BEFORE.search(_before(match)) is not None


def _has_day_behind(match: "re.Match[str]") -> bool:
    return _DAY_BEHIND.match(match.string, match.end()) is not None


def _before(match: "re.Match[str]") -> str:
    return match.string[max(match.start() - _LOOKED_BACK, 0) : match.start()]
