"""What a person may see, and by what: posts, headships, delegations, levels. No letter is looked at."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.administration.queries import Named
from ged.administration.reach import Reach
from ged.errors import NotFound
from ged.org.actors import load_actor, post_granting
from ged.org.models import Holding, Person, Unit
from ged.ports import Confidentiality, unit_principal
from ged.unit import Actor, HeldPost


@dataclass(frozen=True)
class Title:
    """A post through which the person acts.

    Attributes:
        because: as ``HeldPost.because``.
        act: the legal act of a delegation or an interim.
        from_on, until_on: the days of the delegation; of a post held, its first day.
        works: whether letters come and go through it.
    """

    post: HeldPost
    because: str
    act: str
    from_on: date | None
    until_on: date | None
    works: bool


@dataclass(frozen=True)
class SeenUnit:
    """A unit whose letters the person sees.

    Attributes:
        level: the highest level at which what is given to the unit is seen.
        through: title of the post that gives it.
        is_headed: seen from above, or from its successor, not as a member.
    """

    unit: Named
    level: Confidentiality
    through: str
    is_headed: bool


@dataclass(frozen=True)
class Rights:
    """What a person may see on a day; nothing of a closed account."""

    person: Named
    is_active: bool
    clearance: Confidentiality
    titles: tuple[Title, ...]
    units: tuple[SeenUnit, ...]


def rights_of(session: Session, person_id: int, reach: Reach, *, on: date) -> Rights:
    """The rights of a person within reach on a day, as each request works them out; of other ministries nothing is told.

    Raises:
        NotFound: ``act.unknown``.
    """
    person = session.scalar(select(Person).where(Person.id == person_id, reach.people))
    if person is None:
        raise NotFound("act.unknown", "open it from the list again", id=person_id)
    named, clearance = Named(person.id, person.account, person.name), Confidentiality(person.clearance)
    if not person.is_active:
        return Rights(named, False, clearance, (), ())
    actor = load_actor(session, person_id, on=on)
    held = select(Holding.post_id, Holding.from_on).where(Holding.person_id == person_id).order_by(Holding.from_on)
    since = dict(session.execute(held).all())
    titles = tuple(
        Title(
            post, post.because, post.act, since.get(post.post_id) if post.because == "holder" else post.from_on, post.until_on,
            post.works,
        )
        for post in actor.posts
        if post.unit_id in reach.units
    )  # fmt: skip
    return Rights(named, True, clearance, titles, _units(session, actor, reach))


def _units(session: Session, actor: Actor, reach: Reach) -> tuple[SeenUnit, ...]:
    own = {post.unit_id for post in actor.working_posts}
    found = []
    for unit in session.execute(
        select(Unit.id, Unit.code, Unit.name).where(Unit.id.in_(reach.units)).order_by(Unit.id)
    ):
        principal = unit_principal(unit.id)
        levels = [level for level in Confidentiality if principal in actor.principals.at(level)]
        if levels:
            through = post_granting(actor, frozenset([principal]), levels[-1])
            found.append(
                SeenUnit(
                    Named(unit.id, unit.code, unit.name), levels[-1], through.title if through is not None else "",
                    unit.id not in own,
                )
            )  # fmt: skip
    return tuple(found)
