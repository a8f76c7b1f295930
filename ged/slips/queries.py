"""Read-only queries of slips for pages: frozen rows, under the access rule."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, literal, select
from sqlalchemy.orm import Session, lazyload

from ged import access, paging
from ged.counting import composed
from ged.org.absences import Away, away_in
from ged.org.models import Unit
from ged.org.names import unit_places, unit_text
from ged.org.tree import ministry
from ged.paging import START, Place, Slice
from ged.ports import Confidentiality, MailId, SlipId, UnitId
from ged.register import typed_numbers
from ged.register.models import Mail, MailNumber
from ged.register.numbering import number_key
from ged.slips import parties, tasks
from ged.slips.drafting import CONFIDENTIAL
from ged.slips.models import (
    ReceiptWay,
    Slip,
    SlipKind,
    SlipLine,
    SlipPurpose,
    SlipReceipt,
    SlipTask,
    TaskState,
)
from ged.slips.states import ACCEPTED, LineState, SlipState
from ged.unit import Actor

MOST_UNITS = 100
"""A list of more units is asked for at once: SQLite joins at most 500 parts."""
PAGE = 50
_YEARS = range(2000, 2100)
OPEN_FOR_RECEIVER = (SlipState.SENT, SlipState.RECEIVING)
_IS_WRONG = SlipLine.state.not_in((LineState.PENDING, LineState.RECEIVED))
UNDER_WAY = (SlipState.ISSUING, SlipState.SENT, SlipState.RECEIVING)


@dataclass(frozen=True)
class SlipRow:
    """A slip in a list.

    Attributes:
        discrepancies: lines that did not arrive as they should.
        of_letter: in the list of one letter's slips: what the receiver said of that letter, where it did not arrive as it should.
    """

    id: SlipId
    number: str
    kind: SlipKind
    state: SlipState
    purpose: SlipPurpose
    sender_unit_id: UnitId
    sender_unit: str
    receiver_unit: str
    line_count: int
    piece_count: int
    issued_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    return_by: date | None
    messenger: str
    discrepancies: int
    unacknowledged: bool = False
    of_letter: LineState | None = None


@dataclass(frozen=True)
class TaskRow:
    """A problem of a reception.

    Attributes:
        may_settle: whether the actor works in the unit that has to settle it; who heads the unit only reads it.
        later: on the page of an earlier slip: the slip with the task that settles this one too, where the actor may see it.
    """

    id: int
    kind: LineState
    slip_id: SlipId
    slip_number: str
    other_unit: str
    line_no: int
    description: str
    reception_remark: str
    opened_at: datetime
    state: TaskState
    settled_at: datetime | None
    remark: str
    may_settle: bool
    later: SlipRow | None = None


@dataclass(frozen=True)
class UnitChoice:
    """A unit that can receive."""

    id: UnitId
    code: str
    name: str


def to_receive(session: Session, actor: Actor, *, limit: int = PAGE) -> list[SlipRow]:
    """Slips that wait for a post of the actor, oldest first."""
    wanted = slips_where(_waiting(actor)).order_by(Slip.sent_at, Slip.id)
    return rows_of(session, wanted.limit(limit))


def count_to_receive(session: Session, actor: Actor) -> int:
    """The number of slips that wait for the actor."""
    return session.scalar(count_waiting(actor)) or 0


def count_waiting(actor: Actor) -> Select[int]:
    """The statement of ``count_to_receive`` (for the navigation)."""
    return select(func.count(Slip.id)).where(_waiting(actor))


def sent(
    session: Session,
    actor: Actor,
    at: Place = START,
    *,
    now: datetime,
    unacknowledged_hours: int,
    states: Sequence[SlipState] = (),
    limit: int = PAGE,
) -> tuple[list[SlipRow], Slice]:
    """A page of slips of the actor's units, newest first; slips that have waited too long are marked."""
    units = sorted(parties.units_seen(actor))
    asked = select(Slip.id).where(*((Slip.state.in_(states),) if states else ()))
    # An index gives the newest slips of one unit, not of several together.
    parts = (
        [Slip.sender_unit_id == one for one in units]
        if 0 < len(units) <= MOST_UNITS
        else [Slip.sender_unit_id.in_(units)]
    )
    page = paging.read(session, tuple(asked.where(part) for part in parts), Slip.id, at, descending=True, limit=limit)
    wanted = slips_where(Slip.id.in_(page.ids)).order_by(Slip.id.desc())
    return rows_of(session, wanted, late_before=now - timedelta(hours=unacknowledged_hours)), page


