"""The only way to lock rows, and the order in which all code locks them.

    mail = locks.hold_one(uow.session, Mail, mail_id)

Two transactions that lock the same rows in opposite orders deadlock, and PostgreSQL aborts one of them. So there is one
order, ``ORDER``. A transaction acquires its locks from left to right, the rows of one table by ascending key, and all
of them before its first change. Operations on a letter lock the letter before its drafts, slips, envelopes and
counters, and after the calendar and the scan that it came from.

A lock is ``FOR NO KEY UPDATE``. It blocks other writers, but allows the insert of a row in another table that refers to
the locked row (``FOR UPDATE`` would make the insert wait, and with it its transaction). The rows are read once the lock
is acquired: a join would return data that PostgreSQL read before it waited. On SQLite a writing transaction locks the
whole database (``ged.db``); there these functions only read the rows anew.
"""

import hashlib
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    bindparam,
    func,
    inspect,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.orm import Mapper, Session

from ged.db import Base, insert_if_missing, table_of
from ged.faults import fault_of

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
"""Tables in the order of their locks. Of the tables in one step, a transaction locks only one. A transaction locks at
most one table that is not listed, before the journal's head (people's keys, absences, jobs)."""

FIRST = ("correspondents", "mails", "scan_batches", "scans", "working_days")
"""An operation on a letter holds a row of one of these tables before it writes to any other."""

IN_TURN = frozenset({"register_counters", "audit_head"})
"""Tables with a row that all transactions contend for. At each commit PostgreSQL wakes all waiters of the row, and all
but one wait again: with fifty waiters half of its work. An advisory lock, acquired first, wakes one waiter only."""

Row = TypeVar("Row", bound=Base)
Key = int | tuple[int, ...]
"""Primary key of a row: its id, or the values of a key of several columns."""


LONGEST_WAIT = "3s"
"""How long an undo or a page waits for a lock, in PostgreSQL's notation: others wait behind it meanwhile."""


def wait_briefly(session: Session) -> None:
    """From here to the commit, wait for no lock longer than ``LONGEST_WAIT``: the database then raises an error that
    ``ged.faults.fault_of`` translates to ``database.busy``. SQLite has one lock, which a transaction that writes waits for at its start."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'"))


def hold_out_writers(session: Session, tables: Collection[str]) -> None:
    """Wait until nobody writes to these tables, and keep writers out until the commit: for a rare act that asks what names
    a row without a foreign key. On SQLite a writing transaction is alone anyway.

    An operation on a letter is kept out as a whole. Half of one, which had already named a row, would wait for us, and we
    for it.

    From here to the commit no lock is waited for longer than ``LONGEST_WAIT``.

    Raises:
        DatabaseAway: ``database.busy``: somebody writes for longer. What later statements raise for this reason,
            ``ged.faults.fault_of`` translates alike.
    """
    if tables:
        hold_tables(session, {"EXCLUSIVE": FIRST, "SHARE": sorted(set(tables) - {*FIRST})})


def hold_tables(session: Session, wanted: Mapping[str, Collection[str]], *, patience_s: float = 3.0) -> None:
    """Lock whole tables until the commit, all of them in one moment in which no other transaction is in the way.

    Writers lock tables in the order of their statements, which no order of ours can match. So nothing is held while we
    wait: what is not free at once is tried again. Nobody waits behind us meanwhile. On SQLite a writing transaction is
    alone anyway.

    Args:
        wanted: a mode in PostgreSQL's words -> names of tables.

    Raises:
        DatabaseAway: ``database.busy``: in ``patience_s`` there was no such moment.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    wait_briefly(session)
    connection, until = session.connection(), time.monotonic() + patience_s
    while True:
        try:
            # The rollback to a savepoint gives back the tables that were locked before the one that was busy.
            with connection.begin_nested():
                for mode, names in wanted.items():
                    if names:
                        connection.execute(text(f"LOCK TABLE {', '.join(names)} IN {mode} MODE NOWAIT"))
        except DBAPIError as error:
            fault = fault_of(error)
            if fault is None:
                raise
            if fault.code != "database.busy" or time.monotonic() > until:
                raise fault from error
            time.sleep(random.uniform(0.005, 0.03))  # noqa: S311  no secret: two who wait should not meet again
        else:
            return


