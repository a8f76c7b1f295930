"""The job of the second reader: doubtful pages are read again, and their text is replaced where that is surer.

The first reading is quick and is not waited for by this one: it is committed, shown and indexed before. No lock is held
while the reader works. A job reads for a minute, writes its pages in one short transaction and defers the next job: so
a long document keeps no other from being read. A job that is killed has written nothing, and its pages are read again.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from ged import destroyed, locks, schema
from ged.capture.files import fetch, private_dir
from ged.errors import EngineFailed, Invalid
from ged.jobs import JobKind
from ged.ports import Digest, PageRef, RecognisedPage, SecondReader, SecondReading, Word
from ged.register.models import Attachment, AttachmentPage, Mail, PageText
from ged.search.models import PageReadAgain
from ged.unit import SYSTEM, ReadSession, Services, UnitOfWork

OPENED_BY = "0191"
SLICE_S = 60.0
"""A job begins no further page after this time."""
PAGE_S = 600.0
"""For one page; a page that takes longer keeps its first reading."""
CRASHED, TRIES = "ocr.crashed", 2
SURE_WORD = 90.0
DOUBTFUL_SHARE = 0.04
"""Of the letters of a page. Measured on typescripts: below it the second reader changes hardly any word."""
_NOT_AGAIN = frozenset({"born_digital", "blank", "failed"})


def is_doubtful(flags: Iterable[str], words: Iterable[tuple[str, float]]) -> bool:
    """Whether a page is worth a second reading.

    Args:
        flags: of the first reading.
        words: its words with their confidence, 0..100.
    """
    distinct = set(flags)
    if distinct & _NOT_AGAIN:
        return False
    letters = doubtful = 0
    for text, confidence in words:
        letters += len(text)
        doubtful += len(text) if confidence < SURE_WORD else 0
    return "low_confidence" in distinct or doubtful > DOUBTFUL_SHARE * letters


def ask(uow: UnitOfWork, attachment_id: int, pages: Sequence[RecognisedPage], *, is_backlog: bool) -> None:
    """Queue the second reading of an attachment that was just read, if there is a second reader and a doubtful page."""
    if uow.services.second_reader is None or not schema.is_opened(uow.session, OPENED_BY):
        return
    if any(is_doubtful(page.flags, ((word.text, word.confidence) for word in page.words)) for page in pages):
        uow.defer(JobKind.READ_AGAIN_BACKLOG if is_backlog else JobKind.READ_AGAIN, attachment_id)


@dataclass(frozen=True)
class _Wanted:
    """A page to read again, with its first reading."""

    page_no: int
    digest: str
    media_type: str
    page_index: int
    rotation: int
    text: str
    words: tuple[Word, ...]
    flags: tuple[str, ...]
    read_at: datetime


def run(
    services: Services, attachment_id: int, *, kind: JobKind, heartbeat: Callable[[str], None], now: datetime
) -> None:
    """Read doubtful pages of an attachment again, for ``SLICE_S``; the rest is left to another job of this ``kind``.

    Raises:
        EngineFailed: ``ocr.second_unavailable``; DiskFull: ``disk.full``.
    """
    reader = services.second_reader
    if reader is None:
        return  # it was switched off since
    # Before any page: a reader that is not there leaves the job waiting, and counts no page as given up.
    reader.check()
    with services.reading() as session:
        wanted = _wanted(session, attachment_id)
    end_s = time.monotonic() + SLICE_S
    read: list[tuple[_Wanted, SecondReading | str]] = []
    with private_dir(services) as folder:
        sources: dict[str, Path] = {}
        for page in wanted:
            # At least one page a job, however long it took: else a slow machine would defer the same job for ever.
            if read and time.monotonic() > end_s:
                break
            heartbeat(f"{len(read)}/{len(wanted)}")
            if page.digest not in sources:
                sources[page.digest] = fetch(services.blobs, Digest(page.digest), folder / f"source-{len(sources)}")
            read.append((page, _read(services, reader, page, sources[page.digest])))
    if not read:
        return
    for attempt in services.attempts(now):
        with attempt as uow:
            _note(uow, attachment_id, read)
            if len(read) < len(wanted):
                uow.defer(kind, attachment_id)


def _wanted(session: ReadSession, attachment_id: int) -> list[_Wanted]:
    """The doubtful pages that were not yet read again."""
    attachment = session.get(Attachment, attachment_id)
    if attachment is None or destroyed.of_letter(session, attachment.mail_id) is not None:
        return []
    rows = session.execute(
        select(AttachmentPage, PageText)
        .join(
            PageText,
            (PageText.attachment_id == AttachmentPage.attachment_id) & (PageText.page_no == AttachmentPage.page_no),
        )
        .outerjoin(
            PageReadAgain,
            (PageReadAgain.attachment_id == PageText.attachment_id) & (PageReadAgain.page_no == PageText.page_no),
        )
        .where(PageText.attachment_id == attachment_id, PageReadAgain.attachment_id.is_(None))
        .order_by(PageText.page_no)
    )
    return [
        _Wanted(
            page.page_no,
            page.digest,
            page.media_type,
            page.page_index,
            page.rotation,
            text.text,
            tuple(Word(*word) for word in text.words),
            tuple(text.flags),
            text.read_at,
        )
        for page, text in rows
        if is_doubtful(text.flags, ((str(word[0]), float(word[5])) for word in text.words))
    ]


def _read(services: Services, reader: SecondReader, page: _Wanted, source: Path) -> SecondReading | str:
    """The second reading of a page; a code, if the page is given up.

    A child that ended is tried once more: it may have been ended for its memory, which is no fault of the page.
    """
    ref = PageRef(source, page.media_type, page.page_index, page.rotation)
    code = CRASHED
    for _ in range(TRIES):
        try:
            found = reader.read_again(ref, text=page.text, words=page.words, flags=page.flags, timeout_s=PAGE_S)
        except Invalid as refusal:
            return refusal.code
        except EngineFailed as failure:
            if failure.code in {"ocr.second_unavailable", "disk.full"}:
                raise
            code = failure.code
        else:
            services.meter.count("ged_ocr_second_pages_total")
            return found
        if code != CRASHED:
            break
    return code


def _note(uow: UnitOfWork, attachment_id: int, read: Sequence[tuple[_Wanted, SecondReading | str]]) -> None:
    mail_id = uow.session.get_one(Attachment, attachment_id).mail_id
    locks.hold(uow.session, Mail, [mail_id])
    locks.hold_known(uow.session, Attachment, attachment_id)
    if destroyed.of_letter(uow.session, mail_id) is not None:
        return
    changed: list[int] = []
    page_numbers: list[int] = []
    for page, found in read:
        text = uow.session.get(PageText, (attachment_id, page.page_no))
        # Another run was quicker, or the document was read anew: what was read belongs to a text that is gone.
        if text is None or text.read_at != page.read_at or _is_noted(uow, attachment_id, page.page_no):
            continue
        uow.session.add(_page_read_again(uow, attachment_id, page, found))
        page_numbers.append(page.page_no)
        if isinstance(found, str):
            continue
        if found.text != text.text:
            text.text = found.text
            text.words = [[w.text, w.x, w.y, w.width, w.height, w.confidence] for w in found.words]
            changed.append(page.page_no)
    if page_numbers:
        uow.record(
            "attachment.read_again", "mail", mail_id, actor=SYSTEM, attachment=attachment_id, pages=page_numbers, changed=changed
        )  # fmt: skip
        uow.reindex(mail_id)


def _is_noted(uow: UnitOfWork, attachment_id: int, page_no: int) -> bool:
    return uow.session.get(PageReadAgain, (attachment_id, page_no)) is not None


def _page_read_again(uow: UnitOfWork, attachment_id: int, page: _Wanted, found: SecondReading | str) -> PageReadAgain:
    given_up = isinstance(found, str)
    return PageReadAgain(
        attachment_id=attachment_id,
        page_no=page.page_no,
        first_text=page.text,
        first_words=[[w.text, w.x, w.y, w.width, w.height, w.confidence] for w in page.words],
        others="" if isinstance(found, str) else " ".join(dict.fromkeys(found.others)),
        read_by=[] if isinstance(found, str) else [by.value for by in found.read_by],
        problem=found if given_up else "",
        read_at=uow.now,
    )
