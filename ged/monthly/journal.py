"""The part of the journal on which a report's proof rests: the one that the report names, whole since then, and whole where it is read
before.

Each entry's hash covers the hash of the entry before it. So an act that somebody rewrote with a hash of its own is told by the entry
behind it. No act of the program erases the details of an act, so details that are gone were deleted by hand, and what they said is not
proven any more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import AuditEntry, AuditPayload
from ged.db import table_of
from ged.monthly.faults import Fault
from ged.monthly.numbers import Month

FOREIGN_NAMED = 50
"""So many entries that stand before the first one are named."""
_LAST = literal(2**63 - 1, BigInteger())
"""The largest number that an entry may have. Only somebody beside the program writes one of this number."""
PUT_BACK = "backup.restored"
"""The act with which ``ged restore`` begins an installation's later life (``ged.backup.restoring``, which stands above this room)."""


@dataclass
class JournalSince:
    """The journal since a report, read once.

    Attributes:
        came: the letters that came, or were dated, so that a number of the month may count them: also those that no number counts now.
    """

    session: Session
    since: int
    expected: str
    month: Month | None
    came: set[int] = field(default_factory=set)

    def faults(self) -> Iterator[Fault]:
        """Whether the journal is the one that the report names, and whole since then."""
        yield from foreign(self.session)
        if self.since:
            entry = self.session.get(AuditEntry, self.since)
            if entry is None or entry.hash != self.expected or not audit.holds_hash(entry):
                yield Fault("journal.replaced", f"entry {self.since}")
                return
        entries = _Chain(self.since, self.expected)
        rows = self.session.execute(
            select(*table_of(AuditEntry).c, AuditPayload.salt, AuditPayload.payload)
            .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.sequence > self.since)
            .order_by(AuditEntry.sequence)
            .execution_options(yield_per=1000)
        )
        for row in rows:
            yield from entries.faults(row)
            yield from details_faults(row.sequence, row.payload_digest, row.salt, row.payload)
            # SQLite stores any value in place of a letter's id; such an entry has no hash.
            is_of_letter = isinstance(row.subject_id, int) and row.subject_id > 0
            if self.month is not None and is_of_letter and _says_of(self.month, row.action, said(row.payload)):
                self.came.add(row.subject_id)
        head = audit.head(self.session)
        if (head.count, head.hash) != (entries.last, entries.previous):
            yield Fault("journal.tail_cut", f"entry {entries.last + 1}")


def holds(entry: AuditEntry, behind: AuditEntry | None, head: audit.Head) -> bool:
    """Whether an entry is as it was written: by its own hash, and by the one that the entry behind it was written with. An entry that was rewritten
    with a hash of its own is held by nothing, and neither is one whose next entry is gone or altered.

    Args:
        behind: the next entry; None: there is none.
    """
    if not audit.holds_hash(entry):
        return False
    if behind is None:
        return (head.count, head.hash) == (entry.sequence, entry.hash)
    return behind.previous_hash == entry.hash and audit.holds_hash(behind)


def number_behind() -> ColumnElement[int]:
    """The number of the entry behind an entry. NULL behind the last number of all: PostgreSQL refuses to add to it, and the proof would end."""
    return func.nullif(AuditEntry.sequence, _LAST, type_=BigInteger()) + 1


def foreign(session: Session) -> Iterator[Fault]:
    """Entries before the first one. The program writes none there, no chain holds them, and nothing that they say is believed."""
    rows = session.scalars(
        select(AuditEntry.sequence)
        .where(AuditEntry.sequence < 1)
        .order_by(AuditEntry.sequence.desc())
        .limit(FOREIGN_NAMED)
    )
    for sequence in rows:
        yield Fault("journal.entry_foreign", f"entry {sequence}")


def faults_before(session: Session, first: int, since: int) -> Iterator[Fault]:
    """Whether the journal is whole from an entry up to the one that a report names.

    Args:
        first: the first entry that the proof read. Of those before it nothing is said.
    """
    entries = _Chain(first - 1, None)
    rows = session.execute(
        select(*table_of(AuditEntry).c)
        .where(AuditEntry.sequence.between(first, since))
        .order_by(AuditEntry.sequence)
        .execution_options(yield_per=1000)
    )
    for entry in rows:
        yield from entries.faults(entry)


def details_faults(sequence: int, digest: str, salt: str | None, payload: Any) -> Iterator[Fault]:
    """What is wrong with the details of an entry. ``salt`` is None where they are gone."""
    if salt is None:
        yield Fault("journal.payload_missing", f"entry {sequence}")
    elif not audit.holds_digest(digest, salt, payload):
        yield Fault("journal.payload_altered", f"entry {sequence}")


