"""Alembic's environment: one connection given by the caller, batch mode on SQLite."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from ged.db import Code, UtcDateTime
from ged.models import metadata


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # A revision must not import today's enums: a code is a plain string there.
    if kind == "type" and isinstance(item, Code):
        return "sa.String(length=32)"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "ged.db.UtcDateTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
