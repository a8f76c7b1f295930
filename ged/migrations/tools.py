"""What revisions share: indexes that are made while people work, tables whose rows are held."""

from alembic import op
from sqlalchemy import text

from ged import held


def create_index(
    table: str, *columns: str, name: str | None = None, unique: bool = False, where: str | None = None
) -> None:
    """Make an index without stopping who writes to the table meanwhile.

    PostgreSQL builds it CONCURRENTLY, which no transaction allows: everything that the revision did before is committed
    then. So a revision that makes indexes does nothing else, and may be run again after it failed halfway. What a
    failed build left behind (an index marked invalid) is removed first. ``where`` leaves the other rows out.
    """
    name = name or f"ix_{table}_{'_'.join(columns)}"
    only = text(where) if where else None
    if _dialect() != "postgresql":
        op.create_index(name, table, list(columns), unique=unique, if_not_exists=True, sqlite_where=only)
        return
    with op.get_context().autocommit_block():
        invalid = text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")
        if op.get_bind().execute(invalid, {"name": name}).first():
            op.drop_index(name, postgresql_concurrently=True, if_exists=True)
        op.create_index(
            name, table, list(columns), unique=unique, postgresql_concurrently=True, if_not_exists=True,
            postgresql_where=only,
        )  # fmt: skip


def drop_index(table: str, *columns: str, name: str | None = None) -> None:
    """Remove what ``create_index`` made."""
    op.drop_index(name or f"ix_{table}_{'_'.join(columns)}", table_name=table, if_exists=True)


def hold(rows: held.Held) -> None:
    """Let the database refuse what may not happen to a table; again after the table was made anew."""
    for statement in [*held.undo(rows.table, _dialect()), *held.statements(rows, _dialect())]:
        op.get_bind().exec_driver_sql(statement)


def let_go(table: str) -> None:
    """Undo ``hold``: for a revision that must change such rows."""
    for statement in held.undo(table, _dialect()):
        op.get_bind().exec_driver_sql(statement)


def _dialect() -> str:
    return op.get_context().dialect.name
