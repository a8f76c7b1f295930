"""The job that reads waiting scans before they have a number. No lock is held while the engine works."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.files import fetch, private_dir
from ged.capture.models import Scan, ScanLeaf, ScanPage, ScanState
from ged.jobs import JobKind
from ged.ports import PageRef
from ged.recognition.jobs import SECONDS_A_PAGE, Heartbeat
from ged.suggestions import readings, resent
from ged.unit import Services, UnitOfWork


@dataclass(frozen=True)
class _Wanted:
    """A page to read, with the rotation that a person set."""

    scan_page_id: int
    digest: str
    media_type: str
    page_index: int
    rotation: int


def ask_for_batch(uow: UnitOfWork, batch_id: int) -> None:
    """Queue the reading of the scans of a batch that still wait: all joins by labels are done by now."""
    with_pages = (
        select(ScanLeaf.scan_id)
        .join(ScanPage, ScanPage.id == ScanLeaf.scan_page_id)
        .where(ScanPage.batch_id == batch_id)
        .distinct()
    )
    waiting = select(Scan).where(
        Scan.state == ScanState.WAITING, or_(Scan.batch_id == batch_id, Scan.id.in_(with_pages))
    )
    for scan in uow.session.scalars(waiting.order_by(Scan.id)):
        ask(uow, scan)


def ask(uow: UnitOfWork, scan: Scan) -> None:
    """Queue the reading of a scan, unless it may not be read, or its pages are already read as they lie now."""
    leaves = readings.pages_to_read(scan)
    if leaves and readings.may_be_read(uow.session, scan) and not readings.is_read(uow.session, leaves):
        uow.defer(JobKind.READ_SCAN, scan.id)


def run_read_scan(services: Services, scan_id: int, *, heartbeat: Heartbeat, now: datetime) -> None:
    """Read pages of a waiting scan (``readings.pages_to_read``): fields, text, and the letters that it resembles.

    It may run twice, or after a rearrangement of the pages, without harm.

    Raises:
        EngineFailed: ``ocr.timeout``, ``ocr.unavailable``.
    """
    with services.reading() as session:
        wanted = _wanted(session, scan_id)
    if not wanted:
        return
    heartbeat(f"0/{len(wanted)}")
    with private_dir(services) as folder:
        sources: dict[str, Path] = {}
        for page in wanted:
            if page.digest not in sources:
                sources[page.digest] = fetch(services.blobs, page.digest, folder / f"source-{len(sources)}")
        refs = [PageRef(sources[p.digest], p.media_type, p.page_index, p.rotation) for p in wanted]
        out = folder / "out"
        out.mkdir(mode=0o700)
        found = services.ocr.recognise(
            refs, languages=services.ocr_languages, timeout_s=60.0 + SECONDS_A_PAGE * len(refs), out=out
        )
    services.meter.count("ged_ocr_pages_total", by=len(refs))
    for attempt in services.attempts(now):
        with attempt as uow:
            # Two jobs of one scan wait here for the lock; the scan's version does not change.
            scan = locks.hold_one(uow.session, Scan, scan_id)
            if scan is not None and readings.may_be_read(uow.session, scan):  # not joined or put away meanwhile
                readings.note_scan(uow, [(p.scan_page_id, p.rotation) for p in wanted], found.pages, found.fields)
                if not scan.proof_kind:
                    resent.note_scan(uow, scan.id, found.pages[0].text, found.pages[0].likeness)
                ask(uow, scan)  # the pages may have been rearranged meanwhile


def _wanted(session: Session, scan_id: int) -> list[_Wanted]:
    scan = session.get(Scan, scan_id)
    if scan is None or not readings.may_be_read(session, scan):
        return []
    leaves = readings.pages_to_read(scan)
    if readings.is_read(session, leaves):
        return []
    return [
        _Wanted(leaf.scan_page_id, leaf.page.digest, leaf.page.media_type, leaf.page.page_index, leaf.rotation)
        for leaf in leaves
    ]
