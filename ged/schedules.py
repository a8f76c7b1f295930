"""When a kind of job is due: pure rules, in the installation's time zone.

A schedule computes one value: the last moment, not after now, at which its job was due. The caller compares it with the
last served due time. A missed due time is made up once, however many nights the service was down.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_DAYS_BACK = 8
"""A week and a day, for a change of the clock: the last due time of a weekly job is never older."""


class Schedule(Protocol):
    """When something is due."""

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The last moment, ``now`` included, at which the job was due: an aware UTC datetime."""
        ...


@dataclass(frozen=True)
class Nightly:
    """Each day (or on one weekday) at a time of the installation's clock.

    If the clock is set forward over this time, the job is due at the moment of the change. If the clock is set back,
    the job is due at the first of the two moments with this time.
    """

    at: time
    weekday: int | None = None
    """0 is Monday; None: every day."""

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        """See ``Schedule.latest``."""
        today = now.astimezone(zone).date()
        for days in range(_DAYS_BACK + 1):
            day = today - timedelta(days=days)
            # Converted to UTC: in one time zone Python compares the clock figures, not the moments.
            due = datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)
            if due <= now and self.weekday in (None, day.weekday()):
                return due
        raise AssertionError("a day of the last week has every weekday")


@dataclass(frozen=True)
class Hourly:
    """Each hour, at ``minute`` past the hour."""

    minute: int

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        """See ``Schedule.latest``."""
        local = now.astimezone(zone)
        since = timedelta(
            minutes=(local.minute - self.minute) % 60, seconds=local.second, microseconds=local.microsecond
        )
        return now.astimezone(UTC) - since


@dataclass(frozen=True)
class Every:
    """Every ``minutes`` minutes, counted from midnight UTC. ``minutes`` must divide a day."""

    minutes: int

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:  # noqa: ARG002  # the same in every zone
        """See ``Schedule.latest``."""
        moment = now.astimezone(UTC)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        step = timedelta(minutes=self.minutes)
        return midnight + (moment - midnight) // step * step
