"""Which letters a figure counts: a reader's units and level, and what was chosen."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.db import Among
from ged.figures.days import is_sqlite
from ged.figures.models import (
    NO_REGISTER,
    NO_UNIT,
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureKey,
    FigureScan,
    FigureSlip,
)
from ged.figures.stages import ALL, NATURES, SUMS, Grain, Stage
from ged.register.models import Channel, Direction, Priority

UNITS = "unit_ids"
CHOICES: Mapping[str, InstrumentedAttribute[Any]] = {
    "register_ids": FigureKey.register_id, "directions": FigureKey.direction, "natures": FigureKey.nature,
    "channels": FigureKey.channel, "priorities": FigureKey.priority,
}  # fmt: skip
"""The choices of a ``Cut`` after its units, with their columns."""
FEW = frozenset({"natures", "channels", "priorities"})
"""Those of ``CHOICES`` whose values few keys have."""
NEWEST_KEY = "newest_figure_key"
"""In ``session.info``: the highest id of a key when a reader's units were those of all letters (``sums.grains``). Cells of all units
are read for that reader only as long as no key came since: on PostgreSQL each query of a page sees what was committed before it."""


@dataclass(frozen=True)
class Cut:
    """Which letters. Whoever shows figures always says the highest level that the reader may know.

    The choices after the units narrow: an empty one takes all.

    Attributes:
        level: letters up to this confidentiality.
        unit_ids: whose letters: a reader's are always named (``reach.Sight.cut``), and with no unit there is no letter. None takes all
            units, for who compares the figures with the register. Of an entity: all units of its tree today (``ged.org.tree``).
    """

    level: int
    unit_ids: Collection[int] | None = None
    register_ids: Collection[int] = ()
    directions: Collection[Direction] = ()
    natures: Collection[str] = ()
    channels: Collection[Channel] = ()
    priorities: Collection[Priority] = ()

    @property
    def sent(self) -> dict[str, Any]:
        """The parameters of a composed statement: the level, and the choices that are made by their names."""
        units = {UNITS: sorted(self.unit_ids)} if self.unit_ids is not None else {}
        return {
            "level": self.level,
            **units,
            **{name: list(those) for name in CHOICES if (those := getattr(self, name))},
        }

    @property
    def narrowed_by(self) -> tuple[str, ...]:
        """The names of the choices that are made."""
        units = (UNITS,) if self.unit_ids is not None else ()
        return units + tuple(name for name in CHOICES if getattr(self, name))

    @property
    def chooses_register_channel_or_priority(self) -> bool:
        """The key of all natures together tells these three apart; the key of a sum does not (``sums``)."""
        return any((self.register_ids, self.channels, self.priorities))

    def clauses(self) -> list[ColumnElement[bool]]:
        """The conditions on ``FigureKey``, with their values."""
        chosen = {name: list(those) for name in CHOICES if (those := getattr(self, name))}
        return list(_conditions(self.level, self.unit_ids, chosen))


Cells = type[FigureCell] | type[FigureDelay] | type[FigureFlow] | type[FigureHour]
Papers = type[FigureScan] | type[FigureSlip]
"""Cells without a ``FigureKey``."""


def of_grain(cells: Cells | Papers, grain: Grain) -> ColumnElement[bool]:
    """Whether a row of cells is of a grain. Of a grain of sums, or of all natures, the statement must join ``FigureKey``: their few keys
    are named too, so that a query begins there.
    """
    return and_(_has_grain(cells, grain), *_keys_of(grain))


# The grain, and the register of a sum's key (``_keys_of``), are written into the statement and are no parameters: PostgreSQL keeps
# one plan of a statement for all its parameters. They are written when the statement is composed: a parameter that is written in at
# each execution (``literal_execute``) makes SQLAlchemy go through the whole text each time.
def _has_grain(cells: Cells | Papers, grain: Grain) -> ColumnElement[bool]:
    written: ColumnElement[Any] = literal_column(f"'{grain.value}'")
    found: ColumnElement[bool] = cells.grain == written
    return found


def _keys_of(grain: Grain) -> list[ColumnElement[bool]]:
    none: ColumnElement[int] = literal_column(str(NO_REGISTER))
    if grain in NATURES:
        return [FigureKey.register_id < none]
    return [FigureKey.register_id == none] if grain in (*SUMS, *ALL) else []


def in_keys(cut: Cut, grain: Grain) -> Cut:
    """The cut as the keys of a grain's cells have it (``FigureKey``)."""
    if grain in NATURES:
        return replace(cut, register_ids=[-one for one in cut.register_ids])
    return replace(cut, unit_ids=[NO_UNIT]) if grain in ALL else cut


@dataclass(frozen=True)
class Part:
    """The cells of a grain from one day to another, both included; None: from the first day there is, to the last."""

    grain: Grain
    since: date | None = None
    until: date | None = None


Bound = BindParameter[date] | date | None
Column = InstrumentedAttribute[Any]
Number = ColumnElement[int] | InstrumentedAttribute[int]


