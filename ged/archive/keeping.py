"""Seals the journal's head and anchors the journal: at their times of day, and before something is proven by them."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from ged import audit
from ged.archive.anchor import journal_anchors
from ged.archive.seal import journal_seal
from ged.unit import Services


def anchor_journal(services: Services, *, now: datetime) -> tuple[bool, int]:
    """Anchor the journal now. Returns (whether a new anchor was made, the number of new time-stamps)."""
    anchors = journal_anchors(services)
    seal_head(services, now=now)
    with services.snapshot() as session:
        made = anchors.make(session, now=now)
    return made, anchors.stamp(services.timestamper)


def seal_folder(services: Services) -> Path:
    """The folder of the sealed heads."""
    return Path(services.data_dir) / "seal"


def seal_head(services: Services, *, now: datetime) -> bool:
    """Seal the present head; False when it is sealed already."""
    with services.reading() as session:
        head = audit.head(session)
    return journal_seal(services).seal(head, now=now)


def unsealed_entries(services: Services, session: Session) -> int | None:
    """The number of entries that no sealed head covers (their loss would go undetected); None: never sealed."""
    last = journal_seal(services).last()
    return None if last is None else max(0, audit.head(session).count - last.count)
