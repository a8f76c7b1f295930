"""Keyset pagination of lists that grow with the archive: a page begins behind a row; rows before it are not read.

A place in a list is the id of a row. If the row has moved meanwhile, its present place counts. If the row has left the
list, the page is the beginning of the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, false, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

Parts = tuple[Select[int], ...]
"""A list that is put together of several, which share no row: an index gives each of them in the list's order, so that
the first rows of each are enough. No index could give the order of the whole. The id of a part is what it selects: a
column that refers to the list's id, where an index gives that column in order."""

MOST_COUNTED = 1_000
"""The count of a longer list is shown as "more than" this."""


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
    query: Select[int] | Parts,
    by: InstrumentedAttribute[int],
    at: Place = START,
    *,
    keys: Sequence[Key] = (),
    descending: bool = False,
    limit: int,
) -> Slice:
    """The ids of a page.

    Args:
        query: selects the ids of the whole list, or of its parts.
        by: the id.
        at: where the page begins. If the row has left the list, or no row follows it any more: the beginning.
        keys: the order; the id decides between equals, and alone when there are none.
        descending: the order of the ids.
        limit: rows of a page.
    """
    order = (*keys, Key(by, descending))
    parts = (query,) if isinstance(query, Select) else query
    boundary = at.after if at.after is not None else at.before
    values = _values(session, parts, by, boundary, keys)
    if values is None:
        return _sliced(session, parts, order, limit, is_first=True)
    if at.after is not None:
        # A list of ids alone goes on behind an id that is not in it: nothing may stand before that place.
        is_first = not keys and not _reaches(session, parts, at.after, descending=descending)
        behind = _sliced(session, _only_behind(parts, order, values), order, limit, is_first=is_first)
        # All rows behind have left the list since: an empty page would suggest that the whole list is empty.
        return behind if behind.ids else _sliced(session, parts, order, limit, is_first=True)
    turned = tuple(Key(key.column, not key.descending) for key in order)
    found = session.scalars(_ordered(_only_behind(parts, turned, values), turned, limit + 1)).all()
    if len(found) <= limit:  # The beginning is near: show its page whole.
        return _sliced(session, parts, order, limit, is_first=True)
    ids = tuple(reversed(found[:limit]))
    return Slice(ids, Place(before=ids[0]), Place(after=ids[-1]))


def first(
    session: Session,
    query: Select[int] | Parts,
    by: InstrumentedAttribute[int],
    *,
    keys: Sequence[Key] = (),
    descending: bool = False,
    limit: int,
    most: int = MOST_COUNTED,
) -> tuple[Slice, int]:
    """The first page of ``read``, and ``count``, by one statement: where the rights cost most, each row is asked for them once.

    Args:
        most: at least ``limit``.
    """
    found = tuple(
        session.scalars(
            _ordered((query,) if isinstance(query, Select) else query, (*keys, Key(by, descending)), most + 1)
        )
    )
    ids = found[:limit]
    return Slice(ids, None, Place(after=ids[-1]) if len(found) > limit else None), len(found)


def count(session: Session, query: Select[Any] | Parts, *, most: int = MOST_COUNTED) -> int:
    """The number of rows of a list or of its parts, at most ``most`` + 1: no more rows of each are read."""
    return min(session.scalar(select(counted(query, most=most))) or 0, most + 1)


def counted(query: Select[Any] | Parts, *, most: int = MOST_COUNTED) -> ScalarSelect[Any]:
    """``count`` as a part of a statement; of several parts it may be greater."""
    firsts = [part.limit(most + 1) for part in ((query,) if isinstance(query, Select) else query)]
    whole = firsts[0] if len(firsts) == 1 else union_all(*(select(one.subquery()) for one in firsts))
    return select(func.count()).select_from(whole.subquery()).scalar_subquery()


def _values(
    session: Session, parts: Parts, by: InstrumentedAttribute[int], boundary: int | None, keys: Sequence[Key]
) -> tuple[Any, ...] | None:
    """The order values of a row; None for a row that is not in the list: its place may be confidential."""
    if boundary is None:
        return None
    if not keys:
        return (boundary,)
    there = [part.with_only_columns(*(key.column for key in keys)).where(by == boundary) for part in parts]
    found = session.execute(there[0] if len(there) == 1 else union_all(*there)).first()
    return (*found, boundary) if found is not None else None


def _reaches(session: Session, parts: Parts, id: int, *, descending: bool) -> bool:
    """Whether a row of a list of ids has this id or stands before it."""
    for part in parts:
        column = part.selected_columns[0]
        nearest = (column >= id, column.asc()) if descending else (column <= id, column.desc())
        if session.scalar(part.where(nearest[0]).order_by(nearest[1]).limit(1)) is not None:
            return True
    return False


def _sliced(session: Session, parts: Parts, order: Sequence[Key], limit: int, *, is_first: bool) -> Slice:
    found = tuple(session.scalars(_ordered(parts, order, limit + 1)).all())
    ids = found[:limit]
    has_more = len(found) > limit
    previous = Place(before=ids[0]) if ids and not is_first else None
    return Slice(ids, previous, Place(after=ids[-1]) if has_more else None)


def _only_behind(parts: Parts, order: Sequence[Key], values: Sequence[Any]) -> Parts:
    return tuple(part.where(_behind(_within(part, order), values)) for part in parts)


def _within(part: Select[int], order: Sequence[Key]) -> tuple[Key, ...]:
    """The order by the columns of a part: its id is what it selects."""
    return (*order[:-1], Key(part.selected_columns[0], order[-1].descending))


def _ordered(parts: Parts, order: Sequence[Key], limit: int) -> Select[int]:
    if len(parts) == 1:
        return parts[0].order_by(*_by(_within(parts[0], order))).limit(limit)
    firsts = [_first_rows(part, _within(part, order), limit).subquery() for part in parts]
    whole = union_all(*(select(one) for one in firsts)).subquery()
    merged = [Key(column, key.descending) for column, key in zip(whole.c, order, strict=True)]
    return select(merged[-1].column).order_by(*_by(merged)).limit(limit)


def _first_rows(part: Select[int], order: Sequence[Key], limit: int) -> Select[Any]:
    named = [key.column.label(f"key_{n}") for n, key in enumerate(order)]
    return part.with_only_columns(*named).order_by(*_by(order)).limit(limit)


def _by(order: Sequence[Key]) -> list[ColumnElement[Any]]:
    return [key.column.desc() if key.descending else key.column.asc() for key in order]


def _behind(order: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """A condition for the rows behind the row with these values."""
    clauses: list[ColumnElement[bool]] = []
    for n, (key, value) in enumerate(zip(order, values, strict=True)):
        equal = [one.column == value for one, value in zip(order[:n], values[:n], strict=True)]
        clauses.append(and_(*equal, key.column < value if key.descending else key.column > value))
    # It follows from the clauses. A database looks for such a bound in an index, but not for one among alternatives.
    first = order[0].column <= values[0] if order[0].descending else order[0].column >= values[0]
    return and_(first, or_(false(), *clauses))
