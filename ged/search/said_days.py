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
from typing import NamedTuple

from ged.days import long_day
from ged.ports import Dated, SearchQuery
from ged.search import said_numbers
from ged.search.short_days import is_of_a_number, no_day_in_figures, spelled_out

MAX_LENGTH = 300
"""In characters. Longer texts were pasted: the days in a letter are no period of a search."""
LAST_DAY, LAST_MONTH = 31, 12
_FEW_DAYS, _FEW_WEEKS, _FEW_MONTHS, _FEW_YEARS = 7, 4, 6, 5
"""What *ces derniers jours*, weeks, months and years are taken for."""
EVER = date(1000, 1, 1)
"""The first day of a period that says its last day alone."""

_MONTHS = {
    "janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6, "juillet": 7, "aout": 8, "septembre": 9,
    "octobre": 10, "novembre": 11, "decembre": 12, "january": 1, "february": 2, "march": 3, "april": 4, "may": 5,
    "june": 6, "july": 7, "august": 8, "september": 9, "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_MONTH = (
    "|".join(_MONTHS).replace("fevrier", "f[ée]vrier").replace("aout", "ao[ûu]t").replace("decembre", "d[ée]cembre")
)
_WEEKDAYS = {
    "lundi": 0, "mardi": 1, "mercredi": 2, "jeudi": 3, "vendredi": 4, "samedi": 5, "dimanche": 6, "monday": 0, "tuesday": 1,
    "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
}  # fmt: skip
_WEEKDAY = "|".join(_WEEKDAYS)
_DAY = rf"\d{{1,2}}(?:st|nd|rd|th)?|1er|premier|{said_numbers.DAY}"
_A_YEAR = said_numbers.YEAR
_SOME_OF = (
    r"(?:(?:[àa]\s+la|[àa]|au|en|de|vers|at\s+the|in|of|the)\s+)?"
    r"(?:d[ée]but|fin|mi|courant|early|late|mid|(?:beginning|start|end)\s+of)[\s-]+(?:de\s+|d['’])?"
)
_PART = rf"(?:{_SOME_OF}|(?:au\s+cours\s+d[eu]|pendant|durant|dans|during)\s+)?"
"""A part of a month or a year: the whole of it is searched, for nobody says where the part ends."""
_BEFORE = (
    r"(?:du\s+mois\s+(?:de\s+|d['’])|(?:(?:of|in|from)\s+)?the\s+month\s+of\s+"
    r"|(?:du|de|le|en|dat[ée]e?s?\s+du|dated(?:\s+(?:on|in))?|on|of|in|from)\s+(?:the\s+)?|d['’])?"
)
_SIGNS = re.compile(r"""["«»“”„:*]|(?<!\S)(?:OU|OR|SAUF|NOT)(?!\S)|(?<!\S)-(?=\S)""")
_LETTERS = (
    "courrier lettre document reçu arrivé enregistré envoyé daté parti letter mail received sent registered dated"
)
"""Words of any letter: beside a day they say nothing of it."""
_KINDS = (
    "facture plainte demande note rapport dossier réponse pli départ arrêté attestation autorisation avis bordereau certificat "
    "circulaire contrat convention convocation courriel décision décret devis invitation réclamation relevé requête "
    "invoice complaint request report reply replies answer decision certificate order notice"
)
"""Words of some letters. Behind one of them, as behind those of any letter, a month, a week or a day is that of letters."""
_STATES = "urgent confidentiel secret signé traité imputé transmis classé adressé concernant portant relatif relative concerning regarding about"
"""Words that tell more of letters, behind their day."""
_LINKS = "à aux par pour contre sur sous avec sans chez vers et ou où qui que by for with against to at and or"
_SMALL_WORDS = "tous toutes tout le la les l un une des du de d en dans pendant au a all the of in from on during"
_ALSO_NAMES = "mars|mai|march|may|april|june|august"
"""Months that are names of people, or words."""
_WORD = re.compile(r"[^\W_]+")
_NEXT_WORD = re.compile(r"\s+([^\W\d_]+)")
_LETTER = re.compile(r"[^\W\d_]")


def _forms(words: str) -> frozenset[str]:
    """The words without accents, in each number and gender; also some forms that nobody writes."""
    return frozenset(
        said_numbers.folded(word) + ending for word in words.split() for ending in ("", "e", "s", "es", "x")
    )


_OF_LETTERS = _forms(f"{_LETTERS} {_KINDS}")
_BEHIND_A_WEEKDAY = (
    _OF_LETTERS
    | _forms(f"{_STATES} {_LINKS} expédié resté")
    | frozenset({"au", "a", "en", "dans", "in", "on", "during", "non", "pas", "not", "unread", "pending"})
)
_BESIDE_A_DAY = frozenset({"et", "ou", "and", "or", "hier", "avant-hier", "aujourd'hui", "yesterday", "today"})
_SAY_NOTHING = _BESIDE_A_DAY | frozenset(_SMALL_WORDS.split())
_STATES_OF_LETTERS = _OF_LETTERS | _forms(f"{_STATES} expédié lu attente pending unread signed registered processed")
_EMPTY = _forms(_LETTERS) | frozenset(_SMALL_WORDS.split())
"""Words that say nothing of a letter beside its day."""

_Reading = Callable[["re.Match[str]", date], tuple[date, date]]


@dataclass(frozen=True)
class SaidDays:
    """A period that a text says.

    Attributes:
        dated: the period, and the words by which a letter's text may mention the period.
        words: what was taken out of the text.
        rest: the text without these words; empty where nothing else of a letter is said.
        is_of_last_year: whether no year was said, and this year's such day or month is still to come: a search looks back.
    """

    dated: Dated
    words: str
    rest: str
    is_of_last_year: bool = False


class _Period(NamedTuple):
    """A period of a text.

    Attributes:
        place: in the typed text.
        words: as the patterns have read them, with months spelled out.
        is_named: whether a letter's text would name the period so.
        is_back: whether the year was taken one back.
    """

    place: tuple[int, int]
    words: str
    first: date
    last: date
    is_named: bool
    is_back: bool


