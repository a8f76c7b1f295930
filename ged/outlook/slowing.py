"""Units that answer more slowly than before, by a plain rule: what is compared, and from when on it is told. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ged.figures.periods import ONE_DAY, Period, month_end, months_later
from ged.figures.stages import percentile

FEWEST = 8
"""Letters that must have been answered on either side: below it a median is chance."""
MORE_DAYS = 2
"""Working days by which the median must have grown."""
MORE_TIMES = 1.5
"""And how many times as long as before it must be."""
DAYS, DAYS_BEFORE = 30, 90
"""The last days, today included, and those before with which they are compared."""
MONTHS_BEFORE = 3
"""For who is told of whole months alone: the last one that has ended is compared with so many before."""


def compared(today: date, *, by_days: bool) -> tuple[Period, Period]:
    """The last period, and the one before.

    >>> compared(date(2026, 11, 24), by_days=False)[1]
    Period(since=datetime.date(2026, 7, 1), until=datetime.date(2026, 9, 30))
    >>> [one.days for one in compared(date(2026, 11, 24), by_days=True)]
    [30, 90]
    """
    if by_days:
        since = today - timedelta(days=DAYS - 1)
        return Period(since, today), Period(since - timedelta(days=DAYS_BEFORE), since - ONE_DAY)
    last = months_later(today.replace(day=1), -1)
    return Period(last, month_end(last)), Period(months_later(last, -MONTHS_BEFORE), last - ONE_DAY)


@dataclass(frozen=True)
class Slowed:
    """A unit that slows down.

    Attributes:
        now, before: the median delays, in working days.
        letters, letters_before: how many were answered.
    """

    now: int
    before: int
    letters: int
    letters_before: int

    @property
    def rank(self) -> tuple[int, int]:
        """The order: the greatest slowing first, then the most letters."""
        return self.before - self.now, -self.letters


def slowed(now: Mapping[int, int], before: Mapping[int, int]) -> Slowed | None:
    """Whether a unit slows down; None: it does not, or too few letters tell.

    Args:
        now, before: bin -> answered letters (``stages.bin_of``), of the last period and of the one before.

    >>> slowed({6: 24}, {3: 60})
    Slowed(now=6, before=3, letters=24, letters_before=60)
    >>> slowed({6: 24}, {5: 60}), slowed({60: 7}, {1: 60})
    (None, None)
    """
    letters, letters_before = sum(now.values()), sum(before.values())
    if min(letters, letters_before) < FEWEST:
        return None
    median, earlier = percentile(now, 0.5), percentile(before, 0.5)
    if median is None or earlier is None or median < earlier + MORE_DAYS or median < MORE_TIMES * earlier:
        return None
    return Slowed(median, earlier, letters, letters_before)
