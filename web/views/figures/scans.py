"""The panels of scans: what came to the desks of units, and how well the machine read it. What narrows letters narrows no scan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ged.capture.models import BatchSource
from ged.dashboard import movements
from ged.dashboard.letters import What
from ged.dashboard.movements import Brought, DeskLine
from ged.dashboard.telling import ToldNumber, apart
from ged.figures import scanned
from ged.figures.periods import Period
from ged.figures.stages import Grain
from ged.typography import plain
from web.drawing import charts
from web.drawing.charts import Group
from web.views.figures import paper_links
from web.views.figures.board import (
    MOST_ROWS,
    TWO,
    Board,
    Cell,
    Maker,
    Panel,
    RowsOf,
    Stretch,
    amount_of,
    others,
    sentences,
)  # fmt: skip
from web.words import figure_pages as words
from web.words.messages import gettext as _

Link = Callable[[What], str]
"""The address of the letters of a kind behind a row."""
Numbers = Callable[[Brought], tuple[int, ...]]
"""The numbers by which it is decided whether a desk is told by itself."""

STATION = "station"
"""The filter of lists of which each row of stations is a choice."""


def scan_days(board: Board) -> Panel:
    """Pages by day or by month."""
    rows = _times(board)

    def href(one: Stretch) -> str:
        return paper_links.letters(board, What.SCANNED, one.days)

    groups = [one.group((board.value(brought.pages, one.name, words.pages, href(one)),)) for one, brought in rows]
    return Panel(
        "scan-days",
        str(_("Pages numérisées")),
        sentences(
            str(_("Le jour de leur arrivée des stations de ces services ; pages blanches et feuilles de séparation comprises.")),
            board.cut_months(board.stretches()),
        ),
        (_time(board), str(_("Pages"))),
        RowsOf(rows, lambda row: (board.time_cell(row[0]), board.cell(row[1].pages, href(row[0])))),
        charts.columns(groups, TWO[:1]) if rows else None,
        nothing=_nothing(board),
        is_over_time=True,
    )  # fmt: skip


def scan_reading(board: Board) -> Panel:
    """How well the pages were read, by day or by month."""
    rows, groups = _times(board), []
    series = (str(_("pages lues")), str(_("lecture incertaine")))

    def href(one: Stretch) -> Link:
        return lambda what: paper_links.letters(board, what, one.days)

    for one, brought in rows:
        read = board.value(brought.was_read, one.name, series[0], href(one)(What.READ))
        doubtful = board.value(brought.doubtful, one.name, series[1], href(one)(What.UNCERTAIN), whole=brought.was_read)
        groups.append(one.group((read, doubtful)))
    return Panel(
        "scan-reading",
        str(_("Lecture des pages")),
        str(_("Pages des documents rattachés à un courrier, le jour de leur numérisation, pages vides à part. Lecture incertaine : la machine n'est pas sûre du texte. Sans texte : elle n'en a trouvé aucun.")),
        (_time(board), *_headings()),
        RowsOf(rows, lambda row: (board.time_cell(row[0]), *_quality(board, row[1], href(row[0])))),
        charts.columns(groups, TWO) if rows else None,
        tuple(zip(TWO, series, strict=True)) if rows else (),
        nothing=_nothing(board),
        is_over_time=True,
    )  # fmt: skip


def scan_desks(board: Board) -> Panel:
    """The desks side by side: what they brought."""
    board = board.by(STATION)

    def cells(desk: tuple[str, DeskLine]) -> tuple[Cell, ...]:
        name, brought, href = desk[0], desk[1].brought, _desk_link(board, desk[1])(What.SCANNED)
        letters = board.cell(brought.letters, href, whole=brought.documents)
        return (
            Cell(name, is_number=False),
            board.cell(brought.pages, href),
            board.cell(brought.documents, href),
            letters,
        )

    rows = _desks(board, lambda one: (one.pages, one.documents, one.letters))
    drawn = [(name, line.brought.pages, _desk_link(board, line)(What.SCANNED)) for name, line in rows[:MOST_ROWS]]
    groups = [Group(name, (board.value(pages, name, words.pages, href),)) for name, pages, href in drawn]
    totals = [board.text(board.tell(pages)) for _name_of, pages, _href in drawn]
    is_drawn = any(value.amount for group in groups for value in group.values)
    return Panel(
        "scan-desks",
        str(_("Stations de numérisation")),
        str(_("Pages et documents de la période, dont rattachés à un courrier ordinaire.")),
        (str(_("Station")), str(_("Pages")), str(_("Documents")), str(_("Rattachés"))),
        RowsOf(rows, cells),
        charts.stacked_rows(groups, TWO[:1], totals) if is_drawn else None,
        nothing=_nothing(board),
    )


def scan_quality(board: Board) -> Panel:
    """The desks side by side: how well their pages were read."""
    board = board.by(STATION)
    groups, totals = [], []
    rows = _desks(board, lambda one: (one.was_read, one.doubtful, one.textless))
    for name, line in rows[:MOST_ROWS]:
        brought, href = line.brought, _desk_link(board, line)
        parts = (
            (brought.doubtful, str(_("lecture incertaine")), href(What.UNCERTAIN)),
            (brought.textless, str(_("sans texte")), href(What.TEXTLESS)),
        )
        values = (board.value(number, name, text, link, whole=brought.was_read) for number, text, link in parts)
        groups.append(Group(name, tuple(values)))
        totals.append(_share(board, brought).text)
    is_drawn = any(value.amount for group in groups for value in group.values)
    return Panel(
        "scan-quality",
        str(_("Qualité de lecture par station")),
        str(_("Pages mal lues de chaque station : un verre sale, un réglage trop sombre ou trop clair, des copies pâles. Part : des pages lues, celles dont la lecture est incertaine.")),
        (str(_("Station")), *_headings()),
        RowsOf(
            rows,
            lambda desk: (Cell(desk[0], is_number=False), *_quality(board, desk[1].brought, _desk_link(board, desk[1]))),
        ),
        charts.stacked_rows(groups, TWO, totals) if is_drawn else None,
        tuple(zip(TWO, (str(_("lecture incertaine")), str(_("sans texte"))), strict=True)) if is_drawn else (),
        nothing=_nothing(board),
    )  # fmt: skip


def _quality(board: Board, brought: Brought, href: Link) -> tuple[Cell, ...]:
    """Pages read; of these uncertain ones, with their share, and those without a text; the mean reliability."""
    read, uncertain = href(What.READ), href(What.UNCERTAIN)
    doubtful = board.cell(brought.doubtful, uncertain, whole=brought.was_read)
    textless = board.cell(brought.textless, href(What.TEXTLESS), whole=brought.was_read)
    share = replace(_share(board, brought), href=board.href(brought.doubtful, uncertain))
    # The mean moves with each page, also where no told number does.
    mean = replace(_percent(brought.reliability if board.is_exact else None), href=board.href(brought.was_read, read))
    return board.cell(brought.was_read, read), doubtful, share, textless, mean


def _desk_link(board: Board, line: DeskLine) -> Link:
    """The letters of a station; none of several ones together."""

    def href(what: What) -> str:
        if not line.unit_id:
            return ""
        station = paper_links.station_name(line.bridge_id, line.source)
        return paper_links.letters(board, what, board.asked.shown, unit_id=line.unit_id, station=station)

    return href


def _share(board: Board, brought: Brought) -> Cell:
    """The share of uncertain pages, of rounded numbers alone."""
    part, whole = board.tell(brought.doubtful, brought.was_read), board.tell(brought.was_read)
    return _percent(_rounded(part, whole))


def _rounded(part: ToldNumber, whole: ToldNumber) -> int | None:
    amounts = amount_of(part), amount_of(whole)
    return None if amounts[0] is None or not amounts[1] else round(100 * amounts[0] / amounts[1])


def _percent(number: int | None) -> Cell:
    if number is None:
        return Cell("—")
    return Cell(_in_percent(str(number)), value=number, unit=plain(_in_percent("")).rstrip())


def _in_percent(number: str) -> str:
    return str(_("%(num)s\u00a0%%", num=number))


def _headings() -> tuple[str, ...]:
    return (
        str(_("Pages lues")), str(_("Lecture incertaine")), str(_("Part")), str(_("Sans texte")), str(_("Fiabilité moyenne")),
    )  # fmt: skip


def _time(board: Board) -> str:
    return str(_("Jour")) if board.by_days else str(_("Mois"))


def _times(board: Board) -> list[tuple[Stretch, Brought]]:
    """(day or month, what came) of the period; nothing while the figures are being made. A month that is cut is a sum of its days."""
    if not _are_whole(board):
        return []
    if "scan times" not in board.kept:  # two panels show them
        board.kept["scan times"] = _times_read(board)
    found: list[tuple[Stretch, Brought]] = board.kept["scan times"]
    return found


def _times_read(board: Board) -> list[tuple[Stretch, Brought]]:
    units, stretches = board.asked.sight.unit_ids, board.stretches()
    whole = Period(stretches[0].days.since, stretches[-1].days.until)
    found = dict(movements.scans_by(board.session, units, whole, grain=Grain.DAY if board.by_days else Grain.MONTH))
    for one in stretches:
        if one.note:
            of_days = movements.scans_by(board.session, units, one.days, grain=Grain.DAY)
            found[one.days.since] = sum(of_days.values(), Brought())
    return [(one, found.get(one.days.since, Brought())) for one in stretches]


def _desks(board: Board, numbers: Numbers) -> list[tuple[str, DeskLine]]:
    """(name, what it brought) of each desk, with the most first; nothing while the figures are being made.

    A reader of rounded numbers is told of all desks that there may be, the small ones together: a row that appeared would tell of its first page.
    """
    if not _are_whole(board):
        return []
    if "scan desks" not in board.kept:  # two panels show them
        board.kept["scan desks"] = _desks_read(board)
    found: list[tuple[str, DeskLine]] = board.kept["scan desks"]
    if board.is_exact:
        return found
    lines = sorted(
        found,
        key=lambda one: (-board.tell(max(numbers(one[1].brought))).amount, one[0], one[1].unit_id),
    )
    kept = apart([numbers(line.brought) for _name_of, line in lines], board.step)
    rest = [lines[n][1] for n in range(len(lines)) if n not in kept]
    shown = [lines[n] for n in kept]
    return [*shown, (others(shown), _together(rest))] if rest else shown


def _desks_read(board: Board) -> list[tuple[str, DeskLine]]:
    """Each desk with its name: those that brought something; for a reader of rounded numbers all that there may be."""
    units = board.asked.sight.unit_ids
    names = board.units
    found = movements.desks(board.session, units, board.asked.shown)
    every = found if board.is_exact else movements.every_desk(board.session, units, found)
    return [(_name(line, names), line) for line in every]


def _together(those: Sequence[DeskLine]) -> DeskLine:
    """What several desks brought."""
    return DeskLine("", 0, BatchSource.BRIDGE, sum((one.brought for one in those), Brought()))


def _name(line: DeskLine, names: Mapping[int, str]) -> str:
    return f"{line.name or paper_links.source_text(line.source)}, {names.get(line.unit_id, '—')}"


def _are_whole(board: Board) -> bool:
    return movements.are_whole(board.session, scanned.STATIONS)


def _nothing(board: Board) -> str:
    """Why there is nothing to show. A reader of rounded numbers is told one sentence of none and of a few."""
    if not _are_whole(board):
        return str(_("Les chiffres des numérisations sont en préparation."))
    if board.is_exact:
        return str(_("Aucune page dans cette période."))
    return str(_("Trop peu de pages dans cette période pour en donner les chiffres."))


PANELS: Mapping[str, Maker] = {
    "scan-days": scan_days, "scan-desks": scan_desks, "scan-reading": scan_reading, "scan-quality": scan_quality,
}  # fmt: skip
