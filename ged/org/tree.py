"""Questions about the tree of units."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Unit


def entities(session: Session) -> dict[int, int]:
    """The entity of each unit: itself or the nearest unit above that is one, the root where none is."""
    rows = {row.id: row for row in session.execute(select(Unit.id, Unit.parent_id, Unit.is_entity))}

    def entity(unit_id: int) -> int:
        row = rows[unit_id]
        while not row.is_entity and row.parent_id is not None:
            row = rows[row.parent_id]
        return int(row.id)

    return {unit_id: entity(unit_id) for unit_id in rows}


def same_entity(session: Session, unit_ids: Iterable[int]) -> frozenset[int]:
    """All units of the entities to which these units belong."""
    of = entities(session)
    wanted = {of[unit_id] for unit_id in unit_ids}
    return frozenset(unit_id for unit_id, entity in of.items() if entity in wanted)
