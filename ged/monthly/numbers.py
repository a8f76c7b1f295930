"""The numbers of a month: which letters each one counts, and the digest of their list. Pure.

The same functions make a report and prove it years later, by the version of the definitions that it names. They know letters by their ids
and days alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Any, Self

from ged.figures.definitions import Version
from ged.figures.periods import month_end
from ged.figures.stages import FIRST_DAY, bin_of, day_of, percentile
from ged.routing.deadlines import WorkCalendar

_STANDS: Mapping[str, tuple[str, str]] = {"open": ("opened_on", "ended_on"), "overdue": ("fell_due_on", "ended_on")}
"""Number of what stands at a month's end -> the day from which a letter is counted, and the day on which it is not counted any more."""
DAYS = (
    "received_on", "numbered_on", "imputed_on", "assigned_on", "given_on", "answered_on", "closed_on", "voided_on", "begun_on",
    "signed_on", "dispatched_on", "opened_on", "ended_on", "fell_due_on",
)  # fmt: skip
Item = tuple[int | str, ...]
"""A letter in the list of a number: its id, the day of the fact; of a delay, the working days; of a return, how many."""


@dataclass(frozen=True)
class Letter:
    """A letter as it is counted.

    Attributes:
        unit_id: the unit that has it.
        days: column of ``DAYS`` -> day; a fact that is missing has none.
        returned: (day, times) of its returns, in order.
    """

    id: int
    unit_id: int
    days: Mapping[str, date]
    returned: tuple[tuple[date, int], ...] = ()

    def value(self, column: str) -> object:
        """A fact of the letter, for a comparison."""
        return self.returned if column == "returned" else self.days.get(column)

    def data(self) -> dict[str, Any]:
        """JSON values."""
        data: dict[str, Any] = {"id": self.id, "unit": self.unit_id}
        data |= {name: self.days[name].isoformat() for name in DAYS if name in self.days}
        return data | (
            {"returned": [[day.isoformat(), times] for day, times in self.returned]} if self.returned else {}
        )

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """The letter from ``data``."""
        # Also days that a report of another version carries.
        days = {name: date.fromisoformat(day) for name, day in data.items() if name.endswith("_on")}
        returned = tuple((date.fromisoformat(day), int(times)) for day, times in data.get("returned", ()))
        return cls(int(data["id"]), int(data["unit"]), days, returned)


@dataclass(frozen=True)
class Month:
    """A month, with the calendar that its delays are counted with, and with what is counted of it."""

    first: date
    calendar: WorkCalendar
    rules: Version

    @cached_property
    def last(self) -> date:
        """Its last day."""
        return month_end(self.first)

    def has(self, day: date | None) -> bool:
        """Whether a day is one of its days."""
        return day is not None and self.first <= day <= self.last

    def items(self, name: str, letter: Letter) -> list[Item]:
        """The letter's items in a number: mostly one or none, for each day of returns one."""
        days = letter.days
        if name == "returned":
            return [(letter.id, day.isoformat(), times) for day, times in letter.returned if self.has(day)]
        if name in _STANDS:
            since, ended = (days.get(column) for column in _STANDS[name])
            stands = since is not None and since <= self.last and (ended is None or ended > self.last)
            return [(letter.id, since.isoformat())] if since is not None and stands else []
        if name not in self.rules.spans:
            day = days.get(day_of(name))
            return [(letter.id, day.isoformat())] if day is not None and self.has(day) else []
        first, last = (days.get(column) for column in self.rules.spans[name])
        if first is None or last is None or not self.has(last) or last < first or first < FIRST_DAY:
            return []
        return [(letter.id, last.isoformat(), self.calendar.count(first, last))]

    def counts(self, letter: Letter) -> bool:
        """Whether any number counts the letter."""
        return any(self.items(name, letter) for name in self.rules.names)


def columns(name: str, rules: Version) -> tuple[str, ...]:
    """What of a letter decides whether the letter is counted in a number."""
    if name == "returned":
        return ("returned",)
    return _STANDS.get(name) or rules.spans.get(name) or (day_of(name),)


@dataclass(frozen=True)
class Number:
    """A number of one line: the whole entity, or a unit with all units below it.

    Attributes:
        unit_id: None: the whole entity.
        items: what it counts, in order.
    """

    unit_id: int | None
    name: str
    items: tuple[Item, ...]
    rules: Version

    @property
    def letters(self) -> int:
        """How many letters it counts; of returns, how many returns."""
        return sum(int(times) for _, _, times in self.items) if self.name == "returned" else len(self.items)

    @property
    def digest(self) -> str:
        """SHA-256 of its list in canonical JSON: the same letters with the same days give the same digest."""
        return hashlib.sha256(canonical([list(one) for one in self.items])).hexdigest()

    @property
    def is_delay(self) -> bool:
        """Whether it is a delay."""
        return self.name in self.rules.spans

    def share(self, share: float) -> int | None:
        """Of a delay: the working days within which this share was done (``stages.percentile``)."""
        found = sorted(bin_of(int(item[2]), self.rules.steps, self.rules.longest) for item in self.items)
        return percentile({one: len(list(same)) for one, same in groupby(found)}, share)

    def data(self) -> dict[str, Any]:
        """JSON values."""
        data: dict[str, Any] = {
            "unit": self.unit_id,
            "number": self.name,
            "letters": self.letters,
            "digest": self.digest,
        }
        return data | ({"median": self.share(0.5), "nine_of_ten": self.share(0.9)} if self.is_delay else {})


def numbers(month: Month, letters: Sequence[Letter], below: Mapping[int | None, frozenset[int]]) -> list[Number]:
    """Every number of every line, in the order of a file.

    Args:
        below: line (None: the whole entity) -> the units whose letters it counts.
    """
    found: list[Number] = []
    for name in month.rules.names:
        of_unit: dict[int, list[Item]] = {}
        for letter in letters:
            if items := month.items(name, letter):
                of_unit.setdefault(letter.unit_id, []).extend(items)
        found += [
            Number(
                line, name, tuple(sorted(item for unit_id in units for item in of_unit.get(unit_id, ()))), month.rules
            )
            for line, units in below.items()
        ]
    return found


def below(units: Iterable[Mapping[str, Any]]) -> dict[int | None, frozenset[int]]:
    """Line -> the units that it counts, of units as a report carries them (``id``, ``above``, in the order of the tree)."""
    listed = [(int(one["id"]), one["above"]) for one in units]
    own: dict[int, set[int]] = {unit_id: {unit_id} for unit_id, _ in listed}
    for unit_id, above in reversed(listed):  # who stands below comes later in the list
        if above in own:
            own[above] |= own[unit_id]
    entity, *others = (unit_id for unit_id, _ in listed)
    return {None: frozenset(own) | {entity}, **{unit_id: frozenset(own[unit_id]) for unit_id in others}}


def canonical(value: object) -> bytes:
    """Canonical JSON in ASCII: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
