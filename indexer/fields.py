"""The table of fields, from which come both engines' schemas, the translation of queries and the names people type.

To add a field: add a line to ``FIELDS``, set its value in ``record``, and raise ``SCHEMA_VERSION`` by one (the index is
then rebuilt, see ``ged index rebuild``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from enum import Enum

from ged.ports import Confidentiality, IndexDocument, Principal, Principals
from indexer import amounts, analysis, numbers, telephones

SCHEMA_VERSION = 10
MAX_KEYWORD = 200
"""The first characters of a correspondent, which are counted as its value."""


class Kind(Enum):
    """How a field is indexed.

    TEXT: stemmed, and exact beside it. NUMBER: whole, in parts, and from each part on (``number_ends``). KEYWORD: exact values, countable. INTEGER: integers,
    sortable, countable. DAY: an integer YYYYMMDD.
    """

    TEXT = "text"
    NUMBER = "number"
    KEYWORD = "keyword"
    INTEGER = "integer"
    DAY = "day"


@dataclass(frozen=True)
class Field:
    """A line of the table.

    Attributes:
        boost: weight of a match in this field.
        typed: names that people type before a colon, folded.
        facet: the public name of the field as a filter and a count.
    """

    name: str
    kind: Kind
    boost: float = 1.0
    typed: tuple[str, ...] = ()
    facet: str = ""


FIELDS: tuple[Field, ...] = (
    Field("mail_id", Kind.INTEGER),
    Field("version", Kind.INTEGER),
    Field("access", Kind.KEYWORD),
    Field("number", Kind.NUMBER, 4.0, ("n°", "nº", "no", "n", "num", "numero", "number")),
    Field("reference", Kind.NUMBER, 3.0, ("ref", "reference")),
    Field("subject", Kind.TEXT, 1.7, ("objet", "subject")),
    Field("sender", Kind.TEXT, 1.5, ("expediteur", "de", "sender", "from")),
    Field("addressee", Kind.TEXT, 1.5, ("destinataire", "a", "addressee", "to")),
    Field("text", Kind.TEXT, 1.25, ("texte", "text")),
    Field("amount", Kind.KEYWORD),
    Field("telephone", Kind.KEYWORD),
    Field("register", Kind.KEYWORD, facet="register"),
    Field("direction", Kind.KEYWORD, facet="direction"),
    Field("nature", Kind.KEYWORD, facet="nature"),
    Field("state", Kind.KEYWORD, facet="state"),
    Field("priority", Kind.KEYWORD, facet="priority"),
    Field("unit", Kind.KEYWORD, facet="unit"),
    Field("correspondent", Kind.KEYWORD, facet="correspondent"),
    Field("year", Kind.INTEGER, facet="year"),
    Field("month", Kind.KEYWORD, facet="month"),
    Field("registered_ms", Kind.INTEGER),
    Field("registered_day", Kind.DAY),
    Field("written_day", Kind.DAY),
    Field("received_day", Kind.DAY),
    Field("due_day", Kind.DAY),
)

BY_NAME: Mapping[str, Field] = {item.name: item for item in FIELDS}
FACETS: Mapping[str, Field] = {item.facet: item for item in FIELDS if item.facet}
TEXT_FIELDS: tuple[str, ...] = tuple(item.name for item in FIELDS if item.kind is Kind.TEXT)
SAID_TOGETHER: tuple[str, ...] = ("text", "sender", "addressee")
"""Where the words of a query are looked for in their order."""
NUMBER_FIELDS: tuple[str, ...] = tuple(item.name for item in FIELDS if item.kind is Kind.NUMBER)


AMOUNT_FIELDS: tuple[str, ...] = ("amount", *NUMBER_FIELDS)
"""Where a whole amount is looked for: what was typed may be a part of a number."""


def _query_names() -> dict[str, tuple[str, ...]]:
    names = {typed: (item.name,) for item in FIELDS for typed in item.typed}
    # people do not know whether a reference is ours or theirs
    return {typed: NUMBER_FIELDS if fields[0] in NUMBER_FIELDS else fields for typed, fields in names.items()}


QUERY_NAMES: Mapping[str, tuple[str, ...]] = _query_names()
DATED_FIELDS = ("registered_day", "written_day", "received_day")
"""The days of a letter that people mean by its date."""
SINCE_NAMES = ("du", "depuis", "since")
UNTIL_NAMES = ("au", "jusqu", "until")
SPACED_NAMES = ("objet", "subject", "expéditeur", "expediteur", "destinataire", "réf", "ref", "n°", "nº", "du", "au")
"""Names that people type with a blank behind the colon (``Objet : marché``)."""


BESIDE = "beside"
"""A field of both engines that is no line of the table: words that one of two readers read on a page, and that are not in
its text. They are stemmed and nothing else, are searched with the plain words of a query, and rank low."""


@dataclass(frozen=True)
class Record:
    """A letter ready for an engine: cleaned texts, normalised numbers, exact values.

    Attributes:
        texts: texts by field, without ``text``, which is in ``pages``.
        numbers: numbers as written by field.
        keywords, integers: values by field.
        pages: ``(attachment_id, page_no, text)``.
        beside: the texts of ``BESIDE``.
    """

    mail_id: int
    version: int
    texts: Mapping[str, str]
    numbers: Mapping[str, tuple[str, ...]]
    keywords: Mapping[str, tuple[str, ...]]
    integers: Mapping[str, int]
    pages: tuple[tuple[int, int, str], ...] = field(default=())
    beside: tuple[str, ...] = ()


def read_access(terms: Iterable[str]) -> tuple[Confidentiality, frozenset[Principal]]:
    """Level and principals of a letter from its access terms; without terms: the ordinary level, and nobody."""
    pairs = [term.partition(":") for term in terms]
    level = max((int(level) for level, _, _ in pairs), default=0)
    return Confidentiality(level), frozenset(Principal(principal) for _, _, principal in pairs)


def access_terms(principals: Principals) -> list[str]:
    """The terms of the filter that every query carries: one term for each pair of level and principal."""
    return sorted(f"{int(level)}:{principal}" for level in Confidentiality for principal in principals.at(level))


def day_number(day: date) -> int:
    """A day as YYYYMMDD, so that both engines compare days without a time zone."""
    return day.year * 10_000 + day.month * 100 + day.day


def record(document: IndexDocument, *, zone: tzinfo = UTC) -> Record:
    """The record that an engine stores; of a SECRET letter always only numbers, dates and principals."""
    secret = document.level is Confidentiality.SECRET
    return Record(
        mail_id=document.mail_id,
        version=document.version,
        texts={} if secret else _texts(document),
        numbers={
            "number": tuple(map(analysis.clean, document.numbers)),
            "reference": () if secret else _one(analysis.clean(document.their_reference)),
        },
        keywords=_keywords(document, zone, secret=secret),
        integers=_integers(document, zone),
        pages=()
        if secret
        else tuple((page.attachment_id, page.page_no, analysis.clean(page.text)) for page in document.pages),
        beside=() if secret else tuple(analysis.clean(page.beside) for page in document.pages if page.beside),
    )


def _texts(document: IndexDocument) -> dict[str, str]:
    pairs = {"subject": document.subject, "sender": document.sender, "addressee": document.addressee}
    return {name: analysis.clean(text) for name, text in pairs.items() if text}


def _keywords(document: IndexDocument, zone: tzinfo, *, secret: bool) -> dict[str, tuple[str, ...]]:
    level = int(document.level)
    local = document.registered_at.astimezone(zone)
    found: dict[str, tuple[str, ...]] = {
        "access": tuple(sorted(f"{level}:{principal}" for principal in document.principals)),
        "register": document.registers,
        "direction": _one(document.direction),
        "month": (f"{local.year:04}-{local.month:02}",),
    }
    if not secret:
        texts = [*map(analysis.clean, (document.subject, *(page.text for page in document.pages)))]
        named = map(analysis.clean, (document.sender, document.addressee))
        found |= {
            "amount": amounts.held(texts),
            "telephone": telephones.held((*texts, *named)),
            "nature": _one(document.nature),
            "state": _one(document.state),
            "priority": _one(document.priority),
            "unit": document.units,
            "correspondent": _one(_correspondent(document)),
        }
    return found


def _correspondent(document: IndexDocument) -> str:
    """The outside correspondent: the sender of an incoming letter, the addressee of an outgoing letter."""
    named = {"incoming": document.sender, "outgoing": document.addressee}.get(document.direction, "")
    return " ".join(analysis.clean(named).split())[:MAX_KEYWORD]


def _integers(document: IndexDocument, zone: tzinfo) -> dict[str, int]:
    local = document.registered_at.astimezone(zone)
    days = {"written_day": document.written_on, "received_day": document.received_on, "due_day": document.due_on}
    return {
        "year": local.year,
        "registered_ms": milliseconds(document.registered_at),
        "registered_day": day_number(local.date()),
        **{name: day_number(day) for name, day in days.items() if day is not None},
    }


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware time."""
    return round(moment.timestamp() * 1000)


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def number_forms(values: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """``(whole, parts)`` of each value that contains a number."""
    parted = map(numbers.parts, values)
    return [("/".join(parts), parts) for parts in parted if parts]


def number_ends(values: tuple[str, ...]) -> list[str]:
    """Each number from each of its parts on: a part of a number that somebody begins to type is the beginning of one of these."""
    parted = map(numbers.parts, values)
    return list(dict.fromkeys("/".join(parts[at:]) for parts in parted for at in range(len(parts))))
