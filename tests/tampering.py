"""An attacker with the database, who first removes the triggers that protect rows."""

from sqlalchemy import Engine

from ged import held


def lift_guards(engine: Engine) -> None:
    """Remove the protection of rows, so that they can be changed and deleted, in a test's own database."""
    with engine.begin() as connection:
        for rows in held.HELD:
            for statement in held.undo(rows.table, engine.dialect.name):
                connection.exec_driver_sql(statement)
