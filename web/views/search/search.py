"""Searching letters: one field, filters with their counts, highlighted passages that lead to their page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from enum import Enum

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, format_date

from ged.errors import EngineFailed
from ged.ports import Confidentiality, MailId, NotTogether, Passage, SearchQuery, SortOrder, Suggestion, SuggestionKind
from ged.register.models import Direction, Priority
from ged.register.numbering import number_key
from ged.register.states import MailState
from ged.register.typed_numbers import may_be_one
from ged.search import export as search_export
from ged.search import letter_search
from ged.search.letter_search import SHOWN_APART, FacetValue, FoundLetter, SearchPage
from ged.search.said_days import SaidDays, not_a_day, not_read
from ged.slips import queries as slip_queries
from ged.typography import plain
from web.site import context, destroyed_letters, lists, marks, natures
from web.site.i18n import long_date
from web.site.pages import past_the_end
from web.views.search.search_form import (
    ALL_WORDS,
    ANY_WORD,
    AS_WORDS,
    DATES,
    MAX_OFFSET,
    MAX_TEXT,
    PAGE,
    WITHOUT,
    WORDS,
    dates_decided,
    given,
    period_text,
    read_query,
    with_days,
)
from web.words import labels
from web.words.figure_pages import shortened
from web.words.messages import gettext, ngettext
from web.words.messages import lazy_gettext as _l

blueprint = Blueprint("search", __name__, url_prefix="/recherche")

MAX_VALUES = 12
"""Largest number of values shown for a filter; chosen values are always shown."""

IN_TIME = ("year", "month")
"""Filters whose values are sorted by time, the newest first; others are sorted by their counts."""

FACETS: Mapping[str, LazyString] = {
    "state": _l("État"),
    "direction": _l("Sens"),
    "register": _l("Registre"),
    "year": _l("Année"),
    "month": _l("Mois"),
    "unit": _l("Service"),
    "correspondent": _l("Correspondant"),
    "priority": _l("Priorité"),
    "nature": _l("Nature"),
}
MEMBERS: Mapping[str, type[Enum]] = {"state": MailState, "direction": Direction, "priority": Priority}
NOTICES: Mapping[str, LazyString] = {
    "query.as_words": _l(
        "La recherche n'a pas pu être comprise telle quelle (un guillemet ouvert, un OU sans mot à côté, une date qui "
        "n'existe pas) : elle porte sur les mots."
    ),
    "query.no_word": _l(
        "La recherche ne contient ni mot ni numéro : tous les courriers que vous pouvez lire sont montrés."
    ),
    "query.shortened": _l(
        "La recherche est trop longue (plus de 48 mots différents, ou de 10 000 caractères) : elle porte sur les 32 mots les plus longs, et "
        "les autres sont laissés de côté. D'un texte collé, le champ garde les 1 000 premiers caractères."
    ),
    "search.without_index": _l(
        "La recherche dans le texte est momentanément indisponible : elle porte sur les numéros, les objets et les "
        "expéditeurs."
    ),
    "search.being_rebuilt": _l(
        "L'index de recherche est en cours de reconstruction après une mise à jour du programme : en attendant, la recherche porte sur les "
        "numéros, les objets et les expéditeurs."
    ),
}
KINDS: Mapping[SuggestionKind, LazyString] = {
    SuggestionKind.CORRESPONDENT: _l("correspondant"),
    SuggestionKind.SUBJECT: _l("objet"),
    SuggestionKind.NUMBER: _l("numéro"),
}
HEADINGS: tuple[LazyString, ...] = (
    _l("Numéro"), _l("Enregistré le"), _l("Sens"), _l("Objet"), _l("Correspondant"), _l("État"), _l("Priorité"),
    _l("Confidentialité"), _l("Échéance"),
)  # fmt: skip
SORTS: Mapping[SortOrder, LazyString] = {
    SortOrder.RELEVANCE: _l("Les plus pertinents"),
    SortOrder.NEWEST: _l("Les plus récents"),
    SortOrder.OLDEST: _l("Les plus anciens"),
}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The page: hits first; the counts of the filters follow (by htmx, or by a link)."""
    query, is_asked, problems = read_query(request.args)
    services, actor = context.services(), context.actor()
    if not is_asked:
        with services.reading() as session:
            reads_none = letter_search.reads_no_letter(session, actor)
        return render_template("search/index.html", query=query, page=None, reads_none=reads_none, **_frame(problems))
    asked, said = with_days(query, request.args)
    with services.reading() as session:
        page, asked, is_of_no_day = letter_search.search_said(services, session, actor, query, asked, said)
        elsewhere = past_the_end(query.offset, PAGE, page.total)
        if elsewhere is not None:
            return elsewhere
        first = query.offset == 0 and bool(query.text)
        letters, envelopes = letter_search.exact_number(session, actor, query.text) if first else ([], [])
        slips = slip_queries.with_number(session, query.text, actor, limit=SHOWN_APART) if first else []
        if first and not envelopes and _is_only_a_number(query):
            meant = letters or _with_reference(page, query.text)
            if len(meant) == 1 and not slips:
                return redirect(url_for("letters.show", mail_id=meant[0].mail_id))
            if len(slips) == 1 and not meant:
                return redirect(url_for("slips.show", slip_id=slips[0].id))
        counted = _counted(session, asked) if "filtres" in request.args else None
        reads_none = not page.letters and letter_search.reads_no_letter(session, actor)
    # A letter that already stands on top is not shown twice.
    exact = [one for one in letters if one.mail_id not in [hit.mail_id for hit in page.letters[:1]]]
    if asked.dated is not None and said is not None and page.did_you_mean:
        page = replace(page, did_you_mean=f"{page.did_you_mean} {said.words}")
    return render_template(
        "search/index.html",
        query=query,
        page=page,
        exact=exact,
        envelopes=envelopes,
        slips=slips,
        reads_none=reads_none,
        counted=counted,
        said=said,
        is_of_no_day=is_of_no_day,
        no_day=not_a_day(query.text) if said is None else "",
        not_read=None if dates_decided(query, request.args) else not_read(query.text, context.today()),
        said_text=period_text(said) if said is not None else "",
        day_of=lambda letter: _day_of(letter, asked),
        is_ahead=_begins(asked, said) > context.today(),
        # Of a number typed whole, SQL may have found the letter before the index has it.
        apart_text=_apart_text(page, asked) if page.letters or not (exact or envelopes or slips or reads_none) else "",
        all_words_url=_all_words_url(page, query),
        lacking_text=_lacking_text,
        **_frame(problems, dates=WITHOUT if is_of_no_day else "", any_word=asked.any_word),
    )


