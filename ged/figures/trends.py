"""What a forecast and a comparison need of the figures: what came and was done each day, for each unit; delays of two periods."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.figures import sums
from ged.figures.cuts import Cut, of_grain
from ged.figures.forecast import NOTHING, History, Moved
from ged.figures.models import FigureCell, FigureKey
from ged.figures.periods import Period, months_later

Came = Literal["received", "numbered"]
_CAME: Mapping[Came, InstrumentedAttribute[int]] = {"received": FigureCell.received, "numbered": FigureCell.numbered}
LOOKED_BACK = 12
"""Months before a window in which a unit's earlier letters are looked for."""


def moved(session: Session, cut: Cut, period: Period, came: Came) -> dict[int, History]:
    """Unit -> day -> letters.

    Args:
        came: which letters come: those that are received, or those that get a number to leave.
    """
    numbers = (func.sum(one) for one in (_CAME[came], FigureCell.opened, FigureCell.ended))
    of_day = of_grain(FigureCell, sums.grains(session, cut).day)
    rows = session.execute(
        select(FigureKey.unit_id, FigureCell.day, *numbers)
        .join(FigureKey, FigureKey.id == FigureCell.key_id)
        .where(of_day, FigureCell.day.between(period.since, period.until), *cut.clauses())
        .group_by(FigureKey.unit_id, FigureCell.day)
    )
    found: dict[int, dict[date, Moved]] = defaultdict(dict)
    for unit_id, day, *those in rows:
        found[unit_id][day] = Moved(*map(int, those))
    return dict(found)


def together(histories: Mapping[int, History]) -> History:
    """The letters of all units."""
    found: dict[date, Moved] = defaultdict(lambda: NOTHING)
    for history in histories.values():
        for day, those in history.items():
            found[day] += those
    return found


def known_since(session: Session, cut: Cut, histories: Mapping[int, History], window: Period) -> dict[int, date]:
    """Unit -> the first day of which its letters tell something: the first of the window for a unit that had letters before it."""
    month, of_month = window.since.replace(day=1), of_grain(FigureCell, sums.grains(session, cut).month)
    earlier = session.scalars(
        select(FigureKey.unit_id)
        .join(FigureCell, FigureKey.id == FigureCell.key_id)
        .where(of_month, FigureCell.day >= months_later(month, -LOOKED_BACK), FigureCell.day < month)
        .where(FigureCell.opened > 0, *cut.clauses())
        .distinct()
    )
    found = {unit_id: min(days) for unit_id, days in histories.items() if days}
    return found | dict.fromkeys(earlier, window.since)
