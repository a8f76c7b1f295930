"""Reads the cells and boxes of scanned pages of reserve books. No lock is held while the engine works."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.files import fetch, private_dir
from ged.capture.models import BOOK_ELSEWHERE, BOOK_PAGE, Scan, ScanState
from ged.errors import EngineFailed, Invalid
from ged.paper.boxes import ScannedPage, areas_of, boxes_of, pages_of, read_twice
from ged.ports import FormReading
from ged.reserve import page_form, queries
from ged.reserve.codes import PageCode, read_page_code
from ged.reserve.models import ReserveBook, ReserveSheet
from ged.unit import Services, UnitOfWork

TIMEOUT_S = 30.0

log = logging.getLogger("ged.paper")


@dataclass(frozen=True)
class _Wanted:
    """A scan that is a page of a book, which begins with the line at this place of the book."""

    scan_id: int
    book_id: int
    first_line: int
    count: int
    page: ScannedPage
    code: PageCode
    text: str


def read_pages(services: Services, batch_id: int, *, now: datetime) -> None:
    """Read the waiting pages of reserve books of a batch, once each. Where a page has no boxes, or they are not found, each of
    its lines waits for a person."""
    with services.reading() as session:
        wanted = _wanted(session, services, batch_id)
    for one in wanted:
        reading = _read(services, one)
        for attempt in services.attempts(now):
            with attempt as uow:
                _note(uow, one, reading)


def _wanted(session: Session, services: Services, batch_id: int) -> list[_Wanted]:
    scans = session.scalars(
        select(Scan)
        .outerjoin(ReserveSheet, ReserveSheet.scan_id == Scan.id)
        .where(Scan.batch_id == batch_id, Scan.state == ScanState.WAITING, Scan.note.in_((BOOK_PAGE, BOOK_ELSEWHERE)))
        .where(ReserveSheet.scan_id.is_(None))
        .order_by(Scan.id)
    ).all()
    return [found for scan in scans if (found := _page_of(session, services, scan)) is not None]


def _page_of(session: Session, services: Services, scan: Scan) -> _Wanted | None:
    codes = {leaf.page.id: leaf.page.codes for leaf in scan.leaves}
    for page in pages_of(scan, most=1):
        for text in codes[page.id]:
            code = read_page_code(text, key=services.code_key)
            line = queries.line_of_page(session, code.first_line) if code is not None else None
            if code is None or line is None:
                continue
            book = session.get_one(ReserveBook, line.book_id)
            count = min(code.count or book.page_lines, book.line_count - line.line_no + 1)
            return _Wanted(scan.id, book.id, line.line_no, count, page, code, text.strip())
    return None


def _read(services: Services, wanted: _Wanted) -> FormReading | None:
    if not page_form.is_known(wanted.code.layout):
        return None
    with private_dir(services) as folder:
        try:
            source = fetch(services.blobs, wanted.page.digest, folder / "source")
            return read_twice(partial(_read_page, services, wanted, source))
        except (Invalid, EngineFailed) as error:
            log.info("the boxes of scan %s are not read: %s", wanted.scan_id, error)
            return None


def _read_page(services: Services, wanted: _Wanted, source: Path) -> FormReading | None:
    placed = page_form.places(wanted.code.layout, wanted.code.count, code=wanted.text)
    return services.ocr.read_form(wanted.page.at(source), placed.form, timeout_s=TIMEOUT_S)


def _note(uow: UnitOfWork, wanted: _Wanted, reading: FormReading | None) -> None:
    # Two runs of one batch wait here for the lock; the scan's version does not change.
    if locks.hold_one(uow.session, Scan, wanted.scan_id) is None:
        return
    if uow.session.get(ReserveSheet, wanted.scan_id) is not None:
        return
    uow.session.add(
        ReserveSheet(
            scan_id=wanted.scan_id,
            scan_page_id=wanted.page.id,
            book_id=wanted.book_id,
            first_line=wanted.first_line,
            line_count=wanted.count,
            boxes=boxes_of(reading) if reading is not None else [],
            areas=areas_of(reading) if reading is not None else [],
            read_at=uow.now,
        )
    )
