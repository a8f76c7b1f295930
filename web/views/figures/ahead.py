"""The panels of the next two weeks: letters that come, what will be open, day by day and for each service.

A forecast is made of what came on each day. So it is shown to who may see each letter behind it, and to nobody else.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from flask_babel import format_date

from ged.dashboard import breakdown
from ged.dashboard.breakdown import By
from ged.dashboard.letters import What
from ged.figures.periods import ONE_DAY, Period
from ged.figures.queries import Standing
from ged.outlook import forecast, trends
from ged.outlook.forecast import Band, Checked, Forecast, History, Plan, Week
from ged.outlook.trends import Came
from ged.register.models import Direction
from ged.routing import calendar
from web.drawing import charts
from web.drawing.charts import Group, Value
from web.site import context
from web.views.figures import closed, left_out
from web.views.figures.asked import AskedFigures
from web.views.figures.board import MOST_ROWS, TWO, Board, Cell, Panel, RowsOf, day_name, period_name, sentences
from web.words import figure_pages as words
from web.words.messages import gettext as _
from web.words.messages import ngettext
from web.words.numbers import decimal

WHISKER = "whisker"


def arrivals(board: Board) -> Panel:
    """The letters of the next two weeks, beside the last eight weeks with what the rule would have told of them."""
    expected, came = _forecast_of_all(board), words.what(_came(board.asked))
    rows: list[tuple[Cell, ...]] = []
    groups, bands = list[Group](), list[charts.Band | None]()
    for week, past in _weeks(expected):
        if past is not None and not past.is_shown:
            _untold(week, past, rows, groups, bands)
            continue
        name, span = _week_name(week, past), Period(week.first, week.last)
        was = past.came if past is not None else None
        # The letters of some days of a week have no list.
        href = board.asked.letters(_came(board.asked), span) if past is not None and not past.left else ""
        rows.append(_week_row(week, past, week.came, week.came_band, was, href))
        groups.append(_group(week, past, week.came, was, came, href))
        bands.append(_drawn(name, week.came_band))
    return _of_weeks(board, "forecast", str(_("Courriers attendus")), expected, rows, groups, bands)


def backlog(board: Board) -> Panel | None:
    """What is open at the ends of the next two weeks, beside the last eight."""
    if not board.asked.sight.is_exact:
        return None
    expected, asked = _forecast_of_all(board), board.asked
    open_ = words.what(What.OPEN)
    rows: list[tuple[Cell, ...]] = []
    groups, bands = list[Group](), list[charts.Band | None]()
    for one in forecast.open_weeks(expected, _open_now(board)) if expected is not None else ():
        if one.past is not None and not one.past.is_shown:
            _untold(one.week, one.past, rows, groups, bands)
            continue
        href = asked.letters(What.OPEN, Period(one.week.last, one.week.last)) if one.was is not None else ""
        rows.append(_week_row(one.week, one.past, one.expected, one.band, one.was, href))
        groups.append(_group(one.week, one.past, one.expected, one.was, open_, href))
        bands.append(_drawn(_week_name(one.week, one.past), one.band))
    return _of_weeks(
        board, "forecast-open", str(_("En instance à la fin de la semaine")), expected, rows, groups, bands
    )


def days(board: Board) -> Panel | None:
    """The next two weeks, day by day."""
    if not board.asked.sight.is_exact:
        return None
    expected, asked = _forecast_of_all(board), board.asked
    came, done = words.what(_came(asked)), str(_("Sortis de l'instance"))
    rows, groups = [], []
    if expected is not None:
        for one, open_ in zip(expected.days, forecast.open_days(expected, _open_now(board)), strict=True):
            name = str(format_date(one.day, "EEEE d MMMM"))
            rows.append(
                (
                    Cell(name, is_number=False, value=one.day),
                    *(_whole_cell(number) for number in (one.came, one.done, open_)),
                )
            )
            values = ((one.came, came), (one.done, done))
            groups.append(Group(day_name(one.day), tuple(_expected(number, name, series) for number, series in values)))
    text = _(
        "Sortis de l'instance : traités, clos, ou partis vers tous leurs destinataires. Rien n'est attendu un jour férié."
    )
    return Panel(
        "forecast-days",
        _titled(board, str(_("Jour par jour"))),
        sentences(str(text), _left_words(board), _gone_words(board)),
        (str(_("Jour")), came, done, str(_("En instance le soir"))),
        tuple(rows),
        charts.columns(groups, TWO) if rows else None,
        tuple(zip(TWO, (came, done), strict=True)),
        _unknown(board),
    )


def units(board: Board) -> Panel | None:
    """The next two weeks of each unit; the most open letters first."""
    if not board.asked.sight.is_exact:
        return None
    names, stands = board.units, _stands(board)
    # In the order of what is open now: of 400 units, the picture needs the letters and the forecasts of a dozen.
    known = _months(board).keys() | {int(one) for one in stands}
    known |= {closed.heir_of(one, board.actor.units) for one in known} & board.asked.sight.unit_ids
    open_now = {one: stands[one].open if one in stands else 0 for one in known}
    order = sorted(open_now, key=lambda one: (-open_now[one], names.get(one, ""), one))
    drawn = order[:MOST_ROWS]
    _read(board, [one for unit_id in drawn for one in _with_taken(board, unit_id)])
    groups, totals = [], []
    for unit_id in drawn:
        name, open_, later = names.get(unit_id, "—"), open_now[unit_id], _later(board, unit_id, open_now[unit_id])
        open_then = open_ if later is None else later
        groups.append(Group(name, (_expected(open_then, name, str(_("dans 14 jours"))),)))
        totals.append(f"{decimal(open_)} → {'—' if later is None else _whole(later)}")
    return Panel(
        "forecast-units",
        _titled(board, str(_("Les deux prochaines semaines, par service"))),
        sentences(
            str(_("En instance hier soir → dans 14 jours, les services les plus chargés d'abord. La même règle pour chaque service. « — » : moins de huit semaines de courrier.")),
            str(_("Rien n'est attendu d'un service fermé : son courrier est attendu chez le service qui a pris la suite.")) if any(_is_closed(board, one) for one in order) else "",
            _left_words(board),
        ),
        (
            str(_("Service")), str(_("Attendus")), str(_("Fourchette")), str(_("Sortis de l'instance")), str(_("En instance hier")),
            str(_("Dans 14 jours")), str(_("Erreur par semaine")), str(_("Fourchette tenue")),
        ),
        RowsOf(order, lambda one: _of_unit(board, one, order, open_now[one])),
        charts.stacked_rows(groups, TWO[:1], totals) if any(one.values[0].amount for one in groups) else None,
        nothing=_unknown(board),
    )  # fmt: skip


def _forecast_of(board: Board, unit_id: int, *, is_checked: bool = True) -> Forecast | None:
    """The forecast of a unit, or of all (``trends.ALL``); None: their letters tell nothing yet."""
    window, months = _window(board), _months(board)
    if unit_id == trends.ALL:
        of_all = trends.moved(board.session, board.asked.cut, window, _column(board.asked), by_unit=False)
        history = of_all.get(trends.ALL, {})
    else:
        of = _with_taken(board, unit_id)
        histories = _read(board, of)
        history = trends.together(histories[one] for one in of)
        months = {one: month for one, month in months.items() if one in of}
    since = trends.known_since(history, months.values(), window)
    if since is None:
        return None
    return forecast.forecast(history, _plan(board), since=since, is_checked=is_checked)


def _is_closed(board: Board, unit_id: int) -> bool:
    unit = board.actor.units.get(unit_id)
    return unit is not None and unit.closed_at is not None


def _with_taken(board: Board, unit_id: int) -> list[int]:
    """Of whose letters a unit's forecast is made: its own, and those of closed units that it goes on for. None of a closed unit."""
    units = board.actor.units
    if "heirs" not in board.kept:
        heirs: dict[int, list[int]] = {}
        for one in sorted(board.asked.sight.unit_ids):
            heirs.setdefault(closed.heir_of(one, units), []).append(one)
        board.kept["heirs"] = heirs
    found: Mapping[int, list[int]] = board.kept["heirs"]
    return [] if _is_closed(board, unit_id) else found.get(unit_id, [unit_id])


