"""What a closing lists: numbers, voids, rectifications, and digests of what they stand for. No content of any letter.

Whoever reads the register may read it: a subject or a reason is there only as a digest, by which it can be proved.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ged import audit
from ged.ports import Digest
from ged.registry.allocation import closing_of
from ged.registry.models import (
    Attachment,
    AttachmentPage,
    ClosingPeriod,
    Mail,
    MailNumber,
    Rectification,
    Register,
    RegisterClosing,
)
from ged.registry.states import MailState
from ged.slips.models import Slip, SlipRevision
from ged.slips.states import SlipState

Row = dict[str, Any]
COUNTED = ("numbers", "voids", "rectifications")


@dataclass(frozen=True)
class Listed:
    """A closing that may be made: its span, its rows, the digest of the one before."""

    register_id: int
    period: ClosingPeriod
    sequence: int
    from_on: date
    until_on: date
    data: Any
    previous: Digest | None
    counts: tuple[int, ...]
    """How many of each of ``COUNTED``."""


def day_rows(session: Session, register: Register, from_on: date, until_on: date, zone: ZoneInfo) -> dict[str, Any]:
    """The rows of the days ``from_on`` to ``until_on``: JSON values, in the order of the register."""
    begin, end = _moments(from_on, until_on, zone)
    numbers = session.scalars(
        select(MailNumber)
        .where(MailNumber.register_id == register.id, MailNumber.registered_on.between(from_on, until_on))
        .order_by(MailNumber.year, MailNumber.sequence)
    ).all()
    voided = session.scalars(
        select(MailNumber)
        .where(MailNumber.register_id == register.id, MailNumber.voided_at >= begin, MailNumber.voided_at < end)
        .order_by(MailNumber.year, MailNumber.sequence)
    ).all()
    return {
        "numbers": _numbers(session, numbers),
        "voids": [_void(session, number) for number in voided],
        "rectifications": _rectifications(session, register, begin, end),
    }


def year_rows(session: Session, register: Register, year: int) -> list[Row]:
    """The closings of a year's days, in order."""
    closings = session.scalars(
        select(RegisterClosing)
        .where(
            RegisterClosing.register_id == register.id,
            RegisterClosing.period == ClosingPeriod.DAY,
            RegisterClosing.until_on.between(date(year, 1, 1), date(year, 12, 31)),
        )
        .order_by(RegisterClosing.sequence)
    )
    return [
        {
            "from_on": one.from_on.isoformat(), "until_on": one.until_on.isoformat(), "digest": one.digest,
            "numbers": one.number_count, "voids": one.void_count, "rectifications": one.rectification_count,
        }
        for one in closings
    ]  # fmt: skip


def waiting(session: Session, register_id: int, until_on: date) -> Sequence[str]:
    """Numbers given up to a day whose signature is not made yet: the day cannot close over them."""
    of_register: list[ColumnElement[bool]] = [
        MailNumber.register_id == register_id,
        MailNumber.registered_on <= until_on,
        MailNumber.voided_at.is_(None),
    ]
    letters = select(MailNumber.text).join(Mail, Mail.id == MailNumber.mail_id).where(Mail.state == MailState.NUMBERED)
    slips = select(MailNumber.text).join(Slip, Slip.id == MailNumber.slip_id).where(Slip.state == SlipState.ISSUING)
    return [text for query in (letters, slips) for text in session.scalars(query.where(*of_register))]


def content_hash(data: dict[str, Any] | list[Row]) -> str:
    """SHA-256 of the rows in canonical JSON."""
    return hashlib.sha256(audit.canonical(data)).hexdigest()


def _moments(from_on: date, until_on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin = datetime.combine(from_on, time(), tzinfo=zone).astimezone(UTC)
    return begin, datetime.combine(until_on + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def _numbers(session: Session, numbers: Sequence[MailNumber]) -> list[Row]:
    files = _files(session, [n.mail_id for n in numbers if n.mail_id is not None])
    slips = dict(
        session.execute(
            select(SlipRevision.slip_id, SlipRevision.digest)
            .where(SlipRevision.slip_id.in_([n.slip_id for n in numbers if n.slip_id is not None]))
            .order_by(SlipRevision.slip_id, SlipRevision.sequence)
        ).all()
    )
    return [
        {
            "number": one.text, "year": one.year, "sequence": one.sequence, "at": one.registered_at.isoformat(),
            "kind": "envelope" if one.envelope_id else "slip" if one.slip_id else "letter" if one.mail_id else "number",
            "void": one.voided_at is not None,
            "digest": slips.get(one.slip_id or 0) or files.get(one.mail_id or 0, ""),
        }
        for one in numbers
    ]  # fmt: skip


def _files(session: Session, mail_ids: Sequence[int]) -> dict[int, str]:
    """A letter's document: the digest of its file, or one over those of the pages scanned; the last one joined."""
    found: dict[int, str] = {}
    for one in session.scalars(
        select(Attachment).where(Attachment.mail_id.in_(mail_ids), Attachment.kind.in_(("document", "signed")))
        .order_by(Attachment.id)
    ):  # fmt: skip
        found[one.mail_id] = one.digest or _of_pages(session, one.id)
    return found


def _of_pages(session: Session, attachment_id: int) -> str:
    pages = session.scalars(
        select(AttachmentPage.digest)
        .where(AttachmentPage.attachment_id == attachment_id)
        .order_by(AttachmentPage.page_no)
    )
    return hashlib.sha256("".join(pages).encode()).hexdigest()


def _void(session: Session, number: MailNumber) -> Row:
    return {
        "number": number.text,
        "given_on": number.registered_on.isoformat(),
        "at": number.voided_at.isoformat() if number.voided_at else "",
        "reason": _told(number.void_reason),
        **_cites(closing_of(session, number)),
    }


def _rectifications(session: Session, register: Register, begin: datetime, end: datetime) -> list[Row]:
    rows = session.execute(
        select(Rectification, MailNumber)
        .join(MailNumber, MailNumber.mail_id == Rectification.mail_id)
        .where(MailNumber.register_id == register.id, MailNumber.voided_at.is_(None))
        .where(Rectification.at >= begin, Rectification.at < end)
        .order_by(Rectification.id, MailNumber.id)
    )
    return [
        {
            "number": number.text, "given_on": number.registered_on.isoformat(), "at": one.at.isoformat(),
            "field": one.field, "change": _told([one.old_value, one.new_value, one.reason]),
            **_cites(closing_of(session, number)),
        }
        for one, number in rows
    ]  # fmt: skip


def _cites(closing: RegisterClosing | None) -> Row:
    if closing is None:
        return {"closed_on": "", "closing": ""}
    return {"closed_on": closing.until_on.isoformat(), "closing": closing.digest}


def _told(value: object) -> str:
    return hashlib.sha256(audit.canonical(value)).hexdigest()
