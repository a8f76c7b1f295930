"""Searching letters: one field, filters with their counts, highlighted passages that lead to their page."""

from collections.abc import Mapping
from datetime import date
from enum import Enum

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from ged.errors import EngineFailed
from ged.ports import SearchQuery, SortOrder
from ged.registry import search
from ged.registry.models import Direction, Priority
from ged.registry.search import FacetValue
from ged.registry.states import MailState
from web import context, labels
from web.forms import FormReader

blueprint = Blueprint("search", __name__, url_prefix="/recherche")

PAGE = 20
MAX_OFFSET = 2_000
MAX_VALUES = 12
"""Values of a filter that are shown; chosen ones always are."""

FACETS: Mapping[str, LazyString] = {
    "state": _l("État"),
    "direction": _l("Sens"),
    "register": _l("Registre"),
    "year": _l("Année"),
    "unit": _l("Unité"),
    "priority": _l("Priorité"),
    "nature": _l("Nature"),
}
MEMBERS: Mapping[str, type[Enum]] = {"state": MailState, "direction": Direction, "priority": Priority}
NOTICES: Mapping[str, LazyString] = {
    "query.as_words": _l(
        "La recherche n'a pas pu être comprise telle quelle (un guillemet ouvert, un OU sans mot à côté, une date qui "
        "n'existe pas) : elle porte sur les mots."
    ),
    "query.shortened": _l("La recherche est trop longue : seul son début est pris en compte."),
    "search.without_index": _l(
        "La recherche dans le texte est momentanément indisponible : elle porte sur les numéros, les objets et les "
        "expéditeurs."
    ),
}
SORTS: Mapping[SortOrder, LazyString] = {
    SortOrder.RELEVANCE: _l("Les plus pertinents"),
    SortOrder.NEWEST: _l("Les plus récents"),
    SortOrder.OLDEST: _l("Les plus anciens"),
}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The page: hits first; the counts of the filters follow (by htmx, or by a link)."""
    query, is_asked, problems = _query()
    if not is_asked:
        return render_template("search/index.html", query=query, page=None, **_frame(query, problems))
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        page = search.search_letters(services, session, actor, query)
        first = query.offset == 0 and bool(query.text)
        letters, envelopes = search.exact_number(session, actor, query.text) if first else ([], [])
        counted = _counted(session, query) if "filtres" in request.args else None
    # A letter that already stands on top is not shown twice.
    exact = [one for one in letters if one.mail_id not in [hit.mail_id for hit in page.letters[:1]]]
    return render_template(
        "search/index.html",
        query=query,
        page=page,
        exact=exact,
        envelopes=envelopes,
        counted=counted,
        **_frame(query, problems),
    )


@blueprint.get("/filtres")
def facets() -> ResponseReturnValue:
    """The filters' counts, asked for after the hits."""
    query, _is_asked, _problems = _query()
    with context.services().reading() as session:
        counted = _counted(session, query)
    return render_template("search/_facets.html", query=query, counted=counted, **_frame(query, ()))


def _counted(session: object, query: SearchQuery) -> list[tuple[str, str, list[FacetValue]]] | None:
    """(name, French name, values with labels) of each filter that has any; None when they cannot be counted now."""
    try:
        found = search.facets(context.services(), session, context.actor(), query)  # type: ignore[arg-type]
    except EngineFailed:
        return None
    shown = []
    for name, title in FACETS.items():
        values = [FacetValue(one.value, _label(name, one), one.count) for one in found.get(name, ())]
        chosen = query.filters.get(name, ())
        kept = [one for n, one in enumerate(values) if n < MAX_VALUES or one.value in chosen]
        if kept:
            shown.append((name, str(title), kept))
    return shown


def _label(name: str, value: FacetValue) -> str:
    if name in MEMBERS:
        member = next((one for one in MEMBERS[name] if one.value == value.value), None)
        return labels.label(member) if member is not None else value.value
    if name == "nature":
        return str(labels.NATURES.get(value.value, value.value))
    return value.label or value.value


def _name_of(name: str, value: str) -> str:
    """A chosen value as people read it; codes of units and registers are known to those who use them."""
    return _label(name, FacetValue(value, "", 0))


def _query() -> tuple[SearchQuery, bool, tuple[str, ...]]:
    """The query of the address, whether anything was asked, and what of it could not be read."""
    fields = FormReader(MultiDict(request.args))
    text = request.args.get("q", "").strip()
    since, until = fields.day("du"), fields.day("au")
    problems = _unreadable({"du": since, "au": until})
    filters = {name: tuple(request.args.getlist(name)) for name in FACETS if request.args.getlist(name)}
    sort = fields.choice("tri", SortOrder) or (SortOrder.RELEVANCE if text else SortOrder.NEWEST)
    offset = min(max(request.args.get("offset", 0, type=int), 0), MAX_OFFSET)
    query = SearchQuery(text, filters, since, until, sort, offset, PAGE)
    return query, bool(text or filters or since or until), problems


def _unreadable(days: Mapping[str, date | None]) -> tuple[str, ...]:
    return tuple(request.args[name] for name, day in days.items() if request.args.get(name) and day is None)


def _frame(query: SearchQuery, problems: tuple[str, ...]) -> dict[str, object]:
    given = [(key, value) for key, value in request.args.items(multi=True) if key not in ("offset", "filtres")]
    grouped: dict[str, list[str]] = {}
    for key, value in given:
        grouped.setdefault(key, []).append(value)
    return {
        "problems": problems,
        "notices": NOTICES,
        "sorts": [(order.value, text) for order, text in SORTS.items()],
        "facets_url": url_for("search.facets", **grouped),  # type: ignore[arg-type]  # Flask's own hints
        "filters_url": url_for("search.index", **grouped, filtres=1),  # type: ignore[arg-type]
        "clear_url": url_for("search.index", q=query.text),
        "facet_names": FACETS,
        "limit": PAGE,
        "value_label": _name_of,
        "without": lambda name, value: _without(given, name, value),
    }


def _without(given: list[tuple[str, str]], name: str, value: str) -> str:
    """This search without one chosen value."""
    grouped: dict[str, list[str]] = {}
    for key, one in given:
        if (key, one) != (name, value):
            grouped.setdefault(key, []).append(one)
    return url_for("search.index", **grouped)  # type: ignore[arg-type]
