"""Letters that are pending: past their date and unread, or opened and not dealt with; without a decision; at an empty post; signed and not dispatched; without
scan; papers that nobody passed on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from ged.capture.letters import document_of
from ged.capture.queries import scan_units
from ged.counting import composed, few_rows, rows_with
from ged.db import Among, AmongMany, ByOtherIndex, Unindexed
from ged.dispatch import queries as dispatch
from ged.followup.listing import holders
from ged.morning import scanned
from ged.morning.base import MOST, Found, Ground, Line, Probe, may_be_told
from ged.org.models import Delegation, Holding, Person, Post, Unit, held_on
from ged.org.tree import heirs_among
from ged.ports import Confidentiality
from ged.register.models import Direction, Mail, MailNumber, ReadMark, Register
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.routing import queries as routing
from ged.routing.models import Assignment, Purpose
from ged.routing.queries import InboxView
from ged.routing.rights import HEADS, UNDER_WAY, addressed_to
from ged.routing.states import AssignmentState
from ged.signbook.models import Draft
from ged.slips import to_transmit
from ged.unit import Actor, Role, UnitRow


def unread(ground: Ground) -> Found:
    """Letters past their date that nobody of the unit that must act has opened: those given to the reader, to the units
    headed, and through a post of the reader.
    """
    return _overdue(ground, is_opened=False)


def late(ground: Ground) -> Found:
    """As ``unread``, those that somebody of the unit has opened, or has taken up, and that wait all the same."""
    return _overdue(ground, is_opened=True)


def _overdue(ground: Ground, *, is_opened: bool) -> Found:
    if not ground.overdue:  # one statement finds both kinds
        ground.overdue.append(few_rows(ground.session, ground.actor, _earliest, ground.today, ASKED_FIRST))
    earliest = ground.overdue[0]
    first: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for row in earliest:
        if row.may_be_told:
            first[bool(row.is_opened)].setdefault(row.mail_id, row.id)
    if len(earliest) == ASKED_FIRST:  # there may be more of this kind
        _add_later(ground, first[is_opened], earliest[-1], is_opened=is_opened)
    ids = list(first[is_opened].values())[:MOST]
    if ground.shown < MOST:  # the other kind is told too: its lines are read along
        _read_lines(ground, [*ids[: ground.shown], *list(first[not is_opened].values())[: ground.shown]])
    return [_of_letter(row, who=_waits_at(ground, row), on=row.due_on) for row in _rows(ground, ids)], len(ids)


ASKED_FIRST = 4 * MOST
"""How many late assignments are looked at first for both kinds, those with the earliest dates. Most often they hold ``MOST`` letters of
the more frequent kind. Behind them only the other kind is looked for, until it has ``MOST`` too."""

AFTER_ON, AFTER_ID, COUNT = "after_on", "after_id", "count"
"""Parameters of ``_later``: the date and the id of the assignment before the first one, and how many are wanted."""
AND_MORE = 20
"""A letter may have several late assignments: so many more are asked for than letters are wanted."""


def _add_later(ground: Ground, found: dict[int, int], last: Row[Any] | None, *, is_opened: bool) -> None:
    """Add the letters of a kind behind an assignment, until ``MOST`` are found or no more there are.

    Args:
        found: letter -> the first of its late assignments.
    """
    while last is not None and len(found) < MOST:
        count = MOST - len(found) + AND_MORE
        after = {AFTER_ON: last.due_on, AFTER_ID: last.id, COUNT: count}
        rows = rows_with(ground.session, after, ground.actor, _later, ground.today, is_opened=is_opened)
        for row in rows:
            found.setdefault(row.mail_id, row.id)
        last = rows[-1] if len(rows) == count else None


@composed
def _earliest(actor: Actor, today: date, count: int) -> Select[*tuple[Any, ...]]:
    """The first ``count`` late assignments; of each, whether it was opened, and whether the actor may be told of its letter."""
    near = _near(actor, today).limit(count).subquery("near")
    is_opened = _is_opened(near, actor.units, today).label("is_opened")
    return _with_letter(near, is_opened, may_be_told(actor).label("may_be_told")).order_by(near.c.due_on, near.c.id)


@composed
def _later(actor: Actor, today: date, *, is_opened: bool) -> Select[*tuple[Any, ...]]:
    """The first ``COUNT`` late assignments of one kind behind another one. Letters and rights are asked of this kind alone.

    PostgreSQL goes through them by their dates, and ends with the last that is wanted.
    """
    on, after_on = Unindexed(Assignment.due_on), bindparam(AFTER_ON, type_=Date())
    is_behind = or_(on > after_on, and_(on == after_on, Assignment.id > bindparam(AFTER_ID, type_=BigInteger())))
    near = _near(actor, today).where(is_behind).offset(0).subquery("near")
    condition = _is_opened(near, actor.units, today)
    columns = (near.c.id, near.c.mail_id, near.c.due_on, near.c.late_since)
    # Each part is in this order: else PostgreSQL would not know that the last one is, and would go through all to sort them.
    order = (near.c.late_since, near.c.id)
    kept = select(*columns).where(condition if is_opened else ~condition).order_by(*order).offset(0).subquery("kept")
    with_letter = _with_letter(kept, kept.c.late_since).order_by(kept.c.late_since, kept.c.id)
    found = with_letter.offset(0).subquery("found")
    return (
        select(found.c.id, found.c.mail_id, found.c.due_on)
        .where(may_be_told(actor, aliased(Mail, found)))
        .order_by(found.c.late_since, found.c.id)
        .limit(bindparam(COUNT, type_=BigInteger()))
    )


def _with_letter(given: Subquery, *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """Assignments with their letters, and further columns."""
    # SQLite keeps the order of an outer join. An inner join it would begin at all letters, and look for the few assignments of each.
    of_letter = (Mail.id.label("mail_id"), Mail.level)
    joined = select(given.c.id, given.c.due_on, *of_letter, *columns).select_from(given)
    return joined.outerjoin(Mail, Mail.id == given.c.mail_id)


def _near(actor: Actor, today: date) -> Select[*tuple[Any, ...]]:
    """Late assignments that concern the actor, by their dates. Neither the letter nor its rights are looked at."""
    # As rows: PostgreSQL looks a hundred units up in a hash, and would compare each with each assignment in an array.
    headed = select(Unit.id).where(Unit.id.in_(sorted(actor.headed_unit_ids)))
    is_near = or_(
        routing.is_in(actor, InboxView.OPEN),
        ByOtherIndex(Assignment.unit_id).in_(headed),
        ByOtherIndex(Assignment.assigned_by_post_id).in_(sorted(actor.post_ids)),
    )
    late_since = Unindexed(Assignment.due_on).label("late_since")
    columns = (Assignment.id, Assignment.mail_id, Assignment.unit_id, Assignment.state, Assignment.due_on, late_since)
    return (
        select(*columns)
        .where(*_for_action(), Unindexed(Assignment.due_on) < today, is_near)
        .order_by(late_since, Assignment.id)  # of the few rows, not along the index of all dates
    )


def undecided(ground: Ground) -> Found:
    """Letters that no authority has decided on, and that are past their date or wait for more than ``PATIENCE`` without one.

    They are told to the authority, its secretary, and who heads the authority's unit. Letters at an empty post are another kind.
    """
    rows = few_rows(ground.session, ground.actor, _undecided, ground.today, ground.midnight - PATIENCE)
    shown = rows[: ground.shown]
    return [_of_letter(row, who=row.title, on=_local(ground, row.created_at)) for row in shown], len(rows)


PATIENCE = timedelta(days=7)
"""A letter without a date may wait for so long for its decision."""


@composed
def _undecided(actor: Actor, today: date, before: datetime) -> Select[Any]:
    is_late = or_(Mail.due_on < today, and_(Mail.due_on.is_(None), Mail.created_at < before))
    headed = select(Post.id).where(Post.unit_id.in_(sorted(actor.headed_unit_ids)))
    is_near = or_(addressed_to(actor), Mail.addressed_post_id.in_(headed))
    waiting = (
        select(Mail.id, Mail.level, Mail.created_at)
        .where(Mail.state == MailState.TO_IMPUTE, is_late, is_near, ~_is_empty(Mail.addressed_post_id, today))
        # ``ByOtherIndex``: SQLite would read all letters of five years in their order, to sort a few hundred of one state.
        .order_by(ByOtherIndex(Mail.created_at), Mail.id)
        .offset(0)  # in this order the rights are asked, until enough are found
    )
    letter = aliased(Mail, waiting.subquery("waiting"))
    longest = select(letter.id).where(may_be_told(actor, letter)).order_by(letter.created_at, letter.id).limit(MOST)
    first = longest.subquery("first")
    return (
        _lines()
        .add_columns(Post.title)
        .join(first, first.c.id == Mail.id)
        .join(Post, Post.id == Mail.addressed_post_id)
        .order_by(Mail.created_at, Mail.id)
    )


def _one_a_letter(since: Any, *conditions: ColumnElement[bool]) -> Select[int]:
    """Of each letter that somebody must act on, the first of the waiting assignments that meet the conditions.

    Those that wait longest come first.
    """
    # ``ByOtherIndex``: SQLite would read all assignments of five years in the order of their letters, to sort none.
    place = func.row_number().over(partition_by=ByOtherIndex(Assignment.mail_id), order_by=(since, Assignment.id))
    found = (
        select(Assignment.id, since.label("since"), place.label("place"))
        .join(Mail, Mail.id == Assignment.mail_id)
        .where(*_for_action(), *conditions)
        .subquery("found")
    )
    return select(found.c.id).where(found.c.place == 1).order_by(found.c.since, found.c.id).limit(MOST)


def _for_action() -> tuple[ColumnElement[bool], ...]:
    """Waiting assignments. Copies for information wait for nobody."""
    return routing.is_waiting(), Assignment.purpose != Purpose.INFORMATION


def _is_opened(given: Subquery, units: Mapping[int, UnitRow], today: date) -> ColumnElement[bool]:
    """Whether an assignment was taken up, or somebody has seen the letter who holds a post of its unit today, or acts for one.

    An assignment stays with a unit that was closed since; those who work on it now are in the unit that took over.
    """
    unit_ids: list[Any] = [given.c.unit_id]
    closed = {one.id: heirs_among(one.id, units)[-1] for one in units.values() if one.closed_at is not None}
    if closed:
        unit_ids.append(case(closed, value=given.c.unit_id, else_=given.c.unit_id))
    # The people of all units, found once: looked up for each mark, they would cost a page with thousands of late letters 50 ms.
    people = union(
        select(Post.unit_id, Holding.person_id).join(Holding, Holding.post_id == Post.id).where(*held_on(today)),
        select(Post.unit_id, Delegation.person_id)
        .join(Delegation, Delegation.post_id == Post.id)
        .where(*_in_force(today)),
    )
    is_of_unit = or_(*(tuple_(unit_id, ReadMark.person_id).in_(people) for unit_id in unit_ids))
    # A condition in a CASE is no join for PostgreSQL, which would look for the people of the unit at each letter.
    works_there = case((is_of_unit, true()), else_=false())
    # ``OFFSET 0``: PostgreSQL asks for the marks of each letter found, instead of hashing the marks of all letters.
    seen = select(ReadMark.mail_id).where(ReadMark.mail_id == given.c.mail_id, works_there).correlate(given).offset(0)
    # Who has taken a letter up has opened it, whatever the marks say.
    return or_(given.c.state != AssignmentState.OPEN, seen.exists())


def _in_force(today: date) -> tuple[ColumnElement[bool], ...]:
    return Delegation.withdrawn_at.is_(None), Delegation.from_on <= today, Delegation.until_on >= today


def probes_of_empty_posts(ground: Ground) -> tuple[Probe, ...]:
    """The statements of ``empty_posts``."""
    return (_at_empty_posts, (ground.today,)), (_to_empty_authorities, (ground.today,))


def empty_posts(ground: Ground) -> Found:
    """Letters that wait at a post that nobody holds: for who gave them, heads the unit, or keeps the register."""
    given = _ids(ground, _at_empty_posts, ground.today)
    addressed = few_rows(ground.session, ground.actor, _to_empty_authorities, ground.today)
    waits = [
        (at, _of_letter(row, who=row.unit_name, on=_local(ground, at), code=title or ""))
        for row, at, title in (
            *((row, row.assigned_at, row.to_post) for row in _rows(ground, given)),
            *((row, row.created_at, row.title) for row in addressed[: ground.shown]),
        )
    ]
    waits.sort(key=lambda one: (one[0], one[1].subject_id))
    return [line for _, line in waits[: ground.shown]], min(MOST, len(given) + len(addressed))


@composed
def _at_empty_posts(actor: Actor, today: date) -> Select[int]:
    is_near = or_(
        ByOtherIndex(Assignment.unit_id).in_(sorted(actor.headed_unit_ids)),
        ByOtherIndex(Assignment.assigned_by_post_id).in_(sorted(actor.post_ids)),
    )
    return _one_a_letter(
        Assignment.assigned_at,
        Assignment.post_id.is_not(None),
        is_near,
        may_be_told(actor),
        _is_empty(Assignment.post_id, today),
    )


@composed
def _to_empty_authorities(actor: Actor, today: date) -> Select[Any]:
    """Letters that wait for the decision of an authority whose post is empty."""
    is_near = or_(Mail.unit_id.in_(sorted(scan_units(actor))), Post.unit_id.in_(sorted(actor.headed_unit_ids)))
    return (
        _lines()
        .add_columns(Post.title, Unit.name.label("unit_name"))
        .join(Post, Post.id == Mail.addressed_post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Mail.state == MailState.TO_IMPUTE, is_near, may_be_told(actor), _is_empty(Mail.addressed_post_id, today))
        .order_by(ByOtherIndex(Mail.created_at), Mail.id)
        .limit(MOST)
    )


def _is_empty(post_id: InstrumentedAttribute[Any], today: date) -> ColumnElement[bool]:
    """Nobody with an open account holds a post on a day, and nobody acts for it."""
    # The posts of all, found once: looked up for each letter, they cost more than the letters.
    held = select(Holding.post_id).join(Person, Person.id == Holding.person_id).where(Person.is_active, *held_on(today))
    acted = (
        select(Delegation.post_id)
        .join(Person, Person.id == Delegation.person_id)
        .where(Person.is_active, *_in_force(today))
    )
    return post_id.not_in(held) & post_id.not_in(acted)


def probes_of_dispatch(ground: Ground) -> tuple[Probe, ...]:
    """The statements of ``to_dispatch``."""
    return tuple((query, (ground.midnight,)) for query in _to_dispatch(ground.actor))


def to_dispatch(ground: Ground) -> Found:
    """Letters signed before today of which something has not left: for who keeps their register, and the heads above.

    A letter signed outside of the program came to its register signed: it waits since it was entered, whatever date it bears.
    """
    rows = [
        row
        for query in _to_dispatch(ground.actor)
        for row in few_rows(ground.session, ground.actor, query, ground.midnight)
    ]
    found = {row.id: row for row in rows}  # of a clerk who heads the unit too: once
    shown = sorted(found.values(), key=lambda row: (row.since, row.id))[: ground.shown]
    lines = [_of_letter(row, who=row.office or "", on=_local(ground, row.since)) for row in shown]
    return lines, min(MOST, len(found))


def _to_dispatch(actor: Actor) -> list[Callable[[Actor, datetime], Select[Any]]]:
    queries = (((Role.CLERK,), _to_dispatch_here), (HEADS, _to_dispatch_below))
    return [query for roles, query in queries if actor.has(*roles)]


@composed
def _to_dispatch_here(actor: Actor, midnight: datetime) -> Select[*tuple[Any, ...]]:
    """Of the registers of the actor's offices."""
    return _signed(dispatch.waiting_letters(actor), actor, midnight)


