"""Rows that never change or vanish are protected on both databases, whichever program writes. Other columns may
change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Engine, Table, insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import JSON, Boolean, Date, Float, Integer, LargeBinary, String

from ged.db import UtcDateTime, make_engine
from ged.held import HELD, Held
from ged.models import metadata
from tests.migration_kit import engine, make_at_head, triggers, url

__all__ = ["engine", "url"]

WITHOUT_KEYS = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT conrelid::regclass AS held_by, conname FROM pg_constraint WHERE contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.held_by, found.conname);
    END LOOP;
END $$
"""
OTHER_TYPES = {LargeBinary: (b"1", b"2"), Boolean: (True, False), Float: (0.5, 0.25), JSON: ({"a": 1}, {"a": 2})}

FILLED_TOGETHER = {"reserve_lines": ("mail_id", "number_id")}
"""Keys that a condition of the table wants filled where its other columns are."""


@pytest.fixture
def migrated(url: str, engine: Engine, tmp_path: Path) -> Iterator[Connection]:
    """A connection that checks no foreign keys: a row needs no rows of other tables."""
    make_at_head(url, tmp_path)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.close()
        else:
            connection.execute(text(WITHOUT_KEYS))
        yield connection


def value(column: Column[object], which: int) -> object:
    """Two different values of a column's type."""
    kind = getattr(column.type, "impl", column.type)
    if isinstance(column.type, UtcDateTime):
        return datetime(2026, 11, 24, 9, which, tzinfo=UTC)
    if isinstance(kind, Date):
        return date(2026, 11, 24 + which)
    for sort, values in OTHER_TYPES.items():
        if isinstance(kind, sort):
            return values[which]
    return which + 1 if isinstance(kind, Integer) else f"{which}"


def fill(connection: Connection, table: Table, *, whole: bool) -> None:
    """Add one row. With ``whole``, also give values to columns that may be empty."""
    # Raw values: the enumerations of the models would refuse them.
    together = FILLED_TOGETHER.get(table.name, ())
    columns = [
        c for c in table.columns if not c.nullable or (whole and (not c.foreign_keys or c.name in together))
    ]  # fmt: skip
    raw = Table(table.name, type(metadata)(), *(Column(c.name, _plain(c)) for c in columns))
    connection.execute(insert(raw).values({c.name: value(c, 0) for c in columns}))


def _plain(column: Column[object]) -> object:
    kind = getattr(column.type, "impl", column.type)
    return column.type if isinstance(column.type, UtcDateTime) or not isinstance(kind, String) else String()


def change(connection: Connection, table: Table, column: str, which: int) -> None:
    raw = Table(table.name, type(metadata)(), Column(column, _plain(table.c[column])))
    connection.execute(raw.update().values({column: value(table.c[column], which)}))


def refused(connection: Connection, table: Table, column: str, which: int = 1) -> None:
    with pytest.raises(IntegrityError, match="these rows are held"), connection.begin_nested():
        change(connection, table, column, which)


def fixed(held: Held, table: Table) -> list[str]:
    everything = not (held.columns or held.unless_null or held.never_less)
    return (
        [column.name for column in table.columns] if everything else [*held.columns, *held.json_columns, *held.emptied]
    )


@pytest.mark.locks_backwards  # tries each table in turn
def test_held_rows_refuse_update_and_delete(migrated: Connection) -> None:
    for held in HELD:
        hold_against(migrated, held)
    migrated.rollback()


def hold_against(migrated: Connection, held: Held) -> None:
    """Check that every change and deletion of the row is refused, and that the row is unchanged."""
    table = metadata.tables[held.table]
    fill(migrated, table, whole=True)
    before = migrated.execute(text(f"SELECT * FROM {held.table}")).fetchall()
    for column in [*fixed(held, table), *(name for name in held.unless_null if not table.c[name].foreign_keys)]:
        refused(migrated, table, column)
    for column in held.never_less:
        change(migrated, table, column, 1)
        refused(migrated, table, column, 0)
        before = migrated.execute(text(f"SELECT * FROM {held.table}")).fetchall()
    truncate = ["TRUNCATE"] if migrated.dialect.name == "postgresql" else []
    for statement in truncate + ([] if held.deletes else ["DELETE FROM"]):
        with pytest.raises(IntegrityError, match="these rows are held"), migrated.begin_nested():
            migrated.execute(text(f"{statement} {held.table}"))
    assert migrated.execute(text(f"SELECT * FROM {held.table}")).fetchall() == before


def test_what_may_be_filled_in_later_still_may_be_once(migrated: Connection) -> None:
    table = metadata.tables["mail_numbers"]
    fill(migrated, table, whole=False)
    for column in ("mail_id", "voided_at"):
        change(migrated, table, column, 0)
        refused(migrated, table, column, 1)
    change(migrated, table, "void_reason", 1)
    migrated.rollback()


def test_a_payload_may_be_erased_by_a_decision(migrated: Connection) -> None:
    fill(migrated, metadata.tables["audit_payloads"], whole=True)
    migrated.execute(text("DELETE FROM audit_payloads"))
    migrated.rollback()


def test_the_text_of_a_version_may_be_emptied_and_not_changed(migrated: Connection) -> None:
    table = metadata.tables["draft_versions"]
    fill(migrated, table, whole=True)
    refused(migrated, table, "body")
    migrated.execute(text("UPDATE draft_versions SET body = '', rich = ''"))
    refused(migrated, table, "body")
    migrated.rollback()


def test_a_number_bears_a_slip_or_a_letter(migrated: Connection) -> None:
    table = metadata.tables["mail_numbers"]
    columns = [c for c in table.columns if not c.nullable]
    row = {c.name: value(c, 0) for c in columns}
    with pytest.raises(IntegrityError, match="one_subject"), migrated.begin_nested():
        migrated.execute(insert(table).values(**row, mail_id=1, slip_id=1))
    migrated.rollback()


def test_revisions_and_models_hold_the_same(url: str, engine: Engine, tmp_path: Path) -> None:
    make_at_head(url, tmp_path)
    migrated = triggers(engine)
    made = engine
    if engine.dialect.name == "sqlite":
        made = make_engine(f"sqlite:///{tmp_path / 'made.sqlite3'}")
    else:
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    metadata.create_all(made)
    assert triggers(made) == migrated
    assert len(migrated) >= 2 * len(HELD) - 1
    made.dispose()
