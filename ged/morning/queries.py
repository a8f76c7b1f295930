"""The morning's point of a reader."""

from datetime import datetime

from sqlalchemy.orm import Session

from ged.morning.base import Ground, Kind, Part
from ged.morning.kinds import KINDS
from ged.unit import Actor, Services


def parts(session: Session, services: Services, actor: Actor, *, now: datetime) -> tuple[Part, ...]:
    """What lies about for the actor at a moment, kind by kind; kinds with nothing are left out."""
    ground = Ground(session, services, actor, now)
    found = ((kind, KINDS[kind].find(ground)) for kind in Kind if KINDS[kind].concerns(ground))
    return tuple(Part(kind, tuple(lines), total) for kind, (lines, total) in found if total)
