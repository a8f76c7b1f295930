"""What the pages of waiting scans show: frozen rows, for clerks of the unit only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from ged import access
from ged.codes import CodeKind
from ged.errors import Invalid, NotFound
from ged.org.models import Unit
from ged.ports import Digest, PageRef, UnitId
from ged.registry.bridges import BACK, FRONT, ONLINE
from ged.registry.files import fetch, private_dir
from ged.registry.grouping import is_separator
from ged.registry.intake_models import (
    BLANK_FROM,
    FINAL_ORDER_STATES,
    BatchSource,
    BatchState,
    Bridge,
    OrderState,
    Scan,
    ScanBatch,
    ScanLeaf,
    ScanOrder,
    ScanPage,
    ScanPicture,
    ScanState,
)
from ged.registry.models import Attachment, AttachmentKind, AttachmentPage, Mail, MailNumber
from ged.registry.recognition import PICTURE_TIMEOUT_S, THUMBNAIL_PX
from ged.registry.states import MailState
from ged.unit import Actor, Role, Services

RECENT = timedelta(days=7)
FAILED_SHOWN = timedelta(hours=12)


@dataclass(frozen=True)
class LeafRow:
    """A page of a waiting scan."""

    leaf_id: int
    position: int
    rotation: int
    removed: bool
    blank: bool
    problem: str
    width_px: int
    height_px: int
    dpi: int
    is_separator: bool = False
    warnings: tuple[str, ...] = ()
    """Codes of what would spoil its reading."""
    filename: str = ""
    """Of the file in a message from which it comes."""


@dataclass(frozen=True)
class ScanRow:
    """A waiting scan as the list shows it. ``note`` and ``proof_kind`` are codes; the page translates them."""

    id: int
    version: int
    unit_id: int
    unit_name: str
    state: ScanState
    source: BatchSource
    filename: str
    is_signed: bool
    note: str
    number: str
    proof_kind: CodeKind | None
    proof_subject_id: int | None
    mail_id: int | None
    attachment_id: int | None
    created_at: datetime
    separator_id: int | None
    leaves: tuple[LeafRow, ...]

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be arranged."""
        return self.state is ScanState.WAITING

    @property
    def page_count(self) -> int:
        """Pages that would be joined."""
        return sum(not leaf.removed for leaf in self.leaves)

    @property
    def warned(self) -> tuple[LeafRow, ...]:
        """Pages that should be scanned again before the letter gets its number."""
        return tuple(leaf for leaf in self.leaves if leaf.warnings and not leaf.removed)

    @property
    def first_leaf_id(self) -> int | None:
        """The page that stands for the scan in lists."""
        return next((leaf.leaf_id for leaf in self.leaves if not leaf.removed), None)


@dataclass(frozen=True)
class EarlierRow:
    """The same bytes were here before. ``mail_id`` and ``number`` only for those who may see that letter."""

    mail_id: int | None = None
    number: str = ""
    scan_id: int | None = None


@dataclass(frozen=True)
class DeviceRow:
    """A scanner at a desk."""

    name: str
    title: str
    sources: tuple[str, ...]
    modes: tuple[str, ...]
    resolutions: tuple[int, ...]


@dataclass(frozen=True)
class BridgeRow:
    """A bridge as the form 'Numériser' and the list of desks show it."""

    id: int
    name: str
    unit_id: int
    unit_name: str
    online: bool
    last_seen_at: datetime | None
    devices: tuple[DeviceRow, ...]


@dataclass(frozen=True)
class OrderRow:
    """An order that runs, or ended a moment ago, or whose batch is open.

    ``batch_open``: more pages may be added to its batch. ``is_silent``: it is at work, but its bridge says nothing.
    ``fronts``, ``backs``: pages of its batch by side, when it is scanned in two passes.
    """

    id: int
    batch_id: int
    batch_key: str
    bridge_id: int
    bridge_name: str
    device: str | None
    source: str | None
    mode: str
    dpi: int
    duplex: bool
    side: str
    complete: bool
    state: OrderState
    pages: int
    batch_pages: int
    code: str
    detail: str
    cancel_requested: bool
    batch_open: bool
    changed_at: datetime
    is_silent: bool
    bridge_seen_at: datetime | None
    fronts: int = 0
    backs: int = 0

    @property
    def is_at_work(self) -> bool:
        """Whether the scanner is still to do something."""
        return self.state not in FINAL_ORDER_STATES

    @property
    def sides_differ(self) -> bool:
        """Whether both passes ended with different counts: nobody can say which back belongs to which front."""
        return self.batch_open and self.state is OrderState.DONE and bool(self.backs) and self.fronts != self.backs


