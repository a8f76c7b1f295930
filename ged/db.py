"""The database: engine, sessions, types. This module makes SQLite and PostgreSQL behave alike.

Little code elsewhere depends on the kind of database: advisory locks (``ged.locks``), triggers (``ged.held``), health,
verification and migration.
"""

import json
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    DateTime,
    Engine,
    Executable,
    Exists,
    Insert,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    UnaryExpression,
    Update,
    bindparam,
    create_engine,
    event,
    exists,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, make_transient_to_detached
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql import operators
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeDecorator, TypeEngine

from ged import held, standby

Id = BigInteger().with_variant(Integer(), "sqlite")
"""Type of every key: SQLite supports autoincrement only for INTEGER."""

WRITES = "ged_writes"
READS = "ged_reads"

PROGRAM = max(one.name[:4] for one in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
"""Names this program: the newest revision (migration) that it knows. Four digits, so that texts sort as numbers."""
CLIENT = "ged "
"""Each connection tells the server ``ged`` and ``PROGRAM``, so that ``ged migrate --finish`` sees older programs."""


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


def only_where(condition: str) -> dict[str, Any]:
    """The arguments of a partial index, for both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def only_true(column: str) -> dict[str, Any]:
    """The arguments of an index of the rows where a column is true, as SQLAlchemy writes that condition.

    SQLite compares the texts of conditions.
    """
    return {"sqlite_where": text(f"{column} = 1"), "postgresql_where": text(column)}


class ByOtherIndex(FunctionElement[Any]):
    """A column in a condition that should choose no index.

    SQLite keeps no figures on how the values of a column are distributed, and takes the index of any column that is
    named. With this, it takes the one that the statement's other conditions offer. PostgreSQL knows, and chooses itself.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(ByOtherIndex)
def _plain(element: ByOtherIndex, compiler: Any, **named: Any) -> str:
    return str(compiler.process(next(iter(element.clauses)), **named))


@compiles(ByOtherIndex, "sqlite")
def _without_index(element: ByOtherIndex, compiler: Any, **named: Any) -> str:
    # SQLite, "The SQLite Query Optimizer Overview", 6.3: a unary + disqualifies a term from the use of an index.
    return "+" + _plain(element, compiler, **named)


class Unindexed(ByOtherIndex):
    """A column in a condition that nearly all rows meet, beside one that few rows meet: no database reads its index.

    A statement that PostgreSQL plans once for all parameters may not know that nearly all rows are before today: it
    would read the entries of five years in an index, to find the few thousand letters under way among them.
    """

    inherit_cache = True


@compiles(Unindexed, "sqlite")
def _never_by_index(element: Unindexed, compiler: Any, **named: Any) -> str:
    return _without_index(element, compiler, **named)


@compiles(Unindexed, "postgresql")
def _as_expression(element: Unindexed, compiler: Any, **named: Any) -> str:
    # An index is of the column, and not of an expression with it.
    return f"greatest({_plain(element, compiler, **named)})"


class KeyList(TypeDecorator[list[int]]):
    """Keys as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True
    element: type[TypeEngine[Any]] = BigInteger

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the database."""
        kind: TypeEngine[Any] = postgresql.ARRAY(self.element()) if dialect.name == "postgresql" else String()
        return dialect.type_descriptor(kind)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """What is sent: text. The driver takes eight times as long to write an array, and a page sends twenty arrays with all units of a ministry."""
        return json.dumps if dialect.name == "sqlite" else array_text


def array_text(values: Collection[int] | Collection[str]) -> str:
    r"""A list, none of whose elements is NULL, as PostgreSQL reads it from a text (8.15.2 "Array Value Input").

    >>> array_text([1, 2]), array_text(["a", 'b"'])
    ('{1,2}', '{"a","b\\""}')
    """
    return f"{{{','.join(map(_as_element, values))}}}"


def _as_element(value: int | str) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class NameList(KeyList):
    """Texts as one parameter."""

    cache_ok = True
    element = String


class Among(FunctionElement[bool]):
    """Whether a column is one of some keys or texts, sent as one parameter.

    With ``in_`` the statement differs for each number of keys, and the driver looks for hundreds of parameters in it. To write such
    a statement takes longer than to run it.
    """

    inherit_cache = True
    type = Boolean()
    _is_implicitly_boolean = True  # as of an IN: else SQLite is asked for ``... = 1``, and uses no index

    def __init__(
        self, column: ColumnElement[Any] | InstrumentedAttribute[Any], keys: Collection[int] | Collection[str] | str
    ) -> None:
        """``keys``: the keys, or the name of the parameter that a composed statement gets them by."""
        kind = NameList() if isinstance(column.type, String) else KeyList()
        sent = (
            bindparam(keys, type_=kind)
            if isinstance(keys, str)
            else bindparam(None, sorted(keys), type_=kind, unique=True)
        )
        super().__init__(column, sent)


@compiles(Among)
def _in_array(element: Among, compiler: Any, **named: Any) -> str:
    column, keys = (compiler.process(one, **named) for one in element.clauses)
    return f"{column} = ANY ({keys})"


@compiles(Among, "sqlite")
def _in_json(element: Among, compiler: Any, **named: Any) -> str:
    column, keys = (compiler.process(one, **named) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608, written by the compiler


class AmongMany(Among):
    """As ``Among``, for thousands of keys: PostgreSQL looks them up in a hash. An array it compares one key after another."""

    inherit_cache = True


@compiles(AmongMany)
def _in_rows(element: AmongMany, compiler: Any, **named: Any) -> str:
    column, keys = (compiler.process(one, **named) for one in element.clauses)
    return f"{column} IN (SELECT unnest({keys}))"


@compiles(AmongMany, "sqlite")
def _many_in_json(element: AmongMany, compiler: Any, **named: Any) -> str:
    return _in_json(element, compiler, **named)


_OF_EACH_ROW = "asked_of_each_row"


APOSTROPHES = "\u2019\u2018\u02bc\u2032`\u00b4"
"""What telephones, Word and keyboards write for a straight apostrophe: texts are stored as typed, and found by each of them."""
_ANY_APOSTROPHE = str.maketrans(dict.fromkeys(f"'{APOSTROPHES}", "_"))
_NO_PATTERN = str.maketrans({one: f"/{one}" for one in "/%_"})


def holds(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Whether a text is a part of a column, whatever its case; an apostrophe finds each of its writings (and any other sign in its place)."""
    return column.icontains(text.translate(_NO_PATTERN).translate(_ANY_APOSTROPHE), escape="/")


def asked_of_each_row(*conditions: ColumnElement[bool]) -> Exists:
    """EXISTS whose conditions find a handful of rows for a row of the statement around it.

    Where a statement is planned once, ``row_by_row`` keeps to that.
    """
    # Not of all columns: behind the OFFSET of ``row_by_row``, PostgreSQL would read each row that its index has found.
    found: Select[Any] = select(literal_column("1")).where(*conditions)
    return exists(found.execution_options(**{_OF_EACH_ROW: True}))


def row_by_row(condition: UnaryExpression[Any]) -> None:
    """Make an EXISTS of ``asked_of_each_row`` one that PostgreSQL evaluates for each row; others stay as they are.

    Else a plan that knows no values lists all rows that meet the inner conditions, as long as the tables are small: all
    rights of an authority, for the sake of a hundred letters. An ``OFFSET`` excludes that (``simplify_EXISTS_query``).
    """
    if condition.operator is operators.exists:
        inner = condition.element
        if inner.element.get_execution_options().get(_OF_EACH_ROW):
            condition.element = inner.element.offset(literal_column("0")).scalar_subquery()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases; a naive one is refused.

    SQLite stores text. Only the exact form that we write is read back. Python's parser would accept any separator
    between day and hour, and digits of any script; such a change in the journal would go undetected.
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


def make_engine(url: str, *, patience_s: int | None = None) -> Engine:
    """An engine with the pragmas and the locking behaviour that the rules rely on.

    Args:
        patience_s: seconds after which PostgreSQL ends a statement, also one that waits for a lock
            (``ged.faults.fault_of``: ``database.slow``); None: never. SQLite waits for its one lock, as long as it always does.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 30.0}, pool_size=20, max_overflow=20)
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    # Several processes share PostgreSQL's connections: each keeps few, and opens more for short peaks.
    # The connection that was returned last is used next: it still holds the plans of what was just read.
    limits = {**standby.arguments(url), "application_name": CLIENT + PROGRAM}
    engine = create_engine(
        url, pool_size=5, max_overflow=20, pool_timeout=10, pool_use_lifo=True,
        creator=lambda: standby.connect(engine, limits),
    )  # fmt: skip
    event.listen(engine, "connect", _postgres_connect)
    if patience_s is not None:
        event.listen(engine, "connect", partial(_end_slow_statements, patience_s))
    event.listen(engine, "begin", _postgres_begin)
    event.listen(engine, "before_cursor_execute", _plan_as_usual)
    event.listen(engine, "checkin", partial(_give_back_planning, engine.dialect))
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_ask_if_idle, engine.dialect))
    return engine