@dataclass(frozen=True)
class NotRead:
    """Words of days that a text has and that stay words.

    Attributes:
        words: as typed; several of them with commas between.
        are_several: whether each is a period that could be searched, but not all at once. Otherwise they name a time to come, a time
            that may not be that of a letter, or a time without a number of days.
    """

    words: str
    are_several: bool


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
    period = found[0]
    start, end = period.place
    words = " ".join(text[start:end].split())
    rest = " ".join(f"{text[:start]} {text[end:]}".split())
    if all(said_numbers.folded(word) in _EMPTY for word in _WORD.findall(rest)):
        rest = ""
    mention, *others = _mentions(period) or ("",)
    number = words if period.is_named and period.words[0].isdigit() and not _LETTER.search(words) else ""
    dated = Dated(period.first, period.last, mention, tuple(others), number)
    return SaidDays(dated, words, rest, is_of_last_year=period.is_back)


def _mentions(period: _Period) -> tuple[str, ...]:
    """How letters name a period, as it was typed first; none where no letter names it so. A day is written in many ways."""
    if not period.is_named:
        return ()
    typed, day = _bare(" ".join(period.words.split())), period.first
    if day != period.last:
        return (typed,)
    as_typed = (typed,) if _LETTER.search(typed) else ()
    others = (long_day(day), f"{day:%d/%m}/{day.year:04}", f"{day:%d/%m}/{day.year % 100:02}")
    folded = said_numbers.folded(typed)
    return (*as_typed, *(one for one in others if not as_typed or folded not in said_numbers.folded(one)))


def asked(query: SearchQuery, today: date) -> tuple[SearchQuery, SaidDays | None]:
    """The search with the period that its text says; as it is where it has bounds already, or says none."""
    said = None if query.since or query.until else said_days(query.text, today)
    return (query, None) if said is None else (replace(query, text=said.rest, dated=said.dated), said)


def without(query: SearchQuery, said: SaidDays) -> SearchQuery:
    """The search of the other words of its text, whatever the day; as typed where there are no others."""
    return replace(query, text=said.rest or query.text)


def not_a_day(text: str) -> str:
    """The first day, with its month, that a text names and that no calendar has; empty without one.

    >>> not_a_day("plainte du 31 février")
    '31 février'
    """
    if len(text) > MAX_LENGTH or _SIGNS.search(text):
        return ""
    if in_figures := no_day_in_figures(text):
        return in_figures
    text = spelled_out(text).text
    for pattern in (_ONE_DAY, _ENGLISH_DAY, _DIGIT_DAY, _DAY_IN_FIGURES, _ENGLISH_DAY_ALONE):
        for match in pattern.finditer(text):
            is_bare = pattern is _DIGIT_DAY and not match["small"]  # without a word of days before the figures
            is_sure = pattern not in (_DAY_IN_FIGURES, _ENGLISH_DAY_ALONE) and not is_bare
            if not _may_be(match) and (is_sure or _is_in_some_month(match)):
                start = min(match.start("day"), match.start("month"))
                end = max(match.end(name) for name in ("day", "month", "year"))
                return " ".join(text[start:end].split())
    return ""


def not_read(text: str, today: date) -> NotRead | None:
    """The words of days that stay words: several periods, a period or a limit to come, a time that may not be that of
    a letter, or a time without a number of days. None without.

    >>> not_read("hier et avant-hier", date(2026, 3, 1))
    NotRead(words='hier, avant-hier', are_several=True)
    >>> not_read("arrêtés d'ici la fin de mars", date(2026, 3, 1))
    NotRead(words="d'ici la fin de mars", are_several=False)
    """
    if len(text) > MAX_LENGTH or _SIGNS.search(text):
        return None
    spelled = spelled_out(text)
    spans = sorted(one.place for one in _found(text, today))
    are_several = len(spans) > 1
    if not are_several:
        patterns = (_TO_COME,) if spans else (_TO_COME, *_MAY_BE_OF_A_PERSON, _OF_LATE)
        found = (match.span() for one in patterns for match in one.finditer(spelled.text))
        places = sorted(found, key=lambda place: (place[0], -place[1]))
        apart = (place for at, place in enumerate(places) if not at or place[0] >= max(end for _, end in places[:at]))
        spans = [spelled.typed(*place) for place in apart]
    words = ", ".join(" ".join(text[start:end].split()) for start, end in spans)
    return NotRead(words, are_several) if words else None


def _may_be(match: "re.Match[str]") -> bool:
    """Whether a calendar has the day: without a year, that of any year."""
    month, year = match["month"], match["year"]
    try:
        number = _number(match["day"])
        date(said_numbers.year(year) if year else 2000, int(month) if month.isdigit() else _month(month), number)
    except (ValueError, OverflowError):
        return False
    return True


def _is_in_some_month(match: "re.Match[str]") -> bool:
    """Whether the numbers may be those of a day and a month: others name something else."""
    month = match["month"]
    return 1 <= _number(match["day"]) <= LAST_DAY and (not month.isdigit() or 1 <= int(month) <= LAST_MONTH)


