"""What screens show of slips: frozen rows, under the access rule. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Forbidden, NotFound
from ged.org.models import Unit
from ged.ports import Confidentiality, Digest, MailId, SignatureReport, SlipId, UnitId
from ged.registry.models import Mail
from ged.slips import parties
from ged.slips.drafting import CONFIDENTIAL
from ged.slips.models import (
    ReceiptWay,
    Slip,
    SlipKind,
    SlipLine,
    SlipProof,
    SlipPurpose,
    SlipTask,
    TaskState,
)
from ged.slips.states import ACCEPTED, LineState, SlipState
from ged.unit import Actor, Services

PAGE = 50
OPEN_FOR_RECEIVER = (SlipState.SENT, SlipState.RECEIVING)
UNDER_WAY = (SlipState.ISSUING, SlipState.SENT, SlipState.RECEIVING)


@dataclass(frozen=True)
class SlipRow:
    """A slip in a list."""

    id: SlipId
    number: str
    kind: SlipKind
    state: SlipState
    purpose: SlipPurpose
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


@dataclass(frozen=True)
class LineView:
    """A line as the actor may see it: masked, only its number and that it is confidential are told.

    ``mail_id`` is None when the actor may not open the letter. ``decided``: what a receiver wants to sign.
    """

    id: int
    position: int
    number: str
    description: str
    count: int
    remark: str
    is_original: bool
    masked: bool
    mail_id: MailId | None
    envelope_id: int | None
    state: LineState
    reception_remark: str
    returned_by: SlipId | None
    decided: LineState | None = None
    decided_remark: str = ""


@dataclass(frozen=True)
class ReceiptView:
    """Who received."""

    way: ReceiptWay
    name: str
    title: str
    capacity: str
    received_at: datetime
    signed: bool


@dataclass(frozen=True)
class ProofView:
    """A page of the scanned print."""

    id: int
    media_type: str
    digest: Digest
    added_at: datetime


@dataclass(frozen=True)
class SlipView:
    """A slip's page. ``may_...``: what the actor's posts allow in this state."""

    row: SlipRow
    version: int
    sender_name: str
    sender_title: str
    sender_capacity: str
    remark: str
    handed_at: datetime | None
    void_reason: str
    cites: SlipRow | None
    cited_digest: str
    digest: str
    answers: tuple[SlipRow, ...]
    siblings: tuple[SlipRow, ...]
    lines: tuple[LineView, ...]
    receipt: ReceiptView | None
    proofs: tuple[ProofView, ...]
    tasks: tuple["TaskRow", ...]
    may_sign: bool
    may_receive: bool
    may_record_paper: bool
    may_void: bool
    may_hand: bool
    may_answer: bool


@dataclass(frozen=True)
class TaskRow:
    """Something to clear up."""

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


@dataclass(frozen=True)
class UnitChoice:
    """A unit that can receive."""

    id: UnitId
    code: str
    name: str


def to_receive(session: Session, actor: Actor, *, offset: int = 0, limit: int = PAGE) -> list[SlipRow]:
    """Slips that wait for a post of the actor, oldest first."""
    wanted = _slips(_waiting(session, actor)).order_by(Slip.sent_at, Slip.id)
    return _rows(session, wanted.offset(offset).limit(limit))


def count_to_receive(session: Session, actor: Actor) -> int:
    """How many wait, for the navigation."""
    return session.scalar(select(func.count(Slip.id)).where(_waiting(session, actor))) or 0


def sent(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    unacknowledged_hours: int,
    states: Sequence[SlipState] = (),
    offset: int = 0,
    limit: int = PAGE,
) -> list[SlipRow]:
    """Slips of the actor's units, newest first; those waiting too long are marked."""
    of = Slip.sender_unit_id.in_(sorted(parties.units_seen(actor)))
    wanted = _slips(of, *((Slip.state.in_(states),) if states else ())).order_by(Slip.id.desc())
    return _rows(session, wanted.offset(offset).limit(limit), late_before=now - timedelta(hours=unacknowledged_hours))


def count_sent(session: Session, actor: Actor) -> int:
    """How many slips the actor's units sent, for the pager."""
    of = Slip.sender_unit_id.in_(sorted(parties.units_seen(actor)))
    return session.scalar(select(func.count(Slip.id)).where(of)) or 0


def unacknowledged(session: Session, *, hours: int, now: datetime, actor: Actor | None = None) -> list[SlipRow]:
    """Slips sent more than ``hours`` ago and not received; all of them for the reminders of the system."""
    before = now - timedelta(hours=hours)
    own = () if actor is None else (Slip.sender_unit_id.in_(sorted(parties.units_seen(actor))),)
    wanted = _slips(Slip.state.in_(OPEN_FOR_RECEIVER), Slip.sent_at < before, *own).order_by(Slip.sent_at)
    return _rows(session, wanted, late_before=before)


