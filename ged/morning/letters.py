"""Letters that lie about: unread past their date, at an empty post, signed and not dispatched, without scan, not passed on."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, ScalarSelect, Select, exists, or_, select

from ged.capture.letters import document_of
from ged.capture.queries import scan_units
from ged.counting import composed
from ged.db import ByOtherIndex
from ged.dispatch import queries as dispatch
from ged.followup.listing import FollowRow, Today, follow_rows
from ged.morning.base import MOST, NOTHING, SHOWN, Found, Ground, Line, may_be_told
from ged.org.models import Delegation, Holding, Person, Post, Unit, held_on
from ged.ports import Confidentiality
from ged.register.models import Direction, Mail, MailNumber, ReadMark, Register
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.routing import queries as routing
from ged.routing.models import Assignment
from ged.routing.queries import InboxView
from ged.routing.rights import HEADS, UNDER_WAY
from ged.routing.states import AssignmentState
from ged.slips import to_transmit
from ged.unit import Actor, Role


def unread(ground: Ground) -> Found:
    """Assignments past their date that nobody of their unit has opened: the reader's own, those of the units headed, and
    those that were given through a post of the reader.
    """
    ids = ground.session.scalars(_unread(ground.actor, ground.today)).all()
    return [_of_assignment(row, _waits_at(row), row.due_on) for row in _rows(ground, ids)], len(ids)


@composed
def _unread(actor: Actor, today: date) -> Select[int]:
    is_near = or_(
        routing.is_in(actor, InboxView.OPEN),
        ByOtherIndex(Assignment.unit_id).in_(sorted(actor.headed_unit_ids)),
        ByOtherIndex(Assignment.assigned_by_post_id).in_(sorted(actor.post_ids)),
    )
    return (
        select(Assignment.id)
        .join(Mail, Mail.id == Assignment.mail_id)
        .where(
            routing.is_waiting(),
            Assignment.state == AssignmentState.OPEN,
            ByOtherIndex(Assignment.due_on) < today,
            is_near,
            may_be_told(actor),
            ~_is_opened(today),
        )
        .order_by(Assignment.due_on, Assignment.id)
        .limit(MOST)
    )


def _is_opened(today: date) -> ColumnElement[bool]:
    """Whether somebody who holds a post of the assignment's unit today, or acts for one, has seen the letter."""
    holds = exists().where(
        Holding.person_id == ReadMark.person_id, Post.id == Holding.post_id, Post.unit_id == Assignment.unit_id,
        *held_on(today),
    )  # fmt: skip
    acts = exists().where(
        Delegation.person_id == ReadMark.person_id, Post.id == Delegation.post_id, Post.unit_id == Assignment.unit_id,
        *_in_force(today),
    )  # fmt: skip
    return exists().where(ReadMark.mail_id == Assignment.mail_id, or_(holds, acts))


def _in_force(today: date) -> tuple[ColumnElement[bool], ...]:
    return Delegation.withdrawn_at.is_(None), Delegation.from_on <= today, Delegation.until_on >= today


def empty_posts(ground: Ground) -> Found:
    """Letters that wait at a post that nobody holds: for who gave them, heads the unit, or keeps the register."""
    given = ground.session.scalars(_at_empty_posts(ground.actor, ground.today)).all()
    addressed = ground.session.execute(_to_empty_authorities(ground.actor, ground.today)).all()
    lines = [
        _of_assignment(row, row.unit_name, _local(ground, row.assigned_at), row.to_post) for row in _rows(ground, given)
    ]
    room = max(0, SHOWN - len(lines))
    lines += [
        _of_letter(row, who=row.unit_name, on=_local(ground, row.created_at), code=row.title)
        for row in addressed[:room]
    ]
    return lines, min(MOST, len(given) + len(addressed))


@composed
def _at_empty_posts(actor: Actor, today: date) -> Select[int]:
    is_near = or_(
        ByOtherIndex(Assignment.unit_id).in_(sorted(actor.headed_unit_ids)),
        ByOtherIndex(Assignment.assigned_by_post_id).in_(sorted(actor.post_ids)),
    )
    return (
        select(Assignment.id)
        .join(Mail, Mail.id == Assignment.mail_id)
        .where(
            routing.is_waiting(), Assignment.post_id.is_not(None), is_near, may_be_told(actor),
            _is_empty(Assignment.post_id, today),
        )
        .order_by(Assignment.assigned_at, Assignment.id)
        .limit(MOST)
    )  # fmt: skip


@composed
def _to_empty_authorities(actor: Actor, today: date) -> Executable:
    """Letters that wait for the decision of an authority whose post is empty."""
    offices = {post.unit_id for post in actor.posts if Role.CLERK in post.roles}
    is_near = or_(Mail.unit_id.in_(sorted(offices)), Post.unit_id.in_(sorted(actor.headed_unit_ids)))
    return (
        _lines()
        .add_columns(Post.title, Unit.name.label("unit_name"))
        .join(Post, Post.id == Mail.addressed_post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Mail.state == MailState.TO_IMPUTE, is_near, may_be_told(actor), _is_empty(Post.id, today))
        .order_by(Mail.created_at, Mail.id)
        .limit(MOST)
    )


