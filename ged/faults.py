"""What an error of the database or of the disk means to people.

A command that needs no database asks too, and most of its start would be the loading of SQLAlchemy. An error of SQLAlchemy exists
only where SQLAlchemy is loaded, so its classes are looked up among the loaded modules.
"""

import sqlite3
import sys
from typing import TYPE_CHECKING, Any

from ged.errors import DatabaseAway, DiskFull, EngineFailed, GivenUp
from ged.space import disk_full_of

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

_DISK_FULL = "53100"
"""SQLSTATE of a full disk (PostgreSQL, appendix A)."""
_NOT_FREE = "55P03"
"""SQLSTATE of a lock that was not given within ``lock_timeout`` (``ged.locks.wait_briefly``)."""
_ENDED = "57014"
"""SQLSTATE of a statement that was ended: by ``statement_timeout`` (``ged.db.make_engine``), or by whoever runs the server. To
try it again at once would wait as long again, so it is no transaction that gave way to another (``ged.db.GIVEN_UP``)."""
_AWAY = ("08", "53", "57P")
"""Prefixes of SQLSTATE: no connection, no resources, stopped by the operator. These errors are temporary."""
_WRONG = (None, sqlite3.SQLITE_ERROR)
"""SQLite's codes of a statement that is wrong (no such table), and of a value that Python could not read."""


def fault_of(error: BaseException) -> EngineFailed | None:
    """Translate an error of the database or of the disk: the database is away, busy or too slow, or a disk is full. None: an error in
    our code."""
    if isinstance(error, OSError):
        return disk_full_of(error)
    known = _classes()
    if known is None:
        return None
    if isinstance(error, known.TimeoutError):  # no connection of the pool became free
        return _away("database.busy")
    if not isinstance(error, known.DBAPIError):
        return None
    state, said = str(getattr(error.orig, "sqlstate", None) or ""), str(error.orig)
    if state == _DISK_FULL or "database or disk is full" in said:
        return DiskFull("disk.full", "free space on the database's disk, then send again", retryable=True)
    if state == _ENDED:
        return _away("database.slow")
    if state == _NOT_FREE or "database is locked" in said:
        return _away("database.busy")
    # SQLite has no SQLSTATE, and calls nearly everything operational.
    is_wrong = isinstance(error.orig, sqlite3.Error) and getattr(error.orig, "sqlite_errorcode", None) in _WRONG
    is_lost = error.connection_invalidated or (isinstance(error, known.OperationalError) and not state and not is_wrong)
    if is_lost or state.startswith(_AWAY) or "disk I/O error" in said:
        return _away("database.away")
    return None


def _away(code: str) -> DatabaseAway:
    return DatabaseAway(code, "wait a moment, then send again", retryable=True)


def database_error(error: BaseException) -> "DBAPIError | None":
    """The error as the database driver's, wrapped by SQLAlchemy; None: it is another error."""
    known = _classes()
    return error if known is not None and isinstance(error, known.DBAPIError) else None


def busy() -> GivenUp:
    """The error shown to a person whose act was aborted twice."""
    return GivenUp("database.overtaken", "send it again in a moment: nothing was kept")


def _classes() -> Any:
    """The module of SQLAlchemy's errors; None: SQLAlchemy is not loaded."""
    return sys.modules.get("sqlalchemy.exc")
