"""Messages become waiting scans: they are fetched, inspected, committed, and only then moved in their mailbox.

A message is identified by its mailbox and the server's number for it, and by its bytes. If it is found again, after a
crash between commit and move, or after the server has renumbered its folder, it is only moved: no scan is made twice.
"""

import hashlib
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.capture import intake
from ged.capture.files import JOB_PATIENCE_S, NOT_LOOKED, look_at, private_dir, type_of_refused
from ged.capture.grouping import Group
from ged.capture.intake import FirstLook
from ged.capture.models import BatchSource, BatchState, MailboxMessage, MessageState, Scan, ScanBatch, ScanPage
from ged.errors import EngineFailed, Invalid
from ged.filenames import harmless_name
from ged.jobs import JobKind
from ged.mailbox.messages import Letter, Part
from ged.mailbox.reading import read_apart
from ged.org.models import Unit
from ged.ports import Digest, Mailbox, MessageRef, OpenMailbox, PageFacts
from ged.typeset import TEMPLATES, typeset
from ged.unit import SYSTEM, Services, UnitOfWork

logger = logging.getLogger(__name__)

AT_ONCE = 20
"""Largest number of messages of one run, so that the lane is not blocked for long; the next run collects the rest."""
PICTURE_PX = 500
"""An inline picture of at least this width and height counts as a page; a smaller one is a logo or an emoji."""
TEMPLATE = TEMPLATES / "message.typ"
WINMAIL = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


@dataclass(frozen=True)
class _File:
    """A stored part of a message, and the result of its first look."""

    digest: Digest
    size_bytes: int
    filename: str
    media_type: str
    first_look: FirstLook


@dataclass(frozen=True)
class _Taken:
    ref: MessageRef
    digest: Digest
    letter: Letter
    files: Sequence[_File] = field(repr=False)


def collect(services: Services, mailbox: Mailbox, *, heartbeat: Callable[[str], None], now: datetime) -> bool:
    """Collect the messages of a mailbox; returns whether more are left.

    A refused message is moved to the mailbox's folder of errors; its reason is stored for administrators.

    Raises:
        EngineFailed: ``mailbox.unavailable``, ``mailbox.login``, ``mailbox.token``, ``mailbox.unit``;
            ``scanner.unavailable``, ``ocr.unavailable``, ``ocr.timeout`` of the whole reading: the message stays in
            its folder.
    """
    with services.reading() as session:
        unit_id = session.scalar(select(Unit.id).where(Unit.code == mailbox.unit_code, Unit.closed_at.is_(None)))
    if unit_id is None:
        raise EngineFailed("mailbox.unit", "name an open unit", mailbox=mailbox.name, unit=mailbox.unit_code)
    with mailbox.open() as opened:
        waiting = opened.waiting()
        for n, ref in enumerate(waiting[:AT_ONCE], start=1):
            heartbeat(f"{n}/{len(waiting)}")
            _collect_one(services, mailbox.name, unit_id, opened, ref, now)
    return len(waiting) > AT_ONCE


def _collect_one(
    services: Services, mailbox: str, unit_id: int, opened: OpenMailbox, ref: MessageRef, now: datetime
) -> None:
    with services.reading() as session:
        state = _known(session, mailbox, ref)
    if state is None:
        state = _take_in(services, mailbox, unit_id, opened, ref, now)
    if state is not None:
        opened.put_away(ref, refused=state is MessageState.REFUSED)


def _take_in(
    services: Services, mailbox: str, unit_id: int, opened: OpenMailbox, ref: MessageRef, now: datetime
) -> MessageState | None:
    """Process one message; returns its new state, or None when the message is gone."""
    # By the size that the server tells: what is too large is not even fetched.
    if ref.size_bytes > services.max_upload_bytes:
        return _refuse(services, mailbox, ref, None, "message.too_large", None, now)
    raw = opened.read(ref)
    if raw is None:
        return None
    stored = services.blobs.put(io.BytesIO(raw))
    with services.reading() as session:
        same = _same_bytes(session, mailbox, stored.digest)
    if same is not None:
        return same
    letter = None
    try:
        letter = read_apart(raw)  # before the virus check, in a sandboxed child: so a refusal can name the sender
        _check_whole(services, raw)
        if _is_no_letter(services, letter):
            return _no_letter(services, mailbox, ref, stored.digest, letter, now)
        files = _look_at(services, letter, now)
    except Invalid as refusal:
        return _refuse(services, mailbox, ref, stored.digest, refusal.code, letter, now)
    for attempt in services.attempts(now):
        with attempt as uow:
            accept(uow, mailbox, unit_id, _Taken(ref, stored.digest, letter, files), now=now)
    return MessageState.TAKEN


def _is_no_letter(services: Services, letter: Letter) -> bool:
    """Whether the program wrote the message to itself, or it reports what became of a message of ours.

    A report about other messages is a letter: anybody can give a letter this form, and a clerk has to see it.
    """
    named = [letter.message_id, *(one.message_id for one in letter.reports)]
    with services.reading() as session:
        return any(knows(session, name) for knows, _ in services.when_collected for name in named)


