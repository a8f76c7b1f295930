"""Changes of the working week and the holidays by an administrator. Running deadlines move in the same transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import holidays
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.audit_changes import Journaled, journaled, last_journaled
from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.org.turns import one_at_a_time
from ged.routing import due
from ged.routing.calendar import MONDAY_TO_FRIDAY, calendar
from ged.routing.deadlines import WorkCalendar
from ged.routing.models import Holiday, WorkingDay
from ged.unit import Actor, HeldPost, Role, Services, UnitOfWork

CHANGED, WEEK, UNDONE = "calendar.changed", "calendar.week", "calendar.undone"
SHOWN = 5
"""Changes that the page lists."""
MAX_NAME = 200
FIRST_YEAR, LAST_YEAR = 2000, 2100
WORKED = ("Ramadan",)
"""The package's name for the first day of Ramadan. By Togolese law only the end of Ramadan is a holiday."""
FRENCH = {"l'Aïd El-Fitr": "Aïd el-Fitr (fin du Ramadan)"}
MUSLIM = ("aïd", "tabaski", "ramadan", "maouloud", "mouloud", "mawlid", "achoura")


@dataclass(frozen=True)
class Changed:
    """The effect of a change of the calendar.

    Attributes:
        letters: number of letters whose dates moved.
        days: number of days added.
        soonest: of the dates that moved the one that was the soonest, before and after; None: none has.
    """

    letters: int
    days: int = 0
    soonest: tuple[date, date] | None = field(default=None, compare=False)


def fill(uow: UnitOfWork, years: range, *, actor: Actor) -> Changed:
    """Fill the rows of some years from the ``holidays`` package; rows that a person edited are left alone.

    Dates of Muslim feasts are estimates until the administrator confirms them: moon and government decide. The first
    day of Ramadan, which the package lists for Togo, is a working day.
    """
    before = _held(uow)
    if not before.weekdays_kept:
        uow.session.add_all(WorkingDay(weekday=d) for d in MONDAY_TO_FRIDAY)
    known = {h.on: h for h in uow.session.scalars(select(Holiday))}
    added = 0
    for on, joined_names in sorted(holidays.country_holidays(uow.services.country, years=years, language="fr").items()):
        names = [name for name in map(_cleaned, joined_names.split("; ")) if name not in WORKED]
        row = known.get(on)
        if row is None and names:
            uow.session.add(Holiday(on=on, name="; ".join(names), is_estimate=_is_estimate(joined_names)))
            added += 1
        elif row is not None and not row.is_edited:
            _correct(uow, row, names, joined_names)
    changed = replace(_recount(uow, before, actor, ""), days=added)
    if changed != Changed(0):
        uow.record("calendar.filled", "calendar", None, actor=actor, added=changed.days, moved=changed.letters)
    return changed


def _correct(uow: UnitOfWork, row: Holiday, names: Sequence[str], joined_names: str) -> None:
    """Correct a row that an earlier release filled."""
    if names:
        row.name, row.is_estimate = "; ".join(names), _is_estimate(joined_names)
    else:
        uow.session.delete(row)


def _cleaned(name: str) -> str:
    plain = name.partition(" (estim")[0]
    return FRENCH.get(plain, plain)


def _is_estimate(joined_names: str) -> bool:
    return "(estim" in joined_names or any(word in joined_names.casefold() for word in MUSLIM)


def set_holiday(
    uow: UnitOfWork, on: date, *, name: str, is_off: bool, actor: Actor, shown: str | None = None
) -> Changed:
    """Add, correct or strike out a holiday; running deadlines move accordingly.

    Args:
        shown: the version (``version_of``) of the day that the preview showed as the present one; None: not compared.

    Raises:
        Forbidden: ``calendar.forbidden``.
        Invalid: ``calendar.name``, ``calendar.year``; ``calendar.nothing``: the day is like this already.
        StaleVersion: ``calendar.overtaken``: the day is another than the preview showed.
    """
    post = _administrator(actor)
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise Invalid("calendar.year", "give a day between 2000 and 2100", field="on")
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise Invalid("calendar.name", "name the day in a few words", field="name")
    before = _held(uow)
    row = uow.session.get(Holiday, on)
    was = _day_in_journal(row)
    if was == _left(name, is_off=is_off):
        raise Invalid("calendar.nothing", "change something", field="name")
    if shown is not None and shown != version_of(was):
        raise StaleVersion("calendar.overtaken", "look at it again, then confirm")
    if row is None:
        row = Holiday(on=on)
        uow.session.add(row)
    row.name, row.is_off, row.is_edited, row.is_estimate = name, is_off, True, False
    changed = _recount(uow, before, actor, name)
    uow.record(
        CHANGED, "calendar", None, actor=actor, post=post, on=str(on), name=name, is_off=is_off, moved=changed.letters,
        before=was,
    )  # fmt: skip
    return changed


