"""Queries on the tree of units."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Unit
from ged.ports import UnitId
from ged.unit import UnitRow


class Placed(Protocol):
    """A unit with its place in the tree: a row of the table, or ``ged.unit.UnitRow``."""

    @property
    def parent_id(self) -> int | None:
        """The unit above; None at the root."""

    @property
    def is_entity(self) -> bool:
        """Whether the unit is an entity of its own."""


def entity_of(unit_id: int, units: Mapping[int, Placed]) -> int:
    """The entity of a unit: the unit itself or the nearest entity above it; the root when there is none.

    Raises:
        KeyError: the unit does not exist.
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


def upwards(session: Session, unit_id: int) -> list[Unit]:
    """A unit and all units above it, the nearest first; empty when the unit does not exist."""
    found: list[Unit] = []
    unit = session.get(Unit, unit_id)
    while unit is not None and unit not in found:
        found.append(unit)
        unit = session.get(Unit, unit.parent_id) if unit.parent_id is not None else None
    return found


def ids_upwards(unit_id: int, units: Mapping[int, Placed]) -> list[int]:
    """As ``upwards``, for units already loaded."""
    found: list[int] = []
    at: int | None = unit_id
    while at is not None and at in units and at not in found:
        found.append(at)
        at = units[at].parent_id
    return found


def heirs(session: Session, unit_id: int) -> list[int]:
    """A unit and, when it is closed, its successor, and so on.

    Raises:
        NoResultFound: the unit does not exist.
    """
    found: list[int] = []
    at: int | None = unit_id
    while at is not None and at not in found:
        found.append(at)
        unit = session.get_one(Unit, at)
        at = unit.successor_id if unit.closed_at is not None else None
    return found


def heirs_among(unit_id: int, units: Mapping[int, UnitRow]) -> list[int]:
    """As ``heirs``, for units already loaded; a unit that is not among them has no successor."""
    found: list[int] = []
    at: int | None = unit_id
    while at is not None and at not in found:
        found.append(at)
        unit = units.get(at)
        at = unit.successor_id if unit is not None and unit.closed_at is not None else None
    return found


def with_predecessors(unit_ids: Iterable[int], units: Mapping[int, UnitRow]) -> frozenset[int]:
    """Units, with the closed units whose work they took over."""
    found = set(unit_ids)
    grown = True
    while grown:
        more = {u.id for u in units.values() if u.closed_at and u.successor_id in found} - found
        found |= more
        grown = bool(more)
    return frozenset(found)


def headed(roots: Iterable[UnitId], units: Mapping[int, UnitRow]) -> frozenset[UnitId]:
    """The units headed from these units: themselves, and the units below up to the next entity."""
    children: dict[int | None, list[int]] = {}
    closed: dict[int | None, list[int]] = {}
    for unit in units.values():
        children.setdefault(unit.parent_id, []).append(unit.id)
        if unit.closed_at is not None:
            closed.setdefault(unit.successor_id, []).append(unit.id)
    found: set[UnitId] = set()
    waiting: list[int] = list(roots)
    while waiting:
        unit_id = waiting.pop()
        if unit_id not in found:
            found.add(UnitId(unit_id))
            # An entity under the ministry keeps its own mail: headship does not extend into it.
            waiting += [child for child in children.get(unit_id, []) if not units[child].is_entity]
            # A closed unit is headed by the head of its successor.
            waiting += closed.get(unit_id, [])
    return frozenset(found)
