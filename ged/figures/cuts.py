"""Which letters a figure counts: a reader's units and level, and what was chosen."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.db import Among, Code
from ged.figures.models import (
    NO_REGISTER,
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureKey,
    FigureScan,
)
from ged.figures.stages import SUMS, Grain, Stage
from ged.register.models import Channel, Direction, Priority

UNITS = "unit_ids"
CHOICES: Mapping[str, InstrumentedAttribute[Any]] = {
    "register_ids": FigureKey.register_id, "directions": FigureKey.direction, "natures": FigureKey.nature,
    "channels": FigureKey.channel, "priorities": FigureKey.priority,
}  # fmt: skip
"""The choices of a ``Cut`` after its units, with their columns."""


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
    def is_narrow(self) -> bool:
        """Whether it chooses among registers, natures, channels or priorities."""
        return any((self.register_ids, self.natures, self.channels, self.priorities))

    def clauses(self) -> list[ColumnElement[bool]]:
        """The conditions on ``FigureKey``."""
        chosen = ((column, getattr(self, name)) for name, column in CHOICES.items())
        units = [Among(FigureKey.unit_id, self.unit_ids)] if self.unit_ids is not None else []
        narrowed = [column.in_(list(those)) for column, those in chosen if those]
        return [FigureKey.level <= self.level, *units, *narrowed]


Cells = type[FigureCell] | type[FigureDelay] | type[FigureFlow] | type[FigureHour]


def of_grain(cells: Cells | type[FigureScan], grain: Grain) -> ColumnElement[bool]:
    """Whether a cell, with its key, is of a grain. Cells of sums have keys of their own: there are few of them, and a query begins there."""
    return and_(_is_of(cells, grain), *_keys_of(grain))


# Both are written into the statement, because PostgreSQL keeps one plan of it for all parameters.
def _is_of(cells: Cells | type[FigureScan], grain: Grain) -> ColumnElement[bool]:
    is_of: ColumnElement[bool] = cells.grain == bindparam(
        None, grain, type_=Code(Grain), unique=True, literal_execute=True
    )
    return is_of


def _keys_of(grain: Grain) -> list[ColumnElement[bool]]:
    return [FigureKey.register_id == literal_column(str(NO_REGISTER))] if grain in SUMS else []


@dataclass(frozen=True)
class Part:
    """The cells of a grain on some days, both included; None: since the first day, until the last."""

    grain: Grain
    since: date | None = None
    until: date | None = None


Bound = BindParameter[date] | date | None
Told = InstrumentedAttribute[Any]
Number = ColumnElement[int] | InstrumentedAttribute[int]


def summed(
    session: Session, cells: Cells, cut: Cut, parts: Sequence[Part], told_by: Sequence[Told], numbers: Sequence[Number],
    *, stage: Stage | None = None,
) -> Sequence[Row[*tuple[Any, ...]]]:  # fmt: skip
    """The cells of a choice added up: for each group its columns (none: one group), then its sums (NULL: there is no cell).

    Args:
        parts: a cell is in one of them at most.
        stage: whose delays; of other cells None.
    """
    shape = tuple(Part(one.grain, one.since and date.min, one.until and date.min) for one in parts)
    statement = _sum(cells, cut.narrowed_by, shape, tuple(told_by), tuple(numbers), has_stage=stage is not None)
    days = {f"{bound}_{n}": getattr(one, bound) for n, one in enumerate(parts) for bound in ("since", "until")}
    return session.execute(statement, {**cut.sent, **days, "stage": stage}).all()


@lru_cache(maxsize=512)
def _sum(
    cells: Cells, narrowed_by: tuple[str, ...], parts: tuple[Part, ...], told_by: tuple[Told, ...], numbers: tuple[Number, ...],
    *, has_stage: bool,
) -> Select[Any]:  # fmt: skip
    """The statement of ``summed``. To compose it takes longer than most databases need to run it: so it is made once for a shape.

    Args:
        narrowed_by: the choices of a cut that are made.
        parts: with some day where there is a bound.
    """
    are_told_by_key = any(one.class_ is FigureKey for one in told_by)

    def of_part(n: int, part: Part) -> Select[Any]:
        chosen = [_of_nth(cells, n, part), *([FigureDelay.stage == bindparam("stage")] if has_stage else [])]
        keys = [*_keys_of(part.grain), *of_cut(narrowed_by)]
        found = select(*told_by, *map(func.sum, numbers)).select_from(cells).where(*chosen).group_by(*told_by)
        if are_told_by_key:
            return found.join(FigureKey, FigureKey.id == cells.key_id).where(*keys)
        # Not joined where the key tells nothing: SQLite, which does not know how few keys are of a nature, would read
        # the cells of all keys and look for the key of each.
        return found.where(cells.key_id.in_(select(FigureKey.id).where(*keys)))

    # Each part is a query of its own: with all in one condition, PostgreSQL looks through every cell of each key.
    of_parts = [of_part(n, part) for n, part in enumerate(parts)]
    if len(of_parts) == 1:
        return of_parts[0]
    columns = list(union_all(*of_parts).subquery("parts").c)
    told, added = columns[: len(told_by)], columns[len(told_by) :]
    return select(*told, *map(func.sum, added)).group_by(*told)


def _of_nth(cells: Cells, n: int, part: Part) -> ColumnElement[bool]:
    since: Bound = None if part.since is None else bindparam(f"since_{n}")
    until: Bound = None if part.until is None else bindparam(f"until_{n}")
    return and_(_is_of(cells, part.grain), *_between(cells, since, until))


def of_days(cells: Cells | type[FigureScan], grain: Grain, since: Bound, until: Bound) -> ColumnElement[bool]:
    """Whether a cell, with its key, is of a ``Part``."""
    return and_(of_grain(cells, grain), *_between(cells, since, until))


def _between(cells: Cells | type[FigureScan], since: Bound, until: Bound) -> list[ColumnElement[bool]]:
    return ([] if since is None else [cells.day >= since]) + ([] if until is None else [cells.day <= until])


def of_cut(narrowed_by: tuple[str, ...]) -> Iterator[ColumnElement[bool]]:
    """``Cut.clauses`` for a statement that is composed once, of which ``Cut.sent`` are the parameters."""
    yield FigureKey.level <= bindparam("level")
    if UNITS in narrowed_by:
        yield Among(FigureKey.unit_id, UNITS)
    yield from (column.in_(bindparam(name, expanding=True)) for name, column in CHOICES.items() if name in narrowed_by)
