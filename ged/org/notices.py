"""Notices: acts of others that a person must know, shown on the home page until the person acknowledges them.

A notice names the delegation or the letter, and none of its contents: the contents are read with the reader's own
rights.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Forbidden
from ged.org.models import Holding, Notice, NoticeKind, Person, held_on
from ged.unit import Actor, UnitOfWork

SHOWN = 20
"""Largest number of notices shown at once; the next follow after these are acknowledged."""


@dataclass(frozen=True)
class NoticeRow:
    """A notice that is not yet acknowledged.

    Attributes:
        subject_id: id of the delegation or the letter.
        by_name: who acted; empty: no person (the system).
    """

    id: int
    kind: NoticeKind
    subject_id: int
    by_name: str
    at: datetime


def tell(uow: UnitOfWork, kind: NoticeKind, subject_id: int, *, people: Iterable[int], actor: Actor) -> None:
    """Add notices for people, in the transaction of the act. The actor gets no notice."""
    for person_id in sorted(set(people) - {int(actor.person_id)}):
        uow.session.add(
            Notice(
                person_id=person_id, kind=kind, subject_id=subject_id, by_person_id=actor.person_id or None, at=uow.now
            )
        )


def unread(session: Session, actor: Actor) -> list[NoticeRow]:
    """The notices that the actor has not acknowledged, the oldest first."""
    rows = session.execute(
        select(Notice, Person.name)
        .outerjoin(Person, Person.id == Notice.by_person_id)
        .where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))
        .order_by(Notice.id)
        .limit(SHOWN)
    )
    return [NoticeRow(row.id, row.kind, row.subject_id, name or "", row.at) for row, name in rows]


def acknowledge(uow: UnitOfWork, notice_ids: Collection[int], *, actor: Actor) -> None:
    """Mark notices as read, and record it in the journal. A second call has no effect.

    Raises:
        Forbidden: ``notice.not_yours``: a notice is another person's, or does not exist.
    """
    wanted = sorted(set(notice_ids))
    own = [row for row in locks.hold(uow.session, Notice, wanted) if row.person_id == actor.person_id]
    if len(own) != len(wanted):
        raise Forbidden("notice.not_yours", "reload the page", ids=wanted)
    for row in own:
        if row.read_at is None:
            row.read_at = uow.now
            uow.record("notice.read", "notice", row.id, actor=actor, kind=row.kind.value, of=row.subject_id)


def holders(session: Session, post_ids: Collection[int], *, on: date) -> set[int]:
    """The people who hold any of these posts on a day."""
    rows = session.scalars(
        select(Holding.person_id).where(
            Holding.post_id.in_(sorted(post_ids)),
            *held_on(on),
        )
    )
    return set(rows)
