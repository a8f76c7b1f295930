"""Intake: batches and pages are received, inspected, split at our codes, and joined to their numbers.

Pages are durable before they are acknowledged. The automatic decisions (``settle``) are one short unit of work after
all inspections, and it is idempotent.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import func, select

from ged import destroyed, locks
from ged.capture import separators, turns, two_pass
from ged.capture.bridges import BridgeIdentity, clerk_of, handling_post
from ged.capture.files import Upload, limited
from ged.capture.grouping import Group, group_pages
from ged.capture.models import (
    BOOK_ELSEWHERE,
    BOOK_PAGE,
    BatchSource,
    BatchState,
    PaperCode,
    Scan,
    ScanBatch,
    ScanLeaf,
    ScanPage,
    ScanState,
)
from ged.codes import CodeKind, OurCode, read_code
from ged.db import insert_if_missing
from ged.errors import Invalid, NotFound
from ged.filenames import harmless_name
from ged.jobs import JobKind
from ged.org.tree import heirs, ministry_of_units
from ged.ports import AttachmentId, Digest, PageCode, PageFacts, ScanId
from ged.register.models import Attachment, AttachmentKind, Mail, MailNumber
from ged.register.operations import SourcePage, attach
from ged.register.signed_kinds import APART, IS_APART
from ged.reserve import queries as reserve
from ged.reserve.codes import read_page_code
from ged.resuming import queries as resuming
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
MAX_PAGES = 2000
"""Largest number of pages in one batch. A desk's feeder holds some hundred sheets."""
VIRUS = "file.virus"
NUMBER_MISSING = "scan.number_missing"
"""Journal action: a paper bears our number, but the register does not know it. ``ged verify`` reports it."""


@dataclass(frozen=True)
class FirstLook:
    """The result of the first look at a stored page file; ``problem`` is an error code."""

    media_type: str
    pages: tuple[PageFacts, ...]
    signed: bool = False
    problem: str = ""


# --- receiving ---------------------------------------------------------------------------------------------------


def begin_batch(
    uow: UnitOfWork,
    bridge: BridgeIdentity,
    key: str,
    *,
    device: str,
    started_at: datetime | None,
    now: datetime,
    filename: str = "",
) -> bool:
    """Begin a batch, or find an existing one; returns whether it is new. ``filename``: its one page is a document file.

    Raises:
        Invalid: ``batch.key``.
        NotFound: ``batch.unknown``: another bridge's batch.
    """
    if KEY.fullmatch(key) is None:
        raise Invalid("batch.key", "use 1 to 64 letters, digits, '.', '_' or '-'")
    # After a lost response a bridge may retry while the first call still runs: only one call creates the batch.
    is_new = insert_if_missing(
        uow.session,
        ScanBatch,
        key=key,
        bridge_id=bridge.id,
        unit_id=bridge.unit_id,
        source=BatchSource.BRIDGE,
        device=device[:200],
        filename=harmless_name(filename) if filename else "",
        started_at=started_at,
        created_at=now,
    )
    (batch,) = locks.hold_where(uow.session, ScanBatch, ScanBatch.key == key)
    if is_new:
        uow.record("batch.begun", "scan_batch", batch.id, actor=SYSTEM, bridge=bridge.id, key=key)
        return True
    _check_bridge(batch, bridge)
    batch.device = batch.device or device[:200]
    batch.started_at = batch.started_at or started_at
    return False


def receive_page(
    services: Services,
    bridge: BridgeIdentity,
    key: str,
    token: str,
    content: BinaryIO,
    *,
    digest: str,
    order: str,
    media_type: str,
    now: datetime,
) -> tuple[Digest, int, bool]:
    """Store a page durably, then its row; returns digest, size and whether it is new.

    Raises:
        NotFound: ``batch.unknown``.
        Invalid: ``page.token``, ``page.digest_mismatch``, ``page.token_reused``, ``page.order``, ``file.empty``,
            ``file.too_large``, ``batch.full``.
    """
    if KEY.fullmatch(token) is None:
        raise Invalid("page.token", "use 1 to 64 letters, digits, '.', '_' or '-'")
    order_id, sequence = _order_of(order)
    # Looked up before the bytes are stored: nobody fills the disk for the
    # batch of another bridge. `batch_of` looks again, under the lock.
    with services.reading() as session:
        known = session.scalar(select(ScanBatch.bridge_id).where(ScanBatch.key == key))
    if known != bridge.id:
        raise NotFound("batch.unknown", "begin the batch first", key=key)
    stored = services.blobs.put(limited(content, services.max_upload_bytes))
    if stored.size_bytes == 0:
        raise Invalid("file.empty", "send the page's bytes")
    if stored.digest != digest.strip().lower():
        raise Invalid("page.digest_mismatch", "send the page again: its bytes changed on the way", got=stored.digest)
    page = {
        "token": token,
        "order_id": order_id,
        "sequence": sequence,
        "digest": stored.digest,
        "media_type": media_type.split(";", maxsplit=1)[0].strip()[:100] or "application/octet-stream",
        "size_bytes": stored.size_bytes,
    }
    for attempt in services.attempts(now):
        with attempt as uow:
            is_new = _add_page(uow, batch_of(uow, key, bridge), page)
    return stored.digest, stored.size_bytes, is_new


