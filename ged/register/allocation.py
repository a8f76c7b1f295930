"""Numbers from a locked row, in the transaction that registers: no gap, no double.

The counter's row stays locked until the commit, so call ``allocate`` after everything slow and as late as possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from ged import locks
from ged.db import Together, insert_of, known_to, placed, table_of
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, NumberTaken
from ged.org.models import Unit
from ged.org.tree import entities, entity_of
from ged.ports import RegisterId
from ged.register import clock
from ged.register.models import ClosingPeriod, MailNumber, Register, RegisterClosing, RegisterCounter, RegisterNature
from ged.register.numbering import format_number, number_key
from ged.unit import Actor, HeldPost, Role, UnitOfWork, UnitRow

_counters = table_of(RegisterCounter)
_NEXT = Together(
    update(_counters)
    .where(_counters.c.register_id == placed("register_id"), _counters.c.year == placed("year"))
    .values(last_sequence=placed("sequence"), last_on=placed("registered_on")),
    insert_of(MailNumber).returning(table_of(MailNumber).c.id),
)
"""A number, and the counter that it comes from."""
_CLOSED_UNTIL = select(func.max(RegisterClosing.until_on)).where(RegisterClosing.register_id == bindparam("register"))


def allocate(
    uow: UnitOfWork,
    register_id: RegisterId | int,
    *,
    actor: Actor,
    post: HeldPost | None,
    mail_id: int | None = None,
    envelope_id: int | None = None,
    slip_id: int | None = None,
) -> MailNumber:
    """Give the next number of a register, dated today in the installation's time zone.

    A process that waited for the lock over midnight never dates a number before the one given just before it, nor into
    a closed day; its hour is then the first of that day, so that label and register say the same.

    Raises:
        NotFound: ``register.unknown``.
        InvalidTransition: ``register.closed``, ``clock.ahead``, ``clock.jump``.
    """
    register = open_register(uow.session, register_id)
    # Read before everybody waits for us.
    entity, unit = entity_code(uow.session, register.unit, actor.units), register.unit.code
    counter = locked_counter(uow.session, register, uow.now.astimezone(uow.services.zone).date())
    local_day = _open_day(uow, register.id)  # no day is closed any more while we hold the lock
    if register.restarts_yearly and local_day.year != counter.year:  # this year is closed to its end
        counter = locked_counter(uow.session, register, local_day)
    year = counter.year
    on = max(local_day, counter.last_on) if counter.last_on else local_day
    clock.check(uow, on, counter)
    begin = datetime.combine(on, time(), tzinfo=uow.services.zone).astimezone(UTC)
    sequence = counter.last_sequence + 1
    text = format_number(register.pattern, sequence=sequence, on=on, entity=entity, unit=unit, register=register.code)
    row = {
        "register_id": register.id,
        "year": year,
        "sequence": sequence,
        "text": text,
        "text_key": number_key(text),
        "registered_at": max(uow.now, begin),
        "registered_on": on,
        "person_id": actor.person_id or None,
        "post_id": post.post_id if post else None,
        "mail_id": mail_id,
        "envelope_id": envelope_id,
        "slip_id": slip_id,
        "voided_at": None,
        "void_reason": "",
    }
    number_id = _NEXT.run(uow.session, row).scalar_one()
    # The register is in hand: whoever tells of the number reads nothing while others wait.
    number = MailNumber(**row, id=number_id, register=register)
    known_to(uow.session, number)
    uow.session.expire(counter)
    return number


@dataclass(frozen=True)
class BookEntry:
    """A letter of an archive: its number and day in the paper book; an empty number asks for one by the pattern."""

    mail_id: int
    number: str
    on: date


def lock_book(uow: UnitOfWork, register_id: RegisterId | int) -> None:
    """Hold the counter that ``allocate_many`` will use until the commit: nobody else takes letters over meanwhile."""
    register = open_register(uow.session, register_id)
    _locked_book(uow, register)


def allocate_many(uow: UnitOfWork, register: Register, entries: Sequence[BookEntry]) -> list[MailNumber]:
    """Numbers for letters taken over, in their order, in one statement; the sequence has no gap in any register.

    A register of the nature ``ARCHIVE`` bears numbers and days of its paper book. Any other gives its own next numbers,
    dated as ``allocate`` dates them.
    """
    is_book = register.nature is RegisterNature.ARCHIVE
    counter = _locked_book(uow, register)
    today = _open_day(uow, register.id)
    clock.check(uow, today, counter)
    counter.last_on = max(today, counter.last_on) if counter.last_on else today
    entity = entity_code(uow.session, register.unit)
    numbers = []
    for entry in entries:
        counter.last_sequence += 1
        on = entry.on if is_book else counter.last_on
        begin = datetime.combine(on, time(), tzinfo=uow.services.zone).astimezone(UTC)
        text = format_number(
            register.pattern,
            sequence=counter.last_sequence,
            on=on,
            entity=entity,
            unit=register.unit.code,
            register=register.code,
        )
        numbers.append(
            MailNumber(
                register=register,
                year=counter.year,
                sequence=counter.last_sequence,
                text=(entry.number if is_book else "") or text,
                registered_at=begin if is_book else max(uow.now, begin),
                registered_on=on,
                mail_id=entry.mail_id,
            )
        )
    uow.session.add_all(numbers)
    uow.session.flush()
    return numbers


def _locked_book(uow: UnitOfWork, register: Register) -> RegisterCounter:
    counter = _counter(uow.session, register.id, _book_year(register, uow))
    year = _book_year(register, uow)  # a year closed while we waited for the lock
    return counter if counter.year == year else _counter(uow.session, register.id, year)


def _book_year(register: Register, uow: UnitOfWork) -> int:
    """A book taken over is counted as one, whatever years its letters are of."""
    if register.nature is RegisterNature.ARCHIVE or not register.restarts_yearly:
        return 0
    return _open_day(uow, register.id).year


def open_register(session: Session, register_id: RegisterId | int) -> Register:
    """The register, when it still takes numbers.

    Raises:
        NotFound: ``register.unknown``.
        InvalidTransition: ``register.closed``.
    """
    register = session.get(Register, register_id)
    if register is None:
        raise NotFound("register.unknown", "choose a register of the list", id=register_id)
    if register.closed_at is not None:
        raise InvalidTransition("register.closed", "choose an open register", register=register.code)
    return register


def clerk_post(session: Session, register_id: RegisterId | int, actor: Actor) -> HeldPost:
    """The post through which the actor may keep this register.

    Raises:
        Forbidden: ``register.not_clerk``.
    """
    register = open_register(session, register_id)
    for post in actor.posts:
        if Role.CLERK in post.roles and post.unit_id == register.unit_id:
            return post
    raise Forbidden("register.not_clerk", "ask the mail office that keeps this register", register=register.code)


def open_at(
    uow: UnitOfWork, register_id: RegisterId, *, last_number: int, year: int, reason: str, actor: Actor
) -> None:
    """Continue a paper book: the next number is ``last_number`` + 1 (the opening entry says so for ever).

    Raises:
        NumberTaken: ``register.started``: numbers were given already.
        Invalid: ``register.opening_reason``, ``register.opening_number``.
    """
    post = clerk_post(uow.session, register_id, actor)
    if not reason.strip():
        raise Invalid("register.opening_reason", "name the paper book that is continued", field="reason")
    if last_number < 0:
        raise Invalid("register.opening_number", "give the last number of the paper book", field="last_number")
    register = open_register(uow.session, register_id)
    counter = _counter(uow.session, register.id, year if register.restarts_yearly else 0)
    if counter.last_on is not None or counter.last_sequence:
        raise NumberTaken(
            "register.started", "a register opens at a number only before its first one", register=register.code
        )
    counter.opening_sequence = counter.last_sequence = last_number
    counter.opening_reason = reason.strip()
    uow.record(
        "register.opened",
        "register",
        register.id,
        actor=actor,
        post=post,
        last_number=last_number,
        reason=reason,
        year=year,
    )


def entity_code(session: Session, unit: Unit, units: Mapping[int, UnitRow] | None = None) -> str:
    """The code of the entity that a unit belongs to (itself, or the nearest above).

    Args:
        units: all units, where they are in hand.
    """
    if units and unit.id in units:
        return units[entity_of(unit.id, units)].code
    return session.get_one(Unit, entities(session)[unit.id]).code


def closed_until(session: Session, register_id: RegisterId | int) -> date | None:
    """The last closed day of a register, by its day or by its year; None while none is."""
    last: date | None = session.scalar(_CLOSED_UNTIL, {"register": register_id})
    return last


def _open_day(uow: UnitOfWork, register_id: int) -> date:
    today = uow.now.astimezone(uow.services.zone).date()
    closed = closed_until(uow.session, register_id)
    return today if closed is None else max(today, closed + timedelta(days=1))


def locked_counter(session: Session, register: Register, on: date) -> RegisterCounter:
    """The counter that numbers of a day come from, locked until the commit."""
    return _counter(session, register.id, on.year if register.restarts_yearly else 0)


def lock_days(session: Session, register: Register, from_on: date, until_on: date) -> None:
    """Hold every counter that numbers or corrections of these days come under, until the commit."""
    years = range(from_on.year, until_on.year + 1) if register.restarts_yearly else (0,)
    for year in years:
        _counter(session, register.id, year)


def _counter(session: Session, register_id: int, year: int) -> RegisterCounter:
    # Two first registrations of a year may meet here.
    return locks.hold_made(session, RegisterCounter, (register_id, year), register_id=register_id, year=year)


def gaps(session: Session) -> list[tuple[int, int, int]]:
    """(register, year, missing) wherever the numbers given are not exactly opening+1 .. last: the proof of no gap."""
    rows = session.execute(
        select(
            RegisterCounter.register_id,
            RegisterCounter.year,
            RegisterCounter.last_sequence - RegisterCounter.opening_sequence,
            func.count(MailNumber.id),
            func.min(MailNumber.sequence),
            func.max(MailNumber.sequence),
            RegisterCounter.opening_sequence,
            RegisterCounter.last_sequence,
        )
        .outerjoin(
            MailNumber,
            (MailNumber.register_id == RegisterCounter.register_id) & (MailNumber.year == RegisterCounter.year),
        )
        .group_by(RegisterCounter.register_id, RegisterCounter.year)
    )
    wrong = []
    for register_id, year, expected, count, low, high, opening, last in rows:
        if count != expected or (count and (low != opening + 1 or high != last)):
            wrong.append((register_id, year, expected - count))
    return wrong + _uncounted(session)


def _uncounted(session: Session) -> list[tuple[int, int, int]]:
    """Numbers whose counter is gone: nothing says any more how many there were."""
    rows = session.execute(
        select(MailNumber.register_id, MailNumber.year, func.max(MailNumber.sequence))
        .outerjoin(
            RegisterCounter,
            (MailNumber.register_id == RegisterCounter.register_id) & (MailNumber.year == RegisterCounter.year),
        )
        .where(RegisterCounter.register_id.is_(None))
        .group_by(MailNumber.register_id, MailNumber.year)
    )
    return [(register_id, year, last) for register_id, year, last in rows]


def number_of(session: Session, number_id: int) -> MailNumber:
    """A number by its id.

    Raises:
        NotFound: ``number.unknown``.
    """
    number = session.get(MailNumber, number_id)
    if number is None:
        raise NotFound("number.unknown", "check the number", id=number_id)
    return number


def void(uow: UnitOfWork, number: MailNumber, *, reason: str, actor: Actor, post: HeldPost, now: datetime) -> None:
    """Void a number: it stays in the register with the reason, and is never given again.

    The void is dated by ``correction_at``; the register's counter stays locked until the commit.

    Raises:
        Invalid: ``number.void_reason``.
        InvalidTransition: ``number.voided``.
    """
    if not reason.strip():
        raise Invalid("number.void_reason", "say why the number is voided", field="reason")
    if number.voided_at is not None:
        raise InvalidTransition("number.voided", "the number is void already", number=number.text)
    at = correction_at(uow, [number], now=now)
    uow.session.refresh(number, ["voided_at"])
    if number.voided_at is not None:  # by somebody who held the counter before us
        raise InvalidTransition("number.voided", "the number is void already", number=number.text)
    number.voided_at, number.void_reason = at, reason.strip()
    uow.record(
        "number.voided", "number", number.id, actor=actor, post=post, number=number.text, reason=reason.strip(),
        **citation(uow.session, number),
    )  # fmt: skip


def correction_at(uow: UnitOfWork, numbers: Sequence[MailNumber], *, now: datetime) -> datetime:
    """The moment at which a correction of these numbers is entered.

    It is now, but never before the numbers were given, nor in a day that is closed in one of their registers: then it
    is the first moment of the first open day. The counters stay locked until the commit, so no closing comes between.
    """
    registers = {number.register_id: number.register for number in numbers}
    moments = [now, *(number.registered_at for number in numbers)]
    for _, register in sorted(registers.items()):
        if register.nature is not RegisterNature.ARCHIVE:  # its book is never closed, and its days are long past
            moments.append(_locked_open_moment(uow, register, max(moments)))
    return max(moments)


def _locked_open_moment(uow: UnitOfWork, register: Register, moment: datetime) -> datetime:
    """The first moment of the first day that is open at this moment or after it; that day's counter stays locked."""
    zone = uow.services.zone
    while True:
        closed = closed_until(uow.session, register.id)
        local_day = moment.astimezone(zone).date()
        day = local_day if closed is None else max(local_day, closed + timedelta(days=1))
        locked_counter(uow.session, register, day)
        if closed_until(uow.session, register.id) == closed:  # else it was closed while we waited for the lock
            return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def closing_of(session: Session, number: MailNumber) -> RegisterClosing | None:
    """The closing of the day that a number was given on; None while that day is open."""
    return session.scalar(
        select(RegisterClosing)
        .where(
            RegisterClosing.register_id == number.register_id,
            RegisterClosing.period == ClosingPeriod.DAY,
            RegisterClosing.until_on >= number.registered_on,
        )
        .order_by(RegisterClosing.until_on)
        .limit(1)
    )


def citation(session: Session, number: MailNumber) -> dict[str, str]:
    """What the journal's entry of a correction says of a closed day: a correction is entered today and cites it."""
    closing = closing_of(session, number)
    return {} if closing is None else {"closed_on": closing.until_on.isoformat(), "closing": closing.digest}