def _begins(asked: SearchQuery, said: SaidDays | None) -> date:
    """The first day of the period that is searched; without one, the first of the calendar."""
    return said.dated.first if said is not None else asked.since or date.min


def _day_of(letter: FoundLetter, asked: SearchQuery) -> str:
    """The day by which a letter is of the period that is searched, where it is not the day of its registration."""
    if asked.dated is None:
        return ""
    first, last, registered = asked.dated.first, asked.dated.last, letter.registered_on
    received, written = letter.received_on, letter.written_on
    if registered is not None and first <= registered <= last:
        return ""
    if received is not None and first <= received <= last:
        return str(gettext("reçu le %(day)s", day=long_date(received)))
    if written is not None and first <= written <= last:
        return str(gettext("daté du %(day)s", day=long_date(written)))
    return ""


def _apart_text(page: SearchPage, asked: SearchQuery) -> str:
    """Why letters with a part of the words are shown, or none. Told of the letters that the person may read, and of no other."""
    apart = page.not_together
    if apart is None:
        return ""
    words, nowhere = (
        ", ".join(gettext("« %(word)s »", word=shortened(word)) for word in some)
        for some in (apart.words, apart.nowhere)
    )
    if asked.filters or asked.since or asked.until or asked.dated:
        among = gettext("Parmi les courriers que vous pouvez lire, avec ces filtres et ces dates :")
    else:
        among = gettext("Parmi les courriers que vous pouvez lire :")
    said = _why_part(apart, words, nowhere) if page.letters else _why_none(apart, words, nowhere)
    return f"{among} {said}"


def _lacking_text(lacking: Sequence[str]) -> str:
    """The words that a letter lacks, for people."""
    words = ", ".join(gettext("« %(word)s »", word=shortened(word)) for word in lacking)
    return str(
        ngettext("Absent de ce courrier : %(words)s", "Absents de ce courrier : %(words)s", len(lacking), words=words)
    )


def _all_words_url(page: SearchPage, query: SearchQuery) -> str:
    """The URL of the search for letters that have all words; empty if no letter of the page lacks one."""
    lacks = not query.all_words and any(letter.lacking for letter in page.letters)
    return _url("search.index", given() | {WORDS: [ALL_WORDS]}) if lacks else ""


def _why_none(apart: NotTogether, words: str, nowhere: str) -> str:
    if nowhere:
        return str(
            ngettext(
                "%(nowhere)s ne se trouve dans aucun.",
                "%(nowhere)s ne se trouvent dans aucun.",
                len(apart.nowhere),
                nowhere=nowhere,
            )
        )
    return str(gettext("aucun ne contient tous ces mots ensemble (%(words)s).", words=words))


