"""Times of the installation's clock: when a job was last due."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ged.schedules import Every, Hourly, Nightly, Schedule

LOME = ZoneInfo("Africa/Lome")
PARIS = ZoneInfo("Europe/Paris")
KATHMANDU = ZoneInfo("Asia/Kathmandu")  # a quarter of an hour off all other zones


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "now", "due"),
    [
        (Nightly(time(2)), LOME, "2026-11-24T09:00", "2026-11-24T02:00"),
        (Nightly(time(2)), LOME, "2026-11-24T02:00", "2026-11-24T02:00"),
        (Nightly(time(2)), LOME, "2026-11-24T01:59:59", "2026-11-23T02:00"),
        (Nightly(time(2)), PARIS, "2026-11-24T09:00", "2026-11-24T01:00"),
        (Nightly(time(2), weekday=6), LOME, "2026-11-24T09:00", "2026-11-22T02:00"),
        (Nightly(time(2), weekday=6), LOME, "2026-11-22T01:00", "2026-11-15T02:00"),
        (Hourly(5), LOME, "2026-11-24T09:00", "2026-11-24T08:05"),
        (Hourly(5), KATHMANDU, "2026-11-24T09:30", "2026-11-24T09:20"),
        (Every(5), LOME, "2026-11-24T09:04:59", "2026-11-24T09:00"),
        (Every(5), LOME, "2026-11-24T09:05", "2026-11-24T09:05"),
    ],
)
def test_the_last_due_time(schedule: Schedule, zone: ZoneInfo, now: str, due: str) -> None:
    assert schedule.latest(at(now), zone) == at(due)


@pytest.mark.parametrize("zone", [LOME, PARIS])
@pytest.mark.parametrize("hour", [0, 2, 3])
def test_a_year_has_as_many_nights_as_days_whatever_becomes_of_the_clock(zone: ZoneInfo, hour: int) -> None:
    first = at("2026-01-01T12:00")
    moments = (first + timedelta(minutes=10 * n) for n in range(6 * 24 * 365))
    due = {Nightly(time(hour)).latest(moment, zone) for moment in moments}
    assert len(due) in (365, 366)
    days = sorted(one.astimezone(zone).date() for one in due)
    assert len(set(days)) == len(days)
