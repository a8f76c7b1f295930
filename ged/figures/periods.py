"""Periods of figures: whole months in a span of days, and the period before. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days, both included.

    Raises:
        ValueError: the last day is before the first.
    """

    since: date
    until: date

    def __post_init__(self) -> None:
        """Refuse a period without a day."""
        if self.until < self.since:
            raise ValueError("a period has a day at least")

    @property
    def days(self) -> int:
        """How many days."""
        return (self.until - self.since).days + 1

    @property
    def months(self) -> int:
        """How many months the period touches."""
        return (self.until.year - self.since.year) * 12 + self.until.month - self.since.month + 1


def month_end(day: date) -> date:
    """The last day of a day's month.

    >>> month_end(date(2028, 2, 3))
    datetime.date(2028, 2, 29)
    """
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_later(day: date, months: int) -> date:
    """The day some months later (or earlier, below 0); the last one of the month where it has no such day.

    >>> months_later(date(2026, 3, 31), -1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def whole_months(since: date, until: date) -> tuple[date, date] | None:
    """The first day of the first whole month in a span, and the last day of the last one; None: there is no whole month.

    >>> whole_months(date(2026, 1, 15), date(2026, 4, 2))
    (datetime.date(2026, 2, 1), datetime.date(2026, 3, 31))
    """
    first = since if since.day == 1 else month_end(since) + ONE_DAY
    last = until if until == month_end(until) else until.replace(day=1) - ONE_DAY
    return (first, last) if first < last else None


def before(period: Period) -> Period:
    """The period with which one is compared: of one that begins with a month, as many months earlier; else as many days. So a month
    of which only the first day has come is compared with the first day of the month before.

    >>> before(Period(date(2026, 11, 1), date(2026, 11, 30))).until
    datetime.date(2026, 10, 31)
    >>> before(Period(date(2026, 3, 1), date(2026, 3, 30))).until
    datetime.date(2026, 2, 28)
    >>> before(Period(date(2026, 12, 1), date(2026, 12, 1))).since
    datetime.date(2026, 11, 1)
    """
    if period.since.day != 1:
        return Period(period.since - timedelta(days=period.days), period.since - ONE_DAY)
    earlier = months_later(period.until, -period.months)
    is_whole = period.until == month_end(period.until)
    return Period(months_later(period.since, -period.months), month_end(earlier) if is_whole else earlier)


FEWEST_MONTHS = 3
"""Months of a year that have begun before the year is told as a whole to who is told rounded numbers."""


def month_or_year(period: Period, today: date) -> Period:
    """The month in which a period lies, or the calendar year of its last day, whole. Of a year of which fewer than ``FEWEST_MONTHS`` have
    begun it is the month of the period's last day: the sum of two months would tell the smaller one.

    >>> month_or_year(Period(date(2026, 3, 2), date(2026, 3, 9)), date(2026, 3, 9))
    Period(since=datetime.date(2026, 3, 1), until=datetime.date(2026, 3, 31))
    >>> month_or_year(Period(date(2025, 3, 9), date(2026, 4, 2)), date(2026, 4, 2))
    Period(since=datetime.date(2026, 1, 1), until=datetime.date(2026, 12, 31))
    >>> month_or_year(Period(date(2026, 1, 1), date(2026, 12, 31)), date(2026, 2, 2))
    Period(since=datetime.date(2026, 2, 1), until=datetime.date(2026, 2, 28))
    """
    last = max(period.since, min(period.until, today))
    is_young = last.year == today.year and today.month < FEWEST_MONTHS
    if period.months == 1 or is_young:
        return Period(last.replace(day=1), month_end(last))
    return Period(date(last.year, 1, 1), date(last.year, 12, 31))


def months_of(period: Period) -> list[date]:
    """The first day of each month that the period touches."""
    first = period.since.replace(day=1)
    return [months_later(first, n) for n in range(period.months)]