def unacknowledged(
    session: Session, *, hours: int, now: datetime, actor: Actor | None = None, limit: int | None = None
) -> list[SlipRow]:
    """Slips sent more than ``hours`` ago and not received, oldest first; of the actor's units, or all of them."""
    before = now - timedelta(hours=hours)
    own = () if actor is None else (Slip.sender_unit_id.in_(sorted(parties.units_seen(actor))),)
    wanted = slips_where(is_unacknowledged(before), *own).order_by(Slip.sent_at)
    return rows_of(session, wanted.limit(limit), late_before=before)


def is_unacknowledged(before: datetime) -> ColumnElement[bool]:
    """Slips sent before a time and not received."""
    return Slip.state.in_(OPEN_FOR_RECEIVER) & (Slip.sent_at < before)


def away_at_receivers(session: Session, slip_ids: Collection[int], *, on: date) -> dict[int, tuple[Away, ...]]:
    """Slip id -> posts of the receiving unit whose holders are away on a day. The caller may see these slips.

    So the sender of a slip sees why it waits.
    """
    if not slip_ids:
        return {}
    units = dict(session.execute(select(Slip.id, Slip.receiver_unit_id).where(Slip.id.in_(slip_ids))).all())
    found = away_in(session, units.values(), on=on)
    return {slip_id: found[unit_id] for slip_id, unit_id in units.items() if unit_id in found}


def overdue_loans(session: Session, actor: Actor, *, today: date) -> list[SlipRow]:
    """Overdue slips on loan of the actor's units: an accepted line was not returned by the date."""
    own = Slip.sender_unit_id.in_(sorted(parties.units_seen(actor)))
    return rows_of(session, slips_where(own, is_overdue_loan(today)).order_by(Slip.return_by))


def is_overdue_loan(today: date) -> ColumnElement[bool]:
    """Slips on loan of which an accepted line was not returned by the date."""
    answered = (
        select(SlipLine.returns_line_id)
        .join(Slip, Slip.id == SlipLine.slip_id)
        .where(SlipLine.returns_line_id.is_not(None), Slip.state == SlipState.RECEIVED, Slip.kind == SlipKind.RETURN)
        .where(SlipLine.state.in_(ACCEPTED))
    )
    still_out = (
        select(SlipLine.id)
        .where(SlipLine.slip_id == Slip.id, SlipLine.state.in_(ACCEPTED), SlipLine.is_original)
        .where(SlipLine.id.not_in(answered))
        .exists()
    )
    # Written into the text: SQLite takes the index of the few loans for a value that it reads there.
    on_loan = literal(SlipPurpose.ON_LOAN, Slip.purpose.type, literal_execute=True)
    return and_(Slip.purpose == on_loan, Slip.kind == SlipKind.TRANSMITTAL, Slip.return_by < today, still_out)


def with_number(session: Session, text: str, actor: Actor, *, limit: int = PAGE) -> list[SlipRow]:
    """Slips with this typed number that the actor may see, the newest first; where there is none, those with it and any year behind it
    (BT-00008). None for whoever may not see them: as of an unknown number."""
    if not typed_numbers.may_be_one(text):
        return []
    for which in (typed_numbers.typed(text), _without_year(text)):
        numbered = select(MailNumber.slip_id).where(which, MailNumber.slip_id.is_not(None))
        wanted = slips_where(Slip.id.in_(numbered), parties.visible_clause(actor)).order_by(Slip.id.desc())
        if found := rows_of(session, wanted.limit(limit)):
            return found
    return []


def _without_year(text: str) -> ColumnElement[bool]:
    """Numbers that begin with this text and end with their year; none where the text is a count alone. Uses an index."""
    key = number_key(text)
    return MailNumber.text_key.in_([f"{key}/{year}" for year in _YEARS]) if "/" in key else false()


def slips_of(session: Session, mail_id: MailId | int, actor: Actor) -> list[SlipRow]:
    """The slips of a letter that the actor may see, oldest first. The caller has checked access to the letter."""
    rows = session.execute(_slips_of(actor), {"mail": int(mail_id)})
    return [replace(_slip_row(slip, None, *counts), of_letter=said) for slip, *counts, said in rows]