def said(payload: object) -> Mapping[str, Any]:
    """The details of an entry; none where they are gone, or are no details that the program writes."""
    return payload if isinstance(payload, dict) else {}


def put_back(session: Session, sealed_at: datetime | None) -> Iterator[Fault]:
    """Each restore that undid the life in which a report was sealed: after the copy was made, and before the restore.

    A report from before the copy is in the copy. Where such a report is unknown, no restore explains it: its row was deleted by hand.
    The journal must be whole from the copy on, or the fault of the journal is told in place of the restore.
    """
    yield from foreign(session)
    rows = session.execute(
        select(AuditEntry.sequence, AuditEntry.at, AuditEntry.payload_digest, AuditPayload.salt, AuditPayload.payload)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action == PUT_BACK, AuditEntry.sequence >= 1)
        .order_by(AuditEntry.sequence)
    )
    for sequence, at, digest, salt, payload in rows.all():
        details = said(payload)
        last_copied = _number(details.get("entries"), sequence)
        copied_at = session.scalar(select(AuditEntry.at).where(AuditEntry.sequence == last_copied))
        if sealed_at is None or at < sealed_at or (copied_at is not None and copied_at >= sealed_at):
            continue
        broken = next(chain(details_faults(sequence, digest, salt, payload), _faults_from(session, last_copied)), None)
        if broken is not None:
            yield broken
        else:
            yield Fault("journal.put_back", f"entry {sequence}, {at:%Y-%m-%d}, copy {details.get('snapshot', '')}")


def _number(value: object, before: int) -> int:
    """The number of an entry before another one, as details name it; 0 where they name none."""
    return value if isinstance(value, int) and 0 < value < before else 0


def _faults_from(session: Session, last_copied: int) -> Iterator[Fault]:
    """Whether the journal is whole from an entry to its end."""
    rest = _Chain(max(last_copied - 1, 0), audit.GENESIS if last_copied <= 1 else None)
    rows = session.execute(
        select(*table_of(AuditEntry).c)
        .where(AuditEntry.sequence > rest.last)
        .order_by(AuditEntry.sequence)
        .execution_options(yield_per=1000)
    )
    with rows:
        for entry in rows:
            yield from rest.faults(entry)
    head = audit.head(session)
    if (head.count, head.hash) != (rest.last, rest.previous):
        yield Fault("journal.tail_cut", f"entry {rest.last + 1}")


class _Chain:
    """Entries in their order, each with its hash and with that of the entry before it.

    Attributes:
        last: the number of the last entry; before the first one: the number before it.
        previous: the hash of the last entry; None before the first one: nothing is known of the entry before it.
    """

    def __init__(self, last: int, previous: str | None) -> None:
        self.last, self.previous, self._start = last, previous, last

    def faults(self, entry: Any) -> Iterator[Fault]:
        """What is wrong with the next entry: a row with its columns."""
        is_whole, is_next = audit.holds_hash(entry), entry.sequence == self.last + 1
        if not is_next:
            yield Fault("journal.entry_missing", f"entry {self.last + 1}")
        if not is_whole:
            yield Fault("journal.entry_altered", f"entry {entry.sequence}")
        elif is_next and self.previous is not None and entry.previous_hash != self.previous:
            # The entry says what it was written with, so the one before it was rewritten; the first one was compared already.
            yield Fault("journal.entry_altered", f"entry {entry.sequence if self.last == self._start else self.last}")
        self.last, self.previous = entry.sequence, entry.hash


def _says_of(month: Month, action: str, details: Mapping[str, Any]) -> bool:
    """Whether an act says that its letter came, or was dated, so that a number of the month may count it."""
    first, last = month.first.isoformat(), month.last.isoformat()
    if action == "mail.registered":  # it is open since it came
        return _is_day(details.get("received_on")) and str(details["received_on"]) <= last
    if action == "mail.imported":
        days = (details.get(name) for name in ("registered_on", "received_on", "closed_on"))
        return any(first <= str(day) <= last for day in days)
    is_dated = action == "mail.rectified" and details.get("field") == "received_on" and _is_day(details.get("new"))
    return is_dated and str(details["new"]) <= last


def _is_day(text: object) -> bool:
    try:
        date.fromisoformat(str(text))
    except ValueError:
        return False
    return True


def first_of(sequences: Iterable[int], since: int) -> int | None:
    """The first of some entries that a report knew; None where it knew none of them."""
    return min((one for one in sequences if 0 < one <= since), default=None)
