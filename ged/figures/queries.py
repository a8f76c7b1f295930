"""Reading the figures: sums of cells over days, what stands at a day's end, delays. All of them under a choice of keys."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ged.figures.models import STATE, FigureCell, FigureDelay, FigureKey, FigureState
from ged.figures.stages import COUNTED, Grain, Stage
from ged.register.models import Channel, Direction, Priority


@dataclass(frozen=True)
class Cut:
    """Which letters. Whoever shows figures always says the highest level that the reader may know.

    The choices after the units narrow: an empty one takes all.

    Attributes:
        level: letters up to this confidentiality.
        unit_ids: whose letters; None: those of all units. With no unit there is no letter, so a reader without rights sees none.
            Of an entity: all units of its tree today (``ged.org.tree``). An entity is no column of the figures, so a
            reorganisation changes none of them.
    """

    level: int
    unit_ids: Collection[int] | None = None
    register_ids: Collection[int] = ()
    directions: Collection[Direction] = ()
    natures: Collection[str] = ()
    channels: Collection[Channel] = ()
    priorities: Collection[Priority] = ()

    def clauses(self) -> list[ColumnElement[bool]]:
        """The conditions on ``FigureKey``."""
        chosen = (
            (FigureKey.register_id, self.register_ids), (FigureKey.direction, self.directions),
            (FigureKey.nature, self.natures), (FigureKey.channel, self.channels), (FigureKey.priority, self.priorities),
        )  # fmt: skip
        units = [FigureKey.unit_id.in_(list(self.unit_ids))] if self.unit_ids is not None else []
        narrowed = [column.in_(list(those)) for column, those in chosen if those]
        return [FigureKey.level <= self.level, *units, *narrowed]


@dataclass(frozen=True)
class Standing:
    """Letters at a day's end: open, and those of them whose date has passed."""

    open: int
    overdue: int


def are_whole(session: Session) -> bool:
    """Whether there are figures to show; False while they are made for the first time, or anew."""
    state = session.get(FigureState, STATE)
    return state is not None and state.is_whole


def by_day(
    session: Session, cut: Cut, since: date, until: date, *, grain: Grain = Grain.DAY
) -> dict[date, dict[str, int]]:
    """Day (or first day of a month) -> counted column -> letters. A day without letters is missing."""
    sums = [func.sum(getattr(FigureCell, name)).label(name) for name in COUNTED]
    rows = session.execute(
        select(FigureCell.day, *sums)
        .join(FigureKey, FigureKey.id == FigureCell.key_id)
        .where(FigureCell.grain == grain, FigureCell.day.between(since, until), *cut.clauses())
        .group_by(FigureCell.day)
        .order_by(FigureCell.day)
    )
    return {day: dict(zip(COUNTED, map(int, counted), strict=True)) for day, *counted in rows}


def totals(session: Session, cut: Cut, since: date, until: date) -> dict[str, int]:
    """Counted column -> letters of these days (both included)."""
    found = by_day(session, cut, since, until)
    return {name: sum(counted[name] for counted in found.values()) for name in COUNTED}


def standing(session: Session, cut: Cut, day: date) -> Standing:
    """What stands at a day's end, also of a day on which nobody worked."""
    opened, overdue = session.execute(
        select(
            func.coalesce(func.sum(FigureCell.opened - FigureCell.ended), 0),
            func.coalesce(func.sum(FigureCell.fell_due - FigureCell.relieved), 0),
        )
        .join(FigureKey, FigureKey.id == FigureCell.key_id)
        .where(up_to(day), *cut.clauses())
    ).one()
    return Standing(int(opened), int(overdue))


def delays(session: Session, cut: Cut, since: date, until: date) -> Mapping[Stage, dict[int, int]]:
    """Stage -> bin -> letters whose stage ended in these days: see ``stages.percentile``."""
    rows = session.execute(
        select(FigureDelay.stage, FigureDelay.at_least, func.sum(FigureDelay.letters))
        .join(FigureKey, FigureKey.id == FigureDelay.key_id)
        .where(FigureDelay.grain == Grain.DAY, FigureDelay.day.between(since, until), *cut.clauses())
        .group_by(FigureDelay.stage, FigureDelay.at_least)
    )
    found: dict[Stage, dict[int, int]] = {stage: {} for stage in Stage}
    for stage, at_least, letters in rows:
        found[stage][at_least] = int(letters)
    return found


def up_to(day: date) -> ColumnElement[bool]:
    """The cells that together are all days until a day: the years before its year, the months before its month, the days of its month."""
    month, year = day.replace(day=1), day.replace(month=1, day=1)
    years = and_(FigureCell.grain == Grain.YEAR, FigureCell.day < year)
    months = and_(FigureCell.grain == Grain.MONTH, FigureCell.day >= year, FigureCell.day < month)
    return or_(years, months, and_(FigureCell.grain == Grain.DAY, FigureCell.day.between(month, day)))
