"""When the installation was last copied (``ged.backup``), as the journal says."""

from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged.audit import AuditEntry, AuditPayload

MADE = "backup.made"
INCOMPLETE = "backup.incomplete"
"""A copy without the keyring: what was stored since it was last copied cannot be opened from it."""
DRILLED = "backup.drilled"
DRILL_FAILED = "backup.drill_failed"
LATE_AFTER, OLD_AFTER = timedelta(hours=26), timedelta(hours=48)
"""A copy each night. One that is late is a warning, a second night that failed is a fault: in ``ged doctor``, on ``/sante`` and in
the alerts (``deploy/prometheus/ged.rules.yml``) alike.
"""


def _made() -> Select[int, datetime]:
    # OFFSET 0 keeps PostgreSQL from walking the whole journal backwards in search of an act that may never have been.
    return select(AuditEntry.sequence, AuditEntry.at).where(AuditEntry.action == MADE).offset(0)


def last_made(session: Session) -> datetime | None:
    """The moment of the last copy, in the order of the journal, as the clock may have been ahead; None: there was none."""
    made = _made().subquery()
    last: datetime | None = session.scalar(select(made.c.at).order_by(made.c.sequence.desc()).limit(1))
    return last


def keys_written(session: Session) -> str:
    """The digest of the keys that were last seen on their medium; empty: never."""
    made = _made().subquery()
    payloads = session.scalars(
        select(AuditPayload.payload)
        .join(made, made.c.sequence == AuditPayload.sequence)
        .order_by(made.c.sequence.desc())
    )
    return next((str(one["keys"]) for one in payloads if one.get("keys_there")), "")


def is_old(session: Session, *, now: datetime) -> bool:
    """Whether there is no copy of the last two days."""
    last = last_made(session)
    return last is None or abs(now - last) > OLD_AFTER