@dataclass(frozen=True)
class BatchRow:
    """A batch whose pages are not all placed: open at a desk, or being looked at."""

    id: int
    key: str
    source: BatchSource
    state: BatchState
    pages: int
    created_at: datetime


def clerk_units(actor: Actor) -> frozenset[UnitId]:
    """Units whose scans the actor handles."""
    return frozenset(post.unit_id for post in actor.posts if Role.CLERK in post.roles)


def waiting_count(session: Session, actor: Actor) -> int:
    """How many scans wait for the actor's units (navigation)."""
    query = select(func.count(Scan.id)).where(Scan.state == ScanState.WAITING, Scan.unit_id.in_(clerk_units(actor)))
    return session.scalar(query) or 0


def waiting(session: Session, actor: Actor, *, limit: int = 100) -> list[ScanRow]:
    """Scans that wait in the actor's units, newest first."""
    return _rows(session, actor, _scans().where(Scan.state == ScanState.WAITING), limit)


def discarded(session: Session, actor: Actor, *, since: datetime, limit: int = 30) -> list[ScanRow]:
    """Scans that were discarded lately and can be brought back."""
    return _rows(session, actor, _scans().where(Scan.state == ScanState.DISCARDED, Scan.created_at >= since), limit)


def recently_joined(session: Session, actor: Actor, *, since: datetime, limit: int = 12) -> list[ScanRow]:
    """Scans that found their letter lately; the clerk sees that the labels were read."""
    query = _scans().where(Scan.state == ScanState.JOINED, Scan.created_at >= since)
    return _rows(session, actor, query, limit)


def scan(session: Session, scan_id: int, actor: Actor) -> ScanRow:
    """One scan of the actor's units; once joined, only for those who may see its letter.

    Raises:
        NotFound: ``scan.unknown``; with ``refused`` when it exists, so that the border writes the refusal down.
    """
    rows = _rows(session, actor, _scans().where(Scan.id == scan_id), 1)
    if not rows:
        raise _unknown(session, scan_id)
    return rows[0]


def _unknown(session: Session, scan_id: int) -> NotFound:
    is_there = session.get(Scan, scan_id) is not None
    return NotFound("scan.unknown", "reload the list of waiting scans", id=scan_id, refused=is_there)


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """Scans of the actor's units. Joined, a scan stands under its letter's rule.

    A joined scan without a letter is the proof of a slip: it is read on the slip's page, under the slip's rule.
    """
    seen = select(Mail.id).where(access.visible_clause(Mail.id, Mail.level, actor.principals))
    loose = and_(Scan.mail_id.is_(None), Scan.state != ScanState.JOINED)
    return and_(Scan.unit_id.in_(clerk_units(actor)), or_(loose, Scan.mail_id.in_(seen)))


def _scans() -> Select[Scan, ScanBatch, str, str]:
    return (
        select(Scan, ScanBatch, Unit.name, MailNumber.text)
        .join(ScanBatch, ScanBatch.id == Scan.batch_id)
        .join(Unit, Unit.id == Scan.unit_id)
        .outerjoin(MailNumber, MailNumber.id == Scan.number_id)
        .options(selectinload(Scan.leaves))
        .order_by(Scan.id.desc())
    )


def _rows(session: Session, actor: Actor, query: Select[Scan, ScanBatch, str, str], limit: int) -> list[ScanRow]:
    found = session.execute(query.where(_seen_by(actor)).limit(limit))
    return [_row(one, batch, unit_name, number) for one, batch, unit_name, number in found]


