"""Readings: the fields found on pages, and their places on the pages as shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, or_, select
from sqlalchemy.orm import Session

from ged.capture.arrange import QUARTERS
from ged.capture.models import BLANK_FROM, BOOK_ELSEWHERE, BOOK_PAGE, Scan, ScanLeaf, ScanState
from ged.jobs import LIVE_STATES, Job, JobKind
from ged.ports import FieldReading, RecognisedPage
from ged.register.models import Attachment, AttachmentKind, MailNumber
from ged.suggestions.models import AttachmentField, Lookalike, ScanPageField, ScanPageReading
from ged.unit import UnitOfWork

FORGET_AFTER = timedelta(days=2)
MAX_VALUE = 2000
MAX_COMPARED = 30
"""Largest number of pages of one scan that are read for a comparison with a print."""
MAX_FIELDS = 60
"""Largest number of fields of one document: a hostile page may look like a list of a thousand amounts."""

CLOSED_NOTES = ("sealed_envelope", "code_elsewhere", BOOK_PAGE, BOOK_ELSEWHERE)
"""Notes of scans that must not be read automatically."""

Box = tuple[float, float, float, float]
"""Left, top, width, height in fractions of the page."""


@dataclass(frozen=True)
class ReadField:
    """A field as read, with its place. ``page``: the page's number in the document or scan, from 1."""

    name: str
    value: str
    page: int
    box: Box
    confidence: float


def unturned(box: Box, flags: Collection[str]) -> Box:
    """Convert a box from the page as rotated by the engine to the original page.

    >>> unturned((0.1, 0.2, 0.3, 0.05), ("rotated_180",))
    (0.6, 0.75, 0.3, 0.05)
    """
    x, y, width, height = box
    if "rotated_90" in flags:
        x, y, width, height = y, 1 - x - width, height, width
    elif "rotated_180" in flags:
        x, y = 1 - x - width, 1 - y - height
    elif "rotated_270" in flags:
        x, y, width, height = 1 - y - height, x, height, width
    return round(x, 5), round(y, 5), round(width, 5), round(height, 5)


def turned(box: Box, degrees: int) -> Box:
    """Convert a box from the original page to the page turned clockwise; the inverse of ``unturned``.

    >>> turned((0.6, 0.75, 0.3, 0.05), 180)
    (0.1, 0.2, 0.3, 0.05)
    """
    return unturned(box, (f"rotated_{360 - degrees}",)) if degrees else box


def turns(session: Session, leaves: Sequence[ScanLeaf]) -> dict[int, int]:
    """Of pages of a waiting scan that lie wrongly: leaf id -> degrees clockwise by which the machine turned them."""
    by_page = {leaf.scan_page_id: leaf for leaf in leaves}
    rows = session.execute(
        select(ScanPageReading.scan_page_id, ScanPageReading.rotation, ScanPageReading.flags).where(
            ScanPageReading.scan_page_id.in_(by_page)
        )
    )
    found = {}
    for page_id, rotation, flags in rows:
        leaf = by_page[page_id]
        degrees = next((one for one in QUARTERS if f"rotated_{one}" in flags), 0)
        # A clerk who has turned the page since needs no second turn: the reading is of the page as it lay before.
        if degrees and rotation == leaf.rotation:
            found[leaf.id] = degrees
    return found


def turns_of_scan(session: Session, scan_id: int) -> dict[int, int]:
    """``turns`` of the pages of a scan that are in the letter; nothing of a signed file, which stays as it is."""
    scan = session.get(Scan, scan_id)
    if scan is None or scan.is_signed:
        return {}
    return turns(session, [leaf for leaf in scan.leaves if not leaf.removed])


def pages_to_read(scan: Scan) -> list[ScanLeaf]:
    """The first non-blank page of a scan, and the last: the head of a letter, and its signature and copies.

    If a person must compare the scan with a print: all pages, up to ``MAX_COMPARED``.
    """
    present = [leaf for leaf in scan.leaves if not leaf.removed and not leaf.page.problem]
    full = [leaf for leaf in present if leaf.page.blank_score < BLANK_FROM] or present
    if scan.proof_kind:
        return full[:MAX_COMPARED]
    return full[:1] + full[-1:] if len(full) > 1 else full