@composed
def _to_dispatch_below(actor: Actor, midnight: datetime) -> Select[*tuple[Any, ...]]:
    """Of the units that the actor heads: the few signed letters are found by their state, not among all letters."""
    is_below = ByOtherIndex(Mail.unit_id).in_(sorted(actor.headed_unit_ids))
    return _signed(select(Mail.id).where(dispatch.has_to_leave(), is_below), actor, midnight)


def _signed(letters: Select[Any], actor: Actor, midnight: datetime) -> Select[*tuple[Any, ...]]:
    signed_at = select(Draft.signed_at).where(Draft.mail_id == Mail.id).correlate(Mail).scalar_subquery()
    since = func.coalesce(signed_at, Mail.created_at)
    return (
        letters.with_only_columns(*_COLUMNS, since.label("since"), _numbering_office().label("office"))
        .where(since < midnight, may_be_told(actor))
        .order_by(since, Mail.id)
        .limit(MOST)
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
    """Letters that came in, by whatever way, that wait for somebody and have no document: registered before today in the
    actor's offices.
    """
    unit_ids = tuple(sorted(scan_units(ground.actor)))
    engine = ground.services.engine
    known = {KNOWN: scanned.known(engine, unit_ids)}
    asked = rows_with(ground.session, known, ground.actor, _not_known, ground.midnight)
    if found := [row.id for row in asked if row.has_document]:
        scanned.remember(engine, unit_ids, found)
    bare = [row.id for row in asked if not row.has_document]
    rows = rows_with(ground.session, {IDS: bare}, ground.actor, _without_scan) if bare else []
    shown = rows[: ground.shown]
    return [_of_letter(row, who=row.office, on=_local(ground, row.created_at)) for row in shown], len(rows)


KNOWN = "known"
"""The parameter of ``_not_known``: letters that have a document."""


@composed
def _not_known(actor: Actor, midnight: datetime) -> Select[*tuple[Any, ...]]:
    """Letters under way of the actor's offices that are not known to have a document, and whether they have one."""
    return select(Mail.id, document_of(Mail.id).label("has_document")).where(
        # The few letters under way are found by their state, not among all letters of the office.
        Mail.state.in_(UNDER_WAY),
        Mail.direction == Direction.INCOMING,
        ByOtherIndex(Mail.unit_id).in_(sorted(scan_units(actor))),
        Unindexed(Mail.created_at) < midnight,
        ~AmongMany(ByOtherIndex(Mail.id), KNOWN),
    )


@composed
def _without_scan(actor: Actor) -> Select[Any]:
    return (
        _lines()
        .add_columns(Unit.name.label("office"))
        .join(Unit, Unit.id == Mail.unit_id)
        .where(Among(Mail.id, IDS), may_be_told(actor))
        .order_by(Mail.created_at, Mail.id)
        .limit(MOST)
    )


def papers(ground: Ground) -> Found:
    """Originals of letters that were registered before today, lie at the actor's office, and must be passed on."""
    ids = [mail_id for (mail_id,) in few_rows(ground.session, ground.actor, _papers, ground.midnight, MOST)]
    shown = ids[: ground.shown]
    rows = rows_with(ground.session, {IDS: shown}, ground.actor, _lines_of_letters) if shown else []
    return [_of_letter(row, on=_local(ground, row.created_at)) for row in rows], len(ids)


@composed
def _papers(actor: Actor, midnight: datetime, most: int) -> Select[int]:
    older = Unindexed(Mail.created_at) < midnight
    return to_transmit.papers(actor, older, Mail.level < int(Confidentiality.SECRET), most=most)


@composed
def _lines_of_letters(actor: Actor) -> Select[*tuple[Any, ...]]:
    """What the lines of letters (``IDS``) tell that the actor may be told of. Their ids may be of a statement before: letters may be secret since."""
    return _lines().where(Among(Mail.id, IDS), may_be_told(actor)).order_by(Mail.id)


# --- lines


IDS = "ids"
"""The parameter of statements that read lines by their ids."""


def _ids(ground: Ground, compose: Callable[[Actor, Any], Select[Any]], since: date) -> list[int]:
    """The letters or assignments that ``compose(actor, since)`` selects."""
    return [row_id for (row_id,) in few_rows(ground.session, ground.actor, compose, since)]


_COLUMNS = (Mail.id, Mail.level, Mail.subject, Mail.created_at, first_number(Mail.id).label("number"))


def _lines() -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS)


