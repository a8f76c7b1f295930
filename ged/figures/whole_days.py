"""Cells of days and months whose days are always counted whole: what scanning stations brought (``scanned``), slips (``handed``).

Nothing is added to such a cell or taken out of it, so a cell cannot drift. A run notes the days that the entries of the journal are about
in the transaction in which it counts their letters, and counts the noted days afterwards, some in each transaction, so that nobody
waits for long.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from ged import schema
from ged.db import insert_all_missing, table_of
from ged.figures.days import month_of, word
from ged.figures.models import FigureState
from ged.figures.periods import ONE_DAY, Period, month_end
from ged.figures.stages import Grain

DAYS_AT_ONCE = 4
"""Days counted in one transaction: of a ministry with thousands of pages a day a tenth of a second each, on a slow disk."""
BEGUN = date(1900, 1, 1)
"""Noted with all days that there are, and counted last: while it is noted, the cells are being made for the first time, or anew."""


class WholeDays(ABC):
    """One table of such cells.

    Attributes:
        name: of what is counted, in the singular, for differences and the log.
        model: the cells. Their key begins with ``grain`` (day or month) and ``day``; the columns behind the key are numbers.
        noted: the table of its days that are to be counted anew.
        flag: the column of ``FigureState`` that says whether there are all cells. Until then they are not to be shown.
        opened_by: the contraction from which on there may be cells: a program of the release before would not note their days. Empty: at once.
        moments: columns of moments. Nothing is counted before the first of them and after the last.
    """

    name: ClassVar[str]
    model: ClassVar[type[Any]]
    noted: ClassVar[type[Any]]
    flag: ClassVar[str]
    opened_by: ClassVar[str] = ""
    moments: ClassVar[tuple[Any, ...]]

    @abstractmethod
    def counted(self, session: Session, zone: ZoneInfo, period: Period) -> Select[Any]:
        """The cells of the days of a period as they must be: ``day``, the other columns of the key, the numbers."""

    @abstractmethod
    def days_of(self, session: Session, zone: ZoneInfo, after: int, upto: int) -> set[date]:
        """The days that the entries of the journal above ``after`` and not above ``upto`` are about, as the rows are now.

        So no act may move a row from one day to another: the day where it was would stay as it is until the night.
        """

    def is_whole(self, state: FigureState) -> bool:
        """Whether there are all cells."""
        return bool(getattr(state, self.flag))

    def is_due(self, session: Session, state: FigureState) -> bool:
        """Whether there is something to count: noted days, or all days where there are no cells and they may be made."""
        if self.is_whole(state):
            return session.scalar(select(self.noted.day).limit(1)) is not None
        return not self.opened_by or schema.is_opened(session, self.opened_by)

    # --- which days

    def note(self, session: Session, days: Iterable[date]) -> None:
        """Note days that are to be counted."""
        insert_all_missing(session, self.noted, [{"day": day} for day in sorted(set(days))])

    def note_days(self, session: Session, zone: ZoneInfo, after: int, upto: int) -> None:
        """Note the days that entries of the journal are about (``days_of``)."""
        self.note(session, self.days_of(session, zone, after, upto))

    def waiting_days(self, session: Session, zone: ZoneInfo, after: int, upto: int) -> set[date]:
        """The days that are noted, and those that entries of the journal will have noted: their cells are about to change."""
        return {*session.scalars(select(self.noted.day)), *self.days_of(session, zone, after, upto)}

    def all_days(self, session: Session, zone: ZoneInfo) -> list[date]:
        """Each day from the first one on which there is something to count to the last."""
        ends = [session.scalar(select(end(moment))) for moment in self.moments for end in (func.min, func.max)]
        days = sorted(one.astimezone(zone).date() for one in ends if one is not None)
        return [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)] if days else []

    def months(self, session: Session, zone: ZoneInfo) -> list[Period]:
        """The months in which there is something to count, or a cell, whole."""
        cells = session.execute(select(func.min(self.model.day), func.max(self.model.day))).one()
        days = [*self.all_days(session, zone), *(one for one in cells if one is not None)]
        firsts, first = [], min(days, default=date.max).replace(day=1)
        while days and first <= max(days):
            firsts.append(first)
            first = month_end(first) + ONE_DAY
        return [Period(one, month_end(one)) for one in firsts]

    def different(self, session: Session, zone: ZoneInfo, period: Period) -> set[date]:
        """The days of a month that are to be counted anew: they, or their month, are counted otherwise than they must be."""
        table, model = table_of(self.model), self.model
        where = and_(model.grain == Grain.DAY, model.day.between(period.since, period.until))
        kept = select(*(one for one in table.columns if one.name != "grain")).where(where)
        must_be = self.counted(session, zone, period)
        found = {row[0] for one, other in _both_ways(kept, must_be) for row in session.execute(one.except_(other))}
        month = select(*table.columns).where(model.grain == Grain.MONTH, model.day == period.since)
        sums = self._months(session, where)
        if any(session.execute(one.except_(other)).first() for one, other in _both_ways(month, sums)):
            found.add(period.since)
        return found

    # --- counting

    def count(self, session: Session, zone: ZoneInfo, state: FigureState) -> bool:
        """Count some of the noted days; the first time, note all days that there are. The caller holds the state.

        Returns:
            Whether there is more to do.
        """
        day = self.noted.day
        days = list(session.scalars(select(day).order_by(day.desc()).limit(DAYS_AT_ONCE)))
        if not self.is_whole(state) and session.get(self.noted, BEGUN) is None:
            if not self.is_due(session, state):
                return False
            # Also where entries have noted some days already.
            self.note(session, [BEGUN, *self.all_days(session, zone)])
            return True
        self.count_days(session, zone, [one for one in days if one != BEGUN])
        session.execute(delete(self.noted).where(day.in_(days)))
        more = session.scalar(select(day).limit(1)) is not None
        if not more:
            setattr(state, self.flag, True)
        return more

    def count_days(self, session: Session, zone: ZoneInfo, days: Iterable[date]) -> None:
        """Count days anew, and add up their months."""
        wanted, model = sorted(days), self.model
        for period in runs(wanted):
            of_run = model.day.between(period.since, period.until)
            session.execute(delete(model).where(model.grain == Grain.DAY, of_run))
            cells = self.counted(session, zone, period).subquery()
            self._insert(session, select(word(Grain.DAY.value), *cells.columns))
        for month in sorted({day.replace(day=1) for day in wanted}):
            session.execute(delete(model).where(model.grain == Grain.MONTH, model.day == month))
            self._insert(session, self._months(session, model.day.between(month, month_end(month))))

    def forget(self, session: Session) -> None:
        """Remove all that is counted."""
        for model in (self.model, self.noted):
            session.execute(delete(model))

    # --- cells

    def whole(self, session: Session, zone: ZoneInfo, period: Period) -> Select[Any]:
        """The cells of a month and of its days as they must be: for a comparison."""
        keys, numbers = self._columns()
        days = self.counted(session, zone, period).subquery("days")
        month = month_of(session)(days.c.day).label("month")
        of_keys = [days.c[name] for name in keys]
        sums = [cast(func.sum(days.c[name]), Integer) for name in numbers]
        of_month = select(word(Grain.MONTH.value).label("grain"), month, *of_keys, *sums).group_by(month, *of_keys)
        of_days = select(word(Grain.DAY.value).label("grain"), *days.columns)
        return select(union_all(of_days, of_month).subquery("whole")).where(true())

    def _months(self, session: Session, where: ColumnElement[bool]) -> Select[Any]:
        """The cells of months as the cells of their days make them, in the columns of the table."""
        keys, numbers = self._columns()
        model = self.model
        month = month_of(session)(model.day).label("month")
        of_keys = [getattr(model, name) for name in keys]
        sums = [cast(func.sum(getattr(model, name)), Integer) for name in numbers]
        cells = select(word(Grain.MONTH.value), month, *of_keys, *sums)
        return cells.where(where, model.grain == Grain.DAY).group_by(month, *of_keys)

    def _columns(self) -> tuple[list[str], list[str]]:
        """The names of the columns of the key behind grain and day, and those of the numbers."""
        table = table_of(self.model)
        keys = [one.name for one in table.primary_key.columns]
        return keys[2:], [one.name for one in table.columns if one.name not in keys]

    def _insert(self, session: Session, rows: Select[Any]) -> None:
        names = [one.name for one in table_of(self.model).columns]
        session.execute(insert(self.model).from_select(names, rows, include_defaults=False))


def _both_ways(one: Select[Any], other: Select[Any]) -> Sequence[tuple[Select[Any], Select[Any]]]:
    return (one, other), (other, one)


def runs(days: Sequence[date]) -> list[Period]:
    """Days in order, as periods without a gap: the days of one period are counted by one statement."""
    gaps = [n for n, day in enumerate(days) if not n or day != days[n - 1] + ONE_DAY]
    return [Period(days[first], days[after - 1]) for first, after in zip(gaps, [*gaps[1:], len(days)], strict=False)]


def within(moment: Any, period: Period, zone: ZoneInfo) -> ColumnElement[bool]:
    """Whether a moment lies in the days of a period, in a time zone."""
    first, after = (
        literal(datetime.combine(day, time(), tzinfo=zone).astimezone(UTC), moment.type)
        for day in (period.since, min(period.until, date.max - ONE_DAY) + ONE_DAY)
    )
    return and_(moment >= first, moment < after)
