"""What a forecast and a comparison need of the figures: what came and was done each day, for each unit; delays of two periods."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.figures import sums
from ged.figures.cuts import Cut, Part, in_keys, of_grain, summed
from ged.figures.models import FigureCell, FigureKey
from ged.figures.periods import Period, months_later
from ged.outlook.forecast import NOTHING, History, Moved

Came = Literal["received", "numbered"]
_CAME: Mapping[Came, InstrumentedAttribute[int]] = {"received": FigureCell.received, "numbered": FigureCell.numbered}
LOOKED_BACK = 12
"""Months before a window in which a unit's earlier letters are looked for."""
ALL = 0
"""In place of a unit: all of them together."""


def moved(session: Session, cut: Cut, period: Period, came: Came, *, by_unit: bool) -> dict[int, History]:
    """Unit (or ``ALL``) -> day -> letters.

    Args:
        came: which letters come: those that are received, or those that get a number to leave.
    """
    days = Part(sums.grains(session, cut, by_unit=by_unit).day, period.since, period.until)
    columns = (FigureCell.day, *([FigureKey.unit_id] if by_unit else []))
    found: dict[int, dict[date, Moved]] = defaultdict(dict)
    numbers = (_CAME[came], FigureCell.opened, FigureCell.ended)
    for day, *row in summed(session, FigureCell, cut, [days], columns, numbers):
        unit_id, *letters = row if by_unit else (ALL, *row)
        found[unit_id][day] = Moved(*map(int, letters))
    return dict(found)


def together(histories: Iterable[History]) -> History:
    """The letters of several units as those of one."""
    those = list(histories)
    if len(those) == 1:  # most units go on for no other
        return those[0]
    found: dict[date, Moved] = {}
    for history in those:
        for day, one in history.items():
            found[day] = found.get(day, NOTHING) + one
    return found


def first_months(session: Session, cut: Cut, window: Period) -> dict[int, date]:
    """Unit -> the month of its first letters, counted from ``LOOKED_BACK`` months before a window on. A unit without letters is missing."""
    month = months_later(window.since.replace(day=1), -LOOKED_BACK)
    grain = sums.grains(session, cut, by_unit=True).month
    rows = session.execute(
        select(FigureKey.unit_id, func.min(FigureCell.day).label("first"))
        .join(FigureCell, FigureKey.id == FigureCell.key_id)
        .where(of_grain(FigureCell, grain), FigureCell.day.between(month, window.until))
        .where(FigureCell.opened > 0, *in_keys(cut, grain).clauses())
        .group_by(FigureKey.unit_id)
    )
    return {row.unit_id: row.first for row in rows}


def known_since(history: History, months: Iterable[date], window: Period) -> date | None:
    """The first day of which letters tell something: the first of a window where there were letters before it.

    None: there is no letter.

    Args:
        history: the days of the window with letters.
        months: the months of the first letters (``first_months``).
    """
    if any(month < window.since.replace(day=1) for month in months):
        return window.since
    return min(history, default=None)
