"""Who proposes and who confirms that somebody read a SECRET letter by exception.

Each of the two sees the letter for work, by a post that they hold or decide for; a secretary only prepares. At least one of them
decides on the letter: its addressee, its author, or the head of its unit. They are two humans (``ged.seconded``).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import NotFound
from ged.org.actors import heading_post, load_actor, posts_granting
from ged.org.models import Person
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.seconded import DECIDING, are_two, humans
from ged.unit import Actor, HeldPost


@dataclass(frozen=True)
class Side:
    """A way by which somebody may speak for a letter.

    Attributes:
        humans: who stands behind it.
        decides: whether it decides on the letter.
    """

    post: HeldPost
    humans: frozenset[int]
    decides: bool


def sides_of(session: Session, mail: Mail, actor: Actor, *, on: date) -> tuple[Side, ...]:
    """The ways by which an actor may speak for a letter: own posts first. Empty: none."""
    granted = access.principals_of(session, mail.id)
    above = heading_post(mail.responsible_unit_id or mail.unit_id, actor)
    return tuple(
        Side(
            post,
            humans(session, actor, post, on=on),
            post.post_id in (mail.addressed_post_id, mail.author_post_id) or post == above,
        )
        for post, _given in posts_granting(actor, granted, Confidentiality(mail.level))
        if post.works and post.because in DECIDING
    )


def sides_of_person(session: Session, mail: Mail, person_id: int, *, on: date) -> tuple[Side, ...]:
    """As ``sides_of``, with the rights that a person has now; empty for a closed account."""
    try:
        return sides_of(session, mail, load_actor(session, person_id, on=on), on=on)
    except NotFound:
        return ()


def second_side(first: tuple[Side, ...], behind: Collection[int], second: tuple[Side, ...]) -> Side | None:
    """The way by which somebody may confirm what another proposed; None: by none.

    Args:
        first: the ways of who proposed, as they are now.
        behind: the humans behind the proposal when it was made.
    """
    decided = any(side.decides for side in first)
    able = (side for side in second if are_two(behind, side.humans) and (decided or side.decides))
    return next(able, None)


def speakers(session: Session, mail: Mail, *, on: date) -> Iterator[tuple[int, tuple[Side, ...]]]:
    """Everybody who may speak for a letter. Few people are cleared for a SECRET one."""
    cleared = select(Person.id).where(Person.clearance >= mail.level, Person.is_active).order_by(Person.id)
    for person_id in session.scalars(cleared).all():
        if sides := sides_of_person(session, mail, person_id, on=on):
            yield person_id, sides
