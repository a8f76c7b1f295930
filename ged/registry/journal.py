"""What the journal says of one letter, in codes: who did what when. The page puts it into words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from ged.audit import AuditEntry, AuditPayload
from ged.org.models import Person, Post
from ged.ports import MailId
from ged.registry.models import MailNumber

READINGS = frozenset({"mail.opened", "document.opened", "mail.printed", "mail.exported"})
REFUSALS = frozenset({"access.refused"})
SHOWN_DETAILS = (
    "number", "field", "old", "new", "reason", "outcome", "note", "instruction", "units", "unit", "due_on", "level",
    "kind", "page", "form",
)  # fmt: skip
"""What of a payload may be shown: nothing that leads to another letter."""


@dataclass(frozen=True)
class JournalRow:
    """An entry about the letter. ``acting_for`` is the title of the post acted for, or an empty text."""

    sequence: int
    at: datetime
    action: str
    person_name: str
    acting_for: str
    details: Mapping[str, str]


def of_letter(
    session: Session,
    mail_id: MailId | int,
    *,
    since: datetime | None = None,
    readings: bool = False,
    limit: int = 200,
) -> list[JournalRow]:
    """Entries about a letter and its numbers, newest first. The caller has checked the access.

    Args:
        since: only entries after this moment (what somebody else did while a form was open).
        readings: who opened it, instead of what was done. Refusals belong to the auditor and are never here.
    """
    acting_for = aliased(Post)
    numbers = select(MailNumber.id).where(MailNumber.mail_id == mail_id)
    wanted = AuditEntry.action.in_(READINGS) if readings else AuditEntry.action.not_in(READINGS | REFUSALS)
    query = (
        select(AuditEntry, AuditPayload.payload, Person.name, acting_for.title)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .outerjoin(acting_for, acting_for.id == AuditEntry.acting_for_post_id)
        .where(
            or_(
                (AuditEntry.subject_kind == "mail") & (AuditEntry.subject_id == mail_id),
                (AuditEntry.subject_kind == "number") & AuditEntry.subject_id.in_(numbers),
            ),
            wanted,
        )
        .order_by(AuditEntry.sequence.desc())
        .limit(limit)
    )
    if since is not None:
        query = query.where(AuditEntry.at > since)
    return [
        JournalRow(entry.sequence, entry.at, entry.action, name or "", title or "", _details(payload or {}))
        for entry, payload, name, title in session.execute(query)
    ]


def _details(payload: Mapping[str, object]) -> Mapping[str, str]:
    found = {}
    for key in SHOWN_DETAILS:
        value = payload.get(key)
        if value not in (None, "", []):
            found[key] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return found
