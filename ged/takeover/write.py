"""Writes one batch of an import: letters, numbers, rights, documents and texts, the journal and one index job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from ged import access
from ged.access import Because
from ged.db import write_many
from ged.jobs import JobKind
from ged.ports import unit_principal
from ged.register import allocation
from ged.register.allocation import BookEntry, BookNumber, told_of_number
from ged.register.correspondents import directory_ids, may_be_listed
from ged.register.models import (
    Attachment,
    AttachmentKind,
    AttachmentPage,
    Direction,
    Mail,
    PageText,
    Register,
    RegisterNature,
)
from ged.register.numbering import TRAINING
from ged.register.states import MailState
from ged.takeover import packed
from ged.takeover.files import Content
from ged.takeover.lines import ArchiveLine
from ged.takeover.models import TakenLetter, TakeoverBatch
from ged.unit import SYSTEM, UnitOfWork


@dataclass(frozen=True)
class Placed:
    """A line with the data added from the register.

    Attributes:
        unit_id: the unit that holds the letter, if the line names one.
        on: its day in the paper book, or the nearest known day.
        number: its number in the paper book, if the register keeps the book's numbers.
    """

    line: ArchiveLine
    unit_id: int | None
    on: date
    reference: str
    number: str
    content: Content | None = None


def write(uow: UnitOfWork, register_id: int, source: str, placed: Sequence[Placed]) -> None:
    """Write a batch. The caller holds the lock of the register's counter and has checked every line."""
    register = uow.session.get_one(Register, register_id)
    batch = TakeoverBatch(
        register_id=register_id,
        source=source[-200:],
        first_line=placed[0].line.line_no,
        last_line=placed[-1].line.line_no,
        letters=len(placed),
        taken_at=uow.now,
    )
    listed = [one.line.sender for one in placed if _is_listed(one.line, register)]
    senders = directory_ids(uow, listed, unit_id=register.unit_id)
    uow.session.add(batch)
    uow.session.flush()
    # Rows of many letters bypass the session: its bookkeeping of each row was most of the time of an import.
    mail_ids = write_many(uow.session, Mail, [_mail(uow, register, one, senders) for one in placed])
    entries = [BookEntry(mail, _as_here(uow, one.number), one.on) for mail, one in zip(mail_ids, placed, strict=True)]
    numbers = allocation.allocate_many(uow, register, entries)
    for because, units in (
        (Because.REGISTERED, [register.unit_id] * len(placed)),
        (Because.ASSIGNED, [one.unit_id for one in placed]),
    ):
        seen = {mail: unit for mail, unit in zip(mail_ids, units, strict=True) if unit is not None}
        access.grant_first(uow, {mail: unit_principal(unit) for mail, unit in seen.items()}, because)
    taken = [
        {
            "mail_id": mail, "register_id": register_id, "own_id": one.line.own_id, "batch_id": batch.id,
            "content_hash": one.line.content_hash,
        }
        for mail, one in zip(mail_ids, placed, strict=True)
    ]  # fmt: skip
    write_many(uow.session, TakenLetter, taken)
    _tell(uow, register, source, mail_ids, numbers, placed)
    _attach(uow, mail_ids, placed)
    uow.defer(JobKind.INDEX_BACKLOG, batch.id)


def _as_here(uow: UnitOfWork, number: str) -> str:
    """A number of a paper book; in a training installation it does not look like one."""
    is_distinct = not uow.services.training or not number or number.startswith(TRAINING)
    return number if is_distinct else TRAINING + number


def _is_listed(line: ArchiveLine, register: Register) -> bool:
    """Whether the sender is listed in the directory: an outside sender of a letter that is not confidential."""
    direction = line.direction or register.direction
    return bool(line.sender) and may_be_listed(line.level) and direction is Direction.INCOMING


