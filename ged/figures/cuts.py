"""Which letters a figure counts: a reader's units and level, and what was chosen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, literal_column, select, union_all
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
from ged.figures.stages import SUMS, Grain
from ged.register.models import Channel, Direction, Priority


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
    def is_narrow(self) -> bool:
        """Whether it chooses among registers, natures, channels or priorities."""
        return any((self.register_ids, self.natures, self.channels, self.priorities))

    def clauses(self) -> list[ColumnElement[bool]]:
        """The conditions on ``FigureKey``."""
        chosen = (
            (FigureKey.register_id, self.register_ids), (FigureKey.direction, self.directions),
            (FigureKey.nature, self.natures), (FigureKey.channel, self.channels), (FigureKey.priority, self.priorities),
        )  # fmt: skip
        units = [Among(FigureKey.unit_id, self.unit_ids)] if self.unit_ids is not None else []
        narrowed = [column.in_(list(those)) for column, those in chosen if those]
        return [FigureKey.level <= self.level, *units, *narrowed]


Cells = type[FigureCell] | type[FigureDelay] | type[FigureFlow] | type[FigureHour]


def of_grain(cells: Cells | type[FigureScan], grain: Grain) -> ColumnElement[bool]:
    """Whether a cell is of a grain. Cells of sums have keys of their own: there are few of them, and a query begins there."""
    # Both are written into the statement, because PostgreSQL keeps one plan of it for all parameters.
    is_of = cells.grain == bindparam(None, grain, type_=Code(Grain), unique=True, literal_execute=True)
    return and_(is_of, FigureKey.register_id == literal_column(str(NO_REGISTER))) if grain in SUMS else is_of


def summed(
    session: Session, cells: Cells, cut: Cut, parts: Sequence[ColumnElement[bool]], told_by: Sequence[InstrumentedAttribute[Any]],
    numbers: Sequence[ColumnElement[int] | InstrumentedAttribute[int]],
) -> Sequence[Row[*tuple[Any, ...]]]:  # fmt: skip
    """The cells of a choice added up: for each group its columns (none: one group), then its sums (NULL: there is no cell).

    Args:
        parts: conditions on cells, of which a cell meets one at most. Each is a query of its own: with all in one condition,
            PostgreSQL looks through every cell of each key.
    """
    of_parts = [
        select(*told_by, *map(func.sum, numbers))
        .select_from(cells)
        .join(FigureKey, FigureKey.id == cells.key_id)
        .where(part, *cut.clauses())
        .group_by(*told_by)
        for part in parts
    ]
    if len(of_parts) == 1:
        return session.execute(of_parts[0]).all()
    columns = list(union_all(*of_parts).subquery("parts").c)
    told, added = columns[: len(told_by)], columns[len(told_by) :]
    return session.execute(select(*told, *map(func.sum, added)).group_by(*told)).all()
