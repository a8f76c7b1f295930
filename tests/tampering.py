"""An attacker with access to the database, who first removes the triggers that protect rows."""

from sqlalchemy import Engine

from ged import held


def lift_guards(engine: Engine) -> None:
    """Drop the triggers in a test's database, so that protected rows can be changed and deleted."""
    with engine.begin() as connection:
        for rows in held.HELD:
            for statement in held.undo(rows.table, engine.dialect.name):
                connection.exec_driver_sql(statement)
