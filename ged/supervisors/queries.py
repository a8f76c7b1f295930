"""Who is supervisor of which branch; the acts, and what a form offers."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from ged.counting import composed
from ged.org.models import Person, Post
from ged.org.names import person_names, post_names, unit_names
from ged.org.tree import ministry_of_role, of_ministry
from ged.supervisors.models import Supervisor
from ged.unit import Actor, Role


@dataclass(frozen=True)
class SupervisorRow:
    """A supervisor as the page shows it.

    Attributes:
        name: the person, or the post with its holder.
        is_post: whether the act names a post.
        unit_is_closed: the supervisor sees what the closed unit counted, and not what took it over.
        in_force: on the day of the question.
        may_end: it is in force, or to come.
    """

    id: int
    unit_name: str
    name: str
    is_post: bool
    act: str
    from_on: date
    until_on: date | None
    ended_on: date | None
    ended_act: str
    unit_is_closed: bool
    in_force: bool
    may_end: bool


def branches(session: Session, actor: Actor, *, on: date) -> frozenset[int]:
    """The units at the top of the branches of which a person is supervisor on a day, by name or by a post held or decided for."""
    return frozenset(session.scalars(_branches(actor, on)))


@composed
def _branches(actor: Actor, on: date) -> Select[int]:
    return select(Supervisor.unit_id).where(_names(actor), *_in_force(on))


def _names(actor: Actor) -> ColumnElement[bool]:
    """Whether an act names the person, or a post held or decided for."""
    return or_(Supervisor.person_id == int(actor.person_id), Supervisor.post_id.in_(sorted(actor.deciding_post_ids)))


def acts_naming(actor: Actor) -> Select[int]:
    """The statement that counts the acts that name a person, or a post held or decided for, and that nothing has ended: for the navigation.

    It depends on the actor alone, so it counts acts of other days, too: then the page itself says that there is nothing to see today.
    """
    found = select(Supervisor.id).where(_names(actor), Supervisor.ended_at.is_(None)).limit(1)
    return select(func.count()).select_from(found.subquery())


def is_named(session: Session, actor: Actor) -> bool:
    """Whether an act names a person that nothing has ended, of today or of another day."""
    return bool(session.scalar(acts_naming(actor)))


def _in_force(on: date) -> tuple[ColumnElement[bool], ...]:
    return (
        Supervisor.from_on <= on,
        or_(Supervisor.until_on.is_(None), Supervisor.until_on >= on),
        Supervisor.ended_at.is_(None),
    )


def may_end(row: Supervisor, on: date) -> bool:
    """Whether the act makes a supervisor on a day, or on a later one."""
    return row.ended_at is None and (row.until_on is None or row.until_on >= on)


def listing(session: Session, actor: Actor, *, on: date, zone: ZoneInfo) -> list[SupervisorRow]:
    """The supervisors of the units that an administrator looks after: those in force and to come, then those that are over."""
    near = ministry_of_role(actor, Role.ADMINISTRATOR)
    rows = session.execute(
        select(Supervisor, Person.name)
        .outerjoin(Person, Person.id == Supervisor.person_id)
        .where(Supervisor.unit_id.in_(sorted(near)))
        .order_by(Supervisor.from_on.desc(), Supervisor.id.desc())
    ).all()
    units = unit_names(actor)
    posts = post_names(session, [row.post_id for row, _name in rows if row.post_id is not None], on=on)
    found = [
        SupervisorRow(
            id=row.id,
            unit_name=units.get(row.unit_id, "—"),
            name=name if row.post_id is None else posts[row.post_id].text,
            is_post=row.post_id is not None,
            act=row.act,
            from_on=row.from_on,
            until_on=row.until_on,
            ended_on=row.ended_at.astimezone(zone).date() if row.ended_at is not None else None,
            ended_act=row.ended_act,
            unit_is_closed=actor.units[row.unit_id].closed_at is not None,
            in_force=may_end(row, on) and row.from_on <= on,
            may_end=may_end(row, on),
        )
        for row, name in rows
    ]
    return sorted(found, key=lambda row: not row.may_end)


@dataclass(frozen=True)
class Choices:
    """(id, words) of what a form offers: open units, people with an open account, posts of open units."""

    units: list[tuple[int, str]]
    people: list[tuple[int, str]]
    posts: list[tuple[int, str]]


def choices(session: Session, actor: Actor, *, on: date) -> Choices:
    """What an administrator may choose, each list by its words; the administrator and the posts that they hold are left out."""
    near = ministry_of_role(actor, Role.ADMINISTRATOR)
    open_ids = [one for one in sorted(near) if actor.units[one].closed_at is None]
    names = unit_names(actor)
    ids = session.scalars(select(Post.id).where(Post.unit_id.in_(open_ids)).order_by(Post.id)).all()
    posts = post_names(session, [one for one in ids if one not in actor.post_ids], on=on)
    looked_after = set(
        session.scalars(select(Person.id).where(Person.is_active, of_ministry(Person.id, actor, Role.ADMINISTRATOR)))
    )
    people = person_names(session, actor, on=on)
    return Choices(
        sorted(((one, names[one]) for one in open_ids), key=lambda pair: pair[1]),
        [(one, text) for one, text in people.items() if one in looked_after and one != actor.person_id],
        sorted(((one, name.text) for one, name in posts.items()), key=lambda pair: pair[1]),
    )
