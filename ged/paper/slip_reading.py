"""Reads the boxes of slips that came back signed on paper: at once, before the slow reading of their text. No lock is held
while the engine works."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.files import fetch, private_dir
from ged.capture.models import PaperCode, PaperState, Scan, ScanState
from ged.codes import CodeKind
from ged.errors import EngineFailed, Invalid
from ged.paper.boxes import ScannedPage, areas_of, boxes_of, pages_of, read_twice
from ged.slips.models import Slip, SlipReading
from ged.slips.reception_form import part_of, places
from ged.unit import Services, UnitOfWork

MAX_PAGES = 12
"""Pages of one scan on which tables are looked for: those of the longest slip, and some twice."""
TIMEOUT_S = 30.0

log = logging.getLogger("ged.paper")


@dataclass(frozen=True)
class _Wanted:
    """A scan whose code says that it is this slip."""

    scan_id: int
    slip_id: int
    pages: tuple[ScannedPage, ...]


@dataclass(frozen=True)
class _Found:
    pages: tuple[dict[str, Any], ...] = ()
    unclear: tuple[str, ...] = ()


def read_slips(services: Services, batch_id: int, *, now: datetime) -> None:
    """Read the boxes of the waiting slips of a batch, once each. A slip without boxes waits for a person as before."""
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
        .join(Slip, Slip.id == PaperCode.subject_id)
        .outerjoin(SlipReading, SlipReading.scan_id == Scan.id)
        .where(Scan.batch_id == batch_id, Scan.state == ScanState.WAITING, PaperCode.kind == CodeKind.SLIP)
        .where(PaperCode.state == PaperState.WAITING, SlipReading.scan_id.is_(None))
        .order_by(Scan.id)
    ).all()
    return [_Wanted(scan.id, slip_id, pages_of(scan, most=MAX_PAGES)) for scan, slip_id in rows]


def _read(services: Services, wanted: _Wanted) -> _Found:
    pages: list[dict[str, Any]] = []
    unclear: list[str] = []
    with private_dir(services) as folder:
        for page in wanted.pages:
            try:
                source = fetch(services.blobs, page.digest, folder / f"source-{page.id}")
                one = read_twice(partial(_read_page, services, wanted, page, source))
            except (Invalid, EngineFailed) as error:
                log.info("the boxes of page %s of scan %s are not read: %s", page.id, wanted.scan_id, error)
                one = _Found()
            pages += one.pages
            unclear += one.unclear
    return _Found(tuple(pages), tuple(unclear))


def _read_page(services: Services, wanted: _Wanted, page: ScannedPage, source: Path) -> _Found:
    ref = page.at(source)
    for text in services.ocr.read_codes(ref, timeout_s=TIMEOUT_S):
        part, code = part_of(text, key=services.code_key), text.strip()
        # A table of another slip that was laid on this one says nothing of this slip.
        if part is None or part.slip_id != wanted.slip_id:
            continue
        reading = services.ocr.read_form(ref, places(part, code=code).form, timeout_s=TIMEOUT_S)
        if reading is None:
            return _Found(unclear=(code,))
        noted = {
            "page": page.id,
            "code": code,
            "boxes": boxes_of(reading),
            "areas": areas_of(reading),
        }
        return _Found((noted,))
    return _Found()


def _note(uow: UnitOfWork, wanted: _Wanted, found: _Found) -> None:
    # Two runs of one batch wait here for the lock; the scan's version does not change.
    if locks.hold_one(uow.session, Scan, wanted.scan_id) is None:
        return
    if uow.session.get(SlipReading, wanted.scan_id) is not None:
        return
    uow.session.add(
        SlipReading(
            scan_id=wanted.scan_id,
            slip_id=wanted.slip_id,
            pages=list(found.pages),
            unclear=list(found.unclear),
            read_at=uow.now,
        )
    )
