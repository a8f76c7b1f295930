"""Who is away at the other end of a slip, for those who sent it: they may see the slip, so they learn why it waits."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.absences import Away, away_in
from ged.slips.models import Slip


def at_receivers(session: Session, slip_ids: Collection[int], *, on: date) -> dict[int, tuple[Away, ...]]:
    """By slip, the posts of the receiving unit whose holders are away on a day; the caller may see these slips."""
    units = dict(session.execute(select(Slip.id, Slip.receiver_unit_id).where(Slip.id.in_(slip_ids))).all())
    found = away_in(session, units.values(), on=on)
    return {slip_id: found[unit_id] for slip_id, unit_id in units.items() if unit_id in found}
