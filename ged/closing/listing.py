"""The rows of a closing: numbers, voids, rectifications, and digests of their data. No content of any letter.

Every reader of the register may read a closing. So a subject or a reason appears only as a digest, to prove it later.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from ged import audit
from ged.db import ByOtherIndex
from ged.ports import Digest
from ged.register.models import (
    Attachment,
    AttachmentPage,
    ClosingLine,
    ClosingPeriod,
    Mail,
    MailNumber,
    Rectification,
    Register,
    RegisterClosing,
)
from ged.register.states import MailState
from ged.reserve import queries as reserve
from ged.reserve.numbers import spans
from ged.slips.models import Slip, SlipRevision
from ged.slips.states import SlipState

Row = dict[str, Any]
COUNTED = ("numbers", "voids", "rectifications")


Line = tuple[int, int | None]
"""A listed correction: the number's id, and its rectification's id; None for a void."""


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
    """The counts of each kind of ``COUNTED``."""
    lines: tuple[Line, ...] = ()
    """The voids and rectifications among the rows."""


def day_rows(
    session: Session, register: Register, from_on: date, until_on: date, zone: ZoneInfo
) -> tuple[dict[str, Any], tuple[Line, ...]]:
    """The rows of the days ``from_on`` to ``until_on``: JSON values, in the order of the register.

    Voids and rectifications: those up to the last day that are in no closing yet. The number of queries is constant.
    """
    given = and_(MailNumber.register_id == register.id, MailNumber.registered_on.between(from_on, until_on))
    numbers = session.scalars(select(MailNumber).where(given).order_by(MailNumber.year, MailNumber.sequence)).all()
    voids, rectifications = not_listed(session, register.id, until_on, zone)
    corrected = [*voids, *(number for _, number in rectifications)]
    cite = _citations(session, register.id, corrected)
    lines = [*((one.id, None) for one in voids), *((number.id, one.id) for one, number in rectifications)]
    rows: dict[str, Any] = {
        "numbers": _numbers(session, numbers, given),
        "voids": [_void(number, cite) for number in voids],
        "rectifications": [_rectification(one, number, cite) for one, number in rectifications],
    }
    cited = _cited(session, numbers)
    return rows | ({"reserve": cited} if cited else {}), tuple(lines)


def _cited(session: Session, numbers: Sequence[MailNumber]) -> list[Row]:
    """The numbers that cite a line of a reserve book, with the moment of reception that is written there."""
    found = reserve.citations(session, [one.id for one in numbers])
    return [
        {"number": one.text, "line": found[one.id].line, "received_at": found[one.id].received_at.isoformat()}
        for one in numbers
        if one.id in found
    ]


def not_listed(
    session: Session, register_id: int, until_on: date, zone: ZoneInfo
) -> tuple[Sequence[MailNumber], Sequence[tuple[Rectification, MailNumber]]]:
    """Voids and rectifications up to a day that are in no closing of the register."""
    end, by_time_until = _end_of(until_on, zone), _listed_by_time_until(session, register_id, zone)
    listed = select(ClosingLine.id).where(ClosingLine.number_id == MailNumber.id)
    voids = (
        select(MailNumber)
        .where(MailNumber.register_id == register_id, MailNumber.voided_at < end)
        .where(~listed.where(ClosingLine.rectification_id.is_(None)).exists())
        .order_by(MailNumber.year, MailNumber.sequence)
    )
    changes = (
        select(Rectification, MailNumber)
        .join(MailNumber, MailNumber.mail_id == Rectification.mail_id)
        .where(MailNumber.register_id == register_id, Rectification.at < end)
        .where(~listed.where(ClosingLine.rectification_id == Rectification.id).exists())
        # Only while the number was valid in this register: not before it was given, nor after it was voided.
        .where(Rectification.at >= MailNumber.registered_at)
        .where(or_(MailNumber.voided_at.is_(None), MailNumber.voided_at >= Rectification.at))
        .order_by(Rectification.id, MailNumber.id)
    )
    if by_time_until is not None:
        voids, changes = voids.where(MailNumber.voided_at >= by_time_until), changes.where(
            Rectification.at >= by_time_until
        )  # fmt: skip
    return session.scalars(voids).all(), [(one, number) for one, number in session.execute(changes)]


def _listed_by_time_until(session: Session, register_id: int, zone: ZoneInfo) -> datetime | None:
    """The moment up to which closings of an earlier release, which stored no lines, listed corrections by time."""
    last: date | None = session.scalar(
        select(func.max(RegisterClosing.until_on)).where(
            RegisterClosing.register_id == register_id,
            RegisterClosing.period == ClosingPeriod.DAY,
            RegisterClosing.lines_kept.is_(False),
        )
    )
    return None if last is None else _end_of(last, zone)


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


def with_books(session: Session, register: Register, year: int, days: list[Row], zone: ZoneInfo) -> list[Row] | Row:
    """The data of a year's closing: its days, and its reserve books where it has any (``reserve.books_at``)."""
    books = [
        {
            "book": one.code, "lines": one.lines, "used": len(one.used), "voided": len(one.voided), "free": len(one.free),
            "used_lines": spans(one.used), "voided_lines": spans(one.voided), "free_lines": spans(one.free),
        }
        for one in reserve.books_at(session, register.id, year, zone)
    ]  # fmt: skip
    return {"days": days, "reserve": books} if books else days


