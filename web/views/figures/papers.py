"""The panels of slips and of scans: views of the pages of figures. They are of units and days; what else narrows letters narrows no paper."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ged.dashboard import movements
from ged.dashboard.letters import What
from ged.dashboard.movements import Handed
from ged.dashboard.telling import added_up, apart
from ged.figures import handed, scanned
from ged.figures.periods import Period
from ged.figures.whole_days import WholeDays
from web.drawing import charts
from web.drawing.charts import Group
from web.views.figures import paper_links, scans
from web.views.figures.board import (
    DELAY,
    MEDIAN,
    MOST_ROWS,
    NINE_OF_TEN,
    TWO,
    UNIT,
    Board,
    Cell,
    Maker,
    Panel,
    RowsOf,
    Stretch,
    last_bin,
    others,
    sentences,
)
from web.words import figure_pages as words
from web.words.messages import gettext as _

SLIPS, RECEIPTS, SCANS, READING = "bordereaux", "decharge", "numerisation", "lecture"
COUNTED = (What.ON_SENT, What.ON_RECEIVED, What.AT_FAULT)
"""The letters behind the three numbers of ``Handed``."""


def slips(board: Board) -> Panel:
    """Slips by day or by month: sent, acknowledged, lines missing or damaged."""
    stretches = board.stretches() if _are_whole(board) else []
    found = _slips(board, Period(stretches[0].days.since, stretches[-1].days.until)).by_day if stretches else {}
    names = _names()

    def numbers(stretch: Stretch) -> tuple[int, int, int]:
        since = stretch.days.since
        counted = found.get(since if board.by_days else since.replace(day=1), Handed())
        return counted.sent, counted.received, counted.faults

    def counted(stretch: Stretch) -> list[tuple[int, str]]:
        links = (paper_links.letters(board, what, stretch.days) for what in COUNTED)
        return list(zip(numbers(stretch), links, strict=True))

    def cells(stretch: Stretch) -> tuple[Cell, ...]:
        return board.time_cell(stretch), *(board.cell(*one) for one in counted(stretch))

    groups = [
        one.group(
            [
                board.value(number, one.name, of, href)
                for (number, href), of in zip(counted(one), names[:2], strict=False)
            ]
        )
        for one in stretches
    ]
    return Panel(
        "slips",
        str(_("Bordereaux")),
        sentences(
            str(_("Envoyés par ces services, reçus et déchargés par eux, chacun le jour de sa signature ; pièces manquantes ou endommagées à la réception. Une pièce mal adressée est aussi un écart à régler, mais elle est arrivée entière : elle n'est pas comptée ici. Seuls le service et la période comptent ici.")),
            board.cut_months(stretches) if stretches else "",
        ),
        (str(_("Jour")) if board.by_days else str(_("Mois")), *names),
        RowsOf(stretches, cells),
        charts.columns(groups, TWO) if groups else None,
        tuple(zip(TWO, names[:2], strict=True)) if groups else (),
        nothing=_nothing(board, str(_("Aucun bordereau dans cette période."))),
        is_over_time=True,
    )  # fmt: skip


def slip_units(board: Board) -> Panel:
    """The units side by side, with the time that each takes to acknowledge."""
    board = board.by(UNIT)
    names, of_units = board.units, _slips(board, board.asked.shown)
    found, bins = of_units.by_unit, of_units.delays
    keys = found if board.is_exact or not _are_whole(board) else board.asked.sight.unit_ids
    order = sorted(
        keys, key=lambda one: (-board.tell(found.get(one, Handed()).received).amount, names.get(one, ""), one)
    )
    lines = [SlipLine(names.get(one, "—"), found.get(one, Handed()), bins.get(one, {}), one) for one in order]
    if not board.is_exact:
        kept = apart([line.numbers for line in lines], board.step)
        rest = [line for n, line in enumerate(lines) if n not in kept]
        lines = [lines[n] for n in kept]
        if rest:
            lines.append(_together(others(lines), rest))
    series = _names()

    def counted(line: SlipLine) -> list[tuple[int, str]]:
        links = (
            paper_links.letters(board, what, board.asked.shown, unit_id=line.unit_id) if line.unit_id else ""
            for what in COUNTED
        )
        return list(zip(line.numbers, links, strict=True))

    def cells(line: SlipLine) -> tuple[Cell, ...]:
        delays = (board.delay_cell(line.delays, share) for share in (MEDIAN, NINE_OF_TEN))
        return Cell(line.name, is_number=False), *(board.cell(*one) for one in counted(line)), *delays

    groups = [
        Group(
            line.name,
            tuple(
                board.value(number, line.name, of, href)
                for (number, href), of in zip(counted(line), series[:2], strict=False)
            ),
        )
        for line in lines[:MOST_ROWS]
    ]
    # The sum of what is told: rounded by itself it could differ from its two parts, and would tell more of them.
    totals = [
        board.text(added_up(board.tell(line.handed.sent), board.tell(line.handed.received)))
        for line in lines[:MOST_ROWS]
    ]
    is_drawn = any(value.amount for group in groups for value in group.values)
    return Panel(
        "slip-units",
        str(_("Bordereaux par service")),
        str(_("Envoyés et reçus par chaque service ; délai de décharge du service qui reçoit, en jours ouvrés, du jour de l'envoi au jour de la décharge.")),
        (str(_("Service")), *series, str(_("Délai médian")), str(_("Délai de 9 sur 10"))),
        RowsOf(lines, cells),
        charts.stacked_rows(groups, TWO, totals) if is_drawn else None,
        tuple(zip(TWO, series[:2], strict=True)) if is_drawn else (),
        nothing=_nothing(board, str(_("Aucun bordereau dans cette période."))),
    )  # fmt: skip


def _slips(board: Board, period: Period) -> movements.Slips:
    """The slips of a period, by day or by month: three panels show them, of one period as a rule."""
    if not _are_whole(board):
        return movements.Slips({}, {}, {}, {})
    kept: dict[Period, movements.Slips] = board.kept.setdefault("slips", {})
    if period not in kept:
        sight = board.asked.sight
        kept[period] = movements.slips(board.session, sight.unit_ids, sight.level, period, by_months=not board.by_days)
    return kept[period]


@dataclass(frozen=True)
class SlipLine:
    """The slips of a unit, and how long those waited that it received; ``unit_id``: 0 of several units together."""

    name: str
    handed: Handed
    delays: Mapping[int, int]
    unit_id: int = 0

    @property
    def numbers(self) -> tuple[int, int, int]:
        """As ``COUNTED`` has them."""
        return self.handed.sent, self.handed.received, self.handed.faults


def _together(name: str, those: Sequence[SlipLine]) -> SlipLine:
    """The slips of several units, and their delays."""
    bins: Counter[int] = Counter()
    for one in those:
        bins.update(one.delays)
    return SlipLine(name, Handed(*map(sum, zip(*(one.numbers for one in those), strict=True))), bins)


def slip_delays(board: Board) -> Panel:
    """How long the slips that these units sent waited for their acknowledgement."""
    bins = _slips(board, board.asked.shown).delays_sent
    rows, groups = [], []
    spans, rows_of = board.spans(bins), board.by(DELAY)
    for first, after, number in spans:
        name = words.bin_name(first, after)
        href = paper_links.letters(board, What.WAITED, board.asked.shown, de=str(first), a=str(last_bin(after)))
        rows.append((Cell(name, is_number=False), rows_of.cell(number, href)))
        groups.append(Group(str(first), (rows_of.value(number, name, words.slips, href),)))
    percentiles, guides = board.percentiles(spans, bins)
    return Panel(
        "slip-delays",
        str(_("Délai de décharge")),
        str(_("Bordereaux envoyés par ces services et déchargés pendant la période, par délai en jours ouvrés ; %(told)s.", told=percentiles)),
        (str(_("Délai")), str(_("Bordereaux"))),
        tuple(rows),
        charts.columns(groups, TWO[:1], guides=guides) if groups else None,
        nothing=_nothing(board, str(_("Aucun bordereau déchargé dans cette période."))),
    )  # fmt: skip


def _are_whole(board: Board) -> bool:
    return movements.are_whole(board.session, handed.SLIPS)


def _nothing(board: Board, none: str) -> str:
    """Why there is nothing to show. A reader of rounded numbers is told one sentence of none and of a few."""
    if not _are_whole(board):
        return str(_("Les chiffres des bordereaux sont en préparation."))
    return none if board.is_exact else str(_("Trop peu de bordereaux dans cette période pour en donner les chiffres."))


def _names() -> tuple[str, str, str]:
    return str(_("Envoyés")), str(_("Reçus et déchargés")), str(_("Pièces manquantes ou endommagées"))


def _of_papers(make: Maker) -> Maker:
    """What narrows letters narrows none of these papers: they are told as finely with it as without it."""
    return lambda board: make(replace(board, is_of_papers=True))


PANELS: Mapping[str, Maker] = {
    name: _of_papers(make)
    for name, make in {"slips": slips, "slip-units": slip_units, "slip-delays": slip_delays, **scans.PANELS}.items()
}
"""The panels of papers, on both pages of figures."""
DAYS_OF: Mapping[str, WholeDays] = {
    SLIPS: handed.SLIPS, RECEIPTS: handed.SLIPS, SCANS: scanned.STATIONS, READING: scanned.STATIONS,
}  # fmt: skip
"""View -> the cells that it shows, whose days are counted after the acts."""
VIEWS: Mapping[str, tuple[str, ...]] = {
    SLIPS: ("slips", "slip-units"), RECEIPTS: ("slip-delays",), SCANS: ("scan-days", "scan-desks"), READING: ("scan-reading", "scan-quality"),
}  # fmt: skip