def _sqlite_pragmas(connection: DBAPIConnection, _record: Any) -> None:
    # We begin transactions ourselves: the driver would begin them as DEFERRED, which deadlock on upgrade.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_COMMITS_ON_DISK = (
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
)
"""A commit returns when it is on disk, whatever the settings of server, database or role. The value that promises more
is kept (PostgreSQL, 20.5.1 "synchronous_commit"). A value that a session sets itself outlives every change of those
settings: to set it in each transaction cost a message of each registration."""


def _postgres_connect(connection: DBAPIConnection, _record: Any) -> None:
    # The access rule makes statements with many parts, few of which are ever run. The planner counts the cost of all
    # parts, so the server would compile all of them to machine code: a second for a statement of a millisecond.
    cursor = connection.cursor()
    cursor.execute("SET jit = off")
    # A confirmed change ("registered, number 457") must survive a power failure at the next moment.
    cursor.execute(_COMMITS_ON_DISK)
    # The default describes discs that turn. With it, the planner avoids the index that gives a list in its order, and
    # reads through the archive. 1.1 is for discs without moving parts and for rows that are mostly in memory
    # (PostgreSQL, 20.7.2 "random_page_cost").
    cursor.execute("SET random_page_cost = 1.1")
    # Statements of pages read few rows, also where the planner cannot know it. To start parallel workers took 15 ms.
    cursor.execute("SET max_parallel_workers_per_gather = 0")
    cursor.execute("; ".join(standby.SESSION))
    cursor.close()
    connection.commit()
    # Each transaction says that it may write, also on a connection that has served queries (``_only_read``).
    connection.read_only = False
    connection.prepared_max = STATEMENTS_KEPT