@composed
def _slips_of(actor: Actor) -> Select[Any]:
    """The statement of ``slips_of`` for the letter ``mail``."""
    own = SlipLine.mail_id == bindparam("mail")
    on = select(SlipLine.slip_id).where(own)
    # A letter may stand on a slip as its original and as a copy: what is wrong with the original is told.
    said = (
        select(SlipLine.state)
        .where(SlipLine.slip_id == Slip.id, own, _IS_WRONG)
        .order_by(SlipLine.is_original.desc(), SlipLine.position)
        .limit(1)
    )
    wanted = slips_where(Slip.id.in_(on), parties.visible_clause(actor)).order_by(Slip.id)
    return _with_counts(wanted).add_columns(said.scalar_subquery())


def pending_slips_of(session: Session, mail_id: MailId | int, actor: Actor) -> list[SlipRow]:
    """The slips of ``slips_of`` that are in transit."""
    return [row for row in slips_of(session, mail_id, actor) if row.state in UNDER_WAY]


def open_tasks(session: Session, actor: Actor, *, limit: int = 200) -> list[TaskRow]:
    """What the actor's units have to settle, oldest first: one task of each paper for a unit."""
    return _tasks_where(session, actor, tasks.to_settle(parties.units_seen(actor)), limit=limit)


def tasks_of(session: Session, slip_id: SlipId | int, actor: Actor) -> tuple[TaskRow, ...]:
    """The tasks of a slip, which the caller may show, oldest first."""
    rows = _tasks_where(session, actor, SlipTask.slip_id == int(slip_id))
    later = tasks.later_slips(session, int(slip_id))
    if not later:
        return tuple(rows)
    wanted = slips_where(Slip.id.in_(later.values()), parties.visible_clause(actor))
    seen: dict[int, SlipRow] = {row.id: row for row in rows_of(session, wanted)}
    return tuple(replace(row, later=seen.get(later.get(row.id, 0))) for row in rows)


def receiving_units(session: Session, actor: Actor) -> list[UnitChoice]:
    """Units of the actor's ministry that can receive, by name, each with its entity."""
    places, near = unit_places(session), Unit.id.in_(ministry(actor))
    rows = session.scalars(select(Unit).where(near, Unit.closed_at.is_(None)).order_by(Unit.name, Unit.id))
    own = {post.unit_id for post in actor.working_posts}
    return [UnitChoice(UnitId(u.id), u.code, unit_text(places[u.id])) for u in rows if own != {u.id}]


def _waiting(actor: Actor) -> ColumnElement[bool]:
    # A head above sees a unit's slips but does not receive them: only the unit's posts, or its successor's, do.
    return Slip.state.in_(OPEN_FOR_RECEIVER) & Slip.receiver_unit_id.in_(sorted(parties.units_held(actor)))


def slips_where(*conditions: ColumnElement[bool]) -> Select[Slip]:
    """Slips that match conditions; the caller adds the access rule."""
    return select(Slip).where(*conditions)


def rows_of(session: Session, wanted: Select[Slip], *, late_before: datetime | None = None) -> list[SlipRow]:
    """The rows of a list; slips sent before ``late_before`` and still waiting are marked."""
    return [_slip_row(slip, late_before, *counts) for slip, *counts in session.execute(_with_counts(wanted))]


def _with_counts(wanted: Select[Slip]) -> Select[Any]:
    """Slips, each with the numbers of its lines, its pieces, and its lines that did not arrive as they should."""
    of = SlipLine.slip_id == Slip.id
    # Without the lines, revisions and receipt that the model reads with each slip: a list needs counts alone.
    return wanted.add_columns(
        select(func.count()).select_from(SlipLine).where(of).scalar_subquery(),
        select(func.coalesce(func.sum(SlipLine.count), 0)).where(of).scalar_subquery(),
        select(func.count()).select_from(SlipLine).where(of, _IS_WRONG).scalar_subquery(),
    ).options(lazyload(Slip.lines), lazyload(Slip.revisions), lazyload(Slip.receipt))


def _slip_row(slip: Slip, late_before: datetime | None, lines: int, pieces: int, wrong: int) -> SlipRow:
    late = late_before is not None and slip.state in OPEN_FOR_RECEIVER
    return SlipRow(
        id=SlipId(slip.id),
        number=slip.number_text,
        kind=slip.kind,
        state=slip.state,
        purpose=slip.purpose,
        sender_unit_id=UnitId(slip.sender_unit_id),
        sender_unit=slip.sender_unit.name,
        receiver_unit=slip.receiver_unit.name,
        line_count=lines,
        piece_count=pieces,
        issued_at=slip.issued_at,
        sent_at=slip.sent_at,
        received_at=slip.received_at,
        return_by=slip.return_by,
        messenger=slip.messenger,
        discrepancies=wrong,
        unacknowledged=bool(late and late_before is not None and slip.sent_at and slip.sent_at < late_before),
    )


