"""Copies the rows: by COPY, in batches, each one transaction."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, Table, func, select, text, update
from sqlalchemy.exc import DBAPIError

from ged.db import table_of
from ged.errors import EngineFailed
from ged.faults import fault_of
from ged.moving.columns import SECOND_PASS, beyond, carried, key_of, keys, rows_at_once, self_references, tables
from ged.natures.models import Nature
from ged.progress import CountedProgress
from ged.schema import SchemaTolerance

BATCH = 5_000
MADE_BY_MIGRATIONS = (table_of(Nature), table_of(SchemaTolerance))
"""Their rows in a new database are those of the migrations; the source's stand for them."""


def rows_in(target: Connection) -> list[str]:
    """Tables of the target with rows, but for those that the migrations fill."""
    made = {one.name for one in MADE_BY_MIGRATIONS}
    return [
        one.name
        for one in tables()
        if one.name not in made and target.execute(select(*one.primary_key.columns).limit(1)).first() is not None
    ]


def forget_made(target: Connection) -> None:
    """Remove what the migrations wrote."""
    for table in MADE_BY_MIGRATIONS:
        target.execute(table.delete())


def copy_rows(source: Connection, target: Engine, *, progress: CountedProgress, batch: int = BATCH) -> int:
    """Copy every row that is not in the target yet. An interrupted copy goes on.

    Returns:
        How many rows this run has copied.

    Raises:
        EngineFailed: ``move.refused``: PostgreSQL did not take a row.
    """
    copied = 0
    for table in tables():
        try:
            copied += _copy_table(source, target, table, progress, batch)
            _name_later(source, target, table, batch)
        except DBAPIError as error:
            _refused(table.name, error)
    try:
        for name, column in SECOND_PASS:
            _fill(source, target, source_table := _named(name), source_table.c[column], batch)
    except DBAPIError as error:
        _refused("slips", error)
    return copied


def _named(name: str) -> Table:
    return next(one for one in tables() if one.name == name)


def _refused(table: str, error: DBAPIError) -> None:
    fault = fault_of(error)
    if fault is not None:
        raise fault from error
    raise EngineFailed(
        "move.refused",
        "correct the row in the embedded installation, then call the command again",
        table=table,
        said=str(error.orig).strip().splitlines()[0][:300],
    ) from error


def _copy_table(source: Connection, target: Engine, table: Table, progress: CountedProgress, batch: int) -> int:
    with target.connect() as connection:
        # In the order of the copy, so the last key tells where an interrupted one stopped.
        last = connection.execute(
            select(*table.primary_key.columns).order_by(*(one.desc() for one in keys(connection, table))).limit(1)
        ).first()
        done = int(connection.scalar(select(func.count()).select_from(table)) or 0)
    before, later = done, _later_columns(table)
    after = tuple(last) if last is not None else None
    progress(table.name, done)
    while rows := batch_after(source, table, after, batch):
        after = key_of(table, rows[-1])
        with target.begin() as connection:
            _copy(connection, table, _prepared(table, rows, later))
        done += len(rows)
        progress(table.name, done)
    return done - before


def batch_after(connection: Connection, table: Table, after: Sequence[Any] | None, batch: int) -> Sequence[Row[Any]]:
    """The next rows in the order of their key."""
    size = rows_at_once(table, batch)
    query = select(*(carried(one) for one in table.columns)).order_by(*keys(connection, table)).limit(size)
    if after is not None:
        query = query.where(beyond(connection, table, after))
    return connection.execute(query).all()


def _later_columns(table: Table) -> list[str]:
    return [column for name, column in SECOND_PASS if name == table.name]


def _prepared(table: Table, rows: Sequence[Row[Any]], later: Sequence[str]) -> Iterator[list[Any]]:
    """Rows for COPY: a column that names a row of a later batch is left empty for now."""
    names = [one.name for one in table.columns]
    last = rows[-1]._mapping.get("id")
    own = [names.index(one.name) for one in self_references(table)]
    empty = [names.index(one) for one in later]
    for row in rows:
        values = list(row)
        for place in own:
            # The key of a later batch is not there yet, and the constraint is not deferred.
            if values[place] is not None and values[place] > last:
                values[place] = None
        for place in empty:
            values[place] = None
        yield values


def _copy(connection: Connection, table: Table, rows: Iterator[list[Any]]) -> None:
    preparer = connection.dialect.identifier_preparer
    names = ", ".join(preparer.quote(one.name) for one in table.columns)
    driver = connection.connection.driver_connection
    if driver is None:
        raise AssertionError("a connection that is open")
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {preparer.format_table(table)} ({names}) FROM STDIN") as out,
        ):
            for row in rows:
                out.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(f"COPY {table.name}", None, error, connection.dialect.loaded_dbapi.Error) from error


def _name_later(source: Connection, target: Engine, table: Table, batch: int) -> None:
    for column in self_references(table):
        _fill(source, target, table, column, batch, only_later=True)


def _fill(
    source: Connection, target: Engine, table: Table, column: Column[Any], batch: int, *, only_later: bool = False
) -> None:
    """Write a column that was left empty."""
    after = 0
    while True:
        query = select(table.c.id, column).where(table.c.id > after, column.is_not(None))
        if only_later:
            query = query.where(column > table.c.id)
        rows = source.execute(query.order_by(table.c.id).limit(batch)).all()
        if not rows:
            return
        after = rows[-1][0]
        with target.begin() as connection:
            missing = connection.scalars(
                select(table.c.id).where(table.c.id.in_([row[0] for row in rows]), column.is_(None))
            )
            named = {row[0]: row[1] for row in rows}
            for key in missing.all():
                connection.execute(update(table).where(table.c.id == key).values({column.name: named[key]}))


def settle(target: Engine) -> None:
    """Let PostgreSQL count how the values are distributed: until then it would choose poor plans."""
    with target.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
