"""The mail office's queries of departures; frozen rows only, under the access rule of each letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session, lazyload

from ged import access
from ged.access import visible_clause
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine, DispatchProof, DispatchState
from ged.dispatch.operations import LEFT, MOST_TOGETHER, STOPPED
from ged.errors import NotFound
from ged.jobs import Job, JobKind, JobState
from ged.ports import AttachmentId, Confidentiality, MailId
from ged.register.models import Channel, Direction, Mail, MailNumber, Register
from ged.register.queries import first_numbers, number_of, numbering_units
from ged.register.states import MailState
from ged.unit import Actor, Role


@dataclass(frozen=True)
class LineRow:
    """A line with its proof. ``is_uncertain``: an e-mail that failed or was interrupted; ``cause`` is its code."""

    id: int
    version: int
    mail_id: MailId
    number: str
    subject: str
    level: Confidentiality
    is_copy: bool
    name: str
    address: str
    email: str
    channel: Channel
    state: DispatchState
    reference: str
    carrier: str
    left_at: datetime | None
    discharge_name: str
    discharge_capacity: str
    discharged_at: datetime | None
    discharge_number: str
    proof_ids: tuple[AttachmentId, ...]
    """Scans of the stamped copy, the oldest first."""
    is_uncertain: bool = False
    cause: str = ""

    @property
    def was_stopped(self) -> bool:
        """Whether the e-mail was certainly not sent: it was not attempted."""
        return self.cause in STOPPED

    @property
    def proof(self) -> str:
        """Who carried it and the reference of the proof, as the departure book tells them; empty: neither."""
        return ", ".join(part for part in (self.carrier, self.reference) if part)


@dataclass(frozen=True)
class ToDispatch:
    """A signed letter with lines that have not left."""

    mail_id: MailId
    number: str
    subject: str
    addressee: str
    signed_on: date | None
    waiting: int
    total: int


@dataclass(frozen=True)
class DispatchPage:
    """A letter's head on its page of departure."""

    mail_id: MailId
    number: str
    subject: str
    state: MailState
    level: Confidentiality
    written_on: date | None
    may_dispatch: bool


def _office_units(actor: Actor) -> list[int]:
    return sorted({int(post.unit_id) for post in actor.posts if Role.CLERK in post.roles})


def _numbered_here(query: Select, actor: Actor) -> Select:  # type: ignore[type-arg]  # rows of any shape
    """Letters numbered in a register that the actor keeps."""
    # EXISTS instead of IN: the numbers of the few waiting letters are looked up, not all numbers of the registers.
    here = (
        select(MailNumber.id)
        .join(Register, Register.id == MailNumber.register_id)
        .where(MailNumber.mail_id == Mail.id, MailNumber.voided_at.is_(None))
        .where(Register.unit_id.in_(_office_units(actor)))
    )
    return query.where(here.exists(), visible_clause(Mail.id, Mail.level, actor.principals))


def to_dispatch(session: Session, actor: Actor) -> list[ToDispatch]:
    """Signed letters of the actor's registers of which something has not left, oldest first."""
    waiting = func.sum(case((DispatchLine.state.in_(LEFT), 0), else_=1))
    query = (
        select(Mail.id, Mail.subject, Mail.addressee, Mail.written_on, waiting, func.count(DispatchLine.id))
        .join(DispatchLine, DispatchLine.mail_id == Mail.id)
        .where(Mail.state == MailState.SIGNED)
        .group_by(Mail.id, Mail.subject, Mail.addressee, Mail.written_on)
        .order_by(Mail.written_on, Mail.id)
    )
    rows = session.execute(_numbered_here(query, actor)).all()
    numbers = first_numbers(session, [row[0] for row in rows])
    return [
        ToDispatch(MailId(mail_id), numbers.get(mail_id, ""), subject, addressee, on, int(left), total)
        for mail_id, subject, addressee, on, left, total in rows
    ]


