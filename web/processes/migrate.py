"""Migrations from the command line, and the comparison of revisions at start."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

import ged.migrations
from ged import schema
from ged.config import Settings
from ged.db import CLIENT, WRITES, make_engine
from ged.errors import ConfigError
from ged.schema import Phase
from web.wiring.stored_files import prepare_keyring

logger = logging.getLogger(__name__)

OLDER = "call `ged migrate`: the tables are older than this program, or there are none"
BEFORE_LAST = (
    "the upgrade to an earlier release was not finished: call `ged migrate --finish` of that release, or stop all "
    "processes of GED and call `ged migrate --finish` of this one"
)
STOP_OLDER = (
    "stop the last sites and workers of the release before, then call `ged migrate --finish` again (until then "
    "everything works)"
)
NEWER = "install the release that migrated this database, or a later one"
MIGRATORS_KEY = 0x6765_645F_6D69  # "ged_mi": the advisory lock of a migration
WAIT_S = 600.0
LOCK_TIMEOUT = "5s"
"""A revision that waits longer for a table's lock would itself block all later transactions on the table."""
STATEMENT_TIMEOUT = "30min"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"


def alembic_config(connection: Connection) -> Config:
    """Alembic over one connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(ged.migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def migrate_database(settings: Settings, *, revision: str = "head") -> None:
    """Bring the database to a revision; waits while another program migrates it.

    Contractions run too: no process of an older release may be running.

    Raises:
        ConfigError: ``database.migrating`` (another one, for ten minutes), ``database.table_in_use``,
            ``database.newer``.
    """
    with _alembic(settings) as (config, _connection):
        command.upgrade(config, revision)


def expand_database(settings: Settings) -> list[str]:
    """Run the expansions of this release, while processes of the release before run. An empty database gets everything.

    Returns:
        The contractions that wait for ``finish_database``.

    Raises:
        ConfigError: as ``migrate_database``; ``database.unfinished``: contractions of an earlier release come before.
    """
    with _alembic(settings) as (config, connection):
        revisions = _revisions(config)
        waiting = _waiting(revisions, connection)
        if len(waiting) == len(revisions):
            command.upgrade(config, "head")
            return []
        expansions = _without_last_contractions(waiting)
        between = [one.revision for one in expansions if _phase(one) is Phase.CONTRACT]
        if between:
            raise ConfigError(
                "database.unfinished", BEFORE_LAST, setting="GED_DATABASE_URL", revisions=",".join(between)
            )
        if expansions:
            command.upgrade(config, expansions[-1].revision)
        return [one.revision for one in waiting[len(expansions) :]]


def finish_database(settings: Settings) -> None:
    """Run everything that is left, contractions included. PostgreSQL tells whether an older program is connected.

    Raises:
        ConfigError: as ``migrate_database``; ``database.older_programs``: an older program is still connected.
    """
    with _alembic(settings) as (config, connection):
        waiting = _waiting(_revisions(config), connection)
        contractions = [one.revision for one in waiting if _phase(one) is Phase.CONTRACT]
        older = _older_programs(connection, contractions[-1]) if contractions else []
        if older:
            raise ConfigError(
                "database.older_programs", STOP_OLDER, setting="GED_DATABASE_URL", programs=",".join(older)
            )
        command.upgrade(config, "head")


@contextmanager
def _alembic(settings: Settings) -> Iterator[tuple[Config, Connection]]:
    """Alembic over this installation's database, which no other program migrates meanwhile. Then the keyring is there."""
    if settings.embedded:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = make_engine(settings.url)
    try:
        with migrating(engine) as connection:
            config = alembic_config(connection)
            _refuse_newer(config, connection)
            yield config, connection
        # Behind the revisions: on servers the keys stand in a table.
        prepare_keyring(settings)
    finally:
        engine.dispose()  # also after a failure: else its session would stay open


def _revisions(config: Config) -> list[Script]:
    """All revisions that this program knows, oldest first. Loads the module of each one."""
    return list(ScriptDirectory.from_config(config).walk_revisions())[::-1]


def _waiting(revisions: list[Script], connection: Connection) -> list[Script]:
    """Those of the revisions that were not run on this database, oldest first."""
    found = set(MigrationContext.configure(connection).get_current_heads())
    # Reading began a transaction. Alembic leaves one that it finds to its caller: nothing would be committed.
    connection.rollback()
    known = [one.revision for one in revisions]
    return revisions[max((known.index(one) + 1 for one in found if one in known), default=0) :]


