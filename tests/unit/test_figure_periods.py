"""Periods of figures, and how numbers are told."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import accumulate, product

import pytest

from ged.dashboard.telling import SMALL, ToldNumber, added_up, percent, tell
from ged.figures.periods import (
    FEWEST_MONTHS,
    Period,
    before,
    month_end,
    month_or_year,
    months_later,
    months_of,
    whole_months,
)
from ged.figures.stages import bin_of, next_bin

DAYS = [date(2027, 12, 20) + timedelta(days=n) for n in range(110)]
"""Over a year's end and a 29 February."""


@pytest.mark.parametrize("since", DAYS[::7])
def test_whole_months_and_the_other_days_are_the_period(since: date) -> None:
    for until in (one for one in DAYS if one >= since):
        found = whole_months(since, until)
        if found is None:
            continue
        first, last = found
        assert since <= first <= last <= until
        assert first.day == 1
        assert last == month_end(last)
        assert (first - since).days < 31
        assert (until - last).days < 31


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-11-01", "2026-11-30", ("2026-11-01", "2026-11-30")),
        ("2026-11-02", "2026-11-30", None),
        ("2026-11-01", "2026-11-29", None),
        ("2026-10-31", "2026-12-01", ("2026-11-01", "2026-11-30")),
        ("2026-01-01", "2026-12-31", ("2026-01-01", "2026-12-31")),
        ("2026-11-05", "2026-11-05", None),
    ],
)
def test_the_months_that_are_whole(since: str, until: str, expected: tuple[str, str] | None) -> None:
    found = whole_months(date.fromisoformat(since), date.fromisoformat(until))
    assert (found and tuple(map(str, found))) == expected


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-11-10", "2026-11-29", ("2026-10-21", "2026-11-09")),
        ("2026-11-01", "2026-11-30", ("2026-10-01", "2026-10-31")),
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("2026-03-01", "2026-03-30", ("2026-02-01", "2026-02-28")),
        ("2026-03-01", "2026-03-15", ("2026-02-01", "2026-02-15")),
        ("2026-01-01", "2026-12-31", ("2025-01-01", "2025-12-31")),
        ("2026-04-01", "2026-06-30", ("2026-01-01", "2026-03-31")),
        ("2026-11-29", "2026-11-29", ("2026-11-28", "2026-11-28")),
        ("2026-12-01", "2026-12-01", ("2026-11-01", "2026-11-01")),  # of a month the first day has come
    ],
)
def test_the_period_before(since: str, until: str, expected: tuple[str, str]) -> None:
    found = before(Period(date.fromisoformat(since), date.fromisoformat(until)))
    assert (str(found.since), str(found.until)) == expected


def test_the_period_before_ends_before_the_period() -> None:
    for since in DAYS[::3]:
        for until in (one for one in DAYS[::5] if one >= since):
            assert before(Period(since, until)).until < since


def test_a_period_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="a day at least"):
        Period(date(2026, 2, 1), date(2026, 1, 31))


