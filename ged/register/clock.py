"""Checks this server's clock before it dates a number: a clock that jumped ahead must not open next year's book.

A number cannot be taken back, so a wrong date is worse than a refusal. The clock is compared with the last day on which
numbers were given, with the database's own clock (PostgreSQL), and with a time-stamp authority's clock, if one is set.
A clock that is set back needs no refusal: ``allocate`` never dates a number before the previous number.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from ged.audit import AuditEntry
from ged.db import server_time
from ged.errors import EngineFailed, Invalid, InvalidTransition
from ged.register.models import RegisterCounter
from ged.unit import Actor, UnitOfWork

_log = logging.getLogger(__name__)

CONFIRMED = "clock.confirmed"
NEXT_DAY = timedelta(days=1)
LONG_WEEKEND = timedelta(days=4)
"""After a longer pause, and for each new year, the time-stamp authority is queried too."""
DIFFERENCE = timedelta(minutes=10)
"""Largest accepted difference; clocks set by NTP differ by milliseconds."""
PAUSE = timedelta(days=60)
"""A ministry never gives no number for so long: weekends, feasts and strikes are shorter."""


def check(uow: UnitOfWork, on: date, last_on: date | None) -> None:
    """Refuse a day that only this server's clock supports. While numbers follow day by day, no other clock is queried.

    Args:
        last_on: the day of the register's last number.

    Raises:
        InvalidTransition: ``clock.ahead``: another clock is behind, and the day or the book would be new;
            ``clock.jump``: no number was given for ``PAUSE``. ``confirm`` allows numbers again.
    """
    if last_on is not None and on <= last_on + NEXT_DAY:
        return
    last = uow.session.scalar(select(func.max(RegisterCounter.last_on)))
    if last is None or on <= _confirmed(uow, last):  # a new installation has nothing to compare with
        return
    code = doubt(on, last, now=uow.now, others=list(_other_clocks(uow, on, last)))
    if code:
        raise InvalidTransition(
            code,
            "set this server's clock; if it is right, an administrator calls `ged clock confirm`",
            on=on,
            last=last,
        )


def _other_clocks(uow: UnitOfWork, on: date, last: date) -> Iterator[datetime]:
    """The times of the other clocks. An authority that does not respond is skipped."""
    database = server_time(uow.session)
    if database is not None:
        yield database
    authority = uow.services.timestamper
    if authority is not None and (on.year > last.year or on > last + LONG_WEEKEND):
        try:
            yield authority.time()
        except EngineFailed as error:
            _log.warning("clock: the time-stamp authority was not queried: %s", error.code)


def doubt(on: date, last: date, *, now: datetime, others: Sequence[datetime]) -> str:
    """Code of the reason to doubt a day; empty: no doubt.

    Args:
        last: the last day on which a number was given.
        now: this server's clock.
        others: present times of other clocks.
    """
    is_new = on > last + NEXT_DAY or on.year > last.year
    if is_new and any(now - other > DIFFERENCE for other in others):
        return "clock.ahead"
    return "clock.jump" if on > last + PAUSE else ""


def confirm(uow: UnitOfWork, *, reason: str, actor: Actor) -> None:
    """Confirm today's date, after an administrator has checked the clock. Overrides other clocks, for today only.

    Raises:
        Invalid: ``clock.reason``.
    """
    if not reason.strip():
        raise Invalid("clock.reason", "say by which clock you know that the time is right", field="reason")
    uow.record(CONFIRMED, "installation", None, actor=actor, reason=reason.strip())


def _confirmed(uow: UnitOfWork, last: date) -> date:
    at: datetime | None = uow.session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == CONFIRMED))
    return max(last, at.astimezone(uow.services.zone).date()) if at is not None else last
