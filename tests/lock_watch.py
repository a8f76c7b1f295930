"""Watches every transaction of every test: the test fails unless rows are locked in the order of ``ged.locks.ORDER``.

``tests/conftest.py`` turns it on, so that it sees each operation that a test calls. It checks each statement that locks
rows, and each UPDATE and DELETE of a row of an ordered table, which locks the row too. Rows that the transaction itself
inserted do not count: no other transaction sees them. On SQLite nothing is locked, but the statements are the same. A test
that locks backwards on purpose has the mark ``locks_backwards``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Delete, Engine, Select, Update, event, inspect
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.sql import visitors

from ged import locks

RANK = {table: rank for rank, tables in enumerate(locks.ORDER) for table in tables}
KEY = "ged_locks_of_this_transaction"


class Watch:
    """The locks of each transaction, and the violations of the order."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        """(earlier, later): pairs of tables that some transaction locked one after the other."""
        self.broken: list[str] = []
        self._key = f"{KEY}_{id(self)}"

    def begin(self, connection: Connection) -> None:
        connection.info[self._key] = ([], set())

    def made(self, _mapper: Mapper[Any], connection: Connection, row: Any) -> None:
        _, own = connection.info.setdefault(self._key, ([], set()))
        own.add((row.__table__.name, inspect(row).identity or inspect(row).mapper.primary_key_from_instance(row)[0]))
        own.add((row.__table__.name, inspect(row).mapper.primary_key_from_instance(row)[0]))

    def known(self, session: Session, row: Any) -> None:
        """A row that a statement of its own inserted, and that was then added to the session (``ged.db.known_to``)."""
        self.made(inspect(row).mapper, session.connection(), row)

    def before(self, connection: Connection, clause: Any, multiparams: Any, params: Any, _options: Any) -> None:
        if not _may_lock(clause):
            return
        rows = [*(multiparams if isinstance(multiparams, (list, tuple)) else [multiparams]), params]
        for table, key in _locked(clause, [row for row in rows if isinstance(row, dict)]):
            self.lock(connection, table, key)

    def lock(self, connection: Connection, table: str, key: int | None) -> None:
        held, own = connection.info.setdefault(self._key, ([], set()))
        if (table, key) in own or (table, key) in held:
            return
        for earlier, earlier_key in held:
            self.seen.add((earlier, table))
            if RANK[earlier] > RANK[table]:
                self.broken.append(f"{table} {key} after {earlier} {earlier_key}")
            elif earlier == table and key is not None and earlier_key is not None and earlier_key > key:
                self.broken.append(f"{table} {key} after {earlier_key}")
        held.append((table, key))


def _may_lock(clause: Any) -> bool:
    if isinstance(clause, Select):
        return clause._for_update_arg is not None
    return isinstance(clause, (Update, Delete)) and clause.table.name in RANK


def _locked(clause: Any, rows: list[dict[str, Any]]) -> Iterator[tuple[str, int | None]]:
    """(table, key) of each ordered row that a statement locks; the key is None when the statement does not state it."""
    if isinstance(clause, Select):
        tables = _tables(clause)
        where = clause.whereclause
        # A reused statement has its keys in its parameters (``ged.locks._by_key``).
        values = [value for row in rows for name, value in row.items() if name.startswith("key")]
        if where is not None:
            values += [one.value for one in visitors.iterate(where) if one.__visit_name__ == "bindparam"]
        keys = sorted(
            key for value in values for key in (value if isinstance(value, list) else [value]) if type(key) is int
        )
        for table in tables:
            if table in RANK:
                yield from ((table, key) for key in keys) if table != "register_counters" and keys else [(table, None)]
    else:
        name = clause.table.name
        keys_of_orm = (f"{name}_id", f"{name}_mail_id") if isinstance(clause, Update) else ("id",)
        named = [row[key] for row in rows for key in row if key in keys_of_orm]
        yield from ((name, key) for key in sorted(named)) if named else [(name, None)]


@lru_cache(500)
def _tables(clause: Select[Any]) -> tuple[str, ...]:
    """The names of what a statement selects from. The statements that lock are mostly the same few (``ged.locks``)."""
    return tuple(getattr(one, "name", "") for one in clause.get_final_froms())


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch all engines until the end of the block."""
    watch = Watch()
    listeners = [
        (Engine, "begin", watch.begin),
        (Engine, "before_execute", watch.before),
        (Mapper, "after_insert", watch.made),
        (Session, "detached_to_persistent", watch.known),
    ]
    for target, name, call in listeners:
        event.listen(target, name, call)
    try:
        yield watch
    finally:
        for target, name, call in listeners:
            event.remove(target, name, call)
