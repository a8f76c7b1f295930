"""The registers as books: who may read them, their lines, and the proof that no number is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from ged import access, paging
from ged.db import ByOtherIndex, holds
from ged.errors import NotFound
from ged.org.models import Person, Post, Unit
from ged.org.tree import ministry_of_role
from ged.paging import START, Place, Slice
from ged.ports import Confidentiality, RegisterId
from ged.register.models import Direction, Mail, MailNumber, Rectification, Register, RegisterCounter, RegisterNature
from ged.register.numbering import number_key
from ged.register.states import MailState
from ged.register.typed_numbers import typed
from ged.unit import Actor, Role

PAGE_SIZE = 50
PROVEN = 10_000
"""A page counts this many latest numbers to prove that none is missing."""
MAX_DIGITS = 9
"""Digits of the largest number that a counter can reach."""
MAX_PRINTED = 700
"""Lines of one printed document. With every column of arrivals filled, 800 lines took 1.6 s of CPU and 318 MB in the
typesetting process, 500 lines 0.9 s and 230 MB; a request may cost 2 s and 300 MB. More lines are exported to a file by a
job (``ged.reports.exports``)."""


class EntryKind(StrEnum):
    """The kind of a register's line, for this reader."""

    LETTER = "letter"
    CONFIDENTIAL = "confidential"
    """A letter whose content the reader may not see."""
    ENVELOPE = "envelope"
    SLIP = "slip"
    NUMBER = "number"
    """A number without a letter, envelope or slip."""


@dataclass(frozen=True)
class BookRow:
    """A register in the list."""

    id: RegisterId
    code: str
    name: str
    unit_id: int
    unit_name: str
    nature: RegisterNature
    direction: Direction
    is_kept: bool
    """The actor may allocate numbers in it."""
    is_closed: bool
    restarts_yearly: bool
    pattern: str


@dataclass(frozen=True)
class YearRow:
    """A year of a register (0 when it never restarts), with the proof of its numbers.

    ``missing`` is 0 when the numbers given are exactly ``first`` .. ``last``: no gap, no double.
    """

    year: int
    opening: int
    opening_reason: str
    last: int
    last_on: date | None
    given: int
    voided: int
    missing: int
    is_proven: bool = True
    """Whether the numbers were counted; otherwise the figures come from the counter."""
    proven_from: int = 0
    """The count begins at this number; closings and prints count the numbers before."""

    @property
    def first(self) -> int:
        """The first number that this register gives in the year."""
        return self.opening + 1


@dataclass(frozen=True)
class EntryRow:
    """A line of a register. Content is empty unless ``kind`` is LETTER."""

    number_id: int
    sequence: int
    text: str
    registered_at: datetime
    registered_on: date
    registered_by: str
    kind: EntryKind
    voided_at: datetime | None
    void_reason: str
    mail_id: int | None = None
    envelope_id: int | None = None
    slip_id: int | None = None
    sender: str = ""
    addressee: str = ""
    subject: str = ""
    their_reference: str = ""
    written_on: date | None = None
    received_on: date | None = None
    enclosure_count: int = 0
    state: MailState | None = None
    level: Confidentiality = Confidentiality.ORDINARY
    rectified: tuple[str, ...] = ()
    """Fields that were rectified."""


@dataclass(frozen=True)
class Span:
    """A selection of lines: a year, and within it days or numbers (both ends included)."""

    year: int
    from_on: date | None = None
    until_on: date | None = None
    from_sequence: int | None = None
    until_sequence: int | None = None
    number: str = ""
    """As typed; empty: any."""


@dataclass(frozen=True)
class Wanted:
    """What a reader looks for among the lines; letters that the reader may not see are never found by it."""

    name: str = ""
    """Words of the sender's or the addressee's name."""
    state: MailState | None = None
    """VOIDED: numbers that are void."""


def readable_clause(actor: Actor) -> ColumnElement[bool]:
    """Registers of the units where the actor works or is head; those of an auditor's whole ministry."""
    working = {post.unit_id for post in actor.working_posts}
    return Register.unit_id.in_(sorted(working | actor.headed_unit_ids | ministry_of_role(actor, Role.AUDITOR)))