def _row(one: Scan, batch: ScanBatch, unit_name: str, number: str | None) -> ScanRow:
    return ScanRow(
        id=one.id,
        version=one.version,
        unit_id=one.unit_id,
        unit_name=unit_name,
        state=one.state,
        source=batch.source,
        filename=one.filename,
        is_signed=one.is_signed,
        note=one.note,
        number=number or "",
        proof_kind=CodeKind(one.proof_kind) if one.proof_kind else None,
        proof_subject_id=one.proof_subject_id,
        mail_id=one.mail_id,
        attachment_id=one.attachment_id,
        created_at=one.created_at,
        separator_id=one.separator_id,
        leaves=tuple(_leaf_row(leaf) for leaf in one.leaves),
    )


def _leaf_row(leaf: ScanLeaf) -> LeafRow:
    page = leaf.page
    return LeafRow(
        leaf_id=leaf.id,
        position=leaf.position,
        rotation=leaf.rotation,
        removed=leaf.removed,
        blank=page.blank_score >= BLANK_FROM,
        problem=page.problem,
        width_px=page.width_px,
        height_px=page.height_px,
        dpi=page.dpi,
        is_separator=is_separator(page.codes),
        warnings=tuple(page.warnings),
        filename=page.filename,
    )


def same_bytes(
    session: Session, digests: Collection[str], actor: Actor, *, except_scan: int | None = None
) -> list[EarlierRow]:
    """Letters and waiting scans that hold these very bytes already.

    A letter that the actor may not see is told as one row without id and number.
    """
    earlier = _letters_with(session, digests, actor)
    scans = session.scalars(
        select(Scan.id)
        .join(ScanLeaf, ScanLeaf.scan_id == Scan.id)
        .join(ScanPage, ScanPage.id == ScanLeaf.scan_page_id)
        .where(
            ScanPage.digest.in_(digests),
            Scan.state == ScanState.WAITING,
            Scan.unit_id.in_(clerk_units(actor)),
            Scan.id != (except_scan or 0),
        )
        .distinct()
        .order_by(Scan.id)
        .limit(5)
    )
    return earlier + [EarlierRow(scan_id=scan_id) for scan_id in scans]


def _letters_with(session: Session, digests: Collection[str], actor: Actor) -> list[EarlierRow]:
    here = or_(Attachment.digest.in_(digests), AttachmentPage.digest.in_(digests))
    holders = (
        select(Attachment.mail_id)
        .outerjoin(AttachmentPage, AttachmentPage.attachment_id == Attachment.id)
        .where(here)
        .distinct()
    )
    visible = session.scalars(
        select(Mail)
        .where(Mail.id.in_(holders), access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Mail.id)
        .limit(5)
    ).all()
    rows = [EarlierRow(mail_id=mail.id, number=next((n.text for n in mail.numbers), "")) for mail in visible]
    total = session.scalar(select(func.count()).select_from(holders.subquery())) or 0
    return rows + ([EarlierRow()] if total > len(rows) else [])


def digests_of_scan(session: Session, scan_id: int) -> frozenset[str]:
    """The blobs that a scan's pages come from."""
    return frozenset(
        session.scalars(
            select(ScanPage.digest)
            .join(ScanLeaf, ScanLeaf.scan_page_id == ScanPage.id)
            .where(ScanLeaf.scan_id == scan_id)
        )
    )


def bridges(session: Session, unit_ids: Collection[int], *, now: datetime) -> list[BridgeRow]:
    """The bridges of units, those that are there first."""
    found = session.execute(
        select(Bridge, Unit.name)
        .join(Unit, Unit.id == Bridge.unit_id)
        .where(Bridge.unit_id.in_(unit_ids), Bridge.revoked_at.is_(None))
        .order_by(Bridge.name, Bridge.id)
    )
    rows = [_bridge_row(bridge, unit_name, now) for bridge, unit_name in found]
    return sorted(rows, key=lambda row: not row.online)


