"""Checks the register: its numbers against its counters, and its rows against the journal.

The hash chain proves the journal; here the journal proves the rows. A number removed from the register together with
its counter is found, and a document whose row references other bytes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged import taken
from ged.audit import AuditEntry, AuditPayload
from ged.register.models import Attachment, AttachmentPage, MailNumber, Register, RegisterCounter, Rendition

NUMBERING = ("mail.registered", "mail.imported", "mail.numbered", "envelope.registered", "slip.issued")
RESUMING = ("register.resumed",)
BATCH = 1000


def differences(session: Session, *, journal_holds: bool) -> Iterator[tuple[str, str]]:
    """(code, place) of each number, counter, document and rendition that differs from the journal.

    Args:
        journal_holds: False when entries are missing or altered: unrecorded attachments are then not reported again.
    """
    yield from _numbers(session)
    for code, where in _attachments(session):
        if journal_holds or code != "attachment.unrecorded":
            yield code, where
    yield from _renditions(session)


# --- counters --------------------------------------------------------------------------------------------------------


def gaps(session: Session) -> list[tuple[int, int, int]]:
    """(register, year, missing) wherever the numbers are not exactly opening+1 .. last. Empty proves: no gap."""
    rows = session.execute(
        select(
            RegisterCounter.register_id,
            RegisterCounter.year,
            RegisterCounter.last_sequence - RegisterCounter.opening_sequence,
            func.count(MailNumber.id),
            func.min(MailNumber.sequence),
            func.max(MailNumber.sequence),
            RegisterCounter.opening_sequence,
            RegisterCounter.last_sequence,
        )
        .outerjoin(
            MailNumber,
            (MailNumber.register_id == RegisterCounter.register_id) & (MailNumber.year == RegisterCounter.year),
        )
        .group_by(RegisterCounter.register_id, RegisterCounter.year)
    )
    wrong = []
    for register_id, year, expected, count, low, high, opening, last in rows:
        if count != expected or (count and (low != opening + 1 or high != last)):
            wrong.append((register_id, year, expected - count))
    return wrong + _uncounted(session)


def _uncounted(session: Session) -> list[tuple[int, int, int]]:
    """Numbers whose counter is gone: it is no longer known how many there were."""
    rows = session.execute(
        select(MailNumber.register_id, MailNumber.year, func.max(MailNumber.sequence))
        .outerjoin(
            RegisterCounter,
            (MailNumber.register_id == RegisterCounter.register_id) & (MailNumber.year == RegisterCounter.year),
        )
        .where(RegisterCounter.register_id.is_(None))
        .group_by(MailNumber.register_id, MailNumber.year)
    )
    return [(register_id, year, last) for register_id, year, last in rows]


# --- numbers -----------------------------------------------------------------------------------------------------


@dataclass
class _Highest:
    """The highest number recorded in the journal for each (register, year)."""

    sequences: dict[tuple[str, int], int] = field(default_factory=dict)

    def see(self, payload: Mapping[str, Any]) -> None:
        if "sequence" in payload:
            key = (payload["register"], payload["year"])
            self.sequences[key] = max(self.sequences.get(key, 0), payload["sequence"])


def _numbers(session: Session) -> Iterator[tuple[str, str]]:
    standing = set(_standing(session))
    highest = _Highest()
    for kind, subject_id, sequence, payload in _payloads(session, NUMBERING, having="number"):
        # The letter of an opened envelope has no number of its own: the envelope's number was recorded on arrival.
        highest.see(payload)
        if (kind, subject_id, payload["number"]) not in standing:
            where = f"{payload.get('register', '')} {payload['number']} ({kind} {subject_id}, journal entry {sequence})"
            yield "register.number_missing", where.strip()
    for _kind, _subject, _sequence, payload in _payloads(session, RESUMING, having="sequence"):
        highest.see(payload)  # numbers that were lost before a restore are given in one entry
    yield from _lowered(session, highest)


def _standing(session: Session) -> Iterator[tuple[str, int, str]]:
    rows = session.execute(
        select(MailNumber.text, MailNumber.mail_id, MailNumber.envelope_id, MailNumber.slip_id)
    ).yield_per(BATCH)
    for text, *owners in rows:
        for kind, owner in zip(("mail", "envelope", "slip"), owners, strict=True):
            if owner is not None:
                yield kind, owner, text


def _lowered(session: Session, highest: _Highest) -> Iterator[tuple[str, str]]:
    rows = session.execute(
        select(Register.code, RegisterCounter.year, RegisterCounter.last_sequence).join(
            Register, Register.id == RegisterCounter.register_id
        )
    )
    counters = {(code, year): last for code, year, last in rows}
    for (code, year), recorded in highest.sequences.items():
        stands = counters.get((code, year), 0)
        if stands < recorded:
            yield "register.counter_lowered", f"{code} {year or ''}: {stands} < {recorded}".replace(" :", ":")


# --- bytes -------------------------------------------------------------------------------------------------------


def _attachments(session: Session) -> Iterator[tuple[str, str]]:
    recorded = {
        payload["attachment"]: (mail_id, payload)
        for _kind, mail_id, _sequence, payload in _payloads(session, ["attachment.added"], having="attachment")
    }
    unread = _erased(session, "attachment.added")
    for batch in session.scalars(select(Attachment).order_by(Attachment.id)).yield_per(BATCH).partitions():
        pages = _pages(session, batch)
        for row in batch:
            where = f"attachment {row.id} (mail {row.mail_id})"
            mail_id, payload = recorded.pop(row.id, (None, None))
            if payload is None:
                if row.mail_id not in unread:
                    yield "attachment.unrecorded", where
                continue
            if (row.mail_id, row.kind.value) != (mail_id, payload.get("kind")):
                yield "attachment.moved", where
            if row.digest != payload.get("digest"):
                yield "attachment.other_bytes", f"{where} {row.digest}"
            yield from _other_pages(where, row, pages.get(row.id, []), payload)
    for attachment_id, (mail_id, _payload) in sorted(recorded.items()):
        yield "attachment.missing", f"attachment {attachment_id} (mail {mail_id})"


def _other_pages(
    where: str, row: Attachment, pages: list[str], payload: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    expected = payload.get("pages", 0)
    if isinstance(expected, int):
        expected = payload.get("page_digests", [payload.get("digest")] * expected)
    for n, (recorded, stands) in enumerate(zip(expected, pages, strict=False), start=1):
        if recorded != stands:
            yield "attachment.other_bytes", f"{where} page {n} {stands}"
    if len(expected) != len(pages) or len(pages) != row.page_count:
        yield "attachment.other_pages", f"{where}: {len(pages)} / {len(expected)}"


def _pages(session: Session, batch: Iterable[Attachment]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = session.execute(
        select(AttachmentPage.attachment_id, AttachmentPage.digest)
        .where(AttachmentPage.attachment_id.in_([row.id for row in batch]))
        .order_by(AttachmentPage.attachment_id, AttachmentPage.page_no)
    )
    for attachment_id, digest in rows:
        found.setdefault(attachment_id, []).append(digest)
    return found


def _renditions(session: Session) -> Iterator[tuple[str, str]]:
    recorded: dict[tuple[int, str], str] = {}
    for _kind, _mail_id, _sequence, payload in _payloads(session, ["attachment.read"], having="renditions"):
        recorded |= {(payload["attachment"], name): digest for name, digest in payload["renditions"].items()}
    rows = session.execute(
        select(Rendition.attachment_id, Rendition.kind, Rendition.page_no, Rendition.digest)
    ).yield_per(BATCH)
    for attachment_id, kind, page_no, digest in rows:
        if recorded.get((attachment_id, f"{kind}/{page_no}"), digest) != digest:
            yield "rendition.other_bytes", f"attachment {attachment_id} {kind} {page_no} {digest}"


# --- the journal -------------------------------------------------------------------------------------------------


def _payloads(
    session: Session, actions: Iterable[str], *, having: str
) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """(subject kind, subject id, entry, payload) of entries whose payload has ``having``; altered ones may lack it. What
    the journal of another installation says of entities that were taken in comes last."""
    rows = session.execute(
        select(AuditEntry.subject_kind, AuditEntry.subject_id, AuditEntry.sequence, AuditPayload.payload)
        .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action.in_(list(actions)))
        .order_by(AuditEntry.sequence)
    ).yield_per(BATCH)
    for kind, subject_id, sequence, payload in rows:
        if isinstance(payload, dict) and having in payload:
            yield kind, subject_id or 0, sequence, payload
    yield from taken.payloads(session, actions, having=having)


def _erased(session: Session, action: str) -> set[int]:
    """Letters of which an entry's payload was erased by a decision: the journal no longer knows their data."""
    rows = session.scalars(
        select(AuditEntry.subject_id)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action == action, AuditPayload.sequence.is_(None), AuditEntry.subject_id.is_not(None))
    )
    return {subject_id for subject_id in rows if subject_id is not None} | taken.erased(session, action)
