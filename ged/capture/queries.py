"""Queries for the pages of waiting scans: frozen rows, for clerks of the unit only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from ged import access
from ged.capture.grouping import is_separator
from ged.capture.models import BLANK_FROM, BatchSource, PaperCode, Scan, ScanBatch, ScanLeaf, ScanState
from ged.codes import CodeKind
from ged.counting import composed
from ged.errors import NotFound
from ged.org.models import Unit
from ged.org.names import told_apart
from ged.org.tree import with_predecessors
from ged.ports import UnitId, has_programs
from ged.register.models import Mail, MailNumber
from ged.unit import Actor, Role

RECENT = timedelta(days=7)


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
    """Codes of faults that would spoil its OCR."""
    filename: str = ""
    """Name of its file in a message."""
    has_programs: bool = False
    """Its file carries macros."""


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
    refusal: str
    """Why its code was refused, in the words of the person who refused."""
    mail_id: int | None
    attachment_id: int | None
    created_at: datetime
    separator_id: int | None
    leaves: tuple[LeafRow, ...]
    digest: str | None = None
    """The one file that it is, when it was uploaded and not split."""

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be arranged."""
        return self.state is ScanState.WAITING

    @property
    def page_count(self) -> int:
        """The number of pages without removed ones."""
        return sum(not leaf.removed for leaf in self.leaves)

    @property
    def warned(self) -> tuple[LeafRow, ...]:
        """Pages that should be scanned again before the letter gets its number."""
        return tuple(leaf for leaf in self.leaves if leaf.warnings and not leaf.removed)

    @property
    def first_leaf_id(self) -> int | None:
        """The page that stands for the scan in lists."""
        return next((leaf.leaf_id for leaf in self.leaves if not leaf.removed), None)


def clerk_units(actor: Actor) -> frozenset[UnitId]:
    """Units in which the actor is a clerk."""
    return frozenset(post.unit_id for post in actor.posts if Role.CLERK in post.roles)


def scan_units(actor: Actor) -> frozenset[int]:
    """Units whose scans the actor handles: also closed ones that these took over, whose pile would wait for nobody."""
    return with_predecessors(clerk_units(actor), actor.units)


def count_waiting(actor: Actor) -> Select[int]:
    """The statement that counts the waiting scans of the actor's units (for the navigation)."""
    return select(func.count(Scan.id)).where(Scan.state == ScanState.WAITING, Scan.unit_id.in_(scan_units(actor)))


def waiting(session: Session, actor: Actor, *, limit: int = 100) -> list[ScanRow]:
    """Scans that wait in the actor's units, in the order of the pile: the oldest first."""
    query = _scans().where(Scan.state == ScanState.WAITING).order_by(None).order_by(Scan.id)
    return _scan_rows(session, actor, query, limit)


def discarded(session: Session, actor: Actor, *, since: datetime, limit: int = 30) -> list[ScanRow]:
    """Recently discarded scans, which can be brought back."""
    return _scan_rows(
        session, actor, _scans().where(Scan.state == ScanState.DISCARDED, Scan.created_at >= since), limit
    )


def recently_joined(session: Session, actor: Actor, *, since: datetime, limit: int = 12) -> list[ScanRow]:
    """Recently joined scans, so that the clerk sees that the labels were read."""
    # Nearly all scans of the archive are joined. The ids follow the time: only those behind the last older one are read.
    earlier = aliased(Scan)
    last = select(earlier.id).where(earlier.created_at < since).order_by(earlier.id.desc()).limit(1).scalar_subquery()
    query = _scans().where(Scan.state == ScanState.JOINED, Scan.id > func.coalesce(last, 0), Scan.created_at >= since)
    return _scan_rows(session, actor, query, limit)


def scan(session: Session, scan_id: int, actor: Actor) -> ScanRow:
    """One scan of the actor's units; once joined, only if the actor may see its letter.

    Raises:
        NotFound: ``scan.unknown``; with ``refused`` when the scan exists, so that the refusal is recorded.
    """
    rows = _scan_rows(session, actor, _scans().where(Scan.id == scan_id), 1)
    if not rows:
        raise unknown(session, scan_id)
    return rows[0]


def unknown(session: Session, scan_id: int) -> NotFound:
    """The ``NotFound`` error of a scan; with ``refused`` when the scan exists, so that the refusal is recorded."""
    is_there = session.get(Scan, scan_id) is not None
    return NotFound("scan.unknown", "reload the list of waiting scans", id=scan_id, refused=is_there)


@composed
def seen_by(actor: Actor) -> ColumnElement[bool]:
    """Scans of the actor's units. A joined scan is under its letter's access rule.

    A joined scan without a letter is the proof of a slip: it is shown on the slip's page, under the slip's rule.
    """
    # EXISTS, not IN: SQLite would list all letters that the actor may see.
    seen = exists().where(Mail.id == Scan.mail_id, access.visible_clause(Mail.id, Mail.level, actor.principals))
    loose = and_(Scan.mail_id.is_(None), Scan.state != ScanState.JOINED)
    return and_(Scan.unit_id.in_(scan_units(actor)), or_(loose, seen))


@cache
def _scans() -> Select[Scan, ScanBatch, str, str, str]:
    # A scan that was registered from the form bears no label: its number is its letter's.
    first_number = (
        select(func.min(MailNumber.id))
        .where(MailNumber.mail_id == Scan.mail_id, MailNumber.voided_at.is_(None))
        .correlate(Scan)
        .scalar_subquery()
    )
    return (
        select(Scan, ScanBatch, Unit.name, MailNumber.text, PaperCode.refusal)
        .join(ScanBatch, ScanBatch.id == Scan.batch_id)
        .join(Unit, Unit.id == Scan.unit_id)
        .outerjoin(MailNumber, MailNumber.id == func.coalesce(Scan.number_id, first_number))
        .outerjoin(PaperCode, PaperCode.scan_id == Scan.id)
        .options(selectinload(Scan.leaves))
        .order_by(Scan.id.desc())
    )


def _scan_rows(
    session: Session, actor: Actor, query: Select[Scan, ScanBatch, str, str, str], limit: int
) -> list[ScanRow]:
    found = session.execute(query.where(seen_by(actor)).limit(limit))
    return [_scan_row(one, batch, unit_name, number, refusal) for one, batch, unit_name, number, refusal in found]


def _scan_row(one: Scan, batch: ScanBatch, unit_name: str, number: str | None, refusal: str | None) -> ScanRow:
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
        refusal=refusal or "",
        mail_id=one.mail_id,
        attachment_id=one.attachment_id,
        created_at=one.created_at,
        separator_id=one.separator_id,
        leaves=tuple(_leaf_row(leaf) for leaf in one.leaves),
        digest=one.digest,
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
        has_programs=has_programs(page.media_type),
    )


def unit_names(session: Session, unit_ids: Collection[int]) -> Sequence[tuple[int, str]]:
    """Ids and names of units, by name (choices of a form); two of one name with their entities."""
    rows = session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(unit_ids)).order_by(Unit.name, Unit.id))
    return list(told_apart(session, dict(rows.all())).items())
