"""The follow-up list: assignments that wait, which the actor gave or the actor's units owe.

The same assignments as in the inboxes of the units, under the same access rule: a letter that the actor may not see is
in no list, and in no count.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Executable, Select, String, bindparam, case, cast, false, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged import access, paging
from ged.db import ByOtherIndex
from ged.followup.models import Reminder
from ged.org.models import Holding, Person, Post, held_on
from ged.org.names import unit_names
from ged.paging import START, Key, Place, Slice
from ged.register.models import Mail
from ged.register.queries import first_numbers
from ged.register.words import is_told
from ged.routing.models import Assignment, Purpose
from ged.routing.queries import LISTED, MailRow, bears, comes_from, is_waiting, mail_row, mention_labels
from ged.routing.rights import Given, distributing_post, own_post
from ged.routing.states import AssignmentState
from ged.unit import Actor, HeldPost

MOST = 10_000
"""The figures are counted over this many assignments at most, those with the earliest dates."""
SOON_DAYS = 5
"""Working days from today that count as soon."""


class Scope(StrEnum):
    """Whose assignments are followed."""

    UNITS = "units"
    """What the units owe that the actor heads, with all units below them."""
    GIVEN = "given"
    """What was given through a post that the actor holds or acts for."""


class Grouping(StrEnum):
    """What the figures are grouped by."""

    UNIT = "unit"
    PERSON = "person"
    MENTION = "mention"
    DUE = "due"


class DueTime(StrEnum):
    """When an assignment is due, seen from today."""

    LATE = "late"
    TODAY = "today"
    SOON = "soon"
    """Within ``SOON_DAYS`` working days."""
    LATER = "later"
    NONE = "none"


@dataclass(frozen=True)
class Today:
    """The day, and the last day that counts as soon."""

    on: date
    soon: date


@dataclass(frozen=True)
class FollowFilter:
    """What of the list is shown.

    Attributes:
        post_id: a post; 0: no post is named.
        mention: the code of a mention; empty: without mention; None: any.
        until: due from today until this day.
        sender: a part of the sender's name.
    """

    scope: Scope = Scope.UNITS
    unit_id: int | None = None
    post_id: int | None = None
    mention: str | None = None
    due: DueTime | None = None
    until: date | None = None
    sender: str = ""


@dataclass(frozen=True)
class Group:
    """The figures of a group.

    Attributes:
        key: of the unit, the post, the mention (a code) or the time, as text; empty or 0: none.
        unit_id: the unit of a group of a person.
        label: name of the unit, title of the post or label of the mention; empty: none. Of a time: its code.
        detail: who holds the post, and its unit.
        oldest: the earliest date.
    """

    key: str
    unit_id: int | None
    label: str
    detail: str
    total: int
    late: int
    oldest: date | None


@dataclass(frozen=True)
class Figures:
    """The figures of the list. With ``is_cut`` they are those of the ``MOST`` earliest dates."""

    total: int
    late: int
    groups: tuple[Group, ...]
    is_cut: bool


@dataclass(frozen=True)
class FollowRow:
    """An assignment of the list.

    Attributes:
        mail: of a SECRET letter without subject and sender.
        unit_name: with its entity where two units bear the name.
        holder: who holds the post; empty: no post is named, or it is vacant.
        reminded: how often; ``reminded_on``: the last time.
        may_remind: whether the actor may remind (once a day).
    """

    mail: MailRow
    assignment_id: int
    unit_id: int
    unit_name: str
    post_id: int | None
    to_post: str
    holder: str
    purpose: Purpose
    codes: tuple[str, ...]
    mentions: tuple[str, ...]
    due_on: date | None
    state: AssignmentState
    assigned_at: datetime
    assigned_by: str
    reminded: int
    reminded_on: date | None
    may_remind: bool


class Reminded(Given, Protocol):
    """What of an assignment decides who reminds of it."""

    @property
    def assigned_by_post_id(self) -> int: ...  # noqa: D102


def reminding_post(row: Reminded, actor: Actor) -> HeldPost | None:
    """The post through which the actor reminds: the one that gave the letter, or the unit's head above it.

    None for others, and for whom the assignment waits: nobody reminds himself.
    """
    if own_post(row, actor) is not None:
        return None
    return post_to_remind(row.unit_id, row.assigned_by_post_id, actor)


def post_to_remind(unit_id: int, given_by_post_id: int, actor: Actor) -> HeldPost | None:
    """``reminding_post`` for an assignment to others."""
    return actor.holds(given_by_post_id) or distributing_post(unit_id, actor)


# --- what is asked


def _asked(actor: Actor, asked: FollowFilter, today: Today) -> Select[int]:
    return (
        select(Assignment.id)
        .join(Mail, Mail.id == Assignment.mail_id)
        .where(
            is_waiting(),
            _in_scope(actor, asked.scope),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
            *_narrowed(asked, today),
        )
    )


def _in_scope(actor: Actor, scope: Scope) -> ColumnElement[bool]:
    if scope is Scope.GIVEN:
        return ByOtherIndex(Assignment.assigned_by_post_id).in_(sorted(actor.post_ids))
    return ByOtherIndex(Assignment.unit_id).in_(sorted(actor.headed_unit_ids))


def _narrowed(asked: FollowFilter, today: Today) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.unit_id is not None:
        found.append(Assignment.unit_id == asked.unit_id)
    if asked.post_id is not None:
        found.append(Assignment.post_id == asked.post_id if asked.post_id else Assignment.post_id.is_(None))
    if asked.mention is not None:
        found.append(bears(asked.mention))
    if asked.due is not None:
        found.append(_time(today) == asked.due.value)
    if asked.until is not None:
        found.append(Assignment.due_on.between(today.on, asked.until))
    if asked.sender:
        found.append(comes_from(asked.sender))
    return found


def _time(today: Today) -> ColumnElement[str]:
    return case(
        (Assignment.due_on.is_(None), DueTime.NONE.value),
        (Assignment.due_on < today.on, DueTime.LATE.value),
        (Assignment.due_on == today.on, DueTime.TODAY.value),
        (Assignment.due_on <= today.soon, DueTime.SOON.value),
        else_=DueTime.LATER.value,
    )


def time_of(due_on: date | None, today: Today) -> DueTime:
    """When a date is due: as the statements say it."""
    if due_on is None:
        return DueTime.NONE
    if due_on < today.on:
        return DueTime.LATE
    if due_on == today.on:
        return DueTime.TODAY
    return DueTime.SOON if due_on <= today.soon else DueTime.LATER


# --- figures


def figures(session: Session, actor: Actor, asked: FollowFilter, grouping: Grouping, *, today: Today) -> Figures:
    """The figures of a list, by group; the group with the most late assignments first."""
    part = (
        _asked(actor, asked, today)
        .with_only_columns(
            Assignment.unit_id, Assignment.post_id, cast(Assignment.mentions, String).label("mentions"),
            _time(today).label("time"), Assignment.due_on,
        )
        .order_by(func.coalesce(Assignment.due_on, date.max), Assignment.id)
        .limit(MOST + 1)
        .subquery()
    )  # fmt: skip
    keys = (part.c.unit_id, part.c.post_id, part.c.mentions, part.c.time)
    cells = session.execute(select(*keys, func.count(), func.min(part.c.due_on)).group_by(*keys)).all()
    totals, oldest = defaultdict[Any, list[int]](lambda: [0, 0]), dict[Any, date]()
    for unit_id, post_id, mentions, time, count, first in cells:
        for key in _keys(grouping, unit_id, post_id, mentions, time):
            totals[key][0] += count
            totals[key][1] += count if time == DueTime.LATE else 0
            if first is not None:
                oldest[key] = min(first, oldest.get(key, first))
    named = _names(session, actor, grouping, totals.keys(), today.on)
    groups = [Group(*named[key], count, late, oldest.get(key)) for key, (count, late) in totals.items()]
    total, late = sum(row[4] for row in cells), sum(row[4] for row in cells if row[3] == DueTime.LATE)
    return Figures(min(total, MOST), late, tuple(sorted(groups, key=lambda one: _order(grouping, one))), total > MOST)


def _keys(grouping: Grouping, unit_id: int, post_id: int | None, mentions: str, time: str) -> Iterable[Any]:
    match grouping:
        case Grouping.UNIT:
            return [unit_id]
        case Grouping.PERSON:
            return [(unit_id, post_id)]
        case Grouping.MENTION:
            return json.loads(mentions) or [""]
        case Grouping.DUE:
            return [time]


def _order(grouping: Grouping, one: Group) -> tuple[Any, ...]:
    if grouping is Grouping.DUE:
        return (list(DueTime).index(DueTime(one.key)),)
    return -one.late, -one.total, one.label, one.key


def _names(
    session: Session, actor: Actor, grouping: Grouping, keys: Collection[Any], on: date
) -> dict[Any, tuple[str, int | None, str, str]]:
    """Of each group: key, unit, label, detail."""
    match grouping:
        case Grouping.UNIT:
            units = unit_names(actor)
            return {key: (str(key), None, units[key], "") for key in keys}
        case Grouping.PERSON:
            units = unit_names(actor)
            post_ids = {post_id for _, post_id in keys if post_id is not None}
            posts, held = _texts(session, Post.id, Post.title, post_ids), holders(session, post_ids, on=on)
            return {
                (unit_id, post_id): (
                    str(post_id or 0), unit_id, posts.get(post_id, ""),
                    ", ".join(text for text in (held.get(post_id, ""), units[unit_id]) if text),
                )
                for unit_id, post_id in keys
            }  # fmt: skip
        case Grouping.MENTION:
            labels = mention_labels(session, actor)
            return {key: (key, None, labels.get(key, key), "") for key in keys}
        case Grouping.DUE:
            return {key: (key, None, key, "") for key in keys}


def _texts(
    session: Session, key: InstrumentedAttribute[int], text: InstrumentedAttribute[str], ids: Collection[int]
) -> dict[int, str]:
    found = session.execute(select(key, text).where(key.in_(sorted(ids))))
    return {row_id: text for row_id, text in found}  # noqa: C416  # typed, which dict() of rows is not


# --- rows


def rows(
    session: Session, actor: Actor, asked: FollowFilter, at: Place = START, *, today: Today, limit: int
) -> tuple[list[FollowRow], Slice]:
    """A page of the list: the earliest date first, so the late ones; those without a date last."""
    order = (Key(func.coalesce(Assignment.due_on, date.max)),)
    page = paging.read(session, _asked(actor, asked, today), Assignment.id, at, keys=order, limit=limit)
    return follow_rows(session, actor, page.ids, today), page


def follow_rows(session: Session, actor: Actor, ids: Sequence[int], today: Today) -> list[FollowRow]:
    """The rows of assignments in the order of their ids. The caller has checked the access."""
    if not ids:
        return []
    rows = session.execute(_follow_assignments(), {"ids": list(ids)}).all()
    lines = {row.id_: row for row in rows}
    numbers, labels = first_numbers(session, [row[0] for row in rows]), mention_labels(session, actor)
    held = holders(session, {row.post_id for row in rows if row.post_id is not None}, on=today.on)
    reminders, units = last_reminders(session, ids), unit_names(actor)
    return [
        FollowRow(
            mail=_listed(row, numbers.get(row[0], "")),
            assignment_id=row.id_,
            unit_id=row.unit_id,
            unit_name=units[row.unit_id],
            post_id=row.post_id,
            to_post=row.to_post or "",
            holder=held.get(row.post_id or 0, ""),
            purpose=row.purpose,
            codes=tuple(row.mentions),
            mentions=tuple(labels.get(code, code) for code in row.mentions),
            due_on=row.due_on,
            state=row.state,
            assigned_at=row.assigned_at,
            assigned_by=row.assigned_by,
            reminded=reminders[row.id_][0] if row.id_ in reminders else 0,
            reminded_on=reminders[row.id_][1] if row.id_ in reminders else None,
            may_remind=reminding_post(row, actor) is not None,
        )
        for row in (lines[row_id] for row_id in ids if row_id in lines)
    ]


@cache
def _follow_assignments() -> Executable:
    """The statement of ``follow_rows``, for ``ids``."""
    by, post = aliased(Person), aliased(Post)
    return (
        select(
            *LISTED, Assignment.id.label("id_"), Assignment.unit_id, Assignment.post_id, Assignment.purpose,
            Assignment.mentions, Assignment.due_on, Assignment.state, Assignment.assigned_at, Assignment.assigned_by_post_id,
            post.title.label("to_post"), by.name.label("assigned_by"),
        )
        .join(Mail, Mail.id == Assignment.mail_id)
        .outerjoin(post, post.id == Assignment.post_id)
        .join(by, by.id == Assignment.assigned_by_person_id)
        .where(Assignment.id.in_(bindparam("ids", expanding=True)))
    )  # fmt: skip


def _listed(listed: Sequence[Any], number: str) -> MailRow:
    row = mail_row(listed, number, is_read=True)
    return row if is_told(row.level) else replace(row, subject="", sender="")


def holders(session: Session, post_ids: Iterable[int], *, on: date) -> dict[int, str]:
    """Post -> the name of who holds it on a day; several names with commas."""
    held: dict[int, list[str]] = {}
    for post_id, name in session.execute(
        select(Holding.post_id, Person.name)
        .join(Person, Person.id == Holding.person_id)
        .where(
            Holding.post_id.in_(sorted(post_ids)),
            *held_on(on),
        )
        .order_by(Holding.id)
    ):
        held.setdefault(post_id, []).append(name)
    return {post_id: ", ".join(names) for post_id, names in held.items()}


def last_reminders(session: Session, assignment_ids: Sequence[int]) -> dict[int, tuple[int, date]]:
    """Assignment -> (how often it was reminded of, the last day). The caller has checked the access."""
    reminded = session.execute(
        select(Reminder.assignment_id, Reminder.reminded_on)
        .where(Reminder.assignment_id.in_(assignment_ids) if assignment_ids else false())
        .order_by(Reminder.reminded_on)
    )
    found: dict[int, tuple[int, date]] = {}
    for assignment_id, on in reminded:
        found[assignment_id] = found.get(assignment_id, (0, on))[0] + 1, on
    return found


@dataclass(frozen=True)
class ReminderRow:
    """A reminder on the letter's page."""

    assignment_id: int
    reminded_on: date
    by_name: str
    post_title: str


def reminders_of(session: Session, mail_id: int) -> list[ReminderRow]:
    """The reminders of a letter, the oldest first. The caller has checked the access."""
    found = session.execute(
        select(Reminder.assignment_id, Reminder.reminded_on, Person.name, Post.title)
        .join(Person, Person.id == Reminder.by_person_id)
        .join(Post, Post.id == Reminder.by_post_id)
        .where(Reminder.mail_id == mail_id)
        .order_by(Reminder.id)
    )
    return [ReminderRow(*row) for row in found]