def overdue_loans(session: Session, actor: Actor, *, today: date) -> list[SlipRow]:
    """Slips on loan of the actor's units whose day is over while an accepted line has not come back."""
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
    own = Slip.sender_unit_id.in_(sorted(parties.units_seen(actor)))
    late = (Slip.purpose == SlipPurpose.ON_LOAN, Slip.kind == SlipKind.TRANSMITTAL, Slip.return_by < today)
    return _rows(session, _slips(own, *late, still_out).order_by(Slip.return_by))


def slips_of(session: Session, mail_id: MailId | int, actor: Actor) -> list[SlipRow]:
    """The slips on which a letter travelled that the actor may see, oldest first; the caller checked the letter."""
    on = select(SlipLine.slip_id).where(SlipLine.mail_id == int(mail_id))
    return _rows(session, _slips(Slip.id.in_(on), parties.visible_clause(actor)).order_by(Slip.id))


def pending_slips_of(session: Session, mail_id: MailId | int, actor: Actor) -> list[SlipRow]:
    """Those of them that are under way."""
    return [row for row in slips_of(session, mail_id, actor) if row.state in UNDER_WAY]


def open_tasks(session: Session, actor: Actor, *, limit: int = 200) -> list[TaskRow]:
    """What the actor's units have to clear up, oldest first."""
    units = sorted(parties.units_seen(actor))
    return _tasks(session, actor, SlipTask.unit_id.in_(units), SlipTask.state == TaskState.OPEN, limit=limit)


def slip_view(session: Session, slip_id: SlipId | int, actor: Actor) -> SlipView:
    """A slip's page.

    Raises:
        NotFound: ``slip.unknown`` (also when the actor may not know).
    """
    slip = parties.require(session, int(slip_id), actor)
    row = _rows(session, _slips(Slip.id == slip.id))[0]
    working = {post.unit_id for post in parties.working_posts(actor)}
    sends, receives = (
        slip.sender_unit_id in working,
        parties.current_unit(session, slip.receiver_unit_id) in working,
    )
    waits = slip.state in OPEN_FOR_RECEIVER
    cited = _rows(session, _slips(Slip.id == slip.cites_id, parties.visible_clause(actor))) if slip.cites_id else []
    siblings = _slips(Slip.act_id == slip.act_id, Slip.id != slip.id, parties.visible_clause(actor))
    return SlipView(
        row=row,
        version=slip.version,
        sender_name=slip.sender_name,
        sender_title=slip.sender_title,
        sender_capacity=slip.sender_capacity,
        remark=slip.remark,
        handed_at=slip.handed_at,
        void_reason=slip.void_reason,
        cites=cited[0] if cited else None,
        cited_digest=slip.cited_digest,
        digest=slip.revisions[-1].digest if slip.revisions else "",
        answers=tuple(_rows(session, _slips(Slip.cites_id == slip.id, parties.visible_clause(actor)))),
        siblings=tuple(_rows(session, siblings)) if slip.act_id else (),
        lines=_lines(session, slip, actor),
        receipt=_receipt(slip),
        proofs=_proofs(session, slip.id),
        tasks=tuple(_tasks(session, actor, SlipTask.slip_id == slip.id)),
        may_sign=slip.state is SlipState.ISSUING and sends,
        may_receive=waits and receives,
        may_record_paper=waits and (sends or receives),
        may_void=slip.state in (SlipState.ISSUING, SlipState.SENT) and sends,
        may_hand=waits and sends,
        may_answer=slip.state is SlipState.RECEIVED and receives and slip.kind is SlipKind.TRANSMITTAL,
    )


def receiving_units(session: Session, actor: Actor) -> list[UnitChoice]:
    """Units that can receive, by name."""
    rows = session.scalars(select(Unit).where(Unit.closed_at.is_(None)).order_by(Unit.name, Unit.id))
    own = {post.unit_id for post in parties.working_posts(actor)}
    return [UnitChoice(UnitId(u.id), u.code, u.name) for u in rows if own != {u.id}]


def slip_pdf(services: Services, slip_id: SlipId | int, actor: Actor) -> tuple[bytes, str]:
    """The latest signed bytes and a file name.

    Raises:
        NotFound: ``slip.unknown``; ``slip.no_pdf`` before the first signature.
        Forbidden: ``slip.pdf_confidential``: a letter that the pages name in the clear became confidential since,
            and the actor may not see it.
    """
    with services.reading() as session:
        slip = parties.require(session, int(slip_id), actor)
        if not slip.revisions:
            raise NotFound("slip.no_pdf", "the sender has to sign it first", id=slip.id)
        if any(_names_what_is_hidden(session, line, actor) for line in slip.lines):
            raise Forbidden("slip.pdf_confidential", "ask the letter's unit for access", id=slip.id)
        digest, number = Digest(slip.revisions[-1].digest), slip.number_text
    with services.blobs.open(digest) as stored:
        return stored.read(), "".join(c if c.isalnum() or c in "-_" else "-" for c in number) + ".pdf"


