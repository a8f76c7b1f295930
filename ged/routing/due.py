"""Due dates of letters: counted in the calendar, and moved when the calendar changes.

A date (``due_on``) is stored with its origin: it is ``due_days`` working days after the day ``due_from``. For a typed
date, ``due_from`` is that date and ``due_days`` is 0: if it becomes a day off, the next working day replaces it. A
transaction that counts a date takes a shared lock on the calendar until the commit (``hold_calendar``). So a change of
the calendar finds every date that was counted before.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import TypedDict

from sqlalchemy import ColumnElement, Select, func, or_, select

from ged import locks
from ged.ports import MailId
from ged.register.models import Mail
from ged.register.operations import IncomingForm
from ged.register.states import MailState
from ged.routing import calendar
from ged.routing.deadlines import WorkCalendar, add_working_days
from ged.routing.models import Assignment, WorkingDay
from ged.routing.states import LIVE
from ged.unit import Actor, Role, UnitOfWork

RUNNING = (MailState.TO_IMPUTE, MailState.ASSIGNED)
"""States of letters that wait for an answer."""
AT_ONCE = 500
"""Number of letters locked and read by one statement."""


class Basis(TypedDict):
    """The columns of a date and its origin, with the same names in letters and assignments."""

    due_on: date | None
    due_from: date | None
    due_days: int | None


@dataclass(frozen=True)
class Due:
    """A date and its origin."""

    on: date
    since: date
    days: int = 0


def hold_calendar(uow: UnitOfWork) -> None:
    """Take a shared lock on the working week and the holidays until the commit. Call this before locking a letter."""
    locks.share(uow.session, WorkingDay)


def asked(uow: UnitOfWork, typed: date | None, days: int | None) -> Due | None:
    """The date in a form: typed, or a number of working days from today. None when the form has neither.

    Raises:
        Invalid: ``deadline.days``, ``deadline.no_working_day``.
    """
    if days is not None:
        hold_calendar(uow)
        today = uow.now.astimezone(uow.services.zone).date()
        return Due(add_working_days(today, days, calendar.calendar(uow.session)), today, days)
    if typed is None:
        return None
    hold_calendar(uow)
    return Due(typed, typed)


def counted(uow: UnitOfWork, form: IncomingForm) -> IncomingForm:
    """The form with its due date, counted from the arrival by the form's number of days.

    Raises:
        Invalid: ``deadline.days``, ``deadline.no_working_day``.
    """
    if form.due_days is None and form.due_on is None:
        return form
    hold_calendar(uow)
    if form.due_days is None:
        return form
    since = form.received_on or uow.now.astimezone(uow.services.zone).date()
    return replace(form, due_on=add_working_days(since, form.due_days, calendar.calendar(uow.session)))


def set_due(mail: Mail, due: Due) -> None:
    """Set a letter's date."""
    mail.due_on, mail.due_from, mail.due_days = due.on, due.since, due.days


def columns(due: Due) -> Basis:
    """The columns that keep a date and its origin."""
    return Basis(due_on=due.on, due_from=due.since, due_days=due.days)


def columns_of(row: Mail | Assignment) -> Basis:
    """The date and its origin of a letter or an assignment, to be copied to an assignment below."""
    return Basis(due_on=row.due_on, due_from=row.due_from, due_days=row.due_days)


# --- a calendar that changed --------------------------------------------------------------------------------------


def recount(
    uow: UnitOfWork, before: WorkCalendar, days: Collection[date] | None, *, actor: Actor, reason: str
) -> list[tuple[date, date]]:
    """Recount the dates of all waiting letters after a change of the calendar in this unit of work.

    The letter's date and the dates of its assignments move; the letter's history records old and new dates. A date that
    was typed on a day off stays.

    Args:
        before: the calendar before the change.
        days: the days that changed; None: any (the working week).

    Returns:
        For each letter of which a date, or the date of an assignment, has changed: the soonest of these, before and after.
    """
    count = _Count(before, calendar.calendar(uow.session))
    moved: list[tuple[date, date]] = []
    ids = list(uow.session.scalars(_touched(days)))
    # Chunk after chunk by ascending id, as all code locks letters.
    for start in range(0, len(ids), AT_ONCE):
        mails = locks.hold(uow.session, Mail, ids[start : start + AT_ONCE])
        below = _live(uow, [mail.id for mail in mails])
        for mail in mails:
            moved += _move(uow, mail, below.get(mail.id, []), count, actor, reason)[:1]
    return moved


