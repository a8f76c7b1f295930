"""The problems of this installation as codes, for a monitor that asks ``/sante``. They are few, and asked in milliseconds."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from ged import audit
from ged.archive import copies
from ged.db import takes_changes
from ged.faults import fault_of
from ged.health.machine import takes_nothing
from ged.health.proof import UNSEALED_AFTER, oldest_unsealed
from ged.health.work import DUE_AFTER
from ged.notices import returned
from ged.reports.jobs import living_workers, oldest_due
from ged.space import Space
from ged.unit import Services
from ged.word import making


def reaches_database(services: Services) -> bool:
    """Whether the database answers. The page of a browser that waits for the site asks this; a proxy asks ``readiness.hindrance``."""
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
        found += ["backup.old"] if services.is_copied and copies.is_old(session, now=now) else []
        found += ["word.away"] if making.is_missed(session, services) else []
    return found


def _of_disk(space: Space) -> Iterator[str]:
    if space.is_low():
        yield "disk.low"
    if takes_nothing(space.folder) is not None:
        yield "disk.unwritable"


def _of_database(session: Session) -> Iterator[str]:
    if not takes_changes(session):
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
    oldest = oldest_unsealed(session, services)
    if oldest is not None and now - oldest > UNSEALED_AFTER:
        yield "journal.unsealed"
