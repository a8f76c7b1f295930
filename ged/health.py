"""Health of this installation, for supervisors and monitors: the problems as codes, and nothing else."""

import os
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ged import audit
from ged.archive.keeping import seal_folder
from ged.archive.seal import HeadSeal
from ged.audit import AuditEntry
from ged.db import fault_of
from ged.notices import returned
from ged.reports.jobs import living_workers, oldest_due
from ged.space import Space
from ged.unit import Services
from ged.word import making

UNSEALED_AFTER = timedelta(minutes=20)
"""The journal's head is sealed every five minutes while entries are written."""
DUE_AFTER = timedelta(minutes=15)
"""A ready job starts within seconds; after a morning's scans it may wait minutes."""
PROBE = b"\0" * 8192


def reaches_database(services: Services) -> bool:
    """Whether the database answers. A proxy checks this before it sends people to this site."""
    try:
        with services.reading() as session:
            audit.head(session)
    except Exception as error:
        if fault_of(error) is None:
            raise
        return False
    return True


def problems(services: Services, space: Space, *, now: datetime) -> list[str]:
    """The codes of all problems; empty when all is well."""
    found = list(_of_disk(space))
    if services.scanner is not None and not services.scanner.is_there():
        found.append("scanner.away")
    if not reaches_database(services):
        return [*found, "database.away"]
    with services.reading() as session:
        found += _of_database(session)
        found += _of_journal(session, services, now)
        found += _of_jobs(session, now)
        found += _of_post(session, services, now)
        found += ["word.away"] if making.is_missed(session, services) else []
    return found


def _of_disk(space: Space) -> Iterator[str]:
    if space.is_low():
        yield "disk.low"
    probe = space.folder / "tmp" / f"probe-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        probe.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with probe.open("xb") as out:
            out.write(PROBE)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        yield "disk.unwritable"
    finally:
        probe.unlink(missing_ok=True)


def _of_database(session: Session) -> Iterator[str]:
    is_sqlite = session.get_bind().dialect.name == "sqlite"  # it is on the disk that was already checked
    if not is_sqlite and session.scalar(text("SHOW transaction_read_only")) == "on":
        yield "database.read_only"


def _of_jobs(session: Session, now: datetime) -> Iterator[str]:
    if not living_workers(session, now):
        yield "worker.none"
    oldest = oldest_due(session, now)
    if oldest is not None and now - oldest > DUE_AFTER:
        yield "queue.old"


def _of_post(session: Session, services: Services, now: datetime) -> Iterator[str]:
    if returned.may_loop(services) and returned.last_loop(session, now=now).state in returned.WRONG:
        yield "post.loop"


def _of_journal(session: Session, services: Services, now: datetime) -> Iterator[str]:
    sealed = HeadSeal(seal_folder(services)).last()
    behind = AuditEntry.sequence > (sealed.count if sealed is not None else 0)
    oldest = session.scalar(select(AuditEntry.at).where(behind).order_by(AuditEntry.sequence).limit(1))
    if oldest is not None and now - oldest > UNSEALED_AFTER:
        yield "journal.unsealed"
