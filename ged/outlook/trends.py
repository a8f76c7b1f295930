"""What a forecast and a comparison need of the figures: what came and was done each day, for each unit; delays of two periods."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Literal

from sqlalchemy import and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.figures import sums
from ged.figures.cuts import Cut, of_grain, summed
from ged.figures.models import FigureCell, FigureKey
from ged.figures.periods import Period, months_later
from ged.outlook.forecast import History, Moved

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
    days = and_(of_grain(FigureCell, sums.grains(session, cut).day), FigureCell.day.between(period.since, period.until))
    told_by = (FigureCell.day, *([FigureKey.unit_id] if by_unit else []))
    found: dict[int, dict[date, Moved]] = defaultdict(dict)
    numbers = (_CAME[came], FigureCell.opened, FigureCell.ended)
    for day, *row in summed(session, FigureCell, cut, [days], told_by, numbers):
        unit_id, *letters = row if by_unit else (ALL, *row)
        found[unit_id][day] = Moved(*map(int, letters))
    return dict(found)


def known_since(
    session: Session, cut: Cut, histories: Mapping[int, History], window: Period, *, by_unit: bool
) -> dict[int, date]:
    """Unit (or ``ALL``) -> the first day of which its letters tell something: the first of the window where there were letters before it."""
    month, of_month = window.since.replace(day=1), of_grain(FigureCell, sums.grains(session, cut).month)
    earlier = session.scalars(
        select(FigureKey.unit_id)
        .join(FigureCell, FigureKey.id == FigureCell.key_id)
        .where(of_month, FigureCell.day >= months_later(month, -LOOKED_BACK), FigureCell.day < month)
        .where(FigureCell.opened > 0, *cut.clauses())
        .distinct()
    ).all()
    found = {unit_id: min(days) for unit_id, days in histories.items() if days}
    if not by_unit:
        return {ALL: window.since} if earlier else found
    return found | dict.fromkeys(earlier, window.since)