def waiting(session: Session, register_id: int, until_on: date) -> Sequence[str]:
    """Numbers up to a day whose signature is still missing: the day cannot be closed before."""
    return waiting_in(session, [register_id], until_on).get(register_id, [])


def waiting_in(session: Session, register_ids: Collection[int], until_on: date) -> dict[int, list[str]]:
    """``waiting`` of each register that has such numbers: those of letters, then those of slips."""
    of_registers: list[ColumnElement[bool]] = [
        # Few letters are being signed: they are found by their state, not among all numbers of the register.
        ByOtherIndex(MailNumber.register_id).in_(sorted(register_ids)),
        ByOtherIndex(MailNumber.registered_on) <= until_on,
        MailNumber.voided_at.is_(None),
    ]
    number = (MailNumber.register_id, MailNumber.text, MailNumber.id.label("number_id"))
    # States are written into the statement: an index of few rows is used for its own condition only (``ix_slips_issuing``).
    numbered = Mail.state == literal(MailState.NUMBERED, Mail.state.type, literal_execute=True)
    being_signed = Slip.state == literal(SlipState.ISSUING, literal_execute=True)
    letters = select(*number, literal(0).label("of_slip")).join(Mail, Mail.id == MailNumber.mail_id).where(numbered)
    slips = select(*number, literal(1)).join(Slip, Slip.id == MailNumber.slip_id).where(being_signed)
    found: dict[int, list[str]] = {}
    both = union_all(letters.where(*of_registers), slips.where(*of_registers))
    for register_id, text, *_ in session.execute(both.order_by("of_slip", "number_id")):
        found.setdefault(register_id, []).append(text)
    return found


def content_hash(data: dict[str, Any] | list[Row]) -> str:
    """SHA-256 of the rows in canonical JSON."""
    return hashlib.sha256(audit.canonical(data)).hexdigest()


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment after a day."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def _numbers(session: Session, numbers: Sequence[MailNumber], given: ColumnElement[bool]) -> list[Row]:
    files = _files(session, given)
    slips = dict(
        session.execute(
            select(SlipRevision.slip_id, SlipRevision.digest)
            .join(MailNumber, MailNumber.slip_id == SlipRevision.slip_id)
            .where(given)
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


def _files(session: Session, given: ColumnElement[bool]) -> dict[int, str]:
    """Letter id -> digest of its last document: of its file, or over the digests of its scanned pages."""
    documents = (
        select(Attachment.id, Attachment.mail_id, Attachment.digest)
        .join(MailNumber, MailNumber.mail_id == Attachment.mail_id)
        .where(given, Attachment.kind.in_(("document", "signed")))
    )
    pages = dict[int, str]()
    for attachment_id, digest in session.execute(
        select(AttachmentPage.attachment_id, AttachmentPage.digest)
        .where(AttachmentPage.attachment_id.in_(documents.with_only_columns(Attachment.id)))
        .order_by(AttachmentPage.attachment_id, AttachmentPage.page_no)
    ):
        pages[attachment_id] = pages.get(attachment_id, "") + digest
    return {
        mail_id: digest or hashlib.sha256(pages.get(attachment_id, "").encode()).hexdigest()
        for attachment_id, mail_id, digest in session.execute(documents.order_by(Attachment.id))
    }


def _void(number: MailNumber, cite: Callable[[date], Row]) -> Row:
    return {
        "number": number.text,
        "given_on": number.registered_on.isoformat(),
        "at": number.voided_at.isoformat() if number.voided_at else "",
        "reason": _hash_of(number.void_reason),
        **cite(number.registered_on),
    }


def _rectification(one: Rectification, number: MailNumber, cite: Callable[[date], Row]) -> Row:
    return {
        "number": number.text, "given_on": number.registered_on.isoformat(), "at": one.at.isoformat(),
        "field": one.field, "change": _hash_of([one.old_value, one.new_value, one.reason]),
        **cite(number.registered_on),
    }  # fmt: skip


def _citations(session: Session, register_id: int, corrected: Sequence[MailNumber]) -> Callable[[date], Row]:
    """Return a function that gives the closing of a day; an open day has none."""
    first = min((number.registered_on for number in corrected), default=None)
    closings = [] if first is None else session.execute(
        select(RegisterClosing.until_on, RegisterClosing.digest)
        .where(
            RegisterClosing.register_id == register_id,
            RegisterClosing.period == ClosingPeriod.DAY,
            RegisterClosing.until_on >= first,
        )
        .order_by(RegisterClosing.until_on)
    ).all()  # fmt: skip

    def cite(day: date) -> Row:
        at = bisect_left(closings, day, key=lambda closing: closing.until_on)
        if at == len(closings):
            return {"closed_on": "", "closing": ""}
        return {"closed_on": closings[at].until_on.isoformat(), "closing": closings[at].digest}

    return cite


def _hash_of(value: object) -> str:
    return hashlib.sha256(audit.canonical(value)).hexdigest()
