"""The tour of the first day: whether a person still has it before them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Person
from ged.ports import PersonId
from ged.unit import Actor, UnitOfWork


def is_due(session: Session, person_id: PersonId) -> bool:
    """Whether the person has neither finished nor skipped the tour."""
    return session.scalar(select(Person.toured_at).where(Person.id == person_id)) is None


def end(uow: UnitOfWork, *, actor: Actor, now: datetime) -> None:
    """Note that the person has finished or skipped the tour; the first time counts."""
    person = uow.session.get(Person, actor.person_id)
    if person is not None and person.toured_at is None:
        person.toured_at = now
        uow.record("person.tour_ended", "person", person.id, actor=actor)