def _of_letter(row: Any, *, who: str = "", on: date | None, code: str = "") -> Line:
    level = Confidentiality(row.level)
    return Line(row.id, row.number or "", "" if level else row.subject, level, who, on=on, code=code)


def _rows(ground: Ground, ids: Sequence[int]) -> list[Row[*tuple[Any, ...]]]:
    """What the lines of assignments tell, in the order of their ids. A letter that became secret since the ids were read has no line."""
    shown = ids[: ground.shown]
    _read_lines(ground, shown)
    return [ground.assignments[one] for one in shown if one in ground.assignments]


def _read_lines(ground: Ground, ids: Sequence[int]) -> None:
    missing = [one for one in ids if one not in ground.assignments]
    if not missing:
        return
    rows = rows_with(ground.session, {IDS: missing}, ground.actor, _lines_of_assignments)
    ground.assignments.update((row.assignment_id, row) for row in rows)
    posts = {row.post_id for row in rows if row.post_id is not None and row.post_id not in ground.holders}
    if posts:
        ground.holders.update(holders(ground.session, posts, on=ground.today))


@composed
def _lines_of_assignments(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The statement of ``_read_lines``, for ``IDS``; as ``_lines_of_letters``."""
    return (
        select(
            *_COLUMNS, Assignment.id.label("assignment_id"), Assignment.post_id, Assignment.due_on, Assignment.assigned_at,
            Post.title.label("to_post"), Unit.name.label("unit_name"),
        )
        .select_from(Assignment)
        .join(Mail, Mail.id == Assignment.mail_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Post, Post.id == Assignment.post_id)
        .where(Among(Assignment.id, IDS), may_be_told(actor))
    )  # fmt: skip


def _waits_at(ground: Ground, row: Row[*tuple[Any, ...]]) -> str:
    return ", ".join(text for text in (ground.holders.get(row.post_id) or row.to_post, row.unit_name) if text)


def _local(ground: Ground, at: datetime) -> date:
    return at.astimezone(ground.services.zone).date()