def _why_part(apart: NotTogether, words: str, nowhere: str) -> str:
    if len(apart.nowhere) == len(apart.words):
        said = ngettext(
            "aucun ne contient %(words)s. Voici ceux qui contiennent un mot proche.",
            "aucun ne contient %(words)s. Voici ceux qui contiennent des mots proches.",
            len(apart.words),
            words=words,
        )
    elif nowhere:
        said = ngettext(
            "aucun ne contient tous ces mots, et %(nowhere)s ne se trouve dans aucun. Voici ceux qui en contiennent une partie.",
            "aucun ne contient tous ces mots, et %(nowhere)s ne se trouvent dans aucun. Voici ceux qui en contiennent une partie.",
            len(apart.nowhere),
            nowhere=nowhere,
        )
    else:
        said = gettext(
            "aucun ne contient tous ces mots ensemble (%(words)s). Voici ceux qui en contiennent une partie.",
            words=words,
        )
    return str(said)


def _with_reference(page: SearchPage, typed: str) -> list[FoundLetter]:
    """The letters found whose sender's reference is the typed text, whole."""
    key = number_key(typed)
    return [one for one in page.letters if any(_tells(passage, key) for passage in one.passages)]


def _tells(passage: Passage, key: str) -> bool:
    return passage.field == "reference" and number_key("".join(text for text, _marked in passage.pieces)) == key


def _is_only_a_number(query: SearchQuery) -> bool:
    """Whether the text is a whole number and nothing else was asked. In quotes it is searched as a text."""
    return (
        may_be_one(query.text)
        and "/" in number_key(query.text)
        and '"' not in query.text
        and not query.filters
        and not (query.since or query.until)
    )


@blueprint.get("/filtres")
def facets() -> ResponseReturnValue:
    """The filters' counts, requested after the hits."""
    query, _is_asked, _problems = read_query(request.args)
    with context.services().reading() as session:
        counted = _counted(session, with_days(query, request.args)[0])
    return render_template("search/_facets.html", query=query, counted=counted, **_frame(()))


def _counted(session: object, query: SearchQuery) -> list[tuple[str, str, list[FacetValue]]] | None:
    """(name, French name, values with labels) of each filter with values; None when they cannot be counted now."""
    try:
        found = letter_search.facets(context.services(), session, context.actor(), query)  # type: ignore[arg-type]
    except EngineFailed:
        return None
    shown = []
    for name, title in FACETS.items():
        values = [FacetValue(one.value, _label(name, one), one.count) for one in found.get(name, ())]
        chosen = query.filters.get(name, ())
        kept = [one for n, one in enumerate(values) if n < MAX_VALUES or one.value in chosen]
        if name in IN_TIME:
            kept.sort(key=lambda one: one.value, reverse=True)
        if kept:
            shown.append((name, str(title), kept))
    return shown


def _label(name: str, value: FacetValue) -> str:
    if name in MEMBERS:
        member = next((one for one in MEMBERS[name] if one.value == value.value), None)
        return labels.label(member) if member is not None else value.value
    if name == "nature":
        return natures.name_of(value.value)
    if name == "month":
        return _month(value.value)
    return value.label or value.value


def _month(value: str) -> str:
    year, _dash, month = value.partition("-")
    if not (
        year.isascii()
        and month.isascii()
        and year.isdigit()
        and month.isdigit()
        and 1 <= int(month) <= 12
        and 1 <= int(year) <= 9999
    ):
        return value
    return str(format_date(date(int(year), int(month), 1), "MMMM yyyy"))


def _name_of(name: str, value: str) -> str:
    """A chosen value's text for people; codes of units and registers are shown as they are."""
    return _label(name, FacetValue(value, "", 0))


def words_of(query: SearchQuery) -> list[str]:
    """The query's filters and days as texts for people."""
    chosen = [
        gettext("%(name)s : %(text)s", name=FACETS[name], text=_name_of(name, value))
        for name, values in query.filters.items()
        for value in values
    ]
    days = [(gettext("depuis le"), query.since), (gettext("jusqu'au"), query.until)]
    chosen += [f"{word} {day.strftime('%d/%m/%Y')}" for word, day in days if day is not None]
    return [*chosen, gettext("tous les mots")] if query.all_words else chosen


def _frame(problems: tuple[str, ...], *, dates: str = "", any_word: bool = False) -> dict[str, object]:
    asked = given() | ({DATES: [dates]} if dates else {})
    as_shown = asked | ({WORDS: [ANY_WORD]} if any_word else {})
    return {
        "problems": problems,
        "notices": NOTICES,
        "sorts": [(order.value, text) for order, text in SORTS.items()],
        "facets_url": _url("search.facets", as_shown),
        "filters_url": _url("search.index", {**asked, "filtres": ["1"]}),
        "csv_url": _url("search.export", {**as_shown, "format": ["csv"]}),
        "ods_url": _url("search.export", {**as_shown, "format": ["ods"]}),
        "export_limit": search_export.MAX_ROWS,
        "clear_url": _url("search.index", {name: asked[name] for name in ("q", WORDS) if name in asked}),
        "facet_names": FACETS,
        "dates": next(iter(asked.get(DATES, ())), ""),
        "as_words_url": _url("search.index", asked | {DATES: [AS_WORDS]}),
        "limit": PAGE,
        "reach": MAX_OFFSET + PAGE,
        "value_label": _name_of,
        "marked_words": marks.of_passage,
        "is_embedded": _is_embedded(),
        "asked": [(name, value) for name, values in asked.items() for value in values],
        "meant_url": lambda text: _url("search.index", {**asked, "q": [text]}),
        "without": lambda name, value: _url("search.index", _without(asked, name, value)),
    }