def books(session: Session, actor: Actor) -> list[BookRow]:
    """Registers that the actor may read, the actor's own registers first."""
    rows = [_book(r, actor) for r in session.scalars(_readable(actor).order_by(Unit.id, Register.id)).unique()]
    return sorted(rows, key=lambda row: not row.is_kept)


def book(session: Session, register_id: RegisterId | int, actor: Actor) -> BookRow:
    """A register that the actor may read.

    Raises:
        NotFound: ``register.unknown`` (also when the actor may not read it; that refusal is recorded).
    """
    register = session.scalars(_readable(actor).where(Register.id == register_id)).unique().one_or_none()
    if register is None:
        exists = session.get(Register, register_id) is not None
        raise NotFound("register.unknown", "choose a register of the list", id=int(register_id), refused=exists)
    return _book(register, actor)


def _readable(actor: Actor) -> Select[Register]:
    return select(Register).join(Unit, Unit.id == Register.unit_id).where(readable_clause(actor))


def _book(register: Register, actor: Actor) -> BookRow:
    return BookRow(
        id=RegisterId(register.id),
        code=register.code,
        name=register.name,
        unit_id=register.unit_id,
        unit_name=register.unit.name,
        nature=register.nature,
        direction=register.direction,
        is_kept=_keeps(register, actor) and register.closed_at is None,
        is_closed=register.closed_at is not None,
        restarts_yearly=register.restarts_yearly,
        pattern=register.pattern,
    )


def _keeps(register: Register, actor: Actor) -> bool:
    return any(Role.CLERK in post.roles and post.unit_id == register.unit_id for post in actor.posts)


def years(
    session: Session, register_ids: Sequence[int], *, chosen: int | None = None, whole: bool = False
) -> dict[int, list[YearRow]]:
    """The years of these registers, newest first.

    The newest year of each register and the chosen year come with their proof. Other years show only their counters, so
    that past years cost nothing. The proof counts the last ``PROVEN`` numbers, so that the cost does not grow with the
    register; ``whole`` counts all numbers.
    """
    counters = session.scalars(
        select(RegisterCounter)
        .where(RegisterCounter.register_id.in_(register_ids))
        .order_by(RegisterCounter.register_id, RegisterCounter.year.desc())
    )
    found: dict[int, list[YearRow]] = {}
    for one in counters:
        expected = one.last_sequence - one.opening_sequence
        row = YearRow(
            one.year, one.opening_sequence, one.opening_reason, one.last_sequence, one.last_on, expected, 0, 0, False
        )
        found.setdefault(one.register_id, []).append(row)
    wanted = [(id, row.year) for id, rows in found.items() for row in rows if row is rows[0] or row.year == chosen]
    proofs = _proofs(session, wanted, PROVEN if not whole else None)
    return {id: [proofs.get((id, row.year), row) for row in rows] for id, rows in found.items()}


def _proofs(session: Session, wanted: Sequence[tuple[int, int]], latest: int | None) -> dict[tuple[int, int], YearRow]:
    """Count the numbers, from indexes only. A constraint makes sequences unique within a year, so a count is enough."""
    sequence, opening, last = MailNumber.sequence, RegisterCounter.opening_sequence, RegisterCounter.last_sequence

    # Numbers at or below it are not counted.
    begin = opening if latest is None else case((last - latest > opening, last - latest), else_=opening)

    def count(*where: ColumnElement[bool]) -> ScalarSelect[int]:
        of_year = (MailNumber.register_id == RegisterCounter.register_id, MailNumber.year == RegisterCounter.year)
        return select(func.count()).select_from(MailNumber).where(*of_year, *where).scalar_subquery()

    query = select(
        RegisterCounter,
        count(sequence > begin, sequence <= last),
        count(sequence <= opening),
        count(sequence > last),
        count(MailNumber.voided_at.is_not(None)),
    ).where(
        or_(false(), *(and_(RegisterCounter.register_id == id, RegisterCounter.year == year) for id, year in wanted))
    )
    found = {}
    for one, within, below, above, voided in session.execute(query) if wanted else ():
        first = one.opening_sequence if latest is None else max(one.opening_sequence, one.last_sequence - latest)
        missing = one.last_sequence - first - within
        found[one.register_id, one.year] = YearRow(
            year=one.year,
            opening=one.opening_sequence,
            opening_reason=one.opening_reason,
            last=one.last_sequence,
            last_on=one.last_on,
            given=one.last_sequence - one.opening_sequence - missing + below + above,
            voided=voided,
            # Numbers outside the range are an error, as missing numbers are.
            missing=missing + below + above,
            proven_from=first + 1,
        )
    return found


