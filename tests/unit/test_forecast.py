"""The forecast of the next two weeks, with numbers made by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ged.outlook.forecast import NOW, WEEK, WEEKS, Band, Forecast, Moved, Plan, forecast, open_days, open_weeks
from ged.routing.deadlines import WorkCalendar

MONDAY = date(2026, 11, 30)
"""The day on which the forecasts are made."""
WEEKDAYS = frozenset(range(5))
LONG_AGO = date(2020, 1, 1)


def plan(*holidays: date) -> Plan:
    return Plan.of(WorkCalendar(WEEKDAYS, frozenset(holidays)), MONDAY)


def steady(by_weekday: dict[int, Moved], weeks: int = 2 * WEEKS) -> dict[date, Moved]:
    """The same letters in each week before today."""
    days = (MONDAY - timedelta(days=n) for n in range(1, weeks * WEEK + 1))
    return {one: by_weekday[one.weekday()] for one in days if one.weekday() in by_weekday}


def made(history: dict[date, Moved], of: Plan, since: date = LONG_AGO) -> Forecast:
    found = forecast(history, of, since=since)
    assert found is not None
    return found


STEADY = {0: Moved(10, 10, 4), 1: Moved(6, 6, 6), 4: Moved(2, 2, 1)}


def test_what_came_every_week_comes_again_and_the_rule_was_never_wrong() -> None:
    found = made(steady(STEADY), plan())
    assert [one.came for one in found.days] == [10, 6, 0, 0, 2, 0, 0] * 2
    assert [one.done for one in found.days] == [4, 6, 0, 0, 1, 0, 0] * 2
    assert [(one.first, one.last) for one in found.weeks] == [(MONDAY, MONDAY + timedelta(days=6)), (MONDAY + timedelta(days=7), MONDAY + timedelta(days=13))]  # fmt: skip
    assert [(one.came, one.done, one.more) for one in found.weeks] == [(18, 11, 7), (18, 11, 7)]
    assert [one.came_band for one in found.weeks] == [Band(18, 18)] * 2
    assert [one.more_band for one in found.weeks] == [Band(7, 7)] * 2
    assert len(found.past) == 8
    assert (found.came_error, found.more_error, found.held, found.held_open) == (0, 0, 8, 8)


def test_the_mean_of_the_eight_weeks_is_told_and_the_band_goes_from_the_calmest_to_the_busiest() -> None:
    history = steady({0: Moved(8, 8, 0)})
    for n in range(1, 9):  # 1 to 8 letters on the last eight Mondays
        history[MONDAY - timedelta(days=7 * n)] = Moved(n, n, 0)
    found = made(history, plan())
    assert found.weeks[0].came == 4.5
    assert found.weeks[0].came_band == Band(1, 8)
    # The week of last Monday: the seven Mondays before had 2 to 8, the one before them 8.
    last = found.past[-1]
    assert last.week.first == MONDAY - timedelta(days=7)
    assert last.week.came == pytest.approx((2 + 3 + 4 + 5 + 6 + 7 + 8 + 8) / 8)
    assert last.came == 1
    assert last.came_error == pytest.approx(43 / 8 - 1)
    assert last.week.came_band == Band(2, 8)
    assert not last.week.came_band.holds(last.came)
    # Each of the eight weeks was calmer than all before it, but the first, which was as the others.
    assert found.held == 1
    errors = [one.came_error for one in found.past]
    assert found.came_error == pytest.approx(sum(errors) / 8)


def test_a_holiday_of_the_past_is_left_out_of_the_mean_and_the_band_counts_by_working_days() -> None:
    off = MONDAY - timedelta(days=14)
    history = steady({n: Moved(5, 5, 0) for n in range(5)})
    history[off] = Moved(0, 0, 0)
    found = made(history, plan(off))
    assert [one.came for one in found.days[:5]] == [5.0] * 5
    assert found.weeks[0].came_band == Band(25, 25), "a week of four days had 20 letters, 5 for each working day"
    week = next(one for one in found.past if one.week.first == off)
    assert (week.week.came, week.came, week.week.came_band) == (20, 20, Band(20, 20))


def test_nothing_is_expected_on_a_holiday_and_what_comes_at_the_week_end_is_expected() -> None:
    history = steady({0: Moved(4, 4, 2), 5: Moved(1, 1, 0)})
    found = made(history, plan(MONDAY))
    assert [one.came for one in found.days[:7]] == [0, 0, 0, 0, 0, 1, 0]
    assert [one.came for one in found.days[7:]] == [4, 0, 0, 0, 0, 1, 0]


def test_a_weekday_that_was_always_a_holiday_tells_nothing() -> None:
    history = steady({0: Moved(4, 4, 2), 1: Moved(3, 3, 3)})
    off = [MONDAY - timedelta(days=7 * n) for n in range(1, 17)]
    assert [one.came for one in made(history, plan(*off)).days[:2]] == [0, 3]


def test_a_week_without_a_working_day_is_no_measure_of_a_band() -> None:
    off = [MONDAY - timedelta(days=7) + timedelta(days=n) for n in range(5)]
    found = made(steady({0: Moved(4, 4, 2), 5: Moved(1, 1, 0)}), plan(*off))
    assert found.weeks[0].came_band == Band(5, 5)


def test_without_eight_weeks_there_is_no_forecast_and_without_sixteen_fewer_weeks_are_checked() -> None:
    history = steady(STEADY)
    eight = MONDAY - timedelta(days=WEEKS * WEEK)
    assert forecast(history, plan(), since=eight + timedelta(days=1)) is None
    assert made(history, plan(), eight).past == ()
    assert made(history, plan(), eight).came_error is None
    assert len(made(history, plan(), eight - timedelta(days=WEEK)).past) == 1
    assert len(made(history, plan(), eight - timedelta(days=WEEK * WEEKS - 1)).past) == 7
    assert len(made(history, plan(), eight - timedelta(days=WEEK * WEEKS)).past) == 8


def test_what_comes_today_changes_nothing() -> None:
    history = steady(STEADY)
    assert made({**history, MONDAY: Moved(900, 900, 0)}, plan()) == made(history, plan())


def test_the_plan_begins_sixteen_weeks_before_today() -> None:
    found = plan()
    assert (found.days[0], found.days[NOW], found.days[-1]) == (MONDAY - timedelta(days=112), MONDAY, MONDAY + timedelta(days=13))  # fmt: skip


def test_no_letter_at_all_tells_of_none() -> None:
    found = made({}, plan())
    assert (found.weeks[0].came, found.weeks[0].came_band, found.came_error) == (0, Band(0, 0), 0)


def test_what_is_open_is_told_from_what_was_open_before_and_never_below_nothing() -> None:
    history = steady({0: Moved(came=4, opened=4), 2: Moved(done=3)})
    told = made(history, plan())
    found = open_weeks(told, 20)
    assert len(found) == len(told.past) + 2
    assert [one.was for one in found] == [20 - n for n in range(WEEKS - 1, -1, -1)] + [None, None]
    assert [round(one.expected) for one in found] == [*range(20 - WEEKS + 1, 21), 21, 22]
    assert all(one.band.holds(round(one.expected)) for one in found)
    days = open_days(told, 20)
    assert len(days) == 2 * WEEK
    assert round(days[-1]) == 22
    fewer = steady({0: Moved(done=3)})
    assert (open_days(made(fewer, plan()), 1)[-1], open_weeks(made(fewer, plan()), 1)[-1].expected) == (0, 0)
    assert open_weeks(made(fewer, plan()), 1)[-1].band == Band(0, 0)


def left(*days: date) -> Plan:
    return Plan.of(WorkCalendar(WEEKDAYS, frozenset()), MONDAY, days)


def test_a_day_that_is_left_aside_is_in_no_average_no_band_and_no_error() -> None:
    history, strike = steady(STEADY), MONDAY - timedelta(days=14)
    history[strike] = Moved(90, 90, 0)
    usual, without, struck = made(steady(STEADY), plan()), made(history, left(strike)), made(history, plan())
    assert without.weeks == usual.weeks, "as if the day were not known"
    assert without.days == usual.days
    week = without.past[-2]
    assert (week.left, week.left_more, week.is_shown) == (1, 90, True)
    assert (week.week.came, week.came) == (8, 8), "the other days of its week"
    assert (without.came_error, without.more_error, without.held) == (0, 0, 8)
    assert struck.weeks != without.weeks
    assert (struck.came_error or 0) > 0


def test_a_week_without_a_working_day_that_counts_is_not_checked() -> None:
    found = made(steady(STEADY), left(*(MONDAY - timedelta(days=7 - n) for n in range(5))))
    assert [one.is_shown for one in found.past] == [True] * 7 + [False]
    assert len(found.checked) == 7
    assert found.held == 7


def test_of_eight_weeks_four_are_whole_or_there_is_no_forecast() -> None:
    mondays = [MONDAY - timedelta(days=7 * n) for n in range(1, 6)]
    assert forecast(steady(STEADY), left(*mondays), since=LONG_AGO) is None
    found = made(steady(STEADY), left(*mondays[:4]))
    assert found.weeks[0].came == 18


def test_what_stood_open_is_told_with_the_days_that_are_left_aside() -> None:
    history, strike = steady(STEADY), MONDAY - timedelta(days=14)
    history[strike] = Moved(90, 90, 0)
    found, usual = open_weeks(made(history, left(strike)), 500), open_weeks(made(history, plan()), 500)
    assert [one.was for one in found] == [one.was for one in usual], "what was open was open"
    struck = found[-4]
    assert (struck.past is not None and struck.past.left, struck.expected) == (1, struck.was)