@dataclass(frozen=True)
class LineLetter:
    """What an actor may see of a line's letter. ``hidden``: it is confidential now, and the actor may not see it."""

    may_open: bool
    hidden: bool
    subject: str


def letters_on(session: Session, lines: Iterable[SlipLine], actor: Actor) -> dict[int, LineLetter]:
    """The letters of lines by their id; access is checked in one query."""
    mail_ids = {line.mail_id for line in lines if line.mail_id is not None}
    visible = access.visible_clause(Mail.id, Mail.level, actor.principals)
    rows = session.execute(select(Mail.id, Mail.level, Mail.subject, visible).where(Mail.id.in_(mail_ids)))
    return {
        mail_id: LineLetter(bool(seen), not seen and level > Confidentiality.ORDINARY, subject if seen else "")
        for mail_id, level, subject, seen in rows
    }


def _tasks_where(session: Session, actor: Actor, *conditions: ColumnElement[bool], limit: int = 200) -> list[TaskRow]:
    """The rows of tasks that match conditions, oldest first."""
    rows = session.execute(
        select(SlipTask, SlipLine, Slip)
        .join(SlipLine, SlipLine.id == SlipTask.line_id)
        .join(Slip, Slip.id == SlipTask.slip_id)
        .where(*conditions)
        .order_by(SlipTask.opened_at, SlipTask.id)
        .limit(limit)
    ).unique()
    found = [(task, line, slip) for task, line, slip in rows]
    letters = letters_on(session, (line for _, line, _ in found), actor)
    own = parties.units_held(actor)
    return [_task(task, line, slip, letters.get(line.mail_id or 0), own) for task, line, slip in found]


def _task(task: SlipTask, line: SlipLine, slip: Slip, letter: LineLetter | None, own: Collection[UnitId]) -> TaskRow:
    other = slip.sender_unit if task.unit_id == slip.receiver_unit_id else slip.receiver_unit
    masked = letter is not None and letter.hidden
    said = line.remark if task.unit_id == slip.receiver_unit_id else line.reception_remark
    label = f"{line.number} — {CONFIDENTIAL if masked else line.description}" if line.number else line.description
    return TaskRow(
        id=task.id,
        kind=task.kind,
        slip_id=SlipId(slip.id),
        slip_number=slip.number_text,
        other_unit=other.name,
        line_no=line.position,
        description=label,
        reception_remark="" if masked else said,
        opened_at=task.opened_at,
        state=task.state,
        settled_at=task.settled_at,
        remark="" if masked else task.remark,
        may_settle=task.state is TaskState.OPEN and task.unit_id in own,
    )


# --- who signs on paper ------------------------------------------------------------------------------------------

USUAL_AFTER = 3
"""So many receptions in a row by one person make that person the usual one."""


def paper_signers(session: Session, slip_id: SlipId | int, actor: Actor) -> tuple[tuple[str, str], ...]:
    """Name and capacity of who signed the latest slips to this slip's receiver on paper, of those that the actor may see.

    The latest stands first; a person stands there once for each slip.
    """
    receiver = select(Slip.receiver_unit_id).where(Slip.id == int(slip_id)).scalar_subquery()
    rows = session.execute(
        select(SlipReceipt.name, SlipReceipt.capacity)
        .join(Slip, Slip.id == SlipReceipt.slip_id)
        .where(Slip.receiver_unit_id == receiver, Slip.state == SlipState.RECEIVED)
        .where(SlipReceipt.way == ReceiptWay.PAPER, parties.visible_clause(actor))
        .order_by(Slip.received_at.desc(), Slip.id.desc())
        .limit(12)
    )
    return tuple((name, capacity) for name, capacity in rows)


def usual_signer(signers: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """The person who signed each of the latest slips, if one did.

    >>> usual_signer([("Afi DOSSOU", "Secrétaire")] * 3)
    ('Afi DOSSOU', 'Secrétaire')
    >>> usual_signer([("Afi DOSSOU", "Secrétaire")] * 2 + [("Yao", "")])
    """
    latest = set(signers[:USUAL_AFTER])
    return latest.pop() if len(signers) >= USUAL_AFTER and len(latest) == 1 else None
