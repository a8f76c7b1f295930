"""Queries of routing: the authority's queue and the inbox, with their counts. Frozen rows, under the access rule.

The path of one letter: ``ged.routing.path``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from ged import access, paging
from ged.counting import MOST_IN_MENU, composed, counted, one_row
from ged.db import Among, ByOtherIndex, holds, planned_once
from ged.org.models import Person, Post, Unit
from ged.org.stock import by_code, entities_of
from ged.org.tree import ministry, with_predecessors
from ged.paging import START, Key, Place, Slice
from ged.ports import AttachmentId, Confidentiality, MailId
from ged.register.correspondents import fold
from ged.register.models import (
    Attachment,
    AttachmentKind,
    Correspondent,
    Mail,
    MailNumber,
    Priority,
    ReadMark,
)
from ged.register.queries import first_numbers
from ged.register.states import MailState
from ged.routing.models import Assignment, Mention, Purpose
from ged.routing.rights import ENDED, waits_for
from ged.routing.states import LIVE, AssignmentState
from ged.routing.undoing import gives_nothing
from ged.unit import Actor

PAGE_SIZE = 50
MOST_DONE = 100
"""The done tab shows a longer list as "more than" this: it grows for ever, and nobody asks how much of it there is."""
URGENCY = {Priority.VERY_URGENT: 0, Priority.URGENT: 1}


@dataclass(frozen=True)
class MailRow:
    """A letter as lists show it. ``number`` is the first valid one; ``document_id`` the newest document's."""

    mail_id: MailId
    number: str
    subject: str
    sender: str
    received_on: date | None
    due_on: date | None
    priority: Priority
    level: Confidentiality
    state: MailState
    version: int
    is_read: bool
    document_id: AttachmentId | None = None
    pages: int = 0


class InboxView(StrEnum):
    """The tab of an inbox."""

    OPEN = "open"
    LATE = "late"
    DONE = "done"
    UNITS = "units"
    """What waits in the units that the actor heads, and not for the actor."""


class Whose(StrEnum):
    """Whose part of an inbox."""

    MINE = "mine"
    """Of posts that the actor holds, and of their units."""
    OTHERS = "others"
    """Of posts for which the actor acts: of absent people by delegation or interim, of an authority as its secretary."""


@dataclass(frozen=True)
class ListFilter:
    """What of an inbox, or of the queue of an authority, is shown.

    Attributes:
        text: a part of the sender's name, the subject or a number.
        mention: the code of a mention; of an inbox alone.
        urgent: only urgent and very urgent letters.
    """

    text: str = ""
    mention: str = ""
    urgent: bool = False
    whose: Whose | None = None


EVERYTHING = ListFilter()


@dataclass(frozen=True)
class InboxRow:
    """An assignment in somebody's inbox. ``returned``: how many of its own assignments further down came back."""

    mail: MailRow
    assignment_id: int
    purpose: Purpose
    instruction: str
    mentions: tuple[str, ...]
    due_on: date | None
    state: AssignmentState
    is_leading: bool
    unit_name: str
    to_post: str
    assigned_at: datetime
    assigned_by: str
    outcome: str
    returned: int


def imputation_queue(
    session: Session, actor: Actor, at: Place = START, *, asked: ListFilter = EVERYTHING, limit: int = PAGE_SIZE
) -> tuple[list[MailRow], Slice]:
    """Letters that wait for this authority (or an authority acted for), or came in an envelope to this addressee. The
    most urgent first."""
    page = paging.read(session, _queue_ids(actor, asked), Mail.id, at, keys=_urgency(), limit=limit)
    return mail_rows(session, actor, page.ids), page


def imputation_count(session: Session, actor: Actor) -> int:
    """The number of letters in the queue."""
    return counted(session, actor, (count_to_impute,))[0]


def count_to_impute(actor: Actor) -> Select[int]:
    """The statement of ``imputation_count``."""
    return select(func.count()).select_from(Mail).where(waits_for(actor), _may_be_seen(actor))


def to_impute_in_menu(actor: Actor) -> Select[int]:
    """The statement that counts what waits for the actor's imputation for the navigation, at most ``MOST_IN_MENU``."""
    waiting = select(Mail.id).where(waits_for(actor), _may_be_seen(actor)).limit(MOST_IN_MENU)
    return select(func.count()).select_from(waiting.subquery())


