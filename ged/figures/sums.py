"""Sums of cells, so that a figure is read from few rows. There are three kinds (``SUM_KINDS``):

- ``sum_``: all registers, natures, channels and priorities together. Most figures are asked for without these choices. A ministry
  with five years of letters has a thousand keys or more, and a hundred keys of this kind.
- ``natures_``: all natures together, for a figure of a register, a channel or a priority. Natures make most of the keys.
- ``all_``: all units together, by nature, for a reader who sees every unit with letters.

The cells of sums stand in the tables of the others, with grains of their own, and are kept up by the same statements (``cells``): at
each commit they are equal to the sums of the others.

**Made of cells that are there** (after an upgrade) they are month by month, each in a transaction, so that on SQLite nobody waits for
long. From the first month on, whoever counts letters adds to all sums, also to those of later months. When such a month's turn comes, its
sums are deleted and made anew from the cells, so nothing is added twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged.db import Among, Base, table_of
from ged.figures.cuts import NEWEST_KEY, UNITS, Cut, newest_key
from ged.figures.models import (
    NO_REGISTER,
    NO_UNIT,
    STATE,
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureKey,
    FigureState,
)
from ged.figures.periods import month_end
from ged.figures.stages import Grain
from ged.register.models import Channel, Priority

OPENED_BY = "0191"
"""The release before would add the cells of sums to the others, and would not keep them up."""
MODELS = (FigureCell, FigureDelay, FigureFlow, FigureHour)
"""The tables of cells. What makes their rows: ``cells._SUMS``; what their differences are called: ``checking.TABLES``."""


@dataclass(frozen=True)
class SumKind:
    """A kind of sum: which keys are added up into one key, and in which tables.

    Attributes:
        prefix: of the names of its grains (``stages.Grain``).
        link: the column of ``FigureKey`` that holds the id of the key of the sum.
        shared: the columns that a key and the key of its sum have in common.
        register: computes the register of the key of the sum from the register of a key.
        others: the remaining columns of the key of the sum, with their fixed values.
        models: the tables that hold cells of this kind.
    """

    prefix: str
    link: InstrumentedAttribute[int | None]
    shared: tuple[str, ...]
    register: Callable[[Any], Any]
    others: Mapping[str, Any]
    models: tuple[type[Base], ...] = MODELS

    def is_own(self, total: type[FigureKey]) -> ColumnElement[bool]:
        """Whether ``total`` is the sum of a key."""
        same = (getattr(total, name) == getattr(FigureKey, name) for name in self.shared)
        fixed = (getattr(total, name) == value for name, value in self.others.items())
        return and_(total.register_id == self.register(FigureKey.register_id), *same, *fixed)


SUM_KINDS = (
    SumKind(
        "sum_",
        FigureKey.sum_id,
        ("unit_id", "direction", "level"),
        lambda _register: literal_column(str(NO_REGISTER), Integer),
        {"nature": "", "channel": Channel.HAND, "priority": Priority.NORMAL},
    ),
    SumKind(
        "natures_",
        FigureKey.natures_id,
        ("unit_id", "direction", "level", "channel", "priority"),
        lambda register: -register,
        {"nature": ""},
    ),
    SumKind(
        "all_",
        FigureKey.all_id,
        ("direction", "nature", "level"),
        lambda _register: literal_column(str(NO_REGISTER), Integer),
        {"unit_id": NO_UNIT, "channel": Channel.HAND, "priority": Priority.NORMAL},
        (FigureCell, FigureDelay, FigureHour),  # a flow names its units anyway
    ),
)


@dataclass(frozen=True)
class Grains:
    """The grains from which a figure is read."""

    day: Grain
    month: Grain
    year: Grain


OF_KEYS = Grains(Grain.DAY, Grain.MONTH, Grain.YEAR)
OF_SUMS = Grains(Grain.SUM_DAY, Grain.SUM_MONTH, Grain.SUM_YEAR)
OF_NATURES = Grains(Grain.NATURES_DAY, Grain.NATURES_MONTH, Grain.NATURES_YEAR)
OF_ALL = Grains(Grain.ALL_DAY, Grain.ALL_MONTH, Grain.ALL_YEAR)


def state_of(session: Session) -> FigureState | None:
    """What is known of the figures; None: none was ever made."""
    # Each figure of a page asks: the session knows its rows weakly, so the row would be read again for each.
    state: FigureState | None = session.info.get(FigureState)
    if state is None or state not in session:
        session.info[FigureState] = state = session.get(FigureState, STATE)
    return state


def are_kept(session: Session) -> bool:
    """Whether whoever counts letters must also change the sums: because there are sums, or because they are being made."""
    state = state_of(session)
    return state is not None and (state.sums_whole or state.sums_upto is not None)


def grains(
    session: Session, cut: Cut, *, by_nature: bool = False, by_unit: bool = False, cells: type[Base] = FigureCell
) -> Grains:
    """The grains from which the numbers of a cut are read: those of sums, where they suffice.

    Args:
        by_nature: whether the numbers are grouped by nature; ``by_unit``: by unit.
        cells: the table with the numbers.
    """
    state = state_of(session)
    if state is None or not state.sums_whole:
        return OF_KEYS
    has_natures = by_nature or bool(cut.natures)
    # Without a nature, delays and hours are read from the sums of the units: those of all units, by nature, are as many rows.
    # A flow names its units, so there are none of all units.
    may_be_of_all = cells is FigureCell or (has_natures and cells is not FigureFlow)
    if may_be_of_all and not (by_unit or cut.chooses_register_channel_or_priority) and _takes_all(session, cut):
        return OF_ALL
    if has_natures:
        return OF_KEYS
    return OF_NATURES if cut.chooses_register_channel_or_priority else OF_SUMS


def _takes_all(session: Session, cut: Cut) -> bool:
    """Whether a cut has every unit with letters, as for the head of the only ministry. Asked once for the figures of a page."""
    if cut.unit_ids is None:
        return True
    key = (_takes_all, frozenset(cut.unit_ids))
    if key not in session.info:
        newest, other = session.execute(_keys_beside(), {UNITS: sorted(cut.unit_ids)}).one()
        session.info.setdefault(NEWEST_KEY, newest)  # the first one told: what came since may be of another unit
        session.info[key] = other is None
    return bool(session.info[key])


@cache
def _keys_beside() -> Select[int | None, int | None]:
    """The highest id of a key, and that of a key whose unit is none of ``UNITS``; None: there is none."""
    other = select(FigureKey.id).where(FigureKey.unit_id != NO_UNIT, ~Among(FigureKey.unit_id, UNITS)).limit(1)
    return select(newest_key().scalar_subquery(), other.scalar_subquery())


def link(session: Session) -> None:
    """Give each key that has none its sums. The caller holds ``FigureState``."""
    for kind in SUM_KINDS:
        total = aliased(FigureKey)
        is_new = and_(kind.link.is_(None), FigureKey.register_id > NO_REGISTER)
        is_there = kind.is_own(total)
        register = kind.register(FigureKey.register_id).label("register_id")
        columns = (register, *(getattr(FigureKey, name) for name in kind.shared))
        missing = session.execute(
            select(*columns).where(is_new, ~select(total.id).where(is_there).exists()).distinct()
        ).all()
        if missing:
            names = ("register_id", *kind.shared)
            rows = [dict(zip(names, row, strict=True)) | dict(kind.others) for row in missing]
            session.execute(insert(table_of(FigureKey)), rows)
        session.execute(
            update(FigureKey).where(is_new).values({kind.link.key: select(total.id).where(is_there).scalar_subquery()}),
            execution_options={"synchronize_session": False},
        )


def astray() -> Select[int]:
    """The keys without their own sums: with none, or with that of another unit, direction, level, register, channel or priority."""
    own = []
    for kind in SUM_KINDS:
        total = aliased(FigureKey)
        own.append(select(total.id).where(total.id == kind.link, kind.is_own(total)).exists())
    return select(FigureKey.id).where(FigureKey.register_id > NO_REGISTER, ~and_(*own)).order_by(FigureKey.id)


def make_next(session: Session) -> bool:
    """Make the sums of the next month with cells; after the last month, those of the years.

    The caller holds ``FigureState``, and all figures are whole.

    Returns:
        Whether months are left.
    """
    state = session.get_one(FigureState, STATE)
    if state.sums_upto is None:
        link(session)
    month = _month_after(session, state.sums_upto)
    if month is None:
        _make(session, (FigureCell,), Grain.YEAR, date.min, date.max)
        state.sums_whole, state.sums_upto = True, None
        return False
    for grain, until in ((Grain.MONTH, month), (Grain.DAY, month_end(month))):
        _make(session, MODELS, grain, month, until)
    state.sums_upto = month
    return True


def _month_after(session: Session, month: date | None) -> date | None:
    """The first day of the first month after one that has cells, or sums: its last letter may have been taken out of sums that were
    not made yet.
    """
    grains = [Grain.MONTH, *(Grain(f"{kind.prefix}{Grain.MONTH.value}") for kind in SUM_KINDS)]
    firsts = []
    for model, grain in product(MODELS, grains):
        table = table_of(model)
        later = [] if month is None else [table.c.day > month]
        firsts.append(select(func.min(table.c.day).label("day")).where(table.c.grain == grain, *later))
    first: date | None = session.scalar(select(func.min(union_all(*firsts).subquery("firsts").c.day)))
    return first


def _make(session: Session, models: Sequence[type[Base]], grain: Grain, since: date, until: date) -> None:
    """Make the sums of the cells of one grain between two days, both included, in place of those that are there."""
    made = [Grain(f"{kind.prefix}{grain.value}") for kind in SUM_KINDS]
    for model in models:
        table = table_of(model)
        of_days = table.c.day.between(since, until)
        session.execute(delete(table).where(table.c.grain.in_(made), of_days))
        for kind in SUM_KINDS:
            if model not in kind.models:
                continue
            rows = added(model, select(*table.columns).where(table.c.grain == grain, of_days), kind)
            session.execute(
                insert(table).from_select([one.name for one in table.columns], rows, include_defaults=False)
            )


def with_sums(model: type[Base], rows: Select[Any]) -> Select[Any]:
    """Rows of cells, and those that they add to the cells of their sums."""
    names = [one.name for one in table_of(model).columns]
    fine = rows.cte().prefix_with("MATERIALIZED")
    each = select(*(fine.c[name] for name in names))
    more = (added(model, each, kind) for kind in SUM_KINDS if model in kind.models)
    return select(each.union_all(*more).subquery("all")).where(true())


def added(model: type[Base], rows: Select[Any], kind: SumKind) -> Select[Any]:
    """What rows of cells add to the cells of one kind of sums."""
    table, found = table_of(model), rows.subquery("found")
    keys = [one.name for one in table.primary_key.columns]
    changed: dict[str, Any] = {
        "grain": literal_column(f"'{kind.prefix}'", String).concat(cast(found.c.grain, String)).label("grain"),
        "key_id": kind.link.label("key_id"),
    }
    chosen = [changed.get(name, found.c[name]) for name in keys]
    numbers = [func.sum(found.c[one.name]).label(one.name) for one in table.columns if one.name not in keys]
    return (
        select(*chosen, *numbers)
        .join_from(found, FigureKey, FigureKey.id == found.c.key_id)
        .where(kind.link.is_not(None))
        .group_by(*chosen)
    )
