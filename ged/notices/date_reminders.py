"""Reminders of the dates of assignments, by rule: a dated row for each, made once by the nightly job.

They are separate from the reminders that a person sends by hand.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.natures import queries as natures
from ged.notices import finding, rules
from ged.notices.finding import Found, Seen
from ged.notices.models import DateReminder, Occasion
from ged.notices.rules import Rule
from ged.org.models import Unit
from ged.org.tree import entities
from ged.ports import MailId
from ged.register.models import Mail
from ged.routing import calendar
from ged.routing.deadlines import MAX_DAYS, add_working_days
from ged.routing.models import Assignment, Mention
from ged.routing.rights import ENDED
from ged.routing.states import LIVE
from ged.unit import Actor, Services

logger = logging.getLogger(__name__)

AT_ONCE = 200
FURTHEST = 30
"""Working days before a date at which a rule may begin; later dates are not looked at."""


@dataclass(frozen=True)
class _Due:
    assignment_id: int
    mail_id: int
    due_on: date
    step: str
    found: tuple[Found, ...]


def run(services: Services, *, heartbeat: Callable[[str], None], now: datetime) -> int:
    """Make the reminders that are due on a working day. Returns how many were new."""
    today = now.astimezone(services.zone).date()
    after, made = 0, 0
    while True:
        with services.reading() as session:
            upto, due = _batch(session, services.reminder_rule, today, after)
        if upto is None:
            return made
        after = upto
        for attempt in services.attempts(now):
            with attempt as uow:
                new = [
                    one for one in due
                    if insert_if_missing(
                        uow.session, DateReminder, assignment_id=one.assignment_id, mail_id=one.mail_id,
                        due_on=one.due_on, step=one.step, made_at=now,
                    )
                ]  # fmt: skip
                finding.tell(uow, [found for one in new for found in one.found])
        made += len(new)
        heartbeat(str(made))


def _batch(session: Session, default: str, today: date, after: int) -> tuple[int | None, list[_Due]]:
    """Reminders due of the next assignments, and the last of these; None: there are no more, or people do not work."""
    days = calendar.calendar(session)
    if not days.is_working(today):
        return None, []
    rows = session.execute(
        select(Assignment, Mail.nature, Mail.unit_id)
        .join(Mail, Mail.id == Assignment.mail_id)
        .where(Assignment.id > after, Assignment.state.in_(LIVE), Mail.state.not_in(ENDED))
        .where(Assignment.due_on <= add_working_days(today, min(FURTHEST, MAX_DAYS), days))
        .order_by(Assignment.id)
        .limit(AT_ONCE)
    ).all()
    of_mention = {
        (entity_id, code): rule
        for entity_id, code, rule in session.execute(select(Mention.entity_id, Mention.code, Mention.reminder))
    }
    of_nature, entity = natures.reminder_days(session), entities(session)
    seen, due = Seen(session, today), list[_Due]()
    for row, nature, unit_id in rows:
        own = entity[unit_id]
        mentions = (of_mention.get((own, code), of_mention.get((None, code), "")) for code in row.mentions)
        days_of = of_nature.get((own, nature), of_nature.get((None, nature), ()))
        rule = rules.chosen(*mentions, Rule(days_of), default)
        step = rules.step(rule, row.due_on, today, days) if row.due_on is not None else None
        if step is not None and row.due_on is not None:
            due.append(_Due(row.id, row.mail_id, row.due_on, step, _reminders_of(session, row, step, seen)))
    return (rows[-1][0].id if rows else None), due


def _reminders_of(session: Session, row: Assignment, step: str, seen: Seen) -> tuple[Found, ...]:
    mail = session.get_one(Mail, row.mail_id)
    occasion = Occasion.LATE if row.due_on is not None and row.due_on < seen.today else Occasion.DUE_SOON
    return tuple(
        Found(person, occasion, f"due:{row.id}:{row.due_on}:{step}", row.mail_id, row.id)
        for person in sorted(seen.assignees(row))
        if seen.may(person, mail)
    )


@dataclass(frozen=True)
class ReminderRow:
    """A reminder that was made."""

    unit_name: str
    due_on: date
    is_late: bool
    made_at: datetime


def of_letter(session: Session, mail_id: MailId, actor: Actor) -> Sequence[ReminderRow] | None:  # noqa: ARG001  # a panel's loader
    """The reminders of a letter that the actor may see, the latest first; None without any."""
    rows = session.execute(
        select(Unit.name, DateReminder.due_on, DateReminder.step, DateReminder.made_at)
        .join(Assignment, Assignment.id == DateReminder.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(DateReminder.mail_id == mail_id)
        .order_by(DateReminder.id.desc())
    ).all()
    return [
        ReminderRow(name, due_on, not step.startswith(("-", "+0")), made_at) for name, due_on, step, made_at in rows
    ] or None
