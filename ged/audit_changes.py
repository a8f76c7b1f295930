"""Changes of one kind as the journal has them: a page lists the last ones, and takes one back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged.audit import AuditEntry, AuditPayload


class Journaled(NamedTuple):
    """A change: the number of its entry, its moment, and its details."""

    sequence: int
    at: datetime
    details: Mapping[str, Any]


def last_journaled(session: Session, action: str, count: int) -> list[Journaled]:
    """The last changes, the newest first; those whose details are gone are left out."""
    rows = session.execute(_of(action).order_by(AuditEntry.sequence.desc()).limit(count))
    return [Journaled(*row) for row in rows]


def journaled(session: Session, action: str, sequence: int) -> Journaled | None:
    """A change by the number of its entry; None: another kind of entry, or its details are gone."""
    row = session.execute(_of(action).where(AuditEntry.sequence == sequence)).first()
    return None if row is None else Journaled(*row)


def _of(action: str) -> Select[int, datetime, dict[str, Any]]:
    return (
        select(AuditEntry.sequence, AuditEntry.at, AuditPayload.payload)
        .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action == action)
    )