def _no_letter(
    services: Services, mailbox: str, ref: MessageRef, digest: Digest, letter: Letter, now: datetime
) -> MessageState:
    """Keep a message that is no letter: what it reports is handed on, and no clerk is asked."""
    for attempt in services.attempts(now):
        with attempt as uow:
            row = _message_kept(mailbox, ref, digest, letter, now)
            uow.session.add(row)
            uow.session.flush()
            uow.record("mailbox.report", "mailbox", row.id, actor=SYSTEM, mailbox=mailbox, digest=digest)
            for _, follow in services.when_collected:
                follow(uow, letter.message_id, letter.reports)
    return MessageState.TAKEN


def _check_whole(services: Services, raw: bytes) -> None:
    """Refuse a message with a virus in any part.

    Raises:
        Invalid: ``file.virus``.
        EngineFailed: ``scanner.unavailable``: the message stays in its folder.
    """
    if services.scanner is not None:
        with private_dir(services) as folder:
            (folder / "message").write_bytes(raw)
            services.scanner.check(folder / "message")


def _known(session: Session, mailbox: str, ref: MessageRef) -> MessageState | None:
    return session.scalar(
        select(MailboxMessage.state).where(
            MailboxMessage.mailbox == mailbox,
            MailboxMessage.uid_validity == ref.uid_validity,
            MailboxMessage.uid == ref.uid,
        )
    )


def _same_bytes(session: Session, mailbox: str, digest: Digest) -> MessageState | None:
    return session.scalar(
        select(MailboxMessage.state)
        .where(MailboxMessage.mailbox == mailbox, MailboxMessage.digest == digest)
        .order_by(MailboxMessage.id)
        .limit(1)
    )


def _refuse(
    services: Services,
    mailbox: str,
    ref: MessageRef,
    digest: Digest | None,
    code: str,
    letter: Letter | None,
    now: datetime,
) -> MessageState:
    for attempt in services.attempts(now):
        with attempt as uow:
            row = _message_kept(mailbox, ref, digest, letter, now)
            row.state, row.reason = MessageState.REFUSED, code
            uow.session.add(row)
            uow.session.flush()
            uow.record("mailbox.refused", "mailbox", row.id, actor=SYSTEM, mailbox=mailbox, digest=digest, reason=code)
    return MessageState.REFUSED


def _message_kept(
    mailbox: str, ref: MessageRef, digest: Digest | None, letter: Letter | None, now: datetime
) -> MailboxMessage:
    row = MailboxMessage(
        mailbox=mailbox,
        uid_validity=ref.uid_validity,
        uid=ref.uid,
        digest=digest,
        size_bytes=ref.size_bytes,
        state=MessageState.TAKEN,
        taken_at=now,
    )
    if letter is not None:
        row.message_id, row.subject, row.sent_at = letter.message_id, letter.subject, letter.sent_at
        row.sender_name, row.sender_address = letter.sender_name, letter.sender_address
    return row


# --- looking ------------------------------------------------------------------------------------------------------


def _look_at(services: Services, letter: Letter, now: datetime) -> list[_File]:
    """The text as a page, then every file, in order; logos are skipped, but stay in the raw message."""
    found = [one for one in (_file(services, part) for part in letter.parts) if one is not None]
    body = Part("message.pdf", "application/pdf", _body_pdf(services, letter, [f.filename for f in found], now))
    page = _file(services, body)
    return ([page] if page is not None else []) + found


def _file(services: Services, part: Part) -> _File | None:
    stored = services.blobs.put(io.BytesIO(part.content))
    first_look = _first_look(services, part)
    if part.embedded and (first_look.problem or min(_size(first_look.pages)) < PICTURE_PX):
        return None
    return _File(
        stored.digest, stored.size_bytes, part.filename, first_look.media_type or part.media_type[:100], first_look
    )


def _size(pages: Sequence[PageFacts]) -> tuple[int, int]:
    return (pages[0].width_px, pages[0].height_px) if pages else (0, 0)


def _first_look(services: Services, part: Part) -> FirstLook:
    if part.media_type in WINMAIL or part.filename.lower() == "winmail.dat":
        return FirstLook("", (), problem="message.winmail")
    with private_dir(services) as folder:
        path = folder / "part"
        path.write_bytes(part.content)
        try:
            facts = look_at(services, path, filename=part.filename, wait_s=JOB_PATIENCE_S)
        except Invalid as refusal:
            return FirstLook(type_of_refused(refusal), (), problem=refusal.code)
        except EngineFailed as failure:
            if failure.code in NOT_LOOKED:
                raise
            return FirstLook("", (), problem=failure.code)
    return FirstLook(facts.media_type, facts.pages, facts.signed)


