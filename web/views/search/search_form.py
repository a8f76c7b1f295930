"""Converts between a search and a URL; shared by the page, its filters, an export and a saved search."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from flask import request
from werkzeug.datastructures import MultiDict

from ged.ports import SearchQuery, SortOrder
from ged.search import said_days
from ged.search.letter_search import FACETS
from ged.search.said_days import SaidDays
from web.site import context
from web.site.forms import FormReader
from web.site.i18n import long_date
from web.site.pages import offset_of
from web.words.messages import gettext

PAGE = 20
MAX_OFFSET = 2_000
MAX_TEXT = 1_000
MAX_CHOSEN = 50
DATES, AS_WORDS, WITHOUT = "dates", "mots", "sans"
"""The argument by which days in the text are words like others, or left out."""
WORDS, ANY_WORD, ALL_WORDS = "mots", "un", "tous"
"""The argument by which a letter must hold all words, because the person asked for it. With its other value the page calls its filters and
files when it shows letters with one of the words, because none has enough of them. The address of the page does not have that value: the
page looks each time whether a letter has enough of them."""


def read_query(args: MultiDict[str, str]) -> tuple[SearchQuery, bool, tuple[str, ...]]:
    """(query, whether it is not empty, problems with invalid parts)."""
    fields = FormReader(MultiDict(args))
    text = args.get("q", "").strip()
    since, until = fields.day("du"), fields.day("au")
    filters = {name: tuple(args.getlist(name)[:MAX_CHOSEN]) for name in FACETS if args.getlist(name)}
    sort = fields.choice("tri", SortOrder) or (SortOrder.RELEVANCE if text else SortOrder.NEWEST)
    all_words = args.get(WORDS) == ALL_WORDS
    offset = offset_of(PAGE, most=MAX_OFFSET)
    query = SearchQuery(text, filters, since, until, sort, offset, PAGE, all_words=all_words)
    return query, bool(text or filters or since or until), _unreadable(args, {"du": since, "au": until})


def with_days(query: SearchQuery, args: MultiDict[str, str]) -> tuple[SearchQuery, SaidDays | None]:
    """The search with the period that its text says; as typed where the person took the period away."""
    query = replace(query, any_word=args.get(WORDS) == ANY_WORD)
    if args.get(DATES) == AS_WORDS:
        return query, None
    asked, said = said_days.asked(query, context.today())
    return (said_days.without(query, said), None) if said is not None and args.get(DATES) == WITHOUT else (asked, said)


def dates_decided(query: SearchQuery, args: MultiDict[str, str]) -> bool:
    """Whether the person has given days in the form, or said what the days in the text are."""
    return bool(query.since or query.until or args.get(DATES))


def days_for_good(query: SearchQuery, args: MultiDict[str, str]) -> tuple[SearchQuery, bool]:
    """The search to be saved, and whether days in its text are words: what the person took away stays away."""
    said = said_days.asked(query, context.today())[1]
    if said is None or args.get(DATES) not in (AS_WORDS, WITHOUT):
        return query, False
    return (query, True) if args.get(DATES) == AS_WORDS else (said_days.without(query, said), not said.rest)


def period_text(said: SaidDays) -> str:
    """A period for people: a day, the first and the last one, or the last one alone."""
    first, last = (long_date(day) for day in (said.dated.first, said.dated.last))
    if said.dated.first == said_days.EVER:
        return str(gettext("jusqu'au %(day)s", day=last))
    return str(first) if first == last else gettext("du %(first)s au %(last)s", first=first, last=last)


def _unreadable(args: MultiDict[str, str], days: Mapping[str, date | None]) -> tuple[str, ...]:
    return tuple(args[name] for name, day in days.items() if args.get(name) and day is None)


def address_of(query: SearchQuery) -> dict[str, str | list[str]]:
    """The URL arguments of the page that runs a query."""
    days = {"du": query.since, "au": query.until}
    return {
        "q": query.text,
        **{name: list(values) for name, values in query.filters.items()},
        **{name: day.isoformat() for name, day in days.items() if day is not None},
        "tri": query.sort.value,
        **({WORDS: ALL_WORDS} if query.all_words else {}),
    }


def given() -> dict[str, list[str]]:
    """What a person has chosen, of the arguments of this request's URL: neither the place in the list, nor what the page adds by itself."""
    grouped: dict[str, list[str]] = {}
    for key, value in request.args.items(multi=True):
        if key not in ("offset", "filtres", "format") and (key, value) != (WORDS, ANY_WORD):
            grouped.setdefault(key, []).append(value)
    return grouped
