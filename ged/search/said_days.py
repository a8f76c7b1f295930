"""Days that a person says in a search: ``lettre du 18 novembre 2026``, ``reçus hier``, ``mars 2026``.

Pure. In French and English. What is said is taken out of the text and becomes a period. A text with signs of the query
language (quotes, a field, OR, a minus, a star) is left as it is: whoever types signs means each word. So is a text that
names two periods.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ged.ports import Dated, SearchQuery

MAX_LENGTH = 1_000
"""In characters. Longer texts are no search of a person."""
EVER = date(1000, 1, 1)
"""The first day of a period that says its last day alone."""

_MONTHS = {
    "janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6, "juillet": 7, "aout": 8, "septembre": 9,
    "octobre": 10, "novembre": 11, "decembre": 12, "january": 1, "february": 2, "march": 3, "april": 4, "may": 5,
    "june": 6, "july": 7, "august": 8, "september": 9, "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_PLAIN = str.maketrans("éûſı", "eusi")
"""Letters that a pattern takes for one of the plain alphabet: with an accent, or (long s, i without a dot) as another case of the letter."""
_MONTH = (
    "|".join(_MONTHS).replace("fevrier", "f[ée]vrier").replace("aout", "ao[ûu]t").replace("decembre", "d[ée]cembre")
)
_IN_LETTERS = (
    "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize", "quatorze", "quinze", "seize",
    "dix-sept", "dix-huit", "dix-neuf", "vingt", "vingt et un", "vingt-deux", "vingt-trois", "vingt-quatre", "vingt-cinq", "vingt-six",
    "vingt-sept", "vingt-huit", "vingt-neuf", "trente", "trente et un",
)  # fmt: skip
"""Days of a month in letters, from the second one. The first one is ``premier``."""
_NUMBERS = {word.replace("-", " "): number for number, word in enumerate(_IN_LETTERS, start=2)}
_WEEKDAY = r"(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_DAY = "|".join((r"\d{1,2}|1er|premier", *sorted(_NUMBERS, key=len, reverse=True))).replace(" ", r"[\s-]")
_BEFORE = r"(?:du\s+mois\s+de\s+|(?:du|de|le|en|dat[ée]e?s?\s+du|on|of|in|from)\s+(?:the\s+)?|d['’])?"
_SIGNS = re.compile(r"""["«»“”„:*]|(?<!\S)(?:OU|OR|SAUF|NOT)(?!\S)|(?<!\S)-(?=\S)""")
_EMPTY_WORDS = (
    "courrier courriers lettre lettres document documents reçu reçue reçus reçues recu recue recus recues arrivé arrivée "
    "arrivés arrivées enregistré enregistrée enregistrés enregistrées envoyé envoyée envoyés envoyées daté datée datés "
    "datées parti partis partie parties tous toutes tout le la les l un une des du de d en dans pendant au à "
    "letter letters mail received sent registered dated all the a of in from on during"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
"""Words that say nothing of a letter beside its day."""
_WORD = re.compile(r"[^\W_]+")

_Reading = Callable[["re.Match[str]", date], tuple[date, date]]


@dataclass(frozen=True)
class SaidDays:
    """A period that a text says.

    Attributes:
        dated: the period, and the words by which a letter's text may mention the period.
        words: what was taken out of the text.
        rest: the text without these words; empty where nothing else of a letter is said.
    """

    dated: Dated
    words: str
    rest: str


def said_days(text: str, today: date) -> SaidDays | None:
    """The period that a typed text says, None if it says none, or two.

    >>> said_days("réponse reçue hier", date(2026, 3, 1)).rest
    'réponse reçue'
    """
    if len(text) > MAX_LENGTH or _SIGNS.search(text):
        return None
    found = list(_found(text, today))
    if len(found) != 1:
        return None
    (start, end), first, last, is_named = found[0]
    words = " ".join(text[start:end].split())
    rest = " ".join(f"{text[:start]} {text[end:]}".split())
    if all(word.lower() in _EMPTY for word in _WORD.findall(rest)):
        rest = ""
    return SaidDays(Dated(first, last, _bare(words) if is_named else ""), words, rest)


def asked(query: SearchQuery, today: date) -> tuple[SearchQuery, SaidDays | None]:
    """The search with the period that its text says; as it is where it has bounds already, or says none."""
    said = None if query.since or query.until else said_days(query.text, today)
    return (query, None) if said is None else (replace(query, text=said.rest, dated=said.dated), said)


def without(query: SearchQuery, said: SaidDays) -> SearchQuery:
    """The search of the other words of its text, whatever the day; as typed where there are no others."""
    return replace(query, text=said.rest or query.text)


def in_figures(query: SearchQuery, today: date) -> SearchQuery | None:
    """The search with ``du`` before the day that its text has in figures alone.

    ``03/03/2026`` may be a number of a register, so it is searched as a number. The page offers this search beside it.

    Returns:
        None if the text has no such day or several, or says a period besides.

    >>> in_figures(SearchQuery("facture 3.3.2026"), date(2026, 4, 1)).text
    'facture du 03/03/2026'
    """
    found = list(_DAY_IN_FIGURES.finditer(query.text)) if len(query.text) <= MAX_LENGTH else []
    if len(found) != 1:
        return None
    match = found[0]
    try:
        day, _last = _digit_day(match, today)
    except ValueError:
        return None
    before, after = query.text[: match.start()], query.text[match.end() :]
    named = replace(query, text=f"{before}du {day.day:02}/{day.month:02}/{day.year}{after}")
    return named if asked(query, today)[1] is None and asked(named, today)[1] is not None else None


def _found(text: str, today: date) -> Iterator[tuple[tuple[int, int], date, date, bool]]:
    """Each period: its place, its first and last day, and whether it is named as a letter's text would name it."""
    taken: list[tuple[int, int]] = []
    for pattern, reading, is_named in _READINGS:
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            taken.append(match.span())  # also of a day that does not exist: its month alone was not meant
            try:
                first, last = reading(match, today)
            except (ValueError, OverflowError):
                continue
            if first <= last:
                yield match.span(), first, last, is_named


def _bare(words: str) -> str:
    """A period without the small words before it."""
    return _SMALL.sub("", words).strip()


def _month(text: str) -> int:
    return _MONTHS[_folded(text)]


def _folded(text: str) -> str:
    return text.lower().translate(_PLAIN)


def _day(day: str, month: str, year: str | None, today: date) -> date:
    """A day; without a year, the last such day that is not in the future."""
    number = _number(day)
    if year:
        return date(int(year), _month(month), number)
    this = date(today.year, _month(month), number)
    return this if this <= today else this.replace(year=today.year - 1)


def _number(day: str) -> int:
    return int(day) if day.isdigit() else _NUMBERS.get(" ".join(re.split(r"[\s-]", day.lower())), 1)


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _one_day(match: "re.Match[str]", today: date) -> tuple[date, date]:
    day = _day(match["day"], match["month"], match["year"], today)
    return day, day


def _digit_day(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    return day, day


def _digit_days(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    first = date(int(match["first_year"] or match["year"]), int(match["first_month"]), int(match["first_day"]))
    return first, date(int(match["year"]), int(match["month"]), int(match["day"]))


def _several_days(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """Without a year, the last such days of which the first is not in the future."""
    last_year, first_year = match["year"], match["first_year"]
    if last_year or first_year:
        year = int(last_year or first_year)
        first, last = _ending(match, year)
        return (first, last) if first <= last or last_year else _ending(match, year + 1)
    for year in (today.year + 1, today.year, today.year - 1):
        with suppress(ValueError):  # a 29 February, or no year of the calendar
            first, last = _ending(match, year)
            if first <= today:
                return first, last
    raise ValueError


def _ending(match: "re.Match[str]", year: int) -> tuple[date, date]:
    """The days that end in a year. Those of two months may begin in the year before."""
    last = date(year, _month(match["month"]), _number(match["day"]))
    month, number = _month(match["first_month"] or match["month"]), _number(match["first_day"])
    if match["first_year"]:
        return date(int(match["first_year"]), month, number), last
    return date(year - (month > last.month), month, number), last


def _one_bound(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """A period of which one end is said, as a day, a month or a year. The other end is today, or ``EVER``."""
    said = match.groupdict()
    if said.get("day") is None and match["year"] is None:
        raise ValueError  # a month alone says no year
    first, last = _said_once(match, today)
    if match["since"] or match["after"]:
        begins = first if match["since"] else last + timedelta(days=1)
        return begins, max(begins, today)
    return EVER, last if match["until"] else first - timedelta(days=1)


def _said_once(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The first and the last day of a day, a month or a year."""
    said = match.groupdict()
    if said.get("month") is None:
        return date(int(match["year"]), 1, 1), date(int(match["year"]), 12, 31)
    if match["month"].isdigit():
        return _digit_day(match, today)
    if said["day"] is None:
        return _one_month(match, today)
    return _one_day(match, today)


def _one_month(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    first = date(int(match["year"]), _month(match["month"]), 1)
    return first, _end_of_month(first)


def _days_ago(match: "re.Match[str]", today: date) -> tuple[date, date]:
    said = _folded(match.group())
    day = today - timedelta(
        days=2 if said.startswith(("avant", "the day")) else 1 if said in ("hier", "yesterday") else 0
    )
    return day, day


def _last_days(match: "re.Match[str]", today: date) -> tuple[date, date]:
    return today - timedelta(days=int(match["count"] or match["days"])), today


def _span(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """A week (from Monday), a month or a year: the present one, or the one before."""
    before = match.groupdict().get("before") is not None
    if match["week"]:
        first = today - timedelta(days=today.weekday() + 7 * before)
        return first, first + timedelta(days=6)
    if match["month"]:
        first = today.replace(day=1)
        first = (first - timedelta(days=1)).replace(day=1) if before else first
        return first, _end_of_month(first)
    return date(today.year - before, 1, 1), date(today.year - before, 12, 31)


_DIGITS = r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>[12]\d{3})"
_FIRST_DIGITS = r"(?P<first_day>\d{1,2})/(?P<first_month>\d{1,2})(?:/(?P<first_year>[12]\d{3}))?"
_START, _END = r"(?<![\w/'’-])(?:", r")(?![\w/-])"
_YEAR = r"(?:\s+(?P<year>[12]\d{3}))?"
_NAMED = rf"(?:{_WEEKDAY}\s+)?(?P<day>{_DAY})\s+(?P<month>{_MONTH}){_YEAR}"
_FIRST = rf"(?P<first_day>{_DAY})(?:\s+(?P<first_month>{_MONTH}))?(?:\s+(?P<first_year>[12]\d{{3}}))?"
_DURING = r"(?:(?:de|pendant|dans)\s+)?"
_AGO = r"(?P<before>derni[eè]re?|pass[ée]e?)"

_SMALL = re.compile(rf"^{_BEFORE}", re.IGNORECASE)
_SEVERAL = re.compile(rf"{_START}(?:du|entre\s+le|from)\s+{_FIRST}\s+(?:au|et\s+le|to)\s+{_NAMED}{_END}", re.IGNORECASE)
# In digits only after a small word: 30/11/2026 alone may be a number of a register.
_DIGIT_DAYS = re.compile(
    rf"{_START}(?:du|entre\s+le|from)\s+{_FIRST_DIGITS}\s+(?:au|et\s+le|to)\s+{_DIGITS}{_END}", re.IGNORECASE
)
_DAY_IN_FIGURES = re.compile(
    rf"{_START}(?P<day>\d{{1,2}})(?P<sign>[/.-])(?P<month>\d{{1,2}})(?P=sign)(?P<year>[12]\d{{3}}){_END}"
)
_DIGIT_DAY = re.compile(rf"{_START}(?:dat[ée]e?s?\s+du|du|le|on)\s+{_DIGITS}{_END}", re.IGNORECASE)
_BOUND = (
    r"(?:(?P<since>depuis|since|[àa]\s+partir\s+d[ue])|(?P<after>apr[èe]s|after)|(?P<until>jusqu['’](?:au|en|[àa])|until)"
    r"|(?P<before>avant|before))\s+(?:(?:le|the)\s+)?"
)
_DIGIT_BOUND = re.compile(rf"{_START}{_BOUND}{_DIGITS}{_END}", re.IGNORECASE)
_NAMED_BOUND = re.compile(
    rf"{_START}{_BOUND}(?:{_WEEKDAY}\s+)?(?:(?P<day>{_DAY})\s+)?(?P<month>{_MONTH}){_YEAR}{_END}", re.IGNORECASE
)
_YEAR_BOUND = re.compile(rf"{_START}{_BOUND}(?P<year>[12]\d{{3}}){_END}", re.IGNORECASE)
_ONE_DAY = re.compile(rf"{_START}{_BEFORE}{_NAMED}{_END}", re.IGNORECASE)
_ENGLISH_DAY = re.compile(
    rf"{_START}{_BEFORE}(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:,\s*|\s+)(?P<year>[12]\d{{3}}){_END}", re.IGNORECASE
)
_ONE_MONTH = re.compile(rf"{_START}{_BEFORE}(?P<month>{_MONTH})\s+(?P<year>[12]\d{{3}}){_END}", re.IGNORECASE)
_TWO_AGO = re.compile(rf"{_START}avant-hier|the\s+day\s+before\s+yesterday{_END}", re.IGNORECASE)
_ONE_AGO = re.compile(rf"{_START}hier|aujourd['’]hui|yesterday|today{_END}", re.IGNORECASE)
_LAST_DAYS = re.compile(
    rf"{_START}{_DURING}[cl]es\s+(?P<count>[1-9]\d{{0,2}})\s+derniers\s+jours"
    rf"|(?:the\s+)?last\s+(?P<days>[1-9]\d{{0,2}})\s+days{_END}",
    re.IGNORECASE,
)
_PRESENT = re.compile(
    rf"{_START}{_DURING}(?:cette\s+(?:(?P<week>semaine)|ann[ée]e)|ce\s+(?P<month>mois)(?:-ci)?){_END}", re.IGNORECASE
)
_PAST = re.compile(
    rf"{_START}{_DURING}(?:(?:la\s+)?(?P<week>semaine)|(?:l['’])?ann[ée]e|(?:(?:le|du)\s+)?(?P<month>mois)|(?:l['’])?an)"
    rf"\s+{_AGO}{_END}",
    re.IGNORECASE,
)
_ENGLISH_SPAN = re.compile(
    rf"{_START}(?:(?P<before>last)|this)\s+(?:(?P<week>week)|(?P<month>month)|year){_END}", re.IGNORECASE
)

_READINGS: tuple[tuple["re.Pattern[str]", _Reading, bool], ...] = (
    (_SEVERAL, _several_days, True),
    (_DIGIT_DAYS, _digit_days, False),
    (_DIGIT_BOUND, _one_bound, False),
    (_DIGIT_DAY, _digit_day, True),
    (_NAMED_BOUND, _one_bound, False),
    (_YEAR_BOUND, _one_bound, False),
    (_ONE_DAY, _one_day, True),
    (_ENGLISH_DAY, _one_day, True),
    (_ONE_MONTH, _one_month, True),
    (_TWO_AGO, _days_ago, False),
    (_ONE_AGO, _days_ago, False),
    (_LAST_DAYS, _last_days, False),
    (_PRESENT, _span, False),
    (_PAST, _span, False),
    (_ENGLISH_SPAN, _span, False),
)
"""Patterns, from the longest: what one has taken is not read by the next. The last value: whether a letter's text may name
the period in these words."""