def _add_page(uow: UnitOfWork, batch: ScanBatch, page: dict[str, Any]) -> bool:
    """Add a page to its batch unless it exists; returns whether it is new."""
    known = uow.session.scalar(select(ScanPage).where(ScanPage.batch_id == batch.id, ScanPage.token == page["token"]))
    if known is not None:
        if known.digest != page["digest"]:
            raise Invalid("page.token_reused", "give the page a token of its own", token=page["token"])
        return False
    count = uow.session.scalar(select(func.count(ScanPage.id)).where(ScanPage.batch_id == batch.id)) or 0
    if count >= MAX_PAGES:
        raise Invalid("batch.full", "complete this batch, then begin another", limit=MAX_PAGES)
    row = ScanPage(batch_id=batch.id, received_at=uow.now, **page)
    uow.session.add(row)
    uow.session.flush()
    batch.state = BatchState.OPEN
    uow.record("scan.page_received", "scan_batch", batch.id, actor=SYSTEM, page=row.id, digest=row.digest)
    return True


def _order_of(order: str) -> tuple[int, int]:
    # Fifteen digits fit the column of ids; a longer number would fail in the database.
    match = re.fullmatch(r"(?:(\d{1,15})\.)?(\d{1,9})", order.strip())
    if match is None:
        raise Invalid("page.order", "send 'order.sequence' or a whole number")
    return int(match[1] or 0), int(match[2])


def batch_of(uow: UnitOfWork, key: str, bridge: BridgeIdentity) -> ScanBatch:
    """A bridge's batch, locked.

    Raises:
        NotFound: ``batch.unknown`` (also for another bridge's batch).
    """
    batch = next(iter(locks.hold_where(uow.session, ScanBatch, ScanBatch.key == key)), None)
    if batch is None:
        raise NotFound("batch.unknown", "begin the batch first", key=key)
    _check_bridge(batch, bridge)
    return batch


def _check_bridge(batch: ScanBatch, bridge: BridgeIdentity) -> None:
    if batch.bridge_id != bridge.id:
        raise NotFound("batch.unknown", "begin the batch first", key=batch.key)


def complete_batch(
    uow: UnitOfWork, bridge: BridgeIdentity, key: str, pages: Sequence[tuple[str, str]], *, now: datetime
) -> list[str]:
    """Complete a batch: all pages are sent, in this order. Returns the missing tokens; if any, nothing changes.

    If the fronts and backs of two passes do not match, the batch stays open: the clerk scans again or accepts it.
    """
    batch = batch_of(uow, key, bridge)
    here = {page.token: page.digest for page in batch.pages}
    missing = [token for token, digest in pages if here.get(token) != digest.strip().lower()]
    if not missing and not two_pass.sides_of(uow, batch).differ:
        _complete(uow, batch, [token for token, _ in pages], SYSTEM, now)
    return missing


def complete_by_clerk(uow: UnitOfWork, batch_id: int, *, actor: Actor, now: datetime) -> None:
    """End a batch of a flatbed scanner at the screen; pages that come later open it again.

    Raises:
        NotFound: ``scan.unknown``, also for a batch of another mail office: another error would tell that it is there.
    """
    batch = locks.hold_one(uow.session, ScanBatch, batch_id)
    if batch is None or handling_post(actor, batch.unit_id) is None:
        raise NotFound("scan.unknown", "reload the list of waiting scans", id=batch_id)
    _complete(uow, batch, [], actor, now)


