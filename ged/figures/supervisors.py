"""Supervisors: who sees the figures of a branch of the tree, by a named act, from a day on, until a day or until another act ends it.

An administrator enters both acts, and may not name themselves. The act names a person, or a post: then whoever holds the
post, or acts for it by a delegation, is supervisor, and nobody while it is empty; a secretary prepares for the post, and is none. No right
to a letter follows (``ged.figures.reach``).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.counting import composed
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.figures.models import Supervisor
from ged.org.actors import load_actor
from ged.org.models import Person, Post
from ged.org.names import person_names, post_names, unit_names
from ged.org.tree import ministry_of_role, of_ministry
from ged.org.turns import one_at_a_time
from ged.typeset import refuse_unprintable
from ged.unit import Actor, Role, UnitOfWork

MAX_ACT = 200
EARLIEST = timedelta(days=366)
"""An act that began longer ago is a typing error."""


@dataclass(frozen=True)
class SupervisorForm:
    """What the act says. One of ``person_id`` and ``post_id`` is None.

    Attributes:
        unit_id: the unit at the top of the branch.
        until_on: the last day; None: until another act.
    """

    unit_id: int
    person_id: int | None
    post_id: int | None
    act: str
    from_on: date
    until_on: date | None = None


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


def give(uow: UnitOfWork, form: SupervisorForm, *, actor: Actor) -> int:
    """Enter the act that makes a supervisor.

    Raises:
        Invalid: ``supervisor.unit`` (closed, or of another ministry), ``supervisor.one`` (a person or a post, and not both),
            ``supervisor.person``, ``supervisor.post``, ``supervisor.oneself``, ``supervisor.act``, ``typeset.glyph``,
            ``supervisor.dates``, ``supervisor.already``.
    """
    today = uow.now.astimezone(uow.services.zone).date()
    one_at_a_time(uow)
    # The rights may have changed while this waited for another change of the organisation.
    actor = load_actor(uow.session, actor.person_id, on=today)
    near = ministry_of_role(actor, Role.ADMINISTRATOR)
    unit = actor.units.get(form.unit_id)
    if unit is None or unit.closed_at is not None or unit.id not in near:
        raise Invalid("supervisor.unit", "choose a unit of the list", field="unit_id")
    _check_named(uow.session, form, actor, near)
    if not form.act.strip() or len(form.act) > MAX_ACT:
        raise Invalid("supervisor.act", "name the act", field="act", limit=MAX_ACT)
    refuse_unprintable(form.act, field="act")
    if (field := _wrong_day(form, today)) is not None:
        raise Invalid("supervisor.dates", "give days to come", field=field)
    if uow.session.scalar(_overlapping(form)) is not None:
        raise Invalid("supervisor.already", "end the other act first", field="unit_id")
    row = Supervisor(
        unit_id=form.unit_id, person_id=form.person_id, post_id=form.post_id, act=form.act.strip(), from_on=form.from_on,
        until_on=form.until_on, given_at=uow.now, ended_act="",
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    uow.record(
        "supervisor.given", "supervisor", row.id, actor=actor, post=actor.post_with(Role.ADMINISTRATOR), unit=row.unit_id,
        person=row.person_id, of_post=row.post_id, act=row.act, from_on=row.from_on.isoformat(),
        until_on=row.until_on.isoformat() if row.until_on is not None else None,
    )  # fmt: skip
    return row.id


def _check_named(session: Session, form: SupervisorForm, actor: Actor, near: frozenset[int]) -> None:
    if (form.person_id is None) == (form.post_id is None):
        raise Invalid("supervisor.one", "choose a person or a post", field="person_id")
    if form.person_id is not None:
        wanted = select(Person.id).where(Person.id == form.person_id, Person.is_active)
        if session.scalar(wanted.where(of_ministry(Person.id, actor, Role.ADMINISTRATOR))) is None:
            raise Invalid("supervisor.person", "choose a person of the list", field="person_id")
    elif session.scalar(select(Post.id).where(Post.id == form.post_id, Post.unit_id.in_(sorted(near)))) is None:
        raise Invalid("supervisor.post", "choose a post of the list", field="post_id")
    # The role of an administrator must give no look at the letters' figures either.
    if form.person_id == actor.person_id or form.post_id in actor.post_ids:
        field = "person_id" if form.person_id is not None else "post_id"
        raise Invalid("supervisor.oneself", "another administrator enters the act", field=field)


def _wrong_day(form: SupervisorForm, today: date) -> str | None:
    if form.from_on < today - EARLIEST:
        return "from_on"
    if form.until_on is not None and form.until_on < max(form.from_on, today):
        return "until_on"
    return None


def _overlapping(form: SupervisorForm) -> Select[int]:
    """The act that makes the named one supervisor of the unit already on one of these days."""
    days = [or_(Supervisor.until_on.is_(None), Supervisor.until_on >= form.from_on)]
    if form.until_on is not None:
        days.append(Supervisor.from_on <= form.until_on)
    named = Supervisor.person_id == form.person_id if form.person_id is not None else Supervisor.post_id == form.post_id
    return (
        select(Supervisor.id)
        .where(Supervisor.unit_id == form.unit_id, named, Supervisor.ended_at.is_(None), *days)
        .limit(1)
    )


def end(uow: UnitOfWork, supervisor_id: int, act: str, *, actor: Actor) -> None:
    """End it at once, by another act.

    Raises:
        NotFound: ``supervisor.unknown``: not there, or of another ministry.
        InvalidTransition: ``supervisor.ended``.
        Invalid: ``supervisor.act``, ``typeset.glyph``.
    """
    if not act.strip() or len(act) > MAX_ACT:
        raise Invalid("supervisor.act", "name the act", field="ended_act", limit=MAX_ACT)
    refuse_unprintable(act, field="ended_act")
    today = uow.now.astimezone(uow.services.zone).date()
    one_at_a_time(uow)
    # The rights may have changed while this waited for another change of the organisation.
    actor = load_actor(uow.session, actor.person_id, on=today)
    row = locks.hold_one(uow.session, Supervisor, supervisor_id)
    if row is None or row.unit_id not in ministry_of_role(actor, Role.ADMINISTRATOR):
        raise NotFound("supervisor.unknown", "reload the list", id=supervisor_id)
    if not _may_end(row, today):
        raise InvalidTransition("supervisor.ended", "reload the list", id=supervisor_id)
    row.ended_at, row.ended_act = uow.now, act.strip()
    uow.record(
        "supervisor.ended", "supervisor", row.id, actor=actor, post=actor.post_with(Role.ADMINISTRATOR), unit=row.unit_id,
        person=row.person_id, of_post=row.post_id, act=row.ended_act,
    )  # fmt: skip


def _may_end(row: Supervisor, on: date) -> bool:
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
            in_force=_may_end(row, on) and row.from_on <= on,
            may_end=_may_end(row, on),
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
