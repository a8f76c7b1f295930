"""Days in SQL, for both databases: the local day of a moment, the first day of a month, the day after."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    Date,
    Integer,
    String,
    case,
    cast,
    extract,
    func,
    insert,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from ged.figures.models import FigureDay

Days = Callable[[Any], ColumnElement[date]]
HOURS = 24
FIRST_YEAR, LAST_YEAR = 1970, 2070
"""Changes of the clock outside of these years are not looked for."""


def is_sqlite(session: Session) -> bool:
    """Whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def local_day(session: Session, zone: ZoneInfo) -> Days:
    """The function that makes a column of moments the column of their days in a time zone."""
    if not is_sqlite(session):
        # A zone that never changed its clock, as most of Africa: PostgreSQL looks the name of a zone up for each moment.
        (_, offset), *changes = _offsets(zone)
        shown = literal_column(f"interval '{offset} seconds'") if not changes else zone.key
        return lambda moment: cast(func.timezone(shown, moment), Date)

    return lambda moment: type_coerce(_at_offset(moment, zone, lambda ago: func.date(moment, ago, type_=Date)), Date)


def hour_of_week(session: Session, zone: ZoneInfo) -> Callable[[Any], ColumnElement[int]]:
    """The function that makes a column of moments the column of their hours in a time zone: 0 (Monday, before one o'clock) to 167."""
    if not is_sqlite(session):

        def hour(moment: Any) -> ColumnElement[int]:
            local = func.timezone(zone.key, moment)
            return cast((extract("isodow", local) - 1) * HOURS + extract("hour", local), Integer)

        return hour

    def at(moment: Any, ago: str) -> ColumnElement[int]:
        # SQLite's week begins on Sunday.
        weekday, hour = (cast(func.strftime(one, moment, ago), Integer) for one in ("%w", "%H"))
        return (weekday + 6) % 7 * HOURS + hour

    return lambda moment: type_coerce(_at_offset(moment, zone, lambda ago: at(moment, ago)), Integer)


def _at_offset(moment: Any, zone: ZoneInfo, shown: Callable[[str], ColumnElement[Any]]) -> ColumnElement[Any]:
    """What ``shown`` makes of the offset of the zone at a moment, which it gets as a modifier of SQLite."""
    first, *changes = _offsets(zone)
    spans = zip([first, *changes], changes, strict=False)
    known = [(moment < until, shown(f"{offset:+d} seconds")) for (_, offset), (until, _) in spans]
    last = shown(f"{(changes[-1] if changes else first)[1]:+d} seconds")
    return case(*known, else_=last) if known else last


@lru_cache(maxsize=8)
def _offsets(zone: ZoneInfo) -> tuple[tuple[datetime, int], ...]:
    """(moment, seconds before UTC): from that moment on. SQLite knows no time zones."""
    at = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    found = [(at, _offset(zone, at))]
    while at.year < LAST_YEAR:
        after = at + timedelta(days=1)
        if _offset(zone, after) != found[-1][1]:
            found.append((_change(zone, at, after), _offset(zone, after)))
        at = after
    return tuple(found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the later offset."""
    later = _offset(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        before, after = (before, middle) if _offset(zone, middle) == later else (middle, after)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def month_of(session: Session) -> Days:
    """The function that makes a column of days the column of the first days of their months."""
    if is_sqlite(session):
        return lambda day: func.date(day, "start of month", type_=Date)
    return lambda day: cast(func.date_trunc(literal_column("'month'"), day), Date)


def year_of(session: Session) -> Days:
    """The function that makes a column of days the column of the first days of their years."""
    if is_sqlite(session):
        return lambda day: func.date(day, "start of year", type_=Date)
    return lambda day: cast(func.date_trunc(literal_column("'year'"), day), Date)


def day_after(session: Session) -> Days:
    """The function that makes a column of days the column of the days after them."""
    if is_sqlite(session):
        return lambda day: func.date(day, "+1 day", type_=Date)
    return lambda day: type_coerce(day.op("+")(literal_column("1")), Date)


def store_days(session: Session, rows: Sequence[tuple[date, int]]) -> None:
    """Store days with the number of working days up to each, in one statement: they are tens of thousands."""
    days_worked: Any
    if is_sqlite(session):
        each = func.json_each(json.dumps([(day.isoformat(), worked) for day, worked in rows])).table_valued("value")
        days_worked = select(*(each.c.value.op("->>")(literal_column(str(n))) for n in range(2)))
    else:
        # Without its cast the driver gives an array no type.
        days = cast([day for day, _worked in rows], ARRAY(Date()))
        numbers = cast([worked for _day, worked in rows], ARRAY(Integer()))
        days_worked = select(*func.unnest(days, numbers).table_valued("day", "worked").render_derived().c)
    session.execute(insert(FigureDay).from_select(["day", "worked"], days_worked))


def word(text: str) -> ColumnElement[str]:
    """A text as a column."""
    return cast(literal(text), String(32))
