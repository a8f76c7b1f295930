"""Who makes a monthly report of an entity, who proves it, and who reads it.

A report says exactly what it counts, and names its letters by their ids and days. So its content is for who may see each of these
letters: who heads the entity, and who prepares for them (``ged.dashboard.reach``). An administrator makes reports, and an auditor proves
them: neither is told their numbers.
"""

from collections.abc import Collection

from ged.errors import Forbidden, NotFound
from ged.org import tree
from ged.org.actors import heading_post
from ged.unit import Actor, HeldPost, Role


def deciding_post(unit_id: int, actor: Actor) -> HeldPost | None:
    """The post through which the actor decides on what leaves under the name of an entity: the one that heads it, else an
    administrator's of its ministry. A secretary prepares, and decides nothing."""
    return heading_post(unit_id, actor) or _post_in_ministry(Role.ADMINISTRATOR, unit_id, actor)


def _post_in_ministry(role: Role, unit_id: int, actor: Actor) -> HeldPost | None:
    units = actor.units
    return next(
        (
            post
            for post in actor.posts
            if role in post.roles
            and {post.unit_id, unit_id} <= units.keys()
            and tree.root_of(post.unit_id, units) == tree.root_of(unit_id, units)
        ),
        None,
    )


def entities_to_make(actor: Actor) -> frozenset[int]:
    """The entities on which the actor may make reports: those that the actor heads, and those of the
    ministries that the actor administers."""
    asked = {*actor.headed_unit_ids, *tree.ministry_of_role(actor, Role.ADMINISTRATOR)}
    return frozenset(one for one in _entities(actor, asked) if deciding_post(one, actor) is not None)


def entities_to_open(actor: Actor) -> frozenset[int]:
    """The entities whose reports the actor may read: of each letter of theirs the actor is told exact figures."""
    return _entities(actor, actor.headed_unit_ids)


def entities_to_prove(actor: Actor) -> frozenset[int]:
    """The entities of whose reports the actor may know that they are there, and whether they are genuine: those whose reports the actor
    makes or reads, and those of an auditor's ministries."""
    watched = _entities(actor, tree.ministry_of_role(actor, Role.AUDITOR))
    return entities_to_make(actor) | entities_to_open(actor) | watched


def _entities(actor: Actor, unit_ids: Collection[int]) -> frozenset[int]:
    """The entities among these units; a root is one."""
    units = actor.units
    return frozenset(one for one in unit_ids if one in units and tree.entity_of(one, units) == one)


def require_maker(actor: Actor, entity_id: int) -> HeldPost:
    """The post through which the actor makes a report.

    Raises:
        NotFound: ``monthly.unknown_entity``: the actor may not even know of the reports of this entity.
        Forbidden: ``monthly.not_maker``.
    """
    if entity_id not in entities_to_prove(actor):
        raise NotFound("monthly.unknown_entity", "choose an entity of the list", id=entity_id)
    post = deciding_post(entity_id, actor) if entity_id in entities_to_make(actor) else None
    if post is None:
        raise Forbidden("monthly.not_maker", "ask the head of the entity or an administrator")
    return post
