"""A person's home page: what is late, what came back, the letters opened last, and the figures of the day.

Each list shows a few rows and leads on to its page. The number of statements does not depend on the number of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Executable, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged.access import visible_clause
from ged.capture import queries as scan_queries
from ged.counting import composed, few_rows, one_row
from ged.db import ByOtherIndex
from ged.ports import Confidentiality, MailId
from ged.register.models import Direction, Mail, MailNumber, RecentLetter, Register
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.routing import queries as routing
from ged.routing.models import Assignment
from ged.routing.queries import InboxRow, InboxView
from ged.routing.rights import HEADS
from ged.routing.states import LIVE, AssignmentState
from ged.routing.undoing import gives_nothing
from ged.signbook import queries as signbook
from ged.signbook.models import CircuitEntry, Draft
from ged.slips.models import Slip, SlipLine
from ged.unit import NO_WORK, Actor, Role

SHOWN = 5
"""Rows of a list; its page shows the others."""
RECENT_SHOWN = 8


class Fact(StrEnum):
    """What a figure of the day counts."""

    RECEIVED = "received"
    """Incoming letters registered today by the clerk's offices."""
    NUMBERED = "numbered"
    """Numbers of all kinds given today by them, without voided ones."""
    TRANSMITTED = "transmitted"
    """Pieces on the slips that their units numbered today."""
    WAITING_SCANS = "waiting_scans"
    IMPUTED = "imputed"
    """Letters that the person's posts imputed or assigned today."""
    LATE_BELOW = "late_below"
    """Late assignments of the units that the person heads."""
    TO_SIGN = "to_sign"
    ASSIGNED = "assigned"
    """Assignments in the person's inbox that wait."""
    DUE_THIS_WEEK = "due_this_week"
    """Of these, those due between today and Sunday."""
    RETURNED = "returned"
    """What came back to the person and waits for a decision."""


@dataclass(frozen=True)
class ReturnedRow:
    """A letter that came back. ``is_draft``: a refused draft of the actor; else an assignment that the actor gave.

    Without subject and reason if the letter is above ordinary: others may see the screen.
    """

    mail_id: MailId
    is_draft: bool
    number: str
    subject: str
    level: Confidentiality
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class RecentRow:
    """A letter that the actor opened. Without subject and names if it is above ordinary: others may see the screen."""

    mail_id: MailId
    number: str
    direction: Direction
    state: MailState
    level: Confidentiality
    subject: str
    correspondent: str
    opened_at: datetime


@dataclass(frozen=True)
class Home:
    """The lists of a home page, each with its first rows, and the counts of all rows."""

    late: tuple[InboxRow, ...]
    late_total: int
    returned: tuple[ReturnedRow, ...]
    returned_total: int
    recent: tuple[RecentRow, ...]
    figures: tuple[tuple[Fact, int], ...]


def home(session: Session, actor: Actor, *, today: date, zone: ZoneInfo) -> Home:
    """The actor's home page on a day."""
    late, _ = routing.inbox(session, actor, today=today, view=InboxView.LATE, limit=SHOWN)
    counts = _counts(session, actor, today, zone)
    total = counts.pop("returned_assignments", 0) + counts.pop("returned_drafts", 0)
    late_total = counts.pop("late", 0)
    figures = [(Fact(name), count) for name, count in counts.items()]
    if actor.has(Role.SIGNATORY):
        figures.append((Fact.TO_SIGN, signbook.to_sign_count(session, actor)))
    if _works(actor):
        figures.append((Fact.RETURNED, total))
    order = list(Fact)
    return Home(
        late=tuple(late),
        late_total=late_total,
        returned=_returned(session, actor),
        returned_total=total,
        recent=recent(session, actor),
        figures=tuple(sorted(figures, key=lambda one: order.index(one[0]))),
    )


def recent(session: Session, actor: Actor, *, limit: int = RECENT_SHOWN) -> tuple[RecentRow, ...]:
    """The letters that the actor opened last and may still see, the latest first."""
    rows = session.execute(_recent(actor, limit))
    return tuple(
        RecentRow(
            MailId(mail_id), number or "", direction, state, Confidentiality(level),
            _ordinary_text(level, subject), _ordinary_text(level, sender if direction is Direction.INCOMING or not addressee else addressee), opened_at,
        )
        for mail_id, direction, state, level, subject, sender, addressee, number, opened_at in rows
    )  # fmt: skip


