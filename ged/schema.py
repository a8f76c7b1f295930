"""Which programs may run on the present tables, so that an installation can be upgraded while people work.

A program is named by the newest revision (migration) that it knows (``ged.db.PROGRAM``). A revision has one of two
phases:

- *expand* only adds what the program of the release before tolerates, and names that program, or an older one, as the
  oldest that may run (``oldest_program``). It runs before the new program starts, while the older one works.
- *contract* removes, requires more, or opens a new member of an enumeration (``ged.db.Code``), which an older program
  cannot read. It names itself as the oldest program. It runs when the last process of the release before has ended; so
  the new program must work without it.

The contractions are the last revisions of a release. So a program runs on three schemas: its own, its own without the
contractions (the *previous* schema), and that of the next release's expansions (the *next* schema). The database stores
the name of the oldest program: an older program does not know the newer revision, but can read this row.
"""

from enum import StrEnum

from sqlalchemy import Connection, String, insert, inspect, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged.db import Base, Id
from ged.errors import Invalid

ROW = 1


class Phase(StrEnum):
    """When a revision runs: before the new program starts, or after the last older program has ended."""

    EXPAND = "expand"
    CONTRACT = "contract"


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


def is_opened(session: Session, revision: str) -> bool:
    """Whether a contraction has run: from then on what it opens may be written, such as a new member of an enumeration.

    Before, a program of the release before may still run, and cannot read it.
    """
    oldest = session.scalar(select(SchemaTolerance.oldest_program))
    return oldest is None or oldest >= revision  # no row: the tables were not made by revisions, so no program is older


def require_opened(session: Session, revision: str) -> None:
    """Refuse what a contraction opens, until it has run.

    Raises:
        Invalid: ``upgrade.not_finished``.
    """
    if not is_opened(session, revision):
        raise Invalid("upgrade.not_finished", "ask again when the upgrade has ended")
