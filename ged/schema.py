"""Which programs may run on the present tables, so that an installation is upgraded while people work.

A newer program migrates while the sites and workers of the release before still run. A program is named by the newest
revision that it knows. Each revision names the oldest program that may run on its tables (``oldest_program``). A revision
that only adds keeps the name that the revision before it gave. A revision that takes something away, or asks for more,
names itself. So does one behind which an enumeration has another member (``ged.db.Code``): an older program that reads
a member that it does not know crashes. The database keeps the name of the oldest program: an older one does not know the
newer revision, but can read its row.
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
    """Write the oldest program that may run. Tables from before revision 0024 have no place for it."""
    if not inspect(connection).has_table(SchemaTolerance.__tablename__):
        return
    if connection.scalar(select(SchemaTolerance.id)) is None:
        connection.execute(insert(SchemaTolerance).values(id=ROW, oldest_program=oldest_program))
    else:
        connection.execute(update(SchemaTolerance).values(oldest_program=oldest_program))


def may_run(connection: Connection, program: str) -> bool:
    """Whether a program may run on newer tables.

    Args:
        program: the newest revision that it knows. Revisions are four digits: their texts sort as their numbers.
    """
    if not inspect(connection).has_table(SchemaTolerance.__tablename__):
        return False
    oldest = connection.scalar(select(SchemaTolerance.oldest_program))
    return oldest is not None and oldest <= program
