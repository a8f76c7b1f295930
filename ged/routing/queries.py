"""What people see of routing: the authority's queue, the inbox, a letter's path. Frozen rows, under the access rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged import access
from ged.org.models import Person, Post, PostRole, Unit
from ged.ports import MailId
from ged.registry.models import Mail, MailNumber, ReadMark
from ged.registry.states import MailState
from ged.routing.models import Assignment, Imputation, Mention
from ged.routing.states import LIVE
from ged.unit import Actor, Role

PAGE_SIZE = 50


@dataclass(frozen=True)
class MailRow:
    """A letter as lists show it. ``number`` is the first valid one."""

    mail_id: MailId
    number: str
    subject: str
    sender: str
    received_on: date | None
    due_on: date | None
    priority: str
    level: int
    state: str
    version: int
    is_read: bool
    pages: int = 0


@dataclass(frozen=True)
class InboxRow:
    """An assignment in somebody's inbox."""

    mail: MailRow
    assignment_id: int
    purpose: str
    instruction: str
    mentions: tuple[str, ...]
    due_on: date | None
    state: str
    is_leading: bool
    unit_name: str
    to_post: str
    assigned_at: datetime
    assigned_by: str


@dataclass(frozen=True)
class AssignmentRow:
    """An assignment on the letter's page; ``depth`` 0 is the authority's."""

    id: int
    parent_id: int | None
    depth: int
    unit_id: int
    unit_name: str
    post_id: int | None
    post_title: str
    purpose: str
    mentions: tuple[str, ...]
    instruction: str
    due_on: date | None
    state: str
    is_leading: bool
    assigned_by: str
    assigned_at: datetime
    finished_at: datetime | None
    outcome: str


@dataclass(frozen=True)
class ImputationRow:
    """A decision of an authority. ``acted_as``: holder, secretary, delegation or interim."""

    id: int
    post_title: str
    person_name: str
    acted_as: str
    note: str
    mentions: tuple[str, ...]
    decided_at: datetime


@dataclass(frozen=True)
class Choice:
    """Something to choose in a form; ``depth`` indents a tree."""

    id: int
    label: str
    code: str = ""
    depth: int = 0