def waiting_lines(session: Session, actor: Actor, *, limit: int = MOST_TOGETHER) -> list[LineRow]:
    """Lines of the actor's registers that a messenger may carry, those of the oldest letters first."""
    query = (
        select(DispatchLine)
        .join(Mail, Mail.id == DispatchLine.mail_id)
        .where(Mail.state == MailState.SIGNED, DispatchLine.state == DispatchState.TO_SEND)
        .order_by(Mail.written_on, Mail.id, DispatchLine.position)
        .limit(limit)
    )
    return _line_rows(session, list(session.scalars(_numbered_here(query, actor))))


def lines_of_round(session: Session, line_ids: Sequence[int], actor: Actor) -> list[LineRow]:
    """Lines that left with one messenger, those that the actor may see, in the order of their letters."""
    query = (
        select(DispatchLine)
        .join(Mail, Mail.id == DispatchLine.mail_id)
        .where(DispatchLine.id.in_(list(line_ids)[:MOST_TOGETHER]), DispatchLine.state.in_(LEFT))
        .order_by(DispatchLine.mail_id, DispatchLine.position)
    )
    return _line_rows(session, list(session.scalars(_numbered_here(query, actor))))


def count_to_dispatch(session: Session, actor: Actor) -> int:
    """How many letters ``to_dispatch`` shows."""
    return session.scalar(count_waiting(actor)) or 0


def count_waiting(actor: Actor) -> Select[int]:
    """The statement of ``count_to_dispatch`` (for the navigation)."""
    return _numbered_here(select(func.count()).select_from(Mail).where(has_to_leave()), actor)


def waiting_letters(actor: Actor) -> Select[int]:
    """The statement that selects the letters of ``to_dispatch``."""
    return _numbered_here(select(Mail.id).where(has_to_leave()), actor)


def has_to_leave() -> ColumnElement[bool]:
    """Signed letters of which something has not left."""
    return and_(Mail.state == MailState.SIGNED, select(DispatchLine.id).where(DispatchLine.mail_id == Mail.id).exists())


def without_discharge(session: Session, actor: Actor, *, limit: int = 100) -> list[LineRow]:
    """Lines that left on paper and have no discharge yet, oldest first."""
    query = (
        select(DispatchLine)
        .join(Mail, Mail.id == DispatchLine.mail_id)
        .where(DispatchLine.state == DispatchState.LEFT)
        .where(DispatchLine.channel.in_((Channel.HAND, Channel.COURIER, Channel.RECORDED_DELIVERY)))
        .order_by(DispatchLine.left_at, DispatchLine.id)
        .limit(limit)
    )
    return _line_rows(session, list(session.scalars(_numbered_here(query, actor))))


def left_on(session: Session, actor: Actor, day: date, *, zone: ZoneInfo) -> list[LineRow]:
    """The departure book: the lines that left on a local day, in order."""
    return _line_rows(session, _left_on(session, actor, day, zone))


def restricted_on(session: Session, actor: Actor, day: date, *, zone: ZoneInfo) -> list[MailId]:
    """Letters above the ordinary level in the departure book: its printing is recorded in the journal for each."""
    found = {line.mail_id for line in _left_on(session, actor, day, zone) if line.mail.level > Confidentiality.ORDINARY}
    return [MailId(mail_id) for mail_id in sorted(found)]