def signatures(
    services: Services, slip_id: SlipId | int, actor: Actor, *, now: datetime
) -> tuple[SignatureReport, ...]:
    """What the checker says of the signatures on the latest bytes; nothing before the first.

    Raises:
        NotFound: ``slip.unknown``.
        EngineFailed: ``check.unavailable``.
    """
    with services.reading() as session:
        slip = parties.require(session, int(slip_id), actor)
        issued = [Digest(revision.digest) for revision in slip.revisions]
    if not issued:
        return ()
    with services.blobs.open(issued[-1]) as stored:
        return services.checker.check(stored.read(), at=now, issued=issued)


def proof_page(session: Session, slip_id: SlipId | int, proof_id: int, actor: Actor) -> ProofView:
    """A page of the scanned print.

    Raises:
        NotFound: ``slip.unknown``, ``slip.proof_unknown``.
        Forbidden: ``slip.pdf_confidential``.
    """
    slip = parties.require(session, int(slip_id), actor)
    if any(_names_what_is_hidden(session, line, actor) for line in slip.lines):
        raise Forbidden("slip.pdf_confidential", "ask the letter's unit for access", id=slip.id)
    for proof in _proofs(session, slip.id):
        if proof.id == proof_id:
            return proof
    raise NotFound("slip.proof_unknown", "reload the slip", id=proof_id)


def handed_on(
    session: Session, actor: Actor, *, unit_id: UnitId | int, day: date, zone: ZoneInfo, messenger: str = ""
) -> list[Slip]:
    """Slips of a unit handed to a messenger on a local day, in their order. Rows of the ORM: for the book only.

    Raises:
        NotFound: ``unit.unknown``.
    """
    if int(unit_id) not in parties.units_seen(actor):
        raise NotFound("unit.unknown", "choose a unit of yours", id=int(unit_id), refused=True)
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = start + timedelta(days=1)
    wanted = select(Slip).where(
        Slip.sender_unit_id == int(unit_id), Slip.handed_at >= start, Slip.handed_at < after,
        Slip.state != SlipState.VOIDED,
    )  # fmt: skip
    if messenger:
        wanted = wanted.where(Slip.messenger == messenger)
    return list(session.scalars(wanted.order_by(Slip.messenger, Slip.handed_at, Slip.id)).unique())


def messengers_on(
    session: Session, actor: Actor, *, unit_id: UnitId | int, day: date, zone: ZoneInfo
) -> list[tuple[str, int]]:
    """The messengers of a day with the number of slips each carries.

    Raises:
        NotFound: ``unit.unknown``.
    """
    counts: dict[str, int] = {}
    for slip in handed_on(session, actor, unit_id=unit_id, day=day, zone=zone):
        counts[slip.messenger] = counts.get(slip.messenger, 0) + 1
    return sorted(counts.items())


def _waiting(session: Session, actor: Actor) -> ColumnElement[bool]:
    # Those who may see a unit's slips as heads above do not receive them: only its own posts, or its successor's.
    own = {post.unit_id for post in parties.working_posts(actor)}
    closed = session.scalars(select(Unit).where(Unit.closed_at.is_not(None), Unit.successor_id.is_not(None)))
    now_at = {UnitId(unit.id): parties.current_unit(session, unit.id) for unit in closed}
    mine = (own - now_at.keys()) | {unit_id for unit_id, successor in now_at.items() if successor in own}
    return Slip.state.in_(OPEN_FOR_RECEIVER) & Slip.receiver_unit_id.in_(sorted(mine))


def _slips(*conditions: ColumnElement[bool]) -> Select[Slip]:
    return select(Slip).where(*conditions)


def _rows(session: Session, wanted: Select[Slip], *, late_before: datetime | None = None) -> list[SlipRow]:
    return [_row(slip, late_before) for slip in session.scalars(wanted).unique()]


def _row(slip: Slip, late_before: datetime | None) -> SlipRow:
    late = late_before is not None and slip.state in OPEN_FOR_RECEIVER
    return SlipRow(
        id=SlipId(slip.id),
        number=slip.number_text,
        kind=slip.kind,
        state=slip.state,
        purpose=slip.purpose,
        sender_unit=slip.sender_unit.name,
        receiver_unit=slip.receiver_unit.name,
        line_count=len(slip.lines),
        piece_count=sum(line.count for line in slip.lines),
        issued_at=slip.issued_at,
        sent_at=slip.sent_at,
        received_at=slip.received_at,
        return_by=slip.return_by,
        messenger=slip.messenger,
        discrepancies=sum(line.state not in (LineState.PENDING, LineState.RECEIVED) for line in slip.lines),
        unacknowledged=bool(late and late_before is not None and slip.sent_at and slip.sent_at < late_before),
    )


