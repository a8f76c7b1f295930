"""Notices to an absent person: absences that others declared, shown until the person acknowledges them.

The journal records who declared the absence and, after the acknowledgement, that the notice was read. So no other table
is needed.
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
_ACTIONS = (DECLARED, ENDED, SEEN, "absence.ended")
"""Acts that create a notice or settle it. Refusals change nothing."""


@dataclass(frozen=True)
class AbsenceNotice:
    """An act of another person on the actor's absence.

    Attributes:
        is_end: the absence was ended; else declared.
        by_name: the other person.
        replacement: who replaces the actor; empty: nobody (any more).
    """

    absence_id: int
    is_end: bool
    by_name: str
    at: datetime
    from_on: date
    until_on: date
    replacement: str


def notices(session: Session, actor: Actor) -> list[AbsenceNotice]:
    """The notices that the actor has not acknowledged, the oldest first; only the last act on each absence."""
    rows = session.execute(
        select(AuditEntry.action, AuditEntry.at, Person.name, Absence)
        .join(Absence, Absence.id == AuditEntry.subject_id)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.subject_kind == "absence", Absence.person_id == actor.person_id)
        .where(AuditEntry.action.in_(_ACTIONS))
        .order_by(AuditEntry.sequence)
    ).all()
    last = {absence.id: (action, at, name or "", absence) for action, at, name, absence in rows}
    return [_notice(session, *entry) for entry in last.values() if entry[0] in (DECLARED, ENDED)]


def _notice(session: Session, action: str, at: datetime, by_name: str, row: Absence) -> AbsenceNotice:
    given = session.get(Delegation, row.delegation_id) if row.delegation_id is not None else None
    by = session.get(Person, given.person_id) if given is not None and given.withdrawn_at is None else None
    return AbsenceNotice(
        row.id, action == ENDED, by_name, at, row.from_on, row.until_on, by.name if by is not None else ""
    )


def acknowledge(uow: UnitOfWork, absence_ids: Collection[int], *, actor: Actor) -> None:
    """Acknowledge the notices of these absences. A second call has no effect.

    Raises:
        Forbidden: ``absence.not_yours``: an absence is another person's, or does not exist.
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
    """Absence id -> name of the declarer, for absences declared by another person."""
    if not absence_ids:
        return {}
    rows = session.execute(
        select(AuditEntry.subject_id, Person.name)
        .join(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.subject_kind == "absence", AuditEntry.subject_id.in_(sorted(absence_ids)))
        .where(AuditEntry.action == DECLARED)
    )
    return {int(absence_id or 0): name for absence_id, name in rows}