def hold(session: Session, model: type[Row], ids: Collection[int]) -> list[Row]:
    """Lock rows by their keys until the commit, in ascending order.

    Returns:
        The present rows, by ascending key; a key without a row is left out.
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
        The present row; None when there is no row, or, for a table of ``IN_TURN``, when there was no row yet at the
        start of the wait for the advisory lock (see ``hold_made``).
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
    """As ``hold_one``, but insert a missing row with these values (which include its key).

    Of two concurrent inserts, one waits for the other's row. For a table of ``IN_TURN``, the insert first acquires the
    advisory lock: without a row its condition is not evaluated, so ``hold_one`` took none.
    """
    row = hold_one(session, model, row_id)
    if row is not None:
        return row
    take_turn(session, model, row_id)
    insert_if_missing(session, model, **values)
    return hold_known(session, model, row_id)


def hold_values(session: Session, model: type[Base], row_id: Key, **values: object) -> RowMapping:
    """As ``hold_made``, for a table of ``IN_TURN``, and without loading the row into the session: others wait.

    Returns:
        Column -> present value.
    """
    named = {f"key_{n}": value for n, value in enumerate(_values(row_id))}
    in_turn = _goes_in_turn(session, model)
    if in_turn:
        named["turn"] = _turn(model, _values(row_id))
    session.flush()
    query = _columns_by_key(model, in_turn)
    row = session.connection().execute(query, named).mappings().one_or_none()
    if row is None:
        hold_made(session, model, row_id, **values)
        row = session.connection().execute(query, named).mappings().one()
    return row


def take_turn(session: Session, model: type[Base], row_id: Key) -> None:
    """Take the advisory lock of a row of ``IN_TURN`` until the commit, whether or not the row is there."""
    if _goes_in_turn(session, model):
        session.execute(select(func.pg_advisory_xact_lock(_turn(model, _values(row_id)))))


def hold_known(session: Session, model: type[Row], row_id: Key) -> Row:
    """Lock one row that is known to exist, until the commit. Returns the present row.

    Raises:
        NoResultFound: the row was deleted meanwhile.
    """
    row = hold_one(session, model, row_id)
    if row is None:
        raise NoResultFound(f"no row {row_id} of {model.__name__}")
    return row


def hold_where(session: Session, model: type[Row], *where: ColumnElement[bool]) -> list[Row]:
    """Lock the rows that match a condition, by ascending key: for keys that are no numbers, such as a batch's name."""
    return _hold(session, model, *where)


def hold_free(session: Session, model: type[Row], *where: ColumnElement[bool]) -> list[Row]:
    """As ``hold_where``, without waiting: rows locked by other transactions are skipped."""
    return _hold(session, model, *where, skip_locked=True)


def share(session: Session, model: type[Row]) -> None:
    """Take shared locks on all rows of a small table until the commit. Many transactions may hold them at once.

    A transaction that changes the table calls ``hold_all`` first, which waits until all shared locks are released. On
    an empty table nobody waits.
    """
    _settled(session, model, lambda query: query.with_for_update(read=True))


def hold_all(session: Session, model: type[Row]) -> list[Row]:
    """Lock all rows of a small table exclusively until the commit, also against ``share``. Returns the present rows."""
    _settled(session, model, _locking)
    return list(session.scalars(_fresh(select(model).order_by(*_mapper(model).primary_key))))


def _settled(session: Session, model: type[Row], lock: Callable[[Select[Any]], Select[Any]]) -> None:
    """Lock all rows; repeat while the set of rows changes: a transaction that we waited for may have replaced rows."""
    keys = select(*_mapper(model).primary_key).order_by(*_mapper(model).primary_key)
    while session.execute(lock(keys)).all() != session.execute(keys).all():
        pass


