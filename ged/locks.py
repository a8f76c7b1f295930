"""The only way to lock rows, and the order in which the whole house locks them.

    mail = locks.hold_one(uow.session, Mail, mail_id)

Two transactions that lock the same rows in two orders wait for each other for ever: PostgreSQL kills one of them. So
there is one order, ``ORDER``: whoever needs several locks takes them from the left to the right, rows of one table by
ascending key, and takes them before the first change. Operations on a letter lock the letter before its drafts, slips,
envelopes and counters, and after the calendar and the scan that it came from.

A lock is ``FOR NO KEY UPDATE``: it keeps other writers away, and lets a row of another table that refers to the locked
one be inserted (``FOR UPDATE`` would make that insert wait, and with it its transaction). The rows are read after the
lock is there: PostgreSQL joins what it read before it waited. On SQLite a writing transaction holds the whole database
(``ged.db``); there the functions only read the rows anew.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, inspect, select, tuple_
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Mapper, Session

from ged.db import Base, insert_if_missing

ORDER: tuple[frozenset[str], ...] = (
    frozenset({"working_days"}),
    frozenset({"scan_batches"}),
    frozenset({"scans"}),
    frozenset({"mails"}),
    frozenset({"sealed_envelopes"}),
    frozenset({"drafts", "slips", "dispatch_lines", "register_closings"}),
    frozenset({"register_counters"}),
    frozenset({"audit_head"}),
)
"""Tables in the order of their locks; of the tables of one step a transaction locks one only. A table that is not
named here is locked alone of its kind, before the journal's head (people's keys, absences, jobs)."""

IN_TURN = frozenset({"register_counters", "audit_head"})
"""Tables of which everybody wants one row at once. PostgreSQL wakes all who wait for a row at each commit, and all but
one wait again: with fifty of them half of its work. An advisory lock taken first wakes the one whose turn it is."""

Row = TypeVar("Row", bound=Base)
Key = int | tuple[int, ...]
"""Of a row: its id, or the values of a key of several columns."""


def hold(session: Session, model: type[Row], ids: Collection[int]) -> list[Row]:
    """Lock rows by their keys until the commit, in ascending order.

    Returns:
        The rows as they are now, by ascending key; a key that names no row is left out.
    """
    if not ids:
        return []
    if not _is_read_alone(model):
        (key,) = _mapper(model).primary_key
        return _hold(session, model, key.in_(sorted({int(one) for one in ids})))
    return list(session.scalars(_by_keys(model), {"keys": sorted({int(one) for one in ids})}))


def hold_one(session: Session, model: type[Row], row_id: Key) -> Row | None:
    """Lock one row by its key until the commit.

    Returns:
        The row as it is now; None when there is none, or none was there yet when the wait for the turn began
        (``IN_TURN``; see ``hold_made``).
    """
    values = _values(row_id)
    if not _is_read_alone(model):
        keys = zip(_mapper(model).primary_key, values, strict=True)
        return next(iter(_hold(session, model, *(key == value for key, value in keys))), None)
    named = {f"key_{n}": value for n, value in enumerate(values)}
    in_turn = _goes_in_turn(session, model)
    if in_turn:
        named["turn"] = _turn(model, values)
    row: Row | None = session.scalar(_by_key(model, in_turn), named)
    return row


def hold_made(session: Session, model: type[Row], row_id: Key, **values: object) -> Row:
    """As ``hold_one``, of a row that the first who needs it makes, with these values (its key among them).

    Of two who make it at one moment one waits for the other's. For a table of ``IN_TURN`` only who has the turn makes
    the row: the turn is not taken for certain where there was no row to look at.
    """
    row = hold_one(session, model, row_id)
    if row is not None:
        return row
    if _goes_in_turn(session, model):
        session.execute(select(func.pg_advisory_xact_lock(_turn(model, _values(row_id)))))
    insert_if_missing(session, model, **values)
    return hold_known(session, model, row_id)


def hold_known(session: Session, model: type[Row], row_id: Key) -> Row:
    """Lock one row that is known to be there, until the commit. Returns it as it is now.

    Raises:
        NoResultFound: somebody deleted it meanwhile.
    """
    row = hold_one(session, model, row_id)
    if row is None:
        raise NoResultFound(f"no row {row_id} of {model.__name__}")
    return row


def hold_where(session: Session, model: type[Row], *where: ColumnElement[bool]) -> list[Row]:
    """Lock the rows that a condition finds, by ascending key: for keys that are no numbers, such as a batch's name."""
    return _hold(session, model, *where)


