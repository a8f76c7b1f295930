"""The next ids: behind every id that was ever given, also to a row that is gone."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, func, insert, inspect, literal_column, select, text
from sqlalchemy.exc import IntegrityError

from ged.errors import EngineFailed
from ged.moving.columns import tables


def given(source: Connection) -> Mapping[str, int]:
    """Table -> the last id that SQLite gave, where it keeps it (AUTOINCREMENT)."""
    if not inspect(source).has_table("sqlite_sequence"):
        return {}
    return {name: int(last) for name, last in source.execute(text("SELECT name, seq FROM sqlite_sequence"))}


def count_on(target: Engine, given_ids: Mapping[str, int]) -> int:
    """Set each sequence behind the last id, and prove it by a row that is inserted and taken back.

    Returns:
        How many sequences there are.

    Raises:
        EngineFailed: ``move.sequence``.
    """
    count = 0
    for table in tables():
        column = table.autoincrement_column
        if column is None:
            continue
        with target.connect() as connection:
            sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
            if sequence is None:
                continue  # a key that the program gives itself
            highest = connection.scalar(select(func.max(column))) or 0
            last = max(highest, given_ids.get(table.name, 0))
            _set(connection, sequence, last)
            connection.commit()
            if not _is_free(connection, table, column.name, highest):
                raise EngineFailed(
                    "move.sequence", "report this: the next id of a table is taken", table=table.name, last=last
                )
            connection.rollback()
            _set(connection, sequence, last)  # numbers that the proof took are given back
            connection.commit()
        count += 1
    return count


def _set(connection: Connection, sequence: str, last: int) -> None:
    connection.execute(select(func.setval(sequence, max(last, 1), last > 0)))


def _is_free(connection: Connection, table: Table, key: str, highest: int) -> bool:
    """Whether a new row gets an id of its own. The last row is inserted once more without its id; where another rule of the table
    refuses the double, the id was free."""
    if not highest:
        return True
    others = [one for one in table.columns if one.name != key]
    double: Select[*tuple[Any, ...]] = (
        select(*(literal_column(f'"{one.name}"') for one in others)).select_from(table).where(table.c[key] == highest)
    )
    own = inspect(connection).get_pk_constraint(table.name)["name"]
    statement = insert(table).from_select([one.name for one in others], double, include_defaults=False)
    try:
        connection.execute(statement)
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        return getattr(diagnosis, "constraint_name", None) != own
    return True
