"""Helpers of revisions: indexes made while people work, and triggers that protect rows."""

from alembic import op
from sqlalchemy import text

from ged import held, under_way


def create_index(
    table: str, *columns: str, name: str | None = None, unique: bool = False, where: str | None = None
) -> None:
    """Make an index without blocking writes to the table.

    PostgreSQL builds it CONCURRENTLY, which is not possible in a transaction: all earlier changes of the revision are
    committed first. So a revision that makes indexes does nothing else, and can be run again after a failure. The
    invalid index of a failed build is removed first. ``where`` restricts the index to some rows. A column with brackets
    is an expression; then the index has a ``name``. (A later ``batch_alter_table`` of that table must make it again on
    SQLite, which does not tell the expressions of its indexes.)
    """
    name = name or f"ix_{table}_{'_'.join(columns)}"
    only = text(where) if where else None
    indexed = [text(one) if "(" in one else one for one in columns]
    if _dialect() != "postgresql":
        op.create_index(name, table, indexed, unique=unique, if_not_exists=True, sqlite_where=only)
        return
    with op.get_context().autocommit_block():
        invalid = text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")
        if op.get_bind().execute(invalid, {"name": name}).first():
            op.drop_index(name, postgresql_concurrently=True, if_exists=True)
        op.create_index(
            name, table, indexed, unique=unique, postgresql_concurrently=True, if_not_exists=True,
            postgresql_where=only,
        )  # fmt: skip


def drop_index(table: str, *columns: str, name: str | None = None) -> None:
    """Remove an index of ``create_index``."""
    op.drop_index(name or f"ix_{table}_{'_'.join(columns)}", table_name=table, if_exists=True)


def hold(rows: held.Held) -> None:
    """Make the database refuse forbidden changes of a table; call it again after the table was rebuilt."""
    for statement in [*held.undo(rows.table, _dialect()), *held.statements(rows, _dialect())]:
        op.get_bind().exec_driver_sql(statement)


def let_go(table: str) -> None:
    """Undo ``hold``: for a revision that must change such rows."""
    for statement in held.undo(table, _dialect()):
        op.get_bind().exec_driver_sql(statement)


def wait_for_paper() -> None:
    """Make the database refuse a number of a register that waits for the last number on paper."""
    for statement in [*held.undo_waiting(_dialect()), *held.waiting(_dialect())]:
        op.get_bind().exec_driver_sql(statement)


def stop_waiting() -> None:
    """Undo ``wait_for_paper``."""
    for statement in held.undo_waiting(_dialect()):
        op.get_bind().exec_driver_sql(statement)


def keep_under_way() -> None:
    """Make the database keep ``assignments.is_under_way``; call it again after one of the two tables was rebuilt."""
    for statement in [*under_way.undo(_dialect()), *under_way.statements(_dialect())]:
        op.get_bind().exec_driver_sql(statement)


def leave_under_way() -> None:
    """Undo ``keep_under_way``."""
    for statement in under_way.undo(_dialect()):
        op.get_bind().exec_driver_sql(statement)


def _dialect() -> str:
    return op.get_context().dialect.name