def _complete(uow: UnitOfWork, batch: ScanBatch, tokens: Sequence[str], actor: Actor, now: datetime) -> None:
    if batch.state is not BatchState.OPEN:
        return
    place = {token: n for n, token in enumerate(tokens, start=1)}
    later = len(place)
    for page in batch.pages:
        if page.token in place:
            page.position = place[page.token]
        elif page.position == 0:
            later += 1
            page.position = later
    two_pass.interleave(two_pass.sides_of(uow, batch))
    if batch.filename and len(batch.pages) == 1:
        batch.digest = batch.pages[0].digest
    batch.state, batch.completed_at = BatchState.COMPLETE, now
    uow.defer(JobKind.INTAKE, batch.id)
    digests = [page.digest for page in batch.pages]
    uow.record("batch.completed", "scan_batch", batch.id, actor=actor, key=batch.key, pages=digests)


def accept_upload(uow: UnitOfWork, upload: Upload, *, unit_id: int, actor: Actor, now: datetime) -> list[ScanId]:
    """Make waiting scans of an inspected file (``files.examine``), or join them by their labels.

    A signed file is never split, whatever codes it bears.

    Raises:
        Forbidden: ``scan.not_clerk``.
    """
    batch, first_look = _upload_batch(uow, upload, unit_id=unit_id, actor=actor, now=now)
    # The pictures for the screen are made later, by the job that also inspects a scanner's pages.
    uow.defer(JobKind.INTAKE, batch.id)
    return settle(uow, batch.id, {batch.pages[0].id: first_look}, now=now)


def accept_proposal(
    uow: UnitOfWork, upload: Upload, code: OurCode, *, unit_id: int, actor: Actor, now: datetime
) -> PaperCode:
    """Make one waiting scan of a file whose code could not be read: a person named the code, and must still confirm it.

    Raises:
        Forbidden: ``scan.not_clerk``.
    """
    batch, first_look = _upload_batch(uow, upload, unit_id=unit_id, actor=actor, now=now)
    uow.defer(JobKind.INTAKE, batch.id)
    note(uow, batch, batch.pages[0], first_look, now)
    uow.session.flush()
    uow.session.refresh(batch, ["pages"])
    batch.state = BatchState.SETTLED
    scan = new_scan(uow, batch, Group(pages=list(batch.pages)), now)
    return propose(uow, batch, scan, code, reason="needs_person", now=now)


def _upload_batch(
    uow: UnitOfWork, upload: Upload, *, unit_id: int, actor: Actor, now: datetime
) -> tuple[ScanBatch, FirstLook]:
    clerk_of(actor, unit_id)
    facts = upload.facts
    batch = ScanBatch(
        key=secrets.token_hex(16),
        unit_id=unit_id,
        uploaded_by_id=actor.person_id or None,
        source=BatchSource.UPLOAD,
        state=BatchState.COMPLETE,
        filename=upload.filename,
        digest=upload.digest,
        is_signed=facts.signed,
        created_at=now,
        completed_at=now,
    )
    batch.pages = [
        ScanPage(
            token="upload",  # noqa: S106  (a name within the batch)
            position=1,
            digest=upload.digest,
            media_type=facts.media_type,
            size_bytes=upload.size_bytes,
            received_at=now,
        )
    ]
    uow.session.add(batch)
    uow.session.flush()
    uow.record("file.uploaded", "scan_batch", batch.id, actor=actor, filename=upload.filename, digest=upload.digest)
    problem = IS_APART if facts.media_type == APART else ""
    return batch, FirstLook(facts.media_type, facts.pages, facts.signed, problem)


# --- settling ----------------------------------------------------------------------------------------------------


def settle(uow: UnitOfWork, batch_id: int, first_looks: Mapping[int, FirstLook], *, now: datetime) -> list[ScanId]:
    """Store the inspection results and put every unplaced page into a scan; returns the scans made or extended."""
    batch = locks.hold_one(uow.session, ScanBatch, batch_id)
    if batch is None:
        return []
    room = MAX_PAGES - len(batch.pages)
    for page in list(batch.pages):
        if page.inspected_at is None and page.id in first_looks:
            first_look = _within(first_looks[page.id], room)
            room -= max(len(first_look.pages) - 1, 0)
            note(uow, batch, page, first_look, now)
    uow.session.flush()
    # `note` adds rows for the further pages of a file by the batch's key, past this relationship.
    uow.session.refresh(batch, ["pages"])
    # The job may run twice: its second run finds what the first one has placed.
    placed = set(
        uow.session.scalars(
            select(ScanLeaf.scan_page_id)
            .join(ScanPage, ScanPage.id == ScanLeaf.scan_page_id)
            .where(ScanPage.batch_id == batch.id)
        )
    )
    new = [page for page in batch.pages if page.id not in placed and page.inspected_at is not None]
    scans = _place(uow, batch, new, now) if new else []
    if batch.state is BatchState.COMPLETE and all(page.inspected_at is not None for page in batch.pages):
        batch.state = BatchState.SETTLED
    return scans


