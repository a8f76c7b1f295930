"""An installation is upgraded without standing still: the programs of the release before run on the next tables."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

import pytest
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Column, Engine, Inspector, Integer, MetaData, Table, inspect, text
from sqlalchemy.dialects import sqlite

from ged.db import Code, make_engine
from ged.errors import ConfigError
from ged.models import metadata
from ged.schema import may_run
from tests.site import make_settings
from web.processes.migrate import alembic_config, migrate_database, require_migrated

FIRST = "0024"
"""From this revision on the tables say which programs may run on them."""

Members = dict[str, frozenset[str]]


def scripts(engine: Engine) -> list[Script]:
    """All revisions, oldest first."""
    with engine.connect() as connection:
        return list(ScriptDirectory.from_config(alembic_config(connection)).walk_revisions())[::-1]


def tightened(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> list[str]:
    """What a program that knows the tables of before would miss, or be refused, in those of after."""
    missing = [f"table {table}" for table in before.keys() - after.keys()]
    # The sweep of an older program would not know that the bytes named there are still in use.
    missing += [f"{table}.{name} names bytes" for table in after.keys() - before.keys() for name in after[table]
                if name.endswith("digest")]  # fmt: skip
    for table in before.keys() & after.keys():
        missing += [f"{table}.{name}" for name in before[table].keys() - after[table].keys()]
        missing += [f"{table}.{name} is asked for" for name in after[table].keys() - before[table].keys()
                    if after[table][name] == "required" or name.endswith("digest")]  # fmt: skip
        missing += [f"{table}.{name} changed" for name in before[table].keys() & after[table].keys()
                    if after[table][name] not in (before[table][name], "free")]  # fmt: skip
    return sorted(missing)


def shape(engine: Engine) -> dict[str, dict[str, object]]:
    """Of each table its columns (whether a value must be given) and its rules (unique, checks), as texts."""
    found = inspect(engine)
    return {
        table: {column["name"]: _asks(column) for column in found.get_columns(table)} | _rules(found, table)
        for table in found.get_table_names()
    }


def _asks(column) -> str:  # type: ignore[no-untyped-def]  # a dict of SQLAlchemy's
    return "free" if column["nullable"] or column["default"] is not None else "required"


def _rules(found: Inspector, table: str) -> dict[str, object]:
    rules = [f"check {one['sqltext']}" for one in found.get_check_constraints(table)]
    rules += [f"unique {one['column_names']}" for one in found.get_unique_constraints(table)]
    rules += [f"unique {one['column_names']}" for one in found.get_indexes(table) if one["unique"]]
    return dict.fromkeys(rules, "required")


def known_members(revision: str) -> Members:
    """What the program of a revision knows of each stored enumeration, by column, as ``members.toml`` says."""
    record = tomllib.loads(Path(__file__).with_name("members.toml").read_text(encoding="utf-8"))
    known: Members = {}
    for since in sorted(record):
        if since <= revision:
            known |= {column: frozenset(members) for column, members in record[since].items()}
    return known


def members_of(tables: MetaData) -> Members:
    """The members of each stored enumeration of a program, by column."""
    return {
        f"{table.name}.{column.name}": frozenset(member.value for member in column.type.enum)
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, Code)
    }


def unread(before: Members, after: Members) -> list[str]:
    """What one of two programs may write into a column that both read, and the other one does not know."""
    return sorted(
        f"{column} = {member} is {'new' if member in after[column] else 'gone'}"
        for column in before.keys() & after.keys()
        for member in before[column] ^ after[column]
    )


def test_the_record_of_members_is_what_the_program_knows(tmp_path: Path) -> None:
    engine = make_engine(make_settings(tmp_path).url)
    head = scripts(engine)[-1].revision
    engine.dispose()
    recorded, present = known_members(head), members_of(metadata)
    changed = {column for column in recorded.keys() | present.keys() if recorded.get(column) != present.get(column)}
    assert changed == set(), "make a revision that names itself as the oldest program; say so in members.toml under it"


def test_a_new_member_is_seen_where_the_program_that_does_not_know_it_still_runs() -> None:
    class Before(StrEnum):
        DRAFT = "draft"
        SIGNED = "signed"

    class After(StrEnum):
        DRAFT = "draft"
        SIGNED = "signed"
        ARCHIVED = "archived"

    before, after = (members_of(_with_state(enum)) for enum in (Before, After))
    with pytest.raises(ValueError, match="archived"):
        Code(Before).process_result_value("archived", sqlite.dialect())
    assert unread(before, before) == []
    assert unread(before, after) == ["letters.state = archived is new"]
    assert unread(after, before) == ["letters.state = archived is gone"]
    assert unread(before, after | {"letters.way": frozenset({"post"})}) == ["letters.state = archived is new"]
    assert unread({}, after) == [], "a column of its own: an older program reads none of it"


def _with_state(enum: type[StrEnum]) -> MetaData:
    tables = MetaData()
    Table("letters", tables, Column("id", Integer), Column("state", Code(enum)))
    return tables


def test_a_revision_that_names_an_older_program_takes_nothing_from_it(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    engine = make_engine(settings.url)
    shapes: dict[str, dict[str, dict[str, object]]] = {}
    for script in scripts(engine):
        if script.revision >= FIRST:
            migrate_database(settings, revision=script.revision)
            shapes[script.revision] = shape(engine)
            oldest = getattr(script.module, "oldest_program", None)
            assert oldest in shapes, f"{script.revision} names no oldest program: see the template of revisions"
            assert tightened(shapes[oldest], shapes[script.revision]) == [], (
                f"{script.revision} takes something from programs of {oldest}: name the revision itself"
            )
            assert unread(known_members(oldest), known_members(script.revision)) == [], (
                f"programs of {oldest} crash on what those of {script.revision} write: name the revision itself"
            )
    engine.dispose()
    assert len(shapes) > 1


def test_what_takes_something_away_is_seen() -> None:
    before: dict[str, dict[str, object]] = {"mails": {"id": "required", "subject": "required", "note": "free"}}
    assert tightened(before, before | {"more": {"id": "required"}}) == []
    assert tightened(before, {"mails": before["mails"] | {"due": "free", "subject": "free"}}) == []
    assert tightened(before, {}) == ["table mails"]
    assert tightened(before, before | {"files": {"digest": "free"}}) == ["files.digest names bytes"]
    assert tightened(before, {"mails": {"id": "required", "subject": "required"}}) == ["mails.note"]
    assert tightened(before, {"mails": before["mails"] | {"due": "required"}}) == ["mails.due is asked for"]
    assert tightened(before, {"mails": before["mails"] | {"note": "required"}}) == ["mails.note changed"]
    assert tightened(before, {"mails": before["mails"] | {"unique ['note']": "required"}}) == [
        "mails.unique ['note'] is asked for"
    ]


def newer(engine: Engine, oldest_program: str) -> None:
    """A newer program migrated: a revision that this one does not know, and a table and a column of its own."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE mails ADD COLUMN colour VARCHAR(10)"))
        connection.execute(text("CREATE TABLE colours (id integer)"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE schema_tolerance SET oldest_program = :it"), {"it": oldest_program})


def test_newer_tables_that_name_this_program_let_it_run_and_others_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings(tmp_path)
    migrate_database(settings)
    engine = make_engine(settings.url)
    require_migrated(settings)
    head = scripts(engine)[-1].revision
    newer(engine, head)
    require_migrated(settings)
    assert "database.newer" in caplog.text
    with pytest.raises(ConfigError) as refused:
        migrate_database(settings)
    assert refused.value.code == "database.newer", "it cannot know what to bring them to"
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_tolerance SET oldest_program = '9999'"))
    with pytest.raises(ConfigError) as refused:
        require_migrated(settings)
    assert refused.value.code == "database.newer"
    engine.dispose()


def test_tables_from_before_the_promise_let_no_other_program_run(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    migrate_database(settings, revision="0023")
    engine = make_engine(settings.url)
    with engine.connect() as connection:
        assert not may_run(connection, "0024")
    engine.dispose()
