"""The working week and the holidays, as rows. Deadlines are counted with them; an administrator's page shows them."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from ged.routing.deadlines import WorkCalendar
from ged.routing.models import Holiday, WorkingDay

MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class HolidayRow:
    """A holiday as the administrator's page shows it."""

    on: date
    name: str
    is_estimate: bool
    is_edited: bool
    is_off: bool


def calendar(session: Session) -> WorkCalendar:
    """The calendar for counting deadlines."""
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
