"""The journal row by row: the bytes of an entry, and the name of each kind of tampering."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ged import audit, locks
from ged.audit import AuditEntry, AuditHead, AuditPayload, Event
from ged.db import Base, insert_if_missing
from tests.rows_kit import rows

NOW = datetime(2026, 11, 24, 9, 0, 0, 5, tzinfo=UTC)
ZEROS = "0" * 64


def event(subject: int, **payload: object) -> Event:
    return Event(NOW, 7, 8, 9, "thing.changed", "thing", subject, payload)


@pytest.fixture
def session() -> Iterator[Session]:
    with rows(AuditEntry, AuditPayload, AuditHead) as session:
        yield session


@pytest.fixture
def journal(session: Session) -> Session:
    """Five entries in two appends."""
    audit.append(session, [event(n, value=n, text="été") for n in (1, 2)])
    audit.append(session, [event(n, value=n) for n in (3, 4, 5)])
    session.expunge_all()
    return session


def findings(session: Session) -> list[tuple[int, str]]:
    session.expunge_all()
    return [(one.sequence, one.code) for one in audit.verify_chain(session)]


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_single_event_goes_the_short_way_to_the_same_chain(session: Session, before: int) -> None:
    """A single event is sent in one message, with its payload and the head. Its chain equals that of several events."""
    for n in range(before):
        audit.append(session, [event(n)])
    audit.append(session, [event(77, value="seul")])
    assert findings(session) == []
    head = session.get_one(AuditHead, audit.HEAD_ID)
    last = session.get_one(AuditEntry, before + 1)
    assert (head.count, head.hash) == (before + 1, last.hash)
    assert (last.subject_id, last.previous_hash == ZEROS) == (77, before == 0)
    assert session.get_one(AuditPayload, before + 1).payload == {"value": "seul"}
    assert session.scalars(select(AuditEntry.sequence).order_by(AuditEntry.sequence)).all() == [*range(1, before + 2)]


# --- The bytes: a checker of an export computes them without this program --------------------------------------------


def test_a_json_value_has_one_form() -> None:
    assert audit.canonical({"b": [1, None, True], "a": "é"}) == '{"a":"é","b":[1,null,true]}'.encode()
    assert audit.canonical({"b": 1, "a": {"d": 2, "c": 3}}) == audit.canonical({"a": {"c": 3, "d": 2}, "b": 1})


def test_a_payload_is_digested_behind_its_salt() -> None:
    expected = hashlib.sha256('salt{"a":"é"}'.encode()).hexdigest()
    assert audit.payload_digest("salt", {"a": "é"}) == expected


def test_an_entry_is_hashed_over_all_its_columns_in_their_order() -> None:
    entry = AuditEntry(
        sequence=4, at=NOW, person_id=7, post_id=8, acting_for_post_id=None, action="mail.closed", subject_kind="mail",
        subject_id=12, payload_digest="d" * 64, previous_hash="p" * 64, hash="not hashed",
    )  # fmt: skip
    told = {
        "sequence": 4,
        "at": "2026-11-24T09:00:00.000005+00:00",
        "person_id": 7,
        "post_id": 8,
        "acting_for_post_id": None,
        "action": "mail.closed",
        "subject_kind": "mail",
        "subject_id": 12,
        "payload_digest": "d" * 64,
        "previous_hash": "p" * 64,
    }
    assert list(audit.columns(entry).items()) == list(told.items())
    text = json.dumps(list(told.values()), separators=(",", ":"))
    assert audit.entry_hash(entry) == hashlib.sha256(text.encode()).hexdigest()


def test_a_whole_second_is_written_with_its_microseconds() -> None:
    entry = AuditEntry(at=NOW.replace(microsecond=0))
    assert audit.columns(entry)["at"] == "2026-11-24T09:00:00.000000+00:00"


def test_a_new_entry_names_every_column() -> None:
    assert {column.name for column in AuditEntry.__table__.columns} == {*audit.HASHED, "hash"}


# --- Appending ------------------------------------------------------------------------------------------------------


def test_an_empty_journal_has_a_head_of_zeros(session: Session) -> None:
    assert audit.GENESIS == ZEROS
    assert audit.head(session) == audit.Head(0, ZEROS)
    assert findings(session) == []
    made = audit.lock(session)
    assert (made.id, made.count, made.hash) == (1, 0, ZEROS)
    assert audit.lock(session) is made
    assert len(session.scalars(select(AuditHead)).all()) == 1


def test_the_head_is_made_once_and_then_only_locked(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, object]] = []

    def insert(session: Session, table: type[Base], **values: object) -> bool:
        made.append(values)
        return insert_if_missing(session, table, **values)

    monkeypatch.setattr(locks, "insert_if_missing", insert)
    for n in range(3):
        audit.append(session, [event(n)])
    assert made == [{"id": 1}]


def test_entries_are_chained_over_appends_and_the_head_is_the_last(journal: Session) -> None:
    entries = journal.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].previous_hash == ZEROS
    assert all(after.previous_hash == before.hash for before, after in pairwise(entries))
    assert all(entry.hash == audit.entry_hash(entry) for entry in entries)
    assert audit.head(journal) == audit.Head(5, entries[-1].hash)
    assert findings(journal) == []


def test_an_entry_tells_its_event_and_its_payload_stands_beside_it_under_a_salt_of_its_own(session: Session) -> None:
    audit.append(session, [event(3, value="é"), event(3, value="é")])
    session.expunge_all()
    entry = session.get_one(AuditEntry, 1)
    whose = (entry.at, entry.person_id, entry.post_id, entry.acting_for_post_id)
    assert whose == (NOW, 7, 8, 9)
    assert (entry.action, entry.subject_kind, entry.subject_id) == ("thing.changed", "thing", 3)
    first, second = session.scalars(select(AuditPayload).order_by(AuditPayload.sequence))
    assert (first.sequence, first.payload, len(first.salt)) == (1, {"value": "é"}, 32)
    assert first.salt != second.salt
    assert entry.payload_digest == audit.payload_digest(first.salt, first.payload)


# --- Verifying ------------------------------------------------------------------------------------------------------


COLUMNS = {
    "at": NOW + timedelta(microseconds=1),
    "person_id": None,
    "post_id": 99,
    "acting_for_post_id": None,
    "action": "thing.deleted",
    "subject_kind": "other",
    "subject_id": 99,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_an_altered_column_is_an_altered_entry(journal: Session, column: str) -> None:
    journal.execute(update(AuditEntry).where(AuditEntry.sequence == 3).values({column: COLUMNS[column]}))
    assert findings(journal) == [(3, "journal.entry_altered")]


def test_a_digest_altered_with_its_payload_left_is_told_of_both(journal: Session) -> None:
    journal.execute(update(AuditEntry).where(AuditEntry.sequence == 3).values(payload_digest="a" * 64))
    assert findings(journal) == [(3, "journal.entry_altered"), (3, "journal.payload_altered")]


def test_an_entry_hashed_anew_breaks_the_chain_behind_it(journal: Session) -> None:
    entry = journal.get_one(AuditEntry, 3)
    entry.action = "thing.deleted"
    entry.hash = audit.entry_hash(entry)
    journal.flush()
    assert findings(journal) == [(4, "journal.chain_broken")]


def test_an_entry_that_names_another_before_it_is_altered_and_breaks_the_chain(journal: Session) -> None:
    journal.execute(update(AuditEntry).where(AuditEntry.sequence == 3).values(previous_hash="b" * 64))
    assert findings(journal) == [(3, "journal.chain_broken"), (3, "journal.entry_altered")]


def drop(session: Session, *sequences: int) -> None:
    session.execute(delete(AuditPayload).where(AuditPayload.sequence.in_(sequences)))
    session.execute(delete(AuditEntry).where(AuditEntry.sequence.in_(sequences)))


@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_entry_is_named_where_it_stood(journal: Session, lost: int) -> None:
    drop(journal, lost)
    assert findings(journal) == [(lost, "journal.entry_missing"), (lost + 1, "journal.chain_broken")]


@pytest.mark.parametrize("lost", [(4, 5), (5,)])
def test_a_cut_tail_is_named_from_its_first_entry(journal: Session, lost: tuple[int, ...]) -> None:
    drop(journal, *lost)
    assert findings(journal) == [(lost[0], "journal.tail_cut")]


def test_an_emptied_journal_is_a_cut_tail(journal: Session) -> None:
    drop(journal, 1, 2, 3, 4, 5)
    assert findings(journal) == [(1, "journal.tail_cut")]


def test_a_head_that_counts_less_than_there_is_was_altered(journal: Session) -> None:
    journal.execute(update(AuditHead).values(count=4))
    assert findings(journal) == [(6, "journal.head_altered")]


def test_a_head_that_is_gone_was_altered(journal: Session) -> None:
    journal.execute(delete(AuditHead))
    assert findings(journal) == [(6, "journal.head_altered")]


def test_a_head_with_another_hash_was_altered(journal: Session) -> None:
    journal.execute(update(AuditHead).values(hash="x"))
    assert findings(journal) == [(5, "journal.head_altered")]


@pytest.mark.parametrize("values", [{"payload": {"value": 7}}, {"salt": "x"}])
def test_an_altered_payload_is_named(journal: Session, values: dict[str, object]) -> None:
    journal.execute(update(AuditPayload).where(AuditPayload.sequence == 2).values(values))
    assert findings(journal) == [(2, "journal.payload_altered")]


def test_removed_payloads_are_named_and_the_chain_still_holds(journal: Session) -> None:
    journal.execute(delete(AuditPayload).where(AuditPayload.sequence.in_((2, 4))))
    assert findings(journal) == [(2, "journal.payload_missing"), (4, "journal.payload_missing")]


def test_everything_wrong_is_told_in_the_order_of_the_journal(journal: Session) -> None:
    journal.execute(update(AuditEntry).where(AuditEntry.sequence.in_((2, 5))).values(action="thing.deleted"))
    drop(journal, 3)
    assert findings(journal) == [
        (2, "journal.entry_altered"),
        (3, "journal.entry_missing"),
        (4, "journal.chain_broken"),
        (5, "journal.entry_altered"),
    ]


@pytest.mark.parametrize("action", [b"thing.changed", "\ud800", None])
def test_an_entry_with_a_value_that_is_never_written_has_no_hash(journal: Session, action: object) -> None:
    entry = journal.get_one(AuditEntry, 3)
    assert audit.holds_hash(entry)
    journal.expunge(entry)
    entry.action = action  # type: ignore[assignment]
    assert not audit.holds_hash(entry)


@pytest.mark.parametrize("payload", [{"value": b"3"}, {"value": "\ud800"}, {3: {1}}])
def test_details_that_are_never_written_have_no_digest(journal: Session, payload: dict[str, object]) -> None:
    stored, entry = journal.get_one(AuditPayload, 3), journal.get_one(AuditEntry, 3)
    assert audit.holds_digest(entry.payload_digest, stored.salt, stored.payload)
    assert not audit.holds_digest(entry.payload_digest, stored.salt, payload)
