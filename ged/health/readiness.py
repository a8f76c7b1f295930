"""Whether a process may be sent people: its database answers, and has tables that this program runs on."""

import re
from enum import StrEnum
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ged import schema
from ged.db import PROGRAM
from ged.faults import fault_of
from ged.unit import Services

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"
_CONTRACTS = re.compile(r"^phase = .*contract", re.MULTILINE)


class Tables(StrEnum):
    """The tables of the database, beside those that this program knows."""

    OWN = "own"
    UNFINISHED = "unfinished"
    """Contractions wait for the end of the release before: this program runs without them."""
    TOLERATED = "tolerated"
    """Of a newer program that lets this one run on."""
    NONE = "none"
    OLDER = "older"
    NEWER = "newer"

    @property
    def may_run(self) -> bool:
        """Whether this program runs on them."""
        return self in (Tables.OWN, Tables.UNFINISHED, Tables.TOLERATED)


def tables_of(connection: Connection) -> tuple[Tables, str]:
    """What the tables are, and their revision; empty where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return Tables.NONE, ""
    found = str(connection.scalar(text("SELECT max(version_num) FROM alembic_version")) or "")
    if found == PROGRAM:
        return Tables.OWN, found
    if found > PROGRAM:
        return (Tables.TOLERATED if schema.may_run(connection, PROGRAM) else Tables.NEWER), found
    waiting = [name for name in revisions() if name > found]
    return (Tables.UNFINISHED if all(revisions()[name] for name in waiting) else Tables.OLDER), found


@cache
def revisions() -> dict[str, bool]:
    """Each revision that this program knows, and whether it is a contraction. Reads the files: Alembic would load them."""
    files = sorted(VERSIONS.glob("[0-9]*.py"))
    return {file.name[:4]: _CONTRACTS.search(file.read_text(encoding="utf-8")) is not None for file in files}


def hindrance(services: Services) -> str:
    """Why this process cannot serve: ``database.away``, ``schema.none``, ``schema.older``, ``schema.newer``; empty when it can.

    A program that stands on tables which it does not know answers wrongly, not slowly: a proxy must send nobody to it.
    """
    try:
        with services.reading() as session:
            found, _revision = tables_of(session.connection())
    except Exception as error:
        if fault_of(error) is None:
            raise
        return "database.away"
    return "" if found.may_run else f"schema.{found}"
