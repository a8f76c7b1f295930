"""Checks of the database: whether it answers, its version, its tables, its settings, its connections, its file."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ged.db import PROGRAM, takes_changes, unsafe_settings
from ged.health.findings import Figures, Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground, Missing
from ged.health.readiness import Tables, tables_of
from ged.standby import Standing, servers_of

OLDEST_POSTGRES, OLDEST_SQLITE = 14, (3, 35)
"""PostgreSQL's project mends no older one; SQLite has RETURNING since 3.35."""
FEW_CONNECTIONS, TOO_FEW_CONNECTIONS = 20, 5


def answers(ground: Ground) -> Finding:
    """Whether the database answers, and which one it is."""
    trouble = ground.trouble()
    if trouble:
        return fault(trouble)
    with ground.reading() as session:
        if _is_sqlite(session):
            version = str(session.scalar(text("SELECT sqlite_version()")))
            numbers = tuple(int(part) for part in version.split(".")[:2])
            name, is_old = "SQLite", numbers < OLDEST_SQLITE
        else:
            number = int(str(session.scalar(text("SHOW server_version_num"))))
            name, version, is_old = (
                "PostgreSQL",
                f"{number // 10_000}.{number % 10_000}",
                number // 10_000 < OLDEST_POSTGRES,
            )
    return warning("old", name=name, version=version) if is_old else ok(name=name, version=version)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def tables(ground: Ground) -> Finding:
    """Whether the tables are those that this program knows."""
    with ground.reading() as session:
        found, revision = tables_of(session.connection())
    match found:
        case Tables.NONE:
            return fault("none", program=PROGRAM)
        case Tables.OWN:
            return ok(revision=revision)
        case Tables.TOLERATED | Tables.NEWER:
            return (warning if found.may_run else fault)("newer", revision=revision, program=PROGRAM)
        case Tables.UNFINISHED:
            return warning("unfinished", revision=revision)
        case Tables.OLDER:
            return fault("older", revision=revision, program=PROGRAM)


def safe(ground: Ground) -> Finding:
    """Whether the database writes to its disk what it confirms, and takes changes."""
    with ground.reading() as session:
        if _is_sqlite(session):
            return ok()
        if not takes_changes(session):
            return fault("read_only")
    off = unsafe_settings(ground.serving.engine)
    if off:
        return fault("unsafe", names=", ".join(off))
    if ground.options.unsafe_database:
        return warning("allowed")
    return ok()


def servers(ground: Ground) -> Finding:
    """Which server takes changes, and whether another one could take its place."""
    engine = ground.serving.engine
    if engine.dialect.name == "sqlite":
        return not_applicable("file")
    found = servers_of(engine)
    names = {one: ", ".join(server.name for server in found if server.standing is one) for one in Standing}
    primary, standby, away = names[Standing.PRIMARY], names[Standing.STANDBY], names[Standing.AWAY]
    if not primary and not standby:
        raise Missing("needs.database")
    if not primary:
        return fault("no_primary", standby=standby)
    if sum(server.standing is Standing.PRIMARY for server in found) > 1:
        return fault("two", primary=primary)
    if len(found) == 1:
        return ok("one", primary=primary)
    if engine.url.query.get("target_session_attrs") not in ("read-write", "primary"):
        return warning("any", primary=primary)
    if away:
        return warning("away", primary=primary, away=away)
    with ground.reading() as session:
        waits_for = str(session.scalar(text("SHOW synchronous_standby_names")))
    return ok("synchronous" if waits_for else "asynchronous", primary=primary, standby=standby)


def connections(ground: Ground) -> Finding:
    """How many connections PostgreSQL still has for this user."""
    with ground.reading() as session:
        if _is_sqlite(session):
            return not_applicable("file")
        most, kept, used = session.execute(
            text(
                "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int, "
                "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
            )
        ).one()
    left = max(0, most - kept - used)
    figures: Figures = {"left": left, "most": most, "used": used}
    if left < TOO_FEW_CONNECTIONS:
        return fault("few", **figures)
    return warning("few", **figures) if left < FEW_CONNECTIONS else ok(**figures)


def whole(ground: Ground) -> Finding:
    """Whether SQLite's file is whole. PostgreSQL checks its own pages."""
    if ground.trouble() == "malformed":
        return fault("malformed", why="")
    if ground.serving.engine.dialect.name != "sqlite":
        return not_applicable("server")
    path = Path(str(ground.serving.engine.url.database))
    try:
        with ground.reading() as session:
            # ``quick_check`` leaves the comparison of indexes with rows out, and (1) stops at the first fault: a check has 45 s.
            found: Sequence[str] = session.scalars(text("PRAGMA quick_check(1)")).all()
    except DatabaseError as error:
        return fault("malformed", why=str(error.orig)[:120])
    if list(found) != ["ok"]:
        return fault("malformed", why=" ".join(str(found[0] if found else "").split())[:120])
    return ok(size_bytes=path.stat().st_size)