def _hidden(session: Session, line: SlipLine, actor: Actor) -> bool:
    """Whether the line's letter is confidential now and not for this actor."""
    if line.mail_id is None:
        return False
    level = session.scalar(select(Mail.level).where(Mail.id == line.mail_id))
    if level is None or level == Confidentiality.ORDINARY:
        return False
    return not access.may_see(session, line.mail_id, Confidentiality(level), actor)


def _names_what_is_hidden(session: Session, line: SlipLine, actor: Actor) -> bool:
    return not line.is_confidential and _hidden(session, line, actor)


def _may_open(session: Session, mail_id: int, actor: Actor) -> bool:
    level = session.scalar(select(Mail.level).where(Mail.id == mail_id))
    return level is not None and access.may_see(session, mail_id, Confidentiality(level), actor)


def _lines(session: Session, slip: Slip, actor: Actor) -> tuple[LineView, ...]:
    back = _returned(session, slip)
    wanted = slip.receipt.decisions if slip.receipt is not None and slip.state is SlipState.RECEIVING else {}
    return tuple(_line(session, line, actor, back.get(line.id), wanted.get(str(line.position))) for line in slip.lines)


def _line(
    session: Session, line: SlipLine, actor: Actor, back: SlipId | None, wanted: Sequence[str] | None
) -> LineView:
    masked = _hidden(session, line, actor)
    opens = line.mail_id is not None and _may_open(session, line.mail_id, actor)
    description = line.description
    if masked:
        description = CONFIDENTIAL
    elif line.is_confidential and opens and line.mail_id is not None:
        description = session.scalar(select(Mail.subject).where(Mail.id == line.mail_id)) or line.description
    return LineView(
        id=line.id,
        position=line.position,
        number=line.number,
        description=description,
        count=line.count,
        remark="" if masked else line.remark,
        is_original=line.is_original,
        masked=masked,
        mail_id=MailId(line.mail_id) if opens and line.mail_id is not None else None,
        envelope_id=line.envelope_id,
        state=line.state,
        reception_remark="" if masked else line.reception_remark,
        returned_by=back,
        decided=LineState(wanted[0]) if wanted else None,
        decided_remark=wanted[1] if wanted else "",
    )


def _returned(session: Session, slip: Slip) -> dict[int, SlipId]:
    rows = session.execute(
        select(SlipLine.returns_line_id, Slip.id)
        .join(Slip, Slip.id == SlipLine.slip_id)
        .where(SlipLine.returns_line_id.in_([line.id for line in slip.lines]))
        .where(Slip.kind == SlipKind.RETURN, Slip.state != SlipState.VOIDED)
    )
    return {line_id: SlipId(slip_id) for line_id, slip_id in rows if line_id is not None}


def _receipt(slip: Slip) -> ReceiptView | None:
    row = slip.receipt
    if row is None:
        return None
    return ReceiptView(row.way, row.name, row.title, row.capacity, row.received_at, row.signed_at is not None)


def _proofs(session: Session, slip_id: int) -> tuple[ProofView, ...]:
    rows = session.scalars(select(SlipProof).where(SlipProof.slip_id == slip_id).order_by(SlipProof.id))
    return tuple(ProofView(p.id, p.media_type, Digest(p.digest), p.added_at) for p in rows)


def _tasks(session: Session, actor: Actor, *conditions: ColumnElement[bool], limit: int = 200) -> list[TaskRow]:
    rows = session.execute(
        select(SlipTask, SlipLine, Slip)
        .join(SlipLine, SlipLine.id == SlipTask.line_id)
        .join(Slip, Slip.id == SlipTask.slip_id)
        .where(*conditions)
        .order_by(SlipTask.opened_at, SlipTask.id)
        .limit(limit)
    ).unique()
    return [_task(session, task, line, slip, actor) for task, line, slip in rows]


def _task(session: Session, task: SlipTask, line: SlipLine, slip: Slip, actor: Actor) -> TaskRow:
    other = slip.sender_unit if task.unit_id == slip.receiver_unit_id else slip.receiver_unit
    masked = _hidden(session, line, actor)
    label = f"{line.number} — {CONFIDENTIAL if masked else line.description}" if line.number else line.description
    return TaskRow(
        id=task.id,
        kind=task.kind,
        slip_id=SlipId(slip.id),
        slip_number=slip.number_text,
        other_unit=other.name,
        line_no=line.position,
        description=label,
        reception_remark=""
        if masked
        else (line.remark if task.unit_id == slip.receiver_unit_id else line.reception_remark),
        opened_at=task.opened_at,
        state=task.state,
        settled_at=task.settled_at,
        remark=task.remark,
    )
