"""What is to be expected of the next two weeks, by a rule that a sentence explains; and how far the rule was off so far. Pure.

**The rule.** On a day as many letters are expected as came on average on the same weekday of the eight weeks before; what is answered
likewise. A holiday is left out of the averages, and nothing is expected on it. The **band** of a week goes from the calmest of the
eight weeks to the busiest, by their letters for each working day.

**Days that are left aside**, a strike say, are in no average, and their week is in no band: its other days are no week. A week of the past with
such days is checked by its other days. Four whole weeks of the eight are needed.

**Its past error.** The rule is applied to each of the last eight weeks, with what was known before it, and compared with what came.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor
from typing import NamedTuple, Self

from ged.routing.deadlines import WorkCalendar

WEEKS = 8
"""Weeks of the averages, and weeks of the past to which the rule is applied."""
WHOLE_WEEKS = 4
"""Weeks without a day that is left aside, of the ``WEEKS``."""
AHEAD = 2
"""Weeks that are told."""
WEEK = 7


class Moved(NamedTuple):
    """Letters of a day: those that came, those that came to be open, and those that ended."""

    came: int = 0
    opened: int = 0
    done: int = 0

    def __add__(self, other: "Moved") -> "Moved":  # type: ignore[override]
        """The sums, number by number. (A plain tuple would join both.)"""
        return Moved(self.came + other.came, self.opened + other.opened, self.done + other.done)

    @property
    def more(self) -> int:
        """By how much what is open has grown."""
        return self.opened - self.done


NOTHING = Moved()
History = Mapping[date, Moved]
"""Day -> letters; a day without letters may be missing."""


@dataclass(frozen=True)
class Band:
    """Whole numbers, both included."""

    least: int
    most: int

    def holds(self, number: int) -> bool:
        """Whether a number lies in it."""
        return self.least <= number <= self.most


@dataclass(frozen=True)
class Expected:
    """What is expected of a day: letters that come, letters that end, and by how much what is open grows."""

    day: date
    came: float
    done: float
    more: float


@dataclass(frozen=True)
class Week:
    """What is expected of the seven days from a day on.

    Attributes:
        came, done: letters that come, letters that end.
        came_band: of the letters that come.
        more, more_band: by how much what is open grows (below 0: shrinks).
    """

    first: date
    came: float
    done: float
    came_band: Band
    more: float
    more_band: Band

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + timedelta(days=WEEK - 1)


@dataclass(frozen=True)
class Checked:
    """A week of the past: what the rule would have told, and what was.

    Attributes:
        came, more: on the days that are not left aside, as ``week`` has them.
        left: how many days are left aside; ``left_more``: by how much what is open grew on them.
        is_shown: whether the rule tells something of it: one of its working days at least is not left aside, and four of the weeks before are whole.
    """

    week: Week
    came: int
    more: int
    left: int = 0
    left_more: int = 0
    is_shown: bool = True

    @property
    def came_error(self) -> float:
        """By how many letters the rule was off."""
        return abs(self.week.came - self.came)

    @property
    def more_error(self) -> float:
        """By how many open letters the rule was off."""
        return abs(self.week.more - self.more)


@dataclass(frozen=True)
class Forecast:
    """The next two weeks.

    Attributes:
        days: each of them, from ``today`` on.
        past: the last weeks, the earliest first; none where there are no eight weeks before any of them.
    """

    days: tuple[Expected, ...]
    weeks: tuple[Week, ...]
    past: tuple[Checked, ...]

    @property
    def checked(self) -> tuple[Checked, ...]:
        """The weeks of the past of which the rule tells something."""
        return tuple(one for one in self.past if one.is_shown)

    @property
    def came_error(self) -> float | None:
        """The mean absolute error of the letters of a week; None: there is no week to check."""
        return _mean([one.came_error for one in self.checked]) if self.checked else None

    @property
    def more_error(self) -> float | None:
        """The mean absolute error of what is open at the end of a week; None: there is no week to check."""
        return _mean([one.more_error for one in self.checked]) if self.checked else None

    @property
    def held(self) -> int:
        """In how many weeks of the past the letters that came lay in the band."""
        return sum(one.week.came_band.holds(one.came) for one in self.checked)

    @property
    def held_open(self) -> int:
        """In how many weeks of the past what was open grew as the band says."""
        return sum(one.week.more_band.holds(one.more) for one in self.checked)


@dataclass(frozen=True)
class Plan:
    """The days that a forecast looks at, 16 weeks before today and two from today on; made once for all units.

    Attributes:
        worked: whether people work on each day.
        is_free: whether each day is a holiday: a day of the working week on which nobody works.
        is_left: whether each day is left aside.
    """

    days: tuple[date, ...]
    worked: tuple[bool, ...]
    is_free: tuple[bool, ...]
    is_left: tuple[bool, ...]

    @classmethod
    def of(cls, calendar: WorkCalendar, today: date, left: Collection[date] = ()) -> Self:
        """The plan of a day; ``left``: days that are left aside."""
        days = tuple(today + timedelta(days=n) for n in range(-NOW, AHEAD * WEEK))
        worked = tuple(map(calendar.is_working, days))
        free = tuple(one.weekday() in calendar.weekdays and not works for one, works in zip(days, worked, strict=True))
        return cls(days, worked, free, tuple(one in left for one in days))

    @property
    def today(self) -> date:
        """The first day that is told."""
        return self.days[NOW]

    def work(self, at: int) -> int:
        """The working days of the week from a place on, without those that are left aside."""
        return sum(
            works and not left
            for works, left in zip(self.worked[at : at + WEEK], self.is_left[at : at + WEEK], strict=True)
        )

    def is_whole(self, at: int) -> bool:
        """Whether no day of the week from a place on is left aside."""
        return not any(self.is_left[at : at + WEEK])

    def is_out(self, at: int) -> bool:
        """Whether the day at a place is in no average: a holiday, or left aside."""
        return self.is_free[at] or self.is_left[at]


NOW = 2 * WEEKS * WEEK
"""The place of today in a plan: the rule looks at eight weeks, and is applied to each of the eight weeks before today."""


def forecast(history: History, plan: Plan, *, since: date, is_checked: bool = True) -> Forecast | None:
    """What is to be expected from today on; what came today is not known yet.

    Args:
        since: the first day on which letters were counted.
        is_checked: whether the rule is applied to the past as well, which takes four fifths of the time.

    Returns:
        None: there are no eight weeks before today, or fewer than ``WHOLE_WEEKS`` of them have no day that is left aside.
    """
    known = [one for one in range(NOW - WEEKS * WEEK, NOW + 1, WEEK) if since <= plan.days[one - WEEKS * WEEK]]
    if NOW not in known:
        return None
    past = _Past([history.get(one, NOTHING) for one in plan.days[:NOW]], plan)
    if not past.knows(NOW):
        return None
    return Forecast(
        days=tuple(past.day(NOW, at) for at in range(NOW, NOW + AHEAD * WEEK)),
        weeks=tuple(past.week(NOW, at) for at in range(NOW, NOW + AHEAD * WEEK, WEEK)),
        past=tuple(past.checked(at) for at in known if at != NOW) if is_checked else (),
    )


@dataclass(frozen=True)
class OpenWeek:
    """What is open at the end of a week.

    Attributes:
        was: what was open; of a week to come None.
        past: what was in the week; of a week to come None.
    """

    week: Week
    expected: float
    band: Band
    was: int | None
    past: Checked | None = None


def open_weeks(forecast: Forecast, open_now: int) -> list[OpenWeek]:
    """What is open at the ends of the last weeks, as the rule would have told it and as it was, and of the next ones.

    Args:
        open_now: letters that were open at the end of the day before the first day of the forecast.
    """
    stood = [open_now]  # before the first week of the past and at the end of each, from the last one on
    for one in reversed(forecast.past):
        stood.append(stood[-1] - one.more - one.left_more)
    before = stood[::-1]
    found = [
        OpenWeek(one.week, *_standing(before[n] + one.left_more, one.week.more, one.week.more_band), before[n + 1], one)
        for n, one in enumerate(forecast.past)
    ]
    grown, least, most = 0.0, 0, 0
    for week in forecast.weeks:
        grown, least, most = grown + week.more, least + week.more_band.least, most + week.more_band.most
        found.append(OpenWeek(week, *_standing(open_now, grown, Band(least, most)), None))
    return found


def open_days(forecast: Forecast, open_now: int) -> list[float]:
    """What is expected to be open at the end of each day of the forecast; never less than nothing."""
    found, stands = list[float](), float(open_now)
    for one in forecast.days:
        stands = max(0.0, stands + one.more)
        found.append(stands)
    return found


def _standing(since: int, more: float, band: Band) -> tuple[float, Band]:
    """What is open after it has grown. It cannot fall below nothing."""
    return max(0.0, since + more), Band(max(0, since + band.least), max(0, since + band.most))


Means = tuple[float, float, float]
"""Of ``Moved``: came, done, more."""
NONE: Means = (0.0, 0.0, 0.0)


class _Past:
    """The letters of the days before today, by their places in a plan."""

    def __init__(self, letters: Sequence[Moved], plan: Plan) -> None:
        self._letters, self._plan = letters, plan
        self._rates = [self._rate(at) for at in range(0, NOW, WEEK)]
        self._usual: dict[int, list[Means]] = {}

    def day(self, start: int, at: int) -> Expected:
        """A day, by the eight weeks before ``start``."""
        usual = NONE if self._plan.is_out(at) else self._means(start)[(at - start) % WEEK]
        return Expected(self._plan.days[at], *usual)

    def week(self, start: int, first: int) -> Week:
        """The week from ``first`` on, by the eight weeks before ``start``."""
        days = [self.day(start, at) for at in range(first, first + WEEK)]
        came, done, more = (
            sum(numbers) for numbers in zip(*((one.came, one.done, one.more) for one in days), strict=True)
        )
        worked = self._plan.work(first)
        rates = [one for one in self._rates[start // WEEK - WEEKS : start // WEEK] if one is not None]
        return Week(
            self._plan.days[first], came, done, _band([one[0] * worked for one in rates], came), more,
            _band([one[1] * worked for one in rates], more),
        )  # fmt: skip

    def checked(self, start: int) -> Checked:
        """What would have been told of a week, and what was."""
        places = range(start, start + WEEK)
        kept = sum((self._letters[at] for at in places if not self._plan.is_left[at]), NOTHING)
        aside = sum((self._letters[at] for at in places if self._plan.is_left[at]), NOTHING)
        left = sum(self._plan.is_left[at] for at in places)
        is_shown = self.knows(start) and not (left and not self._plan.work(start))
        return Checked(self.week(start, start), kept.came, kept.more, left, aside.more, is_shown)

    def knows(self, start: int) -> bool:
        """Whether enough of the eight weeks before are whole."""
        return sum(self._plan.is_whole(start - WEEK * n) for n in range(1, WEEKS + 1)) >= WHOLE_WEEKS

    def _means(self, start: int) -> list[Means]:
        """The averages of the seven weekdays from ``start`` on."""
        if start not in self._usual:
            self._usual[start] = [self._mean(start, place) for place in range(WEEK)]
        return self._usual[start]

    def _mean(self, start: int, place: int) -> Means:
        same = (start + place - WEEK * n for n in range(1, WEEKS + 1))
        found = [self._letters[at] for at in same if not self._plan.is_out(at)]
        if not found:  # each of them was a holiday, or is left aside
            return NONE
        came = opened = done = 0
        for one in found:
            came, opened, done = came + one.came, opened + one.opened, done + one.done
        number = len(found)
        return came / number, done / number, (opened - done) / number

    def _rate(self, first: int) -> tuple[float, float] | None:
        """What came in a week and by how much what is open grew, for each of its working days; None: it had none, or is not whole."""
        worked, days = self._plan.work(first), range(first, first + WEEK)
        if not worked or not self._plan.is_whole(first):
            return None
        came = opened = done = 0  # without objects in between: a page makes a hundred such sums
        for at in days:
            if not self._plan.is_free[at]:
                letters = self._letters[at]
                came, opened, done = came + letters.came, opened + letters.opened, done + letters.done
        return came / worked, (opened - done) / worked


def _band(those: Sequence[float], expected: float) -> Band:
    """From the least to the greatest of the numbers, in whole letters; widened where the expected number lies outside."""
    whole = [round(one, 6) for one in (*those, expected)]  # 2.9999999 letters are three
    return Band(floor(min(whole)), ceil(max(whole)))


def _mean(those: Sequence[float]) -> float:
    return sum(those) / len(those)
