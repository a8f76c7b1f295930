"""An installation is upgraded without interruption: programs of the previous release run on the next tables."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Column, Connection, Engine, Inspector, Integer, MetaData, Table, inspect, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from ged import migrations
from ged.db import PROGRAM, Code, make_engine
from ged.errors import ConfigError
from ged.models import metadata
from ged.schema import Phase, is_opened, may_run
from tests.migration_kit import RELEASES, migrated
from tests.site import make_settings
from web.processes import migrate, schema_check
from web.processes.migrate import alembic_config, expand_database, finish_database, migrate_database
from web.processes.schema_check import require_migrated

FIRST = "0024"
"""From this revision on, the tables state which programs may run on them."""

Members = dict[str, frozenset[str]]


def scripts(engine: Engine) -> list[Script]:
    """All revisions, oldest first."""
    with engine.connect() as connection:
        return list(ScriptDirectory.from_config(alembic_config(connection)).walk_revisions())[::-1]


EMPTY_UNTIL = {
    "takeover_scans.digest names bytes": "0191",
    "packed_files.digest names bytes": "0191",
    "monthly_reports.digest names bytes": "0191",
    "monthly_report_revisions.digest names bytes": "0191",
    "open_data_acts.digest names bytes": "0191",
    "preservations.unique ['report_id'] is asked for": "0191",
}
"""What would break an older program if there were rows -> the contraction before which the program refuses to write any."""


REFUSE_NOTHING_YET = {
    "register_counters.waits_register_counters_update last_sequence ruled anew": "a row of register_holds, which only a restore by"
    " a newer program writes, before anything is served"
}
"""Triggers that refuse an older program only where a newer one has written rows -> which, and when."""


def tightened(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> list[str]:
    """Differences between two shapes of the tables that would break a program made for the first."""
    missing = [f"table {table}" for table in before.keys() - after.keys()]
    # The sweep of an older program would not know that the bytes named there are still used.
    missing += [f"{table}.{name} names bytes" for table in after.keys() - before.keys() for name in after[table]
                if name.endswith("digest")]  # fmt: skip
    for table in before.keys() & after.keys():
        # A trigger that refused every change, and refuses those of some columns now, takes nothing.
        eased = {name for name in before[table].keys() - after[table].keys() if name.startswith("held_")
                 and any(other.startswith(f"{name} ") for other in after[table])}  # fmt: skip
        missing += [f"{table}.{name} ruled anew" for name, given in after[table].items() - before[table].items()
                    if isinstance(given, tuple) and before[table].keys() >= set(given)
                    and name.partition(" ")[0] not in eased]  # fmt: skip
        missing += [f"{table}.{name}" for name in before[table].keys() - after[table].keys()
                    if not isinstance(before[table][name], tuple) and name not in eased]  # fmt: skip
        missing += [f"{table}.{name} is asked for" for name in after[table].keys() - before[table].keys()
                    if after[table][name] == "required" or name.endswith("digest")]  # fmt: skip
        missing += [f"{table}.{name} changed" for name in before[table].keys() & after[table].keys()
                    if after[table][name] not in (before[table][name], "free")
                    and not _holds_more(before[table][name], after[table][name])]  # fmt: skip
    return sorted(missing)


def _holds_more(before: object, after: object) -> bool:
    """Whether a type holds all values of another one: texts may become longer."""
    lengths = [re.fullmatch(r"VARCHAR\((\d+)\)|TEXT()", str(one)) for one in (before, after)]
    if None in lengths:
        return False
    return float(lengths[0][1] or "inf") <= float(lengths[1][1] or "inf")  # type: ignore[index]


def shape(engine: Engine) -> dict[str, dict[str, object]]:
    """For each table, its columns (whether a value is required, type) and its rules (unique, checks, triggers,
    keys)."""
    found = inspect(engine)
    declared = defaultdict(list)
    with engine.connect() as connection:
        for table, sql in connection.execute(
            text("SELECT tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index') ORDER BY name")
        ):
            declared[table].append(sql)
        made = {table: dict(_shape_of(found, table, tuple(declared[table]))) for table in found.get_table_names()}
        for table, sql in connection.execute(text("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")):
            if "RAISE" not in sql:
                continue  # it refuses nothing: it fills a column that no older program knows
            name, held = sql.split(maxsplit=3)[2], re.findall(r"NEW\.(\w+) IS NOT", sql)
            made[table] |= {f"{name} {column}": (column,) for column in held} or {name: "required"}
    return made


def _shape_of(found: Inspector, table: str, declared: tuple[str | None, ...]) -> dict[str, object]:
    """The columns and rules of a table. One that is declared as before has the shape of before: most are, at each revision."""
    key = table, declared
    if key not in _SHAPES:
        columns = found.get_columns(table)
        _SHAPES[key] = (
            {column["name"]: _asks(column) for column in columns}
            | {f"{column['name']}:type": str(column["type"]) for column in columns}
            | _rules(found, table)
        )
    return _SHAPES[key]


_SHAPES: dict[tuple[str, tuple[str | None, ...]], dict[str, object]] = {}


def _asks(column) -> str:  # type: ignore[no-untyped-def]  # a dict of SQLAlchemy's
    return "free" if column["nullable"] or column["default"] is not None else "required"


def _rules(found: Inspector, table: str) -> dict[str, object]:
    rules = [f"check {one['sqltext']}" for one in found.get_check_constraints(table)]
    rules += [f"unique {one['column_names']}" for one in found.get_unique_constraints(table)]
    rules += [f"unique {one['column_names']}" for one in found.get_indexes(table) if one["unique"]]
    keys = {
        f"key {one['constrained_columns']}": tuple(one["constrained_columns"]) for one in found.get_foreign_keys(table)
    }
    return dict.fromkeys(rules, "required") | keys


def known_members(revision: str) -> Members:
    """Column -> members of its enumeration that the program of a revision knows, as ``members.toml`` states."""
    record = tomllib.loads(Path(__file__).with_name("members.toml").read_text(encoding="utf-8"))
    known: Members = {}
    for since in sorted(record):
        if since <= revision:
            for columns, members in record[since].items():
                for column in columns.removeprefix("+").split():
                    before = known[column] if columns.startswith("+") else frozenset()
                    known[column] = before | frozenset(members)
    return known


def members_of(tables: MetaData) -> Members:
    """Column -> members of its enumeration, for a program."""
    return {
        f"{table.name}.{column.name}": frozenset(member.value for member in column.type.enum)
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, Code)
    }


def unread(before: Members, after: Members) -> list[str]:
    """Members that one of two programs may write into a shared column, and that the other one does not know."""
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
    nothing = frozenset[str]()
    changed = {
        column: sorted(recorded.get(column, nothing) ^ present.get(column, nothing))
        for column in sorted(recorded.keys() | present.keys())
        if recorded.get(column) != present.get(column)
    }
    assert changed == {}, (
        "members.toml: say these under the contraction that opens them (docs/dev/add.md, A member of an enumeration)"
    )


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


Shape = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def revisions(tmp_path_factory: pytest.TempPathFactory) -> list[Script]:
    """All revisions, oldest first."""
    engine = make_engine(make_settings(tmp_path_factory.mktemp("none")).url)
    found = scripts(engine)
    engine.dispose()
    return found


@pytest.fixture(scope="module")
def shapes(revisions: list[Script], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shape]:
    """The shape of the tables after each revision from ``FIRST`` on."""
    settings = make_settings(tmp_path_factory.mktemp("shapes"))
    engine = make_engine(settings.url)
    found = {}
    for one in (script.revision for script in revisions if script.revision >= FIRST):
        migrate_database(settings, revision=one)
        found[one] = shape(engine)
    engine.dispose()
    return found


def test_a_revision_that_names_an_older_program_takes_nothing_from_it(
    revisions: list[Script], shapes: dict[str, Shape]
) -> None:
    for script in revisions:
        if script.revision >= FIRST:
            oldest = getattr(script.module, "oldest_program", None)
            assert oldest in shapes, f"{script.revision} names no oldest program: see the template of revisions"
            assert oldest <= script.revision, f"{script.revision} names a program that comes after it"
            taken = tightened(shapes[oldest], shapes[script.revision])
            if script.revision <= RELEASES[0]:  # rules of existing columns that programs followed anyway
                taken = [one for one in taken if not one.endswith("ruled anew")]
            taken = [one for one in taken if not script.revision < EMPTY_UNTIL.get(one, "")]
            taken = [one for one in taken if one not in REFUSE_NOTHING_YET]
            assert taken == [], f"{script.revision} takes something from programs of {oldest}: name the revision itself"
            assert unread(known_members(oldest), known_members(script.revision)) == [], (
                f"programs of {oldest} crash on what those of {script.revision} write: name the revision itself"
            )
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
    assert tightened(before, {"mails": before["mails"] | {"held_mails_delete": "required"}}) == [
        "mails.held_mails_delete is asked for"
    ]
    assert tightened(before, {"mails": before["mails"] | {"held_mails_update note": ("note",)}}) == [
        "mails.held_mails_update note ruled anew"
    ]
    whole = {"mails": before["mails"] | {"held_mails_update": "required"}}
    assert tightened(whole, {"mails": before["mails"] | {"held_mails_update note": ("note",)}}) == [], "eased"
    assert tightened(whole, before) == ["mails.held_mails_update"]
    assert tightened(before, {"mails": before["mails"] | {"due": "free", "key ['due']": ("due",)}}) == []
    typed = {"mails": before["mails"] | {"note:type": "VARCHAR(50)"}}
    for longer in ("VARCHAR(50)", "VARCHAR(60)", "TEXT"):
        assert tightened(typed, {"mails": typed["mails"] | {"note:type": longer}}) == []
    for other in ("VARCHAR(40)", "INTEGER"):
        assert tightened(typed, {"mails": typed["mails"] | {"note:type": other}}) == ["mails.note:type changed"]


def newer(engine: Engine, oldest_program: str) -> None:
    """A newer program migrated: the tables have an unknown revision, a new table and a new column."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE mails ADD COLUMN colour VARCHAR(10)"))
        connection.execute(text("CREATE TABLE colours (id integer)"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE schema_tolerance SET oldest_program = :it"), {"it": oldest_program})


def test_newer_tables_that_name_this_program_let_it_run_and_others_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
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


def misplaced(phases: list[tuple[str, str]], releases: tuple[str, ...]) -> list[str]:
    """Expansions that follow a contraction of their release: their program could not start before that contraction."""
    wrong, contracted = [], False
    for revision, phase in phases:
        if phase == "expand" and contracted:
            wrong.append(revision)
        contracted = (contracted or phase == "contract") and revision not in releases
    return wrong


def test_each_revision_says_its_phase_and_contractions_come_last(tmp_path: Path) -> None:
    engine = make_engine(make_settings(tmp_path).url)
    found = [one for one in scripts(engine) if one.revision > RELEASES[0]]
    engine.dispose()
    for script in found:
        phase = getattr(script.module, "phase", None)
        assert phase in [*Phase], f"{script.revision}: see docs/dev/add.md"
        if phase == Phase.CONTRACT:
            assert script.module.oldest_program == script.revision, f"{script.revision}: no older program may run"
        else:
            assert script.module.oldest_program < script.revision, (
                f"{script.revision}: the program before must run beside the new one: take what it cannot bear out into a "
                "contraction, the last revision of the release (a new member of an enumeration: docs/dev/add.md)"
            )
    wrong = misplaced([(one.revision, one.module.phase) for one in found], RELEASES)
    assert wrong == [], f"{wrong} follow a contraction: give the contraction the last number of the release"


def test_an_expansion_after_a_contraction_is_seen() -> None:
    phases = [("0043", "expand"), ("0044", "contract"), ("0045", "expand"), ("0046", "contract")]
    assert misplaced(phases, ("0042",)) == ["0045"]
    assert misplaced(phases, ("0042", "0044")) == []
    assert misplaced(phases[:2], ("0042",)) == []


def test_a_contraction_adds_nothing_that_its_program_needs(revisions: list[Script], shapes: dict[str, Shape]) -> None:
    for one in (script for script in revisions if getattr(script.module, "phase", "") == Phase.CONTRACT):
        before, after = shapes[str(one.down_revision)], shapes[one.revision]
        new = [table for table in after if table not in before]
        new += [f"{table}.{name}" for table in before.keys() & after.keys() for name in after[table]
                if name not in before[table] and f"{name}:type" in after[table]]  # fmt: skip
        assert new == [], f"{one.revision}: add it in an expansion, before the new program starts"


def lacking(tables: MetaData, there: dict[str, dict[str, object]]) -> list[str]:
    """Columns that a program misses in the tables, and values that the tables require and the program does not give."""
    known = {table.name: {column.name for column in table.columns} for table in tables.sorted_tables}
    wrong = [f"table {table}" for table in known.keys() - there.keys()]
    for table in known.keys() & there.keys():
        wrong += [f"{table}.{name}" for name in known[table] - there[table].keys()]
        wrong += [f"{table}.{name} is asked for" for name, given in there[table].items()
                  if given == "required" and f"{name}:type" in there[table] and name not in known[table]]  # fmt: skip
    return sorted(wrong)


def test_this_program_runs_on_the_previous_schema(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    engine = make_engine(settings.url)
    migrate_database(settings, revision=last_expansion(engine))
    require_migrated(settings)
    assert lacking(metadata, shape(engine)) == []
    engine.dispose()


def last_expansion(engine: Engine) -> str:
    return [one.revision for one in scripts(engine) if getattr(one.module, "phase", "expand") == Phase.EXPAND][-1]


def test_what_the_previous_schema_lacks_is_seen() -> None:
    class State(StrEnum):
        OPEN = "open"

    program = _with_state(State)
    columns = {"id": "required", "id:type": "INTEGER", "state": "free", "state:type": "VARCHAR(32)"}
    assert lacking(program, {"letters": columns, "gone": {"id": "required"}}) == []
    assert lacking(program, {}) == ["table letters"]
    assert lacking(program, {"letters": {"id": "required", "id:type": "INTEGER"}}) == ["letters.state"]
    assert lacking(program, {"letters": columns | {"note": "required", "note:type": "TEXT"}}) == [
        "letters.note is asked for"
    ]
    assert lacking(program, {"letters": columns | {"note": "free", "note:type": "TEXT"}}) == []


CONTRACTION = """
revision, down_revision, branch_labels, depends_on = "9001", "{head}", None, None
phase, oldest_program = "{phase}", "9001"


def upgrade():
    pass


def downgrade():
    pass
"""


@pytest.fixture
def more_revisions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Let the program know one more revision, of a given phase."""
    folder = tmp_path / "versions"
    folder.mkdir()

    def add(phase: str) -> None:
        engine = make_engine(f"sqlite:///{tmp_path / 'no.sqlite3'}")
        head = scripts(engine)[-1].revision
        engine.dispose()
        (folder / f"9001_{phase}.py").write_text(CONTRACTION.format(head=head, phase=phase), encoding="utf-8")
        usual = migrate.alembic_config

        def config(connection: Connection) -> Config:
            made = usual(connection)
            own = Path(migrations.__file__).parent / "versions"
            made.set_main_option("version_locations", f"{own} {folder}")
            made.set_main_option("path_separator", "space")
            return made

        monkeypatch.setattr(migrate, "alembic_config", config)
        monkeypatch.setattr(schema_check, "PROGRAM", "9001")

    return add


def test_a_program_starts_before_its_contractions_but_not_before_its_expansions(
    tmp_path: Path, more_revisions: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
    more_revisions("contract")
    require_migrated(settings)
    assert "ged migrate --finish" in caplog.text
    assert expand_database(settings) == ["9001"]
    engine = make_engine(settings.url)
    with engine.connect() as connection:
        assert not may_run(connection, "9000") or not is_opened(Session(connection), "9001")
    finish_database(settings)
    with Session(engine) as session:
        assert is_opened(session, "9001"), "from now on its program writes what no other one reads"
    assert expand_database(settings) == []
    engine.dispose()


def test_a_program_does_not_start_before_its_expansions(tmp_path: Path, more_revisions: Callable[[str], None]) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
    more_revisions("expand")
    with pytest.raises(ConfigError) as refused:
        require_migrated(settings)
    assert refused.value.code == "database.not_migrated"
    assert expand_database(settings) == []
    require_migrated(settings)


def test_contractions_of_an_earlier_release_come_before_expansions_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more_revisions: Callable[[str], None]
) -> None:
    settings = make_settings(tmp_path)
    engine = make_engine(settings.url)
    head = scripts(engine)[-1].revision
    migrate_database(settings, revision=scripts(engine)[-2].revision)
    engine.dispose()
    more_revisions("expand")
    usual = migrate._phase
    monkeypatch.setattr(migrate, "_phase", lambda one: Phase.CONTRACT if one.revision == head else usual(one))
    with pytest.raises(ConfigError) as refused:
        require_migrated(settings)
    assert refused.value.code == "database.not_migrated"
    with pytest.raises(ConfigError) as refused:
        expand_database(settings)
    assert (refused.value.code, refused.value.params["revisions"]) == ("database.unfinished", head)
    finish_database(settings)
    require_migrated(settings)


def test_an_empty_database_gets_everything_at_once(tmp_path: Path, more_revisions: Callable[[str], None]) -> None:
    settings = make_settings(tmp_path)
    more_revisions("contract")
    assert expand_database(settings) == []
    engine = make_engine(settings.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9001"
    engine.dispose()


@pytest.mark.servers
def test_nothing_is_contracted_while_an_older_program_is_connected(
    make_database: Callable[[], str], tmp_path: Path, more_revisions: Callable[[str], None]
) -> None:
    settings = make_settings(tmp_path, database_url=make_database())
    migrated(settings)
    more_revisions("contract")
    older = make_engine(settings.url)  # this program is older than 9001
    with older.connect() as connection:
        connection.execute(text("SELECT 1"))
    with pytest.raises(ConfigError) as refused:
        finish_database(settings)
    assert (refused.value.code, refused.value.params["programs"]) == ("database.older_programs", f"ged {PROGRAM}")
    older.dispose()
    finish_database(settings)