def _within(first_look: FirstLook, room: int) -> FirstLook:
    """Limit the pages of a batch: a file with too many pages is kept whole, and shown as one page with the reason."""
    if len(first_look.pages) - 1 <= max(room, 0):
        return first_look
    return FirstLook(first_look.media_type, first_look.pages[:1], first_look.signed, "batch.full")


def note(uow: UnitOfWork, batch: ScanBatch, page: ScanPage, first_look: FirstLook, now: datetime) -> None:
    """Store the result of a first look: one row for each page of the file."""
    page.problem, page.inspected_at = first_look.problem, now
    if first_look.media_type:
        page.media_type = first_look.media_type
    batch.is_signed = batch.is_signed or first_look.signed
    for index, facts in enumerate(first_look.pages):
        row = page
        if index:
            row = ScanPage(
                batch_id=batch.id,
                token=page.token,
                order_id=page.order_id,
                sequence=page.sequence,
                position=page.position,
                digest=page.digest,
                media_type=page.media_type,
                size_bytes=page.size_bytes,
                filename=page.filename,
                page_index=index,
                received_at=page.received_at,
                inspected_at=now,
            )
            uow.session.add(row)
        row.width_px, row.height_px, row.dpi = facts.width_px, facts.height_px, facts.dpi
        row.blank_score, row.codes = facts.blank_score, _ours(facts.codes, uow.services.code_key)
        row.warnings = list(facts.warnings)


def _ours(codes: Iterable[PageCode], key: bytes) -> list[str]:
    texts = (code.text.strip() for code in codes)
    return [text for text in texts if read_code(text, key=key) is not None or read_page_code(text, key=key) is not None]


def _place(uow: UnitOfWork, batch: ScanBatch, pages: Sequence[ScanPage], now: datetime) -> list[ScanId]:
    if batch.into_scan_id is not None:
        scan = locks.hold_one(uow.session, Scan, batch.into_scan_id)
        if scan is not None and scan.state is ScanState.WAITING and not scan.is_signed:
            last = _insert_leaves(scan, batch, pages)
            uow.record(
                "scan.page_added", "scan", scan.id, actor=SYSTEM, pages=[page.id for page in pages],
                behind=batch.into_leaf_id, replaces=batch.replaces_leaf,
            )  # fmt: skip
            if batch.into_leaf_id is not None:
                uow.session.flush()
                batch.into_leaf_id = last.id  # a late page is inserted behind the pages that came before it
            return [ScanId(scan.id)]
    # A signed file is never split: its parts would bear no signature.
    if batch.is_signed or batch.into_mail_id is not None:
        return [_settle_group(uow, batch, Group(pages=list(pages)), now)]
    groups = group_pages(pages, uow.services.code_key)
    _hold_letters(uow, groups)
    return [_settle_group(uow, batch, group, now) for group in groups]


def _hold_letters(uow: UnitOfWork, groups: Sequence[Group]) -> None:
    """Lock the letters named on the pages, in the common order: another batch may name them in another order."""
    codes = [group.code for group in groups if group.code is not None]
    labels = [code.subject_id for code in codes if code.kind is CodeKind.LABEL]
    numbered = uow.session.scalars(select(MailNumber.mail_id).where(MailNumber.id.in_(labels)))
    signed = [code.subject_id for code in codes if code.kind is CodeKind.OUTGOING]
    locks.hold(uow.session, Mail, [mail_id for mail_id in (*numbered, *signed) if mail_id is not None])


def _settle_group(uow: UnitOfWork, batch: ScanBatch, group: Group, now: datetime) -> ScanId:
    scan = new_scan(uow, batch, group, now)
    if group.separator_id is not None:
        scan.note = separators.obeyed(uow.session, group.separator_id, batch.unit_id)
        scan.separator_id = group.separator_id if not scan.note else None
    if group.is_open:
        scan.note = "separator_alone"
    else:
        _send_on(uow, batch, scan, group.code, now)
    if group.book_line and not scan.note:
        scan.note = _of_book(uow, batch, group.book_line)
    return ScanId(scan.id)


