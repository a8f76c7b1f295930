"""Alembic's environment: one connection given by the caller, batch mode on SQLite."""

from alembic import context

from ged.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
