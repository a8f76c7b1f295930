"""Questions about the tree of units."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Unit


class Placed(Protocol):
    """A unit with its place in the tree."""

    @property
    def parent_id(self) -> int | None:
        """The unit above; None at the root."""

    @property
    def is_entity(self) -> bool:
        """Whether the unit is an entity of its own."""


def entity_of(unit_id: int, units: Mapping[int, Placed]) -> int:
    """The entity of a unit: itself or the nearest unit above that is one, the root where none is.

    Raises:
        KeyError: there is no such unit.
    """
    while not units[unit_id].is_entity:
        above = units[unit_id].parent_id
        if above is None or above not in units:
            break
        unit_id = above
    return unit_id


def entities(session: Session) -> dict[int, int]:
    """The entity of each unit; see ``entity_of``."""
    rows = {row.id: row for row in session.execute(select(Unit.id, Unit.parent_id, Unit.is_entity))}
    return {unit_id: entity_of(unit_id, rows) for unit_id in rows}


def same_entity(session: Session, unit_ids: Iterable[int]) -> frozenset[int]:
    """All units of the entities to which these units belong."""
    of = entities(session)
    wanted = {of[unit_id] for unit_id in unit_ids}
    return frozenset(unit_id for unit_id, entity in of.items() if entity in wanted)
