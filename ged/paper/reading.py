"""Reads the boxes of scanned fiches de transmission: at once, before the slow reading of their text. No lock is held
while the engine works."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.files import fetch, private_dir
from ged.capture.models import PaperCode, PaperState, Scan, ScanState
from ged.codes import CodeKind
from ged.errors import EngineFailed, Invalid
from ged.paper.boxes import ScannedPage, areas_of, boxes_of, pages_of, read_twice
from ged.ports import FormReading
from ged.register.models import Mail
from ged.routing.models import SheetOutcome, SheetReading
from ged.routing.sheet_form import form_of, places
from ged.unit import Services, UnitOfWork

MAX_PAGES = 4
"""Pages of one scan on which the boxes are looked for."""
TIMEOUT_S = 30.0

log = logging.getLogger("ged.paper")


@dataclass(frozen=True)
class _Wanted:
    """A scan whose code says that it is the fiche of this letter."""

    scan_id: int
    mail_id: int
    pages: tuple[ScannedPage, ...]


@dataclass(frozen=True)
class _Found:
    outcome: SheetOutcome
    page_id: int | None = None
    code: str = ""
    reading: FormReading | None = None


def read_sheets(services: Services, batch_id: int, *, now: datetime) -> None:
    """Read the boxes of the waiting fiches of a batch, once each. What cannot be read waits for a person, as a fiche without boxes does."""
    with services.reading() as session:
        wanted = _wanted(session, batch_id)
    for one in wanted:
        found = _read(services, one)
        for attempt in services.attempts(now):
            with attempt as uow:
                _note(uow, one, found)


def _wanted(session: Session, batch_id: int) -> list[_Wanted]:
    rows = session.execute(
        select(Scan, PaperCode.subject_id)
        .join(PaperCode, PaperCode.scan_id == Scan.id)
        .join(Mail, Mail.id == PaperCode.subject_id)
        .outerjoin(SheetReading, SheetReading.scan_id == Scan.id)
        .where(Scan.batch_id == batch_id, Scan.state == ScanState.WAITING, PaperCode.kind == CodeKind.IMPUTATION)
        .where(PaperCode.state == PaperState.WAITING, SheetReading.scan_id.is_(None))
        .order_by(Scan.id)
    ).all()
    return [_Wanted(scan.id, mail_id, pages_of(scan, most=MAX_PAGES)) for scan, mail_id in rows]


def _read(services: Services, wanted: _Wanted) -> _Found:
    found = _Found(SheetOutcome.UNKNOWN)
    with private_dir(services) as folder:
        for page in wanted.pages:
            try:
                source = fetch(services.blobs, page.digest, folder / f"source-{page.id}")
                found = read_twice(partial(_read_page, services, wanted, page, source))
            except (Invalid, EngineFailed) as error:
                log.info("the boxes of scan %s are not read: %s", wanted.scan_id, error)
                found = _Found(SheetOutcome.UNCLEAR)
            if found.outcome is SheetOutcome.READ or found.code:
                break
    return found


def _read_page(services: Services, wanted: _Wanted, page: ScannedPage, source: Path) -> _Found:
    ref = page.at(source)
    for text in services.ocr.read_codes(ref, timeout_s=TIMEOUT_S):
        form = form_of(text, key=services.code_key)
        # A sheet of another letter that was laid on this one says nothing of this letter.
        if form is None or form.mail_id != wanted.mail_id:
            continue
        reading = services.ocr.read_form(ref, places(form, code=text.strip()).form, timeout_s=TIMEOUT_S)
        if reading is None:
            return _Found(SheetOutcome.UNCLEAR, code=text.strip())
        return _Found(SheetOutcome.READ, page.id, text.strip(), reading)
    return _Found(SheetOutcome.UNKNOWN)


def _note(uow: UnitOfWork, wanted: _Wanted, found: _Found) -> None:
    # Two runs of one batch wait here for the lock; the scan's version does not change.
    if locks.hold_one(uow.session, Scan, wanted.scan_id) is None:
        return
    if uow.session.get(SheetReading, wanted.scan_id) is not None:
        return
    uow.session.add(
        SheetReading(
            scan_id=wanted.scan_id,
            mail_id=wanted.mail_id,
            scan_page_id=found.page_id,
            outcome=found.outcome.value,
            code=found.code,
            boxes=boxes_of(found.reading) if found.reading else [],
            areas=areas_of(found.reading) if found.reading else [],
            read_at=uow.now,
        )
    )