def _gone_words(board: Board) -> str:
    """Which closed units are in the averages although others go on for them, who are not among what is shown; empty: none."""
    units, zone, names = board.actor.units, context.services().zone, board.unmarked
    since, gone = _window(board).since, list[str]()
    for one in sorted(board.asked.sight.unit_ids):
        day = closed.closed_on(units.get(one), zone)
        if (
            day is not None
            and day > since
            and closed.heir_of(one, units) not in board.asked.sight.unit_ids
            and one in names
        ):
            gone.append(str(_("« %(unit)s »", unit=names[one])))
    if not gone:
        return ""
    return str(
        _(
            "Un autre service a pris la suite de %(units)s : ce courrier n'arrive plus ici, et reste dans les moyennes de ces semaines.",
            units=closed.few(gone),
        )
    )


def _later(board: Board, unit_id: int, open_: int) -> float | None:
    """What a unit will have open after the two weeks; None: its letters tell nothing yet."""
    expected = _forecast_of(board, unit_id, is_checked=False)
    return _grown(open_, expected) if expected is not None else None


def _grown(open_: int, expected: Forecast) -> float:
    """What will be open after the two weeks."""
    return max(0.0, open_ + sum(week.more for week in expected.weeks))


def _of_unit(board: Board, unit_id: int, order: Sequence[int], open_: int) -> tuple[Cell, ...]:
    """A row of the table, whose units are ``order``."""
    _read(board, order)  # those of the picture alone are read before the table is opened
    asked, name, expected = board.asked, board.units.get(unit_id, "—"), _forecast_of(board, unit_id)
    end = Period(_yesterday(asked), _yesterday(asked))
    stands = Cell(
        decimal(open_),
        asked.letters(What.OPEN, end, unite=str(unit_id), seul="1") if open_ else "",
        value=open_,
    )
    if expected is None:
        return (Cell(name, is_number=False), *[Cell("—")] * 3, stands, *[Cell("—")] * 3)
    band = Band(
        *(
            sum(numbers)
            for numbers in zip(*((w.came_band.least, w.came_band.most) for w in expected.weeks), strict=True)
        )
    )
    return (
        Cell(name, is_number=False), _whole_cell(sum(week.came for week in expected.weeks)), Cell(_band_words(band)),
        _whole_cell(sum(week.done for week in expected.weeks)), stands, _whole_cell(_grown(open_, expected)),
        Cell("—") if expected.came_error is None else _error_cell(expected.came_error),
        Cell(_times(expected) if expected.checked else "—"),
    )  # fmt: skip


