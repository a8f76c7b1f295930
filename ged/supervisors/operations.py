"""Supervisors: who sees the figures of a branch of the tree, by a named act, from a day on, until a day or until another act ends it.

An administrator enters both acts, and may not name themselves. The act names a person, or a post: then whoever holds the
post, or acts for it by a delegation, is supervisor, and nobody while it is empty; a secretary prepares for the post, and is none. No right
to a letter follows (``ged.dashboard.reach``).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org.actors import load_actor
from ged.org.models import Person, Post
from ged.org.tree import ministry_of_role, of_ministry
from ged.org.turns import one_at_a_time
from ged.supervisors.models import Supervisor
from ged.supervisors.queries import may_end
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
    if not may_end(row, today):
        raise InvalidTransition("supervisor.ended", "reload the list", id=supervisor_id)
    row.ended_at, row.ended_act = uow.now, act.strip()
    uow.record(
        "supervisor.ended", "supervisor", row.id, actor=actor, post=actor.post_with(Role.ADMINISTRATOR), unit=row.unit_id,
        person=row.person_id, of_post=row.post_id, act=row.ended_act,
    )  # fmt: skip