def _end_slow_statements(patience_s: int, connection: DBAPIConnection, _record: Any) -> None:
    # A commit is not ended: PostgreSQL no longer counts the time when it begins one (``finish_xact_command``).
    cursor = connection.cursor()
    cursor.execute(f"SET statement_timeout = '{patience_s}s'")
    cursor.close()
    connection.commit()


def _postgres_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    # Kept for the life of the connection: it counts only outside of transactions that say what they do.
    if options.get(READS, False) and not connection.info.get(READS):
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.info[READS] = True


STATEMENTS_KEPT = 500
"""How many statements a connection keeps prepared. The pages send some 330 different ones. With the driver's 100, a
statement was forgotten before it had come back often enough, and PostgreSQL planned most statements of each page anew. A
connection with all of them needs 60 MB in the server instead of 13."""

IDLE_S = 1.0
"""A connection that was used within this time is used again without a question to the server whether it still stands."""
_USED = "ged_used"


def _note_use(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _ask_if_idle(
    dialect: Dialect, connection: DBAPIConnection, record: ConnectionPoolEntry, _fairy: PoolProxiedConnection
) -> None:
    """Replace the connections of a server that has restarted. SQLAlchemy can only ask at each use, which a page has several of."""
    if time.monotonic() - record.info.get(_USED, math.inf) < IDLE_S:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as lost:
        raise InvalidatePoolError from lost


def unsafe_settings(engine: Engine) -> list[str]:
    """Settings of the database server that risk lost or torn rows when the machine fails, although committed.

    SQLite has none: ``make_engine`` sets ``synchronous=FULL`` for each connection.

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
    """A session for queries. It writes nothing; PostgreSQL refuses to.

    On PostgreSQL each query is a transaction of its own, which costs no messages to the server. So no query may stream
    its rows (``yield_per``): ``snapshot_session`` can.
    """
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="AUTOCOMMIT", **{READS: True})
    with Session(engine, autoflush=False) as session:
        yield session


@contextmanager
def planned_once(connection: Connection) -> Iterator[None]:
    """PostgreSQL keeps one plan for each statement of the block, and asks no more whether the values deserve their own.

    For statements that take longer to plan than to run, and whose best plan does not depend on the parameters: what it
    depends on is written into the statement. To say so takes two short messages. Blocks that lie in each other share them, and in a
    read session those that follow each other, too: there the mode ends before the next statement outside of a block, or with the
    session. SQLite plans each statement once in any case.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    info = connection.info
    if not info.get(_PLANS_ONCE):
        connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        info[_PLANS_ONCE] = True
    is_inner = info.get(_IN_BLOCK, False)
    info[_IN_BLOCK] = True
    try:
        yield
    except DBAPIError:
        # It may be lost, or its transaction has failed: what is said to it now would hide the failure by another one.
        connection.invalidate()
        raise
    except BaseException:
        info[_IN_BLOCK] = is_inner
        raise
    info[_IN_BLOCK] = is_inner
    # In a transaction at once: the end of a transaction that fails would bring the mode back.
    if not is_inner and connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        _plan_anew(connection)


_PLANS_ONCE, _IN_BLOCK = "ged_plans_once", "ged_in_planned_block"
"""In ``Connection.info``: whether PostgreSQL was told so, and whether a statement of such a block is next."""
_PLAN_ANEW = "SET plan_cache_mode = DEFAULT"


def _plan_anew(connection: Connection) -> None:
    connection.info[_PLANS_ONCE] = False
    connection.exec_driver_sql(_PLAN_ANEW)


def _plan_as_usual(connection: Connection, *_statement: Any) -> None:
    """End the mode of ``planned_once`` before a statement outside of its blocks."""
    if connection.info.get(_PLANS_ONCE) and not connection.info.get(_IN_BLOCK):
        _plan_anew(connection)


def _give_back_planning(dialect: Dialect, connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    """The next user of a connection finds no mode of the last one."""
    if connection is None or not record.info.get(_PLANS_ONCE):
        return
    record.info[_PLANS_ONCE] = record.info[_IN_BLOCK] = False
    was_on = connection.autocommit
    try:
        connection.autocommit = True
        connection.execute(_PLAN_ANEW)
        connection.autocommit = was_on
    except dialect.loaded_dbapi.Error:  # lost: the pool opens another one
        record.invalidate()


def keep_rows(session: Session) -> None:
    """Keep every row that a session reads in memory until the session is closed.

    A session forgets rows that no variable references. With this, a page whose parts use the same letter reads it once.
    """
    held: list[object] = []
    event.listen(session, "loaded_as_persistent", lambda _session, row: held.append(row))


@contextmanager
def snapshot_session(engine: Engine) -> Iterator[Session]:
    """A session whose queries all see the snapshot of the first query: for comparisons over many tables."""
    if engine.dialect.name == "postgresql":  # SQLite's readers have a snapshot in any case (WAL)
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(engine, autoflush=False) as session:
        if engine.dialect.name == "postgresql":
            session.execute(text(standby.WAITS))
        yield session


def give_back_log(engine: Engine) -> None:
    """After many writes: give SQLite's log back to the disk. It keeps its greatest length for as long as any process has the database open.

    Where a reader or a writer is at work, it stays for another time.
    """
    if engine.dialect.name != "sqlite":
        return
    # Not by `engine.connect()`: its BEGIN opens a transaction, in which SQLite refuses a checkpoint ("table is
    # locked").
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=1000")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        connection.invalidate()  # it waits too little for other work
        connection.close()


def write_session(engine: Engine) -> Session:
    """A session whose transaction takes SQLite's write lock at its first statement. The caller commits and closes."""
    # What an operation returned is read after the commit, when the session is closed: an expired row could not be read
    # anew.
    return Session(engine.execution_options(**{WRITES: True}), expire_on_commit=False)


def takes_changes(session: Session) -> bool:
    """Whether the database server is no standby copy, and this user may write. A file of SQLite says it by its rights.

    ``transaction_read_only`` would not tell: our own sessions for queries are read-only.
    """
    if session.get_bind().dialect.name == "sqlite":
        return True
    query = (
        "SELECT NOT pg_is_in_recovery() AND COALESCE(has_table_privilege(to_regclass('audit_entries'), 'INSERT'), true)"
    )
    return bool(session.scalar(text(query)))


def server_time(session: Session) -> datetime | None:
    """The time of the database server's clock; None when the database has no clock of its own (SQLite)."""
    if session.get_bind().dialect.name == "sqlite":
        return None
    now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now.astimezone(UTC)


def insert_if_missing(session: Session, table: type[Base], **values: object) -> bool:
    """Insert a row unless its key exists. The loser of a race waits for the winner's row, and leaves it unchanged.

    Returns:
        Whether this call inserted the row.
    """
    make = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = make(table).values(**values).on_conflict_do_nothing().returning(*inspect(table).primary_key)
    return session.execute(statement).first() is not None


def table_of(model: type[Base]) -> Table:
    """The table of a model. Statements on the table bypass the bookkeeping of sessions."""
    return model.metadata.tables[model.__tablename__]


def placed(name: str) -> BindParameter[Any]:
    """The bind parameter of a value in a statement of ``Together``.

    Its name differs from the column's name: else SQLAlchemy would set that column in every statement of the message.
    """
    return bindparam(f"v_{name}")


def insert_of(model: type[Base], *, where: ColumnElement[bool] | None = None) -> Insert:
    """An INSERT for ``Together`` that names every column, except an autoincrement key.

    Args:
        where: the row is inserted only if this is true.
    """
    table = table_of(model)
    given = [one for one in table.columns if one is not table.autoincrement_column]
    if where is None:
        return insert(table).values({one.name: placed(one.name) for one in given})
    values = select(*(bindparam(f"v_{one.name}", type_=one.type) for one in given)).where(where)
    return insert(table).from_select([one.name for one in given], values, include_defaults=False)


def known_to(session: Session, row: Base) -> None:
    """Add a row that a statement has just written to a session, without reading it back. Every column must be set."""
    make_transient_to_detached(row)
    session.add(row)


def write_new(session: Session, row: Base, *, unless: str = "") -> bool:
    """Insert a new row by one statement of its own, and add it to the session: a flush costs several times as much.

    The row must refer to other rows by their keys (relationships are not followed), and every default must be a plain
    value. Its version, if it has one, becomes 1.

    Args:
        unless: name of a column with unique values: no row is inserted when another row has the value. Of two
            concurrent inserts the second waits for the first's commit.

    Returns:
        Whether the row was inserted. If not, it is not in the session.
    """
    # A statement on the connection triggers no autoflush: rows that the new one names must be there before it.
    session.flush()
    connection = session.connection()
    statement = _new_row(type(row), unless, connection.dialect.name)
    key = connection.execute(statement, _all_values(row)).scalar_one_or_none()
    if key is None:
        return False
    setattr(row, _only_key(type(row)), key)
    known_to(session, row)
    return True


def insert_all_missing(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """As ``insert_if_missing`` for many rows, in their order: let it be that of their keys, so that two transactions cannot wait
    for each other.

    Every default must be a plain value. The version of a row, if it has one, becomes 1.

    Args:
        rows: column -> value; all of them name the same columns.
    """
    if not rows:
        return
    session.flush()
    connection, defaults = session.connection(), _defaults(model)
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(table_of(model)).on_conflict_do_nothing()
    connection.execute(statement, [{**defaults, **row} for row in rows])


COPIED_FROM = 20
"""So many rows and more go to PostgreSQL by COPY, which takes an exchange of messages more than an INSERT."""


def write_many(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert many new rows, which stay outside of the session: a flush costs several times as much.

    The rows go to the driver by columns: to look at each value of each row by itself costs SQLAlchemy more time than the database
    needs. PostgreSQL takes them by COPY (its manual, 14.4.2 "Use COPY"). Their keys are taken first, as the database would give them.

    Every default must be a plain value. The version of a row, if it has one, becomes 1.

    Args:
        rows: column -> value; all of them name the same columns.

    Returns:
        The keys, in the order of the rows; none for a table whose keys are given.

    Raises:
        ValueError: the table has no such column, or its keys are never used again (``sqlite_autoincrement``).
        DBAPIError: as of a statement.
    """
    if not rows:
        return []
    session.flush()
    connection, table, defaults = session.connection(), table_of(model), _defaults(model)
    if unknown := rows[0].keys() - defaults.keys():
        raise ValueError(f"no columns of {table.name}: {sorted(unknown)}")
    columns = {
        name: [row[name] for row in rows] if name in rows[0] else [default] * len(rows)
        for name, default in defaults.items()
    }
    key, keys = table.autoincrement_column, list[int]()
    if key is not None:
        keys = _next_keys(connection, key, len(rows))
        columns[key.name] = keys
    if connection.dialect.name == "postgresql" and len(rows) < COPIED_FROM:
        connection.execute(
            insert(table), [dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)]
        )
        return keys
    driven = {name: _driven(table.columns[name], connection.dialect, values) for name, values in columns.items()}
    if connection.dialect.name == "sqlite":
        text, names = _insert_text(table, tuple(driven))
        connection.exec_driver_sql(text, list(zip(*(driven[name] for name in names), strict=True)))
    else:
        _copy(connection, table, driven)
    return keys


def _next_keys(connection: Connection, key: Column[Any], count: int) -> list[int]:
    """New keys of a table, in their order. A transaction that writes in SQLite is the only one, so nobody else takes them."""
    if connection.dialect.name == "sqlite":
        if key.table.dialect_options["sqlite"]["autoincrement"]:
            raise ValueError(f"{key.table.name}: its keys are never used again")
        # SQLite, "Autoincrement": a new key is one more than the largest one.
        last = int(connection.scalar(select(func.max(key))) or 0)
        return list(range(last + 1, last + 1 + count))
    sequence = func.pg_get_serial_sequence(key.table.name, key.name)
    each = func.generate_series(1, count).table_valued("n")
    # A SELECT without an order promises none. The keys shall rise with the rows.
    return sorted(connection.scalars(select(func.nextval(sequence)).select_from(each)))


def _driven(column: Column[Any], dialect: Dialect, values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as its type gives them to the driver. A value that all rows share is made once."""
    made = column.type.dialect_impl(dialect).bind_processor(dialect)
    if made is None:
        return values
    first = values[0]
    if all(one is first for one in values):
        return [made(first)] * len(values)
    return [made(one) for one in values]


@lru_cache
def _insert_text(table: Table, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """SQLite's statement that inserts these columns, and the order of their values."""
    compiled = insert(table).compile(dialect=sqlite.dialect(), column_keys=list(names))
    return str(compiled), tuple(compiled.positiontup or ())


def _copy(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write rows by PostgreSQL's COPY, which SQLAlchemy does not know. Its errors become those of statements."""
    quoted = connection.dialect.identifier_preparer
    names = ", ".join(map(quoted.quote, columns))
    statement, driver = f"COPY {quoted.format_table(table)} ({names}) FROM STDIN", connection.dialect.loaded_dbapi
    try:
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(statement) as rows:
            for row in zip(*columns.values(), strict=True):
                rows.write_row(row)
    except driver.Error as error:
        raise DBAPIError.instance(statement, None, error, driver.Error, dialect=connection.dialect) from error


@lru_cache
def _new_row(model: type[Base], unless: str, dialect: str) -> Executable:
    table = table_of(model)
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = make(table).values({name: bindparam(name) for name in _defaults(model)})
    if unless:
        statement = statement.on_conflict_do_nothing(index_elements=[unless])
    return statement.returning(*table.primary_key)


def _all_values(row: Base) -> dict[str, Any]:
    """Column -> value of a new row. Missing attributes are set to the defaults of their columns."""
    given = inspect(row).dict
    defaults = _defaults(type(row))
    for name in defaults.keys() - given.keys():
        setattr(row, name, defaults[name])
    return {name: given[name] for name in defaults}


@lru_cache
def _defaults(model: type[Base]) -> Mapping[str, Any]:
    """Column -> value when none is given, without the key that the database makes. Attributes are named like columns."""
    table, version = table_of(model), inspect(model).version_id_col
    plain = {
        one.name: one.default.arg if isinstance(one.default, ScalarElementColumnDefault) else None
        for one in table.columns
        if one is not table.autoincrement_column
    }
    return plain if version is None else plain | {version.name: 1}


def _only_key(model: type[Base]) -> str:
    (key,) = table_of(model).primary_key
    return key.name


class Together:
    """Statements that insert or change rows, built once and sent together: for work under a lock that others wait for.

    PostgreSQL gets them in one message (``WITH``; its manual, 7.8.4): none sees what another writes. SQLite runs them
    one after the other. Every value has a named parameter (``placed``), and every column must be named: the Python
    defaults of a model are not applied.
    """

    def __init__(self, *statements: Insert | Update) -> None:
        self._alone = [(one, frozenset(one.compile().params)) for one in statements]
        *others, last = statements
        for n, one in enumerate(others):
            last = last.add_cte(one.cte(f"written_{n}"))
        self._at_once = last

    def run(self, session: Session, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Run all statements. Returns the result of the last.

        Args:
            values: parameter name -> value.
        """
        named = {f"v_{name}": one for name, one in values.items()}
        # As in `write_new`: nothing else would write the rows that these statements name.
        session.flush()
        connection = session.connection()  # the session's own execute costs as much time again
        if connection.dialect.name != "sqlite":
            return connection.execute(self._at_once, named)
        for one, names in self._alone:
            result = connection.execute(one, {name: named[name] for name in names & named.keys()})
        return result


GIVEN_UP = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialisation failure and of a deadlock: PostgreSQL, appendix A, class 40."""


FOREIGN_KEY = "23503"
"""SQLSTATE of a foreign key that names no row."""


def misses_a_row(error: DBAPIError) -> bool:
    """Whether PostgreSQL refused a row because one that it names is not there. SQLite has one writer: nobody deletes meanwhile."""
    return getattr(error.orig, "sqlstate", None) == FOREIGN_KEY


def waits_for_paper(error: DBAPIError) -> bool:
    """Whether the database refused a number because its register waits (``ged.held.waiting``)."""
    return getattr(error.orig, "sqlstate", None) == held.WAITS or held.WAITS_SAYS in str(error.orig)


def was_given_up(error: DBAPIError) -> bool:
    """Whether PostgreSQL aborted the transaction so that another could go on: a retry may succeed."""
    return getattr(error.orig, "sqlstate", None) in GIVEN_UP
