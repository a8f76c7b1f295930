"""Reading the figures: how far the register is counted; sums of cells by day, and what stands at a day's end, of a cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.audit import HEAD_ID, AuditEntry, AuditHead
from ged.figures import sums
from ged.figures.cuts import Cut, Part, summed
from ged.figures.models import FigureCell
from ged.figures.periods import ONE_DAY
from ged.figures.stages import COUNTED, Grain
from ged.figures.sums import Grains

Names = tuple[str, ...]
"""Names of ``stages.COUNTED``."""
MOVING: Names = ("opened", "ended", "fell_due", "relieved")
"""What changes what stands (``Standing.moved``)."""


@dataclass(frozen=True)
class Standing:
    """Letters at a day's end: open, and those of them whose date has passed."""

    open: int
    overdue: int

    def moved(self, counted: Mapping[str, int]) -> "Standing":
        """What stands after days whose letters are ``counted``."""
        return Standing(
            self.open + counted["opened"] - counted["ended"], self.overdue + counted["fell_due"] - counted["relieved"]
        )


def are_whole(session: Session) -> bool:
    """Whether there are figures to show; False while they are made for the first time, or anew."""
    state = sums.state_of(session)
    return state is not None and state.is_whole


def counted_upto(session: Session, now: datetime) -> datetime | None:
    """The moment up to which every act is counted: now, or that of the last act that is; None: none is yet."""
    state = sums.state_of(session)
    if state is None:
        return None
    count, at = session.execute(_journal(), {"sequence": state.sequence}).first() or (0, None)
    return now if count <= state.sequence else at


@cache
def _journal() -> Select[int, datetime | None]:
    """The number of the journal's entries, and the moment of the entry with the number ``sequence``."""
    at = select(AuditEntry.at).where(AuditEntry.sequence == bindparam("sequence")).scalar_subquery()
    return select(AuditHead.count, at).where(AuditHead.id == HEAD_ID)


def by_day(
    session: Session, cut: Cut, since: date, until: date, *, grain: Grain = Grain.DAY, counted: Names = COUNTED
) -> dict[date, dict[str, int]]:
    """Day (or first day of a month) -> counted column -> letters. A day without letters is missing.

    Args:
        counted: the columns that are wanted: each takes its time.
    """
    grains = sums.grains(session, cut)
    part = Part(grains.day if grain is Grain.DAY else grains.month, since, until)
    rows = summed(session, FigureCell, cut, [part], (FigureCell.day,), columns(counted))
    return {day: dict(zip(counted, map(int, letters), strict=True)) for day, *letters in sorted(rows)}


def columns(counted: Names) -> tuple[InstrumentedAttribute[int], ...]:
    """The columns of ``FigureCell`` with these names."""
    return tuple(getattr(FigureCell, name) for name in counted)


def standing(session: Session, cut: Cut, day: date) -> Standing:
    """What stands at the end of any day, with cells or without."""
    ((opened, overdue),) = summed(session, FigureCell, cut, up_to(day, sums.grains(session, cut)), (), STANDING)
    return Standing(int(opened or 0), int(overdue or 0))


STANDING = (FigureCell.opened - FigureCell.ended, FigureCell.fell_due - FigureCell.relieved)
"""What a cell adds to the letters that stand: open ones, overdue ones."""


def up_to(day: date, grains: Grains) -> Sequence[Part]:
    """The cells that together are all days until a day: the years before its year, the months that have ended, the days of its month."""
    year, month = day.replace(month=1, day=1), (day + ONE_DAY).replace(day=1)
    parts = [Part(grains.year, until=year - ONE_DAY), Part(grains.month, year, month - ONE_DAY)]
    if month <= day:
        parts.append(Part(grains.day, month, day))
    return parts