def _found(text: str, today: date) -> Iterator[_Period]:
    """Each period."""
    spelled = spelled_out(text)
    # No letter is of a day to come: "d'ici le 15 décembre" asks for what was written of it, and not for a day.
    taken = [match.span() for match in _TO_COME.finditer(spelled.text)]
    for pattern, reading, is_named in _READINGS:
        for match in pattern.finditer(spelled.text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            taken.append(match.span())  # also of a day that does not exist: its month alone was not meant
            try:
                first, last = reading(match, today)
            except (ValueError, OverflowError):
                continue
            if first <= last:
                place, is_back = spelled.typed(*match.span()), _is_of_last_year(match, today)
                yield _Period(place, match[0], first, last, is_named, is_back)


def _is_of_last_year(match: "re.Match[str]", today: date) -> bool:
    """Whether a period names no year, and was taken from the last one because it begins later in this year than today."""
    said = match.groupdict()
    if _LAST_ONE.search(match[0]) or said.get("until") or _BEFORE_IT.match(match[0]):
        return False
    return _is_ahead(match, today)


def _is_ahead(match: "re.Match[str]", today: date) -> bool:
    """Whether a period names no year, and begins later in this year than today."""
    said = match.groupdict()
    month, day = said.get("first_month") or said.get("month"), said.get("first_day") or said.get("day")
    if said.get("year") or said.get("first_year") or month is None or said_numbers.folded(month) not in _MONTHS:
        return False
    return (_month(month), _number(day) if day else 1) > (today.month, today.day)


def _bare(words: str) -> str:
    """A period without the small words before it."""
    return _SMALL.sub("", words).strip()


def _month(text: str) -> int:
    return _MONTHS[said_numbers.folded(text)]


def _day(day: str, month: str, year: str | None, today: date) -> date:
    """A day; without a year, the last such day that is not in the future."""
    number = _number(day)
    if year:
        return date(said_numbers.year(year), _month(month), number)
    this = date(today.year, _month(month), number)
    return this if this <= today else this.replace(year=today.year - 1)


def _number(day: str) -> int:
    return 1 if said_numbers.folded(day) == "premier" else said_numbers.number(day)


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _one_day(match: "re.Match[str]", today: date) -> tuple[date, date]:
    day = _day(match["day"], match["month"], match["year"], today)
    return day, day


def _digit_day(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    return day, day


def _figure_day(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """As ``_digit_day``.

    Raises:
        ValueError: it is said to be the number of a letter.
    """
    if not match["small"] and is_of_a_number(match.string, match.start()):
        raise ValueError
    return _digit_day(match, today)


def _digit_days(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    first = date(int(match["first_year"] or match["year"]), int(match["first_month"]), int(match["first_day"]))
    return first, date(int(match["year"]), int(match["month"]), int(match["day"]))


def _several_days(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """Without a year, the last such days of which the first is not in the future."""
    last_year, first_year = match["year"], match["first_year"]
    if last_year or first_year:
        year = said_numbers.year(last_year or first_year)
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
        return date(said_numbers.year(match["first_year"]), month, number), last
    return date(year - (month > last.month), month, number), last


def _several_months(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    """Without a first year, months that end in the last one: *novembre à mars 2026* begin the year before."""
    last = date(said_numbers.year(match["year"]), _month(match["month"]), 1)
    month = _month(match["first_month"])
    year = said_numbers.year(match["first_year"]) if match["first_year"] else last.year - (month > last.month)
    return date(year, month, 1), _end_of_month(last)


def _last_such_months(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """Months of no year: the last ones of which the first has begun."""
    month, last = _month(match["first_month"]), _month(match["month"])
    year = today.year - (month > today.month)
    return date(year, month, 1), _end_of_month(date(year + (month > last), last, 1))


def _several_years(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    return date(int(match["first_year"] or match["from_year"]), 1, 1), date(int(match["year"]), 12, 31)


def _one_bound(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """A period of which one end is said, as a day, a month or a year. The other end is today, or ``EVER``.

    Of a part of a month the whole month is searched, whichever end it is. An end of no year that is still to come in this one
    lets the period last until today: *avant décembre* asks for the last months, too.
    """
    first, last = _said_once(match, today)
    if (match["until"] or match["before"]) and _is_ahead(match, today):
        return EVER, today
    is_part = match.groupdict().get("part") is not None
    if match["since"] or match["after"]:
        begins = first if match["since"] or is_part else last + timedelta(days=1)
        return begins, max(begins, today)
    return EVER, last if match["until"] or is_part else first - timedelta(days=1)


def _said_once(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The first and the last day of a day, a month or a year."""
    said = match.groupdict()
    if said.get("month") is None:
        return _one_year(match, today)
    if match["month"].isdigit():
        return _digit_day(match, today)
    if said.get("day") is None:
        return _one_month(match, today)
    return _one_day(match, today)


def _one_month(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """A month; without a year, the last such month that has begun."""
    if not match["year"]:
        return _last_such_month(match, today)
    first = date(said_numbers.year(match["year"]), _month(match["month"]), 1)
    return first, _end_of_month(first)


def _last_such_month(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The last such month that has begun."""
    month = _month(match["month"])
    first = date(today.year - (month > today.month), month, 1)
    return first, _end_of_month(first)


def _one_year(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    year = said_numbers.year(match["year"])
    return date(year, 1, 1), date(year, 12, 31)


def _part_of_year(match: "re.Match[str]", _today: date) -> tuple[date, date]:
    """A quarter or a half of a year."""
    months = 3 if match["quarter"] else 6
    which = _PLACES[said_numbers.folded(match["which"])] or 12 // months
    year = said_numbers.year(match["year"])
    return date(year, (which - 1) * months + 1, 1), _end_of_month(date(year, which * months, 1))


def _one_day_ago(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """Yesterday, the day before it or today.

    Raises:
        ValueError: neither *d'* stands before it, nor words of letters: *malade depuis hier*, *agent blessé hier* tell of a person.
    """
    if not match["of"] and not _begins_or_is_of_letters(match):
        raise ValueError
    said = said_numbers.folded(match["said"])
    before = 2 if said.startswith(("avant", "the day")) else 1 if said.startswith(("hier", "yesterday")) else 0
    day = today - timedelta(days=before)
    return _until_today(match, day, day, today)


def _since_weekday(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """As ``_weekday_ago``.

    Raises:
        ValueError: what stands before names no letters: *malade depuis lundi* tells of a person.
    """
    if not _begins_or_is_of_letters(match):
        raise ValueError
    return _weekday_ago(match, today)


def _weekday_ago(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The last such day before today."""
    passed = (today.weekday() - _WEEKDAYS[said_numbers.folded(match["weekday"])]) % 7
    day = today - timedelta(days=passed or 7)
    return _until_today(match, day, day, today)


def _weekday_of_letters(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The last such day before today.

    Raises:
        ValueError: the word before it names no letters, or the one behind it makes a name of it: *facture de mardi gras*.
    """
    behind = _NEXT_WORD.match(match.string, match.end())
    is_name = behind is not None and said_numbers.folded(behind[1]) not in _BEHIND_A_WEEKDAY
    if is_name or not _is_of_letters(match):
        raise ValueError
    return _weekday_ago(match, today)


def _month_ago(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The last such month before this one."""
    month = _month(match["month"])
    first = date(today.year - (month >= today.month), month, 1)
    return _until_today(match, first, _end_of_month(first), today)


def _units_ago(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The day, week, month or year that lies so many of them back."""
    count = said_numbers.number(match["count"])
    if match["week"]:
        return _week_of(today - timedelta(weeks=count))
    if match["month"]:
        first = _months_before(today, count).replace(day=1)
        return first, _end_of_month(first)
    if match["years"]:
        return date(today.year - count, 1, 1), date(today.year - count, 12, 31)
    day = today - timedelta(days=count)
    return day, day


def _last_units(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """So many days, weeks, months or years up to today."""
    count = said_numbers.number(match["count"] or "1")
    if match["week"]:
        return today - timedelta(weeks=count), today
    if match["month"] or match["years"]:
        return _months_before(today, count * (1 if match["month"] else 12)), today
    return today - timedelta(days=count), today


def _past_unit(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """As ``_last_units``.

    Raises:
        ValueError: it tells what a word is that names no letters: *élèves de la dernière année* are of a class.
    """
    if match["of"] is not None and match.string[: match.start()].split() and not _is_of_letters(match):
        raise ValueError
    return _last_units(match, today)


def _since_units(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """As ``_last_units``.

    Raises:
        ValueError: the word before it names no letters: *absent depuis trois jours* tells of a person.
    """
    if not _begins_or_is_of_letters(match):
        raise ValueError
    return _last_units(match, today)


def _few_units(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """A few days, weeks, months or years up to today. The page shows which days these are."""
    if match["week"]:
        return today - timedelta(weeks=_FEW_WEEKS), today
    if match["month"] or match["years"]:
        return _months_before(today, _FEW_MONTHS if match["month"] else 12 * _FEW_YEARS), today
    return today - timedelta(days=_FEW_DAYS), today


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, _end_of_month(date(year, month + 1, 1)).day))


def _week_of(day: date) -> tuple[date, date]:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def _span(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """A week (from Monday), a month or a year: the present one, or the one before."""
    before = match.groupdict().get("before") is not None
    if match["week"]:
        first, last = _week_of(today - timedelta(weeks=before))
    elif match["month"]:
        first = _months_before(today, int(before)).replace(day=1)
        last = _end_of_month(first)
    else:
        first, last = date(today.year - before, 1, 1), date(today.year - before, 12, 31)
    return _until_today(match, first, last, today)


def _month_of_letters(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The last such month that has begun.

    Raises:
        ValueError: it stands behind no word of letters, or looks as the first name of somebody: *lettre de Mai KOFFI*.
    """
    behind = match.string[match.end() :]
    is_name = match["month"][0].isupper() and behind[:1].isspace() and behind.lstrip()[:1].isupper()
    if is_name or not _is_of_letters(match):
        raise ValueError
    return _last_such_month(match, today)


def _unit_of_letters(match: "re.Match[str]", today: date) -> tuple[date, date]:
    """The present day, week, month or year.

    Raises:
        ValueError: it stands behind no word of letters.
    """
    if not _is_of_letters(match):
        raise ValueError
    return (today, today) if match["one_day"] else _span(match, today)


def _is_of_letters(match: "re.Match[str]") -> bool:
    """Whether a word of letters stands before."""
    before = match.string[: match.start()].split()
    return bool(before) and said_numbers.folded(before[-1].lstrip("(")) in _OF_LETTERS


def _begins_or_is_of_letters(match: "re.Match[str]") -> bool:
    """Whether what stands before a day is of letters: nothing, a text that begins with a word of letters (*courriers de la DGE*) or ends
    with one or with a state of theirs (*signé*), or words that say nothing beside a day (*tout*)."""
    before = [_alone(word) for word in match.string[: match.start()].split()]
    said = [word for word in before if word and word not in _SAY_NOTHING]
    return not said or said[0] in _OF_LETTERS or said[-1] in _STATES_OF_LETTERS or _is_of_letters(match)


def _alone(word: str) -> str:
    """A word without accents, the signs around it and the article before it."""
    return said_numbers.folded(word).strip("(),;:.!?«»").removeprefix("d'").removeprefix("d’").removeprefix("l'")


def _until_today(match: "re.Match[str]", first: date, last: date, today: date) -> tuple[date, date]:
    """A period as it is, or with *depuis* before it: from its first day until today."""
    return (first, today) if match["since"] else (first, last)


_DIGITS = r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>[12]\d{3})"
_FIRST_DIGITS = r"(?P<first_day>\d{1,2})/(?P<first_month>\d{1,2})(?:/(?P<first_year>[12]\d{3}))?"
_START, _END = r"(?<![\w/'’-])(?:", r")(?![\w/-])"
_YEAR = rf"(?:(?:\s+|,\s*)(?P<year>{_A_YEAR}))?"
_FIRST_YEAR = rf"(?:\s+(?P<first_year>{_A_YEAR}))?"
_AGO = r"(?P<before>derni[eè]re?|pass[ée]e?)"
_NAMED = rf"(?:(?:{_WEEKDAY})\s+)?(?P<day>{_DAY})\s+(?:of\s+)?(?P<month>{_MONTH})(?:\s+(?:dernier|pass[ée])|{_YEAR})"
_FIRST = rf"(?P<first_day>{_DAY})(?:\s+(?:of\s+)?(?P<first_month>{_MONTH}))?{_FIRST_YEAR}"
_FROM, _TO = r"(?:du|entre(?:\s+le)?|(?:from|between)(?:\s+the)?)", r"(?:au|et(?:\s+le)?|(?:to|and)(?:\s+the)?)"
_DURING = r"(?:(?:de|pendant|dans|durant)\s+)?"
_OF = r"(?:(?:of|from|in|on|during|within|over)\s+(?:the\s+)?)?"
"""As ``_DURING``, before an English period: *invoices of last March* asks for invoices."""
_SINCE = r"(?P<since>(?:depuis|since)\s+(?:le\s+)?)?"
_LATER = r"(?:prochaine?|suivante?|[àa]\s+venir)"
_COUNTED = rf"(?P<count>{said_numbers.COUNT})"
_UNITS = r"(?:jours?|(?P<week>semaines?)|(?P<month>mois)|(?P<years>ans?|ann[ée]es?))"
_ENGLISH_UNITS = r"(?:days?|(?P<week>weeks?)|(?P<month>months?)|(?P<years>years?))"
_PLACES = {
    "1er": 1, "premier": 1, "2e": 2, "2eme": 2, "2nd": 2, "deuxieme": 2, "second": 2, "3e": 3, "3eme": 3, "3rd": 3, "troisieme": 3,
    "third": 3, "4e": 4, "4eme": 4, "4th": 4, "quatrieme": 4, "fourth": 4, "1st": 1, "first": 1, "dernier": 0, "last": 0,
}  # fmt: skip
"""Places of a quarter or a half in its year; 0 is the last one."""
_PLACE = "|".join(_PLACES).replace("ieme", "i[èe]me").replace("eme|", "[èe]me|")

_SMALL = re.compile(
    rf"^{_PART}(?:(?:au|entre|between)\s+)?(?:the\s+)?{_BEFORE}(?:(?:l['’])?ann[ée]e\s+|year\s+)?|\s+(?:dernier|pass[ée])$",
    re.IGNORECASE,
)
_SEVERAL = re.compile(_START + rf"{_FROM}\s+{_FIRST}\s+{_TO}\s+{_NAMED}" + _END, re.IGNORECASE)
# ``spelled_out`` has made 12/11/2026 of 12.11.26 and 2026-11-12.
_DIGIT_DAYS = re.compile(_START + rf"{_FROM}\s+{_FIRST_DIGITS}\s+{_TO}\s+{_DIGITS}" + _END, re.IGNORECASE)
_SEVERAL_MONTHS = re.compile(
    _START
    + rf"(?:(?:entre|de|from|between)\s+|d['’])?(?P<first_month>{_MONTH}){_FIRST_YEAR}\s+(?:[àa]|et|to|and)\s+(?P<month>{_MONTH})\s+(?P<year>{_A_YEAR})"
    + _END,
    re.IGNORECASE,
)
_SEVERAL_YEARS = re.compile(
    _START
    + r"(?:(?:entre|between)\s+(?P<first_year>(?:19|20)\d\d)\s+(?:et|and)|(?:de|from)\s+(?P<from_year>(?:19|20)\d\d)\s+(?:[àa]|to))"
    r"\s+(?P<year>(?:19|20)\d\d)" + _END,
    re.IGNORECASE,
)
_DAY_IN_FIGURES = re.compile(
    _START + r"(?P<day>\d{1,2})(?P<sign>[/.-])(?P<month>\d{1,2})(?P=sign)(?P<year>[12]\d{3})" + _END, re.IGNORECASE
)
_DIGIT_DAY = re.compile(
    _START
    + rf"(?:(?P<small>(?:dat[ée]e?s?\s+du|du|le|de|on|of|from|dated(?:\s+on)?)\s+)|(?<![.°º#])){_DIGITS}(?![.,]\d)"
    + _END,
    re.IGNORECASE,
)
_BOUND = (
    r"(?:(?P<since>(?:depuis|since)\s+|[àa]\s+partir\s+d(?:[ue]\s+|['’]))|(?P<after>(?:apr[èe]s|after)\s+)"
    r"|(?P<until>(?:jusqu['’](?:au|en|[àa])|until)\s+)|(?P<before>(?:avant|before)\s+))(?:(?:la|le|the)\s+)?"
)
_BEFORE_IT = re.compile(r"(?:avant|before)\s", re.IGNORECASE)
_DIGIT_BOUND = re.compile(_START + rf"{_BOUND}{_DIGITS}" + _END, re.IGNORECASE)
_DAY_BOUND = re.compile(_START + _BOUND + _NAMED + _END, re.IGNORECASE)
_COLOURS = "ros[ée]e?|bleue?|noire?|blanc|blanche|rouge|verte?|jaune|violette?|orange|dor[ée]e?|grise?"
_ALONE = (
    rf"(?!,?\s+\d)(?!(?:\s+(?:et|ou|[àa]|au|and|or|to)|\s*[,-])\s+(?:{_MONTH})(?!\w))"
    r"(?!\s+(?:derni|pass[ée]|prochain|[àa]\s+venir|suivant|next|coming)(?:\w|\b))"
    rf"(?!\s+(?:{_COLOURS}|sans\s+tabac)(?!\w))"
)
"""Behind a month without a year: neither a day of it, as in *March 18*, nor another month, nor what places it in the future or the past,
nor what makes a name of it (*octobre rose*)."""
_NO_YEAR = rf"(?P<year>(?!))?{_ALONE}"
"""As ``_ALONE``, with a group *year* that is always empty: who reads a period asks for it."""
_OF_MONTH = rf"(?:mois\s+(?:de\s+|d['’])|month\s+of\s+)?(?P<month>{_MONTH})"
_MONTH_BOUND = re.compile(
    _START + rf"{_BOUND}(?P<part>{_SOME_OF})?{_OF_MONTH}(?:\s+(?P<year>{_A_YEAR})|{_ALONE})" + _END,
    re.IGNORECASE,
)
_YEAR_BOUND = re.compile(
    _START + rf"{_BOUND}(?:l['’]ann[ée]e\s+)?(?P<year>[12]\d{{3}}|{said_numbers.YEAR_IN_LETTERS})" + _END, re.IGNORECASE
)
_ONE_DAY = re.compile(_START + rf"{_BEFORE}{_NAMED}" + _END, re.IGNORECASE)
_ENGLISH_NAMED = rf"(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)?)(?:,\s*|\s+)(?P<year>{_A_YEAR})"
_ENGLISH_DAY = re.compile(_START + _BEFORE + rf"(?:(?:{_WEEKDAY}),?\s+)?" + _ENGLISH_NAMED + _END, re.IGNORECASE)
# Without a year only after a small word: "March 18 chairs" asks for chairs. Not the first figures of an amount: "of March 15 000".
_ENGLISH_DAY_OF_ANY_YEAR = re.compile(
    _START
    + rf"(?:on|of|from|dated)\s+(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)?)(?P<year>(?!))?(?![.,]\d|\s\d{{3}}(?!\d))"
    + _END,
    re.IGNORECASE,
)
# Only to tell a day that no calendar has: "April 18 chairs" asks for chairs, "April 31" for nothing else.
_ENGLISH_DAY_ALONE = re.compile(
    _START
    + rf"(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)?)(?P<year>(?!))?(?![.,]\d|\s\d{{3}}(?!\d))"
    + _END,
    re.IGNORECASE,
)
_ENGLISH_SEVERAL = re.compile(
    _START
    + r"(?:from|between)\s+"
    + rf"(?P<first_month>{_MONTH})\s+(?P<first_day>\d{{1,2}}(?:st|nd|rd|th)?)(?:,?\s+(?P<first_year>{_A_YEAR}))?"
    + rf"\s+(?:to|and)\s+(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)?){_YEAR}"
    + _END,
    re.IGNORECASE,
)
_ENGLISH_BOUND = re.compile(_START + _BOUND + _ENGLISH_NAMED + _END, re.IGNORECASE)
_ENGLISH_BOUND_OF_ANY_YEAR = re.compile(
    _START
    + rf"(?=since|after|until|before){_BOUND}(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)?)(?P<year>(?!))?(?![.,]\d|\s\d{{3}}(?!\d))"
    + _END,
    re.IGNORECASE,
)
_ONE_MONTH = re.compile(_START + rf"{_PART}{_BEFORE}(?P<month>{_MONTH})\s+(?P<year>{_A_YEAR})" + _END, re.IGNORECASE)
# Only after a small word, and only of two centuries: 2026 alone is a number, and of 1200 in 1200 nobody wrote a letter.
_ONE_YEAR = re.compile(
    _START
    + r"(?:(?:(?:au\s+cours\s+de|dans|pendant|durant|en|de)\s+)?(?:l['’])?ann[ée]e|(?:au\s+)?(?:d[ée]but|fin|mi|courant)"
    r"|au\s+cours\s+de|pendant|durant|en|(?:of\s+the|in\s+the)\s+year|in|during|early|late|mid)[\s-]+"
    rf"(?P<year>(?:19|20)\d\d|{said_numbers.YEAR_IN_LETTERS})" + _END,
    re.IGNORECASE,
)
_PART_OF_YEAR = re.compile(
    _START + rf"(?:(?:au|du|le|pendant\s+le|in|of)\s+)?(?:the\s+)?(?P<which>{_PLACE})\s+"
    r"(?:(?P<quarter>trimestre|quarter)|semestre|half)\s+(?:(?:de|of)\s+)?(?:l['’]ann[ée]e\s+)?"
    rf"(?P<year>{_A_YEAR})" + _END,
    re.IGNORECASE,
)
_PART_OF_DAY = r"(?:\s+(?:matin|midi|apr[èe]s[\s-]midi|soir|morning|noon|afternoon|evening))?"
_ONE_DAY_AGO = re.compile(
    _START
    + rf"(?P<of>d['’]|(?:of|from|in|on|during|within|over)\s+(?:the\s+)?)?{_SINCE}(?P<said>(?:avant[\s-])?hier{_PART_OF_DAY}|aujourd['’]hui|the\s+day\s+before\s+yesterday|yesterday{_PART_OF_DAY}|today"
    r"|ce\s+matin|cet(?:te)?\s+apr[èe]s[\s-]midi|this\s+(?:morning|afternoon))" + _END,
    re.IGNORECASE,
)
_WEEKDAY_AGO = re.compile(
    _START + rf"{_SINCE}(?:(?:le|de|du)\s+)?(?P<weekday>{_WEEKDAY})\s+{_AGO}" + _END, re.IGNORECASE
)
_SINCE_WEEKDAY = re.compile(_START + rf"(?P<since>depuis|since)\s+(?P<weekday>{_WEEKDAY})" + _END, re.IGNORECASE)
_WEEKDAY_OF_LETTERS = re.compile(
    _START
    + rf"(?:(?:le|de|du|of|on|from)\s+)?(?P<weekday>{_WEEKDAY}){_PART_OF_DAY}(?P<since>(?!))?"
    + rf"(?!,?\s+(?:\d|(?-i:[A-Z]))|,?\s+(?:d[eu]|saint|{_LATER}|next|{_MONTH})(?!\w)|\s+d['’])"
    + _END,
    re.IGNORECASE,
)
_ENGLISH_WEEKDAY_AGO = re.compile(_START + rf"{_OF}{_SINCE}last\s+(?P<weekday>{_WEEKDAY})" + _END, re.IGNORECASE)
# Without a year only behind a word of time: "l'avenue de mai" and "the March" may be subjects.
_MONTH_OF_ANY_YEAR = re.compile(
    _START
    + r"(?:(?:(?:(?:au\s+cours\s+)?du|au|(?:(?:pendant|durant|dans)\s+)?le|(?:(?:of|in|from|during)\s+)?the)\s+)?"
    + r"(?:mois\s+(?:de\s+|d['’])|month\s+of\s+)"
    + rf"|(?:en|au\s+cours\s+de|pendant|durant|in|during)\s+|{_SOME_OF})(?P<month>{_MONTH}){_NO_YEAR}"
    + _END,
    re.IGNORECASE,
)
# "Factures de novembre": a month behind a small word. Behind other words than those of letters, a month that is a name or a word too
# (*champ de mars*, *from June Smith*) stays a word.
_MONTH_OF = re.compile(
    _START + rf"(?:(?:de|of|from)\s+|d['’])(?P<month>(?!(?:{_ALSO_NAMES})(?!\w))(?:{_MONTH})){_NO_YEAR}" + _END,
    re.IGNORECASE,
)
_MONTH_OF_LETTERS = re.compile(
    _START + rf"(?:(?:de|of|from)\s+|d['’])(?P<month>{_ALSO_NAMES}){_NO_YEAR}" + _END, re.IGNORECASE
)
_UNIT_OF_LETTERS = re.compile(
    _START + r"(?:(?:de\s+la|of\s+the)\s+(?P<week>semaine|week)|(?:du|of\s+the)\s+(?P<month>mois|month)"
    r"|(?:du|of\s+the)\s+(?P<one_day>jour|day)|(?:de\s+l['’]ann[ée]e|of\s+the\s+year))(?:\s+en\s+cours)?(?P<since>(?!))?(?!\s*\w)"
    + _END,
    re.IGNORECASE,
)
_DATE = (
    rf"(?:(?:{_WEEKDAY})\s+)?(?:{_DAY})\s+(?:of\s+)?(?:{_MONTH})(?:,?\s+(?:{_A_YEAR}))?"
    rf"|(?:{_MONTH})(?:\s+\d{{1,2}}(?:st|nd|rd|th)?)?(?:,?\s+(?:{_A_YEAR}))?|\d{{1,2}}[/.-]\d{{1,2}}[/.-][12]\d{{3}}|{_WEEKDAY}|20\d\d"
)
_LIMIT = (
    r"d['’]ici\s+(?:(?:[àa]|au|la|les?|cette|ce|du|de|d[ée]but|fin|mi|milieu|courant|quelques|mois|ann[ée]e|trimestre|semestre"
    rf"|{_PLACE}|{said_numbers.COUNT})[\s-]+|[ld]['’]){{0,9}}"
    rf"(?:{_DATE}|(?:(?<=le\s)|(?<=au\s))\d{{1,2}}(?:/\d{{1,2}})?|(?:apr[èe]s-)?demain|soir|midi|jours?|semaines?|mois|ann[ée]es?|ans?|trimestres?|semestres?)"
    rf"(?:\s+(?:{_LATER}|{_AGO.replace('?P<before>', '?:')}))?"
)
# "Signed by May" and "by the March commission" are no limits.
_ENGLISH_LIMIT = (
    r"by\s+(?:(?:the\s+)?(?:end|middle|beginning|start)\s+of\s+(?:(?:the|this|next)\s+)?(?:month\s+of\s+)?"
    rf"(?:{_DATE}|week|month|quarter|year)|(?:early|mid|late)[\s-]+(?:{_DATE})|the\s+month\s+of\s+(?:{_DATE})"
    rf"|the\s+(?:{_DAY})\s+(?:of\s+)?(?:{_MONTH})(?:,?\s+(?:{_A_YEAR}))?"
    rf"|(?:this|next)\s+(?:week|month|quarter|year|{_WEEKDAY}|{_MONTH})|tomorrow|tonight"
    rf"|(?!(?:{_ALSO_NAMES})(?!\w)(?!\s+\d))(?:{_DATE}))"
)
_TO_COME = re.compile(
    _START
    + rf"{_LIMIT}|{_ENGLISH_LIMIT}"
    + r"|(?:(?:depuis|avant|apr[èe]s|since|until|before|after|en|de|du|la|le|in|of|from)\s+|d['’]|l['’]){0,5}"
    + rf"(?:(?:(?:{_DAY})\s+)?(?:{_MONTH}|{_WEEKDAY}|semaine|mois|ann[ée]e|an|trimestre|semestre)\s+{_LATER}"
    + rf"|(?:next|coming)\s+(?:{_MONTH}|{_WEEKDAY}|week|month|year|quarter)|(?:{_MONTH})\s+(?:of\s+)?next\s+year)"
    + _END,
    re.IGNORECASE,
)
_MONTHS_OF_ANY_YEAR = re.compile(
    _START
    + rf"(?:(?:entre|de|from|between)\s+|d['’])(?P<first_month>{_MONTH})\s+(?:[àa]|et|to|and)\s+(?P<month>{_MONTH}){_NO_YEAR}"
    + _END,
    re.IGNORECASE,
)
_LAST_ONE = re.compile(r"\b(?:derni[eè]re?|pass[ée]e?|last)\b", re.IGNORECASE)
_MONTH_AGO = re.compile(
    _START + rf"{_SINCE}(?:(?:en|de|in|du\s+mois\s+de)\s+|d['’])?(?P<month>{_MONTH})\s+{_AGO}" + _END, re.IGNORECASE
)
_ENGLISH_MONTH_AGO = re.compile(_START + rf"{_OF}{_SINCE}last\s+(?P<month>{_MONTH})" + _END, re.IGNORECASE)
_UNITS_AGO = re.compile(_START + rf"(?:d['’])?il\s+y\s+a\s+{_COUNTED}\s+{_UNITS}" + _END, re.IGNORECASE)
_ENGLISH_UNITS_AGO = re.compile(_START + rf"{_OF}{_COUNTED}\s+{_ENGLISH_UNITS}\s+ago" + _END, re.IGNORECASE)
_LAST_UNITS = re.compile(
    _START + rf"{_DURING}[cl]es\s+{_COUNTED}\s+derni(?:er|[èe]re)s\s+{_UNITS}" + _END, re.IGNORECASE
)
_ENGLISH_LAST_UNITS = re.compile(
    _START + rf"{_OF}(?:the\s+)?(?:last|past)\s+{_COUNTED}\s+{_ENGLISH_UNITS}" + _END, re.IGNORECASE
)
_PAST_UNIT = re.compile(
    _START + _OF + r"the\s+past\s+(?P<count>)(?:day|(?P<week>week)|(?P<month>month)|(?P<years>year))" + _END,
    re.IGNORECASE,
)
_FRENCH_PAST_UNIT = re.compile(
    _START
    + r"(?:(?:(?:au\s+cours|lors)\s+de|pendant|dans|durant|sur)\s+|au\s+cours\s+(?=du)|(?P<of>de\s+|(?=du\s)))?"
    + r"(?:la\s+derni[èe]re\s+(?:(?P<week>semaine)|(?P<years>ann[ée]e))|(?:le|du)\s+dernier\s+(?P<month>mois))(?P<count>)"
    + r"(?!\s+(?:d[eu]|des)(?!\w)|\s+d['’])"
    + _END,
    re.IGNORECASE,
)
_SINCE_UNITS = re.compile(_START + rf"depuis\s+{_COUNTED}\s+{_UNITS}" + _END, re.IGNORECASE)
_ENGLISH_SINCE_UNITS = re.compile(_START + rf"since\s+{_COUNTED}\s+{_ENGLISH_UNITS}" + _END, re.IGNORECASE)
_FEW_UNITS = re.compile(
    _START + rf"{_DURING}ces\s+(?:quelques\s+)?derni(?:er|[èe]re)s\s+{_UNITS}" + _END, re.IGNORECASE
)
_ENGLISH_FEW_UNITS = re.compile(
    _START
    + rf"{_OF}(?:(?:(?:the|these)\s+)?(?:last|past)\s+few|these\s+(?:last|past)|the\s+few\s+last)\s+{_ENGLISH_UNITS}"
    + _END,
    re.IGNORECASE,
)
_OF_LATE = re.compile(
    _START
    + rf"{_DURING}ces\s+derniers\s+temps|{_DURING}ces\s+jours-ci|(?:(?:d['’])?il\s+y\s+a\s+(?:quelques|peu\s+de)|depuis\s+quelques)\s+{_UNITS}|of\s+late"
    r"|(?:a\s+few|some)\s+(?:days|weeks|months|years)\s+ago" + _END,
    re.IGNORECASE,
)
"""A time without a number of days."""
_BEGUN = re.compile(
    _START + r"(?P<since>depuis\s+le\s+d[ée]but)\s+(?:de\s+(?:l['’]|cette\s+)ann[ée]e|d[ue]\s+(?:ce\s+)?(?P<month>mois)"
    r"|de\s+(?:la|cette)\s+(?P<week>semaine))" + _END,
    re.IGNORECASE,
)
_ENGLISH_BEGUN = re.compile(
    _START
    + r"(?P<since>since\s+the\s+(?:beginning|start))\s+of\s+(?:the|this)\s+(?:year|(?P<month>month)|(?P<week>week))"
    + _END,
    re.IGNORECASE,
)
_PRESENT = re.compile(
    _START + rf"{_SINCE}{_DURING}(?:cette\s+(?:(?P<week>semaine)|ann[ée]e)|ce\s+(?P<month>mois)(?:-ci)?)" + _END,
    re.IGNORECASE,
)
_PAST = re.compile(
    _START
    + rf"{_SINCE}{_DURING}(?:(?:la\s+)?(?P<week>semaine)|(?:l['’])?ann[ée]e|(?:(?:le|du)\s+)?(?P<month>mois)|(?:l['’])?an)\s+{_AGO}"
    + _END,
    re.IGNORECASE,
)
_ENGLISH_SPAN = re.compile(
    _START + rf"{_OF}{_SINCE}(?:(?P<before>last)|this)\s+(?:(?P<week>week)|(?P<month>month)|year)" + _END, re.IGNORECASE
)

_MAY_BE_OF_A_PERSON = (_SINCE_UNITS, _ENGLISH_SINCE_UNITS, _ONE_DAY_AGO, _SINCE_WEEKDAY)
"""Read only at the beginning and behind a word of letters."""
_READINGS: tuple[tuple["re.Pattern[str]", _Reading, bool], ...] = (
    (_SEVERAL, _several_days, True),
    (_ENGLISH_SEVERAL, _several_days, True),
    (_DIGIT_DAYS, _digit_days, False),
    (_SEVERAL_MONTHS, _several_months, True),
    (_SEVERAL_YEARS, _several_years, True),
    (_DIGIT_BOUND, _one_bound, False),
    (_DIGIT_DAY, _figure_day, True),
    (_DAY_BOUND, _one_bound, False),
    (_ENGLISH_BOUND, _one_bound, False),
    (_ENGLISH_BOUND_OF_ANY_YEAR, _one_bound, False),
    (_MONTH_BOUND, _one_bound, False),
    (_YEAR_BOUND, _one_bound, False),
    (_ONE_DAY, _one_day, True),
    (_ENGLISH_DAY, _one_day, True),
    (_ENGLISH_DAY_OF_ANY_YEAR, _one_day, True),
    (_ONE_MONTH, _one_month, True),
    (_MONTH_AGO, _month_ago, False),
    (_ENGLISH_MONTH_AGO, _month_ago, False),
    (_MONTHS_OF_ANY_YEAR, _last_such_months, False),
    (_MONTH_OF_ANY_YEAR, _last_such_month, False),
    (_MONTH_OF, _last_such_month, False),
    (_MONTH_OF_LETTERS, _month_of_letters, False),
    (_PART_OF_YEAR, _part_of_year, True),
    (_ONE_YEAR, _one_year, True),
    (_ONE_DAY_AGO, _one_day_ago, False),
    (_WEEKDAY_AGO, _weekday_ago, False),
    (_SINCE_WEEKDAY, _since_weekday, False),
    (_ENGLISH_WEEKDAY_AGO, _weekday_ago, False),
    (_WEEKDAY_OF_LETTERS, _weekday_of_letters, False),
    (_UNITS_AGO, _units_ago, False),
    (_ENGLISH_UNITS_AGO, _units_ago, False),
    (_LAST_UNITS, _last_units, False),
    (_ENGLISH_LAST_UNITS, _last_units, False),
    (_PAST_UNIT, _last_units, False),
    (_FRENCH_PAST_UNIT, _past_unit, False),
    (_SINCE_UNITS, _since_units, False),
    (_ENGLISH_SINCE_UNITS, _since_units, False),
    (_FEW_UNITS, _few_units, False),
    (_ENGLISH_FEW_UNITS, _few_units, False),
    (_BEGUN, _span, False),
    (_ENGLISH_BEGUN, _span, False),
    (_PRESENT, _span, False),
    (_UNIT_OF_LETTERS, _unit_of_letters, False),
    (_PAST, _span, False),
    (_ENGLISH_SPAN, _span, False),
)
"""Patterns, from the longest: what one has taken is not read by the next. The last value: whether a letter's text may name
the period in these words."""