def _plan(board: Board) -> Plan:
    """The days of the forecasts."""
    if "plan" not in board.kept:
        asked = board.asked
        left = left_out.days(asked.left, asked.today)
        board.kept["plan"] = Plan.of(calendar.calendar(board.session), asked.today, left)
    found: Plan = board.kept["plan"]
    return found


def _window(board: Board) -> Period:
    """The days of whose letters forecasts are made."""
    return Period(_plan(board).days[0], _yesterday(board.asked))


def _months(board: Board) -> Mapping[int, date]:
    """The month of the first letters of each unit with letters."""
    if "months" not in board.kept:
        board.kept["months"] = trends.first_months(board.session, board.asked.cut, _window(board))
    found: Mapping[int, date] = board.kept["months"]
    return found


def _read(board: Board, unit_ids: Collection[int]) -> Mapping[int, History]:
    """The letters of units, day by day; those of units that were read already are kept."""
    kept: dict[int, History] = board.kept.setdefault("histories", {})
    wanted = [one for one in unit_ids if one not in kept]
    if wanted:
        cut = replace(board.asked.cut, unit_ids=wanted)
        found = trends.moved(board.session, cut, _window(board), _column(board.asked), by_unit=True)
        kept.update((one, found.get(one, {})) for one in wanted)
    return kept