def free_keys(model: type[Row], *where: ColumnElement[bool], limit: int) -> Select[tuple[int]]:
    """A subquery for the keys of at most ``limit`` free rows, locked in ascending order by the UPDATE around it."""
    (key,) = _mapper(model).primary_key
    return _locking(select(key).where(*where).order_by(key).limit(limit), skip_locked=True)


def _hold(session: Session, model: type[Row], *where: ColumnElement[bool], skip_locked: bool = False) -> list[Row]:
    mapper = _mapper(model)
    keys = mapper.primary_key
    if _is_read_alone(model):
        # One statement locks the rows and reads their state after the wait.
        return list(session.scalars(_fresh(_locking(select(model).where(*where).order_by(*keys), skip_locked))))
    # By its keys alone: a lock on the joined statement would take the related rows too, and PostgreSQL refuses one on
    # the outer side of a join.
    held: Sequence[tuple[object, ...]] = [
        tuple(row) for row in session.execute(_locking(select(*keys).where(*where).order_by(*keys), skip_locked))
    ]
    if not held:
        return []
    found = select(model).where(tuple_(*keys).in_(held) if len(keys) > 1 else keys[0].in_([one for (one,) in held]))
    return list(session.scalars(_fresh(found.order_by(*keys))).unique())


@lru_cache
def _by_key(model: type[Row], in_turn: bool) -> Select[Row]:
    """As ``_by_keys``, for the row of ``key_0``, ``key_1``...; with ``in_turn``, under the advisory lock ``turn``."""
    return _fresh(_locking(select(model).where(*_has_key(model, in_turn))))


@lru_cache
def _columns_by_key(model: type[Base], in_turn: bool) -> Select[Any]:
    return _locking(select(*table_of(model).columns).where(*_has_key(model, in_turn)))


def _has_key(model: type[Base], in_turn: bool) -> list[ColumnElement[bool]]:
    found = [key == bindparam(f"key_{n}") for n, key in enumerate(_mapper(model).primary_key)]
    # The function returns void, which is never NULL: the condition is there for its effect. It is evaluated when the
    # key has found the row, and before the row is locked.
    turn = func.pg_advisory_xact_lock(bindparam("turn", type_=BigInteger)).is_not(None)
    return [*found, turn] if in_turn else found


def _values(key: Key) -> tuple[int, ...]:
    return key if isinstance(key, tuple) else (int(key),)


def _goes_in_turn(session: Session, model: type[Base]) -> bool:
    return model.__tablename__ in IN_TURN and session.get_bind().dialect.name != "sqlite"


def _turn(model: type[Base], values: tuple[int, ...]) -> int:
    """The number of a row's advisory lock: 64 bits, signed, as PostgreSQL requires."""
    # By SHA-256: Python's own hash of a text is another one in each process.
    return int.from_bytes(hashlib.sha256(f"{model.__tablename__} {values}".encode()).digest()[:8], signed=True)


@lru_cache
def _by_keys(model: type[Row]) -> Select[Row]:
    """One statement that locks the rows of ``keys`` and reads their state after the wait; built once for each table."""
    (key,) = _mapper(model).primary_key
    return _fresh(_locking(select(model).where(key.in_(bindparam("keys", expanding=True))).order_by(key)))


@lru_cache
def _is_read_alone(model: type[Base]) -> bool:
    """Whether a row of the table is loaded without related rows."""
    return not any(one.lazy in ("joined", "selectin", "subquery") for one in _mapper(model).relationships)


def _locking(query: Select[Row], skip_locked: bool = False) -> Select[Row]:
    # SQLAlchemy writes `key_share=True` as FOR NO KEY UPDATE. Only together with `read=True` it is FOR KEY SHARE.
    return query.with_for_update(key_share=True, skip_locked=skip_locked)


def _fresh(query: Select[Row]) -> Select[Row]:
    # A row that the session holds already was read before the wait, and a query would not replace its values.
    return query.execution_options(populate_existing=True)


def _mapper(model: type[Row]) -> Mapper[Row]:
    return inspect(model)