@composed
def _queue_ids(actor: Actor, asked: ListFilter) -> Select[int]:
    found = [waits_for(actor), access.visible_clause(Mail.id, Mail.level, actor.principals), *_narrowing(asked)]
    if asked.whose is not None:
        posts = [p.post_id for p in actor.posts if (p.because == "holder") is (asked.whose is Whose.MINE)]
        found.append(Mail.addressed_post_id.in_(posts))
    return select(Mail.id).where(*found)


def following(
    session: Session, actor: Actor, mail_id: MailId | int, *, asked: ListFilter = EVERYTHING
) -> MailId | None:
    """The letter after this one in the queue as it is filtered; after the last, the first."""
    order = (key.column for key in _urgency())
    ids = list(session.scalars(_queue_ids(actor, asked).order_by(*order, Mail.id)))
    place = ids.index(mail_id) if mail_id in ids else -1
    others = [*ids[place + 1 :], *ids[: max(place, 0)]]
    return MailId(others[0]) if others else None


def _urgency() -> tuple[Key, ...]:
    urgency = case(*((Mail.priority == priority, place) for priority, place in URGENCY.items()), else_=len(URGENCY))
    return Key(urgency), Key(func.coalesce(Mail.due_on, date.max)), Key(Mail.created_at)


def mail_rows(session: Session, actor: Actor, mail_ids: Sequence[MailId | int]) -> list[MailRow]:
    """Rows of these letters in this order; those that the actor may not see are left out."""
    rows = {row.mail_id: row for row in _mail_rows(session, actor, mail_ids)}
    return [rows[MailId(i)] for i in mail_ids if i in rows]


def _mail_rows(session: Session, actor: Actor, asked: Sequence[MailId | int]) -> list[MailRow]:
    query = (
        select(*LISTED, ReadMark.at)
        .outerjoin(ReadMark, (ReadMark.mail_id == Mail.id) & (ReadMark.person_id == actor.person_id))
        .where(Among(Mail.id, asked), access.visible_clause(Mail.id, Mail.level, actor.principals))
    )
    # The letters are found by their ids, whichever they are: to plan the statements took four times as long as to run them.
    with planned_once(session.connection()):
        found = session.execute(query).all()
        mail_ids = [row[0] for row in found]
        numbers, papers = first_numbers(session, mail_ids), documents(session, mail_ids)
    return [mail_row(row, numbers.get(row[0], ""), row[-1] is not None, papers.get(row[0])) for row in found]


def documents(session: Session, mail_ids: Sequence[int]) -> dict[int, tuple[AttachmentId, int]]:
    """The newest document of each letter, with its number of pages."""
    rows = session.execute(
        select(Attachment.mail_id, Attachment.id, Attachment.page_count)
        .where(Among(Attachment.mail_id, mail_ids), Attachment.kind == AttachmentKind.DOCUMENT)
        .order_by(Attachment.version_no, Attachment.id)
    )
    return {mail_id: (AttachmentId(attachment_id), pages) for mail_id, attachment_id, pages in rows}


LISTED = (
    Mail.id, Mail.subject, Mail.sender_name, Mail.received_on, Mail.due_on.label("mail_due_on"), Mail.priority, Mail.level,
    Mail.state.label("mail_state"), Mail.version,
)  # fmt: skip
"""The columns of ``mail_row``. A list reads columns: to make a letter's whole object takes longer than to show its row."""


def mail_row(
    listed: Sequence[Any], number: str, is_read: bool, paper: tuple[AttachmentId, int] | None = None
) -> MailRow:
    """The row of a letter that the actor may see; ``listed`` begins with the values of ``LISTED``."""
    mail_id, subject, sender, received_on, due_on, priority, level, state, version = listed[: len(LISTED)]
    return MailRow(
        mail_id=MailId(mail_id),
        number=number,
        subject=subject,
        sender=sender,
        received_on=received_on,
        due_on=due_on,
        priority=priority,
        level=Confidentiality(level),
        state=state,
        version=version,
        is_read=is_read,
        document_id=paper[0] if paper is not None else None,
        pages=paper[1] if paper is not None else 0,
    )


