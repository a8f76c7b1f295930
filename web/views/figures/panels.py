"""The panels of the pages of figures. Each is one table of cells, in words and with links; its picture, its CSV and its ODS show
the same cells, so that none of them tells more than another.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from flask_babel import format_date

from ged.dashboard import breakdown
from ged.dashboard.breakdown import By, Line
from ged.dashboard.letters import What
from ged.dashboard.telling import apart, divided, is_few, percent
from ged.figures import queries
from ged.figures.days import HOURS
from ged.figures.periods import Period, months_later
from ged.figures.queries import Names, Standing
from ged.figures.stages import COUNTED, Grain, Stage, bin_of
from ged.org.tree import entity_of
from ged.register.models import Direction
from web.drawing import charts
from web.drawing.charts import Group, Guide, Value
from web.site import lists, natures
from web.views.figures.asked import EVER, NO_NATURE, AskedFigures
from web.views.figures.board import (
    DELAY,
    MEDIAN,
    MOST_ROWS,
    NINE_OF_TEN,
    TWO,
    UNIT,
    Board,
    Card,
    Cell,
    Maker,
    Panel,
    RowsOf,
    Span,
    Stretch,
    amount_of,
    and_then,
    change_name,
    day_name,
    last_bin,
    others,
    period_name,
    place_of,
    sentences,
)
from web.views.figures.curves import of_cards
from web.words import figure_pages as words
from web.words.messages import gettext as _

AGES = (7, 15, 30, 60)
"""The last day, counted from the arrival, of each class of age; the last class has no end."""
NATURE = "nature"
"""The filter of which each row of natures is a choice."""
AGE_LOOKS = ("age-0", "age-1", "age-2", "age-3", "age-4")


# --- cards ----------------------------------------------------------------------------------------------------------


def cards(board: Board) -> list[Card]:
    """What came and went, what stands at the end, how long it takes; each beside the period before."""
    asked, period = board.asked, board.asked.shown
    then = board.whole(asked.earlier)
    now = board.whole(period, (asked.earlier, then))
    stands, stood = now.standing, then.standing
    curves = of_cards(board, stands) if board.is_for_pictures else {}
    found = [
        _card(board, one, now.counted[one.value], then.counted[one.value], asked.letters(one, period), curves=curves)
        for one in asked.moved
    ]
    end = Period(period.until, period.until)
    found.append(_card(board, What.OPEN, stands.open, stood.open, asked.letters(What.OPEN, end), curves=curves))
    wholes, late = (stands.open, stood.open), asked.letters(What.OVERDUE, end)
    found.append(_card(board, What.OVERDUE, stands.overdue, stood.overdue, late, wholes, curves=curves))
    bins, earlier_bins = now.delays, then.delays
    found.append(
        Card(
            _("Délai médian"),
            board.delay(bins, MEDIAN),
            "",
            board.delay(earlier_bins, MEDIAN),
            "",
            str(
                _(
                    "%(stage)s : la moitié des courriers a demandé ce nombre de jours ouvrés ou moins.",
                    stage=words.stage(asked.stage),
                )
            ),
            (board.days_of(bins, MEDIAN), board.days_of(earlier_bins, MEDIAN), None),
            words.day_unit(),
        )
    )
    return found


def _card(
    board: Board, what: What, now: int, then: int, href: str, wholes: tuple[int | None, int | None] = (None, None), *,
    curves: Mapping[What, str],
) -> Card:  # fmt: skip
    shown, earlier = board.tell(now, wholes[0]), board.tell(then, wholes[1])
    # What stands at a day's end is as comparable after half a month as after a whole one.
    is_comparable = board.asked.is_comparable or what in (What.OPEN, What.OVERDUE)
    change = percent(shown, earlier) if is_comparable else None
    return Card(
        words.what(what),
        board.text(shown),
        board.href(now, href),
        board.text(earlier),
        change_name(change),
        words.definition(what),
        (amount_of(shown), amount_of(earlier), change / 100 if change is not None else None),
        curve=curves.get(what, ""),
    )


def cards_panel(board: Board) -> Panel:
    """The cards as a table: for their file."""
    rows = tuple(
        (
            Cell(card.title, is_number=False),
            Cell(card.text, card.href, value=card.values[0], unit=card.unit),
            Cell(card.before, value=card.values[1], unit=card.unit),
            Cell(card.change, value=card.values[2], unit=lists.PERCENT),
        )
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
    stretches = board.stretches()
    found = {one.days.since: board.counted(one.days) for one in stretches}
    names = (words.what(came), words.what(done))

    def numbers(one: Stretch) -> list[tuple[str, int, str]]:
        counted = found.get(one.days.since, {})
        return [
            (name, counted.get(what.value, 0), asked.letters(what, one.days))
            for name, what in zip(names, (came, done), strict=True)
        ]

    def cells(one: Stretch) -> tuple[Cell, ...]:
        return board.time_cell(one), *(board.cell(number, href) for _name, number, href in numbers(one))

    groups = [
        one.group([board.value(number, one.name, name, href) for name, number, href in numbers(one)])
        for one in stretches
    ]
    return Panel(
        "arrivals",
        _("Arrivées et suites") if came is What.RECEIVED else _("Départs"),
        _by_time(board, names, stretches),
        (_("Jour") if board.by_days else _("Mois"), *names),
        RowsOf(stretches, cells),
        charts.columns(groups, TWO, guides=board.closings(stretches)),
        tuple(zip(TWO, names, strict=True)),
        is_over_time=True,
    )


def _counted(board: Board, stretches: Sequence[Stretch], counted: Names) -> dict[date, Mapping[str, int]]:
    """First day of each stretch -> what is counted in it. A month that is cut is a sum of its days."""
    cut = board.asked.cut
    first, last = stretches[0].days.since, stretches[-1].days.until
    grain = Grain.DAY if board.by_days else Grain.MONTH
    days = queries.by_day(board.session, cut, first, last, grain=grain, counted=counted)
    found: dict[date, Mapping[str, int]] = dict(days)
    for one in stretches:
        if one.note:
            found[one.days.since] = breakdown.totals(board.session, cut, one.days, counted=counted)
    return found


def _by_time(board: Board, names: Sequence[str], stretches: Sequence[Stretch]) -> str:
    """What stands side by side, by which time."""
    named = {"first": names[0], "second": names[1]}
    if board.by_days:
        return str(_("%(first)s et %(second)s, par jour.", **named))
    if not board.is_exact:
        return str(_("%(first)s et %(second)s, par mois entier.", **named))
    return sentences(str(_("%(first)s et %(second)s, par mois.", **named)), board.cut_months(stretches))


def _last_day(asked: AskedFigures, one: Stretch) -> Period:
    """The day at whose end letters of a stretch stand open: its last one, or today."""
    day = min(one.days.until, asked.today)
    return Period(day, day)


def standing(board: Board) -> Panel:
    """What is open and overdue at the end of each day or month."""
    asked, stretches = board.asked, board.stretches()
    if board.by_days:
        found = breakdown.standings(board.session, asked.cut, [one.days.until for one in stretches])
        stands = [found[one.days.until] for one in stretches]
    else:
        months = [one.days.since.replace(day=1) for one in stretches]
        found = breakdown.month_standings(board.session, asked.cut, months, today=asked.shown.until)
        stands = [found[month] for month in months]

    names = (words.what(What.OPEN), words.what(What.OVERDUE))

    def numbers(one: Stretch, stood: Standing) -> list[tuple[str, int, str, int | None]]:
        end = _last_day(asked, one)
        return [
            (names[0], stood.open, asked.letters(What.OPEN, end), None),
            (names[1], stood.overdue, asked.letters(What.OVERDUE, end), stood.open),
        ]

    def cells(row: tuple[Stretch, Standing]) -> tuple[Cell, ...]:
        shown = (board.cell(number, href, whole=whole) for _name, number, href, whole in numbers(*row))
        return board.time_cell(row[0]), *shown

    rows = list(zip(stretches, stands, strict=True))
    groups = [
        one.group(
            [
                board.value(number, one.name, name, href, whole=whole)
                for name, number, href, whole in numbers(one, stood)
            ]
        )
        for one, stood in rows
    ]
    return Panel(
        "standing",
        _("En instance et en retard"),
        str(_("À la fin de chaque jour."))
        if board.by_days
        else sentences(str(_("À la fin de chaque mois.")), board.cut_months(stretches)),
        (_("Jour") if board.by_days else _("Mois"), *names),
        RowsOf(rows, cells),
        charts.lines(groups, ("line-first", "line-second"), guides=board.closings(stretches)),
        tuple(zip(("line-first", "line-second"), names, strict=True)),
        is_over_time=True,
    )


def rhythm(board: Board) -> Panel | None:
    """The arrivals by weekday and week; None where the period is not shown by days.

    The figures know the day of an arrival, not its hour.
    """
    if not board.by_days:
        return None
    asked = board.asked
    what = What.NUMBERED if asked.direction is Direction.OUTGOING else What.RECEIVED
    period = asked.shown
    found = queries.by_day(board.session, asked.cut, period.since, period.until, counted=(what.value,))
    first = period.since - timedelta(days=period.since.weekday())
    weeks = [first + timedelta(days=7 * n) for n in range(((period.until - first).days // 7) + 1)]
    weekdays = [str(format_date(first + timedelta(days=n), "EEEE")) for n in range(7)]
    series, outside = words.what(what), str(_("hors de la période"))
    groups, rows = [], [[Cell(name, is_number=False)] for name in weekdays]
    for week in weeks:
        values = []
        for n in range(7):
            day = week + timedelta(days=n)
            if not period.since <= day <= period.until:
                values.append(Value(0, outside))
                rows[n].append(Cell(""))
                continue
            number, href = found.get(day, {}).get(what.value, 0), asked.letters(what, Period(day, day))
            cell = board.cell(number, href)
            values.append(
                replace(board.value(number, str(format_date(day, "EEEE d MMMM")), series, href), text=cell.text)
            )
            rows[n].append(cell)
        groups.append(Group(day_name(week), tuple(values)))
    return Panel(
        "rhythm",
        _("Rythme de la semaine"),
        str(_("%(what)s, par jour de la semaine et par semaine (son lundi).", what=series)),
        (_("Jour"), *(day_name(week) for week in weeks)),
        tuple(tuple(row) for row in rows),
        charts.heat(weekdays, groups),
        is_over_time=True,
        days=dict(enumerate(weeks, start=1)),
    )


HOURS_SHOWN = range(6, 20)
"""The hours that have a column each; the others are in two: before, and after."""


def hours(board: Board) -> Panel | None:
    """When letters are registered: by weekday and hour. None for a reader of rounded numbers, who is told of no hour.

    It is the hour of the register: the figures know the day of an arrival, not its hour.
    """
    if not board.is_exact:
        return None
    asked = board.asked
    found = breakdown.hours(board.session, asked.cut, asked.shown)
    monday = asked.today - timedelta(days=asked.today.weekday())
    weekdays = [str(format_date(monday + timedelta(days=n), "EEEE")) for n in range(7)]
    first, after = HOURS_SHOWN.start, HOURS_SHOWN.stop
    spans = [(0, first), *((hour, hour + 1) for hour in HOURS_SHOWN), (after, HOURS)]
    names = [words.before_hour(first), *(words.hour(hour) for hour in HOURS_SHOWN), words.from_hour(after)]

    def counted(n: int, since: int, until: int) -> tuple[int, str]:
        begin, end = HOURS * n + since, HOURS * n + until - 1
        number = sum(found.get(hour, 0) for hour in range(begin, end + 1))
        return number, asked.letters(What.HOUR, asked.shown, de=str(begin), a=str(end)) if number else ""

    def cells(n: int) -> tuple[Cell, ...]:
        return Cell(weekdays[n], is_number=False), *(board.cell(*counted(n, *span)) for span in spans)

    groups: list[Group] = []
    for name, span in zip(names, spans, strict=True):
        values = []
        for n, weekday in enumerate(weekdays):
            number, href = counted(n, *span)
            value = board.value(number, f"{weekday}, {name}", words.letters, href)
            values.append(replace(value, text=board.text(board.tell(number)) if number else ""))
        groups.append(Group(name, tuple(values)))
    return Panel(
        "hours",
        str(_("Heures d'enregistrement")),
        str(_("Courriers par jour de la semaine et heure de leur enregistrement. Les courriers repris et ceux qui sont enregistrés un autre jour que celui de leur numéro n'y sont pas.")),
        (str(_("Jour")), *names),
        RowsOf(range(len(weekdays)), cells) if found else (),
        charts.heat(weekdays, groups) if found else None,
        nothing=str(_("Aucun courrier enregistré dans cette période.")),
    )  # fmt: skip


# --- what waits -----------------------------------------------------------------------------------------------------


def backlog(board: Board) -> Panel:
    """What is open now, by age, for each unit."""
    asked, names = board.asked, board.units
    found = breakdown.waiting(board.session, asked.cut, today=asked.today)
    counted = {unit_id: _by_age(asked.today, days) for unit_id, days in found.items()}
    lines: list[_Waiting] = [
        _Waiting(names.get(one, "—"), {"unite": str(one), "seul": "1"}, counted.get(one, [0] * (len(AGES) + 1)))
        for one in (counted if board.is_exact else asked.sight.unit_ids)
    ]
    rows_of = board.by(UNIT)
    lines.sort(key=lambda one: (-rows_of.tell(sum(one.numbers)).amount, one.name, one.named["unite"]))
    if board.is_exact:
        groups = [range(n, n + 1) for n in range(len(AGES) + 1)]
    else:
        groups = divided([sum(column) for column in zip(*(one.numbers for one in lines), strict=True)], board.step)
        kept = apart([[sum(one.numbers)] for one in lines], rows_of.step)
        rest = [one.numbers for n, one in enumerate(lines) if n not in kept]
        lines = [lines[n] for n in kept]
        if rest and groups:
            lines.append(_Waiting(others(lines), {}, [sum(column) for column in zip(*rest, strict=True)]))
    ages = _ages(asked.today, groups)
    looks = (*AGE_LOOKS[: len(ages)], *(() if board.is_exact else (UNDIVIDED,)))
    shown = lines if groups else []
    drawn = [Group(one.name, _values_by_age(rows_of, one, groups, ages)) for one in shown[:MOST_ROWS]]
    totals = [rows_of.text(rows_of.tell(sum(one.numbers))) for one in shown[:MOST_ROWS]]
    legend = [*zip(looks, (age for age, _span in ages), strict=False)]
    if not board.is_exact:
        legend.append((UNDIVIDED, str(_("âges non donnés"))))
    return Panel(
        "backlog",
        _("En instance aujourd'hui, par âge"),
        str(
            _(
                "Jours depuis l'arrivée ; pour un courrier au départ, depuis sa numérotation. Les services les plus chargés d'abord."
            )
        ),
        (_("Service"), *(age for age, _span in ages), _("Total")),
        RowsOf(shown, lambda one: _cells_by_age(rows_of, one, groups, ages)),
        charts.stacked_rows(drawn, looks, totals) if drawn else None,
        tuple(legend),
    )


UNDIVIDED = "first"
"""The look of a number whose parts are not told."""


@dataclass(frozen=True)
class _Waiting:
    """Open letters of a unit (or of several) by class of age; ``named``: the unit in the address of their list, empty: no list."""

    name: str
    named: Mapping[str, str]
    numbers: Sequence[int]

    def of(self, groups: Sequence[range]) -> list[int]:
        """The letters of groups of classes."""
        return [sum(self.numbers[n] for n in group) for group in groups]


def _is_undivided(board: Board, numbers: Sequence[int]) -> bool:
    """Whether the parts are not told: a reader of rounded numbers is told them only where none of them is few."""
    return not board.is_exact and len(numbers) > 1 and any(is_few(number, board.step) for number in numbers)


def _hrefs(board: Board, one: _Waiting, ages: Sequence[tuple[str, Period]]) -> list[str]:
    return [board.asked.letters(What.WAITING, span, **one.named) if one.named else "" for _name, span in ages]


def _by_age(today: date, days: Mapping[date, int]) -> list[int]:
    """The letters of each class of age, of letters by the day on which they were opened."""
    numbers = [0] * (len(AGES) + 1)
    for day, letters in days.items():
        numbers[bisect_left(AGES, (today - day).days)] += letters
    return numbers


def _cells_by_age(
    board: Board, one: _Waiting, groups: Sequence[range], ages: Sequence[tuple[str, Period]]
) -> tuple[Cell, ...]:
    """A row of the backlog."""
    numbers, hrefs = one.of(groups), _hrefs(board, one, ages)
    undivided = _is_undivided(board, numbers)
    cells = (Cell("—") if undivided else board.cell(*given) for given in zip(numbers, hrefs, strict=True))
    return Cell(one.name, is_number=False), *cells, board.cell(sum(numbers))


def _values_by_age(
    board: Board, one: _Waiting, groups: Sequence[range], ages: Sequence[tuple[str, Period]]
) -> tuple[Value, ...]:
    """The shapes of a row of the backlog."""
    numbers, hrefs = one.of(groups), _hrefs(board, one, ages)
    undivided = _is_undivided(board, numbers)
    values = [
        board.value(0 if undivided else number, one.name, age, href)
        for number, href, (age, _span) in zip(numbers, hrefs, ages, strict=True)
    ]
    if not board.is_exact:
        values.append(board.value(sum(numbers) if undivided else 0, one.name, str(_("âges non donnés"))))
    return tuple(values)


def _ages(today: date, groups: Sequence[range] | None = None) -> list[tuple[str, Period]]:
    """The classes of age, or groups of them, with the days on which their letters were opened."""
    bounds = [(least, most) for least, most in zip((0, *(most + 1 for most in AGES)), (*AGES, None), strict=True)]
    found = []
    for group in groups if groups is not None else [range(n, n + 1) for n in range(len(bounds))]:
        least, most = bounds[group[0]][0], bounds[group[-1]][1]
        until = today - timedelta(days=least)
        if most is not None:
            name = str(_("%(first)s à %(last)s jours", first=least, last=most))
            found.append((name, Period(today - timedelta(days=most), until)))
        else:
            name = str(_("plus de %(num)s jours", num=least - 1) if least else _("tous âges"))
            found.append((name, Period(EVER, until)))
    return found


# --- delays ---------------------------------------------------------------------------------------------------------


def delays(board: Board) -> Panel:
    """The delays of a stage, with their median, the delay that nine of ten letters keep, and what is owed."""
    asked = board.asked
    bins = board.delays(asked.shown)
    spans, rows_of = board.spans(bins), board.by(DELAY)

    def href(span: Span) -> str:
        first, after, _number = span
        return asked.letters(What.DELAY, asked.shown, etape=asked.stage.value, de=str(first), a=str(last_bin(after)))

    def cells(span: Span) -> tuple[Cell, ...]:
        return Cell(words.bin_name(*span[:2]), is_number=False), rows_of.cell(span[2], href(span))

    groups = [
        Group(str(one[0]), (rows_of.value(one[2], words.bin_name(*one[:2]), words.letters, href(one)),))
        for one in spans
    ]
    percentiles, guides = board.percentiles(spans, bins)
    goal = _goal(board) if spans else None
    if goal is not None:
        percentiles = and_then(percentiles, str(_("objectif de la nature : %(delay)s", delay=words.days(goal))))
        if board.is_exact:  # classes have no place for it
            guides.append(Guide(place_of(spans, bin_of(goal)) + 1, str(_("objectif : %(delay)s", delay=words.days(goal))), "goal"))  # fmt: skip
    return Panel(
        "delays",
        str(_("Délais : %(stage)s", stage=words.stage(asked.stage))),
        str(_("Courriers par délai en jours ouvrés ; %(told)s.", told=percentiles)),
        (_("Délai"), _("Courriers")),
        RowsOf(spans, cells),
        charts.columns(groups, TWO[:1], guides=guides) if spans else None,
        nothing=few(rows_of),
    )


def _goal(board: Board) -> int | None:
    """What the nature owes, where one nature and the stage of the answer are shown."""
    asked = board.asked
    if asked.stage is not Stage.ANSWER or len(asked.narrowing.natures) != 1 or not asked.narrowing.natures[0]:
        return None
    return breakdown.goal(board.session, asked.narrowing.natures[0], asked.sight.unit_ids, board.actor.units)


# --- side by side ---------------------------------------------------------------------------------------------------


NamedLine = tuple[str, Mapping[str, str], Line]
"""Name, what names it in the address of its letters (empty: nothing), figures."""


def entities(board: Board) -> Panel | None:
    """The entities side by side; None where there is one only."""
    units = board.actor.units
    found = breakdown.folded(board.lines(board.asked.shown, By.UNIT), units)
    if not board.is_exact:
        found = {
            one: found.get(one, NOTHING) for one in {entity_of(unit, units) for unit in board.asked.sight.unit_ids}
        }
    if len(found) < 2:
        return None
    names = board.units
    # Of rounded numbers the whole is told, and no letters of it.
    rows: list[NamedLine] = [
        (names.get(one, "—"), {"entite": str(one)} if board.is_exact else {}, line) for one, line in found.items()
    ]
    return _side_by_side(board.by(UNIT), "entities", str(_("Par entité")), str(_("Entité")), rows)


def units(board: Board) -> Panel:
    """The units side by side."""
    names, found = board.units, board.lines(board.asked.shown, By.UNIT)
    keys = found if board.is_exact else board.asked.sight.unit_ids
    rows: list[NamedLine] = [
        (names.get(int(one), "—"), {"unite": str(one), "seul": "1"}, found.get(one, NOTHING)) for one in keys
    ]
    return _side_by_side(board.by(UNIT), "units", str(_("Par service")), str(_("Service")), rows)


def by_nature(board: Board) -> Panel:
    """The natures of letters side by side."""
    found = board.lines(board.asked.shown, By.NATURE)
    chosen, names = board.asked.narrowing.natures, natures.told_apart()
    # Of rounded numbers each nature that there may be has a row, or is among the others.
    keys = list(found) if board.is_exact else list({*(chosen or ("", *names)), *found})
    rows: list[NamedLine] = [
        (names.get(str(one), str(one)) or words.no_nature(), {"nature": str(one) or NO_NATURE}, found.get(one, NOTHING))
        for one in keys
    ]
    if not board.is_exact and not chosen:
        # For natures that are in no list, as an earlier archive brings them: one that appears would tell of its first letter.
        rows.append(("", {}, NOTHING))
    return _side_by_side(board.by(NATURE), "natures", str(_("Par nature")), str(_("Nature")), rows)


NOTHING = Line(dict.fromkeys(COUNTED, 0), Standing(0, 0), {})


def _told_rows(board: Board, found: list[NamedLine]) -> list[NamedLine]:
    """The rows in the order of rounded numbers, the most overdue letters first. A reader of rounded numbers sees those that are few as one row, at the end."""

    def worst(row: NamedLine) -> tuple[object, ...]:
        name, named, line = row
        stands = line.standing
        late, open_ = board.tell(stands.overdue, stands.open), board.tell(stands.open)
        return -late.amount, -open_.amount, name, *named.values()

    order = sorted(found, key=worst)
    if board.is_exact:
        return order
    moved = board.asked.moved
    kept = apart(
        [[*(line.counted[one.value] for one in moved), line.standing.open] for _name, _named, line in order], board.step
    )
    rest = [line for n, (_name, _named, line) in enumerate(order) if n not in kept]
    rows = [order[n] for n in kept]
    return [*rows, (others(rows), {}, breakdown.added(rest))] if rest else rows


def _side_by_side(board: Board, name: str, title: str, first: str, found: list[NamedLine]) -> Panel:
    asked, moved = board.asked, board.asked.moved
    period, end = asked.shown, Period(asked.shown.until, asked.shown.until)
    undivided = str(_("En instance, sans le détail"))
    looks = ("late", "in-time", *(() if board.is_exact else (UNDIVIDED,)))

    def link(what: What, days: Period, named: Mapping[str, str]) -> str:
        return asked.letters(what, days, **named) if named else ""

    def cells(row: NamedLine) -> tuple[Cell, ...]:
        text, named, line = row
        open_, overdue = line.standing.open, line.standing.overdue
        return (
            Cell(text, is_number=False),
            *(board.cell(line.counted[one.value], link(one, period, named)) for one in moved),
            board.cell(open_, link(What.OPEN, end, named)),
            board.cell(overdue, link(What.OVERDUE, end, named), whole=open_),
            board.cell(open_ - overdue, link(What.IN_TIME, end, named), whole=open_),
            board.delay_cell(line.delays, MEDIAN),
            board.delay_cell(line.delays, NINE_OF_TEN),
        )

    rows, groups, totals = _told_rows(board, found), [], []
    for text, named, line in rows[:MOST_ROWS]:
        open_, overdue = line.standing.open, line.standing.overdue
        values = [
            board.value(overdue, text, words.what(What.OVERDUE), link(What.OVERDUE, end, named), whole=open_),
            board.value(open_ - overdue, text, words.what(What.IN_TIME), link(What.IN_TIME, end, named), whole=open_),
        ]
        if not board.is_exact:
            is_undivided = board.tell(overdue, open_).is_hidden
            values.append(board.value(open_ if is_undivided else 0, text, undivided, link(What.OPEN, end, named)))
        groups.append(Group(text, tuple(values)))
        totals.append(board.text(board.tell(open_)))
    headings = (
        first,
        *(words.what(one) for one in moved),
        words.what(What.OPEN),
        words.what(What.OVERDUE),
        words.what(What.IN_TIME),
        str(_("Délai médian")),
        str(_("Délai de 9 sur 10")),
    )
    is_drawn = any(value.amount for group in groups for value in group.values)
    return Panel(
        name,
        title,
        str(
            _(
                "En instance à la fin de la période, dont en retard ; le plus de retards d'abord. Délais du tableau (%(stage)s), en jours "
                "ouvrés : un courrier sur deux n'a pas dépassé le délai médian, 9 sur 10 n'ont pas dépassé le « délai de 9 sur 10 ».",
                stage=words.stage(asked.stage),
            )
        ),
        headings,
        RowsOf(rows, cells),
        charts.stacked_rows(groups, looks, totals) if is_drawn else None,
        tuple(zip(looks, (words.what(What.OVERDUE), words.what(What.IN_TIME), undivided), strict=False)),
    )  # fmt: skip


def months(board: Board) -> Panel:
    """Twelve months up to the end of the period."""
    asked, moved = board.asked, board.asked.moved
    last = asked.shown.until.replace(day=1)
    firsts = [months_later(last, -n) for n in range(11, -1, -1)]
    whole = board.of(Period(firsts[0], asked.period.until))
    stretches = whole.stretches()
    counted = _counted(whole, stretches, asked.movements)
    stands = breakdown.month_standings(board.session, asked.cut, firsts, today=asked.shown.until)

    def cells(stretch: Stretch) -> tuple[Cell, ...]:
        span, month = stretch.days, stretch.days.since
        numbers, stood = counted.get(month, {}), stands.get(month, Standing(0, 0))
        end = _last_day(asked, stretch)
        return (
            Cell(stretch.name, is_number=False),
            *(board.cell(numbers.get(one.value, 0), asked.letters(one, span)) for one in moved),
            board.cell(stood.open, asked.letters(What.OPEN, end)),
            board.cell(stood.overdue, asked.letters(What.OVERDUE, end), whole=stood.open),
        )

    def values(stretch: Stretch) -> list[Value]:
        span, numbers = stretch.days, counted.get(stretch.days.since, {})
        return [
            board.value(numbers.get(one.value, 0), stretch.name, words.what(one), asked.letters(one, span))
            for one in moved[:2]
        ]

    groups = [stretch.group(values(stretch)) for stretch in stretches]
    names = tuple(words.what(one) for one in moved)
    return Panel(
        "months",
        str(_("Douze mois")),
        _by_time(whole, names, stretches),
        (str(_("Mois")), *names, words.what(What.OPEN), words.what(What.OVERDUE)),
        RowsOf(stretches, cells),
        charts.columns(groups, TWO),
        tuple(zip(TWO, names[:2], strict=True)),
        is_over_time=True,
    )


OWN: Mapping[str, Maker] = {
    "arrivals": arrivals, "standing": standing, "backlog": backlog, "delays": delays, "rhythm": rhythm, "hours": hours,
}  # fmt: skip
"""The panels of the reader's own figures, in their order on the page."""
OVERSEEN: Mapping[str, Maker] = {
    "entities": entities, "units": units, "natures": by_nature, "months": months, "backlog": backlog, "delays": delays,
}  # fmt: skip
"""The panels of who oversees, in their order on the page."""