def _of_book(uow: UnitOfWork, batch: ScanBatch, line: str) -> str:
    """The note of a scanned page of a reserve book. It proposes its lines to the clerk of the book's register; a book that
    this ministry does not have proposes nothing: nobody sees the scans of another ministry."""
    keeper = reserve.keeper_of(uow.session, line)
    if keeper is None or keeper not in ministry_of_units(uow.session, [batch.unit_id]):
        return ""
    return BOOK_PAGE if batch.unit_id in heirs(uow.session, keeper) else BOOK_ELSEWHERE


def new_scan(uow: UnitOfWork, batch: ScanBatch, group: Group, now: datetime) -> Scan:
    """A waiting scan of these pages."""
    scan = Scan(
        batch_id=batch.id,
        unit_id=batch.unit_id,
        filename=batch.filename,
        digest=batch.digest if len(group.pages) == len(batch.pages) else None,
        is_signed=batch.is_signed,
        edits=1,
        created_at=now,
    )
    # A separator sheet keeps its place in the scan, but is no page of the letter.
    scan.leaves = [ScanLeaf(page=page, position=n + 1, removed=n in group.sheets) for n, page in enumerate(group.pages)]
    uow.session.add(scan)
    uow.session.flush()
    uow.record(
        "scan.made", "scan", scan.id, actor=SYSTEM, batch=batch.id, pages=[page.id for page in group.pages],
        separator=group.separator_id,
    )  # fmt: skip
    return scan


def _insert_leaves(scan: Scan, batch: ScanBatch, pages: Sequence[ScanPage]) -> ScanLeaf:
    """Insert rescanned pages behind the page that the clerk chose; if they replace this page, remove it.

    Returns the last inserted page.
    """
    chosen = next((n for n, leaf in enumerate(scan.leaves) if leaf.id == batch.into_leaf_id), None)
    at = len(scan.leaves) if chosen is None else chosen + 1
    if chosen is not None and batch.replaces_leaf:
        scan.leaves[chosen].removed = True
    for n, page in enumerate(pages):
        scan.leaves.insert(at + n, ScanLeaf(page=page))
    for n, leaf in enumerate(scan.leaves, start=1):
        leaf.position = n
    scan.edits, scan.digest = scan.edits + 1, None
    return scan.leaves[at + len(pages) - 1]


def _send_on(uow: UnitOfWork, batch: ScanBatch, scan: Scan, code: OurCode | None, now: datetime) -> None:
    if any(leaf.page.problem == VIRUS for leaf in scan.leaves):
        scan.note = "virus"
        uow.record("scan.virus_found", "scan", scan.id, actor=SYSTEM, **came_by(batch))
    elif batch.into_mail_id is not None and destroyed.of_letter(uow.session, batch.into_mail_id) is None:
        has_document = document_of(uow, batch.into_mail_id) is not None
        kind = AttachmentKind.ANNEX if has_document else AttachmentKind.DOCUMENT
        join(uow, scan, batch.into_mail_id, kind=kind, actor=SYSTEM, now=now, came=came_by(batch))
    elif code is not None and code.kind is CodeKind.LABEL:
        _join_by_label(uow, batch, scan, code, now)
    elif code is not None:
        propose(uow, batch, scan, code, reason="needs_person", now=now)


def _join_by_label(uow: UnitOfWork, batch: ScanBatch, scan: Scan, code: OurCode, now: datetime) -> None:
    """Join a scan by its label if the batch's unit keeps the register; otherwise propose it to the keeping unit."""
    number = uow.session.get(MailNumber, code.subject_id)
    if number is None:
        if scan.note != "number_unknown":
            # Only we can make the code: so the number was given, but its row is lost (an old backup, a failed disk).
            uow.record(NUMBER_MISSING, "scan", scan.id, actor=SYSTEM, number_id=code.subject_id)
        scan.note = "number_unknown"
        return
    if batch.unit_id not in heirs(uow.session, number.register.unit_id):
        if number.mail_id is None:
            # A sealed envelope's number, or a number without a letter: nobody can confirm it, and nothing is disclosed.
            scan.proof_kind, scan.proof_subject_id, scan.note = code.kind.value, code.subject_id, "code_elsewhere"
        else:
            propose(uow, batch, scan, code, reason="not_kept", now=now)
        return
    if number.mail_id is not None and resuming.may_be_of_the_lost(uow.session, number):
        propose(uow, batch, scan, code, reason="after_restore", now=now)
        return
    scan.number_id = number.id
    if number.voided_at is not None:
        scan.note = "number_voided"
    elif number.mail_id is None:
        scan.note = "sealed_envelope" if number.envelope_id is not None else "number_unknown"
    elif document_of(uow, number.mail_id) is not None or destroyed.of_letter(uow.session, number.mail_id) is not None:
        scan.note = "document_exists"
    else:
        join(uow, scan, number.mail_id, kind=AttachmentKind.DOCUMENT, actor=SYSTEM, now=now, came=came_by(batch))