def _mail(uow: UnitOfWork, register: Register, one: Placed, senders: dict[str, int]) -> dict[str, Any]:
    line, at = one.line, _since(uow, register, one)
    return {
        "direction": line.direction or register.direction,
        "state": MailState.CLOSED,
        "level": int(line.level),
        "nature": line.nature,
        "subject": line.subject,
        "sender_id": senders.get(line.sender) if _is_listed(line, register) else None,
        "sender_name": line.sender,
        "addressee": line.addressee,
        "their_reference": one.reference,
        "written_on": line.written_on,
        "received_on": line.received_on,
        "unit_id": register.unit_id,
        "responsible_unit_id": one.unit_id,
        "created_at": at,
        "closed_at": at,
    }


def _tell(
    uow: UnitOfWork,
    register: Register,
    source: str,
    mail_ids: Sequence[int],
    numbers: Sequence[BookNumber],
    placed: Sequence[Placed],
) -> None:
    for mail_id, number, one in zip(mail_ids, numbers, placed, strict=True):
        line, comes_in = one.line, (one.line.direction or register.direction) is not Direction.OUTGOING
        received_on = line.received_on or number.registered_on if comes_in else None
        # Besides the number: what the proof of a monthly report compares with the rows.
        uow.record(
            "mail.imported", "mail", mail_id, actor=SYSTEM, own_id=line.own_id, source=source[-200:], line=line.line_no,
            registered_on=str(number.registered_on), received_on=str(received_on or ""),
            closed_on=str(_since(uow, register, one).astimezone(uow.services.zone).date()), level=int(line.level),
            unit=line.unit, registered_by=register.unit.code, **told_of_number(number),
        )  # fmt: skip


def _since(uow: UnitOfWork, register: Register, one: Placed) -> datetime:
    """When a letter was made and closed: a paper book's on its own day."""
    midnight = datetime.combine(one.on, time(), tzinfo=uow.services.zone).astimezone(UTC)
    return min(midnight, uow.now) if register.nature is RegisterNature.ARCHIVE else uow.now


def _attach(uow: UnitOfWork, mail_ids: Sequence[int], placed: Sequence[Placed]) -> None:
    added = [(mail_id, one.content) for mail_id, one in zip(mail_ids, placed, strict=True) if one.content is not None]
    ids = write_many(uow.session, Attachment, [_attachment(uow, mail_id, content) for mail_id, content in added])
    held = [(attachment_id, *one) for attachment_id, one in zip(ids, added, strict=True)]
    pages = [
        {
            "attachment_id": attachment_id, "page_no": n, "digest": page.digest, "media_type": page.media_type,
            "page_index": page.page_index,
        }
        for attachment_id, _mail_id, content in held
        for n, page in enumerate(content.pages, start=1)
    ]  # fmt: skip
    packed.write(uow.session, [content.sealed for _id, content in added if content.sealed is not None])
    nothing: list[Any] = []  # one object: ``write_many`` makes JSON of it once
    texts = [
        {
            "attachment_id": attachment_id, "page_no": n, "text": text, "words": nothing, "confidence": 100.0, "flags": nothing,
            "read_at": uow.now,
        }
        for attachment_id, _mail_id, content in held
        for n, text in enumerate(content.texts, start=1)
    ]  # fmt: skip
    write_many(uow.session, AttachmentPage, pages)
    write_many(uow.session, PageText, texts)
    for attachment_id, mail_id, content in held:
        uow.record(
            "attachment.added", "mail", mail_id, actor=SYSTEM, attachment=attachment_id,
            kind=AttachmentKind.DOCUMENT.value, digest=content.digest, pages=len(content.pages), reason="",
        )  # fmt: skip
        if not content.texts:
            uow.defer(JobKind.RECOGNISE_BACKLOG, attachment_id)


def _attachment(uow: UnitOfWork, mail_id: int, content: Content) -> dict[str, Any]:
    return {
        "mail_id": mail_id,
        "kind": AttachmentKind.DOCUMENT,
        "filename": content.filename,
        "media_type": content.media_type,
        "digest": content.digest,
        "size_bytes": content.size_bytes,
        "page_count": len(content.pages),
        "is_signed": content.is_signed,
        "added_at": uow.now,
    }
