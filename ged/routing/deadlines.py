"""Deadlines in working days. Pure: the working week and the holidays are rows, passed in."""

from bisect import bisect_right
from collections.abc import Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from ged.errors import Invalid

MAX_DAYS = 366


@dataclass(frozen=True)
class WorkCalendar:
    """Weekdays worked (Monday = 0) and days off."""

    weekdays: frozenset[int]
    holidays: frozenset[date]

    def is_working(self, day: date) -> bool:
        """Whether people work on that day."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def count(self, after: date, until: date) -> int:
        """Working days after a day, until another that is not earlier (included). Takes as long for years as for days."""
        weeks, rest = divmod((until - after).days, 7)
        worked = weeks * len(self.weekdays)
        worked += sum((after.weekday() + n) % 7 in self.weekdays for n in range(1, rest + 1))
        return worked - (bisect_right(self._lost, until) - bisect_right(self._lost, after))

    @cached_property
    def _lost(self) -> list[date]:
        """Days off that are weekdays worked, in order."""
        return sorted(day for day in self.holidays if day.weekday() in self.weekdays)


def add_working_days(start: date, days: int, calendar: WorkCalendar) -> date:
    """The day on which ``days`` working days after ``start`` have passed (the day of receipt does not count).

    Raises:
        Invalid: ``deadline.days``; ``deadline.no_working_day`` when the calendar has none.
    """
    if not 0 <= days <= MAX_DAYS:
        raise Invalid("deadline.days", "give a number of working days between 0 and 366", field="days")
    if not calendar.weekdays:
        raise Invalid("deadline.no_working_day", "set the working week")
    day = start
    # Also for no day at all: a date on a day off moves to the next day worked.
    while days > 0 or not calendar.is_working(day):
        day += timedelta(days=1)
        days -= calendar.is_working(day)
    return day


def working_days_between(start: date, end: date, calendar: WorkCalendar) -> int:
    """Working days left from ``start`` (excluded) to ``end`` (included); negative when ``end`` has passed."""
    if end < start:
        return -working_days_between(end, start, calendar)
    return calendar.count(start, end)


def latest(due_on: date | None, bounds: Set[date | None]) -> date | None:
    """A due date, checked to be no later than the dates above it; without an own date, the earliest of those.

    Raises:
        Invalid: ``deadline.later_than_above``.
    """
    limits = [bound for bound in bounds if bound is not None]
    if not limits:
        return due_on
    if due_on is not None and due_on > min(limits):
        raise Invalid(
            "deadline.later_than_above", "choose a date not later than your own", field="due_on", limit=min(limits)
        )
    return due_on or min(limits)