def came_by(batch: ScanBatch) -> dict[str, Any]:
    """Who brought a batch, or which bridge: for the journal, besides the actor of an act on it."""
    return {"uploaded_by": batch.uploaded_by_id, "bridge": batch.bridge_id}


def propose(uow: UnitOfWork, batch: ScanBatch, scan: Scan, code: OurCode, *, reason: str, now: datetime) -> PaperCode:
    """Let a scan wait, with its code, for a person with rights to the code's subject (``ged.paper``)."""
    scan.proof_kind, scan.proof_subject_id, scan.note = code.kind.value, code.subject_id, "code_waits"
    row = PaperCode(
        scan_id=scan.id,
        kind=code.kind,
        subject_id=code.subject_id,
        unit_id=scan.unit_id,
        uploaded_by_id=batch.uploaded_by_id,
        bridge_id=batch.bridge_id,
        reason=reason,
        met_at=now,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.record(
        "paper.proposed", "scan", scan.id, actor=SYSTEM, paper=row.id, kind=code.kind.value, reason=reason,
        **came_by(batch),
    )  # fmt: skip
    return row


def document_of(uow: UnitOfWork, mail_id: int) -> Attachment | None:
    """The letter's present DOCUMENT. Locks the letter: of two concurrent scans, the second finds the first's.

    The lock raises no version number: automatic writes do not make people's open forms stale.
    """
    locks.hold(uow.session, Mail, [mail_id])
    return uow.session.scalar(
        select(Attachment)
        .where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.DOCUMENT)
        .order_by(Attachment.version_no.desc(), Attachment.id.desc())
        .limit(1)
    )


def source_pages(scan: Scan) -> tuple[SourcePage, ...]:
    """The pages of a scan as arranged, without removed pages.

    Raises:
        Invalid: ``scan.virus``: a virus was found in one of them; the page must be given to nobody.
    """
    if any(leaf.page.problem == VIRUS and not leaf.removed for leaf in scan.leaves):
        raise Invalid("scan.virus", "take the marked pages out, or discard the scan", id=scan.id)
    return tuple(
        SourcePage(Digest(leaf.page.digest), leaf.page.media_type, leaf.page.page_index, leaf.rotation)
        for leaf in scan.leaves
        if not leaf.removed
    )


def join(
    uow: UnitOfWork,
    scan: Scan,
    mail_id: int,
    *,
    kind: AttachmentKind,
    actor: Actor,
    now: datetime,
    replaces: AttachmentId | None = None,
    reason: str = "",
    came: Mapping[str, Any] | None = None,
) -> AttachmentId:
    """Attach a scan's pages to a letter; the caller has checked the actor's right.

    Args:
        came: who brought the scan (``came_by``), for the journal, if the actor is another person.

    Raises:
        Invalid: ``scan.no_pages``.
    """
    pages = source_pages(scan)
    if not pages:
        raise Invalid("scan.no_pages", "restore a page first", id=scan.id)
    # The uploaded file is the original only if no page was removed, moved or added.
    whole = scan.digest is not None and [p.page_index for p in pages] == list(range(len(scan.leaves)))
    single = whole and {p.digest for p in pages} == {scan.digest}
    attachment_id = attach(
        uow,
        mail_id,
        kind=kind,
        pages=pages,
        media_type=pages[0].media_type,
        actor=actor,
        now=now,
        filename=scan.filename,
        digest=Digest(scan.digest) if single and scan.digest is not None else None,
        size_bytes=scan.leaves[0].page.size_bytes if single else 0,
        # A scan of an ink-signed original is not a digitally signed file.
        is_signed=scan.is_signed and kind is not AttachmentKind.SIGNED,
        replaces=replaces,
        reason=reason,
    )
    scan.state, scan.mail_id, scan.attachment_id, scan.note = ScanState.JOINED, mail_id, attachment_id, ""
    turns.leave(uow, scan.id)
    uow.record("scan.joined", "scan", scan.id, actor=actor, mail=mail_id, attachment=int(attachment_id), **(came or {}))
    return attachment_id