def _is_empty(post_id: Any, today: date) -> ColumnElement[bool]:
    """Nobody with an open account holds a post on a day, and nobody acts for it."""
    held = exists().where(
        Holding.post_id == post_id, Person.id == Holding.person_id, Person.is_active, *held_on(today)
    )  # fmt: skip
    acted = exists().where(
        Delegation.post_id == post_id, Person.id == Delegation.person_id, Person.is_active, *_in_force(today)
    )  # fmt: skip
    return ~held & ~acted


def to_dispatch(ground: Ground) -> Found:
    """Letters signed before today of which something has not left: for who keeps their register, and the heads above."""
    actor, today = ground.actor, ground.today
    rows = [row for query in _to_dispatch(actor, today) for row in ground.session.execute(query).all()]
    found = {row.id: row for row in rows}  # of a clerk who heads the unit too: once
    shown = sorted(found.values(), key=lambda row: (row.written_on or today, row.id))[:SHOWN]
    return [_of_letter(row, who=row.office or "", on=row.written_on) for row in shown], min(MOST, len(found))


@composed
def _to_dispatch(actor: Actor, today: date) -> tuple[Executable, ...]:
    late = (or_(Mail.written_on.is_(None), Mail.written_on < today), may_be_told(actor))
    columns = (*_COLUMNS, Mail.written_on, _numbering_office().label("office"))
    queries = []
    if actor.has(Role.CLERK):
        queries.append(dispatch.waiting_letters(actor))
    if actor.has(*HEADS):
        # The few signed letters are found by their state, not among all letters of the units.
        is_below = ByOtherIndex(Mail.unit_id).in_(sorted(actor.headed_unit_ids))
        below = select(Mail.id).where(dispatch.has_to_leave(), is_below)
        queries.append(below)
    return tuple(
        query.with_only_columns(*columns).where(*late).order_by(Mail.written_on, Mail.id).limit(MOST)
        for query in queries
    )


def _numbering_office() -> ScalarSelect[str]:
    """The unit that keeps the register of a letter's first valid number: it dispatches the letter."""
    return (
        select(Unit.name)
        .join(Register, Register.unit_id == Unit.id)
        .join(MailNumber, MailNumber.register_id == Register.id)
        .where(MailNumber.mail_id == Mail.id, MailNumber.voided_at.is_(None))
        .order_by(MailNumber.id)
        .limit(1)
        .correlate(Mail)
        .scalar_subquery()
    )


def without_scan(ground: Ground) -> Found:
    """Letters on paper, registered before today in the actor's offices, that wait for somebody and have no document."""
    rows = ground.session.execute(_without_scan(ground.actor, ground.midnight)).all()
    return [_of_letter(row, who=row.office, on=_local(ground, row.created_at)) for row in rows[:SHOWN]], len(rows)


@composed
def _without_scan(actor: Actor, midnight: datetime) -> Executable:
    return (
        _lines()
        .add_columns(Unit.name.label("office"))
        .join(Unit, Unit.id == Mail.unit_id)
        .where(
            # The few letters under way are found by their state, not among all letters of the office.
            Mail.state.in_(UNDER_WAY),
            Mail.direction == Direction.INCOMING,
            ByOtherIndex(Mail.unit_id).in_(sorted(scan_units(actor))),
            ByOtherIndex(Mail.created_at) < midnight,
            ~document_of(Mail.id),
            may_be_told(actor),
        )
        .order_by(Mail.created_at, Mail.id)
        .limit(MOST)
    )


def papers(ground: Ground) -> Found:
    """Originals of letters that were registered before today, lie at the actor's office, and must be passed on."""
    ids = ground.session.scalars(_papers(ground.actor, ground.midnight)).all()
    if not ids:
        return NOTHING
    rows = ground.session.execute(_lines().where(Mail.id.in_(sorted(ids)[:SHOWN])).order_by(Mail.id)).all()
    return [_of_letter(row, on=_local(ground, row.created_at)) for row in rows], len(ids)


@composed
def _papers(actor: Actor, midnight: datetime) -> Executable:
    return to_transmit.papers(actor, ByOtherIndex(Mail.created_at) < midnight, may_be_told(actor)).limit(MOST)


# --- lines

_COLUMNS = (Mail.id, Mail.level, Mail.subject, Mail.created_at, first_number(Mail.id).label("number"))


def _lines() -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS)


def _of_letter(row: Any, *, who: str = "", on: date | None, code: str = "") -> Line:
    level = Confidentiality(row.level)
    return Line(row.id, row.number or "", "" if level else row.subject, level, who, on, code)


def _rows(ground: Ground, ids: Sequence[int]) -> list[FollowRow]:
    return follow_rows(ground.session, ground.actor, ids[:SHOWN], Today(ground.today, ground.today))


def _of_assignment(row: FollowRow, who: str, on: date | None, code: str = "") -> Line:
    mail = row.mail
    return Line(mail.mail_id, mail.number, "" if mail.level else mail.subject, mail.level, who, on, code)


def _waits_at(row: FollowRow) -> str:
    return ", ".join(text for text in (row.holder or row.to_post, row.unit_name) if text)


def _local(ground: Ground, at: datetime) -> date:
    return at.astimezone(ground.services.zone).date()
