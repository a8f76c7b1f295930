"""Due dates in working days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ged.errors import Invalid
from ged.routing.deadlines import WorkCalendar, add_working_days, latest, working_days_between
from tests.remedies import refused

TOGO = WorkCalendar(frozenset(range(5)), frozenset({date(2026, 12, 25), date(2027, 1, 1)}))


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (date(2026, 11, 24), 0, date(2026, 11, 24)),
        (date(2026, 11, 24), 3, date(2026, 11, 27)),
        (date(2026, 11, 24), 4, date(2026, 11, 30)),
        (date(2026, 12, 24), 1, date(2026, 12, 28)),
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
        (date(2026, 12, 31), 1, date(2027, 1, 4)),
    ],
)
def test_weekends_and_holidays_do_not_count(start: date, days: int, expected: date) -> None:
    assert add_working_days(start, days, TOGO) == expected


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 60))
def test_counting_back_gives_the_days(start: date, days: int) -> None:
    end = add_working_days(start, days, TOGO)
    assert TOGO.is_working(end)
    assert working_days_between(start, end, TOGO) == days


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(-400, 4_000),
    st.frozensets(st.integers(0, 6)),
    st.frozensets(st.dates(date(2019, 6, 1), date(2031, 1, 1)), max_size=30),
)
def test_days_are_counted_without_walking_over_them(
    start: date, length: int, weekdays: frozenset[int], holidays: frozenset[date]
) -> None:
    calendar, end = WorkCalendar(weekdays, holidays), start + timedelta(days=length)
    first, last = sorted((start, end))
    walked = sum(calendar.is_working(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))
    assert working_days_between(start, end, calendar) == (walked if end >= start else -walked)


@pytest.mark.parametrize("days", [-1, 367])
def test_a_number_of_days_has_limits(days: int) -> None:
    with refused(Invalid, "deadline.days", field="days"):
        add_working_days(date(2026, 11, 24), days, TOGO)


def test_a_year_of_working_days_is_not_too_many() -> None:
    every_day = WorkCalendar(frozenset(range(7)), frozenset())
    assert add_working_days(date(2026, 1, 1), 366, every_day) == date(2027, 1, 2)


def test_a_calendar_without_working_day_is_refused() -> None:
    with refused(Invalid, "deadline.no_working_day"):
        add_working_days(date(2026, 1, 1), 1, WorkCalendar(frozenset(), frozenset()))


def test_a_day_is_worked_when_the_week_has_it_and_it_is_no_holiday() -> None:
    assert TOGO.is_working(date(2026, 12, 24))
    assert not TOGO.is_working(date(2026, 12, 25))
    assert not TOGO.is_working(date(2026, 12, 26))


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2026, 11, 24), date(2026, 11, 24), 0),
        (date(2026, 11, 24), date(2026, 11, 25), 1),
        (date(2026, 11, 25), date(2026, 11, 24), -1),
        (date(2026, 11, 27), date(2026, 11, 29), 0),
        (date(2026, 11, 29), date(2026, 11, 30), 1),
        (date(2026, 12, 28), date(2026, 12, 23), -2),
    ],
)
def test_the_first_day_does_not_count_and_the_last_does(start: date, end: date, days: int) -> None:
    assert working_days_between(start, end, TOGO) == days


def test_a_unit_below_never_gets_a_later_date() -> None:
    above = date(2026, 12, 1)
    assert latest(None, {above}) == above
    assert latest(above, {above, above + timedelta(days=1)}) == above
    assert latest(above - timedelta(days=1), {above}) == above - timedelta(days=1)
    with refused(Invalid, "deadline.later_than_above", field="due_on", limit=above):
        latest(above + timedelta(days=1), {above, None})


def test_where_nobody_above_has_a_date_any_goes() -> None:
    assert latest(None, {None}) is None
    assert latest(date(2026, 12, 1), {None}) == date(2026, 12, 1)
    assert latest(date(2026, 12, 1), set()) == date(2026, 12, 1)
