"""Checks of the clock: numbers bear its day, signatures its hour."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from ged.audit import AuditEntry
from ged.db import server_time
from ged.errors import EngineFailed
from ged.health.findings import Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground
from ged.jobs import LEASE
from ged.register.clock import DIFFERENCE

NOTICED = timedelta(seconds=5)
"""Clocks set by NTP differ by milliseconds; a time-stamp is a second old when it is read."""
APART = LEASE / 3
"""Two hosts may each be so far from the database's clock. A worker that is further ahead takes jobs that another host's worker runs:
their lease seems to have ended."""


def against_database(ground: Ground) -> Finding:
    """This server's clock beside that of the database's server."""
    with ground.reading() as session:
        other = server_time(session)
    return not_applicable("same_machine") if other is None else _compared(other, most=APART)


def against_journal(ground: Ground) -> Finding:
    """This server's clock beside the last entry of the journal, which cannot be of a later hour."""
    with ground.reading() as session:
        last = session.scalar(select(func.max(AuditEntry.at)))
    if last is None:
        return not_applicable("empty")
    ahead = last - ground.now
    if ahead > DIFFERENCE:
        return fault("behind", behind_s=round(ahead.total_seconds()), last_at=last.isoformat())
    return ok(last_at=last.isoformat())


def against_authority(ground: Ground) -> Finding:
    """Whether a time-stamp authority answers, and this server's clock beside its."""
    authority = ground.serving.timestamper
    if authority is None:
        return not_applicable("not_set")
    try:
        other = authority.time()
    except EngineFailed:
        return warning("silent", addresses=", ".join(ground.options.tsa_urls))
    return _compared(other)


def _compared(other: datetime, *, most: timedelta = DIFFERENCE) -> Finding:
    # Not the moment at which the checks began: the other clock was asked seconds later.
    off_s = round((datetime.now(UTC) - other).total_seconds(), 1)
    if abs(off_s) > most.total_seconds():
        return fault("differs", off_s=abs(off_s), direction="ahead" if off_s > 0 else "behind")
    if abs(off_s) > NOTICED.total_seconds():
        return warning("differs", off_s=abs(off_s), direction="ahead" if off_s > 0 else "behind")
    return ok(off_s=abs(off_s))
