"""A clerk's operations on waiting scans. The received pages never change; only their arrangement does, reversibly."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from ged import destroyed, locks
from ged.capture.bridges import clerk_of, handling_post
from ged.capture.grouping import is_separator
from ged.capture.intake import document_of, join
from ged.capture.models import BLANK_FROM, Scan, ScanLeaf, ScanState
from ged.errors import Invalid, InvalidTransition, NotFound, StaleVersion
from ged.jobs import JobKind
from ged.ports import AttachmentId, Digest, MailId, ScanId
from ged.register.models import Attachment, AttachmentKind, Mail
from ged.register.operations import SourcePage, attach, mail_for, mail_to_change
from ged.unit import Actor, UnitOfWork

QUARTERS = (0, 90, 180, 270)


def scan_for(
    uow: UnitOfWork,
    scan_id: ScanId | int,
    *,
    actor: Actor,
    version: int | None = None,
    state: ScanState = ScanState.WAITING,
) -> Scan:
    """A scan of the actor's unit, for a change. It is locked, before the letter that it may be joined to
    (``ged.locks.ORDER``).

    Raises:
        NotFound: ``scan.unknown`` (also for a scan of another unit).
        StaleVersion: ``scan.stale``.
        InvalidTransition: ``scan.not_waiting``.
    """
    scan = uow.session.get(Scan, scan_id)
    if scan is None or handling_post(actor, scan.unit_id) is None:
        raise NotFound("scan.unknown", "reload the list of waiting scans", id=int(scan_id), refused=scan is not None)
    scan = locks.hold_known(uow.session, Scan, scan.id)
    if version is not None and scan.version != version:
        raise StaleVersion("scan.stale", "look at the other person's change, then do it again", id=int(scan_id))
    if scan.state is not state:
        raise InvalidTransition("scan.not_waiting", "reload the list of waiting scans", id=int(scan_id))
    return scan


def hold_first(uow: UnitOfWork, scan_id: ScanId | int, *, actor: Actor) -> None:
    """Lock a scan before something else of ``ged.locks.ORDER``: the register's counter of the letter that it will be
    joined to, or a scan with a higher id. Of two clerks who register one scan, the second then sees the first's work.

    A scan that the actor may not change is not locked; ``scan_for`` refuses it later.
    """
    scan = uow.session.get(Scan, scan_id)
    if scan is not None and handling_post(actor, scan.unit_id) is not None:
        locks.hold(uow.session, Scan, [int(scan_id)])


def split(
    uow: UnitOfWork, scan_id: ScanId, leaf_id: int, *, version: int | None, actor: Actor, now: datetime
) -> ScanId:
    """Split a scan: this page and all following pages become a new waiting scan.

    Raises:
        Invalid: ``scan.split_first``: no page would remain.
        InvalidTransition: ``scan.signed``.
    """
    scan = _editable(uow, scan_id, version, actor)
    at = scan.leaves.index(_leaf(scan, leaf_id))
    if at == 0:
        raise Invalid("scan.split_first", "choose a page after the first", id=scan.id)
    new = Scan(
        batch_id=scan.batch_id,
        unit_id=scan.unit_id,
        filename=scan.filename,
        separator_id=scan.separator_id,
        edits=1,
        created_at=now,
    )
    moved = scan.leaves[at:]
    uow.session.add(new)
    _move(scan, new, moved)
    uow.session.flush()
    _changed(uow, "scan.split", scan, actor, into=new.id, pages=[leaf.scan_page_id for leaf in moved])
    _read_again(uow, new)
    return ScanId(new.id)


def merge(uow: UnitOfWork, scan_id: ScanId, into_id: ScanId, *, version: int | None, actor: Actor) -> None:
    """Append all pages of a scan to another scan of the same unit (a split undoes this).

    Raises:
        Invalid: ``scan.merge_itself``.
        InvalidTransition: ``scan.signed``.
    """
    if scan_id == into_id:
        raise Invalid("scan.merge_itself", "choose another scan", field="into_id")
    for one in sorted((scan_id, into_id)):
        hold_first(uow, one, actor=actor)
    scan, into = _editable(uow, scan_id, version, actor), _editable(uow, into_id, None, actor)
    if scan.unit_id != into.unit_id:
        raise NotFound("scan.unknown", "choose a scan of the same unit", id=int(into_id))
    moved = list(scan.leaves)
    _move(scan, into, moved)
    scan.state, scan.merged_into_id = ScanState.MERGED, into.id
    _changed(uow, "scan.merged", scan, actor, into=into.id, pages=[leaf.scan_page_id for leaf in moved])
    _read_again(uow, into)


def _move(source: Scan, target: Scan, leaves: Sequence[ScanLeaf]) -> None:
    after = max((leaf.position for leaf in target.leaves), default=0)
    for n, leaf in enumerate(leaves, start=after + 1):
        source.leaves.remove(leaf)
        leaf.position = n
        target.leaves.append(leaf)
    # Neither scan is equal to its uploaded file any more.
    source.digest = target.digest = None
    source.edits += 1
    target.edits += 1


def reorder(uow: UnitOfWork, scan_id: ScanId, leaf_ids: Sequence[int], *, version: int | None, actor: Actor) -> None:
    """Give the pages a new order.

    Raises:
        Invalid: ``scan.order``: not exactly the pages of this scan.
        InvalidTransition: ``scan.signed``.
    """
    scan = _editable(uow, scan_id, version, actor)
    by_id = {leaf.id: leaf for leaf in scan.leaves}
    if sorted(leaf_ids) != sorted(by_id):
        raise Invalid("scan.order", "reload the scan", id=scan.id)
    for n, leaf_id in enumerate(leaf_ids, start=1):
        by_id[leaf_id].position = n
    scan.leaves.sort(key=lambda leaf: leaf.position)
    scan.edits += 1
    _changed(uow, "scan.reordered", scan, actor, pages=[by_id[i].scan_page_id for i in leaf_ids])


def shift(uow: UnitOfWork, scan_id: ScanId, leaf_id: int, *, by: int, version: int | None, actor: Actor) -> None:
    """Move one page some places towards the end (negative: the beginning); it stops at either end."""
    scan = _editable(uow, scan_id, version, actor)
    ids = [leaf.id for leaf in scan.leaves]
    at = scan.leaves.index(_leaf(scan, leaf_id))
    ids.insert(min(max(at + by, 0), len(ids) - 1), ids.pop(at))
    reorder(uow, scan_id, ids, version=None, actor=actor)


def reverse(uow: UnitOfWork, scan_id: ScanId, *, version: int | None, actor: Actor) -> None:
    """Reverse the order of pages, for a feeder that scans the last page first.

    A separator sheet stays at its place.
    """
    scan = _editable(uow, scan_id, version, actor)
    ids = [leaf.id for leaf in scan.leaves]
    sheets = _sheets_before(scan)
    reorder(uow, scan_id, ids[:sheets] + ids[sheets:][::-1], version=None, actor=actor)


def interleave(uow: UnitOfWork, scan_id: ScanId, *, version: int | None, actor: Actor) -> None:
    """Interleave a stack that a one-sided feeder scanned twice: all fronts, then, turned over, all backs from the last.

    Of 2n pages, 1..n are fronts, and n+1..2n are backs in reverse order. Removed pages go to the end and do not count.

    Raises:
        Invalid: ``scan.interleave_odd``: a back is missing or too many.
        InvalidTransition: ``scan.signed``.
    """
    scan = _editable(uow, scan_id, version, actor)
    present = [leaf.id for leaf in scan.leaves if not leaf.removed]
    if len(present) % 2 or not present:
        raise Invalid("scan.interleave_odd", "take out or scan the page that is one too many", count=len(present))
    half = len(present) // 2
    fronts, backs = present[:half], present[: half - 1 : -1]
    woven = [leaf_id for pair in zip(fronts, backs, strict=True) for leaf_id in pair]
    head = [leaf.id for leaf in scan.leaves[: _sheets_before(scan)]]
    rest = [leaf.id for leaf in scan.leaves if leaf.removed and leaf.id not in head]
    reorder(uow, scan_id, [*head, *woven, *rest], version=None, actor=actor)


def _sheets_before(scan: Scan) -> int:
    flags = [leaf.removed and is_separator(leaf.page.codes) for leaf in scan.leaves]
    return flags.index(False) if False in flags else len(flags)


def turn(uow: UnitOfWork, scan_id: ScanId, leaf_id: int, *, by: int, version: int | None, actor: Actor) -> None:
    """Turn a page clockwise by 90, 180 or 270 degrees.

    Raises:
        Invalid: ``scan.turn``.
    """
    if by % 360 not in QUARTERS:
        raise Invalid("scan.turn", "turn by quarters", field="by")
    scan = scan_for(uow, scan_id, actor=actor, version=version)
    leaf = _leaf(scan, leaf_id)
    leaf.rotation = (leaf.rotation + by) % 360
    scan.edits += 1
    _changed(uow, "scan.turned", scan, actor, page=leaf.scan_page_id, rotation=leaf.rotation)


def set_removed(
    uow: UnitOfWork, scan_id: ScanId, leaf_id: int, removed: bool, *, version: int | None, actor: Actor
) -> None:
    """Remove a page from the arrangement, or put it back in its place.

    Raises:
        InvalidTransition: ``scan.signed``.
    """
    scan = _editable(uow, scan_id, version, actor)
    leaf = _leaf(scan, leaf_id)
    if leaf.removed != removed:
        leaf.removed = removed
        scan.edits += 1
        action = "scan.page_removed" if removed else "scan.page_restored"
        _changed(uow, action, scan, actor, page=leaf.scan_page_id)


def remove_blanks(uow: UnitOfWork, scan_id: ScanId, *, version: int | None, actor: Actor) -> int:
    """Remove every page that looks blank; returns how many."""
    scan = _editable(uow, scan_id, version, actor)
    blanks = [leaf for leaf in scan.leaves if not leaf.removed and leaf.page.blank_score >= BLANK_FROM]
    for leaf in blanks:
        leaf.removed = True
    if blanks:
        scan.edits += 1
        _changed(uow, "scan.page_removed", scan, actor, pages=[leaf.scan_page_id for leaf in blanks])
    return len(blanks)


def discard(uow: UnitOfWork, scan_id: ScanId, *, version: int | None, actor: Actor) -> None:
    """Take a scan off the list; ``bring_back`` undoes it."""
    scan = scan_for(uow, scan_id, actor=actor, version=version)
    scan.state = ScanState.DISCARDED
    _changed(uow, "scan.discarded", scan, actor)


def bring_back(uow: UnitOfWork, scan_id: ScanId, *, actor: Actor) -> None:
    """Put a discarded scan on the list again.

    Raises:
        InvalidTransition: ``scan.not_waiting``: the scan was not discarded; ``mail.destroyed``: its pages came with a letter that was
            destroyed, and went with it.
    """
    scan = scan_for(uow, scan_id, actor=actor, state=ScanState.DISCARDED)
    beside = select(Scan.mail_id).where(Scan.batch_id == scan.batch_id, Scan.mail_id.in_(destroyed.ids()))
    gone = uow.session.scalars(beside.limit(1)).first()
    if gone is not None:
        destroyed.require_there(uow.session, gone)
    scan.state = ScanState.WAITING
    _changed(uow, "scan.brought_back", scan, actor)


def join_to_mail(
    uow: UnitOfWork,
    scan_id: ScanId,
    mail_id: MailId,
    *,
    actor: Actor,
    now: datetime,
    kind: AttachmentKind = AttachmentKind.DOCUMENT,
    reason: str = "",
    version: int | None = None,
    turned: Mapping[int, int] | None = None,
) -> AttachmentId:
    """Join a waiting scan to a letter. A second DOCUMENT is a new version of the first and needs a reason.

    Args:
        turned: leaf id -> degrees clockwise by which pages were shown to the clerk who joins it.

    Raises:
        NotFound: ``mail.unknown``, ``scan.unknown``.
        Invalid: ``attachment.reason``, ``scan.kind``, ``scan.no_pages``.
    """
    if kind not in (AttachmentKind.DOCUMENT, AttachmentKind.ANNEX, AttachmentKind.PROOF):
        raise Invalid("scan.kind", "choose what the scan is to the letter", field="kind")
    scan = scan_for(uow, scan_id, actor=actor, version=version)
    mail = mail_for(uow, mail_id, actor=actor)
    _turn_as_shown(uow, scan, turned or {}, actor)
    present = document_of(uow, mail.id) if kind is AttachmentKind.DOCUMENT else None
    if present is not None and not reason.strip():
        raise Invalid("attachment.reason", "say why the document is replaced", field="reason")
    replaces = AttachmentId(present.id) if present is not None else None
    return join(uow, scan, mail.id, kind=kind, actor=actor, now=now, replaces=replaces, reason=reason.strip())


def _turn_as_shown(uow: UnitOfWork, scan: Scan, turned: Mapping[int, int], actor: Actor) -> None:
    for leaf in scan.leaves:
        if leaf.id in turned and not scan.is_signed:
            leaf.rotation = (leaf.rotation + turned[leaf.id]) % 360
            scan.edits += 1
            uow.record(
                "scan.turned", "scan", scan.id, actor=actor, post=clerk_of(actor, scan.unit_id),
                page=leaf.scan_page_id, rotation=leaf.rotation,
            )  # fmt: skip


def repair(
    uow: UnitOfWork,
    attachment_id: AttachmentId,
    arrangement: Sequence[tuple[int, int]],
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> AttachmentId:
    """Make a new version of an attachment with its pages in another order, turned, or without some.

    Args:
        arrangement: (page number in the present version, quarter turn to add), in the new order.

    Raises:
        NotFound: ``attachment.unknown``.
        Forbidden: ``scan.not_clerk``.
        Invalid: ``attachment.reason``, ``attachment.pages``.
        InvalidTransition: ``scan.signed``, ``attachment.replaced``.
    """
    old, mail = attachment_to_change(uow, attachment_id, actor=actor)
    clerk_of(actor, mail.unit_id)
    if stays_whole(old.kind, is_signed=old.is_signed):
        raise InvalidTransition("scan.signed", "a signed file stays whole", id=old.id)
    if not reason.strip():
        raise Invalid("attachment.reason", "say why the document is repaired", field="reason")
    pages = _rearranged(old, arrangement)
    _check_latest(uow, old)
    return attach(
        uow,
        mail.id,
        kind=old.kind,
        pages=pages,
        media_type=old.media_type,
        actor=actor,
        now=now,
        filename=old.filename,
        replaces=AttachmentId(old.id),
        reason=reason.strip(),
    )


def attachment_to_change(
    uow: UnitOfWork, attachment_id: AttachmentId | int, *, actor: Actor
) -> tuple[Attachment, Mail]:
    """An attachment and its letter, which is locked.

    Raises:
        NotFound: ``attachment.unknown``, also for one of a letter that the actor may not see: another error would tell that
            it is there.
    """
    row = uow.session.get(Attachment, attachment_id)
    if row is None:
        raise NotFound("attachment.unknown", "reload the letter", id=int(attachment_id))
    try:
        return row, mail_to_change(uow, row.mail_id, actor=actor)
    except NotFound as hidden:
        raise NotFound("attachment.unknown", "reload the letter", id=int(attachment_id), refused=True) from hidden


def stays_whole(kind: AttachmentKind, *, is_signed: bool) -> bool:
    """Whether a file's pages must not be rearranged: it is signed, or the reference copy of a signed letter."""
    return is_signed or kind in (AttachmentKind.RENDERED, AttachmentKind.SIGNED)


