"""Somebody with the database in hand: the first thing that goes is what holds the rows."""

from sqlalchemy import Engine

from ged import held


def lift_guards(engine: Engine) -> None:
    """Let held rows be changed and deleted, on a database of a test's own."""
    with engine.begin() as connection:
        for rows in held.HELD:
            for statement in held.undo(rows.table, engine.dialect.name):
                connection.exec_driver_sql(statement)
