"""Reminders of assignments that wait: the act, and its e-mail."""

import logging
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access, jobs, locks
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.followup.listing import reminding_post
from ged.followup.models import Reminder
from ged.jobs import ClaimedJob, JobKind
from ged.org import people
from ged.org.actors import load_actor
from ged.org.models import Person, Post
from ged.ports import Confidentiality, MailId, Message
from ged.register.models import Mail
from ged.register.operations import mail_for
from ged.routing.models import Assignment
from ged.routing.operations import assignment_for
from ged.routing.rights import ENDED
from ged.routing.states import LIVE
from ged.unit import Actor, Services, UnitOfWork

logger = logging.getLogger(__name__)


def remind(uow: UnitOfWork, mail_id: MailId, assignment_id: int, *, actor: Actor) -> int:
    """Remind who has an assignment, once a day; an e-mail follows to each who has an address and may see the letter.

    Returns:
        The number of e-mails.

    Raises:
        NotFound: ``mail.unknown``, ``assignment.unknown``.
        Forbidden: ``remind.forbidden``.
        Invalid: ``remind.today``: it was reminded of today.
        InvalidTransition: ``assignment.wrong_state``: it waits no more.
    """
    locks.hold(uow.session, Mail, [mail_id])
    mail = mail_for(uow, mail_id, actor=actor)
    row = assignment_for(uow, assignment_id, mail_id=mail.id)
    post = reminding_post(row, actor)
    if post is None:
        raise Forbidden("remind.forbidden", "ask who gave the letter, or the head of the unit", id=mail.id)
    if mail.state in ENDED or row.state not in LIVE:
        raise InvalidTransition("assignment.wrong_state", "reload the page", state=row.state.value)
    today = uow.now.astimezone(uow.services.zone).date()
    same = select(Reminder.id).where(Reminder.assignment_id == row.id, Reminder.reminded_on == today)
    if uow.session.scalar(same) is not None:
        raise Invalid("remind.today", "wait until tomorrow, or call them", id=row.id)
    made = Reminder(
        mail_id=mail.id,
        assignment_id=row.id,
        reminded_on=today,
        by_person_id=actor.person_id,
        by_post_id=post.post_id,
        at=uow.now,
    )
    uow.session.add(made)
    uow.session.flush()
    written = _written(uow, mail, row, today)
    uow.record(
        "assignment.reminded", "mail", mail.id, actor=actor, post=post, assignment=row.id, unit=row.unit.code,
        to_post=row.post_id, emails=len(written),
    )  # fmt: skip
    for person_id in written:
        uow.defer(JobKind.REMINDER_MAIL, made.id, params={"person": person_id})
    return len(written)


def receivers(session: Session, row: Assignment, *, on: date) -> frozenset[int]:
    """The people whom a reminder reaches on a day: the same as a notice (``ged.org.people``)."""
    if row.post_id is not None:
        return people.of_post(session, row.post_id, on=on)
    return people.of_unit(session, row.unit_id, on=on)


def _written(uow: UnitOfWork, mail: Mail, row: Assignment, on: date) -> list[int]:
    """Those of the receivers who have an address and may see the letter."""
    session, level = uow.session, Confidentiality(mail.level)
    reached = receivers(session, row, on=on)
    found = session.scalars(select(Person.id).where(Person.id.in_(reached), Person.email != "").order_by(Person.id))
    return [one for one in found.all() if access.may_see(session, mail.id, level, load_actor(session, one, on=on))]


def run_reminder_mail(services: Services, job: ClaimedJob, *, now: datetime) -> None:
    """Send a reminder to one person. It tells a day and a unit, nothing of the letter.

    Not sent if the person may not see the letter, or the assignment waits no more.

    Raises:
        EngineFailed: ``post.failed``, ``post.refused``.
    """
    with services.reading() as session:
        message = _message(services, session, job, now.astimezone(services.zone).date())
    if message is None:
        return
    for attempt in services.attempts(now):
        with attempt as uow:
            jobs.mark_irrevocable(uow.session, job, now=now)
    services.post.send(message)


def _message(services: Services, session: Session, job: ClaimedJob, today: date) -> Message | None:
    reminder = session.get(Reminder, job.subject_id)
    if reminder is None:
        return None
    row, mail = session.get_one(Assignment, reminder.assignment_id), session.get_one(Mail, reminder.mail_id)
    person = session.get_one(Person, int(job.params["person"]))
    if not person.email or row.state not in LIVE or mail.state in ENDED:
        return None
    try:
        reader = load_actor(session, person.id, on=today)
    except NotFound:
        return None
    if not access.may_see(session, mail.id, Confidentiality(mail.level), reader):
        logger.info("reminder.not_sent reminder=%s", reminder.id)
        return None
    by = session.get_one(Post, reminder.by_post_id)
    words = services.translations(person.language)
    asked = words.gettext("%(post)s rappelle qu'un courrier confié à « %(unit)s » le %(day)s attend une suite.") % {
        "post": by.title, "unit": row.unit.name, "day": f"{row.assigned_at.astimezone(services.zone):%d/%m/%Y}",
    }  # fmt: skip
    due = words.gettext("Échéance : %(day)s.") % {"day": f"{row.due_on:%d/%m/%Y}"} if row.due_on is not None else ""
    to_act = words.gettext("Pour le traiter : %(url)s") % {"url": f"{services.public_url}/bannette/{row.id}"}
    return Message(
        message_id=f"<rappel-{reminder.id}-{person.id}@ged>", to=person.email,
        subject=words.gettext("Rappel : un courrier attend une suite"),
        text=f"{asked}\n{due}\n\n{to_act}\n" if due else f"{asked}\n\n{to_act}\n",
    )  # fmt: skip
