"""Which letters a figure counts: a reader's units and level, and what was chosen."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from ged.figures.models import FigureKey
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
        units = [FigureKey.unit_id.in_(list(self.unit_ids))] if self.unit_ids is not None else []
        narrowed = [column.in_(list(those)) for column, those in chosen if those]
        return [FigureKey.level <= self.level, *units, *narrowed]