def may_be_read(session: Session, scan: Scan) -> bool:
    """Whether the scan may be read automatically: it is waiting, and no sealed envelope."""
    if scan.state is not ScanState.WAITING or scan.note in CLOSED_NOTES:
        return False
    sealed = select(MailNumber.envelope_id).where(MailNumber.id == scan.number_id)
    closed = Scan.note.in_(CLOSED_NOTES)
    put_in = select(Scan.id).where(Scan.merged_into_id == scan.id, closed).limit(1)
    return session.scalar(sealed) is None and session.scalar(put_in) is None


def is_read(session: Session, leaves: Sequence[ScanLeaf]) -> bool:
    """Whether each of these pages was read in its present rotation."""
    rows = session.execute(
        select(ScanPageReading.scan_page_id, ScanPageReading.rotation).where(
            ScanPageReading.scan_page_id.in_([leaf.scan_page_id for leaf in leaves])
        )
    )
    found = {page_id: rotation for page_id, rotation in rows}  # noqa: C416  # rows are no pairs to mypy
    return all(found.get(leaf.scan_page_id) == leaf.rotation for leaf in leaves)


def is_awaited(session: Session, scan: Scan) -> bool:
    """Whether a job will read the scan, or is reading it."""
    asked = select(Job.id).where(
        or_(
            (Job.kind == JobKind.READ_SCAN) & (Job.subject_id == scan.id),
            (Job.kind == JobKind.INTAKE) & (Job.subject_id == scan.batch_id),
        ),
        Job.state.in_(LIVE_STATES),
    )
    return session.scalar(asked.limit(1)) is not None


def note_scan(
    uow: UnitOfWork,
    leaves: Sequence[tuple[int, int]],
    pages: Sequence[RecognisedPage],
    fields: Sequence[FieldReading],
) -> None:
    """Store the readings of a waiting scan's pages, replacing earlier ones. ``leaves``: (page id, rotation)."""
    ids = [page_id for page_id, _ in leaves]
    uow.session.execute(delete(ScanPageField).where(ScanPageField.scan_page_id.in_(ids)))
    uow.session.execute(delete(ScanPageReading).where(ScanPageReading.scan_page_id.in_(ids)))
    flags: dict[int, tuple[int, tuple[str, ...]]] = {}
    for (page_id, rotation), page in zip(leaves, pages, strict=True):
        flags[page.page_no] = (page_id, page.flags)
        uow.session.add(
            ScanPageReading(
                scan_page_id=page_id,
                rotation=rotation,
                text=page.text,
                confidence=page.confidence,
                flags=list(page.flags),
                read_at=uow.now,
            )
        )
    for position, one in enumerate(fields[:MAX_FIELDS]):
        if one.page_no not in flags:
            continue
        page_id, turned = flags[one.page_no]
        x, y, width, height = unturned((one.x, one.y, one.width, one.height), turned)
        uow.session.add(
            ScanPageField(
                scan_page_id=page_id,
                position=position,
                name=one.name[:32],
                value=one.value[:MAX_VALUE],
                x=x,
                y=y,
                width=width,
                height=height,
                confidence=one.confidence,
            )
        )


def note_attachment(uow: UnitOfWork, attachment_id: int, fields: Sequence[FieldReading]) -> None:
    """Store the fields of an attachment, replacing earlier ones."""
    uow.session.execute(delete(AttachmentField).where(AttachmentField.attachment_id == attachment_id))
    uow.session.add_all(
        AttachmentField(
            attachment_id=attachment_id,
            position=position,
            name=one.name[:32],
            value=one.value[:MAX_VALUE],
            page_no=one.page_no,
            x=one.x,
            y=one.y,
            width=one.width,
            height=one.height,
            confidence=one.confidence,
        )
        for position, one in enumerate(fields[:MAX_FIELDS])
    )


