"""Any single change of the journal is found, with its place."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import AuditEntry, AuditHead, AuditPayload, Event
from ged.db import table_of
from tests.rows_kit import rows

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
IDS = st.none() | st.integers(0, 2**40)
WHEN = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - drawn in UTC
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PAYLOADS = st.dictionaries(TEXT, JSON, max_size=4)
EVENTS = st.builds(Event, WHEN, IDS, IDS, IDS, TEXT, TEXT, IDS, PAYLOADS)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "at": WHEN, "person_id": IDS, "post_id": IDS, "acting_for_post_id": IDS, "action": TEXT, "subject_kind": TEXT,
    "subject_id": IDS, "payload_digest": HEX, "previous_hash": HEX, "hash": HEX,
}  # fmt: skip
HALF = settings(max_examples=max(100, settings().max_examples) // 2)  # each example writes a journal
ENTRIES, OF_ENTRIES, HEAD = table_of(AuditEntry), table_of(AuditPayload), table_of(AuditHead)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with rows(AuditEntry, AuditPayload, AuditHead) as session:
        yield session


def write(session: Session, events: list[Event], parts: int) -> None:
    """A journal of these events alone, in one append or several. Nothing is committed."""
    session.rollback()
    for n in range(0, len(events), parts):
        audit.append(session, events[n : n + parts])
    session.flush()
    session.expunge_all()


def found(session: Session) -> set[int]:
    session.expunge_all()
    return {one.sequence for one in audit.verify_chain(session)}


def altered(session: Session, table: Table, at: int, column: str, value: Any) -> None:
    key = table.primary_key.columns[0]
    before = session.execute(select(table.c[column]).where(key == at)).scalar_one()
    assume(audit.canonical(_plain(before)) != audit.canonical(_plain(value)))  # in Python, True equals 1
    session.execute(update(table).where(key == at).values({column: value}))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def test_every_column_of_the_tables_is_altered_here() -> None:
    assert {column.name for column in ENTRIES.columns} == {*COLUMNS, "sequence"}
    assert {column.name for column in OF_ENTRIES.columns} == {"sequence", "salt", "payload"}
    assert {column.name for column in HEAD.columns} == {"id", "count", "hash"}


@HALF
@given(st.lists(EVENTS, max_size=6), st.integers(1, 6))
def test_an_untouched_journal_holds(session: Session, events: list[Event], parts: int) -> None:
    write(session, events, parts)
    assert found(session) == set()
    assert audit.head(session).count == len(events)


@HALF
@given(st.lists(EVENTS, min_size=1, max_size=5), st.sampled_from(sorted(COLUMNS)), st.data())
def test_one_field_of_one_entry(session: Session, events: list[Event], column: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(events)))
    write(session, events, 2)
    altered(session, ENTRIES, at, column, data.draw(COLUMNS[column]))
    assert at in found(session)


@HALF
@given(st.lists(EVENTS, min_size=1, max_size=5), st.sampled_from(sorted({*COLUMNS} - {"hash"})), st.data())
def test_one_field_of_one_entry_that_is_hashed_anew(
    session: Session, events: list[Event], column: str, data: st.DataObject
) -> None:
    """The entry itself is consistent; the next one, or the head, does not fit it."""
    at = data.draw(st.integers(1, len(events)))
    write(session, events, 2)
    altered(session, ENTRIES, at, column, data.draw(COLUMNS[column]))
    session.expunge_all()
    own = audit.entry_hash(session.get_one(AuditEntry, at))
    session.execute(update(ENTRIES).where(ENTRIES.c.sequence == at).values(hash=own))
    assert min(at + 1, len(events)) in found(session)


@HALF
@given(st.lists(EVENTS, min_size=1, max_size=5), st.data())
def test_one_payload_or_its_salt(session: Session, events: list[Event], data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(events)))
    column, values = data.draw(st.sampled_from([("payload", PAYLOADS), ("salt", HEX.map(lambda text: text[:32]))]))
    write(session, events, 2)
    altered(session, OF_ENTRIES, at, column, data.draw(values))
    assert found(session) == {at}


@HALF
@given(st.lists(EVENTS, min_size=2, max_size=5), st.data())
def test_a_lost_entry_or_two_that_changed_places(session: Session, events: list[Event], data: st.DataObject) -> None:
    at, other = data.draw(st.lists(st.integers(1, len(events)), min_size=2, max_size=2, unique=True))
    write(session, events, 2)
    if data.draw(st.booleans()):
        session.execute(delete(OF_ENTRIES).where(OF_ENTRIES.c.sequence == at))
        session.execute(delete(ENTRIES).where(ENTRIES.c.sequence == at))
    else:
        for here, there in ((at, 0), (other, at), (0, other)):
            session.execute(update(ENTRIES).where(ENTRIES.c.sequence == here).values(sequence=there))
            session.execute(update(OF_ENTRIES).where(OF_ENTRIES.c.sequence == here).values(sequence=there))
    assert found(session)


@HALF
@given(st.lists(EVENTS, min_size=1, max_size=4), st.data())
def test_the_head(session: Session, events: list[Event], data: st.DataObject) -> None:
    column, values = data.draw(st.sampled_from([("count", st.integers(0, 9)), ("hash", HEX)]))
    write(session, events, 2)
    altered(session, HEAD, audit.HEAD_ID, column, data.draw(values))
    assert found(session)
