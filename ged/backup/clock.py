"""When the next copy is due: a pure rule."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ged.schedules import Nightly

AGAIN = timedelta(hours=1)
"""After a copy that failed (no disk plugged in, no room), the next attempt."""


def is_due(at: str, last: datetime | None, *, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a copy is due.

    Args:
        at: ``01:15``, every day on the installation's clock; empty: never.
        last: the moment of the last copy.
    """
    if not at:
        return False
    # After ``now``: the clock was ahead when it was made, and would keep the next one waiting until that day.
    return last is None or last > now or last < Nightly(time.fromisoformat(at)).latest(now, zone)