def _bridge_row(bridge: Bridge, unit_name: str, now: datetime) -> BridgeRow:
    online = bridge.last_seen_at is not None and now - bridge.last_seen_at <= ONLINE
    devices = tuple(
        DeviceRow(
            name=str(device["name"]),
            title=" ".join(filter(None, (device.get("vendor"), device.get("model")))) or str(device["name"]),
            sources=tuple(device.get("sources") or ()),
            modes=tuple(device.get("modes") or ()),
            resolutions=tuple(device.get("resolutions") or ()),
        )
        for device in bridge.devices
    )
    return BridgeRow(bridge.id, bridge.name, bridge.unit_id, unit_name, online, bridge.last_seen_at, devices)


def orders(session: Session, actor: Actor, *, since: datetime, now: datetime, limit: int = 20) -> list[OrderRow]:
    """Orders that run, whose batch is open, or that ended after ``since``; newest first.

    An order that failed before its first page is shown for half a day, for somebody went to see to the scanner.
    """
    page_counts = (
        select(ScanPage.batch_id, func.count(ScanPage.id).label("pages")).group_by(ScanPage.batch_id).subquery()
    )
    found = session.execute(
        select(ScanOrder, Bridge, ScanBatch, func.coalesce(page_counts.c.pages, 0))
        .join(Bridge, Bridge.id == ScanOrder.bridge_id)
        .join(ScanBatch, ScanBatch.key == ScanOrder.batch_key)
        .outerjoin(page_counts, page_counts.c.batch_id == ScanBatch.id)
        .where(
            Bridge.unit_id.in_(clerk_units(actor)),
            or_(
                ScanOrder.state.not_in(FINAL_ORDER_STATES),
                ScanOrder.changed_at >= since,
                and_(
                    ScanBatch.state == BatchState.OPEN,
                    or_(
                        ScanOrder.state == OrderState.DONE,
                        page_counts.c.pages > 0,
                        and_(ScanOrder.state == OrderState.FAILED, ScanOrder.changed_at >= now - FAILED_SHOWN),
                    ),
                ),
            ),
        )
        .order_by(ScanOrder.id.desc())
        .limit(limit)
    )
    rows = [_order_row(order, bridge, batch, pages, now) for order, bridge, batch, pages in found]
    counts = _side_counts(session, {row.batch_id for row in rows if row.side})
    return [
        replace(row, fronts=counts.get((row.batch_id, FRONT), 0), backs=counts.get((row.batch_id, BACK), 0))
        if row.side
        else row
        for row in rows
    ]


def _side_counts(session: Session, batch_ids: Collection[int]) -> dict[tuple[int, str], int]:
    found = session.execute(
        select(ScanPage.batch_id, ScanOrder.side, func.count(ScanPage.id))
        .join(ScanOrder, ScanOrder.id == ScanPage.order_id)
        .where(ScanPage.batch_id.in_(batch_ids))
        .group_by(ScanPage.batch_id, ScanOrder.side)
    )
    return {(batch_id, side): pages for batch_id, side, pages in found}


def _order_row(order: ScanOrder, bridge: Bridge, batch: ScanBatch, pages: int, now: datetime) -> OrderRow:
    is_online = bridge.last_seen_at is not None and now - bridge.last_seen_at < ONLINE
    return OrderRow(
        id=order.id,
        batch_id=batch.id,
        batch_key=batch.key,
        bridge_id=order.bridge_id,
        bridge_name=bridge.name,
        device=order.device,
        source=order.source,
        mode=order.mode,
        dpi=order.dpi,
        duplex=order.duplex,
        side=order.side,
        complete=order.complete,
        state=order.state,
        pages=order.pages,
        batch_pages=pages,
        code=order.code,
        detail=order.detail,
        cancel_requested=order.cancel_requested,
        batch_open=batch.state is BatchState.OPEN,
        changed_at=order.changed_at,
        is_silent=order.state not in FINAL_ORDER_STATES and not is_online,
        bridge_seen_at=bridge.last_seen_at,
    )


def unsettled(session: Session, actor: Actor) -> list[BatchRow]:
    """Batches that hold pages which lie in no scan yet."""
    found = session.execute(
        select(ScanBatch, func.count(ScanPage.id))
        .join(ScanPage, ScanPage.batch_id == ScanBatch.id)
        .where(ScanBatch.unit_id.in_(clerk_units(actor)), ScanBatch.state != BatchState.SETTLED)
        .group_by(ScanBatch.id)
        .order_by(ScanBatch.id.desc())
        .limit(50)
    )
    return [BatchRow(b.id, b.key, b.source, b.state, pages, b.created_at) for b, pages in found]


