"""The pile of waiting scans: each clerk is led to the oldest scan on which no other clerk works."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ged.capture.models import BOOK_ELSEWHERE, BOOK_PAGE, Scan, ScanState, ScanTurn
from ged.capture.queries import scan_units
from ged.db import insert_if_missing
from ged.org.models import Person
from ged.ports import ScanId
from ged.unit import Actor, UnitOfWork

TURN = timedelta(minutes=15)
"""A letter takes a minute. After this time the scan of a clerk who was called away goes to the others."""
COUNTED = 100
"""A page says "100 or more" beyond this number."""
TRIED = 8
"""Scans that are tried: another clerk may take one at the same moment."""


def take_next(uow: UnitOfWork, *, actor: Actor) -> ScanId | None:
    """Lead the actor to the next scan to be registered, the oldest first; None when none is left.

    For ``TURN``, other clerks are not led to this scan. This is not a lock: a clerk who opens the scan from the list may
    register it.
    """
    until = uow.now + TURN
    for scan_id in uow.session.scalars(_free(uow, actor).limit(TRIED)).all():
        mine = insert_if_missing(uow.session, ScanTurn, scan_id=scan_id, person_id=actor.person_id, until=until)
        if mine or _taken_over(uow, scan_id, actor):
            return ScanId(scan_id)
    return None


def leave(uow: UnitOfWork, scan_id: int) -> None:
    """Delete the turn of a scan that no longer waits."""
    uow.session.execute(delete(ScanTurn).where(ScanTurn.scan_id == scan_id))


def to_register(session: Session, actor: Actor) -> int:
    """The number of scans that wait for a number in the actor's units, ``COUNTED`` at most. Turns are not considered."""
    return (
        session.scalar(select(func.count()).select_from(_waiting(actor).order_by(None).limit(COUNTED).subquery())) or 0
    )


def at_work(session: Session, scan_ids: Collection[int], actor: Actor, *, now: datetime) -> dict[int, str]:
    """Those of the scans on which another clerk works now, with the name of the clerk."""
    rows = session.execute(
        select(ScanTurn.scan_id, Person.name)
        .join(Person, Person.id == ScanTurn.person_id)
        .where(ScanTurn.scan_id.in_(scan_ids), ScanTurn.until > now, ScanTurn.person_id != actor.person_id)
    )
    return {scan_id: name for scan_id, name in rows}  # noqa: C416  # rows are no pairs to mypy


def _waiting(actor: Actor) -> Select[int]:
    """Scans of new letters. A scan whose code waits for a confirmation is not a new letter, nor is a page of a reserve book."""
    return (
        select(Scan.id)
        .where(
            Scan.state == ScanState.WAITING,
            Scan.unit_id.in_(scan_units(actor)),
            Scan.proof_kind == "",
            Scan.note.not_in(("sealed_envelope", "virus", BOOK_PAGE, BOOK_ELSEWHERE)),
        )
        .order_by(Scan.id)
    )


def _free(uow: UnitOfWork, actor: Actor) -> Select[int]:
    anothers = select(ScanTurn.scan_id).where(ScanTurn.until > uow.now, ScanTurn.person_id != actor.person_id)
    return _waiting(actor).where(Scan.id.not_in(anothers))


def _taken_over(uow: UnitOfWork, scan_id: int, actor: Actor) -> bool:
    """Take the turn if it is the actor's already, or if it has ended. Returns whether the actor has it now."""
    return (
        # One statement: of two clerks who find an ended turn, only the first changes the row.
        uow.session.execute(
            update(ScanTurn)
            .where(ScanTurn.scan_id == scan_id, or_(ScanTurn.until <= uow.now, ScanTurn.person_id == actor.person_id))
            .values(person_id=actor.person_id, until=uow.now + TURN)
            .returning(ScanTurn.scan_id)
        ).first()
        is not None
    )