def of_leaves(session: Session, leaves: Sequence[tuple[int, int]]) -> list[ReadField]:
    """The fields of pages of a waiting scan; ``leaves``: (page id, the number under which it is shown)."""
    shown = dict(leaves)
    rows = session.scalars(
        select(ScanPageField).where(ScanPageField.scan_page_id.in_(shown)).order_by(ScanPageField.position)
    )
    return [
        ReadField(f.name, f.value, shown[f.scan_page_id], (f.x, f.y, f.width, f.height), f.confidence) for f in rows
    ]


def of_attachment(session: Session, attachment_id: int) -> list[ReadField]:
    """The fields of an attachment; the caller has checked that the actor may see its letter."""
    rows = session.scalars(
        select(AttachmentField).where(AttachmentField.attachment_id == attachment_id).order_by(AttachmentField.position)
    )
    return [_field(one) for one in rows]


def of_document(session: Session, mail_id: int) -> tuple[int | None, list[ReadField]]:
    """The newest version of a letter's document, and its fields; (None, []) while none has been read.

    The caller has checked that the actor may see the letter.
    """
    rows = session.scalars(_of_document(), {"mail": int(mail_id)}).all()
    return (rows[0].attachment_id if rows else None), [_field(one) for one in rows]


@cache
def _of_document() -> Select[AttachmentField]:
    """The statement of ``of_document`` for the letter ``mail``, composed once."""
    latest = (
        select(Attachment.id)
        .where(Attachment.mail_id == bindparam("mail"), Attachment.kind == AttachmentKind.DOCUMENT)
        .order_by(Attachment.version_no.desc(), Attachment.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(AttachmentField).where(AttachmentField.attachment_id == latest).order_by(AttachmentField.position)


def _field(f: AttachmentField) -> ReadField:
    return ReadField(f.name, f.value, f.page_no, (f.x, f.y, f.width, f.height), f.confidence)


def text_of_leaves(session: Session, leaves: Sequence[ScanLeaf]) -> str:
    """The text of pages of a waiting scan, in their order."""
    ids = [leaf.scan_page_id for leaf in leaves]
    rows = session.execute(
        select(ScanPageReading.scan_page_id, ScanPageReading.text).where(ScanPageReading.scan_page_id.in_(ids))
    )
    texts = {page_id: text for page_id, text in rows}  # noqa: C416  # rows are no pairs to mypy
    return "\n\n".join(texts[one] for one in ids if one in texts)


def text_of_leaf(session: Session, scan_page_id: int) -> str:
    """The text of a page of a waiting scan."""
    return session.scalar(select(ScanPageReading.text).where(ScanPageReading.scan_page_id == scan_page_id)) or ""


def forget(uow: UnitOfWork, *, now: datetime) -> int:
    """Delete the readings of scans that no longer wait: the letter's own reading replaces them."""
    pages = list(
        uow.session.scalars(
            select(ScanPageReading.scan_page_id).where(ScanPageReading.read_at < now - FORGET_AFTER, ~_waits())
        )
    )
    uow.session.execute(delete(ScanPageField).where(ScanPageField.scan_page_id.in_(pages)))
    uow.session.execute(delete(ScanPageReading).where(ScanPageReading.scan_page_id.in_(pages)))
    over = select(Scan.id).where(Scan.state.not_in((ScanState.WAITING, ScanState.DISCARDED)))
    uow.session.execute(delete(Lookalike).where(Lookalike.scan_id.in_(over), Lookalike.found_at < now - FORGET_AFTER))
    return len(pages)


def _waits() -> ColumnElement[bool]:
    return exists().where(
        ScanLeaf.scan_page_id == ScanPageReading.scan_page_id,
        Scan.id == ScanLeaf.scan_id,
        Scan.state.in_((ScanState.WAITING, ScanState.DISCARDED)),
    )
