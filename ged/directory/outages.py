"""A directory that does not answer: told in the journal once when it goes, once when it is back."""

import logging
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from ged.db import insert_if_missing
from ged.directory.models import DirectoryOutage
from ged.errors import EngineFailed
from ged.unit import SYSTEM, ReadSession, Services

_log = logging.getLogger(__name__)


def note_away(services: Services, provider: str, error: EngineFailed, *, now: datetime) -> None:
    """Note that a directory does not answer. Whatever the database says, the sign-in goes on to its own answer."""
    _log.warning("%s provider=%s", error.code, provider)
    try:
        with services.unit_of_work(now) as uow:
            if insert_if_missing(
                uow.session, DirectoryOutage, provider=provider, reason=error.code[:100], since_at=uow.now
            ):
                uow.record("directory.away", "installation", None, actor=SYSTEM, provider=provider, reason=error.code)
    except OperationalError:
        _log.warning("directory.away_not_recorded")


def note_back(services: Services, provider: str, *, now: datetime) -> None:
    """Note that a directory answered."""
    with services.reading() as session:
        if session.scalar(select(DirectoryOutage.id).where(DirectoryOutage.provider == provider)) is None:
            return
    with services.unit_of_work(now) as uow:
        ended = uow.session.scalar(
            delete(DirectoryOutage).where(DirectoryOutage.provider == provider).returning(DirectoryOutage.since_at)
        )
        if ended is not None:
            uow.record("directory.back", "installation", None, actor=SYSTEM, provider=provider, since=ended.isoformat())


def away(session: ReadSession) -> dict[str, DirectoryOutage]:
    """The directories that do not answer, by name."""
    return {row.provider: row for row in session.scalars(select(DirectoryOutage))}
