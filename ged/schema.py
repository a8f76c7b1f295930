"""Which programs may run on the present tables, so that an installation can be upgraded while people work.

A newer program migrates the tables while sites and workers of the previous release still run. A program is named by the
newest revision (migration) that it knows. Each revision names the oldest program that may run on its tables
(``oldest_program``). A revision that only adds columns or tables keeps the name from the revision before. A revision
that removes something, or requires more, names itself. So does a revision with a new member of an enumeration
(``ged.db.Code``): an older program crashes when it reads an unknown member. The database stores the name of the oldest
program: an older program does not know the newer revision, but can read this row.
"""

from sqlalchemy import Connection, String, insert, inspect, select, update
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id

ROW = 1


class SchemaTolerance(Base):
    """One row: the oldest program that may run on these tables."""

    __tablename__ = "schema_tolerance"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    oldest_program: Mapped[str] = mapped_column(String(32))


def keep(connection: Connection, oldest_program: str) -> None:
    """Store the oldest program that may run. Databases before revision 0024 have no table for it."""
    if not inspect(connection).has_table(SchemaTolerance.__tablename__):
        return
    if connection.scalar(select(SchemaTolerance.id)) is None:
        connection.execute(insert(SchemaTolerance).values(id=ROW, oldest_program=oldest_program))
    else:
        connection.execute(update(SchemaTolerance).values(oldest_program=oldest_program))


def may_run(connection: Connection, program: str) -> bool:
    """Whether a program may run on newer tables.

    Args:
        program: the newest revision that it knows. Revisions have four digits, so their texts sort as numbers.
    """
    if not inspect(connection).has_table(SchemaTolerance.__tablename__):
        return False
    oldest = connection.scalar(select(SchemaTolerance.oldest_program))
    return oldest is not None and oldest <= program