@composed
def _recent(actor: Actor, limit: int) -> Executable:
    return (
        select(
            Mail.id, Mail.direction, Mail.state, Mail.level, Mail.subject, Mail.sender_name, Mail.addressee,
            first_number(Mail.id), RecentLetter.opened_at,
        )
        .join(RecentLetter, RecentLetter.mail_id == Mail.id)
        .where(RecentLetter.person_id == actor.person_id, visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(RecentLetter.opened_at.desc(), Mail.id.desc())
        .limit(limit)
    )  # fmt: skip


# --- what came back -------------------------------------------------------------------------------------------------


def _returned(session: Session, actor: Actor) -> tuple[ReturnedRow, ...]:
    """The latest of both kinds. Those that lost their letter meanwhile are left out, as in every list."""
    assignments = few_rows(session, actor, _last_returned)
    drafts = few_rows(session, actor, _last_refused)
    rows = [
        ReturnedRow(
            MailId(mail_id),
            False,
            number or "",
            _ordinary_text(level, subject),
            Confidentiality(level),
            "",
            _ordinary_text(level, reason),
            at,
        )
        for mail_id, number, subject, level, reason, at in assignments
        if at is not None
    ] + [
        ReturnedRow(
            MailId(mail_id),
            True,
            "",
            _ordinary_text(level, subject),
            Confidentiality(level),
            by,
            _ordinary_text(level, reason),
            at,
        )
        for mail_id, subject, level, by, reason, at in drafts
    ]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True)[:SHOWN])