def _forecast_of_all(board: Board) -> Forecast | None:
    """The forecast of all letters that are asked for; None: it cannot be made, or is not for this reader."""
    if not board.asked.sight.is_exact:
        return None
    if "told" not in board.kept:  # three panels show it
        board.kept["told"] = _forecast_of(board, trends.ALL)
    found: Forecast | None = board.kept["told"]
    return found


def _stands(board: Board) -> Mapping[breakdown.Key, Standing]:
    """What each unit had open yesterday evening."""
    found: Mapping[breakdown.Key, Standing] | None = board.kept.get("stands")
    if found is None:
        found = breakdown.standing_by(board.session, board.asked.cut, _yesterday(board.asked), By.UNIT)
        board.kept["stands"] = found
    return found


def _unknown(board: Board) -> str:
    """Why there is no forecast."""
    if not board.asked.sight.is_exact:
        return str(
            _(
                "Une prévision dit jour par jour ce qui est arrivé : elle n'est montrée qu'à qui peut ouvrir ces courriers."
            )
        )
    if board.asked.left:
        return str(
            _("Il faut huit semaines de courrier pour une prévision, dont quatre au moins sans jour laissé de côté.")
        )
    return str(_("Il faut huit semaines de courrier pour une prévision : il y en a moins."))


def _titled(board: Board, title: str) -> str:
    """A title, with the days that are left aside."""
    left = words.periods(map(period_name, board.asked.left))
    return str(_("%(title)s (jours laissés de côté : %(days)s)", title=title, days=left)) if left else title


def _left_words(board: Board) -> str:
    """What becomes of the days that are left aside; empty: there are none."""
    if not board.asked.left:
        return ""
    return str(
        _(
            "Les jours laissés de côté ne sont ni dans les moyennes, ni dans l'erreur passée ; leur semaine n'est pas dans la fourchette."
        )
    )


def _came(asked: AskedFigures) -> What:
    return What.NUMBERED if asked.direction is Direction.OUTGOING else What.RECEIVED


def _column(asked: AskedFigures) -> Came:
    return "numbered" if _came(asked) is What.NUMBERED else "received"


def _yesterday(asked: AskedFigures) -> date:
    return asked.today - ONE_DAY


def _open_now(board: Board) -> int:
    """What was open yesterday evening."""
    return sum(one.open for one in _stands(board).values())


def _weeks(expected: Forecast | None) -> list[tuple[Week, Checked | None]]:
    """The weeks of the past with what was, then those ahead."""
    if expected is None:
        return []
    return [*((one.week, one) for one in expected.past), *((week, None) for week in expected.weeks)]


def _untold(
    week: Week, past: Checked, rows: list[tuple[Cell, ...]], groups: list[Group], bands: list[charts.Band | None]
) -> None:
    """Add a week of which the rule tells nothing: too many of its days, or of those before it, are left aside."""
    rows.append((Cell(_week_name(week, past), is_number=False, saved=_week_in_file(week, past)), *[Cell("—")] * 4))
    groups.append(Group(day_name(week.first), (Value(0, ""), Value(0, ""))))
    bands.append(None)


def _week_row(
    week: Week, past: Checked | None, expected: float, band: Band, was: int | None, href: str
) -> tuple[Cell, ...]:
    truth = Cell("") if was is None else Cell(decimal(was), href if was else "", value=was)
    error = Cell("") if was is None else _error_cell(abs(expected - was))
    name = Cell(_week_name(week, past), is_number=False, saved=_week_in_file(week, past))
    return name, _whole_cell(expected), Cell(_band_words(band)), truth, error


def _group(week: Week, past: Checked | None, expected: float, was: int | None, series: str, href: str) -> Group:
    name, axis = _week_name(week, past), day_name(week.first)
    ahead = _expected(expected, name, series)
    if was is None:
        return Group(axis, (ahead, Value(0, "")))
    label = _("%(name)s : %(count)s", name=name, count=decimal(was))
    return Group(axis, (ahead, Value(was, str(label), href if was else "", series=series)))