def test_months() -> None:
    period = Period(date(2026, 11, 12), date(2027, 1, 3))
    assert [str(month) for month in months_of(period)] == ["2026-11-01", "2026-12-01", "2027-01-01"]
    assert months_later(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_later(date(2026, 1, 15), -13) == date(2024, 12, 15)


def test_who_may_see_the_letters_is_told_the_number() -> None:
    assert [tell(one, is_exact=True) for one in range(12)] == [ToldNumber(one) for one in range(12)]


def test_others_are_told_no_number_below_five_and_no_number_that_is_exact() -> None:
    assert {tell(one, is_exact=False) for one in range(SMALL)} == {ToldNumber(0, is_small=True)}
    for one in range(SMALL, 500):
        told = tell(one, is_exact=False)
        assert not told.is_small
        assert told.amount % SMALL == 0
        assert abs(told.amount - one) <= 2
        assert told.amount >= SMALL


def test_a_change_is_told_of_told_numbers_alone() -> None:
    assert percent(ToldNumber(12), ToldNumber(10)) == 20
    assert percent(ToldNumber(0), ToldNumber(10)) == -100
    assert percent(ToldNumber(10), ToldNumber(0)) is None
    assert percent(tell(3, is_exact=False), ToldNumber(10)) is None
    assert percent(ToldNumber(10), tell(3, is_exact=False)) is None
    assert percent(ToldNumber(100), ToldNumber(10)) == 900
    assert percent(ToldNumber(110), ToldNumber(10)) is None, "the two numbers alone tell it"


def test_each_delay_lies_in_one_bin_of_a_list() -> None:
    for days in range(400):
        first = bin_of(days)
        after = next_bin(first)
        assert first <= days
        assert after is None or days < after


def test_who_is_told_rounded_numbers_is_told_of_a_month_or_of_calendar_years() -> None:
    """Totals of all spans of months, each rounded by itself, would give each month exactly."""
    for since in DAYS[::7]:
        for until in (one for one in DAYS[::3] if one >= since):
            found = month_or_year(Period(since, until), until)
            assert found.since <= until <= found.until
            assert found.since.day == 1
            assert found.until == month_end(found.until)
            assert found.months == 1 or (found.since.month, found.until.month) == (1, 12)
            is_month = (since.year, since.month) == (until.year, until.month) or until.month < FEWEST_MONTHS
            assert (found.months == 1) is is_month
            to_come = month_or_year(Period(since, until + timedelta(days=700)), until)
            assert to_come.since <= until <= to_come.until, "a year to come is none"


def test_the_first_two_months_of_a_year_are_told_one_by_one() -> None:
    """The sum of two told numbers is no third one: of a small month beside a large one it told one time in two that it is not empty."""
    chance, told, known = random.Random(11), 0, 0
    for _ in range(2000):
        month, small = chance.randint(5, 60), chance.randint(1, 4)
        bounds = [
            (found.amount - 2, found.amount + 2)
            for found in (tell(month, is_exact=False), tell(month + small, is_exact=False))
        ]
        told, known = told + 1, known + (bounds[1][0] > bounds[0][1])
    assert known > told / 3, "the attack works"
    for day in (date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28)):
        for period in (Period(date(2026, 1, 1), date(2026, 12, 31)), Period(date(2024, 5, 1), day)):
            assert month_or_year(period, day) == Period(day.replace(day=1), month_end(day))
    spring = date(2026, 3, 1)
    assert month_or_year(Period(date(2026, 1, 1), spring), spring).months == 12
    assert month_or_year(Period(date(2025, 1, 1), date(2025, 2, 28)), spring).months == 12, "a year that has ended"


def _bounds(counts: Sequence[int], periods: Iterable[Period]) -> list[tuple[int, int]]:
    """The least and the largest number that each month can have, by the told numbers of some periods: a system of differences."""
    size = len(counts)
    upto = list(accumulate(counts, initial=0))
    most = [[0 if one == other else 10**9 for other in range(size + 1)] for one in range(size + 1)]
    for period in periods:
        first = (period.since.year - 2025) * 12 + period.since.month - 1
        after = first + period.months
        found = tell(upto[after] - upto[first], is_exact=False)
        least, largest = (0, SMALL - 1) if found.is_small else (max(SMALL, found.amount - 2), found.amount + 2)
        most[first][after], most[after][first] = largest, -least
    for over, one, other in product(range(size + 1), repeat=3):
        most[one][other] = min(most[one][other], most[one][over] + most[over][other])
    return [(-most[month + 1][month], most[month][month + 1]) for month in range(size)]


def test_the_numbers_of_all_periods_together_tell_no_small_month() -> None:
    """Those of all spans of months would give each month exactly."""
    chance = random.Random(7)
    starts = months_of(Period(date(2025, 1, 1), date(2026, 12, 31)))
    spans = [Period(one, month_end(other)) for one in starts for other in starts if one <= other]
    for most in (1, 3, 8, 20):
        counts = [chance.randint(0, most) for _ in starts]
        of_all_spans = _bounds(counts, spans)
        assert sum(least == largest for least, largest in of_all_spans) > len(counts) // 2, "the attack works"
        for count, (least, largest) in zip(
            counts, _bounds(counts, {month_or_year(one, date(2026, 12, 31)) for one in spans}), strict=True
        ):
            assert least <= count <= largest
            if count < SMALL:
                assert (least, largest) == (0, SMALL - 1)


def test_a_total_beside_its_parts_tells_no_more_than_they_do() -> None:
    """Six and two are told as "5" and "less than 5": a total of "10", rounded by itself, would tell that the two are not none."""
    assert added_up(tell(6, is_exact=False), tell(2, is_exact=False)) == added_up(
        tell(5, is_exact=False), tell(0, is_exact=False)
    )
    assert added_up(tell(2, is_exact=False), tell(2, is_exact=False)).is_small
    assert added_up(tell(6, is_exact=True), tell(2, is_exact=True)) == tell(8, is_exact=True)