@composed
def _last_returned(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The latest assignments that came back."""
    return (
        _returned_assignments(actor)
        .with_only_columns(
            Mail.id, first_number(Mail.id), Mail.subject, Mail.level, Assignment.outcome, Assignment.finished_at
        )
        .order_by(Assignment.finished_at.desc(), Assignment.id.desc())
        .limit(SHOWN)
    )


@composed
def _last_refused(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The latest drafts that came back."""
    return (
        _refused_drafts(actor)
        .with_only_columns(
            Mail.id, Mail.subject, Mail.level, CircuitEntry.person_name, CircuitEntry.text, CircuitEntry.at
        )
        .order_by(CircuitEntry.at.desc(), Mail.id.desc())
        .limit(SHOWN)
    )


def _returned_assignments(actor: Actor) -> Select[int]:
    """Returned assignments that the actor's posts gave. Over once the letter was given again, or has ended."""
    later, above = aliased(Assignment), aliased(Assignment)
    given_again = exists().where(
        later.mail_id == Assignment.mail_id,
        later.assigned_by_post_id == Assignment.assigned_by_post_id,
        later.assigned_at > Assignment.finished_at,
        ~gives_nothing(later),
    )
    return (
        select(Assignment.id)
        .join(Mail, Mail.id == Assignment.mail_id)
        .outerjoin(above, above.id == Assignment.parent_id)
        .where(
            # Few letters are under way. Of closed ones, five years of returned assignments would be read.
            Assignment.is_under_way,
            Assignment.assigned_by_post_id.in_(sorted(actor.post_ids)),
            Assignment.state == AssignmentState.RETURNED,
            or_(Assignment.parent_id.is_(None), above.state.in_(LIVE)),
            ~given_again,
            visible_clause(Mail.id, Mail.level, actor.principals),
        )
    )


def _refused_drafts(actor: Actor) -> Select[int]:
    """The actor's drafts that came back, each with the refusal."""
    return (
        select(Mail.id)
        .join(Draft, Draft.mail_id == Mail.id)
        .join(CircuitEntry, CircuitEntry.mail_id == Mail.id)
        .where(
            or_(Mail.author_person_id == actor.person_id, Mail.author_post_id.in_(sorted(actor.post_ids))),
            Mail.state == MailState.DRAFT,
            signbook.came_back(),
            visible_clause(Mail.id, Mail.level, actor.principals),
        )
    )


# --- figures ----------------------------------------------------------------------------------------------------------


def _works(actor: Actor) -> bool:
    return any(post.roles - NO_WORK - {Role.CLERK} for post in actor.posts)


def _counts(session: Session, actor: Actor, today: date, zone: ZoneInfo) -> dict[str, int]:
    """All counts of the actor's roles, by one statement."""
    names = _names(actor, today, zone)
    return dict(zip(names, one_row(session, actor, _counting, today, zone), strict=True)) if names else {}


@composed
def _names(actor: Actor, today: date, zone: ZoneInfo) -> tuple[str, ...]:
    return (*dict(_counters(actor, today, zone)), *dict(_waiting(actor, today)))


@composed
def _counting(actor: Actor, today: date, zone: ZoneInfo) -> Select[Any]:
    """The statement of the counts of ``_names``."""
    alone = [one.scalar_subquery() for _, one in _counters(actor, today, zone)]
    together = [one for _, one in _waiting(actor, today)]
    if not together:
        return select(*alone)
    of_units = [_is_below(actor)] if actor.has(*HEADS) else []
    among = or_(routing.is_in(actor, InboxView.OPEN), *of_units)
    return select(*alone, *routing.waiting_counts(actor, together, among).subquery().c)


def _waiting(actor: Actor, today: date) -> Iterator[tuple[str, ColumnElement[bool]]]:
    """Name and condition of each count over the waiting assignments. One pass over them gives all these counts."""
    due, is_mine = ByOtherIndex(Assignment.due_on), routing.is_in(actor, InboxView.OPEN)
    if actor.working_posts:
        yield "late", is_mine & (due < today)
    if actor.has(*HEADS):
        yield Fact.LATE_BELOW.value, _is_below(actor) & (due < today)
    if _works(actor):
        yield Fact.ASSIGNED.value, is_mine
        yield Fact.DUE_THIS_WEEK.value, is_mine & (due >= today) & (due <= today + timedelta(days=6 - today.weekday()))


def _is_below(actor: Actor) -> ColumnElement[bool]:
    """Whether an assignment is of a unit that the actor heads."""
    return ByOtherIndex(Assignment.unit_id).in_(sorted(actor.headed_unit_ids))


def _counters(actor: Actor, today: date, zone: ZoneInfo) -> Iterator[tuple[str, Select[int]]]:
    if actor.working_posts:
        yield "returned_assignments", _counted(_returned_assignments(actor))
        yield "returned_drafts", _counted(_refused_drafts(actor))
    if actor.has(Role.CLERK):
        yield from _of_registry(actor, today)
    if actor.has(*HEADS):
        yield Fact.IMPUTED.value, _of_head(actor, today, zone)


def _of_registry(actor: Actor, today: date) -> Iterator[tuple[str, Select[int]]]:
    units = sorted({post.unit_id for post in actor.posts if Role.CLERK in post.roles})
    given = (
        select(func.count(MailNumber.id))
        .join(Register, Register.id == MailNumber.register_id)
        .where(MailNumber.registered_on == today, MailNumber.voided_at.is_(None), Register.unit_id.in_(units))
    )
    yield Fact.RECEIVED.value, given.where(Register.direction == Direction.INCOMING, MailNumber.mail_id.is_not(None))
    yield Fact.NUMBERED.value, given
    yield (
        Fact.TRANSMITTED.value,
        select(func.count(SlipLine.id))
        .join(Slip, Slip.id == SlipLine.slip_id)
        .join(MailNumber, MailNumber.slip_id == Slip.id)
        .where(
            MailNumber.registered_on == today,
            MailNumber.voided_at.is_(None),
            Slip.sender_unit_id.in_(units),
            Slip.sent_at.is_not(None),
        ),
    )
    yield Fact.WAITING_SCANS.value, scan_queries.count_waiting(actor)


def _of_head(actor: Actor, today: date, zone: ZoneInfo) -> Select[int]:
    midnight = datetime.combine(today, time(), tzinfo=zone)
    posts = sorted(post.post_id for post in actor.posts if post.roles & set(HEADS))
    # An authority has given nearly all letters of the past. Ids follow the time: those of today are behind the last older.
    earlier = aliased(Assignment)
    last = select(earlier.id).where(earlier.assigned_at < midnight).order_by(earlier.id.desc()).limit(1)
    return select(func.count(Assignment.mail_id.distinct())).where(
        Assignment.id > func.coalesce(last.scalar_subquery(), 0),
        ByOtherIndex(Assignment.assigned_by_post_id).in_(posts),
        Assignment.assigned_at >= midnight,
        ~gives_nothing(),
    )


def _ordinary_text(level: int, text: str) -> str:
    """A text of a letter, which the home page shows of ordinary letters alone."""
    return "" if level else text


def _counted(query: Select[int]) -> Select[int]:
    return select(func.count()).select_from(query.subquery())
