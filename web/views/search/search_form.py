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
from web.site.numbers import whole

PAGE = 20
MAX_OFFSET = 2_000
MAX_TEXT = 1_000
MAX_CHOSEN = 50
DATES, AS_WORDS, WITHOUT = "dates", "mots", "sans"
"""The argument by which days in the text are words like others, or left out."""


def read_query(args: MultiDict[str, str]) -> tuple[SearchQuery, bool, tuple[str, ...]]:
    """(query, whether it is not empty, problems with invalid parts)."""
    fields = FormReader(MultiDict(args))
    text = args.get("q", "").strip()
    since, until = fields.day("du"), fields.day("au")
    filters = {name: tuple(args.getlist(name)[:MAX_CHOSEN]) for name in FACETS if args.getlist(name)}
    sort = fields.choice("tri", SortOrder) or (SortOrder.RELEVANCE if text else SortOrder.NEWEST)
    offset = min(max(args.get("offset", 0, type=whole), 0), MAX_OFFSET)
    query = SearchQuery(text, filters, since, until, sort, offset, PAGE)
    return query, bool(text or filters or since or until), _unreadable(args, {"du": since, "au": until})


def with_days(query: SearchQuery, args: MultiDict[str, str]) -> tuple[SearchQuery, SaidDays | None]:
    """The search with the period that its text says; as typed where the person took the period away."""
    if args.get(DATES) == AS_WORDS:
        return query, None
    asked, said = said_days.asked(query, context.today())
    return (without_days(query, said), None) if said is not None and args.get(DATES) == WITHOUT else (asked, said)


def without_days(query: SearchQuery, said: SaidDays) -> SearchQuery:
    """The search of the other words of its text, whatever the day; as typed where there are no others."""
    return replace(query, text=said.rest or query.text)


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
    }


def given() -> dict[str, list[str]]:
    """The search arguments of this request's URL, without the place in the list."""
    grouped: dict[str, list[str]] = {}
    for key, value in request.args.items(multi=True):
        if key not in ("offset", "filtres", "format"):
            grouped.setdefault(key, []).append(value)
    return grouped
