"""The morning's point: what lies about for the reader, who must act, and one click to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_domain

from ged.morning import queries
from ged.morning.base import Kind, Line, Part
from ged.morning.ending import OWN
from ged.morning.words import counted
from ged.ports import Confidentiality
from web.site import context, guard
from web.words import morning as words

blueprint = Blueprint("morning", __name__, url_prefix="/matin")


@dataclass(frozen=True)
class Place:
    """Where a kind leads.

    Attributes:
        line: endpoint and argument's name of a line's page; empty argument: the page takes none.
        whole: endpoints of the whole list, with their arguments; the first that the reader may open.
    """

    line: tuple[str, str]
    whole: tuple[tuple[str, dict[str, Any]], ...]


PLACES: Mapping[Kind, Place] = {
    Kind.UNREAD: Place(
        ("letters.show", "mail_id"),
        (("followup.index", {"voir": "services", "echeance": "retard"}), ("inbox.index", {"voir": "en-retard"})),
    ),
    Kind.EMPTY_POSTS: Place(
        ("letters.show", "mail_id"), (("followup.index", {"voir": "services", "par": "personne"}),)
    ),
    Kind.TO_DISPATCH: Place(("dispatch.show", "mail_id"), (("dispatch.index", {}),)),
    Kind.SLIPS: Place(("slips.show", "slip_id"), (("slips.index", {}),)),
    Kind.DISCREPANCIES: Place(("slips.show", "slip_id"), (("slips.index", {}),)),
    Kind.LOANS: Place(("slips.show", "slip_id"), (("slips.index", {}),)),
    Kind.PAPERS: Place(("letters.show", "mail_id"), (("to_transmit.index", {}),)),
    Kind.NO_SCAN: Place(("letters.show", "mail_id"), (("scans.index", {}),)),
    Kind.SCANS: Place(("scans.show", "scan_id"), (("scans.index", {}),)),
    Kind.DAYS: Place(("registers.closings", "register_id"), (("registers.index", {}),)),
    Kind.DELEGATIONS: Place(("delegations.index", ""), (("delegations.index", {}),)),
    Kind.CERTIFICATES: Place(("checks.index", ""), (("checks.index", {}),)),
    Kind.TIMESTAMPS: Place(("preservations.index", ""), (("preservations.index", {}),)),
    Kind.JOBS: Place(("admin.jobs", ""), (("admin.jobs", {}),)),
    Kind.MAILS: Place(("post.index", ""), (("post.index", {}),)),
    Kind.DESKS: Place(("scans.desks", ""), (("scans.desks", {}),)),
}
"""A line's page asks the rights of its letter or slip itself; ``_url`` offers none whose endpoint is closed to the reader."""


@dataclass(frozen=True)
class Row:
    """A line as the page shows it. ``url`` is empty where the reader may open no page."""

    what: str
    url: str
    text: str
    level: Confidentiality
    who: str
    on: date | None


@dataclass(frozen=True)
class Group:
    """A kind as the page shows it. ``more``: how many are not shown; ``whole``: the address of the list, or empty."""

    id: str
    title: str
    hint: str
    on_words: str
    rows: tuple[Row, ...]
    more: int
    whole: str


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What lies about, kind by kind."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        found = queries.parts(session, services, actor, now=context.now())
    told = get_domain().get_translations()  # the site's: with the typography of its language
    return render_template(
        "morning/index.html",
        groups=[_group(part, counted(part.kind, part.total, told)) for part in found],
        day=context.today(),
    )


def _group(part: Part, title: str) -> Group:
    place = PLACES[part.kind]
    whole = next((url_for(endpoint, **named) for endpoint, named in place.whole if _opens(endpoint)), "")
    rows = tuple(_row(part.kind, line) for line in part.lines)
    return Group(
        part.kind.value, title, words.hint(part.kind), words.on_words(part.kind), rows, max(0, part.more), whole
    )  # fmt: skip


def _row(kind: Kind, line: Line) -> Row:
    who = line.who or words.who(kind, line)
    return Row(words.what(kind, line), _url(kind, line), words.text(kind, line), line.level, who, line.on)


def _url(kind: Kind, line: Line) -> str:
    if kind is Kind.CERTIFICATES and line.code == OWN:
        return url_for("session.unlock_key_form")  # to open the key renews its certificate
    endpoint, argument = PLACES[kind].line
    named: dict[str, Any] = {argument: line.subject_id} if argument else {}
    return url_for(endpoint, **named) if _opens(endpoint) else ""


def _opens(endpoint: str) -> bool:
    return guard.opens(guard.ACCESS[endpoint], context.actor())
