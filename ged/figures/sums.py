"""Sums: the cells of all registers, natures, channels and priorities together, by unit, direction and level.

Most figures are asked for without these choices. A ministry with five years of letters has a thousand keys or more, and a
hundred keys of sums, so such a figure is read from a tenth of the rows. The cells of sums stand in the tables of the others,
with grains of their own, and are kept up by the same statements (``cells``): at each commit they are equal to the sums of the
others.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, insert, literal_column, select, true, update
from sqlalchemy.orm import Session, aliased

from ged.db import Base, table_of
from ged.figures.cuts import Cut
from ged.figures.models import (
    NO_REGISTER,
    STATE,
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureKey,
    FigureState,
)
from ged.figures.stages import Grain
from ged.register.models import Channel, Priority

OPENED_BY = "0191"
"""The release before would add the cells of sums to the others, and would not keep them up."""
SHARED = ("unit_id", "direction", "level")
"""What a key has in common with its sum."""
MODELS = (FigureCell, FigureDelay, FigureFlow, FigureHour)
"""The tables of cells. What makes their rows: ``cells._SUMS``; what their differences are called: ``checking.TABLES``."""


@dataclass(frozen=True)
class Grains:
    """The grains from which a figure is read."""

    day: Grain
    month: Grain
    year: Grain


OF_KEYS = Grains(Grain.DAY, Grain.MONTH, Grain.YEAR)
OF_SUMS = Grains(Grain.SUM_DAY, Grain.SUM_MONTH, Grain.SUM_YEAR)


def state_of(session: Session) -> FigureState | None:
    """What is known of the figures; None: none was ever made."""
    # Each figure of a page asks: the session knows its rows weakly, so the row would be read again for each.
    state: FigureState | None = session.info.get(FigureState)
    if state is None or state not in session:
        session.info[FigureState] = state = session.get(FigureState, STATE)
    return state


def are_kept(session: Session) -> bool:
    """Whether there are cells of sums."""
    state = state_of(session)
    return state is not None and state.sums_whole


def grains(session: Session, cut: Cut, *, by_key: bool = False) -> Grains:
    """The grains from which the numbers of a cut are read: those of sums, where they suffice.

    Args:
        by_key: whether the numbers are grouped by register, nature, channel or priority.
    """
    return OF_KEYS if by_key or cut.is_narrow or not are_kept(session) else OF_SUMS


def link(session: Session) -> None:
    """Give each key that has none its sum. The caller holds ``FigureState``."""
    total = aliased(FigureKey)
    is_new = and_(FigureKey.sum_id.is_(None), FigureKey.register_id != NO_REGISTER)
    is_there = _is_sum(total)
    defaults = {"register_id": NO_REGISTER, "nature": "", "channel": Channel.HAND, "priority": Priority.NORMAL}
    missing = session.execute(
        select(*(getattr(FigureKey, name) for name in SHARED))
        .where(is_new, ~select(total.id).where(is_there).exists())
        .distinct()
    ).all()
    if missing:
        session.execute(
            insert(table_of(FigureKey)), [dict(zip(SHARED, row, strict=True)) | defaults for row in missing]
        )
    session.execute(
        update(FigureKey).where(is_new).values(sum_id=select(total.id).where(is_there).scalar_subquery()),
        execution_options={"synchronize_session": False},
    )


def astray() -> Select[int]:
    """The keys without their own sum: with none, or with that of another unit, direction or level."""
    total = aliased(FigureKey)
    has_its_own = select(total.id).where(total.id == FigureKey.sum_id, _is_sum(total)).exists()
    return select(FigureKey.id).where(FigureKey.register_id != NO_REGISTER, ~has_its_own).order_by(FigureKey.id)


def _is_sum(total: type[FigureKey]) -> ColumnElement[bool]:
    shared = (getattr(total, name) == getattr(FigureKey, name) for name in SHARED)
    return and_(total.register_id == NO_REGISTER, *shared)


def make(session: Session) -> None:
    """Make the cells of sums of those that there are. The caller holds ``FigureState``; all figures are whole."""
    link(session)
    for model in MODELS:
        table = table_of(model)
        rows = added(model, select(*table.columns))
        session.execute(insert(table).from_select([one.name for one in table.columns], rows, include_defaults=False))
    session.get_one(FigureState, STATE).sums_whole = True


def with_sums(model: type[Base], rows: Select[Any]) -> Select[Any]:
    """Rows of cells, and those that they add to the cells of their sums."""
    names = [one.name for one in table_of(model).columns]
    fine = rows.cte().prefix_with("MATERIALIZED")
    both = select(*(fine.c[name] for name in names)).union_all(added(model, select(*(fine.c[name] for name in names))))
    return select(both.subquery("both")).where(true())


def added(model: type[Base], rows: Select[Any]) -> Select[Any]:
    """What rows of cells add to the cells of their sums."""
    table, found = table_of(model), rows.subquery("found")
    keys = [one.name for one in table.primary_key.columns]
    changed: dict[str, Any] = {
        "grain": literal_column("'sum_'", String).concat(cast(found.c.grain, String)).label("grain"),
        "key_id": FigureKey.sum_id.label("key_id"),
    }
    chosen = [changed.get(name, found.c[name]) for name in keys]
    numbers = [func.sum(found.c[one.name]).label(one.name) for one in table.columns if one.name not in keys]
    return (
        select(*chosen, *numbers)
        .join_from(found, FigureKey, FigureKey.id == found.c.key_id)
        .where(FigureKey.sum_id.is_not(None))
        .group_by(*chosen)
    )
