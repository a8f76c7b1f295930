"""The counters of registers, locked until the commit, and the days that are still open.

Whoever holds a counter knows that no day of its register is closed meanwhile.
"""

from datetime import date, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from ged import locks
from ged.ports import RegisterId
from ged.register.models import Register, RegisterClosing, RegisterCounter
from ged.unit import UnitOfWork

_CLOSED_UNTIL = select(func.max(RegisterClosing.until_on)).where(RegisterClosing.register_id == bindparam("register"))


def closed_until(session: Session, register_id: RegisterId | int) -> date | None:
    """The last closed day of a register, by its day or by its year; None while none is."""
    last: date | None = session.scalar(_CLOSED_UNTIL, {"register": register_id})
    return last


def open_day(uow: UnitOfWork, register_id: int) -> date:
    """Today, or the first day after the closed ones."""
    today = uow.now.astimezone(uow.services.zone).date()
    closed = closed_until(uow.session, register_id)
    return today if closed is None else max(today, closed + timedelta(days=1))


def locked_counter(session: Session, register: Register, on: date) -> RegisterCounter:
    """The counter that numbers of a day come from, locked until the commit."""
    return counter_of(session, register.id, on.year if register.restarts_yearly else 0)


def lock_days(session: Session, register: Register, from_on: date, until_on: date) -> None:
    """Hold every counter that numbers or corrections of these days come under, until the commit."""
    years = range(from_on.year, until_on.year + 1) if register.restarts_yearly else (0,)
    for year in years:
        counter_of(session, register.id, year)


def counter_of(session: Session, register_id: int, year: int) -> RegisterCounter:
    """The counter of a register and year (0: it never restarts), locked until the commit and made when it is missing."""
    # Two first registrations of a year may meet here.
    return locks.hold_made(session, RegisterCounter, (register_id, year), register_id=register_id, year=year)