def _url(endpoint: str, asked: Mapping[str, Iterable[str]]) -> str:
    return url_for(endpoint, **{name: list(values) for name, values in asked.items()})  # type: ignore[arg-type]


def _without(asked: Mapping[str, list[str]], name: str, value: str) -> dict[str, list[str]]:
    """This search without one chosen value."""
    return {key: [one for one in values if (key, one) != (name, value)] for key, values in asked.items()}


def _is_embedded() -> bool:
    return not context.settings().elasticsearch_url


# --- while one types, letters alike, lists ------------------------------------------------------------------------


@blueprint.get("/suggestions")
def suggest() -> ResponseReturnValue:
    """Correspondents, subjects and numbers that complete the typed text: options of a list, perhaps none."""
    services, text = context.services(), request.args.get("q", "")[:MAX_TEXT].strip()
    with services.reading() as session:
        found = letter_search.suggest(services, session, context.actor(), text) if len(text) > 1 else []
    return render_template("search/_suggestions.html", rows=[(one, KINDS[one.kind], _typed(one)) for one in found])


def _typed(one: Suggestion) -> str:
    """The text that a chosen suggestion puts into the field: a number as it is, other values as a phrase."""
    if one.kind is SuggestionKind.NUMBER:
        return one.text
    field = "objet" if one.kind is SuggestionKind.SUBJECT else "expéditeur"
    phrase = " ".join(one.text.replace('"', " ").split())
    return f'{field}:"{phrase}"' if field == "objet" else f'"{phrase}"'


@blueprint.get("/semblables/<int:mail_id>")
def similar(mail_id: int) -> ResponseReturnValue:
    """Letters similar to a letter, requested once its page is shown."""
    services = context.services()
    with services.reading() as session:
        try:
            letters = letter_search.similar(services, session, context.actor(), MailId(mail_id))
        except EngineFailed:
            return render_template("search/_similar.html", letters=None)
    return render_template("search/_similar.html", letters=letters)


@blueprint.get("/liste")
def export() -> ResponseReturnValue:
    """The result of a search as CSV or ODS; the journal records the restricted letters in it."""
    query, is_asked, _problems = read_query(request.args)
    services, actor = context.services(), context.actor()
    letters: list[FoundLetter] = []
    is_cut = False
    if is_asked:
        with services.reading() as session:
            letters, is_cut = search_export.rows(services, session, actor, with_days(query, request.args)[0])
    kind = "ods" if request.args.get("format") == "ods" else "csv"
    if any(letter.level >= Confidentiality.RESTRICTED for letter in letters):
        with services.unit_of_work(context.now()) as uow:
            search_export.record(uow, letters, form=f"list_{kind}", actor=actor)
    return _file(kind, letters, is_cut=is_cut)


def _file(kind: str, letters: Iterable[FoundLetter], *, is_cut: bool) -> Response:
    # A list is read by machines too: its words are typed as a keyboard has them.
    rows: list[tuple[lists.Cell, ...]] = [
        tuple(plain(str(heading)) for heading in HEADINGS),
        *map(_list_cells, letters),
    ]
    if is_cut:
        rows.append((plain(gettext("Liste limitée aux %(num)s premiers courriers.", num=search_export.MAX_ROWS)),))
    content = lists.as_ods(rows, name=gettext("Courriers")) if kind == "ods" else lists.as_csv(rows)
    sent = Response(content, content_type=lists.ODS_TYPE if kind == "ods" else lists.CSV_TYPE)
    name = f"courriers-{context.today().isoformat()}.{kind}"
    sent.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return sent


def _list_cells(letter: FoundLetter) -> tuple[lists.Cell, ...]:
    return (
        letter.number,
        lists.day(letter.registered_on),
        plain(labels.label(letter.direction)),
        letter.subject,
        letter.correspondent,
        plain(
            destroyed_letters.words(letter.destroyed) if letter.destroyed is not None else labels.label(letter.state)
        ),
        plain(labels.label(letter.priority)),
        plain(labels.label(letter.level)),
        lists.day(letter.due_on),
    )
