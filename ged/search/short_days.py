"""Shortened months, weekdays and years of a search, and days in figures: *17 nov. 26*, *lun. 16 nov.*, *Nov. 17, 2026*, *2026-11-17*. Pure.

They are spelled out before the days of a text are read. Many are also other words (*sept*, *DEC*, *mar.*): a month is spelled out beside its
day or its year, and with a point. What is spelled out and then belongs to no day stays in the search as it was typed.
"""

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
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
_YEAR_OF_TWO: Final = re.compile(
    rf"(?<![\w/.,'’-]){_DAY}{_BLANKS}(?:{_FULL}|(?:{_MONTH})\.?){_BLANKS}(?P<year>\d\d)(?=\s{{0,4}}(?:[,;)!?.]|\Z)(?!\d))",
    re.IGNORECASE,
)
"""Only where nothing is counted behind it: *17 novembre 26 chaises* asks for chairs."""
_FIGURES: Final = re.compile(
    r"(?<![\w/.°º#'’-])(?:(?P<iso_year>[12]\d{3})-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2})"
    r"|(?P<day>\d{1,2})(?P<sign>[/.-])(?P<month>\d{1,2})(?P=sign)(?P<year>[12]\d{3}|\d\d))(?![\w/-]|[.,]\d)"
)
_TO_A_DAY: Final = rf"{_BLANKS}(?:au|et|[àa]|to|and){_BLANKS}(?:le{_BLANKS})?"
_DAY_BEHIND_IT: Final = re.compile(rf"{_TO_A_DAY}\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d", re.IGNORECASE)
_DAY_BEFORE_IT: Final = re.compile(rf"[/.-]\d{{1,2}}[/.-]\d{{2,4}}{_TO_A_DAY}\Z", re.IGNORECASE)
"""The other day of a span: *du 3.11.26 au 18.11.26*."""
_OF_A_NUMBER: Final = re.compile(
    r"(?:(?<!\w)(?:no\.?|num[ée]ros?|r[ée]f(?:[ée]rences?)?s?\.?)|n\s?[°º]|№)\s{0,4}:?\s{0,4}\Z",
    re.IGNORECASE,
)
"""Words before a number of a letter."""
_OF_A_VERSION: Final = re.compile(
    r"(?<!\w)(?:versions?|v\.?|articles?|art\.?|paragraphes?|sections?|chapitres?|alin[ée]as?|points?|annexes?|release)\s{1,4}\Z",
    re.IGNORECASE,
)
"""Words before points between numbers that are no day: *version 10.11.12*."""
_THIS_CENTURY: Final = 50
"""Two figures below it are a year of this century; others one of the last."""
_LAST_MONTH, _LAST_DAY = 12, 31
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
    """The text with its shortened months, weekdays and years spelled out, where they are surely such, and with its days in figures as
    *12/11/2026*.

    >>> spelled_out("lun. 16 nov. 2026").text, spelled_out("les sept").text
    ('lundi 16 novembre 2026', 'les sept')
    """
    pieces, changes, size, done = [], [(0, 0)], 0, 0
    for start, end, full in sorted([*_months_and_weekdays(text), *_years(text), *_days_in_figures(text)]):
        pieces += [text[done:start], full]
        size += start - done + len(full)
        done = end
        changes.append((size, done))
    return Spelled("".join([*pieces, text[done:]]), tuple(changes))


def is_of_a_number(text: str, at: int) -> bool:
    """Whether a number of a letter is said to begin at this place: *n° 12/11/26*."""
    return _OF_A_NUMBER.search(text[max(at - _LOOKED_BACK, 0) : at]) is not None


def _months_and_weekdays(text: str) -> Iterator[tuple[int, int, str]]:
    """The place of each shortened one, and what it is in full."""
    is_english = False
    for match in _SHORT.finditer(text):
        if match["weekday"]:
            short = said_numbers.folded(match["weekday"])
            is_english = short in _ENGLISH_WEEKDAYS
            yield match.start(), match.end(), (_WEEKDAYS | _ENGLISH_WEEKDAYS)[short]
        elif _is_month(match):
            yield match.start(), match.end(), _spelled_month(match, is_english=is_english)


def _years(text: str) -> Iterator[tuple[int, int, str]]:
    """The place of each year of two figures behind a day and its month, and its four figures."""
    for match in _YEAR_OF_TWO.finditer(text):
        yield match.start("year"), match.end("year"), str(_year(match["year"]))


def _days_in_figures(text: str) -> Iterator[tuple[int, int, str]]:
    """The place of each day in figures that a calendar has, and the day as said_days reads it: 12/11/2026."""
    for match, day, month, year in _figures(text):
        with suppress(ValueError):
            found = date(year, month, day)
            yield match.start(), match.end(), f"{found.day:02}/{found.month:02}/{found.year:04}"


def no_day_in_figures(text: str) -> str:
    """The first day in figures that no calendar has; empty without one. Figures that no month or no day may have name something else.

    >>> no_day_in_figures("courrier du 30.02.26"), no_day_in_figures("lot 45.02.26")
    ('30.02.26', '')
    """
    for match, day, month, year in _figures(text):
        if 1 <= month <= _LAST_MONTH and monthrange(year, month)[1] < day <= _LAST_DAY:
            return match[0]
    return ""


def _figures(text: str) -> Iterator[tuple["re.Match[str]", int, int, int]]:
    """What stands as a day in figures: the place, the day, the month and the year."""
    for match in _FIGURES.finditer(text):
        name = "iso_" if match["iso_year"] else ""
        day, month, year = (match[f"{name}{part}"] for part in ("day", "month", "year"))
        # 1.2.26 is the number of a paragraph, or of a program.
        is_sure = len(year) > len("26") or match["sign"] == "/" or len(day) == len(month) == len("12")
        is_sure = is_sure or _DAY_BEHIND_IT.match(text, match.end()) is not None
        is_sure = (
            is_sure or _DAY_BEFORE_IT.search(text, max(match.start() - _LOOKED_BACK, 0), match.start()) is not None
        )
        before = text[max(match.start() - _LOOKED_BACK, 0) : match.start()]
        is_version = len(year) == len("26") and match["sign"] in (".", "-") and _OF_A_VERSION.search(before)
        if is_sure and not is_version and not is_of_a_number(text, match.start()):
            yield match, int(day), int(month), _year(year)


def _year(figures: str) -> int:
    year = int(figures)
    if len(figures) > len("26"):
        return year
    return year + (2000 if year < _THIS_CENTURY else 1900)


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