def _body_pdf(services: Services, letter: Letter, filenames: Sequence[str], now: datetime) -> bytes:
    local = letter.sent_at.astimezone(services.zone) if letter.sent_at is not None else None
    sender = letter.sender_name
    if letter.sender_address and letter.sender_address != sender:
        sender = f"{sender} <{letter.sender_address}>"
    heads = [
        ("De", sender),
        ("À", letter.to),
        ("Date", f"{local:%d/%m/%Y à %H:%M}" if local else ""),
        ("Objet", letter.subject),
    ]
    data = {
        "subject": letter.subject or "Message",
        "received": f"{now.astimezone(services.zone):%d/%m/%Y à %H:%M}",
        "heads": [[word, value] for word, value in heads if value],
        "lines": letter.text.split("\n"),
        "files": list(filenames),
    }
    at = letter.sent_at or now
    # A character without a font is still in the raw message.
    return typeset(TEMPLATE, _fitted(data), at=at, as_written=True)


def _fitted(data: dict[str, Any]) -> dict[str, Any]:
    def go(one: Any) -> Any:
        if isinstance(one, str):
            return "".join(c if c.isprintable() else " " for c in one.replace("\t", "    "))
        return [go(inner) for inner in one] if isinstance(one, list) else one

    return {name: go(value) for name, value in data.items()}


# --- taking in ----------------------------------------------------------------------------------------------------


def accept(uow: UnitOfWork, mailbox: str, unit_id: int, taken: _Taken, *, now: datetime) -> None:
    """Make waiting scans of a message: text and files as one scan, each signed file as a scan of its own. A detached
    signature stays with the other files: it is checked against all files of its letter.

    Codes on its pages are ignored: otherwise an outsider with a letter's label could add pages to the letter.
    """
    letter = taken.letter
    batch = ScanBatch(
        # Unique by content: of two runs that take the same message, the second one fails here.
        key=hashlib.sha256(f"{mailbox}\n{taken.digest}".encode()).hexdigest()[:48],
        unit_id=unit_id,
        source=BatchSource.EMAIL,
        state=BatchState.SETTLED,
        filename=harmless_name(letter.subject.replace("/", "-") or "Message"),
        created_at=now,
        completed_at=now,
    )
    uow.session.add(batch)
    uow.session.flush()
    row = _message_kept(mailbox, taken.ref, taken.digest, letter, now)
    row.batch_id = batch.id
    uow.session.add(row)
    uow.session.flush()
    uow.record("mailbox.taken", "mailbox", row.id, actor=SYSTEM, mailbox=mailbox, digest=taken.digest, batch=batch.id)
    together = Group()
    signed: list[tuple[_File, Group]] = []
    for n, file in enumerate(taken.files, start=1):
        pages = _pages(uow, batch, n, file, now)
        if file.first_look.signed:
            signed.append((file, Group(pages=pages)))
        else:
            together.pages += pages
    if together.pages:
        intake.new_scan(uow, batch, together, now)
    for file, group in signed:
        scan = intake.new_scan(uow, batch, group, now)
        scan.is_signed, scan.digest, scan.filename = True, file.digest, file.filename
    uow.defer(JobKind.INTAKE, batch.id)


def _pages(uow: UnitOfWork, batch: ScanBatch, n: int, file: _File, now: datetime) -> list[ScanPage]:
    page = ScanPage(
        batch_id=batch.id,
        token=f"part-{n}",
        position=n,
        digest=file.digest,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        filename=file.filename,
        received_at=now,
    )
    uow.session.add(page)
    # Not signed, whatever the file is: `note` would call the whole message signed, and with it its text.
    intake.note(
        uow,
        batch,
        page,
        FirstLook(file.first_look.media_type, file.first_look.pages, False, file.first_look.problem),
        now,
    )
    uow.session.flush()
    rows = select(ScanPage).where(ScanPage.batch_id == batch.id, ScanPage.position == n).order_by(ScanPage.page_index)
    return list(uow.session.scalars(rows))


# --- showing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageRow:
    """A message in the administrators' list and the clerk's form. ``digest``: of the raw message."""

    id: int
    mailbox: str
    state: MessageState
    reason: str
    sender_name: str
    sender_address: str
    subject: str
    sent_at: datetime | None
    taken_at: datetime
    size_bytes: int
    digest: str | None = None


def message_of_scan(session: Session, scan_id: int) -> MessageRow | None:
    """The message of a scan, if it came by e-mail. The caller has checked access to the scan."""
    row = session.scalar(
        select(MailboxMessage).join(Scan, Scan.batch_id == MailboxMessage.batch_id).where(Scan.id == scan_id)
    )
    return _message_row(row) if row is not None else None


def refused(session: Session, *, limit: int = 100) -> list[MessageRow]:
    """Refused messages, newest first (for administrators; the contents are not shown)."""
    rows = session.scalars(
        select(MailboxMessage)
        .where(MailboxMessage.state == MessageState.REFUSED)
        .order_by(MailboxMessage.id.desc())
        .limit(limit)
    )
    return [_message_row(row) for row in rows]


def _message_row(row: MailboxMessage) -> MessageRow:
    return MessageRow(
        row.id, row.mailbox, row.state, row.reason, row.sender_name, row.sender_address, row.subject, row.sent_at,
        row.taken_at, row.size_bytes, row.digest,
    )  # fmt: skip
