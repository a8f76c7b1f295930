"""The counters of registers, locked until the commit, and the days that are still open.

While a transaction holds a counter's lock, no day of its register can be closed.
"""

from datetime import date, timedelta
from typing import Protocol

from sqlalchemy import RowMapping, bindparam, func, select
from sqlalchemy.orm import Session

from ged import locks
from ged.ports import RegisterId
from ged.register.models import Register, RegisterClosing, RegisterCounter, RegisterNature
from ged.unit import UnitOfWork

_CLOSED_UNTIL = select(func.max(RegisterClosing.until_on)).where(RegisterClosing.register_id == bindparam("register"))


def closed_until(session: Session, register_id: RegisterId | int) -> date | None:
    """The last closed day of a register, by a daily or yearly closing; None when no day is closed."""
    last: date | None = session.scalar(_CLOSED_UNTIL, {"register": register_id})
    return last


def open_day(uow: UnitOfWork, register_id: int) -> date:
    """Today, or the first day after the closed days."""
    return day_after(uow, closed_until(uow.session, register_id))


def day_after(uow: UnitOfWork, closed: date | None) -> date:
    """Today, or the first day after ``closed``, the last closed day."""
    today = uow.now.astimezone(uow.services.zone).date()
    return today if closed is None else max(today, closed + timedelta(days=1))


class Counted(Protocol):
    """A register, or its row of a page."""

    @property
    def nature(self) -> RegisterNature:
        """What it numbers."""

    @property
    def restarts_yearly(self) -> bool:
        """As it is set."""


def is_by_year(register: Counted) -> bool:
    """Whether the register counts anew each year. An imported book (``ARCHIVE``) has one count over all years, whatever is set."""
    return register.restarts_yearly and register.nature is not RegisterNature.ARCHIVE


def year_of(register: Counted, on: date) -> int:
    """The year of the counter that gives the numbers of a day (``RegisterCounter.year``); 0: one counter over all years."""
    return on.year if is_by_year(register) else 0


def locked_counter(session: Session, register: Register, on: date) -> RowMapping:
    """The columns of the counter for numbers of a day, locked until the commit; created when missing."""
    year = year_of(register, on)
    return locks.hold_values(session, RegisterCounter, (register.id, year), register_id=register.id, year=year)


def lock_days(session: Session, register: Register, from_on: date, until_on: date) -> None:
    """Lock every counter for numbers or corrections of these days, until the commit."""
    years = range(from_on.year, until_on.year + 1) if is_by_year(register) else (0,)
    # In the order of the years, as everybody locks rows of one table by ascending key.
    for year in years:
        counter_of(session, register.id, year)


def counter_of(session: Session, register_id: int, year: int) -> RegisterCounter:
    """The counter of a register and year (0: it never restarts), locked until the commit; created when missing."""
    # The first registrations of a year may run concurrently.
    return locks.hold_made(session, RegisterCounter, (register_id, year), register_id=register_id, year=year)
