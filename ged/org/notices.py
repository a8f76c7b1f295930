"""What somebody else did that a person must know: told on the home page until the person has taken note of it.

A notice names the delegation or the letter and nothing of its contents: what it is about is read under the reader's
own rights.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Forbidden
from ged.org.models import Holding, Notice, NoticeKind, Person
from ged.unit import Actor, UnitOfWork

SHOWN = 20
"""More are shown when these were read."""


@dataclass(frozen=True)
class NoticeRow:
    """A notice that was not read yet.

    Attributes:
        subject_id: of the delegation or the letter.
        by_name: who did it; empty: nobody in person.
    """

    id: int
    kind: NoticeKind
    subject_id: int
    by_name: str
    at: datetime


def tell(uow: UnitOfWork, kind: NoticeKind, subject_id: int, *, people: Iterable[int], actor: Actor) -> None:
    """Tell people of an act in the transaction that does it; who acts needs no notice."""
    for person_id in sorted(set(people) - {int(actor.person_id)}):
        uow.session.add(
            Notice(
                person_id=person_id, kind=kind, subject_id=subject_id, by_person_id=actor.person_id or None, at=uow.now
            )
        )


def unread(session: Session, actor: Actor) -> list[NoticeRow]:
    """What the actor has not taken note of, the oldest first."""
    rows = session.execute(
        select(Notice, Person.name)
        .outerjoin(Person, Person.id == Notice.by_person_id)
        .where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))
        .order_by(Notice.id)
        .limit(SHOWN)
    )
    return [NoticeRow(row.id, row.kind, row.subject_id, name or "", row.at) for row, name in rows]


def acknowledge(uow: UnitOfWork, notice_ids: Collection[int], *, actor: Actor) -> None:
    """The person has read these notices; the journal knows. One that was read before stays as it is.

    Raises:
        Forbidden: ``notice.not_yours``: one of them is another person's, or there is none of that number.
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
            Holding.from_on <= on,
            or_(Holding.until_on.is_(None), Holding.until_on >= on),
        )
    )
    return set(rows)
