"""The database of one moment, while people work: SQLite by its backup API, PostgreSQL by ``pg_dump`` of a snapshot."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from ged.errors import ConfigError, DiskFull, EngineFailed
from ged.ports import Readable
from ged.standby import WAITS, libpq_address

KEYS_SCHEMA = "ged_keys"
"""The keyring's schema (``ged.adapters.keyring``): it goes to the medium of the keys, never with the data."""
STEP_PAGES = 1000
"""Pages that SQLite copies at once: between two steps others come by (some ten milliseconds)."""
SQLITE, POSTGRES = "sqlite", "postgresql"
_DEBIAN = Path("/usr/lib/postgresql")


class Opened(Protocol):
    """Gives the bytes of the copy."""

    def __call__(self) -> AbstractContextManager[Readable]:
        """Once: the stream."""
        ...


@dataclass(frozen=True)
class Moment:
    """The database of one moment.

    Attributes:
        session: sees that moment, as long as the block lasts.
        size_bytes: about what the copy takes.
        opened: the bytes that ``restore`` takes.
    """

    kind: str
    session: Session
    size_bytes: int
    opened: Opened


def taken(engine: Engine, spare: Path) -> AbstractContextManager[Moment]:
    """The database of this moment. Nobody waits for it.

    Args:
        spare: a private folder on the server's disk: SQLite's file is copied there first.

    Raises:
        DiskFull: ``backup.no_room_here``; EngineFailed: ``database.malformed``, ``backup.dump_failed``.
        ConfigError: ``backup.client_missing``.
    """
    return _of_file(engine, spare) if engine.dialect.name == SQLITE else _of_server(engine)


@contextmanager
def _of_file(engine: Engine, spare: Path) -> Iterator[Moment]:
    source, copy = Path(str(engine.url.database)), spare / "database.sqlite3"
    size = source.stat().st_size
    free = shutil.disk_usage(spare).free
    if free < size + size // 8:
        raise DiskFull(
            "backup.no_room_here",
            "free room on the server's disk: the database is copied there before it is encrypted",
            missing_bytes=size + size // 8 - free,
        )
    copy_file(source, copy)
    try:
        own = create_engine(f"sqlite:///{copy}")
        try:
            with Session(own, autoflush=False) as session:
                yield Moment(SQLITE, session, copy.stat().st_size, lambda: copy.open("rb"))
        finally:
            own.dispose()
    finally:
        copy.unlink(missing_ok=True)


def copy_file(source: Path, copy: Path) -> None:
    """Copy SQLite's file as it is at this moment, and check the copy.

    The source's read transaction stays open: with it, changes of others do not make the copy begin anew, and they wait
    for nothing (write-ahead log: SQLite, "Online Backup API").

    Raises:
        EngineFailed: ``database.malformed``.
    """
    copy.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, isolation_level=None, timeout=30)) as here,
        closing(sqlite3.connect(copy, isolation_level=None)) as there,
    ):
        here.execute("BEGIN")
        here.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot begins with the first reading
        here.backup(there, pages=STEP_PAGES)
        here.execute("ROLLBACK")
        there.execute("PRAGMA journal_mode=DELETE")
        found = there.execute("PRAGMA quick_check(1)").fetchall()
    if found != [("ok",)]:
        raise EngineFailed(
            "database.malformed",
            "the server's own database is damaged: keep a copy of the data folder, then restore the last good backup",
            reason=str(found[0][0])[:200] if found else "",
        )


@contextmanager
def _of_server(engine: Engine) -> Iterator[Moment]:
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(reading, autoflush=False) as session:
        session.execute(text(WAITS))
        version = int(session.scalars(text("SHOW server_version_num")).one()) // 10_000
        size = int(session.scalars(text("SELECT pg_database_size(current_database())")).one())
        snapshot = str(session.scalars(text("SELECT pg_export_snapshot()")).one())
        program = client("pg_dump", version)
        yield Moment(POSTGRES, session, size, lambda: _dump(engine, program, snapshot))


@contextmanager
def _dump(engine: Engine, program: str, snapshot: str) -> Iterator[Readable]:
    # Not compressed: the stream is packed on its way, and its digest is that of the
    # plain bytes. Without owners: the accounts of another server have other names.
    options = ("--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password",
               f"--exclude-schema={KEYS_SCHEMA}")  # fmt: skip
    running = subprocess.Popen(
        [program, *options, f"--snapshot={snapshot}", f"--dbname={libpq_address(engine)}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_with_password(engine),
    )
    out, errors = running.stdout, running.stderr
    if out is None or errors is None:
        raise AssertionError("pipes were asked for")
    with running:
        try:
            yield out
            said = errors.read()
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise _failed("pg_dump", said)


def restore_postgres(engine: Engine, dump: Path, *, version: int) -> None:
    """Bring a dump into an empty database: all of it or nothing.

    Raises:
        ConfigError: ``backup.client_missing``; EngineFailed: ``backup.dump_failed``.
    """
    program = client("pg_restore", version)
    done = subprocess.run(
        [program, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password",
         f"--dbname={libpq_address(engine)}", str(dump)],
        capture_output=True, check=False, env=_with_password(engine),
    )  # fmt: skip
    if done.returncode:
        raise _failed("pg_restore", done.stderr)


def client(name: str, version: int) -> str:
    """A program of PostgreSQL that is at least as new as the server: an older one refuses.

    Raises:
        ConfigError: ``backup.client_missing``.
    """
    found = [*filter(None, [shutil.which(name)]), *(str(one) for one in sorted(_DEBIAN.glob(f"*/bin/{name}")))]
    for program in found:
        version_line = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        digits = version_line.split()[2].split(".")[0] if len(version_line.split()) > 2 else ""
        if digits.isdigit() and int(digits) >= version:
            return program
    raise ConfigError(
        "backup.client_missing",
        f"install {name} of PostgreSQL {version} or newer on this machine (Debian: postgresql-client-{version})",
        setting="PATH",
    )


def is_empty(engine: Engine) -> bool:
    """Whether a database has no table."""
    if engine.dialect.name == SQLITE:
        return not Path(str(engine.url.database)).exists()
    with engine.connect() as connection:
        return not connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))


def server_version(engine: Engine) -> int:
    """The major version of a PostgreSQL server."""
    with engine.connect() as connection:
        return int(connection.scalars(text("SHOW server_version_num")).one()) // 10_000


def empty_again(engine: Engine) -> None:
    """Drop every table of a database of PostgreSQL that was empty when a drill began."""
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {KEYS_SCHEMA} CASCADE"))
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def _with_password(engine: Engine) -> dict[str, str]:
    password = engine.url.password or engine.url.query.get("password")
    return dict(os.environ) | ({"PGPASSWORD": str(password)} if password is not None else {})


def _failed(program: str, said: bytes) -> EngineFailed:
    lines = said.decode(errors="replace").strip().splitlines()
    return EngineFailed(
        "backup.dump_failed",
        "look at what the program says, and at PostgreSQL's log",
        program=program,
        said=(lines[0] if lines else "")[:300],
    )
