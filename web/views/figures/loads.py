"""The panels of loads: what was given to each unit and each post, waits there, is late, and was finished."""

from collections.abc import Callable, Mapping, Sequence

from flask_babel import format_date

from ged.dashboard.letters import SOON, What
from ged.figures.periods import Period
from ged.org.names import post_names
from ged.outlook import loads
from ged.outlook.loads import By, Load
from web.drawing import charts
from web.drawing.charts import Group
from web.site import context
from web.views.figures.board import (
    MEDIAN,
    MOST_ROWS,
    NINE_OF_TEN,
    Board,
    Cell,
    Maker,
    Panel,
    RowsOf,
    period_name,
    sentences,
)
from web.words import figure_pages as words
from web.words.messages import gettext as _

LOADS = "charge"
LOOKS = ("late", "in-time")


def of_units(board: Board) -> Panel:
    """The loads of the units that the reader heads."""
    names = board.units
    return _panel(
        board,
        "loads",
        str(_("Charge par service")),
        str(_("Courriers confiés à chaque service ou à ses agents, quel que soit le service pilote.")),
        str(_("Service")),
        _ordered(board, By.UNIT, lambda one: names.get(one.unit_id, "—")),
    )


def of_posts(board: Board) -> Panel | None:
    """The loads of their posts; None: no letter was given to a post."""
    found = _read(board, By.POST)
    if not found and board.is_exact:
        return None
    names = post_names(board.session, [one.post_id for one in found if one.post_id is not None], on=board.asked.today)
    return _panel(
        board,
        "load-posts",
        str(_("Charge par agent")),
        str(_("Courriers confiés nommément, par poste avec son titulaire d'aujourd'hui.")),
        str(_("Agent")),
        _ordered(board, By.POST, lambda one: names[one.post_id].text if one.post_id in names else "—"),
    )


def _read(board: Board, by: By) -> list[Load]:
    """The loads of units or of posts. A picture shows what waits, and what was finished is read only where nothing waits: there the table is shown."""
    if not board.is_exact:
        return []
    if board.is_for_pictures:
        return _loads(board, ())[by] or _loads(board, (by,), waits=False)[by]
    return _loads(board, tuple(By))[by]


def _loads(board: Board, finished_of: tuple[By, ...], *, waits: bool = True) -> dict[By, list[Load]]:
    """Both at once for a page, with what was finished of some."""
    found: dict[By, list[Load]] | None = board.kept.get(("loads", finished_of))
    if found is None:
        asked, zone = board.asked, context.services().zone
        if "later acts" not in board.kept:
            board.kept["later acts"] = loads.later_acts(board.session)
        found = loads.loads(
            board.session, zone, board.actor, asked.cut, asked.shown, today=asked.today, waits=waits, finished_of=finished_of,
            later=board.kept["later acts"],
        )  # fmt: skip
        board.kept["loads", finished_of] = found
    return found


def _ordered(board: Board, by: By, name: Callable[[Load], str]) -> list[tuple[str, Load]]:
    """The loads with their names: most late letters first, then most letters."""
    named = [(name(one), one) for one in _read(board, by)]
    return sorted(named, key=lambda row: (-row[1].late, -row[1].waiting, row[0], row[1].unit_id, row[1].post_id or 0))


def _panel(board: Board, panel: str, title: str, text: str, first: str, lines: Sequence[tuple[str, Load]]) -> Panel:
    asked = board.asked
    now, shown = Period(asked.today, asked.today), loads.counted_days(asked.shown)

    def href(what: What, one: Load, period: Period) -> str:
        post = {"poste": str(one.post_id)} if one.post_id is not None else {}
        return asked.letters(what, period, unite=str(one.unit_id), seul="1", **post)

    def cells(line: tuple[str, Load]) -> tuple[Cell, ...]:
        name, one = line
        if one.finished is None:
            raise ValueError("the rows of a picture were not read")
        since = Cell(str(format_date(one.since, "dd/MM/yyyy")), value=one.since) if one.since else Cell("—")
        return (
            Cell(name, is_number=False),
            board.cell(one.waiting, href(What.GIVEN, one, now)),
            board.cell(one.late, href(What.GIVEN_LATE, one, now)),
            board.cell(one.waiting - one.late, href(What.GIVEN_IN_TIME, one, now)),
            board.cell(one.soon, href(What.GIVEN_SOON, one, now)),
            since,
            board.cell(one.finished, href(What.FINISHED, one, shown)),
            board.delay_cell(one.delays, MEDIAN),
            board.delay_cell(one.delays, NINE_OF_TEN),
        )

    late, in_time = str(_("En retard")), str(_("Dans les délais ou sans échéance"))
    groups = [
        Group(
            name,
            (
                board.value(one.late, name, late, href(What.GIVEN_LATE, one, now)),
                board.value(one.waiting - one.late, name, in_time, href(What.GIVEN_IN_TIME, one, now)),
            ),
        )
        for name, one in lines[:MOST_ROWS]
        if one.waiting
    ]
    totals = [board.text(board.tell(one.waiting)) for _name, one in lines[:MOST_ROWS] if one.waiting]
    return Panel(
        panel,
        title,
        _explained(board, text, shown),
        (
            first, str(_("En cours")), late, in_time, str(_("Sous %(days)s jours", days=SOON)), str(_("Le plus ancien")),
            words.what(What.FINISHED), str(_("Délai médian")), str(_("Délai de 9 sur 10")),
        ),
        RowsOf(lines, cells),
        charts.stacked_rows(groups, LOOKS, totals) if groups else None,
        tuple(zip(LOOKS, (late, in_time), strict=True)) if groups else (),
        nothing=str(_("Aucun courrier confié.") if board.is_exact else _("La charge est montrée à qui dirige le service.")),
        counts=shown,
    )  # fmt: skip


def _explained(board: Board, text: str, shown: Period) -> str:
    """A panel's text, and for who is told exact numbers which moments and which letters they are of."""
    if not board.is_exact:
        return text
    return sentences(
        text,
        str(
            _(
                "En cours et en retard : aujourd'hui, quelle que soit la période. Terminés : %(period)s. Délais : du jour où le courrier a été confié "
                "au jour où il a été terminé, en jours ouvrés.",
                period=period_name(shown),
            )
        ),
        str(
            _(
                "Les courriers secrets, et ceux que vous ne pouvez pas lire, attendent dans les bannettes sans être comptés ici. Ce qu'un service "
                "a terminé pour ceux qui en dépendent est compté chez lui seul."
            )
        ),
    )


PANELS: Mapping[str, Maker] = {"loads": of_units, "load-posts": of_posts}
"""The panels of loads, on both pages of figures."""
VIEWS: Mapping[str, tuple[str, ...]] = {LOADS: tuple(PANELS)}