def _left_on(session: Session, actor: Actor, day: date, zone: ZoneInfo) -> list[DispatchLine]:
    begin = datetime.combine(day, time(), tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    query = (
        select(DispatchLine)
        .join(Mail, Mail.id == DispatchLine.mail_id)
        .where(DispatchLine.state.in_(LEFT), DispatchLine.left_at >= begin, DispatchLine.left_at < end)
        .order_by(DispatchLine.left_at, DispatchLine.id)
    )
    return list(session.scalars(_numbered_here(query, actor)))


def lines(session: Session, mail_id: MailId | int, actor: Actor) -> list[LineRow]:
    """All lines of a letter.

    Raises:
        NotFound: ``mail.unknown``.
    """
    return _lines(session, _visible(session, mail_id, actor))


def _lines(session: Session, mail: Mail) -> list[LineRow]:
    # Arrivals have no lines.
    if mail.direction is Direction.INCOMING:
        return []
    query = select(DispatchLine).where(DispatchLine.mail_id == mail.id).order_by(DispatchLine.position)
    return _line_rows(session, list(session.scalars(query.options(lazyload(DispatchLine.mail)))))


def panel(session: Session, mail_id: MailId, actor: Actor) -> list[LineRow] | None:  # noqa: ARG001  # a panel's loader
    """The lines for the letter's own page; None when it has none. The caller has checked the access."""
    return _lines(session, session.get_one(Mail, mail_id)) or None


def line(session: Session, line_id: int, actor: Actor) -> LineRow:
    """One line.

    Raises:
        NotFound: ``dispatch.unknown``.
    """
    return _line_rows(session, [dispatch.line_for(session, line_id, actor)])[0]


def page(session: Session, mail_id: MailId | int, actor: Actor) -> DispatchPage:
    """A letter's head, for its page of departure.

    Raises:
        NotFound: ``mail.unknown``.
    """
    mail = _visible(session, mail_id, actor)
    units = numbering_units(session, mail.id)
    return DispatchPage(
        MailId(mail.id),
        number_of(session, mail.id),
        mail.subject,
        mail.state,
        Confidentiality(mail.level),
        mail.written_on,
        may_dispatch=not units.isdisjoint(_office_units(actor)),
    )


def _visible(session: Session, mail_id: MailId | int, actor: Actor) -> Mail:
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(session, mail.id, Confidentiality(mail.level), actor)
    return mail


def _line_rows(session: Session, found: list[DispatchLine]) -> list[LineRow]:
    if not found:
        return []
    numbers = first_numbers(session, [line.mail_id for line in found])
    sending = [line.id for line in found if line.state is DispatchState.SENDING]
    stopped: dict[int, Job] = {}
    asked = select(Job).where(Job.kind == JobKind.NOTIFY, Job.subject_id.in_(sending)).order_by(Job.id)
    for job in session.scalars(asked) if sending else ():
        stopped[job.subject_id] = job
    proofs = _proofs(session, found)
    return [_line_row(line, numbers.get(line.mail_id, ""), stopped.get(line.id), proofs[line.id]) for line in found]


def _proofs(session: Session, lines: list[DispatchLine]) -> dict[int, tuple[AttachmentId, ...]]:
    """All scans of the stamped copies. The previous release stored only the last scan, in the line itself."""
    found: dict[int, set[int]] = {line.id: set() for line in lines}
    for line in lines:
        if line.discharge_attachment_id is not None:
            found[line.id].add(line.discharge_attachment_id)
    rows = session.execute(
        select(DispatchProof.line_id, DispatchProof.attachment_id).where(DispatchProof.line_id.in_(found))
    )
    for line_id, attachment_id in rows:
        found[line_id].add(attachment_id)
    return {line_id: tuple(AttachmentId(one) for one in sorted(ids)) for line_id, ids in found.items()}


def _line_row(line: DispatchLine, number: str, job: Job | None, proofs: tuple[AttachmentId, ...]) -> LineRow:
    is_uncertain = job is not None and job.state in (JobState.FAILED, JobState.UNCERTAIN)
    return LineRow(
        id=line.id,
        version=line.version,
        mail_id=MailId(line.mail_id),
        number=number,
        subject=line.mail.subject,
        level=Confidentiality(line.mail.level),
        is_copy=line.is_copy,
        name=line.name,
        address=line.address,
        email=line.email,
        channel=line.channel,
        state=line.state,
        reference=line.reference,
        carrier=line.carrier,
        left_at=line.left_at,
        discharge_name=line.discharge_name,
        discharge_capacity=line.discharge_capacity,
        discharged_at=line.discharged_at,
        discharge_number=line.discharge_number,
        proof_ids=proofs,
        is_uncertain=is_uncertain,
        cause=job.error_code if job is not None and is_uncertain else "",
    )