@dataclass(frozen=True)
class PictureSource:
    """Where a picture of a leaf comes from: made already, or to be drawn."""

    made: Digest | None
    source: Digest
    media_type: str
    page_index: int
    rotation: int
    etag: str


def picture_source(session: Session, scan_id: int, leaf_id: int, actor: Actor, *, width_px: int) -> PictureSource:
    """What to show for a page of a scan, under the rule of ``scan``.

    Raises:
        NotFound: ``scan.unknown``.
    """
    leaf = session.scalar(
        select(ScanLeaf)
        .join(Scan, Scan.id == ScanLeaf.scan_id)
        .where(ScanLeaf.id == leaf_id, Scan.id == scan_id, _seen_by(actor))
    )
    if leaf is None:
        raise _unknown(session, scan_id)
    page = leaf.page
    made = None
    if leaf.rotation == 0 and width_px == THUMBNAIL_PX:
        picture = session.get(ScanPicture, (page.id, width_px))
        made = Digest(picture.digest) if picture is not None else None
    etag = f"{page.digest[:32]}-{page.page_index}-{leaf.rotation}-{width_px}"
    return PictureSource(made, Digest(page.digest), page.media_type, page.page_index, leaf.rotation, etag)


def draw(services: Services, picture: PictureSource, *, width_px: int) -> bytes:
    """The JPEG of a picture source.

    Raises:
        Invalid: the page's bytes cannot be drawn.
        EngineFailed: ``ocr.timeout``.
    """
    if picture.made is not None:
        with services.blobs.open(picture.made) as made:
            return made.read()
    with private_dir(services) as folder:
        source = fetch(services.blobs, picture.source, folder / "source")
        out = folder / "picture.jpg"
        ref = PageRef(source, picture.media_type, picture.page_index, picture.rotation)
        services.ocr.thumbnail(ref, width_px=width_px, out=out, timeout_s=PICTURE_TIMEOUT_S)
        return Path(out).read_bytes()


def unit_names(session: Session, unit_ids: Collection[int]) -> Sequence[tuple[int, str]]:
    """Ids and names of units, by name (choices of a form)."""
    rows = session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(unit_ids)).order_by(Unit.name))
    return [(unit_id, name) for unit_id, name in rows]


@dataclass(frozen=True)
class LetterChoice:
    """A letter to which a scan may be joined."""

    mail_id: int
    number: str
    subject: str
    sender: str
    has_document: bool


def letters_to_join(session: Session, actor: Actor, *, limit: int = 12) -> list[LetterChoice]:
    """Letters that the actor's units registered lately and that have no document yet, newest first."""
    rows = session.scalars(
        select(Mail)
        .where(
            Mail.unit_id.in_(clerk_units(actor)),
            Mail.state != MailState.VOIDED,
            ~_document_of(Mail.id),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Mail.id.desc())
        .limit(limit)
    )
    return [_choice(mail, has_document=False) for mail in rows]


def letter_by_number(session: Session, text: str, actor: Actor) -> LetterChoice:
    """The letter that bears a number, when the actor may see it.

    Raises:
        Invalid: ``scan.number_unknown``.
    """
    mail = session.scalar(
        select(Mail)
        .join(MailNumber, MailNumber.mail_id == Mail.id)
        .where(
            func.lower(MailNumber.text) == " ".join(text.split()).lower(),
            MailNumber.voided_at.is_(None),
            access.visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Mail.id.desc())
        .limit(1)
    )
    if mail is None:
        raise Invalid("scan.number_unknown", "check the number", field="number", number=text)
    return _choice(mail, has_document=session.scalar(select(_document_of(Mail.id)).where(Mail.id == mail.id)) or False)


def _document_of(mail_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    return exists().where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.DOCUMENT)


def _choice(mail: Mail, *, has_document: bool) -> LetterChoice:
    number = next((n.text for n in mail.numbers if n.voided_at is None), "")
    return LetterChoice(mail.id, number, mail.subject, mail.sender_name, has_document)
