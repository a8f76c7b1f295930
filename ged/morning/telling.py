"""The morning's point by e-mail: a notice a person and day, which the e-mail of the morning's notices carries."""

from datetime import date, datetime
from gettext import NullTranslations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.errors import NotFound
from ged.morning import queries
from ged.morning.words import counted
from ged.notices.choices import OPENED_BY, who_chose
from ged.notices.finding import morning_key
from ged.notices.models import Occasion, PersonalNotice, Way
from ged.org import people
from ged.org.actors import load_actor
from ged.org.models import Holding, held_on
from ged.routing import calendar
from ged.schema import is_opened
from ged.unit import Services


def tell(services: Services, *, now: datetime) -> int:
    """Make the notice of a working day for each person who is to be written to and for whom something lies about.

    A person has one such notice a day, so a run that is repeated writes nothing twice. Notices of the days before are set
    as read: only today's says how things stand. Returns how many were new.
    """
    today = now.astimezone(services.zone).date()
    with services.reading() as session:
        if not is_opened(session, OPENED_BY[Occasion.MORNING]) or not calendar.calendar(session).is_working(today):
            return 0
        asked = [person for person in readers(session, today) if _lies_about(session, services, person, now)]
    made = 0
    for person_id in asked:
        for attempt in services.attempts(now):
            with attempt as uow:
                of_morning = (PersonalNotice.person_id == person_id, PersonalNotice.occasion == Occasion.MORNING)
                uow.session.execute(
                    update(PersonalNotice)
                    .where(*of_morning, PersonalNotice.key != morning_key(today), PersonalNotice.read_at.is_(None))
                    .values(read_at=now)
                )
                is_new = insert_if_missing(
                    uow.session, PersonalNotice, person_id=person_id, key=morning_key(today), occasion=Occasion.MORNING,
                    mail_id=None, subject_id=person_id, way=Way.DIGEST, at=now,
                )  # fmt: skip
        made += is_new
    return made


def readers(session: Session, today: date) -> list[int]:
    """Who is written to on a day: those who chose it and are there, and who acts for those who are not.

    Who replaces an absent person acts on what lies about, and would not know of it otherwise.
    """
    found: set[int] = set()
    for person_id in who_chose(session, Occasion.MORNING, Way.DIGEST):
        posts = session.scalars(select(Holding.post_id).where(Holding.person_id == person_id, *held_on(today))).all()
        acting = people.of_posts(session, posts, on=today)
        found |= {person_id} if person_id in acting or not acting else acting
    return sorted(found)


def told(session: Session, services: Services, person_id: int, now: datetime, words: NullTranslations) -> list[str]:
    """The lines of the e-mail: of each kind its count, of what the person may know at this moment."""
    try:
        actor = load_actor(session, person_id, on=now.astimezone(services.zone).date())
    except NotFound:
        return []
    return [counted(part.kind, part.total, words) for part in queries.parts(session, services, actor, now=now)]


def _lies_about(session: Session, services: Services, person_id: int, now: datetime) -> bool:
    return bool(told(session, services, person_id, now, NullTranslations()))
