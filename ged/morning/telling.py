"""The morning's point by e-mail: a notice a person and day, which the e-mail of the morning's notices carries."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from gettext import NullTranslations

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.errors import NotFound
from ged.morning import queries
from ged.morning.base import Part
from ged.morning.words import counted
from ged.notices.choices import OPENED_BY, who_chose
from ged.notices.finding import morning_key
from ged.notices.models import Occasion, PersonalNotice, Way
from ged.org import people
from ged.org.actors import load_actor
from ged.org.models import Absence, Delegation, DelegationKind, Holding, held_on
from ged.routing import calendar
from ged.schema import is_opened
from ged.unit import Services

AT_ONCE = 500
"""Notices named one by one in a statement."""


def tell(services: Services, *, now: datetime) -> int:
    """Make the notice of a working day for each person who is to be written to and for whom something is pending.

    A person has one such notice a day, so a run that is repeated writes nothing twice. Notices of the days before are set
    as read, also of people for whom nothing is pending today: only today's says how things stand. Returns how many were
    new.
    """
    today = now.astimezone(services.zone).date()
    with services.reading() as session:
        if not is_opened(session, OPENED_BY[Occasion.MORNING]) or not calendar.calendar(session).is_working(today):
            return 0
        asked = [person for person in readers(session, today) if _lies_about(session, services, person, now)]
        earlier = session.scalars(
            select(PersonalNotice.id).where(
                PersonalNotice.occasion == Occasion.MORNING, PersonalNotice.key != morning_key(today),
                PersonalNotice.read_at.is_(None),
            )
        ).all()  # fmt: skip
    _set_read(services, earlier, now)
    made = 0
    for person_id in asked:
        for attempt in services.attempts(now):
            with attempt as uow:
                is_new = insert_if_missing(
                    uow.session, PersonalNotice, person_id=person_id, key=morning_key(today), occasion=Occasion.MORNING,
                    mail_id=None, subject_id=person_id, way=Way.DIGEST, at=now,
                )  # fmt: skip
        made += is_new
    return made


def _set_read(services: Services, notice_ids: Sequence[int], now: datetime) -> None:
    for start in range(0, len(notice_ids), AT_ONCE):
        those = (PersonalNotice.id.in_(notice_ids[start : start + AT_ONCE]), PersonalNotice.read_at.is_(None))
        for attempt in services.attempts(now):
            with attempt as uow:
                uow.session.execute(update(PersonalNotice).where(*those).values(read_at=now))


def readers(session: Session, today: date) -> list[int]:
    """Who is written to on a day: those who chose it and are there, and who acts for those who are not.

    Who replaces an absent person acts on what is pending, and would not know of it otherwise. It is asked post by post: of
    two posts of an absent person one may have a replacement, and for the other the person is still written to. Who holds
    the post too did not ask, and is not written to.
    """
    chose = set(who_chose(session, Occasion.MORNING, Way.DIGEST))
    held = session.execute(
        select(Holding.person_id, Holding.post_id, _may_be_replaced(today))
        .where(Holding.person_id.in_(sorted(chose)), *held_on(today))
        .order_by(Holding.id)
    ).all()
    left = {post_id for _, post_id, may_be in held if may_be}
    holders: dict[int, set[int]] = {}
    for post_id, person_id in session.execute(
        select(Holding.post_id, Holding.person_id).where(Holding.post_id.in_(sorted(left)), *held_on(today))
    ):
        holders.setdefault(post_id, set()).add(person_id)
    found = chose - {person_id for person_id, _, _ in held}
    for person_id, post_id, _ in held:
        acting = people.of_post(session, post_id, on=today) if post_id in left else {person_id}
        found |= {person_id} if person_id in acting else (acting - holders[post_id]) or {person_id}
    return sorted(found)


def _may_be_replaced(today: date) -> ColumnElement[bool]:
    """Whether the holder is away, or the post has an interim: of all others no query asks who acts for them."""
    is_away = exists().where(
        Absence.person_id == Holding.person_id, Absence.ended_at.is_(None), Absence.from_on <= today,
        Absence.until_on >= today,
    )  # fmt: skip
    has_interim = exists().where(
        Delegation.post_id == Holding.post_id, Delegation.kind == DelegationKind.INTERIM,
        Delegation.withdrawn_at.is_(None), Delegation.from_on <= today, Delegation.until_on >= today,
    )  # fmt: skip
    return or_(is_away, has_interim)


def counted_lines(
    session: Session, services: Services, person_id: int, now: datetime, words: NullTranslations
) -> list[str]:
    """The lines of the e-mail: of each kind its count, of what the person may know at this moment."""
    return [counted(part, words) for part in _counts(session, services, person_id, now)]


def _lies_about(session: Session, services: Services, person_id: int, now: datetime) -> bool:
    return next(_counts(session, services, person_id, now), None) is not None


def _counts(session: Session, services: Services, person_id: int, now: datetime) -> Iterator[Part]:
    try:
        actor = load_actor(session, person_id, on=now.astimezone(services.zone).date())
    except NotFound:
        return iter(())
    return queries.counts(session, services, actor, now=now)