def imputation_queue(session: Session, actor: Actor, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[MailRow]:
    """Letters that wait for this authority (or for the one acted for), the most urgent first."""
    return _rows(session, actor, _to_impute(actor), limit=limit, offset=offset)


def imputation_count(session: Session, actor: Actor) -> int:
    """How many letters wait."""
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    return session.scalar(select(func.count()).select_from(Mail).where(_to_impute(actor), seen)) or 0


def _to_impute(actor: Actor) -> ColumnElement[bool]:
    posts = [p.post_id for p in actor.posts if Role.AUTHORITY in p.roles]
    return (Mail.state == MailState.TO_IMPUTE) & Mail.addressed_post_id.in_(posts)


def mail_rows(session: Session, actor: Actor, mail_ids: Sequence[MailId | int]) -> list[MailRow]:
    """Rows of these letters in this order; those that the actor may not see are left out."""
    rows = {
        row.mail_id: row for row in _rows(session, actor, Mail.id.in_(mail_ids), limit=len(mail_ids) or 1, offset=0)
    }
    return [rows[MailId(i)] for i in mail_ids if i in rows]


def _rows(session: Session, actor: Actor, what: ColumnElement[bool], *, limit: int, offset: int) -> list[MailRow]:
    first = (
        select(func.min(MailNumber.id).label("id"), MailNumber.mail_id)
        .where(MailNumber.voided_at.is_(None))
        .group_by(MailNumber.mail_id)
        .subquery()
    )
    number = aliased(MailNumber)
    query = (
        select(Mail, number.text, ReadMark.at)
        .outerjoin(first, first.c.mail_id == Mail.id)
        .outerjoin(number, number.id == first.c.id)
        .outerjoin(ReadMark, (ReadMark.mail_id == Mail.id) & (ReadMark.person_id == actor.person_id))
        .where(what, access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Mail.due_on.is_(None), Mail.due_on, Mail.created_at.desc())
        .limit(limit)
        .offset(offset)
    )
    return [mail_row(mail, text or "", read_at is not None) for mail, text, read_at in session.execute(query).unique()]


def mail_row(mail: Mail, number: str, is_read: bool) -> MailRow:
    """The row of a letter that the actor may see."""
    return MailRow(
        mail_id=MailId(mail.id),
        number=number,
        subject=mail.subject,
        sender=mail.sender_name,
        received_on=mail.received_on,
        due_on=mail.due_on,
        priority=mail.priority.value,
        level=mail.level,
        state=mail.state.value,
        version=mail.version,
        is_read=is_read,
    )


def inbox(
    session: Session, actor: Actor, *, done: bool = False, limit: int = PAGE_SIZE, offset: int = 0
) -> list[InboxRow]:
    """Assignments to the actor's posts, and to its units where no post is named; live ones, the nearest date first."""
    assigned_post = aliased(Post)
    by = aliased(Person)
    query = (
        select(Assignment, Mail, assigned_post.title, by.name, ReadMark.at)
        .join(Mail, Mail.id == Assignment.mail_id)
        .outerjoin(assigned_post, assigned_post.id == Assignment.post_id)
        .join(by, by.id == Assignment.assigned_by_person_id)
        .outerjoin(ReadMark, (ReadMark.mail_id == Mail.id) & (ReadMark.person_id == actor.person_id))
        .where(_mine(actor), Assignment.state.in_(LIVE) if not done else Assignment.state.not_in(LIVE))
        .where(access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Assignment.due_on.is_(None), Assignment.due_on, Assignment.id.desc())
        .limit(limit)
        .offset(offset)
    )
    found = session.execute(query).unique().all()
    labels = {m.code: m.label for m in session.scalars(select(Mention))}
    numbers = first_numbers(session, [mail.id for _, mail, *_ in found])
    return [
        InboxRow(
            mail=mail_row(mail, numbers.get(mail.id, ""), read_at is not None),
            assignment_id=row.id,
            purpose=row.purpose.value,
            instruction=row.instruction,
            mentions=tuple(labels.get(code, code) for code in row.mentions),
            due_on=row.due_on,
            state=row.state.value,
            is_leading=row.is_leading,
            unit_name=row.unit.name,
            to_post=title or "",
            assigned_at=row.assigned_at,
            assigned_by=name,
        )
        for row, mail, title, name, read_at in found
    ]


def inbox_count(session: Session, actor: Actor) -> int:
    """Live assignments of the actor."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Assignment)
            .join(Mail, Mail.id == Assignment.mail_id)
            .where(_mine(actor), Assignment.state.in_(LIVE))
            .where(access.visible_clause(Mail.id, Mail.level, actor.principals))
        )
        or 0
    )


def _mine(actor: Actor) -> ColumnElement[bool]:
    working = [p for p in actor.posts if p.roles - {Role.ADMINISTRATOR, Role.AUDITOR}]
    return or_(
        Assignment.post_id.in_([p.post_id for p in working]),
        Assignment.post_id.is_(None) & Assignment.unit_id.in_([p.unit_id for p in working]),
    )


def first_numbers(session: Session, mail_ids: Sequence[int]) -> dict[int, str]:
    """The first valid number of each letter."""
    rows = session.execute(
        select(MailNumber.mail_id, MailNumber.text)
        .where(MailNumber.mail_id.in_(mail_ids), MailNumber.voided_at.is_(None))
        .order_by(MailNumber.id.desc())
    )
    return {mail_id: text for mail_id, text in rows if mail_id is not None}


def assignments(session: Session, mail_id: MailId | int) -> list[AssignmentRow]:
    """All assignments of a letter as a tree, in order. The caller has checked that the actor may see it."""
    post, by = aliased(Post), aliased(Person)
    found = (
        session.execute(
            select(Assignment, post.title, by.name)
            .outerjoin(post, post.id == Assignment.post_id)
            .join(by, by.id == Assignment.assigned_by_person_id)
            .where(Assignment.mail_id == mail_id)
            .order_by(Assignment.id)
        )
        .unique()
        .all()
    )
    labels = {m.code: m.label for m in session.scalars(select(Mention))}
    children: dict[int | None, list[AssignmentRow]] = {}
    depth: dict[int, int] = {}
    for row, title, name in found:
        depth[row.id] = depth.get(row.parent_id, -1) + 1 if row.parent_id is not None else 0
        children.setdefault(row.parent_id, []).append(
            AssignmentRow(
                id=row.id,
                parent_id=row.parent_id,
                depth=depth[row.id],
                unit_id=row.unit_id,
                unit_name=row.unit.name,
                post_id=row.post_id,
                post_title=title or "",
                purpose=row.purpose.value,
                mentions=tuple(labels.get(code, code) for code in row.mentions),
                instruction=row.instruction,
                due_on=row.due_on,
                state=row.state.value,
                is_leading=row.is_leading,
                assigned_by=name,
                assigned_at=row.assigned_at,
                finished_at=row.finished_at,
                outcome=row.outcome,
            )
        )
    return _flatten(children, None)


def _flatten(children: dict[int | None, list[AssignmentRow]], parent: int | None) -> list[AssignmentRow]:
    return [line for row in children.get(parent, []) for line in (row, *_flatten(children, row.id))]


def imputations(session: Session, mail_id: MailId | int) -> list[ImputationRow]:
    """All decisions of authorities on a letter, the latest first."""
    rows = session.execute(
        select(Imputation, Post.title, Person.name)
        .join(Post, Post.id == Imputation.post_id)
        .join(Person, Person.id == Imputation.person_id)
        .where(Imputation.mail_id == mail_id)
        .order_by(Imputation.id.desc())
    ).unique()
    labels = {m.code: m.label for m in session.scalars(select(Mention))}
    return [
        ImputationRow(i.id, title, name, i.acted_as, i.note, tuple(labels.get(c, c) for c in i.mentions), i.decided_at)
        for i, title, name in rows
    ]


def mention_choices(session: Session) -> list[tuple[str, str]]:
    """(code, label) of every mention, in the order of the list."""
    return [(m.code, m.label) for m in session.scalars(select(Mention).order_by(Mention.position))]


def unit_choices(session: Session, *, below: frozenset[int] | None = None) -> list[Choice]:
    """Open units as a tree, depth first; only those of ``below`` where it is given."""
    units = list(session.scalars(select(Unit).where(Unit.closed_at.is_(None)).order_by(Unit.id)))
    children: dict[int | None, list[Unit]] = {}
    for unit in units:
        children.setdefault(unit.parent_id, []).append(unit)

    def walk(parent: int | None, depth: int) -> list[Choice]:
        found = []
        for unit in children.get(parent, []):
            if below is None or unit.id in below:
                found.append(Choice(unit.id, unit.name, unit.code, depth))
            found += walk(unit.id, depth + 1)
        return found

    return walk(None, 0)


def post_choices(session: Session, unit_ids: frozenset[int]) -> list[Choice]:
    """Posts of these units."""
    rows = session.scalars(select(Post).where(Post.unit_id.in_(unit_ids)).order_by(Post.unit_id, Post.id)).unique()
    return [Choice(p.id, p.title, p.code, p.unit_id) for p in rows]


def authority_choices(session: Session) -> list[Choice]:
    """Posts to whom a letter can be addressed: authorities."""
    rows = session.scalars(
        select(Post).join(PostRole, (PostRole.post_id == Post.id) & (PostRole.role == Role.AUTHORITY)).order_by(Post.id)
    ).unique()
    return [Choice(p.id, p.title, p.code) for p in rows]
