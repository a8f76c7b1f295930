"""Voiding of numbers (they are never deleted), the date of a correction, and its citation of a closed day."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.errors import Invalid, InvalidTransition
from ged.register.counters import closed_until, locked_counter
from ged.register.models import ClosingPeriod, MailNumber, Rectification, Register, RegisterClosing, RegisterNature
from ged.unit import Actor, HeldPost, UnitOfWork


def void(uow: UnitOfWork, number: MailNumber, *, reason: str, actor: Actor, post: HeldPost, now: datetime) -> None:
    """Void a number: it stays in the register with the reason, and is never reused.

    ``correction_at`` dates the void; the register's counter stays locked until the commit.

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
    if number.voided_at is not None:  # voided by a transaction that held the counter's lock before us
        raise InvalidTransition("number.voided", "the number is void already", number=number.text)
    number.voided_at, number.void_reason = at, reason.strip()
    uow.record(
        "number.voided", "number", number.id, actor=actor, post=post, number=number.text, reason=reason.strip(),
        **citation(uow.session, number),
    )  # fmt: skip


def correction_at(uow: UnitOfWork, numbers: Sequence[MailNumber], *, now: datetime) -> datetime:
    """The moment at which a correction of these numbers is entered.

    It is now, but never before the numbers were given, nor before the last rectification of their letter (made by a clock
    that was ahead of this one), nor in a day that is closed in one of their registers. In that case it is the first
    moment of the first open day. The counters stay locked until the commit, so that no day can be closed in between.
    """
    registers = {number.register_id: number.register for number in numbers}
    moments = [now, *(number.registered_at for number in numbers), *_last_rectified(uow.session, numbers)]
    # By id: two corrections of letters with the same registers lock their counters in one order.
    for _, register in sorted(registers.items()):
        if register.nature is not RegisterNature.ARCHIVE:  # an imported book is never closed, its days are past
            moments.append(_locked_open_moment(uow, register, max(moments)))
    return max(moments)


def _last_rectified(session: Session, numbers: Sequence[MailNumber]) -> list[datetime]:
    """A void before a rectification would take it out of every closing: it was of a number that stood."""
    letters = {number.mail_id for number in numbers if number.mail_id is not None}
    last: datetime | None = session.scalar(select(func.max(Rectification.at)).where(Rectification.mail_id.in_(letters)))
    return [] if last is None else [last]


def _locked_open_moment(uow: UnitOfWork, register: Register, moment: datetime) -> datetime:
    """The first moment of the first day that is open at this moment or after it; that day's counter stays locked."""
    zone = uow.services.zone
    while True:
        closed = closed_until(uow.session, register.id)
        local_day = moment.astimezone(zone).date()
        day = local_day if closed is None else max(local_day, closed + timedelta(days=1))
        locked_counter(uow.session, register, day)
        if closed_until(uow.session, register.id) == closed:  # else a day was closed while we waited for the lock
            return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def closing_of(session: Session, number: MailNumber) -> RegisterClosing | None:
    """The closing of the day on which a number was given; None while this day is open."""
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
    """The closing that a correction's journal entry cites, if the number's day is closed."""
    closing = closing_of(session, number)
    return {} if closing is None else {"closed_on": closing.until_on.isoformat(), "closing": closing.digest}
