"""The journal: append-only, hash-chained, written in the transaction of the change that it records.

An entry's hash covers a salted digest of its payload. The payload is stored in its own table, so that a disposal or
erasure can remove the payload and the chain still verifies. The head row is locked last, just before the commit.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged import locks
from ged.db import Base, Id, Together, insert_of, placed, table_of, write_many
from ged.journal_values import JournalDetails, JournalMoment

GENESIS = "0" * 64
HEAD_ID = 1


class AuditEntry(Base):
    """One line of the journal. Every column but ``hash`` is part of the hash."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_subject", "subject_kind", "subject_id"),)

    sequence: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(JournalMoment, index=True)
    person_id: Mapped[int | None] = mapped_column(Id, index=True)
    post_id: Mapped[int | None] = mapped_column(Id)
    acting_for_post_id: Mapped[int | None] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(64), index=True)
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int | None] = mapped_column(Id)
    payload_digest: Mapped[str] = mapped_column(String(64))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditPayload(Base):
    """The details of an entry, in a row of their own: the chain covers their digest. Nothing erases one today."""

    __tablename__ = "audit_payloads"

    sequence: Mapped[int] = mapped_column(ForeignKey("audit_entries.sequence"), primary_key=True, autoincrement=False)
    salt: Mapped[str] = mapped_column(String(32))
    payload: Mapped[dict[str, Any]] = mapped_column(JournalDetails)


class AuditHead(Base):
    """The single row with the journal's length. A transaction that appends holds its lock."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(Id, default=0)
    hash: Mapped[str] = mapped_column(String(64), default=GENESIS)


ONE = (
    update(table_of(AuditHead))
    .where(table_of(AuditHead).c.id == placed("head_id"))
    .values(count=placed("sequence"), hash=placed("hash")),
    insert_of(AuditEntry),
    insert_of(AuditPayload),
)
"""Statements for one entry: the entry, its payload, and the new count in the head. ``next_one`` makes their values."""

_ONE = Together(*ONE)

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
"""Made once: an import writes some thousand entries a second."""

HASHED = (
    "sequence", "at", "person_id", "post_id", "acting_for_post_id", "action", "subject_kind", "subject_id",
    "payload_digest", "previous_hash",
)  # fmt: skip
"""The columns that an entry's hash covers, in the order of the hash."""


@dataclass(frozen=True)
class Event:
    """A change to be written to the journal at the commit. The payload holds JSON values only."""

    at: datetime
    person_id: int | None
    post_id: int | None
    acting_for_post_id: int | None
    action: str
    subject_kind: str
    subject_id: int | None
    payload: dict[str, Any]


@dataclass(frozen=True)
class Head:
    """Length and last hash of the journal."""

    count: int
    hash: str


@dataclass(frozen=True)
class Finding:
    """A fault of the journal at one entry."""

    sequence: int
    code: str


def append(session: Session, events: Sequence[Event]) -> None:
    """Append events. Takes the head's lock, so call it last before the commit.

    All other writers wait for this lock. To be fast, the rows bypass the session's bookkeeping. The rows of a single
    event are sent in one message.
    """
    if len(events) == 1:
        _ONE.run(session, next_one(session, events[0]))
        return
    head = lock(session)
    count, last = head.count, head.hash
    entries, payloads = [], []
    for event in events:
        entry, payload = _entry(event, sequence=count + 1, previous_hash=last)
        entries.append(entry)
        payloads.append(payload)
        count, last = entry["sequence"], entry["hash"]
    # One row of the head for all entries: it is written at the flush, under the lock that `lock` took.
    head.count, head.hash = count, last
    # The payload refers to the entry by its key: write the entries first.
    write_many(session, AuditEntry, entries)
    write_many(session, AuditPayload, payloads)


def next_one(session: Session, event: Event) -> dict[str, Any]:
    """The values of the statements ``ONE`` for an event. Takes the head's lock."""
    head = locks.hold_values(session, AuditHead, HEAD_ID, id=HEAD_ID)
    entry, payload = _entry(event, sequence=head["count"] + 1, previous_hash=head["hash"])
    return entry | payload | {"head_id": HEAD_ID}


