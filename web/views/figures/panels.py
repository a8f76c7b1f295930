"""The panels of the pages of figures. Each is one table of cells, in words and with links; its picture, its CSV and its ODS show
the same cells, so that none of them tells more than another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from flask_babel import format_date, format_decimal, gettext
from flask_babel import gettext as _

from ged.figures import breakdown, queries
from ged.figures.breakdown import By, Line
from ged.figures.letters import What
from ged.figures.periods import Period, month_end, months_later, months_of
from ged.figures.queries import Standing
from ged.figures.stages import Grain, Stage, bin_of, next_bin, percentile
from ged.figures.telling import SMALL, Told, percent, tell
from ged.org.names import unit_names
from ged.register.models import Direction
from ged.unit import Actor, ReadSession
from web.drawing import charts
from web.drawing.charts import Drawing, Group, Guide, Value
from web.site import natures
from web.views.figures.asked import EVER, NO_NATURE, Asked
from web.words import figure_pages as words

MOST_DAYS = 62
"""Longer periods are shown by months."""
MOST_ROWS = 12
"""Rows of a picture; the table has all of them."""
AGES = (7, 15, 30, 60)
"""The last day, counted from the arrival, of each class of age; the last class has no end."""
AGE_LOOKS = ("age-0", "age-1", "age-2", "age-3", "age-4")
TWO = ("first", "second")
MEDIAN, NINE_OF_TEN = 0.5, 0.9


@dataclass(frozen=True)
class Cell:
    """A cell of a panel's table."""

    text: str
    href: str = ""
    is_number: bool = True


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        id: its name in addresses.
        text: what is shown and how, in a sentence or two: the picture's description.
        drawing: None: there is a table only, shown open.
        legend: (look, words).
        headings: of the columns; the first one is that of the names of the rows.
        nothing: what is said where there are no rows; empty: that there is no letter.
    """

    id: str
    title: str
    text: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    drawing: Drawing | None = None
    legend: tuple[tuple[str, str], ...] = ()
    nothing: str = ""

    @property
    def columns(self) -> list[str | tuple[str, str]]:
        """The headings for the macro of tables: numbers stand at the right."""
        first = self.rows[0] if self.rows else ()
        words = {n for n, cell in enumerate(first) if not cell.is_number} | {0}
        return [one if n in words else (one, "number") for n, one in enumerate(self.headings)]


@dataclass(frozen=True)
class Card:
    """A number with what it was before."""

    title: str
    text: str
    href: str
    before: str
    change: str
    definition: str


@dataclass(frozen=True)
class Board:
    """One reader's figures: the session, what is asked, and the names that the panels need."""

    session: ReadSession
    actor: Actor
    asked: Asked
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What several panels of a page need: read once."""

    # --- how numbers, days and names are written

    def tell(self, number: int) -> Told:
        """The number as this reader is told it. Rows are put in the order of told numbers: the order of others would tell them."""
        return tell(number, is_exact=self.asked.sight.is_exact)

    def text(self, told: Told) -> str:
        """A told number in words."""
        if told.is_small:
            return str(_("moins de %(num)s", num=SMALL))
        return str(format_decimal(told.amount))

    def cell(self, number: int, href: str = "") -> Cell:
        """A number as a cell; without letters there is no link."""
        return Cell(self.text(self.tell(number)), href if number else "")

    def value(self, number: int, name: str, series: str, href: str = "") -> Value:
        """A number as a shape."""
        told = self.tell(number)
        label = gettext("%(name)s : %(count)s (%(series)s)", name=name, count=self.text(told), series=series)
        return Value(told.amount, str(label), href if number else "")

    def are_too_few(self, bins: Mapping[int, int]) -> bool:
        """Whether the delays of so few letters would tell this reader the delay of one of them."""
        return not self.asked.sight.is_exact and sum(bins.values()) < SMALL

    def delay(self, bins: Mapping[int, int], share: float) -> str:
        """A percentile in words."""
        if self.are_too_few(bins):
            return "—"
        found = percentile(bins, share)
        return words.days(found) if found is not None else "—"

    @property
    def by_days(self) -> bool:
        """Whether the period is shown day by day."""
        return self.asked.sight.is_exact and self.asked.shown.days <= MOST_DAYS


def day_name(day: date) -> str:
    """A day on an axis."""
    return str(format_date(day, "d/MM"))


def month_name(month: date) -> str:
    """A month on an axis."""
    return str(format_date(month, "MMM yy"))


def period_name(period: Period) -> str:
    """A period in words."""
    if period.since == EVER:
        return str(_("jusqu'au %(last)s", last=format_date(period.until, "dd/MM/yyyy")))
    if period.since == period.until:
        return str(_("le %(day)s", day=format_date(period.since, "dd/MM/yyyy")))
    return str(
        _(
            "du %(first)s au %(last)s",
            first=format_date(period.since, "dd/MM/yyyy"),
            last=format_date(period.until, "dd/MM/yyyy"),
        )
    )


# --- cards ----------------------------------------------------------------------------------------------------------

LEAVING = (What.NUMBERED, What.SIGNED, What.DISPATCHED)
COMING = (What.RECEIVED, What.ANSWERED, What.CLOSED)


def _movements(asked: Asked) -> tuple[What, ...]:
    return LEAVING if asked.direction is Direction.OUTGOING else COMING


def cards(board: Board) -> list[Card]:
    """What came and went, what stands at the end, how long it takes; each beside the period before."""
    asked, cut, session = board.asked, board.asked.cut, board.session
    period, earlier = asked.shown, asked.earlier
    now, then = breakdown.totals(session, cut, period), breakdown.totals(session, cut, earlier)
    found = [
        _card(board, one, now[one.value], then[one.value], asked.letters(one, period)) for one in _movements(asked)
    ]
    stands, stood = queries.standing(session, cut, period.until), queries.standing(session, cut, earlier.until)
    end = Period(period.until, period.until)
    found.append(_card(board, What.OPEN, stands.open, stood.open, asked.letters(What.OPEN, end)))
    found.append(_card(board, What.OVERDUE, stands.overdue, stood.overdue, asked.letters(What.OVERDUE, end)))
    bins, earlier_bins = (breakdown.delays(session, cut, one, asked.stage) for one in (period, earlier))
    found.append(
        Card(
            _("Délai médian"),
            board.delay(bins, MEDIAN),
            "",
            board.delay(earlier_bins, MEDIAN),
            "",
            str(_("%(stage)s, en jours ouvrés.", stage=words.stage(asked.stage))),
        )
    )
    return found


def _card(board: Board, what: What, now: int, then: int, href: str) -> Card:
    told, earlier = board.tell(now), board.tell(then)
    return Card(
        words.what(what),
        board.text(told),
        href if now else "",
        board.text(earlier),
        _change(told, earlier) if board.asked.is_comparable else "",
        words.definition(what),
    )


def _change(now: Told, earlier: Told) -> str:
    change = percent(now, earlier)
    if change is None:
        return ""
    # The minus sign is typed as typography has it; a table that is saved has the numbers themselves.
    return str(_("sans changement")) if change == 0 else f"{'+' if change > 0 else '−'}{abs(change)} %"


def cards_panel(board: Board) -> Panel:
    """The cards as a table: for their file."""
    rows = tuple(
        (Cell(card.title, is_number=False), Cell(card.text, card.href), Cell(card.before), Cell(card.change))
        for card in cards(board)
    )
    headings = (_("Chiffre"), period_name(board.asked.shown), period_name(board.asked.earlier), _("Évolution"))
    return Panel("cards", _("Chiffres clés"), "", headings, rows)


# --- over time ------------------------------------------------------------------------------------------------------


def arrivals(board: Board) -> Panel:
    """What came and what was dealt with, by day or by month."""
    asked = board.asked
    came, done = (
        (What.NUMBERED, What.DISPATCHED) if asked.direction is Direction.OUTGOING else (What.RECEIVED, What.ANSWERED)
    )
    spans = _spans(board)
    grain = Grain.DAY if board.by_days else Grain.MONTH
    found = queries.by_day(board.session, asked.cut, spans[0][1].since, spans[-1][1].until, grain=grain)
    rows, groups = [], []
    for name, span in spans:
        counted = found.get(span.since, {})
        cells, values = [], []
        for what in (came, done):
            number, href = counted.get(what.value, 0), asked.letters(what, span)
            cells.append(board.cell(number, href))
            values.append(board.value(number, name, words.what(what), href))
        rows.append((Cell(name, is_number=False), *cells))
        groups.append(Group(name, tuple(values)))
    names = (words.what(came), words.what(done))
    return Panel(
        "arrivals",
        _("Arrivées et suites") if came is What.RECEIVED else _("Départs"),
        str(_("%(first)s et %(second)s, par jour.", first=names[0], second=names[1]))
        if board.by_days
        else str(_("%(first)s et %(second)s, par mois entier.", first=names[0], second=names[1])),
        (_("Jour") if board.by_days else _("Mois"), *names),
        tuple(rows),
        charts.columns(groups, TWO),
        tuple(zip(TWO, names, strict=True)),
    )


def standing(board: Board) -> Panel:
    """What is open and overdue at the end of each day or month."""
    asked, spans = board.asked, _spans(board)
    if board.by_days:
        found = breakdown.standings(board.session, asked.cut, [span.until for _name, span in spans])
        stands = [found[span.until] for _name, span in spans]
    else:
        months = [span.since for _name, span in spans]
        found = breakdown.month_standings(board.session, asked.cut, months, today=asked.today)
        stands = [found[month] for month in months]
    rows, groups = [], []
    for (name, span), stood in zip(spans, stands, strict=True):
        end = min(span.until, asked.today)
        cells, values = [], []
        for what, number in ((What.OPEN, stood.open), (What.OVERDUE, stood.overdue)):
            href = asked.letters(what, Period(end, end))
            cells.append(board.cell(number, href))
            values.append(board.value(number, name, words.what(what), href))
        rows.append((Cell(name, is_number=False), *cells))
        groups.append(Group(name, tuple(values)))
    names = (words.what(What.OPEN), words.what(What.OVERDUE))
    return Panel(
        "standing",
        _("En instance et en retard"),
        str(_("À la fin de chaque jour.")) if board.by_days else str(_("À la fin de chaque mois.")),
        (_("Jour") if board.by_days else _("Mois"), *names),
        tuple(rows),
        charts.lines(groups, ("line-first", "line-second")),
        tuple(zip(("line-first", "line-second"), names, strict=True)),
    )


def _spans(board: Board) -> list[tuple[str, Period]]:
    """The days, or the months, of the period, with their names. A month is whole, or it would be no cell."""
    period = board.asked.shown
    if board.by_days:
        days = [period.since + timedelta(days=n) for n in range(period.days)]
        return [(day_name(day), Period(day, day)) for day in days]
    return [(month_name(month), Period(month, month_end(month))) for month in months_of(period)]


def rhythm(board: Board) -> Panel | None:
    """The arrivals by weekday and week; None where the period is not shown by days.

    The figures know the day of an arrival, not its hour.
    """
    if not board.by_days:
        return None
    asked = board.asked
    what = What.NUMBERED if asked.direction is Direction.OUTGOING else What.RECEIVED
    period = asked.shown
    found = queries.by_day(board.session, asked.cut, period.since, period.until)
    first = period.since - timedelta(days=period.since.weekday())
    weeks = [first + timedelta(days=7 * n) for n in range(((period.until - first).days // 7) + 1)]
    weekdays = [str(format_date(first + timedelta(days=n), "EEEE")) for n in range(7)]
    groups, rows = [], [[Cell(name, is_number=False)] for name in weekdays]
    for week in weeks:
        values = []
        for n in range(7):
            day = week + timedelta(days=n)
            if not period.since <= day <= period.until:
                values.append(Value(0, str(_("hors de la période"))))
                rows[n].append(Cell(""))
                continue
            number, href = found.get(day, {}).get(what.value, 0), asked.letters(what, Period(day, day))
            cell = board.cell(number, href)
            values.append(
                replace(board.value(number, str(format_date(day, "EEEE d MMMM")), words.what(what), href), text=cell.text)
            )  # fmt: skip
            rows[n].append(cell)
        groups.append(Group(day_name(week), tuple(values)))
    return Panel(
        "rhythm",
        _("Rythme de la semaine"),
        str(_("%(what)s, par jour de la semaine et par semaine (son lundi).", what=words.what(what))),
        (_("Jour"), *(day_name(week) for week in weeks)),
        tuple(tuple(row) for row in rows),
        charts.heat(weekdays, groups),
    )


# --- what waits -----------------------------------------------------------------------------------------------------


def backlog(board: Board) -> Panel:
    """What is open now, by age, for each unit."""
    asked, names = board.asked, unit_names(board.session, board.actor)
    found = breakdown.waiting(board.session, asked.cut, today=asked.today)
    spans = _ages(asked.today)
    counted = {
        unit_id: tuple(sum(n for day, n in days.items() if span.since <= day <= span.until) for _name, span in spans)
        for unit_id, days in found.items()
    }
    order = sorted(counted, key=lambda one: (-board.tell(sum(counted[one])).amount, names.get(one, ""), one))
    rows, groups, totals = [], [], []
    for unit_id in order:
        name = names.get(unit_id, "—")
        numbers = counted[unit_id]
        named = {"unite": str(unit_id), "seul": "1"}
        hrefs = [asked.letters(What.WAITING, span, **named) for _name, span in spans]
        rows.append(
            (
                Cell(name, is_number=False),
                *(board.cell(number, href) for number, href in zip(numbers, hrefs, strict=True)),
                board.cell(sum(numbers)),
            )
        )
        values = [
            board.value(number, name, age, href)
            for number, href, (age, _span) in zip(numbers, hrefs, spans, strict=True)
        ]
        groups.append(Group(name, tuple(values)))
        totals.append(board.text(board.tell(sum(numbers))))
    return Panel(
        "backlog",
        _("En instance aujourd'hui, par âge"),
        str(_("Jours depuis l'arrivée (au départ : depuis le numéro) ; les services les plus chargés d'abord.")),
        (_("Service"), *(age for age, _span in spans), _("Total")),
        tuple(rows),
        charts.stacked_rows(groups[:MOST_ROWS], AGE_LOOKS, totals[:MOST_ROWS]) if groups else None,
        tuple(zip(AGE_LOOKS, (age for age, _span in spans), strict=True)),
    )


def _ages(today: date) -> list[tuple[str, Period]]:
    """The classes of age with the days on which their letters were opened."""
    found, least = [], 0
    for most in AGES:
        name = _("%(first)s à %(last)s jours", first=least, last=most)
        found.append((str(name), Period(today - timedelta(days=most), today - timedelta(days=least))))
        least = most + 1
    ever = Period(EVER, today - timedelta(days=least))
    return [*found, (str(_("plus de %(num)s jours", num=AGES[-1])), ever)]


# --- delays ---------------------------------------------------------------------------------------------------------


def delays(board: Board) -> Panel:
    """The delays of a stage, with their median, the delay that nine of ten letters keep, and what is owed."""
    asked = board.asked
    bins = breakdown.delays(board.session, asked.cut, asked.shown, asked.stage)
    spans = _bins(bins) if any(bins.values()) and not board.are_too_few(bins) else []
    rows, groups = [], []
    for first, after in spans:
        name, number = words.bin_name(first, after), bins.get(first, 0)
        href = asked.letters(What.DELAY, asked.shown, etape=asked.stage.value, de=str(first), a=str(first))
        rows.append((Cell(name, is_number=False), board.cell(number, href)))
        groups.append(Group(str(first), (board.value(number, name, str(_("courriers")), href),)))
    told, guides = [], []
    for share, title, look in ((MEDIAN, _("médiane"), "median"), (NINE_OF_TEN, _("9 sur 10"), "ninety")):
        text = board.delay(bins, share)
        sentence = str(gettext("%(name)s : %(text)s", name=title, text=text))
        told.append(sentence)
        found = percentile(bins, share)
        if found is not None and text != "—":
            guides.append(Guide(_place(spans, found) + 0.5, sentence, look))
    goal = _goal(board) if spans else None
    if goal is not None:
        told.append(str(_("objectif de la nature : %(delay)s", delay=words.days(goal))))
        guides.append(Guide(_place(spans, bin_of(goal)) + 1, str(_("objectif : %(delay)s", delay=words.days(goal))), "goal"))  # fmt: skip
    return Panel(
        "delays",
        str(_("Délais : %(stage)s", stage=words.stage(asked.stage))),
        str(_("Courriers par délai en jours ouvrés ; %(told)s.", told=" ; ".join(told))),
        (_("Délai"), _("Courriers")),
        tuple(rows),
        charts.columns(groups, TWO[:1], guides=guides) if spans else None,
    )


def _bins(bins: Mapping[int, int]) -> list[tuple[int, int | None]]:
    """(first day, first day of the next one) of all bins up to the last one with letters, ten at least."""
    last, at, found = max([10, *(one for one, letters in bins.items() if letters)]), 0, list[tuple[int, int | None]]()
    while at <= last:
        after = next_bin(at)
        found.append((at, after))
        if after is None:
            break
        at = after
    return found


def _place(spans: Sequence[tuple[int, int | None]], at_least: int) -> int:
    """The place of a bin on the axis; behind the last one: the end."""
    return next((n for n, (first, _after) in enumerate(spans) if first >= at_least), len(spans) - 1)


def _goal(board: Board) -> int | None:
    """What the nature owes, where one nature and the stage of the answer are shown."""
    asked = board.asked
    if asked.stage is not Stage.ANSWER or len(asked.narrowing.natures) != 1 or not asked.narrowing.natures[0]:
        return None
    return breakdown.goal(board.session, asked.narrowing.natures[0], asked.sight.unit_ids, board.actor.units)


# --- side by side ---------------------------------------------------------------------------------------------------


def entities(board: Board) -> Panel | None:
    """The entities side by side; None where there is one only."""
    found = breakdown.folded(_lines(board, By.UNIT), board.actor.units)
    if len(found) < 2:
        return None
    names = unit_names(board.session, board.actor)
    return _side_by_side(
        board, "entities", str(_("Par entité")), str(_("Entité")), [(names.get(one, "—"), {}, line) for one, line in found.items()],
    )  # fmt: skip


def units(board: Board) -> Panel:
    """The units side by side."""
    names = unit_names(board.session, board.actor)
    rows = [
        (names.get(int(one), "—"), {"unite": str(one), "seul": "1"}, line) for one, line in _lines(board, By.UNIT).items()
    ]  # fmt: skip
    return _side_by_side(board, "units", str(_("Par service")), str(_("Service")), rows)


def by_nature(board: Board) -> Panel:
    """The natures of letters side by side."""
    rows = [
        (natures.name_of(str(one)) or words.no_nature(), {"nature": str(one) or NO_NATURE}, line)
        for one, line in _lines(board, By.NATURE).items()
    ]
    return _side_by_side(board, "natures", str(_("Par nature")), str(_("Nature")), rows)


def _lines(board: Board, by: By) -> Mapping[breakdown.Key, Line]:
    asked = board.asked
    return breakdown.lines(
        board.session, asked.cut, asked.shown, by, end=asked.shown.until, stage=asked.stage
    )  # fmt: skip


def _side_by_side(
    board: Board, name: str, title: str, first: str, found: Sequence[tuple[str, Mapping[str, str], Line]]
) -> Panel:
    asked, moved = board.asked, _movements(board.asked)
    period, end = asked.shown, Period(asked.shown.until, asked.shown.until)
    rows, groups, totals = [], [], []
    in_time = str(_("en instance, dans les délais"))
    for text, named, line in sorted(found, key=lambda one: (-board.tell(one[2].standing.open).amount, one[0])):
        # An entity is no filter of the list of letters: its cells lead nowhere, its units have their own.
        is_linked = bool(named)

        def link(what: What, days: Period, named: Mapping[str, str] = named, linked: bool = is_linked) -> str:
            return asked.letters(what, days, **named) if linked else ""

        open_, overdue = line.standing.open, line.standing.overdue
        rows.append(
            (
                Cell(text, is_number=False),
                *(board.cell(line.counted[one.value], link(one, period)) for one in moved),
                board.cell(open_, link(What.OPEN, end)),
                board.cell(overdue, link(What.OVERDUE, end)),
                Cell(board.delay(line.delays, MEDIAN)),
                Cell(board.delay(line.delays, NINE_OF_TEN)),
            )
        )
        values = (
            board.value(overdue, text, words.what(What.OVERDUE), link(What.OVERDUE, end)),
            board.value(open_ - overdue, text, in_time, link(What.OPEN, end)),
        )
        groups.append(Group(text, values))
        totals.append(board.text(board.tell(open_)))
    headings = (
        first,
        *(words.what(one) for one in moved),
        words.what(What.OPEN),
        words.what(What.OVERDUE),
        str(_("Délai médian")),
        str(_("9 sur 10")),
    )
    is_drawn = any(value.amount for group in groups[:MOST_ROWS] for value in group.values)
    return Panel(
        name,
        title,
        str(_("En instance à la fin de la période, dont en retard ; délais : %(stage)s.", stage=words.stage(asked.stage))),
        headings,
        tuple(rows),
        charts.stacked_rows(groups[:MOST_ROWS], ("late", "in-time"), totals[:MOST_ROWS]) if is_drawn else None,
        (("late", words.what(What.OVERDUE)), ("in-time", in_time)),
    )  # fmt: skip


def months(board: Board) -> Panel:
    """Twelve months up to the last one of the period."""
    asked, moved = board.asked, _movements(board.asked)
    last = asked.shown.until.replace(day=1)
    firsts = [months_later(last, -n) for n in range(11, -1, -1)]
    counted = queries.by_day(board.session, asked.cut, firsts[0], firsts[-1], grain=Grain.MONTH)
    stands = breakdown.month_standings(board.session, asked.cut, firsts, today=asked.today)
    rows, groups = [], []
    for month in firsts:
        name, span = month_name(month), Period(month, month_end(month))
        numbers = counted.get(month, {})
        stood = stands.get(month, Standing(0, 0))
        end = min(span.until, asked.today)
        cells = [board.cell(numbers.get(one.value, 0), asked.letters(one, span)) for one in moved]
        cells.append(board.cell(stood.open, asked.letters(What.OPEN, Period(end, end))))
        cells.append(board.cell(stood.overdue, asked.letters(What.OVERDUE, Period(end, end))))
        rows.append((Cell(name, is_number=False), *cells))
        drawn = [
            board.value(numbers.get(one.value, 0), name, words.what(one), asked.letters(one, span)) for one in moved[:2]
        ]
        groups.append(Group(name, tuple(drawn)))
    names = tuple(words.what(one) for one in moved)
    return Panel(
        "months",
        str(_("Douze mois")),
        str(_("%(first)s et %(second)s, par mois entier.", first=names[0], second=names[1])),
        (str(_("Mois")), *names, words.what(What.OPEN), words.what(What.OVERDUE)),
        tuple(rows),
        charts.columns(groups, TWO),
        tuple(zip(TWO, names[:2], strict=True)),
    )


Maker = Callable[[Board], Panel | None]
OWN: Mapping[str, Maker] = {
    "arrivals": arrivals, "standing": standing, "backlog": backlog, "delays": delays, "rhythm": rhythm,
}  # fmt: skip
"""The panels of the reader's own figures, in their order on the page."""
OVERSEEN: Mapping[str, Maker] = {
    "entities": entities, "units": units, "natures": by_nature, "months": months, "backlog": backlog, "delays": delays,
}  # fmt: skip
"""The panels of who oversees, in their order on the page."""


FIRST, RHYTHM, WAITING, DELAYS, NATURES, MONTHS = "", "rythme", "attente", "delais", "natures", "mois"
"""The views of the pages. A page with all panels would be too large for a slow line."""
OWN_VIEWS: Mapping[str, tuple[str, ...]] = {
    FIRST: ("arrivals",), RHYTHM: ("rhythm",), WAITING: ("standing", "backlog"), DELAYS: ("delays",),
}  # fmt: skip
OVERSEEN_VIEWS: Mapping[str, tuple[str, ...]] = {
    FIRST: ("entities", "units"), NATURES: ("natures",), MONTHS: ("months",), WAITING: ("backlog",), DELAYS: ("delays",),
}  # fmt: skip


def made(board: Board, makers: Mapping[str, Maker], names: Sequence[str]) -> list[Panel]:
    """Those of these panels that have something to show."""
    found = (makers[name](board) for name in names)
    return [panel for panel in found if panel is not None]


def earlier_name(asked: Asked) -> str:
    """The period with which the cards compare."""
    return period_name(asked.earlier)