def _expected(number: float, name: str, series: str) -> Value:
    label = _("%(name)s : %(count)s", name=name, count=_whole(number))
    return Value(number, str(label), series=str(_("%(series)s, attendus", series=series)))


def _drawn(name: str, band: Band) -> charts.Band:
    label = _("%(name)s : de %(least)s à %(most)s", name=name, least=decimal(band.least), most=decimal(band.most))
    return charts.Band(band.least, band.most, str(label), str(_("Fourchette")))


def _of_weeks(
    board: Board, name: str, title: str, expected: Forecast | None, rows: Sequence[tuple[Cell, ...]],
    groups: Sequence[Group], bands: Sequence[charts.Band | None],
) -> Panel:  # fmt: skip
    is_arrivals = name == "forecast"
    legend = (str(_("Attendus")), str(_("Réels")))
    return Panel(
        name,
        _titled(board, title),
        sentences(_rule(expected, is_arrivals=is_arrivals), _left_words(board), _gone_words(board))
        if expected is not None
        else "",
        (str(_("Semaine")), legend[0], str(_("Fourchette")), legend[1], str(_("Écart"))),
        tuple(rows),
        charts.columns(groups, TWO, bands=bands) if rows else None,
        (*zip(TWO, legend, strict=True), (WHISKER, str(_("Fourchette")))),
        _unknown(board),
        is_over_time=True,
    )


def _rule(expected: Forecast, *, is_arrivals: bool) -> str:
    """The rule and its past error, in sentences."""
    if is_arrivals:
        rule = _(
            "Pour chaque jour, la moyenne du même jour de la semaine sur les huit semaines d'avant, sans les jours fériés. Fourchette : "
            "du rythme de la semaine la plus calme à celui de la plus chargée. La période choisie n'y change rien."
        )  # fmt: skip
    else:
        rule = _(
            "En instance hier soir, plus les courriers attendus, moins ceux qui seront traités au rythme des huit semaines d'avant."
        )
    error = expected.came_error if is_arrivals else expected.more_error
    if error is None:
        unchecked = _("Il n'y a pas encore assez de semaines pour vérifier la règle.")
        return f"{rule} {unchecked}"
    found = ngettext(
        "Sur la dernière semaine, écart de la même règle, en courriers : %(error)s.",
        "Sur les %(num)s dernières semaines, écart moyen de la même règle, en courriers par semaine : %(error)s.",
        len(expected.checked), error=_error(error),
    )  # fmt: skip
    held = expected.held if is_arrivals else expected.held_open
    band = _("Le nombre réel était dans la fourchette %(times)s.", times=_times_of(held, len(expected.checked)))
    return f"{rule} {found} {band}"


def _times(expected: Forecast) -> str:
    return _times_of(expected.held, len(expected.checked))


def _times_of(held: int, of: int) -> str:
    return str(_("%(held)s fois sur %(weeks)s", held=held, weeks=of))


def _week_name(week: Week, past: Checked | None = None) -> str:
    return _without(f"{day_name(week.first)}–{day_name(week.last)}", past)


def _without(week: str, past: Checked | None) -> str:
    """A week, with how many of its days are left aside."""
    if past is None or not past.left:
        return week
    return str(ngettext("%(week)s (sans %(num)s jour)", "%(week)s (sans %(num)s jours)", past.left, week=week))


def _whole(number: float) -> str:
    return decimal(round(number))


def _week_in_file(week: Week, past: Checked | None) -> str:
    """A week with its years."""
    return _without("–".join(str(format_date(one, "dd/MM/yyyy")) for one in (week.first, week.last)), past)


def _whole_cell(number: float) -> Cell:
    return Cell(_whole(number), value=round(number))


def _error_cell(number: float) -> Cell:
    return Cell(_error(number), value=round(number, 1))


def _error(number: float) -> str:
    return decimal(number, places="#,##0.#")


def _band_words(band: Band) -> str:
    return str(_("%(least)s à %(most)s", least=decimal(band.least), most=decimal(band.most)))
