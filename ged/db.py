"""The database: engine, sessions, types. Here SQLite and PostgreSQL are made to behave alike.

What asks for the difference itself stands elsewhere and is small: turns (``ged.locks``), triggers (``ged.held``), health,
verification and migration.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    DateTime,
    Engine,
    Insert,
    Integer,
    MetaData,
    Result,
    String,
    Table,
    Update,
    bindparam,
    create_engine,
    event,
    insert,
    inspect,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached
from sqlalchemy.types import TypeDecorator

from ged.errors import DatabaseAway, DiskFull, EngineFailed

Id = BigInteger().with_variant(Integer(), "sqlite")
"""Type of every key: SQLite gives an autoincrement only to INTEGER."""

WRITES = "ged_writes"


class Base(DeclarativeBase):
    """Base of all tables, with a naming convention so that migrations can name every constraint."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases; a naive one is refused.

    SQLite keeps it as text. Only the form that is written is read: Python would read any mark between day and hour, and
    digits of any script; what was changed so in the journal would stay unseen.
    """

    impl = DateTime(timezone=True).with_variant(
        sqlite.DATETIME(regexp=r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{6})\Z"),  # type: ignore[no-untyped-call]
        "sqlite",
    )
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Code(TypeDecorator[Enum]):
    """A ``StrEnum`` stored as its value in a VARCHAR: readable rows, and no database type to migrate."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[Enum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Enum | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Store the value; an unknown one is refused."""
        return None if value is None else str(self.enum(value).value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Enum | None:  # noqa: ARG002
        """Return the member."""
        return None if value is None else self.enum(value)


def make_engine(url: str) -> Engine:
    """An engine with the pragmas and locking habits that the rules rely on."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 30.0}, pool_size=20, max_overflow=20)
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    # Several processes share PostgreSQL's connections: few are kept, more are there for a moment. A host that is gone
    # is known as gone in seconds, not in the minutes of TCP.
    engine = create_engine(
        url, pool_size=5, max_overflow=20, pool_timeout=10, pool_pre_ping=True, connect_args={"connect_timeout": 5}
    )
    event.listen(engine, "connect", _postgres_connect)
    event.listen(engine, "begin", _postgres_begin)
    return engine


def _sqlite_pragmas(connection: DBAPIConnection, _record: Any) -> None:
    # Transactions are ours to begin: the driver's own would start as DEFERRED and deadlock on upgrade.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_COMMITS_ON_DISK = (
    "SELECT set_config('synchronous_commit', 'on', true)"
    " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
)
"""For one transaction, whatever server, database or role say: its commit returns when it is on disk. The two values
that promise as much or more stay (PostgreSQL, 20.5.1 "synchronous_commit")."""


def _postgres_connect(connection: DBAPIConnection, _record: Any) -> None:
    # The access rule makes statements of many parts, and few of the parts are ever run. The planner counts the cost of
    # all of them, so that the server would compile them all to machine code: a second for a statement of a millisecond.
    cursor = connection.cursor()
    cursor.execute("SET jit = off")
    cursor.close()
    connection.commit()


def _postgres_begin(connection: Connection) -> None:
    # What is answered to a person ("registered, number 457") must outlive a loss of power the next moment.
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql(_COMMITS_ON_DISK)


def unsafe_settings(engine: Engine) -> list[str]:
    """Settings of the database server by which committed rows are lost or torn when the machine fails.

    SQLite has none: its promise (``synchronous=FULL``) is made for each connection by ``make_engine``.

    Raises:
        OperationalError: the server cannot be reached.
    """
    if engine.dialect.name == "sqlite":
        return []
    query = text("SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting <> 'on'")
    with engine.connect() as connection:
        return sorted(connection.scalars(query))


@contextmanager
def read_session(engine: Engine) -> Iterator[Session]:
    """A session for queries: nothing it holds is ever committed."""
    session = Session(engine, autoflush=False)
    try:
        yield session
    finally:
        session.close()


def keep_rows(session: Session) -> None:
    """Hold every row that a session for queries reads until it is closed.

    A session forgets rows that nobody holds. A page of which several parts look at the same letter reads it once.
    """
    held: list[object] = []
    event.listen(session, "loaded_as_persistent", lambda _session, row: held.append(row))


@contextmanager
def snapshot_session(engine: Engine) -> Iterator[Session]:
    """A session for queries that all see the database as it was at the first: for what compares many tables."""
    with read_session(engine) as session:
        if engine.dialect.name != "sqlite":  # SQLite's readers have a snapshot in any case (WAL)
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def write_session(engine: Engine) -> Session:
    """A session whose transaction takes SQLite's write lock at its first statement. The caller commits and closes."""
    return Session(engine.execution_options(**{WRITES: True}), expire_on_commit=False)


def server_time(session: Session) -> datetime | None:
    """What the clock of the database server says now; None where the database has none of its own (SQLite)."""
    if session.get_bind().dialect.name == "sqlite":
        return None
    now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now.astimezone(UTC)


_DISK_FULL = "53100"
"""SQLSTATE of PostgreSQL, appendix A of its manual."""
_AWAY = ("08", "53", "57P")
"""Beginnings of SQLSTATE: no connection, no resources, stopped by the operator. Such errors pass."""


def fault_of(error: BaseException) -> EngineFailed | None:
    """What an error of the database means to people: it is away, too busy, or its disk is full; None: a mistake of ours."""
    if isinstance(error, PoolTimeout):
        return _away("database.busy")
    if not isinstance(error, DBAPIError):
        return None
    state, said = str(getattr(error.orig, "sqlstate", None) or ""), str(error.orig)
    if state == _DISK_FULL or "database or disk is full" in said:
        return DiskFull("disk.full", "free space on the database's disk, then send again", retryable=True)
    if "database is locked" in said:
        return _away("database.busy")
    is_lost = error.connection_invalidated or (isinstance(error, OperationalError) and not state)
    if is_lost or state.startswith(_AWAY) or "disk I/O error" in said:
        return _away("database.away")
    return None


def _away(code: str) -> DatabaseAway:
    return DatabaseAway(code, "wait a moment, then send again", retryable=True)


def insert_if_missing(session: Session, table: type[Base], **values: object) -> bool:
    """Insert a row unless its key is there; who loses the race waits for the winner's row and leaves it as it is.

    Returns:
        Whether this call inserted it.
    """
    make = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = make(table).values(**values).on_conflict_do_nothing().returning(*inspect(table).primary_key)
    return session.execute(statement).first() is not None


def table_of(model: type[Base]) -> Table:
    """The table of a model: statements over it pass by the bookkeeping of sessions."""
    return model.metadata.tables[model.__tablename__]


def placed(name: str) -> BindParameter[Any]:
    """The place of a value in a statement of ``Together``.

    It never bears the name of a column: SQLAlchemy would set that column in every statement of the message.
    """
    return bindparam(f"v_{name}")


def insert_of(model: type[Base]) -> Insert:
    """An INSERT for ``Together`` that names every column but a key that the database gives."""
    table = table_of(model)
    given = [one for one in table.columns if one is not table.autoincrement_column]
    return insert(table).values({one.name: placed(one.name) for one in given})


def known_to(session: Session, row: Base) -> None:
    """Let a session know a row, with every column set, that a statement has just written: it is not read back."""
    make_transient_to_detached(row)
    session.add(row)


class Together:
    """Statements that insert or change rows, made once and sent together: for what is done while others wait.

    PostgreSQL takes them in one message (``WITH``; its manual, 7.8.4): none sees what another writes. SQLite runs them one
    after the other. Every value has a place with its name (``placed``), and every column is named: the defaults that a model has
    in Python are not applied.
    """

    def __init__(self, *statements: Insert | Update) -> None:
        self._alone = [(one, frozenset(one.compile().params)) for one in statements]
        *others, last = statements
        for n, one in enumerate(others):
            last = last.add_cte(one.cte(f"written_{n}"))
        self._at_once = last

    def run(self, session: Session, values: Mapping[str, Any]) -> Result[Any]:
        """Run them all. Returns what the last one returns.

        Args:
            values: name of a place -> what stands there.
        """
        named = {f"v_{name}": one for name, one in values.items()}
        if session.get_bind().dialect.name != "sqlite":
            return session.execute(self._at_once, named)
        for one, names in self._alone:
            result = session.execute(one, {name: named[name] for name in names})
        return result


GIVEN_UP = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialisation failure and of a deadlock: PostgreSQL, appendix A, class 40."""


def was_given_up(error: DBAPIError) -> bool:
    """Whether PostgreSQL gave the transaction up so that another could go on: done again, it may succeed."""
    return getattr(error.orig, "sqlstate", None) in GIVEN_UP
