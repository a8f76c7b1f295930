"""Dates as letters write them: ``3 Mars 1952``, ``1er janvier``, ``3/3/52``, ``3-III-52``, ``le vingt-trois mars mil …``.

No date is too old. A year of two digits gets the century of the other years on the page.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from rapidfuzz import fuzz, process

from ocr.field_numbers import NUMBER_WORDS, value_of

_MONTHS = {
    "janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6, "juillet": 7, "aout": 8, "septembre": 9,
    "octobre": 10, "novembre": 11, "decembre": 12, "january": 1, "february": 2, "march": 3, "april": 4, "may": 5,
    "june": 6, "july": 7, "august": 8, "september": 9, "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_SHORT_MONTHS = {
    "janv": 1, "jan": 1, "fevr": 2, "fev": 2, "feb": 2, "mar": 3, "avr": 4, "apr": 4, "jun": 6, "juil": 7, "jul": 7,
    "aug": 8, "sept": 9, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_NAMES = tuple(_MONTHS)
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}
_DIGIT_LIKE = str.maketrans({"o": "0", "i": "1", "l": "1", "|": "1", "s": "5", "b": "8", "z": "2"})
EARLIEST, LATEST = 1800, 2099
_THIS_CENTURY_UNTIL = 39  # without a full year on the page, 3/3/40 and later are of the last century

_YEAR = r"(?P<year>[12il|][ ]?[890o][ ]?[\dolis][ ]?[\dolis]|'?\d{2})(?![\d/]|[.,]\d)"
_DAY = r"(?<![\w/.,-])(?P<day>1\s?er|1\s?°|i\s?er|l\s?er|premier|1st|[0-3oli|]?[\doli|s](?:\s?(?:nd|rd|th|st|er))?)(?:(?<=\d)|(?![a-z]))"
_NAMED = re.compile(_DAY + r"\s?(?:of\s)?[.\-/]?\s?(?P<month>[a-z01]{3,10})\.?,?\s?[\-/]?\s?" + _YEAR)
_MONTH_FIRST = re.compile(r"\b(?P<month>[a-z]{3,10})\.?\s(?P<day>\d{1,2})(?:st|nd|rd|th)?\s?,?\s(?P<year>\d{4})\b")
_NUMERIC = re.compile(
    r"(?<![\w/.,-])(?P<day>\d{1,2})\s?(?P<mark>[/.\-])\s?(?P<month>\d{1,2}|[ivx]{1,4})\s?(?P=mark)\s?(?P<year>\d{4}|\d{2})(?![\w/]|[.,-]\d)"
)
_ISO = re.compile(r"(?<![\w/.-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\w/-])")
_FOUR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_TOKEN = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class FoundDate:
    """A date, its start and end in the text, and how sure its form is (0..1)."""

    on: date
    start: int
    end: int
    sure: float


def dates_in(folded: str, century: int | None = None) -> Iterator[FoundDate]:
    """Dates in a folded text.

    Args:
        century: first year of the century of two-digit years, where it is known.
    """
    if not re.search(r"\d|mil", folded):
        return
    taken: list[tuple[int, int]] = []
    for pattern, sure in ((_ISO, 0.95), (_NAMED, 1.0), (_MONTH_FIRST, 0.97), (_NUMERIC, 0.95)):
        for match in _matches(pattern, folded):
            found = _date_of(match, sure, century)
            if found and not any(start < found.end and found.start < end for start, end in taken):
                taken.append((found.start, found.end))
                yield found
    yield from _spelled(folded)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """All matches, also overlapping ones: an apparent day may be the end of a word before the real day."""
    match = pattern.search(text)
    while match:
        yield match
        match = pattern.search(text, match.start() + 1)


def century_of(texts: Sequence[str]) -> int | None:
    """The century of the years written in full, if all agree."""
    years = [int(year) // 100 * 100 for text in texts for year in _FOUR.findall(text)]
    return years[0] if years and len(set(years)) == 1 else None


@lru_cache(maxsize=4096)
def month_of(word: str) -> tuple[int, float] | None:
    """The month that a folded word names, perhaps with one misread letter, and how sure that is."""
    if word in _MONTHS:
        return _MONTHS[word], 1.0
    if word in _SHORT_MONTHS:
        return _SHORT_MONTHS[word], 0.95
    best = process.extractOne(word.replace("0", "o").replace("1", "l"), _NAMES, scorer=fuzz.ratio, score_cutoff=74)
    return (_MONTHS[best[0]], best[1] / 100) if best else None


def _date_of(match: re.Match[str], sure: float, century: int | None) -> FoundDate | None:
    day_text, month_text = match["day"], match["month"]
    first = day_text in {"premier", "1°", "1 °"} or re.fullmatch(r"[1il]\s?er", day_text)
    day = 1 if first else _digits(re.sub(r"\s?(?:st|nd|rd|th|er)$", "", day_text))
    month: int | None
    if month_text.isdigit() and len(month_text) < 3:
        month = int(month_text)
    elif month_text in _ROMAN:
        month = _ROMAN[month_text]
    else:
        named = month_of(month_text)
        if named is None:
            return None
        month, sure = named[0], sure * named[1]
    year_text = match["year"].replace(" ", "").lstrip("'")
    year = _digits(year_text)
    if len(year_text) == 2:
        year, trust = _full_year(year, century)
        sure *= trust
    elif not year_text.isdigit():
        sure *= 0.92
    return _checked(year, month, day, match.start(), match.end(), sure)


def _digits(text: str) -> int:
    number = re.match(r"[\doli|sbz]+", text)
    return int(number[0].translate(_DIGIT_LIKE)) if number else 0


def _full_year(short: int, century: int | None) -> tuple[int, float]:
    if century is not None:
        return century + short, 0.92
    return (2000 + short, 0.8) if short <= _THIS_CENTURY_UNTIL else (1900 + short, 0.9)


def _checked(year: int, month: int, day: int, start: int, end: int, sure: float) -> FoundDate | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return FoundDate(found, start, end, sure) if EARLIEST <= year <= LATEST else None


def _spelled(folded: str) -> Iterator[FoundDate]:
    """Dates in words only, the day first or (on old deeds) the year first: ``l'an mil neuf cent … et le dix mars``."""
    tokens = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(folded)]
    words = [token[0] for token in tokens]
    for place, word in enumerate(words):
        named = month_of(word) if word in _MONTHS else None
        if named is None:
            continue
        first = _backwards(words, place)
        day = value_of(words[first:place])
        last = _forwards(words, place + 1)
        year = value_of(words[place + 1 : last])
        begin, end = first, last
        if day and not year:
            stop = first - 1 if first and words[first - 1] == "le" else first
            begin = _backwards(words, stop)
            year, end = value_of(words[begin:stop]), place + 1
        if day and year:
            found = _checked(year, named[0], day, tokens[begin][1], tokens[end - 1][2], 0.97)
            if found:
                yield found


def _backwards(words: Sequence[str], place: int) -> int:
    while place > 0 and words[place - 1] in NUMBER_WORDS:
        place -= 1
    return place


def _forwards(words: Sequence[str], place: int) -> int:
    while place < len(words) and words[place] in NUMBER_WORDS:
        place += 1
    return place