def inbox(
    session: Session,
    actor: Actor,
    at: Place = START,
    *,
    today: date,
    view: InboxView = InboxView.OPEN,
    asked: ListFilter = EVERYTHING,
    limit: int = PAGE_SIZE,
) -> tuple[list[InboxRow], Slice]:
    """A page of the assignments to the actor's posts, and to the actor's units if no post is named.

    Waiting assignments: the nearest date first. Done, returned and superseded assignments, and those of letters closed
    meanwhile: the latest first.
    """
    keys = (
        Key(func.coalesce(Assignment.finished_at, Assignment.assigned_at), descending=True)
        if view is InboxView.DONE
        else Key(func.coalesce(Assignment.due_on, date.max))
    )
    query = _done_ids(actor, asked) if view is InboxView.DONE else _inbox_ids(actor, view, today, asked)
    page = paging.read(session, query, Assignment.id, at, keys=(keys,), descending=True, limit=limit)
    return _inbox_rows(session, actor, page.ids), page


def _inbox_rows(session: Session, actor: Actor, ids: Sequence[int]) -> list[InboxRow]:
    if not ids:
        return []
    rows = session.execute(_inbox_assignments(), {"ids": list(ids), "person_id": actor.person_id}).all()
    found = {row.id_: row for row in rows}
    labels, numbers = mention_labels(session, actor), first_numbers(session, [row[0] for row in rows])
    returned = _returned(session, ids)
    return [
        InboxRow(
            mail=mail_row(row, numbers.get(row[0], ""), row.read_at is not None),
            assignment_id=row.id_,
            purpose=row.purpose,
            instruction=row.instruction,
            mentions=tuple(labels.get(code, code) for code in row.mentions),
            due_on=row.due_on,
            state=row.state,
            is_leading=row.is_leading,
            unit_name=row.unit_name,
            to_post=row.to_post or "",
            assigned_at=row.assigned_at,
            assigned_by=row.assigned_by,
            outcome=row.outcome,
            returned=returned.get(row.id_, 0),
        )
        for row in (found[row_id] for row_id in ids if row_id in found)
    ]


