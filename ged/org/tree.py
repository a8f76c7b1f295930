"""The tree of units: walks over it, entities, and ministries.

A *ministry* is the whole tree below one root. One installation may hold several. Whatever a person picks, searches, is
proposed or sees in a list is of the ministries of the posts that the person holds or acts for (``ministry``): units,
posts, people, entries of directories, natures, mentions, templates, the journal. Entities of one ministry write to each
other; two ministries write as strangers do.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Protocol

from sqlalchemy import ColumnElement, Executable, exists, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.org.models import Holding, Post, Unit
from ged.ports import UnitId
from ged.unit import Actor, Role, UnitRow


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


def root_of(unit_id: int, units: Mapping[int, UnitRow]) -> int:
    """The root of a unit's tree. A closed root with a successor lies in the successor's tree."""
    seen = {unit_id}
    while True:
        unit = units[unit_id]
        above = unit.parent_id
        if above not in units:
            above = unit.successor_id if unit.closed_at is not None else None
        if above is None or above not in units or above in seen:
            return unit_id
        unit_id = above
        seen.add(unit_id)


def ministries(units: Mapping[int, UnitRow]) -> frozenset[int]:
    """The roots of all trees."""
    return frozenset(root_of(unit_id, units) for unit_id in units)


def ministry(actor: Actor) -> frozenset[int]:
    """All units of the ministries in which the actor holds or acts for a post: the rule that keeps ministries apart."""
    return _trees(actor.unit_ids, actor.units)


def ministry_of_role(actor: Actor, *roles: Role) -> frozenset[int]:
    """All units of the ministries in which the actor has a post with one of these roles: an administrator or auditor of one ministry is
    none in another, whatever other post he has there."""
    return _trees((post.unit_id for post in actor.posts if not post.roles.isdisjoint(roles)), actor.units)


def in_ministry(unit_id: int, actor: Actor) -> bool:
    """Whether a unit is one of ``ministry``."""
    units = actor.units
    own = {root_of(one, units) for one in actor.unit_ids if one in units}
    return unit_id in units and root_of(unit_id, units) in own


def _trees(unit_ids: Iterable[int], units: Mapping[int, UnitRow]) -> frozenset[int]:
    own = {root_of(one, units) for one in unit_ids if one in units}
    return frozenset(one for one in units if root_of(one, units) in own)


def runs_installation(actor: Actor, accounts: Collection[str]) -> bool:
    """Whether an administrator's or auditor's post of the actor counts for the whole installation.

    Args:
        accounts: those that the installation names for it. Where there is one ministry only, every account counts.
    """
    return len(ministries(actor.units)) <= 1 or actor.account in accounts


def ministry_of_units(session: Session, unit_ids: Iterable[int]) -> frozenset[int]:
    """All units of the ministries to which these units belong."""
    return _trees(unit_ids, all_units(session))


def all_units(session: Session) -> dict[int, UnitRow]:
    """Every unit, by its id."""
    return {row[0]: UnitRow(*row) for row in session.execute(_all_units())}


@cache
def _all_units() -> Executable:
    """Composed once: each request reads all units."""
    return select(Unit.id, Unit.parent_id, Unit.is_entity, Unit.closed_at, Unit.successor_id, Unit.code, Unit.name)


def of_ministry(
    person_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], actor: Actor, *roles: Role
) -> ColumnElement[bool]:
    """Whether a person holds, or ever held, a post of the actor's ministries. Everybody does where there is one only.

    Args:
        roles: only of the ministries in which the actor has a post with one of them; see ``ministry_of_role``.
    """
    if len(ministries(actor.units)) <= 1:
        return true()
    near = ministry_of_role(actor, *roles) if roles else ministry(actor)
    held = exists().where(Holding.person_id == person_id, Holding.post_id == Post.id)
    return held.where(Post.unit_id.in_(sorted(near)))


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
    waiting: list[int] = list(roots)
    if not waiting:  # most people head nothing
        return frozenset()
    children: dict[int | None, list[int]] = {}
    closed: dict[int | None, list[int]] = {}
    for unit in units.values():
        children.setdefault(unit.parent_id, []).append(unit.id)
        if unit.closed_at is not None:
            closed.setdefault(unit.successor_id, []).append(unit.id)
    found: set[UnitId] = set()
    while waiting:
        unit_id = waiting.pop()
        if unit_id not in found:
            found.add(UnitId(unit_id))
            # An entity under the ministry keeps its own mail: headship does not extend into it.
            waiting += [child for child in children.get(unit_id, []) if not units[child].is_entity]
            # A closed unit is headed by the head of its successor.
            waiting += closed.get(unit_id, [])
    return frozenset(found)