def find(session: Session, register_id: RegisterId | int, text: str, year: int) -> Span | None:
    """The lines of a register that match a typed number; None when the text cannot be a number.

    Args:
        text: the number as printed, in any spelling (``number_key``); or its digits alone (220, 220/2026), for ``year``
            or for the year given behind them.
    """
    begins, key = text.lstrip()[:1], number_key(text)
    if not key or not (begins.isalnum() or begins == "№"):
        return None
    mine = ByOtherIndex(MailNumber.register_id) == register_id  # the number is rarer than the register
    years = session.scalars(select(MailNumber.year).where(mine, typed(text)).order_by(MailNumber.year)).all()
    if years:
        return Span(year if year in years else years[-1], number=text)
    first, *rest = key.split("/")
    if not first.isdigit() or len(first) > MAX_DIGITS:
        return None
    if len(rest) == 1 and year and rest[0].isdigit() and len(rest[0]) == len(str(year)):
        return Span(int(rest[0]), from_sequence=int(first), until_sequence=int(first))
    if rest:
        return None
    return Span(year, from_sequence=int(first), until_sequence=int(first))


def count_entries(session: Session, register_id: RegisterId | int, span: Span) -> int:
    """How many lines a span has."""
    query = select(func.count(MailNumber.id)).where(*_within(register_id, span))
    return session.scalar(query) or 0


def last_sequence(session: Session, register_id: RegisterId | int, span: Span) -> int | None:
    """The last number of a span; None when it has no line."""
    return session.scalar(select(func.max(MailNumber.sequence)).where(*_within(register_id, span)))


def entries(
    session: Session,
    register_id: RegisterId | int,
    span: Span,
    actor: Actor,
    *,
    newest_first: bool = True,
    limit: int = PAGE_SIZE,
) -> list[EntryRow]:
    """Lines of a register that the actor may read (``book`` checks it); content only of letters the actor may see."""
    order = MailNumber.sequence.desc() if newest_first else MailNumber.sequence.asc()
    page = select(MailNumber.sequence).where(*_within(register_id, span)).order_by(order).limit(limit)
    return _entries(session, register_id, span.year, session.scalars(page).all(), actor, newest_first=newest_first)


def page(
    session: Session,
    register_id: RegisterId | int,
    span: Span,
    actor: Actor,
    at: Place = START,
    *,
    wanted: Wanted | None = None,
    limit: int = PAGE_SIZE,
) -> tuple[list[EntryRow], Slice]:
    """A page of ``entries``, newest first; a place in the list is a number's sequence."""
    query = select(MailNumber.sequence).where(*_within(register_id, span))
    if wanted is not None:
        query = _only(query, wanted, actor)
    found = paging.read(session, query, MailNumber.sequence, at, descending=True, limit=limit)
    return _entries(session, register_id, span.year, found.ids, actor), found