def summed(
    session: Session, cells: Cells, cut: Cut, parts: Sequence[Part], grouped_by: Sequence[Column], numbers: Sequence[Number],
    *, stage: Stage | None = None,
) -> Sequence[tuple[Any, ...]]:  # fmt: skip
    """The cells of a choice added up: a row for each group, with its columns, then its sums.

    Without ``grouped_by`` there is one row; its sums are None where there is no cell.

    Args:
        cells: the table.
        parts: a cell is in one of them at most.
        grouped_by: columns of the table or of ``FigureKey``.
        numbers: what is added up. The statement is kept for these very objects: an expression is made once, in a constant of a
            module (as ``queries.STANDING``).
        stage: whose delays; of other cells None.
    """
    shape = tuple(Part(one.grain, one.since and date.min, one.until and date.min) for one in parts)
    asked = in_keys(cut, parts[0].grain)
    # For SQLite alone: PostgreSQL estimates how few keys are chosen, and takes a worse plan with the second condition.
    begins_at_keys = is_sqlite(session) and not FEW.isdisjoint(asked.narrowed_by)
    newest = session.info.get(NEWEST_KEY) if parts[0].grain in ALL and not is_sqlite(session) else None
    statement = _sum(
        cells, asked.narrowed_by, shape, tuple(grouped_by), tuple(numbers), has_stage=stage is not None,
        begins_at_keys=begins_at_keys, tells_newest=newest is not None,
    )  # fmt: skip
    days = {f"{bound}_{n}": getattr(one, bound) for n, one in enumerate(parts) for bound in ("since", "until")}
    # By the connection: the session would look in each row for objects to load, which takes a fifth of the time.
    rows = session.connection().execute(statement, {**asked.sent, **days, "stage": stage}).all()
    if newest is None:
        return rows
    if any(row[-1] != newest for row in rows):
        own = [replace(one, grain=Grain(one.grain.value.removeprefix("all_"))) for one in parts]
        return summed(session, cells, cut, own, grouped_by, numbers, stage=stage)
    return [row[:-1] for row in rows]


def newest_key() -> Select[int | None]:
    """The highest id of a key (``NEWEST_KEY``)."""
    return select(func.max(FigureKey.id))


@lru_cache(maxsize=512)
def _sum(
    cells: Cells, narrowed_by: tuple[str, ...], parts: tuple[Part, ...], grouped_by: tuple[Column, ...], numbers: tuple[Number, ...],
    *, has_stage: bool, begins_at_keys: bool, tells_newest: bool,
) -> Select[Any]:  # fmt: skip
    """The statement of ``summed``. To compose it takes longer than most databases need to run it, so it is kept.

    Args:
        narrowed_by: ``Cut.narrowed_by``.
        parts: any day stands for a bound; the days themselves are parameters (``_of_nth``).
        begins_at_keys: whether the keys are chosen first where they are joined, too. With the join alone SQLite, which does not know
            how few keys are of a nature, would read the cells of all keys and look up the key of each.
        tells_newest: whether the last column is the highest id of a key, seen with the cells.
    """
    newest = [newest_key().scalar_subquery()] if tells_newest else []
    is_grouped_by_key = any(one.class_ is FigureKey for one in grouped_by)

    def of_part(n: int, part: Part) -> Select[Any]:
        chosen = [_of_nth(cells, n, part), *([FigureDelay.stage == bindparam("stage")] if has_stage else [])]
        keys = [*_keys_of(part.grain), *of_cut(narrowed_by)]
        found = select(*grouped_by, *map(func.sum, numbers)).select_from(cells).where(*chosen).group_by(*grouped_by)
        few = cells.key_id.in_(select(FigureKey.id).where(*keys))
        if not is_grouped_by_key:  # chosen first, as with ``begins_at_keys``
            return found.where(few)
        found = found.join(FigureKey, FigureKey.id == cells.key_id).where(*keys)
        return found.where(few) if begins_at_keys else found

    # Each part is a query of its own: with all in one condition, PostgreSQL looks through every cell of each key.
    of_parts = [of_part(n, part) for n, part in enumerate(parts)]
    if len(of_parts) == 1:
        return of_parts[0].add_columns(*newest)
    columns = list(union_all(*of_parts).subquery("parts").c)
    groups, sums = columns[: len(grouped_by)], columns[len(grouped_by) :]
    return select(*groups, *map(func.sum, sums), *newest).group_by(*groups)


def _of_nth(cells: Cells, n: int, part: Part) -> ColumnElement[bool]:
    since: Bound = None if part.since is None else bindparam(f"since_{n}")
    until: Bound = None if part.until is None else bindparam(f"until_{n}")
    return and_(_has_grain(cells, part.grain), *_between(cells, since, until))


def of_days(cells: Cells | Papers, grain: Grain, since: Bound, until: Bound) -> ColumnElement[bool]:
    """Whether a row of cells is of a grain (``of_grain``) and of some days, both included; None: no bound."""
    return and_(of_grain(cells, grain), *_between(cells, since, until))


def _between(cells: Cells | Papers, since: Bound, until: Bound) -> list[ColumnElement[bool]]:
    return ([] if since is None else [cells.day >= since]) + ([] if until is None else [cells.day <= until])


def of_cut(narrowed_by: tuple[str, ...]) -> Iterator[ColumnElement[bool]]:
    """The conditions of ``Cut.clauses`` without their values, for a statement that is composed once: ``Cut.sent`` are its parameters."""
    chosen: dict[str, Any] = {name: bindparam(name, expanding=True) for name in CHOICES if name in narrowed_by}
    return _conditions(bindparam("level"), UNITS if UNITS in narrowed_by else None, chosen)


def _conditions(
    level: Any, units: Collection[int] | str | None, chosen: Mapping[str, Any]
) -> Iterator[ColumnElement[bool]]:
    """What a cut asks of ``FigureKey``: by values, or by parameters."""
    yield FigureKey.level <= level
    if units is not None:
        yield Among(FigureKey.unit_id, units)
    yield from (CHOICES[name].in_(those) for name, those in chosen.items())
