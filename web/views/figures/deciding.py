"""The panels that help to decide, beside those that tell what was: the next two weeks, and which services slow down."""

from collections.abc import Mapping

from ged.dashboard import breakdown
from ged.dashboard.breakdown import By
from ged.dashboard.letters import What
from ged.figures.stages import LONGEST
from ged.outlook import slowing
from web.views.figures import ahead, panels, senders, ways
from web.views.figures.board import (
    DELAY,
    UNIT,
    Board,
    Cell,
    Maker,
    Panel,
    class_name,
    days_cell,
    period_name,
    told_letters,
)
from web.words import figure_pages as words
from web.words.messages import gettext as _

Delays = Mapping[int, int]
"""Bin -> letters."""


# --- services that slow down ----------------------------------------------------------------------------------------


def slower(board: Board) -> Panel | None:
    """The units whose delays grow, with the reason; None for who sees one unit only."""
    asked = board.asked
    if len(asked.sight.unit_ids) < 2:
        return None
    rows_of = board.by(UNIT)
    now, before = slowing.compared(asked.today, by_days=asked.sight.is_exact)
    lately, earlier = (
        breakdown.delays_by(board.session, asked.cut, one, By.UNIT, asked.stage) for one in (now, before)
    )
    step = rows_of.by(DELAY).step

    def asked_of(bins: Delays, others: Delays) -> Delays:
        return bins if board.is_exact else told_letters(bins, others, step)

    def median(bins: Delays, others: Delays, days: int) -> Cell:
        if board.is_exact:
            return days_cell(days)
        return Cell(class_name(bins, others, step, days))

    names = board.units
    both = {int(one): (bins, earlier.get(one, {})) for one, bins in lately.items()}
    found = [
        (one, unit_id)
        for unit_id, (bins, others) in both.items()
        if (one := slowing.slowed(asked_of(bins, others), asked_of(others, bins))) is not None
    ]
    rows = []
    for one, unit_id in sorted(found, key=lambda row: (row[0].rank[0], names.get(row[1], ""), row[1])):
        named = {"unite": str(unit_id), "seul": "1", "etape": asked.stage.value, "de": "0", "a": str(LONGEST)}
        counts = [
            rows_of.cell(letters, asked.letters(What.DELAY, span, **named))
            for letters, span in ((one.letters, now), (one.letters_before, before))
        ]
        bins, others = both[unit_id]
        medians = median(bins, others, one.now), median(others, bins, one.before)
        name = names.get(unit_id, "—")
        rows.append(
            (
                Cell(name, is_number=False),
                Cell(_reason(rows_of, one, *(cell.text for cell in medians)), is_number=False),
                *medians,
                *counts,
            )
        )
    return Panel(
        "slower",
        str(_("Services qui ralentissent")),
        str(
            _(
                "%(stage)s : le délai médian a augmenté d'au moins %(days)s jours ouvrés et de moitié, avec au moins %(fewest)s courriers "
                "dans chacune des deux périodes : %(now)s ; %(before)s.",
                stage=words.stage(asked.stage), days=slowing.MORE_DAYS, fewest=slowing.FEWEST, now=period_name(now),
                before=period_name(before),
            )
        ),
        (
            str(_("Service")), str(_("Raison")), str(_("Médiane")), str(_("Médiane avant")), str(_("Courriers")),
            str(_("Courriers avant")),
        ),
        tuple(rows),
        nothing=str(_("Aucun service ne ralentit, d'après cette règle.")),
    )  # fmt: skip


def _reason(board: Board, one: slowing.Slowed, now: str, before: str) -> str:
    letters = board.text(board.tell(one.letters))
    if board.asked.sight.is_exact:
        return str(
            _(
                "médiane : %(now)s ouvrés ces %(days)s derniers jours, %(before)s les %(days_before)s jours d'avant ; %(letters)s courriers",
                now=now, before=before, letters=letters, days=slowing.DAYS,
                days_before=slowing.DAYS_BEFORE,
            )
        )  # fmt: skip
    return str(
        _(
            "médiane : %(now)s ouvrés le mois dernier, %(before)s les trois mois d'avant ; %(letters)s courriers",
            now=now, before=before, letters=letters,
        )
    )  # fmt: skip


AHEAD, WAYS, WRITERS, SENDERS = "prevision", "circulation", "expediteurs", "correspondants"
_WAYS: Mapping[str, Maker] = {"flows": ways.flows, "rounds": ways.rounds}
_WRITERS: Mapping[str, Maker] = {"senders": senders.panel}
_SENDERS: Mapping[str, Maker] = {"correspondents": ways.correspondents}
OWN: Mapping[str, Maker] = {
    "forecast": ahead.arrivals, "forecast-open": ahead.backlog, "forecast-days": ahead.days, "slower": slower, **_WAYS, **_WRITERS, **_SENDERS,
}  # fmt: skip
"""The panels of the reader's own figures, behind those of ``panels``."""
OVERSEEN: Mapping[str, Maker] = {
    "forecast": ahead.arrivals, "forecast-open": ahead.backlog, "forecast-units": ahead.units, "slower": slower, **_WAYS, **_WRITERS, **_SENDERS,
}  # fmt: skip
"""The panels of who oversees."""


def _views(makers: Mapping[str, Maker]) -> Mapping[str, tuple[str, ...]]:
    elsewhere = ("slower", *_WAYS, *_WRITERS, *_SENDERS)
    return {
        AHEAD: tuple(one for one in makers if one not in elsewhere),
        WAYS: tuple(_WAYS), WRITERS: tuple(_WRITERS), SENDERS: tuple(_SENDERS),
    }  # fmt: skip


OWN_VIEWS, OVERSEEN_VIEWS = _views(OWN), _views(OVERSEEN)


def with_slower(views: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """The views of a page; who slows down stands beside the delays that say so."""
    return {**views, panels.DELAYS_VIEW: (*views[panels.DELAYS_VIEW], "slower")}
