"""Jobs that read incoming pages by machine. No lock is held while the engine works; the results are one short write.

Both functions may run twice, also concurrently: the second run finds the work done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Select, delete, select

from ged import destroyed, locks
from ged.capture import drawing
from ged.capture.files import (
    JOB_PATIENCE_S,
    NOT_LOOKED,
    fetch,
    kept_dir,
    look_at,
    private_dir,
    store_file,
    type_of_refused,
)
from ged.capture.intake import FirstLook, settle
from ged.capture.models import ScanBatch, ScanPage, ScanPicture
from ged.errors import EngineFailed, Invalid
from ged.ports import AttachmentId, Digest, FieldReading, PageRef, RecognisedPage, Recognition
from ged.recognition import again, margin_notes
from ged.register.models import Attachment, Mail, PageText, Rendition
from ged.search.models import PageReadAgain
from ged.suggestions import readings, resent
from ged.unit import SYSTEM, Services, UnitOfWork

Heartbeat = Callable[[str], None]
"""Reports the progress (``3/12``); raises when another worker has taken the job."""

SECONDS_A_PAGE = 90.0


# --- a batch -----------------------------------------------------------------------------------------------------


def run_intake(services: Services, batch_id: int, *, heartbeat: Heartbeat, now: datetime) -> None:
    """Inspect the new pages of a batch, split it at our codes, join its scans where possible, and make the thumbnails.

    A page that cannot be inspected is flagged and shown; none is dropped.

    Raises:
        EngineFailed: ``ocr.unavailable``, ``scanner.unavailable`` (retryable), ``scanner.refused``: no page inspected.
    """
    with services.reading() as session:
        new = [
            (page.id, Digest(page.digest))
            for page in session.scalars(
                select(ScanPage).where(ScanPage.batch_id == batch_id, ScanPage.inspected_at.is_(None))
            )
        ]
    first_looks: dict[int, FirstLook] = {}
    # The session is closed: pages are inspected for minutes, and no connection waits with them.
    with private_dir(services) as folder:
        for n, (page_id, digest) in enumerate(new, start=1):
            heartbeat(f"{n}/{len(new)}")
            first_looks[page_id] = _first_look(services, digest, folder / f"page-{page_id}")
    for attempt in services.attempts(now):
        with attempt as uow:
            settle(uow, batch_id, first_looks, now=now)
    _make_pictures(services, batch_id, heartbeat=heartbeat, now=now)


def _first_look(services: Services, digest: Digest, path: Path) -> FirstLook:
    fetch(services.blobs, digest, path)
    try:
        facts = look_at(services, path, filename="page", wait_s=JOB_PATIENCE_S)
    except Invalid as refusal:
        return FirstLook(type_of_refused(refusal), (), problem=refusal.code)
    except EngineFailed as failure:
        if failure.code in NOT_LOOKED:
            raise
        return FirstLook("", (), problem=failure.code)
    finally:
        path.unlink(missing_ok=True)
    return FirstLook(facts.media_type, facts.pages, facts.signed)


def _make_pictures(services: Services, batch_id: int, *, heartbeat: Heartbeat, now: datetime) -> None:
    with services.reading() as session:
        rows = session.execute(
            select(ScanPage.id, ScanPage.digest, ScanPage.media_type, ScanPage.page_index)
            .outerjoin(
                ScanPicture, (ScanPicture.scan_page_id == ScanPage.id) & (ScanPicture.width_px == drawing.THUMBNAIL_PX)
            )
            .where(ScanPage.batch_id == batch_id, ScanPage.problem == "", ScanPicture.digest.is_(None))
            .order_by(ScanPage.id)
        ).all()
    made: dict[int, Digest] = {}
    with private_dir(services) as folder:
        sources: dict[str, Path] = {}
        for n, (page_id, digest, media_type, page_index) in enumerate(rows, start=1):
            heartbeat(f"{n}/{len(rows)}")
            if digest not in sources:
                sources[digest] = fetch(services.blobs, digest, folder / f"source-{len(sources)}")
            ref = PageRef(sources[digest], media_type, page_index)
            picture = _picture(services, ref, drawing.THUMBNAIL_PX, folder / f"picture-{page_id}.jpg")
            if picture is not None:
                made[page_id] = picture
    if made:
        for attempt in services.attempts(now):
            with attempt as uow:
                _note_pictures(uow, made)


def _picture(services: Services, ref: PageRef, width_px: int, out: Path) -> Digest | None:
    try:
        services.ocr.thumbnail(ref, width_px=width_px, out=out, timeout_s=drawing.TIMEOUT_S)
    except (Invalid, EngineFailed):
        # The page was accepted and stays; the site draws it on demand, or shows that it cannot.
        return None
    return store_file(services.blobs, out)[0]


def _note_pictures(uow: UnitOfWork, made: dict[int, Digest]) -> None:
    batch_id = uow.session.scalar(select(ScanPage.batch_id).where(ScanPage.id.in_(made)).limit(1))
    # Concurrent runs wait here for the lock of the batch's row.
    locks.hold(uow.session, ScanBatch, [] if batch_id is None else [batch_id])
    held = set(
        uow.session.scalars(
            select(ScanPicture.scan_page_id).where(
                ScanPicture.scan_page_id.in_(made), ScanPicture.width_px == drawing.THUMBNAIL_PX
            )
        )
    )
    uow.session.add_all(
        ScanPicture(scan_page_id=page_id, width_px=drawing.THUMBNAIL_PX, digest=digest)
        for page_id, digest in made.items()
        if page_id not in held
    )


# --- an attachment -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stored:
    """An engine's results, after their bytes are stored."""

    pages: tuple[RecognisedPage, ...]
    images: tuple[tuple[Digest, int, str], ...]
    searchable_pdf: tuple[Digest, int, str]
    thumbnail: tuple[Digest, int, str]
    fields: tuple[FieldReading, ...] = ()