def _without_last_contractions(revisions: list[Script]) -> list[Script]:
    """Revisions up to the last expansion: those without which this program cannot run."""
    count = len(revisions)
    while count and _phase(revisions[count - 1]) is Phase.CONTRACT:
        count -= 1
    return revisions[:count]


def _phase(script: Script) -> Phase:
    return Phase(getattr(script.module, "phase", Phase.EXPAND))


def _older_programs(connection: Connection, revision: str) -> list[str]:
    """Programs older than a revision that are connected to this database. SQLite cannot tell: none.

    Programs from before this promise tell no name.
    """
    if connection.dialect.name == "sqlite":
        return []
    query = text(
        "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    named = list(connection.scalars(query))
    connection.rollback()
    return sorted(
        one or "without a name"
        for one in named
        if not one or (one.startswith(CLIENT) and one[len(CLIENT) :] < revision)
    )


def _refuse_newer(config: Config, connection: Connection) -> None:
    """Refuse to migrate a database whose revision this program does not know."""
    known = {one.revision for one in _revisions(config)}
    found = set(MigrationContext.configure(connection).get_current_heads())
    connection.rollback()
    if not found <= known:
        raise ConfigError("database.newer", NEWER, setting="GED_DATABASE_URL")


@contextmanager
def migrating(engine: Engine, *, wait_s: float = WAIT_S) -> Iterator[Connection]:
    """A connection for migrations, exclusive for this database. The engine must not be used for anything else.

    Raises:
        ConfigError: ``database.migrating``, ``database.table_in_use``.
    """
    alone = _alone_with_file if engine.dialect.name == "sqlite" else _alone_on_server
    try:
        with alone(engine, wait_s) as connection:
            yield connection
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") not in (LOCK_NOT_AVAILABLE, QUERY_CANCELED):
            raise
        raise ConfigError(
            "database.table_in_use",
            f"call `ged migrate` again at a quieter moment: a table was in use for more than {LOCK_TIMEOUT}, or a "
            f"statement took more than {STATEMENT_TIMEOUT} (revisions that are done stay, the last one left nothing)",
            setting="GED_DATABASE_URL",
        ) from None


@contextmanager
def _alone_on_server(engine: Engine, wait_s: float) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.commit()
        # Poll instead of waiting: an open statement would prevent CREATE INDEX CONCURRENTLY from ending.
        until = time.monotonic() + wait_s
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATORS_KEY}):
            connection.rollback()
            _wait_for_the_other(until)
        connection.commit()
        try:
            yield connection
        finally:
            connection.invalidate()  # the lock and the timeouts end with the server's session


@contextmanager
def _alone_with_file(engine: Engine, wait_s: float) -> Iterator[Connection]:
    # Recreating a table would cascade to rows that refer to it; alembic's environment checks the keys at the end.
    event.listen(engine, "connect", _foreign_keys_off)
    engine.dispose()  # earlier connections still have foreign keys on
    until = time.monotonic() + wait_s
    with Path(f"{engine.url.database}.migrating").open("w") as place:
        while not _locked(place.fileno()):
            _wait_for_the_other(until)
        with engine.connect().execution_options(**{WRITES: True}) as connection:
            yield connection


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _wait_for_the_other(until: float) -> None:
    if time.monotonic() >= until:
        raise ConfigError(
            "database.migrating",
            "another program migrates this database: wait for it, then call `ged migrate` again",
            setting="GED_DATABASE_URL",
        )
    time.sleep(0.2)


def _foreign_keys_off(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def require_runnable(engine: Engine) -> None:
    """Check that this program can run on tables of any revision (``web.processes.schema_check.require_migrated``).

    Raises:
        ConfigError: ``database.not_migrated`` (none yet, or older), ``database.newer`` (than this program).
    """
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        raise ConfigError("database.not_migrated", OLDER, setting="GED_DATABASE_URL")  # connecting would make it
    with engine.connect() as connection:
        revisions = _revisions(alembic_config(connection))
        waiting = _waiting(revisions, connection)
        found = set(MigrationContext.configure(connection).get_current_heads())
        tolerated = schema.may_run(connection, revisions[-1].revision)
    if not found <= {one.revision for one in revisions}:
        if not tolerated:
            raise ConfigError("database.newer", NEWER, setting="GED_DATABASE_URL")
        logger.warning("database.newer revision=%s: this program may still run, replace it soon", ",".join(found))
    elif _without_last_contractions(waiting):
        raise ConfigError("database.not_migrated", OLDER, setting="GED_DATABASE_URL")
    elif waiting:
        left = ",".join(one.revision for one in waiting)
        logger.warning("database.unfinished revisions=%s: call `ged migrate --finish` without older programs", left)
