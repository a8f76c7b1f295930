"""The lists of letters behind figures of papers: their addresses, and what such a list says of the papers that it comes from."""

from ged.capture.models import BatchSource, Bridge
from ged.dashboard import movements
from ged.dashboard.letters import ON_SLIPS, PAPERS, SCANS, AskedLetters, What
from ged.dashboard.movements import Station
from ged.figures import handed, scanned
from ged.figures.periods import Period
from ged.figures.stages import SlipSide
from ged.unit import ReadSession
from web.site.numbers import id_of
from web.views.figures.asked import CHOICES, AskedFigures
from web.views.figures.board import Board
from web.words.labels import label
from web.words.messages import gettext as _
from web.words.messages import ngettext
from web.words.numbers import decimal

UNHEEDED = CHOICES
"""The filters of the page that narrow letters and no paper: a list with them would have fewer letters than the figure counts."""
_SIDES = {What.ON_SENT: SlipSide.SENT, What.ON_RECEIVED: SlipSide.RECEIVED, What.WAITED: SlipSide.ACKNOWLEDGED}


def letters(board: Board, what: What, period: Period, *, unit_id: int = 0, **named: str) -> str:
    """The address of a list; ``unit_id``: of this unit alone."""
    asked = board.asked
    unheeded = {name: "" for name in UNHEEDED if name in asked.given}
    of_unit = {"unite": str(unit_id), "seul": "1"} if unit_id else {}
    return asked.letters(what, period, **of_unit, **unheeded, **named)


def station_name(bridge_id: int | None, source: BatchSource) -> str:
    """A station in an address: the number of its bridge, or how its pages came."""
    return str(bridge_id) if bridge_id is not None else source.value


def station(typed: str) -> Station | None:
    """The station of an address; None for what names none."""
    bridge_id = id_of(typed)
    if bridge_id is not None:
        return Station(bridge_id, BatchSource.BRIDGE)
    found = next((one for one in BatchSource if one.value == typed), None)
    return Station(None, found) if found is not None else None


def source_text(source: BatchSource) -> str:
    """What stands for the name of a station where there was none."""
    return str(_("Fichiers déposés") if source is BatchSource.UPLOAD else label(source))


def station_text(session: ReadSession, one: Station) -> str:
    """The name of a station. For who may read a letter that it brought."""
    bridge = session.get(Bridge, one.bridge_id) if one.bridge_id is not None else None
    return bridge.name if bridge is not None else source_text(one.source)


def counted(session: ReadSession, asked: AskedFigures, wanted: AskedLetters) -> str:
    """How many slips or pages the letters of a list come from, in a sentence, as the figure counts them.

    Empty for who is told rounded numbers; where letters are narrowed by what narrows no paper; and while the cells are being made.
    """
    is_narrowed = wanted.sender_id is not None or any(name in asked.given for name in UNHEEDED)
    if not asked.sight.is_exact or wanted.what not in PAPERS or is_narrowed:
        return ""
    cells = handed.SLIPS if wanted.what in ON_SLIPS else scanned.STATIONS
    if not movements.are_whole(session, cells):
        return ""
    return _of_slips(session, asked, wanted) if wanted.what in ON_SLIPS else _of_scans(session, asked, wanted)


def _of_slips(session: ReadSession, asked: AskedFigures, wanted: AskedLetters) -> str:
    units, period = asked.sight.unit_ids, wanted.period
    if wanted.what is What.AT_FAULT:
        number = movements.faults_counted(session, units, asked.sight.level, period)
        return str(
            ngettext(
                "%(text)s pièce manquante ou endommagée.",
                "%(text)s pièces manquantes ou endommagées.",
                number,
                text=decimal(number),
            )
        )
    bins = wanted.bins if wanted.what is What.WAITED else None
    number = movements.slips_counted(session, units, _SIDES[wanted.what], period, bins)
    return str(ngettext("%(text)s bordereau.", "%(text)s bordereaux.", number, text=decimal(number)))


def _of_scans(session: ReadSession, asked: AskedFigures, wanted: AskedLetters) -> str:
    brought = movements.brought(session, asked.sight.unit_ids, wanted.period, wanted.station)
    pages = getattr(brought, SCANS[wanted.what] or "pages")
    pages_text = ngettext("%(text)s page", "%(text)s pages", pages, text=decimal(pages))
    if wanted.what is not What.SCANNED:
        return f"{pages_text}."
    documents_text = ngettext(
        "%(text)s document", "%(text)s documents", brought.documents, text=decimal(brought.documents)
    )
    return str(_("%(pages)s, %(documents)s.", pages=pages_text, documents=documents_text))
