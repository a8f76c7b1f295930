"""The working week and the holidays as rows that an administrator edits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import holidays
from sqlalchemy import null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from ged.errors import Forbidden, Invalid
from ged.routing.deadlines import WorkCalendar
from ged.routing.models import Holiday, WorkingDay
from ged.unit import Actor, Role, UnitOfWork

MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
MAX_NAME = 200
WORKED = ("Ramadan",)
"""What the package calls the first day of the fast: no holiday by Togolese law, which knows its end."""
FRENCH = {"l'Aïd El-Fitr": "Aïd el-Fitr (fin du Ramadan)"}
MUSLIM = ("aïd", "tabaski", "ramadan", "maouloud", "mouloud", "mawlid", "achoura")


@dataclass(frozen=True)
class HolidayRow:
    """A holiday as the administrator's page shows it."""

    on: date
    name: str
    is_estimate: bool
    is_edited: bool
    is_off: bool


def calendar(session: Session) -> WorkCalendar:
    """The calendar that deadlines are counted with."""
    worked = select(WorkingDay.weekday, type_coerce(null(), Holiday.on.type).label("on"))
    rows = session.execute(union_all(worked, select(null(), Holiday.on).where(Holiday.is_off))).all()
    weekdays = frozenset(weekday for weekday, _ in rows if weekday is not None)
    off = frozenset(on for _, on in rows if on is not None)
    return WorkCalendar(weekdays or frozenset(MONDAY_TO_FRIDAY), off)


def list_holidays(session: Session, year: int) -> list[HolidayRow]:
    """Holidays of a year, by date."""
    rows = session.scalars(
        select(Holiday).where(Holiday.on.between(date(year, 1, 1), date(year, 12, 31))).order_by(Holiday.on)
    )
    return [HolidayRow(h.on, h.name, h.is_estimate, h.is_edited, h.is_off) for h in rows]


def fill(uow: UnitOfWork, years: range) -> int:
    """Fill the rows of some years from the ``holidays`` package; rows that a person edited stay as they are.

    Dates of Muslim feasts are estimates until the administrator confirms them: the moon decides, and the government.
    The first day of Ramadan, which the package lists for Togo, is worked.
    """
    if not uow.session.scalars(select(WorkingDay.weekday)).all():
        uow.session.add_all(WorkingDay(weekday=d) for d in MONDAY_TO_FRIDAY)
    known = {h.on: h for h in uow.session.scalars(select(Holiday))}
    added = 0
    for on, told in sorted(holidays.country_holidays(uow.services.country, years=years, language="fr").items()):
        names = [name for name in map(_cleaned, told.split("; ")) if name not in WORKED]
        row = known.get(on)
        if row is None and names:
            uow.session.add(Holiday(on=on, name="; ".join(names), is_estimate=_is_estimate(told)))
            added += 1
        elif row is not None and not row.is_edited:
            _correct(uow, row, names, told)
    return added


def _correct(uow: UnitOfWork, row: Holiday, names: Sequence[str], told: str) -> None:
    """Bring a row that an earlier program filled to what we know now."""
    if names:
        row.name, row.is_estimate = "; ".join(names), _is_estimate(told)
    else:
        uow.session.delete(row)


def _cleaned(name: str) -> str:
    plain = name.partition(" (estim")[0]
    return FRENCH.get(plain, plain)


def _is_estimate(told: str) -> bool:
    return "(estim" in told or any(word in told.casefold() for word in MUSLIM)


def set_holiday(uow: UnitOfWork, on: date, *, name: str, is_off: bool, actor: Actor) -> None:
    """Add, correct or strike out a holiday.

    Raises:
        Forbidden: ``calendar.forbidden``.
        Invalid: ``calendar.name``.
    """
    post = actor.post_with(Role.ADMINISTRATOR)
    if post is None:
        raise Forbidden("calendar.forbidden", "ask the administrator")
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise Invalid("calendar.name", "name the day in a few words", field="name")
    row = uow.session.get(Holiday, on)
    if row is None:
        row = Holiday(on=on)
        uow.session.add(row)
    row.name, row.is_off, row.is_edited, row.is_estimate = name, is_off, True, False
    uow.record("calendar.changed", "calendar", None, actor=actor, post=post, on=str(on), name=name, is_off=is_off)


def set_working_week(uow: UnitOfWork, weekdays: frozenset[int], *, actor: Actor) -> None:
    """Set the weekdays that are worked.

    Raises:
        Forbidden: ``calendar.forbidden``.
        Invalid: ``deadline.no_working_day``.
    """
    post = actor.post_with(Role.ADMINISTRATOR)
    if post is None:
        raise Forbidden("calendar.forbidden", "ask the administrator")
    if not weekdays or not weekdays <= frozenset(range(7)):
        raise Invalid("deadline.no_working_day", "tick at least one day", field="weekdays")
    for row in uow.session.scalars(select(WorkingDay)):
        uow.session.delete(row)
    uow.session.flush()
    uow.session.add_all(WorkingDay(weekday=d) for d in sorted(weekdays))
    uow.record("calendar.week", "calendar", None, actor=actor, post=post, weekdays=sorted(weekdays))
