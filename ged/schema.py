"""Which programs may run on the tables as they are: what lets an installation be upgraded without standing still.

A newer program migrates while the sites and workers of the release before still run. So each revision says the oldest
program that may run on its tables (``oldest_program``, a revision: the program's own newest). A revision that only adds
names the release before; one that takes something away or asks for more names itself. The database keeps the answer,
because the older program does not know the newer revision.
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
    """Write the oldest program that may run; nothing where the tables are older than this promise."""
    if not inspect(connection).has_table(SchemaTolerance.__tablename__):
        return
    if connection.scalar(select(SchemaTolerance.id)) is None:
        connection.execute(insert(SchemaTolerance).values(id=ROW, oldest_program=oldest_program))
    else:
        connection.execute(update(SchemaTolerance).values(oldest_program=oldest_program))


def may_run(connection: Connection, program: str) -> bool:
    """Whether a program may run on newer tables.

    Args:
        program: its newest revision. Revisions are numbered, so that their order is that of their texts.
    """
    if not inspect(connection).has_table(SchemaTolerance.__tablename__):
        return False
    oldest = connection.scalar(select(SchemaTolerance.oldest_program))
    return oldest is not None and oldest <= program