def hold_free(session: Session, model: type[Row], *where: ColumnElement[bool]) -> list[Row]:
    """As ``hold_where``, without waiting: a row that another transaction holds is left out."""
    return _hold(session, model, *where, skip_locked=True)


def share(session: Session, model: type[Row]) -> None:
    """Keep all rows of a small table as they are until the commit; many transactions may do so at once.

    Whoever wants to change the table calls ``hold_all`` first, and waits there until they are done. An empty table keeps
    nobody waiting.
    """
    _settled(session, model, lambda query: query.with_for_update(read=True))


def hold_all(session: Session, model: type[Row]) -> list[Row]:
    """Lock all rows of a small table until the commit, against ``share`` too. Returns them as they are now."""
    _settled(session, model, _locking)
    return list(session.scalars(_fresh(select(model).order_by(*_mapper(model).primary_key))))


def _settled(session: Session, model: type[Row], lock: Callable[[Select[Any]], Select[Any]]) -> None:
    """Lock until the rows locked are those that there are: whom we waited for may have put others in their place."""
    keys = select(*_mapper(model).primary_key).order_by(*_mapper(model).primary_key)
    while session.execute(lock(keys)).all() != session.execute(keys).all():
        pass


def free_keys(model: type[Row], *where: ColumnElement[bool], limit: int) -> Select[tuple[int]]:
    """The keys of so many free rows, locked in ascending order by the one statement (an UPDATE) that this is part of."""
    (key,) = _mapper(model).primary_key
    return _locking(select(key).where(*where).order_by(key).limit(limit), skip_locked=True)


def _hold(session: Session, model: type[Row], *where: ColumnElement[bool], skip_locked: bool = False) -> list[Row]:
    mapper = _mapper(model)
    keys = mapper.primary_key
    if _is_read_alone(model):
        # One statement locks the rows and reads them as they are after the wait.
        return list(session.scalars(_fresh(_locking(select(model).where(*where).order_by(*keys), skip_locked))))
    held: Sequence[tuple[object, ...]] = [
        tuple(row) for row in session.execute(_locking(select(*keys).where(*where).order_by(*keys), skip_locked))
    ]
    if not held:
        return []
    found = select(model).where(tuple_(*keys).in_(held) if len(keys) > 1 else keys[0].in_([one for (one,) in held]))
    return list(session.scalars(_fresh(found.order_by(*keys))).unique())


@lru_cache
def _by_key(model: type[Row], in_turn: bool) -> Select[Row]:
    """As ``_by_keys``, for the one row of ``key_0``, ``key_1``...; in turn with all who do so with the number ``turn``."""
    found = select(model).where(*(key == bindparam(f"key_{n}") for n, key in enumerate(_mapper(model).primary_key)))
    if in_turn:
        found = found.where(func.pg_advisory_xact_lock(bindparam("turn", type_=BigInteger)).is_not(None))
    return _fresh(_locking(found))


def _values(key: Key) -> tuple[int, ...]:
    return key if isinstance(key, tuple) else (int(key),)


def _goes_in_turn(session: Session, model: type[Base]) -> bool:
    return model.__tablename__ in IN_TURN and session.get_bind().dialect.name != "sqlite"


def _turn(model: type[Base], values: tuple[int, ...]) -> int:
    """The number of the advisory lock that stands before a row: 64 bits, as PostgreSQL wants them."""
    return int.from_bytes(hashlib.sha256(f"{model.__tablename__} {values}".encode()).digest()[:8], signed=True)


@lru_cache
def _by_keys(model: type[Row]) -> Select[Row]:
    """One statement locks the rows of ``keys`` and reads them as they are after the wait; made once for a table."""
    (key,) = _mapper(model).primary_key
    return _fresh(_locking(select(model).where(key.in_(bindparam("keys", expanding=True))).order_by(key)))


@lru_cache
def _is_read_alone(model: type[Base]) -> bool:
    """Whether nothing is read along with a row of the table."""
    return not any(one.lazy in ("joined", "selectin", "subquery") for one in _mapper(model).relationships)


def _locking(query: Select[Row], skip_locked: bool = False) -> Select[Row]:
    return query.with_for_update(key_share=True, skip_locked=skip_locked)


def _fresh(query: Select[Row]) -> Select[Row]:
    return query.execution_options(populate_existing=True)


def _mapper(model: type[Row]) -> Mapper[Row]:
    return inspect(model)