def _administrator(actor: Actor) -> HeldPost:
    post = actor.post_with(Role.ADMINISTRATOR)
    if post is None:
        raise Forbidden("calendar.forbidden", "ask the administrator")
    return post


def _day_in_journal(row: Holiday | None) -> dict[str, Any] | None:
    """A day as the journal has it."""
    if row is None:
        return None
    return {name: getattr(row, name) for name in ("name", "is_off", "is_edited", "is_estimate")}


def _left(name: str, *, is_off: bool) -> dict[str, Any]:
    """A day as a change leaves it."""
    return {"name": name, "is_off": is_off, "is_edited": True, "is_estimate": False}


def version_of(day: Mapping[str, Any] | None) -> str:
    """A day of the calendar as a form sends it back (None: it has no row): JSON, so that the page can say what it had shown."""
    return json.dumps(day, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class DayPreview:
    """What a change of a day would move, and the day as it stands (None: it has no row)."""

    changed: Changed
    before: Mapping[str, Any] | None


@dataclass(frozen=True)
class WeekPreview:
    """What another working week would move, and the days worked now."""

    changed: Changed
    before: frozenset[int]


def preview_holiday(
    services: Services, on: date, *, name: str, is_off: bool, actor: Actor, now: datetime
) -> DayPreview:
    """What ``set_holiday`` would do.

    Raises:
        Forbidden, Invalid: as ``set_holiday``.
    """
    with services.trial(now) as uow:
        # Held before the day is read: what is shown as the present day is what the change was counted from.
        _held(uow)
        was = _day_in_journal(uow.session.get(Holiday, on))
        return DayPreview(set_holiday(uow, on, name=name, is_off=is_off, actor=actor), was)


def preview_week(services: Services, weekdays: frozenset[int], *, actor: Actor, now: datetime) -> WeekPreview:
    """What ``set_working_week`` would do.

    Raises:
        Forbidden, Invalid: as ``set_working_week``.
    """
    with services.trial(now) as uow:
        was = _held(uow).working.weekdays
        return WeekPreview(set_working_week(uow, weekdays, actor=actor), was)


@dataclass(frozen=True)
class DayChange:
    """A change of one day, as the journal has it.

    Attributes:
        sequence: of its entry.
        before: the day as it was; None: it had no row.
        stands: the day is as this change left it.
        may_undo: it stands, and what was before is known.
    """

    sequence: int
    at: datetime
    on: date
    name: str
    is_off: bool
    before: Mapping[str, Any] | None
    stands: bool
    may_undo: bool

    @property
    def after(self) -> Mapping[str, Any]:
        """The day as this change left it: its name, and whether it is off."""
        return {"name": self.name, "is_off": self.is_off}


@dataclass(frozen=True)
class WeekChange:
    """A change of the working week, as the journal has it.

    Attributes:
        sequence: of its entry.
        before: the days worked before; None: an earlier release did not keep them.
        stands: the week is as this change left it.
        may_undo: it stands, and what was before is known.
    """

    sequence: int
    at: datetime
    before: frozenset[int] | None
    after: frozenset[int]
    stands: bool
    may_undo: bool


def last_holidays(session: Session) -> list[DayChange]:
    """The last changes of single days, the newest first; those whose details are gone are left out."""
    kept = last_journaled(session, CHANGED, SHOWN)
    days = [date.fromisoformat(one.details["on"]) for one in kept]
    held = {row.on: row for row in session.scalars(select(Holiday).where(Holiday.on.in_(days)))}
    return [_change(one, held.get(on)) for one, on in zip(kept, days, strict=True)]


def last_weeks(session: Session) -> list[WeekChange]:
    """The last changes of the working week, the newest first; those whose details are gone are left out."""
    held = calendar(session).weekdays
    return [_week_change(one, held) for one in last_journaled(session, WEEK, SHOWN)]


def _change(one: Journaled, held: Holiday | None) -> DayChange:
    payload = one.details
    on = date.fromisoformat(payload["on"])
    left = _left(payload["name"], is_off=payload["is_off"])
    stands = _day_in_journal(held) == left
    # An entry of an earlier release does not say what was before.
    may_undo = stands and "before" in payload and left != payload["before"]
    return DayChange(
        one.sequence, one.at, on, payload["name"], payload["is_off"], payload.get("before"), stands, may_undo
    )


def _week_change(one: Journaled, held: frozenset[int]) -> WeekChange:
    after, weekdays_before = frozenset(one.details["weekdays"]), one.details.get("before")
    before = None if weekdays_before is None else frozenset(weekdays_before)
    stands = held == after
    return WeekChange(one.sequence, one.at, before, after, stands, stands and before is not None and after != before)


def undo_holiday(uow: UnitOfWork, sequence: int, *, actor: Actor) -> tuple[DayChange, Changed]:
    """Bring a day back to what it was before a change, while it is as this change left it; running deadlines move accordingly.

    Raises:
        Forbidden: ``calendar.forbidden``.
        NotFound: ``calendar.unknown``.
        Invalid: ``calendar.changed_since``.
    """
    post = _administrator(actor)
    held = _held(uow)
    kept = journaled(uow.session, CHANGED, sequence)
    if kept is None:
        raise NotFound("calendar.unknown", "look at the calendar again", id=sequence)
    done = _change(kept, uow.session.get(Holiday, date.fromisoformat(kept.details["on"])))
    if not done.may_undo:
        raise Invalid("calendar.changed_since", "look at the calendar again", day=done.on.isoformat())
    row = uow.session.get_one(Holiday, done.on)
    if done.before is None:
        uow.session.delete(row)
    else:
        for name, value in done.before.items():
            setattr(row, name, value)
    changed = _recount(uow, held, actor, done.name)
    uow.record(
        UNDONE, "calendar", None, actor=actor, post=post, on=str(done.on), of=sequence, after=done.before,
        moved=changed.letters,
    )  # fmt: skip
    return done, changed


def undo_week(uow: UnitOfWork, sequence: int, *, actor: Actor) -> Changed:
    """Bring the working week back to what it was before a change, while it is as this change left it; running deadlines
    move accordingly.

    Raises:
        Forbidden: ``calendar.forbidden``.
        NotFound: ``calendar.unknown``.
        Invalid: ``calendar.week_changed_since``.
    """
    post = _administrator(actor)
    held = _held(uow)
    kept = journaled(uow.session, WEEK, sequence)
    if kept is None:
        raise NotFound("calendar.unknown", "look at the calendar again", id=sequence)
    done = _week_change(kept, held.working.weekdays)
    if not done.may_undo or done.before is None:
        raise Invalid("calendar.week_changed_since", "look at the calendar again")
    _keep_week(uow, done.before)
    changed = _recount(uow, held, actor, "")
    uow.record(
        UNDONE, "calendar", None, actor=actor, post=post, of=sequence, before=sorted(done.after),
        after=sorted(done.before), moved=changed.letters,
    )  # fmt: skip
    return changed


def set_working_week(
    uow: UnitOfWork, weekdays: frozenset[int], *, actor: Actor, shown: frozenset[int] | None = None
) -> Changed:
    """Set the working days of the week; running deadlines move accordingly.

    Args:
        shown: the working days that the preview showed as the present ones; None: not compared.

    Raises:
        Forbidden: ``calendar.forbidden``.
        Invalid: ``deadline.no_working_day``; ``calendar.nothing``: the week is like this already.
        StaleVersion: ``calendar.overtaken``: the working days have changed meanwhile.
    """
    post = _administrator(actor)
    if not weekdays or not weekdays <= frozenset(range(7)):
        raise Invalid("deadline.no_working_day", "tick at least one day", field="weekdays")
    before = _held(uow)
    if before.weekdays_kept and weekdays == before.working.weekdays:
        raise Invalid("calendar.nothing", "change something", field="weekdays")
    if shown is not None and shown != before.working.weekdays:
        raise StaleVersion("calendar.overtaken", "look at it again, then confirm")
    _keep_week(uow, weekdays)
    changed = _recount(uow, before, actor, "")
    uow.record(
        WEEK, "calendar", None, actor=actor, post=post, weekdays=sorted(weekdays), moved=changed.letters,
        before=sorted(before.working.weekdays),
    )  # fmt: skip
    return changed


def _keep_week(uow: UnitOfWork, weekdays: frozenset[int]) -> None:
    kept = {row.weekday: row for row in uow.session.scalars(select(WorkingDay))}
    for weekday in kept.keys() - weekdays:
        uow.session.delete(kept[weekday])
    uow.session.add_all(WorkingDay(weekday=d) for d in sorted(weekdays - kept.keys()))


@dataclass(frozen=True)
class _Before:
    """The calendar before a change, and whether a week was set."""

    working: WorkCalendar
    weekdays_kept: bool


def _held(uow: UnitOfWork) -> _Before:
    """Lock the present calendar for a change. A transaction that counts a date waits, and uses the new calendar."""
    kept = locks.hold_all(uow.session, WorkingDay)
    if not kept:
        # No week was set yet: there is no row to wait for.
        one_at_a_time(uow)
        kept = locks.hold_all(uow.session, WorkingDay)
    return _Before(calendar(uow.session), bool(kept))


def _recount(uow: UnitOfWork, before: _Before, actor: Actor, reason: str) -> Changed:
    """Move the dates that the change affects."""
    uow.session.flush()
    after = calendar(uow.session)
    days = None if after.weekdays != before.working.weekdays else after.holidays ^ before.working.holidays
    if days is not None and not days:
        return Changed(0)
    moved = due.recount(uow, before.working, days, actor=actor, reason=reason)
    return Changed(len(moved), soonest=min(moved, default=None))