@cache
def _inbox_assignments() -> Executable:
    """The statement of ``_inbox_rows``, for ``ids`` and a ``person_id``."""
    assigned_post, by = aliased(Post), aliased(Person)
    read = (ReadMark.mail_id == Mail.id) & (ReadMark.person_id == bindparam("person_id"))
    return (
        select(
            *LISTED, Assignment.id.label("id_"), Assignment.purpose, Assignment.instruction, Assignment.mentions,
            Assignment.due_on, Assignment.state, Assignment.is_leading, Assignment.assigned_at, Assignment.outcome,
            Unit.name.label("unit_name"), assigned_post.title.label("to_post"), by.name.label("assigned_by"),
            ReadMark.at.label("read_at"),
        )
        .join(Mail, Mail.id == Assignment.mail_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(assigned_post, assigned_post.id == Assignment.post_id)
        .join(by, by.id == Assignment.assigned_by_person_id)
        .outerjoin(ReadMark, read)
        .where(Assignment.id.in_(bindparam("ids", expanding=True)))
    )  # fmt: skip


def _returned(session: Session, ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(_returned_of(), {"ids": list(ids)})
    return {parent: count for parent, count in rows if parent is not None}


@cache
def _returned_of() -> Executable:
    return (
        select(Assignment.parent_id, func.count())
        .where(Assignment.parent_id.in_(bindparam("ids", expanding=True)), Assignment.state == AssignmentState.RETURNED)
        .group_by(Assignment.parent_id)
    )


def inbox_count(session: Session, actor: Actor, *, today: date | None = None, view: InboxView = InboxView.OPEN) -> int:
    """The number of assignments in an inbox; ``today`` is needed for late ones."""
    return session.scalar(count_inbox(actor, today=today, view=view)) or 0


def inbox_totals(
    session: Session, actor: Actor, *, today: date, views: tuple[InboxView, ...], asked: ListFilter = EVERYTHING
) -> dict[InboxView, int]:
    """As ``inbox_count``, for the tabs of the page; of the done ones at most ``MOST_DONE`` + 1."""
    live = tuple(one for one in views if one is not InboxView.DONE)
    found: dict[InboxView, int] = {}
    if live:
        found |= zip(live, one_row(session, actor, _live_totals, live, today, asked), strict=True)
    if InboxView.DONE in views:
        found[InboxView.DONE] = paging.count(session, _done_ids(actor, asked), most=MOST_DONE)
    return found


@composed
def _live_totals(actor: Actor, views: tuple[InboxView, ...], today: date, asked: ListFilter) -> Select[Any]:
    found = [_with_mention(asked), *_narrowing(asked)]
    those = [and_(is_in(actor, one, today=today, whose=asked.whose), *found) for one in views]
    whose = [_below(actor)] if InboxView.UNITS in views else []
    mine = [_mine(actor, asked.whose)] if {*views} - {InboxView.UNITS} else []
    return waiting_counts(actor, those, or_(*mine, *whose))


def waiting_counts(actor: Actor, which: Sequence[ColumnElement[bool]], among: ColumnElement[bool]) -> Select[Any]:
    """A statement of one row: for each condition, how many waiting assignments of letters that the actor may see meet it.

    ``among`` is true of each assignment that meets one of the conditions. The database finds the assignments by it: of
    the conditions themselves, which repeat each other, SQLite uses no index.

    Who sees a letter costs most: it is asked once for all conditions, and last. A registry has the right to each letter
    under way, and few of them wait for it. ``OFFSET 0`` keeps the database from asking it first.
    """
    own, seen = _waiting_of(actor, which, among)
    counts: Any = [func.count().filter(own.c[f"is_{n}"]).label(f"count_{n}") for n, _ in enumerate(which)]
    found: Select[Any] = select(*counts).select_from(own)
    return found.where(seen)


def _waiting_of(
    actor: Actor, which: Sequence[ColumnElement[bool]], among: ColumnElement[bool]
) -> tuple[Subquery, ColumnElement[bool]]:
    """The waiting assignments among which all are that meet a condition; and the condition that the actor may see their letters."""
    met: Any = [one.label(f"is_{n}") for n, one in enumerate(which)]
    waiting: Select[Any] = select(Mail.id, Mail.level, *met).join(Assignment, Assignment.mail_id == Mail.id)
    own = waiting.where(is_waiting(), among).offset(0).subquery("waiting")
    letter = aliased(Mail, own)
    return own, access.visible_clause(letter.id, letter.level, actor.principals)


@composed
def _done_ids(actor: Actor, asked: ListFilter) -> paging.Parts:
    """The done tab: a part for each post and for each unit, as the indexes are (``Assignment``).

    What is done grows for ever, and the latest are shown first: they are found without sorting the past.
    """
    post_ids, unit_ids = _own(actor, asked.whose)
    given = [Assignment.post_id == post_id for post_id in post_ids]
    given += [Assignment.post_id.is_(None) & (Assignment.unit_id == unit_id) for unit_id in unit_ids]
    over = or_(Assignment.state.not_in(LIVE), Mail.state.in_(ENDED)) & ~gives_nothing()
    # Returned and withdrawn assignments have lost their right: only letters that may still be seen are shown.
    return tuple(_ids(asked, over, one, _may_be_seen(actor)) for one in given or [false()])


@composed
def _inbox_ids(actor: Actor, view: InboxView, today: date, asked: ListFilter) -> Select[int]:
    """The waiting assignments of a view."""
    return _ids(asked, is_waiting(), is_in(actor, view, today=today, whose=asked.whose), _may_be_seen(actor))


def _ids(asked: ListFilter, *conditions: ColumnElement[bool]) -> Select[int]:
    found = [*conditions, _with_mention(asked), *_narrowing(asked)]
    return select(Assignment.id).join(Mail, Mail.id == Assignment.mail_id).where(*found)


def _with_mention(asked: ListFilter) -> ColumnElement[bool]:
    return bears(asked.mention) if asked.mention else true()


def _narrowing(asked: ListFilter) -> list[ColumnElement[bool]]:
    """What a filter says of the letter itself."""
    found: list[ColumnElement[bool]] = []
    if asked.urgent:
        found.append(Mail.priority.in_(list(URGENCY)))
    if asked.text:
        found.append(named(asked.text))
    return found


def named(text: str) -> ColumnElement[bool]:
    """Whether a text is a part of the sender's name, the subject or a number of a letter."""
    numbered = exists().where(MailNumber.mail_id == Mail.id, MailNumber.text.icontains(text, autoescape=True))
    return or_(comes_from(text), holds(Mail.subject, text), numbered)


def bears(code: str) -> ColumnElement[bool]:
    """Whether an assignment bears a mention; of an empty code: none. The column is a list as JSON text."""
    written = cast(Assignment.mentions, String)
    return written.contains(json.dumps(code), autoescape=True) if code else written == "[]"


def comes_from(text: str) -> ColumnElement[bool]:
    """Whether a part of the sender's name of a letter is this text; of one in the directory without accents and case."""
    named = exists().where(
        Correspondent.id == Mail.sender_id, Correspondent.folded_name.contains(fold(text), autoescape=True)
    )  # fmt: skip
    return or_(named, holds(Mail.sender_name, text))


def count_inbox(actor: Actor, *, today: date | None = None, view: InboxView = InboxView.OPEN) -> Select[int]:
    """The statement of ``inbox_count``, of a view that is not done."""
    return waiting_counts(actor, [is_in(actor, view, today=today)], is_in(actor, view, today=today))


def inbox_in_menu(actor: Actor) -> Select[int]:
    """The statement that counts the actor's inbox for the navigation, at most ``MOST_IN_MENU``."""
    own, seen = _waiting_of(actor, [], is_in(actor, InboxView.OPEN))
    return select(func.count()).select_from(select(own.c.id).where(seen).limit(MOST_IN_MENU).subquery())


def is_in(
    actor: Actor, view: InboxView, *, today: date | None = None, whose: Whose | None = None
) -> ColumnElement[bool]:
    """Whether a waiting assignment stands in a view of an inbox; ``today`` is needed for late ones."""
    if view is InboxView.UNITS:
        return _below(actor)
    return _mine(actor, whose) & (ByOtherIndex(Assignment.due_on) < today if view is InboxView.LATE else true())


def _may_be_seen(actor: Actor) -> ColumnElement[bool]:
    return access.visible_clause(Mail.id, Mail.level, actor.principals)


def is_waiting() -> ColumnElement[bool]:
    """Assignments that wait for somebody: of letters under way (``ged.under_way``), and not done."""
    return Assignment.is_under_way & ByOtherIndex(Assignment.state).in_(LIVE)


def _mine(actor: Actor, whose: Whose | None = None) -> ColumnElement[bool]:
    """Of the actor's posts, and of their units where no post is named."""
    post_ids, unit_ids = _own(actor, whose)
    return or_(Assignment.post_id.in_(post_ids), Assignment.post_id.is_(None) & Assignment.unit_id.in_(unit_ids))


def _below(actor: Actor) -> ColumnElement[bool]:
    """Of the units headed, but not ``_mine``. A post that is not named is NULL, which no ``not`` turns into true."""
    post_ids, unit_ids = _own(actor)
    others = or_(
        Assignment.post_id.is_(None) & Assignment.unit_id.not_in(unit_ids), Assignment.post_id.not_in(post_ids)
    )
    return ByOtherIndex(Assignment.unit_id).in_(sorted(actor.headed_unit_ids)) & others


def _own(actor: Actor, whose: Whose | None = None) -> tuple[list[int], list[int]]:
    """(posts, units) whose assignments are the actor's."""
    working = [
        post
        for post in actor.working_posts
        if whose in (None, Whose.MINE if post.because == "holder" else Whose.OTHERS)
    ]
    unit_ids = with_predecessors((p.unit_id for p in working), actor.units)
    return [p.post_id for p in working], sorted(unit_ids)


def mention_labels(session: Session, actor: Actor) -> dict[str, str]:
    """Labels of the mentions of the actor's ministry by code: those of the actor's entities first, then the common ones."""
    rows: Any = session.execute(_mentions_near(actor)).all()
    return {code: row.label for code, row in by_code(rows, entities_of(actor)).items()}


@composed
def _mentions_near(actor: Actor) -> Select[str, str, int | None]:
    near = or_(Mention.entity_id.is_(None), Mention.entity_id.in_(sorted(ministry(actor))))
    return select(Mention.code, Mention.label, Mention.entity_id).where(near).order_by(Mention.id)
