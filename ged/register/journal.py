"""The journal entries of one letter, as codes: who did what and when. The page translates them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Executable, Select, bindparam, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from ged import taken
from ged.audit import AuditEntry, AuditPayload
from ged.db import Id
from ged.org.models import Person, Post
from ged.ports import MailId
from ged.register.models import MailNumber

READINGS = frozenset({"mail.opened", "document.opened", "mail.printed", "mail.exported", "mail.readers_shown"})
REFUSALS = frozenset({"access.refused"})
SHOWN_DETAILS = (
    "number", "field", "old", "new", "reason", "outcome", "note", "instruction", "units", "unit", "due_on", "level",
    "kind", "page", "form",
)  # fmt: skip
"""The payload fields that may be shown: none that refers to another letter."""
SHOWN = 200
SHOWN_READINGS = 50


@dataclass(frozen=True)
class JournalRow:
    """An entry about the letter. ``acting_for``: the title of the post acted for, or empty; ``sequence``: below 0 from ``ged.taken``."""

    sequence: int
    at: datetime
    action: str
    person_name: str
    acting_for: str
    details: Mapping[str, str]


def of_letter(
    session: Session, mail_id: MailId | int, *, since: datetime | None = None, readings: bool = False
) -> list[JournalRow]:
    """Entries about a letter and its numbers, newest first. The caller has checked the access.

    Args:
        since: only entries after this moment (acts of others while a form was open).
        readings: return the openings instead of the acts. Refusals are for the auditor, and never returned here.
    """
    query = _about(mail_id, readings=readings).limit(SHOWN)
    if since is not None:
        query = query.where(AuditEntry.at > since)
    return [_entry_row(*found) for found in session.execute(query)]


def of_page(session: Session, mail_id: MailId | int, *, readings: bool) -> tuple[list[JournalRow], list[JournalRow]]:
    """The entries for the letter's page: (acts, openings); openings only with ``readings``. One query for both."""
    rows = [_entry_row(*found) for found in session.execute(_of_page(readings=readings), {"mail_id": int(mail_id)})]
    return [row for row in rows if row.action not in READINGS], [row for row in rows if row.action in READINGS]


@cache
def _of_page(*, readings: bool) -> Executable:
    """The statement of ``of_page``, for a ``mail_id``."""
    mail_id = bindparam("mail_id", type_=Id)
    wanted = [_about(mail_id, readings=False).limit(SHOWN)]
    wanted += [_about(mail_id, readings=True).limit(SHOWN_READINGS)] if readings else []
    numbers = select(MailNumber.id).where(MailNumber.mail_id == mail_id)
    wanted += [taken.about(mail_id, numbers, without=READINGS | REFUSALS).limit(SHOWN)]
    wanted += [taken.about(mail_id, numbers, among=READINGS).limit(SHOWN_READINGS)] if readings else []
    # Each half has its own limit: many openings must not push out acts.
    both = union_all(*(select(half.subquery()) for half in wanted)).subquery()
    return select(both).order_by(both.c.sequence.desc())


def _about(mail_id: MailId | int | BindParameter[int], *, readings: bool) -> Select[Any]:
    acting_for = aliased(Post)
    numbers = select(MailNumber.id).where(MailNumber.mail_id == mail_id)
    wanted = AuditEntry.action.in_(READINGS) if readings else AuditEntry.action.not_in(READINGS | REFUSALS)
    return (
        select(
            AuditEntry.sequence,
            AuditEntry.at,
            AuditEntry.action,
            AuditPayload.payload,
            Person.name,
            acting_for.title.label("acting_for"),
        )
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
    )


def _entry_row(
    sequence: int, at: datetime, action: str, payload: Mapping[str, object] | None, name: str | None, title: str | None
) -> JournalRow:
    return JournalRow(sequence, at, action, name or "", title or "", _details(payload or {}))


def _details(payload: Mapping[str, object]) -> Mapping[str, str]:
    found = {}
    for key in SHOWN_DETAILS:
        value = payload.get(key)
        if value not in (None, "", []):
            found[key] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return found
