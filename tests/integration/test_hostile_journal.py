"""An intruder writes into the journal what no program writes: the entry is named, and the proof goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ged.unit import SYSTEM, Services
from ged.verify import verify
from tests.factories import NOW, make_services
from tests.tampering import lift_guards

PAYLOAD = "UPDATE audit_payloads SET payload = {} WHERE sequence = 2"
ENTRY = "UPDATE audit_entries SET {} WHERE sequence = 2"
JSONS = {
    "a name twice": """'{"value": 9, "value": 1, "text": "x"}'""",
    "a list": "'[]'",
    "a number": "'5'",
    "half a surrogate pair": """'{"value": "\\ud800"}'""",
    "a deep nesting": "'" + "[" * 3000 + "]" * 3000 + "'",
    "a nesting just readable": """'{"a":""" + "[" * 700 + "]" * 700 + "}'",
    "a long number": """'{"value": """ + "9" * 5000 + "}'",
}
OF_SQLITE = {
    "no JSON": PAYLOAD.format("'{'"),
    "no text": PAYLOAD.format("''"),
    "a plain number": PAYLOAD.format("7"),
    "NaN": PAYLOAD.format("""'{"value": NaN}'"""),
    "no UTF-8": PAYLOAD.format("CAST(x'7b22fffe227d' AS TEXT)"),
    "bytes": PAYLOAD.format("x'ff'"),
    "a character of no value": PAYLOAD.format("payload || char(0)"),
    "a salt of bytes": "UPDATE audit_payloads SET salt = x'ff' WHERE sequence = 2",
    "a salt of no UTF-8": "UPDATE audit_payloads SET salt = CAST(x'ff' AS TEXT) WHERE sequence = 2",
}
MOMENTS_OF_SQLITE = ("at = 'nonsense'", "at = ''", "at = 5", "at = x'ff'", "at = CAST(x'ff' AS TEXT)")
MOMENTS_OF_POSTGRESQL = ("at = 'infinity'", "at = '-infinity'", "at = '20000-01-01'", "at = '0044-03-15 BC'")
TEXTS_OF_SQLITE = ("action = CAST(x'ff' AS TEXT)", "action = x'ff'", "subject_id = 'abc'", "person_id = 1e999")


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    for n in range(4):
        with made.unit_of_work(NOW) as uow:
            uow.record("thing.changed", "thing", n, actor=SYSTEM, value=n, text="x")
    yield made
    made.engine.dispose()


def problems(services: Services, *statements: str) -> list[tuple[str, str]]:
    """What is found once an intruder ran these statements, and hid something else: entry 4 has another actor."""
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        for statement in (*statements, "UPDATE audit_entries SET person_id = 99 WHERE sequence = 4"):
            connection.exec_driver_sql(statement)
    return [(one.code, one.where) for one in verify(services, now=NOW).problems]


ALSO = ("journal.entry_altered", "journal entry 4")


@pytest.mark.parametrize("name", JSONS)
def test_a_payload_that_no_program_writes_is_named(services: Services, name: str) -> None:
    assert problems(services, PAYLOAD.format(JSONS[name])) == [ALSO, ("journal.payload_altered", "journal entry 2")]


def test_any_value_of_sqlite_is_named(services: Services) -> None:
    if services.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL refuses these values in such columns")
    for name, statement in OF_SQLITE.items():
        found = problems(services, "UPDATE audit_payloads SET salt = 'x' WHERE sequence = 3", statement)
        assert found == [ALSO, *((("journal.payload_altered", f"journal entry {n}")) for n in (2, 3))], name


def test_any_moment_is_named(services: Services) -> None:
    is_file = services.engine.dialect.name == "sqlite"
    for change in (*MOMENTS_OF_SQLITE, *TEXTS_OF_SQLITE) if is_file else MOMENTS_OF_POSTGRESQL:
        found = problems(services, ENTRY.format(change))
        assert found == [("journal.entry_altered", "journal entry 2"), ALSO], change


def test_a_value_missing_where_one_must_be_is_named(services: Services) -> None:
    if services.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no way around NOT NULL that leaves the constraint")
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'audit_payloads'")).scalar_one()
    change = text("UPDATE sqlite_master SET sql = :sql WHERE name = 'audit_payloads'")
    for sql in (made.replace("NOT NULL", ""), made):
        with services.engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA writable_schema = ON")
            connection.execute(change, {"sql": sql})
        services.engine.dispose()
        if sql != made:
            with services.engine.begin() as connection:
                connection.exec_driver_sql(PAYLOAD.format("NULL"))
    assert problems(services) == [
        ("database.misplaced_value", "NULL value in audit_payloads.payload"),
        ALSO,
        ("journal.payload_missing", "journal entry 2"),
    ]
