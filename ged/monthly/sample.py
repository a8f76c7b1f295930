"""A made-up month, to show first pages of a report with: no number of the register is in it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from ged.figures import definitions
from ged.monthly.numbers import Letter, Month, Number, below, numbers
from ged.routing.deadlines import WorkCalendar

FIRST = date(2025, 3, 1)
"""A month of 31 days."""
LETTERS = 120
UNITS = (
    {"id": 1, "code": "ENT", "name": "Entité", "above": None, "depth": 0, "is_open": True},
    {"id": 2, "code": "A", "name": "Direction A", "above": 1, "depth": 1, "is_open": True},
    {"id": 3, "code": "A1", "name": "Division A1", "above": 2, "depth": 2, "is_open": True},
    {"id": 4, "code": "B", "name": "Direction B", "above": 1, "depth": 1, "is_open": True},
)
_CALENDAR = WorkCalendar(frozenset(range(5)), frozenset())


def sample(entity: str, *, is_empty: bool = False) -> tuple[dict[str, Any], list[Number]]:
    """The content and the numbers of a report.

    Args:
        entity: the name that is printed.
        is_empty: a month without letters.
    """
    month = Month(FIRST, _CALENDAR, definitions.VERSIONS[definitions.VERSION])
    units: list[dict[str, Any]] = [{**UNITS[0], "name": entity}, *map(dict, UNITS[1:])]
    letters = [] if is_empty else list(_letters())
    return {
        "definitions": definitions.VERSION,
        "entity": {"id": 1, "code": "EXEMPLE", "name": entity},
        "month": FIRST.isoformat(),
        "journal": {"sequence": 1234, "hash": "0" * 64},
        "units": units,
        "letters": [],
    }, numbers(month, letters, below(units))


def _letters() -> Iterator[Letter]:
    """Letters that came on all days of the month; some wait, and some are late."""
    for n in range(LETTERS):
        came = FIRST + timedelta(days=n % 31)
        days = {"received_on": came, "numbered_on": came, "opened_on": came, "imputed_on": came + timedelta(days=n % 4)}
        if n % 5:
            days |= {"assigned_on": days["imputed_on"], "given_on": days["imputed_on"]}
        if n % 3:
            days |= {"answered_on": came + timedelta(days=3 + n % 9)}
            days |= {"ended_on": days["answered_on"]}
        elif n % 2:
            days |= {"fell_due_on": came + timedelta(days=10)}
        yield Letter(n + 1, int(str(UNITS[1 + n % 3]["id"])), days)
