"""Codes that wait for a confirmation: shown only to people with the right to decide on them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged.capture.models import BLANK_FROM, Bridge, PaperCode, PaperState, Scan, ScanBatch, ScanLeaf, ScanState
from ged.codes import CodeKind
from ged.counting import counted
from ged.errors import InvalidTransition, NotFound
from ged.org.models import Person, Unit
from ged.paper.compare import Comparison, compare
from ged.paper.rules import RULES, Known, reach
from ged.ports import Confidentiality, Digest
from ged.register.documents import PictureSource
from ged.register.models import Mail
from ged.suggestions import readings
from ged.unit import Actor, Services

MAX_LISTED = 200
SHEETS = frozenset({CodeKind.DISCHARGE, CodeKind.IMPUTATION, CodeKind.SLIP})
"""Kinds of code on our own sheets: head with the picture of the code, boxes, foot."""


@dataclass(frozen=True)
class PaperRow:
    """A waiting code. ``title`` names its subject: a number, a line of dispatch."""

    id: int
    kind: CodeKind
    title: str
    reason: str
    unit_name: str
    uploaded_by: str
    bridge: str
    met_at: datetime
    page_count: int


@dataclass(frozen=True)
class PaperPage:
    """Print and scan side by side.

    Attributes:
        version: version of the scan shown.
        leaves: its pages, by id.
        comparison: None while the scan has no text.
        is_awaited: whether the scan will be read, or is being read.
        unread_pages: number of pages beyond the compared ones, or unreadable.
    """

    row: PaperRow
    subject_id: int
    scan_id: int
    version: int
    leaves: tuple[int, ...]
    known: Known
    level: Confidentiality
    comparison: Comparison | None
    is_awaited: bool
    unread_pages: int


def disposable(actor: Actor) -> ColumnElement[bool]:
    """Codes on which the actor may decide: the one rule for lists, pages and acts."""
    given = reach(actor)
    return or_(*(and_(PaperCode.kind == kind, _is_among(rule.subjects(given))) for kind, rule in RULES.items()))


def _is_among(subjects: Select[int]) -> ColumnElement[bool]:
    """Whether the code's subject is among these. The condition is evaluated for each code: few codes wait, but the
    subjects are whole registers.
    """
    (subject,) = subjects.selected_columns
    return subjects.where(subject == PaperCode.subject_id).correlate(PaperCode).exists()


def require(session: Session, paper_id: int, actor: Actor) -> PaperCode:
    """A code on which the actor may decide, waiting or not.

    Raises:
        NotFound: ``paper.unknown``; with ``refused`` when the code exists, so that the refusal is recorded.
    """
    found = session.scalar(select(PaperCode).where(PaperCode.id == paper_id, disposable(actor)))
    if found is None:
        is_there = session.get(PaperCode, paper_id) is not None
        raise NotFound("paper.unknown", "reload the list", id=paper_id, refused=is_there)
    return found


def _waiting() -> ColumnElement[bool]:
    return and_(PaperCode.state == PaperState.WAITING, Scan.state == ScanState.WAITING)


def count(session: Session, actor: Actor) -> int:
    """The number of codes that wait for the actor."""
    if not session.scalar(count_all(actor)):
        return 0
    return counted(session, actor, (_count_waiting,))[0]


def count_all(_actor: Actor) -> Select[int]:
    """The statement that counts the waiting codes, whoever decides on them: nearly always none.

    Only where it finds any is ``count`` worth its price: PostgreSQL plans it for as long as all other counts together.
    """
    return select(func.count(PaperCode.id)).join(Scan, Scan.id == PaperCode.scan_id).where(_waiting())


def _count_waiting(actor: Actor) -> Select[int]:
    return count_all(actor).where(disposable(actor))


def waiting(session: Session, actor: Actor) -> list[PaperRow]:
    """Codes that wait for the actor, oldest first."""
    found = session.execute(
        _papers().where(_waiting(), disposable(actor)).order_by(PaperCode.id).limit(MAX_LISTED)
    ).all()
    return _paper_rows(session, [(code, unit, who, bridge, n) for code, unit, who, bridge, n in found])


def of_scans(session: Session, scan_ids: Collection[int], actor: Actor) -> dict[int, int]:
    """Scan id -> id of its waiting code on which the actor may decide."""
    if not scan_ids:
        return {}
    rows = session.execute(
        select(PaperCode.scan_id, PaperCode.id)
        .join(Scan, Scan.id == PaperCode.scan_id)
        .where(PaperCode.scan_id.in_(scan_ids), _waiting(), disposable(actor))
    )
    return {scan_id: paper_id for scan_id, paper_id in rows}  # noqa: C416  # rows are no pairs to mypy


def page(session: Session, services: Services, paper_id: int, actor: Actor, *, now: datetime) -> PaperPage:
    """Print and scan side by side.

    Raises:
        NotFound: ``paper.unknown``.
        InvalidTransition: ``paper.decided``, ``paper.put_away``.
    """
    code = require(session, paper_id, actor)
    scan = session.get_one(Scan, code.scan_id)
    if code.state is not PaperState.WAITING:
        raise InvalidTransition("paper.decided", "reload the list", id=paper_id)
    if scan.state is not ScanState.WAITING:
        raise InvalidTransition("paper.put_away", "ask the unit that brought it", id=paper_id)
    found = session.execute(_papers().where(PaperCode.id == paper_id)).one()
    (row,) = _paper_rows(session, [(found[0], found[1], found[2], found[3], found[4])])
    known = RULES[code.kind].known(session, services, code.subject_id, actor, now)
    level = session.get_one(Mail, known.mail_id).level if known.mail_id is not None else 0
    present = [leaf for leaf in scan.leaves if not leaf.removed]
    compared = readings.pages_to_read(scan)
    is_read = bool(compared) and readings.is_read(session, compared)
    return PaperPage(
        row=row,
        subject_id=code.subject_id,
        scan_id=scan.id,
        version=scan.version,
        leaves=tuple(leaf.id for leaf in present),
        known=known,
        level=Confidentiality(level),
        comparison=compare(known.text, readings.text_of_leaves(session, compared), is_sheet=code.kind in SHEETS)
        if is_read
        else None,
        is_awaited=not is_read and readings.is_awaited(session, scan),
        unread_pages=len([leaf for leaf in present if leaf not in compared and not _is_blank(leaf)]),
    )


def _is_blank(leaf: ScanLeaf) -> bool:
    return not leaf.page.problem and leaf.page.blank_score >= BLANK_FROM


def is_awaited(session: Session, paper_id: int, actor: Actor) -> bool:
    """Whether the scan of a code has still to be read.

    Raises:
        NotFound: ``paper.unknown``.
    """
    scan = session.get_one(Scan, require(session, paper_id, actor).scan_id)
    return not readings.is_read(session, readings.pages_to_read(scan)) and readings.is_awaited(session, scan)


def picture_source(session: Session, paper_id: int, leaf_id: int, actor: Actor) -> PictureSource:
    """The picture source for a page of a scan whose code waits for the actor.

    Raises:
        NotFound: ``paper.unknown``.
    """
    code = require(session, paper_id, actor)
    leaf = session.scalar(
        select(ScanLeaf)
        .join(Scan, Scan.id == ScanLeaf.scan_id)
        .where(ScanLeaf.id == leaf_id, Scan.id == code.scan_id, Scan.state == ScanState.WAITING)
    )
    if leaf is None or code.state is not PaperState.WAITING:
        raise NotFound("paper.unknown", "reload the list", id=paper_id)
    source = leaf.page
    return PictureSource(None, Digest(source.digest), source.media_type, source.page_index, leaf.rotation)


# --- rows ----------------------------------------------------------------------------------------------------------

_Found = tuple[PaperCode, str, str | None, str | None, int]


def _papers() -> Select[PaperCode, str, str | None, str | None, int]:
    bringer = aliased(Person)
    pages = (
        select(func.count(ScanLeaf.id))
        .where(ScanLeaf.scan_id == PaperCode.scan_id, ScanLeaf.removed.is_(False))
        .scalar_subquery()
    )
    return (
        select(PaperCode, Unit.name, bringer.name, Bridge.name, pages)
        .join(Scan, Scan.id == PaperCode.scan_id)
        .join(ScanBatch, ScanBatch.id == Scan.batch_id)
        .join(Unit, Unit.id == PaperCode.unit_id)
        .outerjoin(bringer, bringer.id == PaperCode.uploaded_by_id)
        .outerjoin(Bridge, Bridge.id == PaperCode.bridge_id)
    )


def _paper_rows(session: Session, found: list[_Found]) -> list[PaperRow]:
    titles = {
        kind: rule.titles(session, {code.subject_id for code, *_ in found if code.kind is kind})
        for kind, rule in RULES.items()
        if any(code.kind is kind for code, *_ in found)
    }
    return [
        PaperRow(
            id=code.id,
            kind=code.kind,
            title=titles[code.kind].get(code.subject_id, ""),
            reason=code.reason,
            unit_name=unit_name,
            uploaded_by=uploaded_by or "",
            bridge=bridge or "",
            met_at=code.met_at,
            page_count=pages,
        )
        for code, unit_name, uploaded_by, bridge, pages in found
    ]