def lock(session: Session) -> AuditHead:
    """Lock the head until the commit. So entries are committed in the order of their numbers."""
    return locks.hold_made(session, AuditHead, HEAD_ID, id=HEAD_ID)


def _entry(event: Event, *, sequence: int, previous_hash: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of ``audit_entries`` and ``audit_payloads``. Plain dictionaries, for speed: other writers wait."""
    # Salted, so that an erased payload of few possible values cannot be guessed from its digest.
    salt = secrets.token_hex(16)
    entry: dict[str, Any] = {
        "sequence": sequence,
        "at": event.at,
        "person_id": event.person_id,
        "post_id": event.post_id,
        "acting_for_post_id": event.acting_for_post_id,
        "action": event.action,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "payload_digest": payload_digest(salt, event.payload),
        "previous_hash": previous_hash,
    }
    entry["hash"] = _digest(_hashed_values(entry))
    return entry, {"sequence": sequence, "salt": salt, "payload": event.payload}


def canonical(value: object) -> bytes:
    """The canonical bytes of a JSON value: sorted keys, no spaces, UTF-8."""
    return _CANONICAL.encode(value).encode()


def payload_digest(salt: str, payload: dict[str, Any]) -> str:
    """SHA-256 of salt and payload."""
    return hashlib.sha256(salt.encode() + canonical(payload)).hexdigest()


def columns(entry: AuditEntry) -> dict[str, Any]:
    """Every column that is part of the hash, in its order, as JSON values."""
    return _hashed_values({name: getattr(entry, name) for name in HASHED})


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over every column but the hash itself."""
    return _digest(columns(entry))


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(list(values.values()))).hexdigest()


def _hashed_values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] if name != "at" else row[name].isoformat(timespec="microseconds") for name in HASHED}


def head(session: Session) -> Head:
    """The present head."""
    row = session.get(AuditHead, HEAD_ID)
    return Head(0, GENESIS) if row is None else Head(row.count, row.hash)


def holds_hash(entry: AuditEntry) -> bool:
    """Whether an entry still has its hash. A value that no entry is written with has none."""
    try:
        return entry_hash(entry) == entry.hash
    except (ValueError, TypeError, AttributeError):  # bytes, half a surrogate pair, no moment
        return False


def holds_digest(digest: str, salt: str, payload: dict[str, Any]) -> bool:
    """Whether a salted payload still has its digest."""
    try:
        return payload_digest(salt, payload) == digest
    except (ValueError, TypeError, AttributeError):
        return False


def verify_chain(session: Session) -> Iterator[Finding]:
    """Yield every fault of the journal: missing, altered or swapped entries, altered payloads, a truncated tail.

    No stored value ends the check: call it within ``journal_values.reading_any_value``. A truncation that also rewrites the
    head row is found by comparison with the sealed heads (``ged.archive.seal``).
    """
    expected, previous = 1, GENESIS
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.sequence).execution_options(yield_per=1000)):
        if entry.sequence != expected:
            yield Finding(expected, "journal.entry_missing")
        if entry.previous_hash != previous:
            yield Finding(entry.sequence, "journal.chain_broken")
        if not holds_hash(entry):
            yield Finding(entry.sequence, "journal.entry_altered")
        expected, previous = entry.sequence + 1, entry.hash
    now = head(session)
    if now.count != expected - 1:
        yield Finding(expected, "journal.tail_cut" if now.count >= expected else "journal.head_altered")
    elif now.hash != previous:
        yield Finding(now.count, "journal.head_altered")
    yield from _verify_payloads(session)


def _verify_payloads(session: Session) -> Iterator[Finding]:
    rows = session.execute(
        select(AuditEntry.sequence, AuditEntry.payload_digest, AuditPayload.salt, AuditPayload.payload)
        # Nothing erases a payload yet, so a missing one is a finding. Who lets a decision erase payloads has to ask for
        # it here.
        .outerjoin(AuditPayload)
        .order_by(AuditEntry.sequence)
        .execution_options(yield_per=1000)
    )
    for sequence, digest, salt, payload in rows:
        if payload is None:
            yield Finding(sequence, "journal.payload_missing")
        elif not holds_digest(digest, salt, payload):
            yield Finding(sequence, "journal.payload_altered")
