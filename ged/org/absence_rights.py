"""Whose absence an actor may declare: their own; as administrator or head above, also another person's.

An absence gives access to no letter, so an administrator may declare it. The holder or a head above still names the
replacement (``ged.org.delegations``): only an existing delegation or interim can be chosen.
"""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.errors import Forbidden, NotFound
from ged.org.actors import heading_post
from ged.org.delegations import headed_itself, person_choices
from ged.org.models import Holding, Person, Post, held_on
from ged.org.names import person_names
from ged.org.tree import of_ministry
from ged.ports import PersonId
from ged.unit import Actor, HeldPost, Role


def speaking_post(session: Session, person_id: PersonId | int, actor: Actor, *, on: date) -> HeldPost | None:
    """The post by which the actor declares a person's absence; None: the person is the actor.

    Raises:
        Forbidden: ``absence.not_for_them``: neither administrator nor head above a post of that person on this day.
        NotFound: ``person.unknown``: no such person, or the account is closed.
    """
    if person_id == actor.person_id:
        return None
    administers = actor.post_with(Role.ADMINISTRATOR)
    theirs = Person.id == person_id, of_ministry(Person.id, actor, Role.ADMINISTRATOR)
    is_near = administers is not None and session.scalar(select(Person.id).where(*theirs)) is not None
    through = administers if is_near else _head_above(session, person_id, actor, on)
    if through is None and administers is None:
        raise Forbidden("absence.not_for_them", "ask an administrator or a head above", person=int(person_id))
    person = session.get(Person, int(person_id))
    if through is None or person is None or not person.is_active:
        raise NotFound("person.unknown", "check the account", id=int(person_id))
    return through


def _head_above(session: Session, person_id: PersonId | int, actor: Actor, on: date) -> HeldPost | None:
    held = session.execute(
        select(Post.id, Post.unit_id)
        .join(Holding, Holding.post_id == Post.id)
        .where(Holding.person_id == person_id, *held_on(on))
        .order_by(Post.id)
    )
    return next((above for post_id, unit_id in held if (above := _above(post_id, unit_id, actor)) is not None), None)


def _above(post_id: int, unit_id: int, actor: Actor) -> HeldPost | None:
    """The post by which the actor is a head above another's post. Asks the database nothing."""
    above = heading_post(unit_id, actor)
    # As for an interim: received powers do not count, and a head is not above the post that they hold.
    return above if above is not None and above.because == "holder" and above.post_id != post_id else None


def people_choices(session: Session, actor: Actor, *, on: date) -> list[tuple[int, str]]:
    """(id, name and post) of people whose absence the actor may declare, by name; empty unless administrator or head."""
    if actor.has(Role.ADMINISTRATOR):
        return [choice for choice in person_choices(session, actor, on=on) if choice[0] != actor.person_id]
    rows = session.execute(
        select(Person.id, Post.id, Post.unit_id)
        .join(Holding, Holding.person_id == Person.id)
        .join(Post, Post.id == Holding.post_id)
        .where(Post.unit_id.in_(sorted(headed_itself(actor))), *held_on(on))
        .where(Person.is_active, Person.id != actor.person_id)
        .order_by(Person.name, Person.id)
    )
    names = person_names(session, actor, on=on)
    found = dict.fromkeys(person_id for person_id, post_id, unit_id in rows if _above(post_id, unit_id, actor))
    return [(person_id, names[person_id]) for person_id in found]
