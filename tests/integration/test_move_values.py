"""What a move carries from SQLite to PostgreSQL value by value, and what it refuses before it begins."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from ged.db import make_engine
from ged.errors import EngineFailed
from ged.moving import comparing, copying, fitness, sequences
from ged.org.models import Unit
from tests.factories import make_organisation, make_services, make_tables
from tests.routing_kit import register
from tests.tampering import lift_guards

pytestmark = pytest.mark.in_turns(3)


def altered(folder: Path, *statements: str, **values: object) -> Path:
    """A database with a letter, and with these statements run by hand."""
    services = make_services(folder)
    make_organisation(services)
    register(services)
    register(services, "Une autre")
    lift_guards(services.engine)
    services.engine.dispose()
    file = folder / "ged.sqlite3"
    with closing(sqlite3.connect(file)) as own:
        for one in statements:
            own.execute(one, {name: value for name, value in values.items() if f":{name}" in one})
        own.commit()
    return file


HOSTILE = (
    ("mails.subject", "UPDATE mails SET subject = 'a' || char(0) || 'b' WHERE id = 1", "zero_character"),
    ("mails.subject", "UPDATE mails SET subject = CAST(x'c3' AS TEXT) WHERE id = 1", "encoding"),
    ("mails.subject", "UPDATE mails SET subject = CAST(x'eda080' AS TEXT) WHERE id = 1", "encoding"),  # half a pair
    ("units.name", "UPDATE units SET name = printf('%.*c', 5000, 'x') WHERE id = 1", "too_long"),
    ("mails.direction", "UPDATE mails SET direction = 'sideways' WHERE id = 1", "member"),
)


@pytest.mark.parametrize(("place", "statement", "why"), HOSTILE)
def test_what_postgresql_would_not_take_is_named_before_the_first_row(
    place: str, statement: str, why: str, tmp_path: Path
) -> None:
    found = list(fitness.unfit(altered(tmp_path, statement)))
    assert [(f"{one.table}.{one.column}", one.row, one.why) for one in found] == [(place, "1", why)]


def test_numbers_times_and_json_that_are_none_are_named(tmp_path: Path) -> None:
    file = altered(
        tmp_path,
        "UPDATE audit_payloads SET payload = '{\"a\": NaN}' WHERE sequence = 1",
        "UPDATE jobs SET created_at = '2026-13-01 00:00:00.000000', attempts = 3000000000 WHERE id = 1",
        "UPDATE jobs SET created_at = '2026-11-02T00:00:00Z', attempts = 'three' WHERE id = 2",
    )
    found = {(f"{one.table}.{one.column}", one.row, one.why) for one in fitness.unfit(file)}
    assert found == {
        ("audit_payloads.payload", "1", "json"), ("jobs.created_at", "1", "time"), ("jobs.attempts", "1", "number"),
        ("jobs.created_at", "2", "time"), ("jobs.attempts", "2", "number"),
    }  # fmt: skip


def test_a_key_that_names_no_row_is_named_and_tables_of_others_too(tmp_path: Path) -> None:
    file = altered(
        tmp_path, "DELETE FROM people WHERE id = 2", "CREATE TABLE theirs (a)", "INSERT INTO theirs VALUES (1)"
    )
    assert {one.why for one in fitness.unfit(file)} == {"no_row"}
    assert fitness.others(file) == ["theirs"]


def test_what_is_sound_is_fit(tmp_path: Path) -> None:
    file = altered(tmp_path)
    assert list(fitness.unfit(file)) == []
    assert fitness.others(file) == []


@pytest.fixture
def target(make_database: Callable[[], str]) -> Iterator[Engine]:
    engine = make_engine(make_database())
    make_tables(engine)
    yield engine
    engine.dispose()


LONG = "é" * 2_000_000
STRANGE = 'tab\tline\nback\\slash \\N \\. "quoted" \r 😀 \x01'


@pytest.mark.servers
def test_strange_values_arrive_as_they_were(tmp_path: Path, target: Engine) -> None:
    escaped = json.dumps({"nul": "\0", "half": "\ud800", "deep": [1, 2.5, None, True, 2**63 - 1]})
    file = altered(
        tmp_path,
        "UPDATE mails SET subject = :strange WHERE id = 1",
        "UPDATE audit_payloads SET payload = :json WHERE sequence = 1",
        "UPDATE audit_payloads SET payload = 'null' WHERE sequence = 2",
        "UPDATE jobs SET error_detail = :long, created_at = '0001-01-01 00:00:00.000000', subject_id = 9223372036854775807 WHERE id = 1",
        "UPDATE jobs SET started_at = '9999-12-31 23:59:59.999999' WHERE id = 1",
        "DELETE FROM jobs WHERE id = 2",
        "UPDATE sqlite_sequence SET seq = 77 WHERE name = 'jobs'",
        strange=STRANGE, long=LONG, json=escaped,
    )  # fmt: skip
    assert list(fitness.unfit(file)) == []
    source = make_engine(f"sqlite:///{file}")
    with source.connect() as own:
        copied = copying.copy_rows(own, target, progress=_quiet, batch=2)
        sequences.count_on(target, sequences.given(own))
        copying.settle(target)
        with target.connect() as there:
            found = comparing.compare(own, there, progress=_quiet, batch=3)
            assert (found.named, found.rows, found.source) == ([], copied, found.target)
            assert there.scalar(text("SELECT subject FROM mails WHERE id = 1")) == STRANGE
            job = there.execute(text("SELECT error_detail, subject_id FROM jobs WHERE id = 1")).one()
            assert (job[0] == LONG, job[1]) == (True, 2**63 - 1)
            kept = there.scalars(text("SELECT payload::text FROM audit_payloads ORDER BY sequence LIMIT 2")).all()
            assert kept == [escaped, "null"]
            assert there.scalar(text("SELECT nextval(pg_get_serial_sequence('jobs', 'id'))")) == 78
            most = there.scalar(select(func.max(Unit.id)))
            assert there.scalar(text("SELECT nextval(pg_get_serial_sequence('units', 'id'))")) == (most or 0) + 1
    source.dispose()


@pytest.mark.servers
def test_rows_that_name_later_ones_arrive(tmp_path: Path, target: Engine) -> None:
    file = altered(tmp_path, "UPDATE units SET successor_id = (SELECT max(id) FROM units) WHERE id IN (1, 2)")
    source = make_engine(f"sqlite:///{file}")
    with source.connect() as own:
        copying.copy_rows(own, target, progress=_quiet, batch=1)
        with target.connect() as there:
            assert comparing.compare(own, there, progress=_quiet).named == []
            assert there.scalar(select(func.count(Unit.id)).where(Unit.successor_id.is_not(None))) == 2
    source.dispose()


@pytest.mark.servers
def test_a_row_that_postgresql_refuses_is_told_in_words(tmp_path: Path, target: Engine) -> None:
    source = make_engine(f"sqlite:///{altered(tmp_path)}")
    with target.begin() as there:
        there.execute(text("ALTER TABLE mails ADD CONSTRAINT never CHECK (id < 0)"))
    with source.connect() as own, pytest.raises(EngineFailed, match="move.refused") as caught:
        copying.copy_rows(own, target, progress=_quiet)
    assert caught.value.params["table"] == "mails"
    source.dispose()


@pytest.mark.servers
def test_a_next_id_that_is_taken_is_found(tmp_path: Path, target: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_engine(f"sqlite:///{altered(tmp_path)}")
    with source.connect() as own:
        copying.copy_rows(own, target, progress=_quiet)
    source.dispose()
    monkeypatch.setattr(sequences, "_set", _set_back)
    with pytest.raises(EngineFailed, match="move.sequence"):
        sequences.count_on(target, {})


def _set_back(connection: Connection, sequence: str, _last: int) -> None:
    connection.execute(select(func.setval(sequence, 1, False)))


def _quiet(*_: Any) -> None:
    """Tells nobody."""
