"""Which copies are kept: a pure rule."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_NAME = "%Y-%m-%dT%H%M%SZ"
RECENT = timedelta(days=1)
"""Copies that are no older than this, counted from the latest, all stay."""
_RULE = re.compile(r"(\d{1,3})/(\d{1,3})/(\d{1,3})")


@dataclass(frozen=True)
class Retention:
    """For how many days, weeks and months with copies the last copy of each is kept. Those of the last day all stay."""

    daily: int
    weekly: int
    monthly: int

    @classmethod
    def of(cls, rule: str) -> "Retention":
        """Read ``7/5/24``.

        Raises:
            ValueError: it is no such rule.
        """
        found = _RULE.fullmatch(rule)
        if found is None:
            raise ValueError(rule)
        return cls(*(int(one) for one in found.groups()))


def name_of(moment: datetime) -> str:
    """The name of the copy of a moment: names sort as moments, and every file system takes them."""
    return moment.astimezone(UTC).strftime(_NAME)


def moment_of(name: str) -> datetime | None:
    """The moment of a copy's name; None: it is no such name."""
    try:
        return datetime.strptime(name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None


def kept(names: Iterable[str], rule: Retention, zone: ZoneInfo) -> set[str]:
    """The names of the copies that stay; days, ISO weeks and months are those of ``zone``."""
    named = sorted(((at, name) for name in names if (at := moment_of(name)) is not None), reverse=True)
    stays = {name for at, name in named if named[0][0] - at < RECENT}
    for count, form in ((rule.daily, "%Y-%m-%d"), (rule.weekly, "%G-%V"), (rule.monthly, "%Y-%m")):
        latest: dict[str, str] = {}
        for at, name in named:
            latest.setdefault(at.astimezone(zone).strftime(form), name)
        stays |= set(list(latest.values())[:count])
    return stays