def _touched(days: Collection[date] | None) -> Select[int]:
    """Waiting letters, by id, with a date that a change on these days can move."""
    theirs = select(Assignment.mail_id).where(Assignment.state.in_(LIVE), _spans(Assignment, days))
    return (
        select(Mail.id)
        .where(or_(Mail.state.in_(RUNNING) & _spans(Mail, days), Mail.id.in_(theirs) & Mail.closed_at.is_(None)))
        .order_by(Mail.id)
    )


def _spans(model: type[Mail] | type[Assignment], days: Collection[date] | None) -> ColumnElement[bool]:
    """Whether a changed day lies between the origin of a date and the date itself."""
    if days is None:
        return model.due_on.is_not(None)
    since = func.coalesce(model.due_from, model.due_on)
    return (model.due_on >= min(days)) & (since <= max(days))


def _live(uow: UnitOfWork, mail_ids: Collection[int]) -> dict[int, list[Assignment]]:
    """Live assignments by letter, each before the assignments below it."""
    found: dict[int, list[Assignment]] = {}
    rows = uow.session.scalars(
        select(Assignment)
        .where(Assignment.mail_id.in_(mail_ids), Assignment.state.in_(LIVE), Assignment.due_on.is_not(None))
        .order_by(Assignment.id)
        # What the session holds may have been read before the letters were locked.
        .execution_options(populate_existing=True)
    )
    for row in rows:
        found.setdefault(row.mail_id, []).append(row)
    return found


def live_of(uow: UnitOfWork, mail_id: int) -> list[Assignment]:
    """The live assignments of a letter, each before the assignments below it."""
    query = select(Assignment).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE)).order_by(Assignment.id)
    return list(uow.session.scalars(query.execution_options(populate_existing=True)))


def _move(
    uow: UnitOfWork, mail: Mail, below: Collection[Assignment], count: "_Count", actor: Actor, reason: str
) -> list[tuple[date, date]]:
    """Recount a letter's dates. Returns those that have changed, before and after, the soonest first."""
    before, given = mail.due_on, [(row, row.due_on) for row in below]
    if mail.state in RUNNING:
        mail.due_on = count.anew(mail)
    bounds = {row.id: row for row in below}
    for row in below:
        above = bounds.get(row.parent_id or 0)
        limits = [day for day in (count.anew(row), above.due_on if above else mail.due_on) if day is not None]
        row.due_on = min(limits)
    dates = [(before, mail.due_on), *((old, row.due_on) for row, old in given)]
    changed = sorted((old, new) for old, new in dates if old is not None and new is not None and old != new)
    if not changed:
        return []
    moved = {"old": str(before), "new": str(mail.due_on)} if mail.due_on != before else {}
    uow.record("mail.due_moved", "mail", mail.id, actor=actor, post=actor.post_with(Role.ADMINISTRATOR), reason=reason,
               assignments=[[row.id, str(old), str(row.due_on)] for row, old in given],
               **moved)  # fmt: skip
    uow.reindex(MailId(mail.id))
    return changed


@dataclass(frozen=True)
class _Count:
    """The calendar before a change and after it."""

    before: WorkCalendar
    after: WorkCalendar

    def anew(self, row: Mail | Assignment) -> date | None:
        """The date of a row in the new calendar. A row without an origin (from an old release) counts as typed."""
        if row.due_on is None:
            return None
        if row.due_from is None or row.due_days is None:
            row.due_from, row.due_days = row.due_on, 0
        if row.due_days == 0 and row.due_on == row.due_from and not self.before.is_working(row.due_on):
            return row.due_on
        return add_working_days(row.due_from, row.due_days, self.after)