def _rearranged(old: Attachment, arrangement: Sequence[tuple[int, int]]) -> list[SourcePage]:
    by_no = {page.page_no: page for page in old.pages}
    numbers = [page_no for page_no, _ in arrangement]
    if not numbers or len(set(numbers)) != len(numbers) or not set(numbers) <= set(by_no):
        raise Invalid("attachment.pages", "keep at least one page", field="pages")
    if any(turned % 360 not in QUARTERS for _, turned in arrangement):
        raise Invalid("scan.turn", "turn by quarters", field="pages")
    chosen = [(by_no[page_no], turned) for page_no, turned in arrangement]
    return [SourcePage(Digest(p.digest), p.media_type, p.page_index, (p.rotation + t) % 360) for p, t in chosen]


def _check_latest(uow: UnitOfWork, old: Attachment) -> None:
    # Of two concurrent repairs, the second finds the first's version.
    locks.hold(uow.session, Mail, [old.mail_id])
    newer = uow.session.scalar(select(Attachment.id).where(Attachment.replaces_id == old.id).limit(1))
    if newer is not None:
        raise InvalidTransition("attachment.replaced", "open the newest version", id=old.id)


def _editable(uow: UnitOfWork, scan_id: ScanId, version: int | None, actor: Actor) -> Scan:
    scan = scan_for(uow, scan_id, actor=actor, version=version)
    if scan.is_signed:
        raise InvalidTransition("scan.signed", "a signed file stays whole", id=scan.id)
    return scan


def _leaf(scan: Scan, leaf_id: int) -> ScanLeaf:
    found = next((leaf for leaf in scan.leaves if leaf.id == leaf_id), None)
    if found is None:
        raise NotFound("scan.page_unknown", "reload the scan", id=leaf_id)
    return found


def _changed(uow: UnitOfWork, action: str, scan: Scan, actor: Actor, **payload: object) -> None:
    uow.record(action, "scan", scan.id, actor=actor, post=clerk_of(actor, scan.unit_id), **payload)
    _read_again(uow, scan)  # another page may be first now


def _read_again(uow: UnitOfWork, scan: Scan) -> None:
    """Defer the reading job. The job itself checks whether the relevant pages are already read in this arrangement."""
    uow.defer(JobKind.READ_SCAN, scan.id)