def _entries(
    session: Session,
    register_id: RegisterId | int,
    year: int,
    sequences: Sequence[int],
    actor: Actor,
    *,
    newest_first: bool = True,
) -> list[EntryRow]:
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    order = MailNumber.sequence.desc() if newest_first else MailNumber.sequence.asc()
    rows = session.execute(
        select(MailNumber, Mail, Person.name, Post.title)
        .select_from(MailNumber)
        .outerjoin(Mail, (Mail.id == MailNumber.mail_id) & seen)
        .outerjoin(Person, Person.id == MailNumber.person_id)
        .outerjoin(Post, Post.id == Mail.addressed_post_id)
        .where(MailNumber.register_id == register_id, MailNumber.year == year, MailNumber.sequence.in_(sequences))
        .order_by(order)
    ).all()
    rectified = _rectified(session, [mail.id for _, mail, *_ in rows if mail is not None])
    keeps = _keeps(session.get_one(Register, register_id), actor)
    return [_entry(number, mail, name or "", title or "", rectified, keeps) for number, mail, name, title in rows]


def _only(query: Select[int], wanted: Wanted, actor: Actor) -> Select[int]:
    if wanted.state is MailState.VOIDED:
        query = query.where(MailNumber.voided_at.is_not(None))
    if wanted.name or wanted.state not in (None, MailState.VOIDED):
        seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
        query = query.join(Mail, (Mail.id == MailNumber.mail_id) & seen)
    if wanted.state not in (None, MailState.VOIDED):
        query = query.where(Mail.state == wanted.state, MailNumber.voided_at.is_(None))
    for word in wanted.name.split():
        query = query.where(or_(holds(Mail.sender_name, word), holds(Mail.addressee, word)))
    return query


def _within(register_id: RegisterId | int, span: Span) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = [MailNumber.register_id == register_id, MailNumber.year == span.year]
    if span.from_on is not None:
        clauses.append(MailNumber.registered_on >= span.from_on)
    if span.until_on is not None:
        clauses.append(MailNumber.registered_on <= span.until_on)
    if span.from_sequence is not None:
        clauses.append(MailNumber.sequence >= span.from_sequence)
    if span.until_sequence is not None:
        clauses.append(MailNumber.sequence <= span.until_sequence)
    if span.number:
        clauses.append(typed(span.number))
    return clauses


def _rectified(session: Session, mail_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    rows = session.execute(
        select(Rectification.mail_id, Rectification.field)
        .where(Rectification.mail_id.in_(mail_ids))
        .order_by(Rectification.id)
    )
    found: dict[int, dict[str, None]] = {}
    for mail_id, field in rows:
        found.setdefault(mail_id, {})[field] = None
    return {mail_id: tuple(fields) for mail_id, fields in found.items()}


def _entry(
    number: MailNumber,
    mail: Mail | None,
    name: str,
    addressed_to: str,
    rectified: dict[int, tuple[str, ...]],
    keeps: bool,
) -> EntryRow:
    kind = _kind(number, mail)
    # A reason may reveal the letter's subject, so it has the same access rule as the content. Without content, only
    # the keepers of the register see the reason.
    reason = number.void_reason if kind is EntryKind.LETTER or (keeps and kind is not EntryKind.CONFIDENTIAL) else ""
    head = EntryRow(
        number_id=number.id,
        sequence=number.sequence,
        text=number.text,
        registered_at=number.registered_at,
        registered_on=number.registered_on,
        registered_by=name,
        kind=kind,
        voided_at=number.voided_at,
        void_reason=reason,
        envelope_id=number.envelope_id,
        slip_id=number.slip_id,
    )
    if mail is None:
        return head
    return replace(
        head,
        mail_id=mail.id,
        sender=mail.sender_name,
        addressee=mail.addressee or addressed_to,
        subject=mail.subject,
        their_reference=mail.their_reference,
        written_on=mail.written_on,
        received_on=mail.received_on,
        enclosure_count=mail.enclosure_count,
        state=mail.state,
        level=Confidentiality(mail.level),
        rectified=rectified.get(mail.id, ()),
    )


def _kind(number: MailNumber, mail: Mail | None) -> EntryKind:
    if number.envelope_id is not None:
        return EntryKind.ENVELOPE
    if number.slip_id is not None:
        return EntryKind.SLIP
    if number.mail_id is None:
        return EntryKind.NUMBER
    return EntryKind.LETTER if mail is not None else EntryKind.CONFIDENTIAL