def run_recognise(
    services: Services,
    attachment_id: AttachmentId | int,
    *,
    heartbeat: Heartbeat,
    now: datetime,
    is_backlog: bool = False,
) -> None:
    """Read an attachment: text of its pages, page images, a searchable PDF beside the original.

    Doubtful pages are queued for the second reader, if there is one. ``is_backlog``: the attachment was imported.

    Raises:
        EngineFailed: ``ocr.timeout``, ``ocr.unavailable``.
    """
    with services.reading() as session:
        attachment = session.get(Attachment, attachment_id)
        if attachment is None or destroyed.of_letter(session, attachment.mail_id) is not None:
            return
        if _is_read(session.scalars(_kinds(attachment_id)).all()):
            return
        pages = [(page.digest, page.media_type, page.page_index, page.rotation) for page in attachment.pages]
    if not pages:
        return
    heartbeat(f"0/{len(pages)}")
    # This folder has the pages that a killed worker finished.
    with kept_dir(services, f"attachment-{attachment_id}") as folder:
        sources: dict[str, Path] = {}
        for digest, *_ in pages:
            if digest not in sources:
                sources[digest] = fetch(services.blobs, digest, folder / f"source-{len(sources)}")
        refs = [PageRef(sources[digest], media_type, index, turned) for digest, media_type, index, turned in pages]
        stored = _read(services, refs, folder, heartbeat)
    for attempt in services.attempts(now):
        with attempt as uow:
            _note_reading(uow, int(attachment_id), stored, is_backlog=is_backlog)


def _kinds(attachment_id: int) -> Select[str]:
    return select(Rendition.kind).where(Rendition.attachment_id == attachment_id)


def _is_read(kinds: Sequence[str]) -> bool:
    return "searchable_pdf" in kinds


def _read(services: Services, refs: Sequence[PageRef], folder: Path, heartbeat: Heartbeat) -> _Stored:
    out = folder / "out"
    out.mkdir(mode=0o700, exist_ok=True)
    total = len(refs)
    found = services.ocr.recognise(
        refs,
        languages=services.ocr_languages,
        timeout_s=60.0 + SECONDS_A_PAGE * total,
        out=out,
        on_page=lambda page: heartbeat(f"{page.page_no}/{total}"),
    )
    services.meter.count("ged_ocr_pages_total", by=total)
    return _store(services, found)


def _store(services: Services, found: Recognition) -> _Stored:
    def keep(path: Path | None) -> tuple[Digest, int, str]:
        if path is None:
            raise EngineFailed("ocr.failed", "Let the engine make pictures too.")
        return *store_file(services.blobs, path), media_type_of(path)

    return _Stored(
        found.pages,
        tuple(keep(page.image) for page in found.pages),
        keep(found.searchable_pdf),
        keep(found.thumbnail),
        found.fields,
    )


def media_type_of(path: Path) -> str:
    """The type of a picture or PDF that an engine made, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"RIFF") and head.endswith(b"WEBP"):
        return "image/webp"
    return "image/png" if head.startswith(b"\x89PNG") else "image/jpeg"


def _note_reading(uow: UnitOfWork, attachment_id: int, stored: _Stored, *, is_backlog: bool) -> None:
    # Lock the letter, as the replacement of a document does: the marks of the text are rows of the letter too.
    mail_id = uow.session.get_one(Attachment, attachment_id).mail_id
    locks.hold(uow.session, Mail, [mail_id])
    attachment = locks.hold_known(uow.session, Attachment, attachment_id)
    # Once more under the lock: of two runs the second one finds the text of the first.
    is_read = _is_read(uow.session.scalars(_kinds(attachment_id)).all())
    if is_read or destroyed.of_letter(uow.session, mail_id) is not None:
        return
    for table in (PageText, PageReadAgain):
        uow.session.execute(delete(table).where(table.attachment_id == attachment_id))
    for page in stored.pages:
        uow.session.add(
            PageText(
                attachment_id=attachment_id,
                page_no=page.page_no,
                text=page.text,
                words=[[w.text, w.x, w.y, w.width, w.height, w.confidence] for w in page.words],
                confidence=page.confidence,
                language=page.language,
                flags=list(page.flags),
                read_at=uow.now,
            )
        )
    readings.note_attachment(uow, attachment_id, stored.fields)
    margin_notes.note_found(uow, attachment, stored.pages)
    resent.note_letter(uow, attachment, stored.pages[0].text, stored.pages[0].likeness)
    named = [("page_image", page.page_no, kept) for page, kept in zip(stored.pages, stored.images, strict=True)]
    named += [("searchable_pdf", 0, stored.searchable_pdf), ("thumbnail", 0, stored.thumbnail)]
    for kind, page_no, (digest, size_bytes, media_type) in named:
        uow.session.add(
            Rendition(
                attachment_id=attachment_id,
                kind=kind,
                page_no=page_no,
                digest=digest,
                media_type=media_type,
                size_bytes=size_bytes,
                made_at=uow.now,
            )
        )
    flags = sorted({flag for page in stored.pages for flag in page.flags})
    uow.record(
        "attachment.read", "mail", attachment.mail_id, actor=SYSTEM, attachment=attachment_id, pages=len(stored.pages),
        flags=flags, renditions={f"{kind}/{page_no}": kept[0] for kind, page_no, kept in named},
    )  # fmt: skip
    uow.reindex(attachment.mail_id)
    again.ask(uow, attachment_id, stored.pages, is_backlog=is_backlog)
