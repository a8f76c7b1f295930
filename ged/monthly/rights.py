"""Who makes a monthly report of an entity, and who reads it."""

from collections.abc import Collection

from ged.errors import Forbidden, NotFound
from ged.org import tree
from ged.ports import UnitId
from ged.unit import Actor, HeldPost, Role

MAKERS = (Role.HEAD, Role.AUTHORITY, Role.ADMINISTRATOR)
READERS = (*MAKERS, Role.AUDITOR)


def entities_to_make(actor: Actor) -> frozenset[int]:
    """The entities on which the actor may make reports: those that the actor heads, and those of the
    ministries that the actor administers."""
    return _entities(actor, {*actor.headed_unit_ids, *tree.ministry_of_role(actor, Role.ADMINISTRATOR)})


def entities_to_read(actor: Actor) -> frozenset[int]:
    """The entities whose reports the actor may read: those of ``entities_to_make``, and those of an auditor's ministries."""
    return entities_to_make(actor) | _entities(actor, tree.ministry_of_role(actor, Role.AUDITOR))


def _entities(actor: Actor, unit_ids: Collection[int]) -> frozenset[int]:
    """The entities among these units; a root is one."""
    units = actor.units
    return frozenset(one for one in unit_ids if one in units and tree.entity_of(one, units) == one)


def require_maker(actor: Actor, entity_id: int) -> HeldPost:
    """The post through which the actor makes a report.

    Raises:
        NotFound: ``monthly.unknown_entity``: the actor may not even read the reports of this entity.
        Forbidden: ``monthly.not_maker``.
    """
    if entity_id not in entities_to_read(actor):
        raise NotFound("monthly.unknown_entity", "choose an entity of the list", id=entity_id)
    if entity_id not in entities_to_make(actor):
        raise Forbidden("monthly.not_maker", "ask the head of the entity or an administrator")
    in_entity = actor.post_with(Role.AUTHORITY, unit_id=UnitId(entity_id)) or actor.post_with(
        Role.HEAD, unit_id=UnitId(entity_id)
    )
    return in_entity or next(one for one in actor.posts if one.roles & set(MAKERS))
