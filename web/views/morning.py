"""The morning's point: what is pending for the reader, who must act, and one click to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.morning import queries
from ged.morning.base import Kind, Line, Part
from ged.morning.ending import OWN
from ged.morning.words import counted
from ged.ports import Confidentiality
from web.site import context, guard, unknown_filters
from web.words import morning as words
from web.words.languages import language
from web.words.translations import translations

blueprint = Blueprint("morning", __name__, url_prefix="/matin")

TO_TRANSMIT = "to_transmit.index"

PLACES: Mapping[Kind, tuple[str, str]] = {
    Kind.UNREAD: ("letters.show", "mail_id"),
    Kind.LATE: ("letters.show", "mail_id"),
    Kind.UNDECIDED: ("letters.show", "mail_id"),
    Kind.EMPTY_POSTS: ("letters.show", "mail_id"),
    Kind.TO_DISPATCH: ("dispatch.show", "mail_id"),
    Kind.SLIPS: ("slips.show", "slip_id"),
    Kind.DISCREPANCIES: ("slips.show", "slip_id"),
    Kind.LOANS: ("slips.show", "slip_id"),
    Kind.PAPERS: ("letters.show", "mail_id"),
    Kind.NO_SCAN: ("letters.show", "mail_id"),
    Kind.SCANS: ("scans.show", "scan_id"),
    Kind.DAYS: ("registers.closings", "register_id"),
    Kind.DELEGATIONS: ("delegations.index", ""),
    Kind.CERTIFICATES: ("checks.index", ""),
    Kind.TIMESTAMPS: ("preservations.index", ""),
    Kind.JOBS: ("admin.jobs", ""),
    Kind.MAILS: ("post.index", ""),
    Kind.DESKS: ("scans.desks", ""),
}
"""Kind -> endpoint and argument's name of a line's page; empty argument: the page takes none.

A line's page asks the rights of its letter or slip itself; ``_url`` offers none whose endpoint is closed to the reader.
"""


@dataclass(frozen=True)
class MorningRow:
    """A line as the page shows it. ``url`` is empty where the reader may open no page."""

    what: str
    url: str
    text: str
    level: Confidentiality
    who: str
    on: date | None


@dataclass(frozen=True)
class Group:
    """A kind as the page shows it.

    Attributes:
        more: how many are not shown.
        is_cut: there may be more of them.
        url: the point of this kind alone, which shows them.
        is_unknown: the kind could not be read.
        list_url: the page where all of a kind are dealt with at once; empty where there is none that the reader may open.
    """

    id: str
    title: str
    hint: str
    on_words: str
    rows: tuple[MorningRow, ...]
    more: int
    is_cut: bool
    url: str
    is_unknown: bool
    list_url: str


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What is pending, kind by kind; of one kind alone (``voir``) all that there is.

    Other lists do not hold the very things that the point counts, or their pages are closed to some of its readers.
    """
    services, actor, only = context.services(), context.actor(), _only()
    with services.reading() as session:
        found = queries.parts(session, services, actor, now=context.now(), only=only)
    return render_template(
        "morning/index.html",
        groups=[_group(part, counted(part, translations(language()))) for part in found],
        day=context.today(),
        is_one=only is not None,
    )


def _only() -> Kind | None:
    chosen = unknown_filters.choice("voir", [kind.value for kind in Kind], "")
    return Kind(chosen) if chosen else None


def _group(part: Part, title: str) -> Group:
    kind = part.kind
    rows = tuple(_morning_row(kind, line) for line in part.lines)
    url = url_for("morning.index", voir=kind.value)
    return Group(
        kind.value, title, words.hint(kind), words.on_words(kind), rows, max(0, part.more), part.is_cut, url,
        part.is_unknown, _list_url(kind),
    )  # fmt: skip


def _list_url(kind: Kind) -> str:
    return url_for(TO_TRANSMIT) if kind is Kind.PAPERS and _opens(TO_TRANSMIT) else ""


def _morning_row(kind: Kind, line: Line) -> MorningRow:
    who = line.who or words.who(kind, line)
    return MorningRow(words.what(kind, line), _url(kind, line), words.text(kind, line), line.level, who, line.on)


def _url(kind: Kind, line: Line) -> str:
    if kind is Kind.CERTIFICATES and line.code == OWN:
        return url_for("session.unlock_key_form")  # to open the key renews its certificate
    endpoint, argument = PLACES[kind]
    if not _opens(endpoint) or (argument and not line.subject_id):
        return ""
    named: dict[str, Any] = {argument: line.subject_id} if argument else {}
    return url_for(endpoint, **named)


def _opens(endpoint: str) -> bool:
    return guard.opens(guard.ACCESS[endpoint], context.actor())
