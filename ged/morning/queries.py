"""The morning's point of a reader."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from ged.morning.base import MOST, SHOWN, Ground, Kind, Part
from ged.morning.kinds import KINDS
from ged.unit import Actor, Services

logger = logging.getLogger(__name__)


def parts(
    session: Session, services: Services, actor: Actor, *, now: datetime, only: Kind | None = None
) -> tuple[Part, ...]:
    """What is pending for the actor at a moment, kind by kind; kinds with nothing are left out.

    A kind that cannot be read is told as such (``Part.is_unknown``): the others are told all the same.

    Args:
        session: of ``Services.reading``: a query that fails there does not spoil the next one.
        only: this kind alone, with up to ``MOST`` lines.
    """
    ground = Ground(session, services, actor, now, shown=SHOWN if only is None else MOST)
    asked = [kind for kind in Kind if only in (None, kind) and KINDS[kind].concerns(ground)]
    found = (_part(ground, kind) for kind in asked)
    return tuple(part for part in found if part.total or part.is_unknown)


def _part(ground: Ground, kind: Kind) -> Part:
    source = KINDS[kind]
    try:
        lines, total = source.find(ground)
    except Exception:  # whatever it is, the other kinds are due too
        logger.exception("morning.unknown kind=%s", kind.value)
        return Part(kind, (), 0, is_unknown=True)
    return Part(kind, tuple(lines), total, is_cut=source.most is not None and total >= source.most)
