"""Pages of lists that grow with the archive: a page begins behind a row, and nothing before it is read or counted.

A place in a list is the id of a row. A row that moved meanwhile is found where it stands now; one that has left the list
leads to its beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

MOST_COUNTED = 1_000
"""Longer lists are told as "more than" that."""


@dataclass(frozen=True)
class Place:
    """Where a page begins: behind a row, before a row, or (neither) at the beginning."""

    after: int | None = None
    before: int | None = None


START = Place()


@dataclass(frozen=True)
class Key:
    """A part of a list's order; the column is never NULL."""

    column: ColumnElement[Any] | InstrumentedAttribute[Any]
    descending: bool = False


@dataclass(frozen=True)
class Slice:
    """The rows of a page.

    Attributes:
        ids: in the order of the list.
        previous, next: where the neighbouring pages begin; None at the ends of the list.
    """

    ids: tuple[int, ...]
    previous: Place | None = None
    next: Place | None = None


def read(
    session: Session,
    query: Select[int],
    by: InstrumentedAttribute[int],
    at: Place = START,
    *,
    keys: Sequence[Key] = (),
    descending: bool = False,
    limit: int,
) -> Slice:
    """The ids of a page.

    Args:
        query: selects the ids of the whole list.
        by: the id.
        at: where the page begins; a row that is not there any more, and one that nothing stands behind any more, lead to
            the beginning.
        keys: the order; the id decides between equals, and alone when there are none.
        descending: the order of the ids.
        limit: rows of a page.
    """
    order = (*keys, Key(by, descending))
    boundary = at.after if at.after is not None else at.before
    values = _values(session, query, by, boundary, keys)
    if values is None:
        return _sliced(session, query, order, limit, is_first=True)
    if at.after is not None:
        behind = _sliced(session, query.where(_behind(order, values)), order, limit, is_first=False)
        # Everything behind has left the list since: an empty page would say that there is nothing at all.
        return behind if behind.ids else _sliced(session, query, order, limit, is_first=True)
    turned = tuple(Key(key.column, not key.descending) for key in order)
    found = session.scalars(_ordered(query.where(_behind(turned, values)), turned, limit + 1)).all()
    if len(found) <= limit:  # The beginning is near: show its page whole.
        return _sliced(session, query, order, limit, is_first=True)
    ids = tuple(reversed(found[:limit]))
    return Slice(ids, Place(before=ids[0]), Place(after=ids[-1]))


def count(session: Session, query: Select[Any]) -> int:
    """How many rows a list has; no more than one above ``MOST_COUNTED`` are read."""
    return session.scalar(select(func.count()).select_from(query.limit(MOST_COUNTED + 1).subquery())) or 0


def _values(
    session: Session, query: Select[int], by: InstrumentedAttribute[int], boundary: int | None, keys: Sequence[Key]
) -> tuple[Any, ...] | None:
    """Where a row stands. Of a row that is not in the list nothing is told, not even its place: it may be hidden."""
    if boundary is None:
        return None
    if not keys:
        return (boundary,)
    found = session.execute(query.with_only_columns(*(key.column for key in keys)).where(by == boundary)).first()
    return (*found, boundary) if found is not None else None


def _sliced(session: Session, query: Select[int], order: Sequence[Key], limit: int, *, is_first: bool) -> Slice:
    found = tuple(session.scalars(_ordered(query, order, limit + 1)).all())
    ids = found[:limit]
    has_more = len(found) > limit
    previous = Place(before=ids[0]) if ids and not is_first else None
    return Slice(ids, previous, Place(after=ids[-1]) if has_more else None)


def _ordered(query: Select[int], order: Sequence[Key], limit: int) -> Select[int]:
    return query.order_by(*(key.column.desc() if key.descending else key.column.asc() for key in order)).limit(limit)


def _behind(order: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that stand behind the one with these values."""
    clauses: list[ColumnElement[bool]] = []
    for n, (key, value) in enumerate(zip(order, values, strict=True)):
        equal = [one.column == told for one, told in zip(order[:n], values[:n], strict=True)]
        clauses.append(and_(*equal, key.column < value if key.descending else key.column > value))
    return or_(false(), *clauses)
