"""Differences between a letter's document as read and its register entry; people decide which is right."""

import re
from dataclasses import dataclass
from datetime import date

from rapidfuzz import fuzz
from sqlalchemy.orm import Session

from ged.ports import MailId
from ged.register.correspondents import fold
from ged.register.models import Direction, Mail
from ged.suggestions import readings, resent
from ged.suggestions.matching import likeness
from ged.suggestions.readings import Box, ReadField
from ged.suggestions.resent import LookalikeRow
from ged.unit import Actor

SURE_ENOUGH = 85
"""All readers of the letter see the difference: below, the machine is often wrong (a day of our own stamp)."""
SAME_SUBJECT = 80
SAME_SENDER = 60


@dataclass(frozen=True)
class Difference:
    """A register field and the value read, both as text, days in ISO form. ``registered`` may be empty."""

    field: str
    registered: str
    read: str
    confidence: int
    attachment_id: int
    page_no: int
    box: Box


@dataclass(frozen=True)
class ProposalsPanel:
    """The differences, and the earlier letters that this letter resembles."""

    differences: tuple[Difference, ...]
    resent: tuple[LookalikeRow, ...]


def panel(session: Session, mail_id: MailId, actor: Actor) -> ProposalsPanel | None:
    """The panel of a letter's page; None when it is empty. The caller has checked access to the letter."""
    if session.get_one(Mail, mail_id).direction is not Direction.INCOMING:
        return None
    rows = [row for row in resent.of_letter(session, mail_id, actor) if not row.is_linked]
    found = ProposalsPanel(tuple(differences(session, mail_id)), tuple(rows))
    return found if found.differences or found.resent else None


def differences(session: Session, mail_id: MailId | int) -> list[Difference]:
    """Fields that differ with enough confidence to be shown. The caller has checked access to the letter."""
    mail = session.get_one(Mail, mail_id)
    attachment_id, fields = (
        readings.of_document(session, mail_id) if mail.direction is Direction.INCOMING else (None, [])
    )
    if attachment_id is None:
        return []
    best: dict[str, ReadField] = {}
    for found in fields:
        if found.confidence >= SURE_ENOUGH and found.confidence > (
            best[found.name].confidence if found.name in best else 0
        ):
            best[found.name] = found
    return [
        Difference(field, registered, one.value, round(one.confidence), int(attachment_id), one.page, one.box)
        for field, name, registered in _registered(mail)
        if (one := best.get(name)) is not None and _differs(field, registered, one.value)
    ]


def _registered(mail: Mail) -> list[tuple[str, str, str]]:
    """(field of the register, name of the reading, value)."""
    return [
        ("subject", "subject", mail.subject),
        ("sender_name", "sender", mail.sender_name),
        ("their_reference", "their_reference", mail.their_reference),
        ("written_on", "written_on", mail.written_on.isoformat() if mail.written_on else ""),
    ]


def _differs(field: str, registered: str, read: str) -> bool:
    """Whether the two differ in meaning; a misread character or another wording is no difference."""
    if not read.strip():
        return False
    if field == "written_on":
        return registered != read and _is_day(read)
    if field == "their_reference":
        return _bare(registered) != _bare(read)
    if field == "sender_name":
        return bool(registered) and likeness(registered, read) < SAME_SENDER
    return bool(registered) and fuzz.token_set_ratio(fold(registered), fold(read)) < SAME_SUBJECT


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _bare(reference: str) -> str:
    return re.sub(r"^n[o°]?(?=\d)", "", re.sub(r"[^a-z0-9°]", "", fold(reference)))
