"""Rows that many tests make alike are made once for each process, and stored again for each further test.

To register and answer fifty letters takes two seconds of the processor; to store their rows again takes a fiftieth of it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any

from ged.unit import Services

_KEPT: dict[tuple[Any, ...], bytes] = {}
"""(what is made, the rows before) -> the file of the database afterwards."""


def once(services: Services, what: tuple[Any, ...], make: Callable[[], None]) -> None:
    """Make rows by a function, or store those that it made before in a database with equal rows.

    On SQLite alone: on PostgreSQL they are made each time. The function must make rows only, no files.
    """
    if services.engine.dialect.name != "sqlite":
        make()
        return
    before = (*what, _rows(services))
    if before in _KEPT:
        _store(services, _KEPT[before])
        return
    make()
    _KEPT[before] = _file(services)


def _rows(services: Services) -> bytes:
    """A digest of all rows of a database."""
    found = hashlib.sha256()
    with services.engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' ORDER BY name"
        ).scalars()
        for name in names.all():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"').all()
            if rows:
                found.update(repr((name, rows)).encode())
    return found.digest()


def _file(services: Services) -> bytes:
    with services.engine.connect() as connection:
        file = bytearray(_driver(connection).serialize())
    file[18:20] = b"\1\1"  # in memory there is no write-ahead log
    return bytes(file)


def _store(services: Services, file: bytes) -> None:
    source = sqlite3.connect(":memory:")
    source.deserialize(file)
    with services.engine.connect() as connection:
        connection.rollback()
        source.backup(_driver(connection))
    source.close()


def _driver(connection: Any) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