FIRST, RHYTHM, HOURS_VIEW, WAITING, DELAYS_VIEW, NATURES, MONTHS = (
    "",
    "rythme",
    "heures",
    "attente",
    "delais",
    "natures",
    "mois",
)
"""The views of the pages. A page with all panels would be too large for a slow line."""
OWN_VIEWS: Mapping[str, tuple[str, ...]] = {
    FIRST: ("arrivals",), RHYTHM: ("rhythm",), HOURS_VIEW: ("hours",), WAITING: ("backlog",), DELAYS_VIEW: ("delays", "standing"),
}  # fmt: skip
OVERSEEN_VIEWS: Mapping[str, tuple[str, ...]] = {
    FIRST: ("entities", "units"), NATURES: ("natures",), MONTHS: ("months",), WAITING: ("backlog",), DELAYS_VIEW: ("delays",),
}  # fmt: skip


def made(board: Board, makers: Mapping[str, Maker], names: Sequence[str]) -> list[Panel]:
    """Those of these panels that have something to show."""
    found = (makers[name](board) for name in names)
    return [replace(panel, nothing=panel.nothing or few(board)) for panel in found if panel is not None]


def few(board: Board) -> str:
    """What stands in place of letters that are few; empty: this reader is told of each of them."""
    return "" if board.is_exact else str(_("Moins de %(num)s courriers.", num=board.step.small))
