"""A second report on the month of an entity: only when its numbers have changed since the last one, or with a reason, which the journal keeps.

Two reports on one month with the same numbers would be two papers that say the same under two seals, and nobody would know which one counts. Whoever
needs one nevertheless, for a name that was corrected, says why.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Invalid, InvalidTransition
from ged.monthly.models import MonthlyReport
from ged.monthly.numbers import Number, canonical
from ged.org.models import Person

MAX_REASON = 300


@dataclass(frozen=True)
class Earlier:
    """The last report on a month.

    Attributes:
        made_by: empty: the program.
        numbers: ``digest_of`` its numbers; empty: made by a release that did not note it.
    """

    id: int
    made_at: datetime
    made_by: str
    numbers: str


def digest_of(numbers: Sequence[Number]) -> str:
    """SHA-256 of all numbers with the digests of their lists: the same letters with the same days give the same one."""
    return hashlib.sha256(canonical([one.data() for one in numbers])).hexdigest()


def last_on(session: Session, entity_id: int, month: date) -> Earlier | None:
    """The last report on a month of an entity; ``month``: its first day."""
    row = session.execute(
        select(MonthlyReport.id, MonthlyReport.made_at, Person.name)
        .outerjoin(Person, Person.id == MonthlyReport.made_by_id)
        .where(MonthlyReport.entity_id == entity_id, MonthlyReport.month == month)
        .order_by(MonthlyReport.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    report_id, made_at, name = row
    return Earlier(report_id, made_at, name or "", noted(session, report_id, "numbers"))


def reason_of(session: Session, report_id: int) -> str:
    """Why a report was made although there was another one with its numbers; empty: for no such reason."""
    return noted(session, report_id, "reason")


def noted(session: Session, report_id: int, name: str) -> str:
    """What the journal's entry of a report says under a name; empty: nothing."""
    payload = session.scalar(
        select(AuditPayload.payload)
        .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
        .where(
            AuditEntry.subject_kind == "report", AuditEntry.subject_id == report_id, AuditEntry.action == "report.made"
        )
    )
    return str((payload or {}).get(name) or "")


def require_new(earlier: Earlier | None, numbers: str, reason: str) -> None:
    """Refuse a second report with equal numbers and no reason.

    Raises:
        Invalid: ``monthly.reason``: it is too long.
        InvalidTransition: ``monthly.made_before``, with the earlier report.
    """
    if len(reason) > MAX_REASON:
        raise Invalid("monthly.reason", "shorten it", field="reason", limit=MAX_REASON)
    if earlier is None or reason or (earlier.numbers and earlier.numbers != numbers):
        return
    raise InvalidTransition(
        "monthly.made_before", "open the earlier report, or say why another one is needed", field="reason", id=earlier.id,
        at=earlier.made_at,
    )  # fmt: skip
