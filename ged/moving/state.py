"""What the target knows of a move while it runs."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text
from sqlalchemy.schema import CreateSchema, DropSchema

from ged.errors import InvalidTransition

SCHEMA = "ged_move"
LOCK = 0x6765_646D_76  # "gedmv"


def fingerprint(file: Path) -> str:
    """SHA-256 of an SQLite file whose log was brought in."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def alone(target: Engine) -> Iterator[None]:
    """Nobody else moves into this database meanwhile.

    Raises:
        InvalidTransition: ``move.running``.
    """
    with target.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            raise InvalidTransition("move.running", "wait for the other command: it moves into this database")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})


class Stage(StrEnum):
    """How far a move into this database came."""

    COPYING = "copying"
    COMPARED = "compared"
    """All rows and files are as in the source: from here on the target may differ from it (index jobs, the journal's entry)."""
    NOTED = "noted"
    """The target's journal tells of the move."""


@dataclass(frozen=True)
class Begun:
    """A move into a database: of which source (``ged.moving.mark.Mark``), and how far it came."""

    source: str
    stage: Stage


_about = Table(
    "about", MetaData(schema=SCHEMA), Column("source", String(64), primary_key=True), Column("stage", String(16))
)


def begun(target: Connection) -> Begun | None:
    """The move that has begun into this database; None: none has."""
    if not inspect(target).has_table(_about.name, schema=SCHEMA):
        return None
    row = target.execute(select(_about)).one()
    return Begun(row.source, Stage(row.stage))


def begin(target: Connection, source: str) -> None:
    """Note in the target that a move has begun."""
    target.execute(CreateSchema(SCHEMA))
    _about.create(target)
    target.execute(_about.insert().values(source=source, stage=Stage.COPYING))


def reach(target: Connection, stage: Stage) -> None:
    """Note how far the move came."""
    target.execute(_about.update().values(stage=stage))


def end(target: Connection) -> None:
    """The move is done: the target bears no trace of it."""
    target.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))


def programs(target: Connection) -> list[str]:
    """Programs of ours that are connected to the target, but for this process's connections."""
    query = text(
        "SELECT DISTINCT application_name || ' ' || coalesce(client_addr::text, 'here') FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'ged %'"
    )
    return sorted(target.scalars(query))
