"""What others declared of somebody's absence, told to them until they have taken note of it.

The journal knows who did it and, after the acknowledgement, that it was read: nothing is kept a second time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.audit import AuditEntry
from ged.errors import Forbidden
from ged.org.models import Absence, Delegation, Person
from ged.unit import Actor, UnitOfWork

DECLARED, ENDED, SEEN = "absence.declared_for", "absence.ended_for", "absence.seen"
_TOLD_BY = (DECLARED, ENDED, SEEN, "absence.ended")
"""Acts after which there is something to tell, or nothing any more; a refusal of somebody changes nothing."""


@dataclass(frozen=True)
class AbsenceNotice:
    """An act of somebody else on the actor's absence.

    Attributes:
        is_end: it was ended; else declared.
        by_name: who did it.
        replacement: who replaces; empty: nobody (any more).
    """

    absence_id: int
    is_end: bool
    by_name: str
    at: datetime
    from_on: date
    until_on: date
    replacement: str


def notices(session: Session, actor: Actor) -> list[AbsenceNotice]:
    """What the actor has not taken note of, the oldest first; of each absence the last act only."""
    rows = session.execute(
        select(AuditEntry.action, AuditEntry.at, Person.name, Absence)
        .join(Absence, Absence.id == AuditEntry.subject_id)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.subject_kind == "absence", Absence.person_id == actor.person_id)
        .where(AuditEntry.action.in_(_TOLD_BY))
        .order_by(AuditEntry.sequence)
    ).all()
    last = {absence.id: (action, at, name or "", absence) for action, at, name, absence in rows}
    return [_notice(session, *told) for told in last.values() if told[0] in (DECLARED, ENDED)]


def _notice(session: Session, action: str, at: datetime, by_name: str, row: Absence) -> AbsenceNotice:
    given = session.get(Delegation, row.delegation_id) if row.delegation_id is not None else None
    by = session.get(Person, given.person_id) if given is not None and given.withdrawn_at is None else None
    return AbsenceNotice(
        row.id, action == ENDED, by_name, at, row.from_on, row.until_on, by.name if by is not None else ""
    )


def acknowledge(uow: UnitOfWork, absence_ids: Collection[int], *, actor: Actor) -> None:
    """The absent person has read what others declared; what is read already stays as it is.

    Raises:
        Forbidden: ``absence.not_yours``: one of them is somebody else's, or there is none of that number.
    """
    wanted = sorted(set(absence_ids))
    own = [row.id for row in locks.hold(uow.session, Absence, wanted) if row.person_id == actor.person_id]
    if own != wanted:
        raise Forbidden("absence.not_yours", "reload the page", ids=wanted)
    unread = {notice.absence_id for notice in notices(uow.session, actor)}
    for absence_id in wanted:
        if absence_id in unread:
            uow.record(SEEN, "absence", absence_id, actor=actor)


def declared_by(session: Session, absence_ids: Collection[int]) -> dict[int, str]:
    """By absence that somebody else declared, their name."""
    if not absence_ids:
        return {}
    rows = session.execute(
        select(AuditEntry.subject_id, Person.name)
        .join(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.subject_kind == "absence", AuditEntry.subject_id.in_(sorted(absence_ids)))
        .where(AuditEntry.action == DECLARED)
    )
    return {int(absence_id or 0): name for absence_id, name in rows}
