"""Lists that an entity keeps, and the common stock: natures, mentions, templates of letters.

A row with an ``entity_id`` is of this entity alone; without one it is of the common stock, which all entities of the
installation see. Where both have a code, the entity's own row stands for it: an entity changes a common row by having
one of its own.
"""

from collections.abc import Collection, Iterable
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, ForeignKey, Index, UniqueConstraint, and_, exists, not_, or_, select, text
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ged.org.tree import entity_of
from ged.unit import Actor


class OfEntity:
    """The column of the tables that an entity and the common stock share."""

    entity_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    """The entity that keeps it; None: the common stock."""


class Kept(Protocol):
    """A row of a table that an entity and the common stock share."""

    @property
    def code(self) -> str:
        """The code by which the row is found."""

    @property
    def entity_id(self) -> int | None:
        """As ``OfEntity.entity_id``."""


Row = TypeVar("Row", bound=Kept)


def once_by_code(table: str) -> tuple[UniqueConstraint, Index]:
    """A code stands once in an entity, and once in the common stock: for a unique key, NULLs all differ."""
    bare = text("entity_id IS NULL")
    common = Index(f"uq_{table}_common_code", "code", unique=True, sqlite_where=bare, postgresql_where=bare)
    return UniqueConstraint("entity_id", "code"), common


def entities_of(actor: Actor) -> frozenset[int]:
    """The entities of the posts that an actor holds or acts for."""
    return frozenset(entity_of(unit_id, actor.units) for unit_id in actor.unit_ids if unit_id in actor.units)


def kept_for(model: type[Any], entity_ids: Collection[int]) -> ColumnElement[bool]:
    """The rows of a list that these entities see: their own, and those of the common stock that none of these replaces."""
    other = aliased(model)
    own = sorted(entity_ids)
    replaced = exists().where(other.code == model.code, other.entity_id.in_(own))
    return or_(model.entity_id.in_(own), and_(model.entity_id.is_(None), not_(replaced)))


def kept_rows(session: Session, model: type[Any], entity_ids: Collection[int]) -> dict[str, Any]:
    """The rows of a list with a ``position`` that these entities see, by code, in their order."""
    seen = select(model).where(kept_for(model, entity_ids)).order_by(model.position, model.id)
    return by_code(session.scalars(seen), entity_ids)


def by_code(rows: Iterable[Row], entity_ids: Collection[int]) -> dict[str, Row]:
    """The row that each code means to these entities: their own, else the common one, else that of another entity."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row.code)
        if known is None or _rank(row, entity_ids) < _rank(known, entity_ids):
            found[row.code] = row
    return found


def _rank(row: Kept, entity_ids: Collection[int]) -> int:
    return 0 if row.entity_id in entity_ids else 1 if row.entity_id is None else 2
