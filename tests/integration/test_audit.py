"""Each kind of tampering with the journal is found and named."""

from pathlib import Path

import pytest
from sqlalchemy import text

from ged import audit
from ged.archive.seal import HeadSeal
from ged.unit import SYSTEM, Services
from tests.factories import NOW, make_services
from tests.tampering import lift_guards

COLUMNS = {
    "at": "'2020-01-01 00:00:00.000000'",
    "person_id": "99",
    "post_id": "99",
    "acting_for_post_id": "99",
    "action": "'other.action'",
    "subject_kind": "'other'",
    "subject_id": "99",
    "payload_digest": "'" + "a" * 64 + "'",
    "previous_hash": "'" + "b" * 64 + "'",
    "hash": "'" + "c" * 64 + "'",
}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    made = make_services(tmp_path)
    for n in range(5):
        with made.unit_of_work(NOW) as uow:
            uow.record("thing.changed", "thing", n, actor=SYSTEM, value=n, text="été")
    return made


def findings(services: Services) -> list[tuple[int, str]]:
    with services.snapshot() as session:
        return [(f.sequence, f.code) for f in audit.verify_chain(session)]


def execute(services: Services, *statements: str) -> None:
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_moment_is_read_only_as_it_was_written(services: Services) -> None:
    """Python accepts any character between day and hour. Only the text that was hashed is accepted here."""
    with services.engine.begin() as connection:
        written = connection.execute(text("SELECT at FROM audit_entries WHERE sequence = 3")).scalar_one()
    for place in range(len(written)):
        other = "0" if written[place] != "0" else "1"
        execute(
            services,
            f"UPDATE audit_entries SET at = '{written[:place]}{other}{written[place + 1 :]}' WHERE sequence = 3",
        )
        assert (3, "journal.entry_altered") in findings(services), place


def test_a_moment_in_the_digits_of_another_script_is_none(services: Services) -> None:
    """It would be an equal time, but sort after all others where the database sorts the text."""
    execute(services, "UPDATE audit_entries SET at = '٢' || substr(at, 2) WHERE sequence = 3")
    assert findings(services) == [(3, "journal.entry_altered")]


def test_an_untouched_journal_holds(services: Services) -> None:
    assert findings(services) == []


@pytest.mark.parametrize("column", COLUMNS)
def test_an_altered_column_is_named(services: Services, column: str) -> None:
    execute(services, f"UPDATE audit_entries SET {column} = {COLUMNS[column]} WHERE sequence = 3")
    found = findings(services)
    assert any(sequence in (3, 4) for sequence, _ in found), found
    assert (3, "journal.entry_altered") in found


@pytest.mark.parametrize("sequence", [1, 3, 5])
def test_a_missing_entry_is_named(services: Services, sequence: int) -> None:
    execute(
        services,
        f"DELETE FROM audit_payloads WHERE sequence = {sequence}",
        f"DELETE FROM audit_entries WHERE sequence = {sequence}",
    )
    expected = "journal.tail_cut" if sequence == 5 else "journal.entry_missing"
    assert expected in [code for _, code in findings(services)]


def test_swapped_rows_are_named(services: Services) -> None:
    execute(
        services,
        "PRAGMA foreign_keys=OFF",
        "DELETE FROM audit_payloads",
        "UPDATE audit_entries SET sequence = 100 WHERE sequence = 2",
        "UPDATE audit_entries SET sequence = 2 WHERE sequence = 3",
        "UPDATE audit_entries SET sequence = 3 WHERE sequence = 100",
    )
    found = findings(services)
    assert (2, "journal.entry_altered") in found
    assert (3, "journal.entry_altered") in found


@pytest.mark.parametrize("change", ["payload = '{\"value\": 7}'", "salt = 'x'"])
def test_an_altered_payload_is_named(services: Services, change: str) -> None:
    execute(services, f"UPDATE audit_payloads SET {change} WHERE sequence = 2")
    assert findings(services) == [(2, "journal.payload_altered")]


def test_a_removed_payload_is_named(services: Services) -> None:
    execute(services, "DELETE FROM audit_payloads WHERE sequence = 2")
    assert findings(services) == [(2, "journal.payload_missing")]


def test_an_altered_head_is_named(services: Services) -> None:
    execute(services, "UPDATE audit_head SET hash = 'x'")
    assert findings(services) == [(5, "journal.head_altered")]


def test_a_cut_tail_with_a_rewritten_head_is_found_by_the_seal(services: Services, tmp_path: Path) -> None:
    seal = HeadSeal(tmp_path / "seal", b"a secret kept elsewhere")
    with services.reading() as session:
        assert seal.seal(audit.head(session), now=NOW)
        fourth = session.get_one(audit.AuditEntry, 4).hash
    execute(
        services,
        "DELETE FROM audit_payloads WHERE sequence = 5",
        "DELETE FROM audit_entries WHERE sequence = 5",
        f"UPDATE audit_head SET count = 4, hash = '{fourth}'",
    )
    assert findings(services) == []
    with services.reading() as session:
        assert [(f.sequence, f.code) for f in seal.verify(session)] == [(5, "journal.cut_behind_seal")]


def test_the_file_of_seals_guards_itself(services: Services, tmp_path: Path) -> None:
    seal = HeadSeal(tmp_path / "seal", b"a secret kept elsewhere")
    for n in range(3):
        with services.unit_of_work(NOW) as uow:
            uow.record("thing.changed", "thing", n, actor=SYSTEM)
        with services.reading() as session:
            assert seal.seal(audit.head(session), now=NOW)
    path = tmp_path / "seal" / "heads.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[2]]) + "\n")
    with services.reading() as session:
        assert [f.code for f in seal.verify(session)] == ["seal.line_missing"]
    path.write_text("\n".join([lines[0], lines[1].replace('"count": 7', '"count": 6'), lines[2]]) + "\n")
    with services.reading() as session:
        assert "seal.line_altered" in [f.code for f in seal.verify(session)]


def test_a_head_is_sealed_once(services: Services, tmp_path: Path) -> None:
    seal = HeadSeal(tmp_path / "seal", b"a secret kept elsewhere")
    with services.reading() as session:
        assert seal.seal(audit.head(session), now=NOW)
        assert not seal.seal(audit.head(session), now=NOW)
