"""Alembic's environment: one connection given by the caller, batch mode on SQLite."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection

from ged.db import Code, UtcDateTime
from ged.models import metadata
from ged.schema import keep


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # A revision must not import today's enums: a code is a plain string there.
    if kind == "type" and isinstance(item, Code):
        return "sa.String(length=32)"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "ged.db.UtcDateTime()"
    return False


def _check_foreign_keys(connection: Connection) -> None:
    """Stop the migration if a foreign key is broken: SQLite does not enforce them while tables are rebuilt."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"rows refer to what is not there: {broken[:5]}")


def _keep_tolerance(*, step: MigrationInfo, **_other: Any) -> None:
    """After each revision, up or down, store the oldest program that may run on the present tables."""
    for reached in step.destination_revisions:
        if isinstance(reached, Script):
            keep(connection, getattr(reached.module, "oldest_program", reached.revision))


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_render,
    # SQLite: all revisions or none. PostgreSQL: each alone, for its locks are held until it commits.
    transactional_ddl=True,
    transaction_per_migration=connection.dialect.name != "sqlite",
    on_version_apply=_keep_tolerance,  # type: ignore[arg-type]  # called with keywords alone
)
with context.begin_transaction():
    context.run_migrations()
    _check_foreign_keys(connection)
