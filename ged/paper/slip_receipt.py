"""What the boxes of a slip signed on paper say, as a proposal for its reception; and the reception entered by it.

The machine proposes, a person disposes: who enters a paper reception confirms or corrects each line, and decides on the
lines that are asked. The scans become the slip's proof in the same unit of work, when they were not already.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.intake import VIRUS
from ged.capture.models import PaperCode, PaperState, Scan, ScanPage, ScanState
from ged.errors import NotFound, StaleVersion
from ged.paper import operations, queries
from ged.ports import BoxState, Digest, Quad, SlipId
from ged.register.documents import PictureSource
from ged.slips import parties, receive, view
from ged.slips.models import Slip, SlipProof, SlipReading
from ged.slips.queries import OPEN_FOR_RECEIVER
from ged.slips.receive import PaperReceipt, decisions_on
from ged.slips.reception_form import HAND, TABLE, ReceptionPart, Why, part_of, said
from ged.slips.states import LineState
from ged.unit import Actor, Services, UnitOfWork

MOST_SCANS = 20
"""Scans of one slip that propose, the latest: who holds a copy of the print can scan it any number of times."""


@dataclass(frozen=True)
class SheetScan:
    """A scan of the slip. ``version``: of the scan that is shown; ``paper_id``: its code, where that still waits."""

    scan_id: int
    version: int
    paper_id: int | None


@dataclass(frozen=True)
class LineProposal:
    """What the boxes of a line say: a finding, or why it is asked. ``has_remark``: something is written beside them."""

    position: int
    state: LineState | None
    why: Why | None
    has_remark: bool = False


@dataclass(frozen=True)
class Proposal:
    """The proposal of the scans of one slip.

    Attributes:
        scans: those that bear boxes, the latest ``MOST_SCANS``; entering the reception confirms the ones that wait.
        lines: every line of the slip, in order.
        tables: the first positions of the tables that were read: parts of the picture (``table:<position>``).
        hand: places of the receiver's hand that were found, of ``HAND``; ``written``: those with something written in them.
        unclear: whether the boxes of a scanned table were not found exactly.
        without_boxes: scans of a print without boxes, or on which no table was found.
    """

    scans: tuple[SheetScan, ...]
    lines: tuple[LineProposal, ...]
    tables: tuple[int, ...] = ()
    hand: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    unclear: bool = False
    without_boxes: tuple[SheetScan, ...] = ()

    @property
    def is_unsigned(self) -> bool:
        """Whether the place of the signature was found, and is empty."""
        return "signature" in self.hand and "signature" not in self.written

    @property
    def asked(self) -> tuple[LineProposal, ...]:
        """The lines on which a person decides alone."""
        return tuple(line for line in self.lines if line.why is not None)

    @property
    def absent(self) -> tuple[tuple[int, int], ...]:
        """Ranges of positions whose page was not scanned or not read: first and last.

        >>> absent = [LineProposal(n, None, Why.ABSENT) for n in (2, 3, 5)]
        >>> Proposal((), (LineProposal(1, LineState.RECEIVED, None), *absent)).absent
        ((2, 3), (5, 5))
        """
        found: list[tuple[int, int]] = []
        for line in self.lines:
            if line.why is not Why.ABSENT:
                continue
            if found and found[-1][1] == line.position - 1:
                found[-1] = (found[-1][0], line.position)
            else:
                found.append((line.position, line.position))
        return tuple(found)


@dataclass(frozen=True)
class _Table:
    """A table that was read on a page of a scan."""

    part: ReceptionPart
    page_id: int
    states: Mapping[str, BoxState]
    written: Mapping[str, bool]
    places: Mapping[str, Any]


def of_slip(session: Session, services: Services, slip_id: SlipId | int, actor: Actor) -> Proposal | None:
    """The proposal for a slip that waits for its reception, for who may enter it; None without any scan that was read.

    Raises:
        NotFound: ``slip.unknown`` (also when the actor may not see the slip).
    """
    slip = parties.require(session, int(slip_id), actor)
    working = {post.unit_id for post in actor.working_posts}
    ends = {slip.sender_unit_id, parties.current_unit(session, slip.receiver_unit_id)}
    if slip.state not in OPEN_FOR_RECEIVER or working.isdisjoint(ends):
        return None
    rows = session.execute(_readings(slip.id, actor)).all()
    if not rows:
        return None
    scans: list[SheetScan] = []
    bare: list[SheetScan] = []
    tables: list[_Table] = []
    unclear: set[str] = set()
    for reading, scan, paper in rows:
        if len(scans) == MOST_SCANS:
            break
        own = list(_tables(reading, scan, slip, services.code_key))
        waits = scan.state is ScanState.WAITING
        tables += own
        unclear |= set(reading.unclear)
        (scans if own or reading.unclear else bare).append(
            SheetScan(scan.id, scan.version, paper.id if waits else None)
        )
    read = {position for table in tables for position in table.part.positions}
    missed = [part for code in unclear if (part := part_of(code, key=services.code_key)) is not None]
    return Proposal(
        tuple(scans),
        tuple(_line(line.position, tables, decisions_on(slip.kind)) for line in slip.lines),
        tuple(sorted({table.part.first for table in tables})),
        tuple(name for name in HAND if any(name in table.places for table in tables)),
        tuple(name for name in HAND if any(table.written.get(name) for table in tables)),
        any(not read.issuperset(part.positions) for part in missed),
        tuple(bare),
    )


def _readings(slip_id: int, actor: Actor) -> Select[SlipReading, Scan, PaperCode]:
    """Readings with scan and code, the latest first: of scans that wait for the actor, or that are the slip's proof."""
    waits = and_(Scan.state == ScanState.WAITING, PaperCode.state == PaperState.WAITING, queries.disposable(actor))
    is_proof = exists().where(SlipProof.scan_id == Scan.id, SlipProof.slip_id == slip_id)
    return (
        select(SlipReading, Scan, PaperCode)
        .join(Scan, Scan.id == SlipReading.scan_id)
        .join(PaperCode, PaperCode.scan_id == Scan.id)
        .where(SlipReading.slip_id == slip_id, or_(waits, and_(Scan.state == ScanState.JOINED, is_proof)))
        .order_by(SlipReading.read_at.desc(), SlipReading.scan_id.desc())
    )


def _tables(reading: SlipReading, scan: Scan, slip: Slip, key: bytes) -> Iterator[_Table]:
    """The tables of a scan, without the pages that somebody removed since."""
    present = {leaf.page.id for leaf in scan.leaves if not leaf.removed}
    for page in reading.pages:
        part = part_of(page["code"], key=key)
        # A code of another installation, or of a later program, says nothing here.
        if part is None or part.slip_id != slip.id or part.total != len(slip.lines) or page["page"] not in present:
            continue
        yield _Table(
            part,
            page["page"],
            {str(one): BoxState(state) for one, state, *_ in page["boxes"]},
            {str(one): bool(has_ink) for one, has_ink, *_ in page["areas"]},
            {str(one): place for one, *_, place in [*page["boxes"], *page["areas"]]},
        )


def _line(position: int, tables: Sequence[_Table], decisions: Collection[LineState]) -> LineProposal:
    """The line by all its scans: the latest counts, and is asked where an earlier one surely says something else, or where the box is
    one that may not be ticked on such a slip."""
    own = [table for table in tables if position in table.part.positions]
    if not own:
        return LineProposal(position, None, Why.ABSENT)
    found = [said(table.states, position) for table in own]
    has_remark = own[0].written.get(f"remark:{position}", False)
    sure = {one for one in found if isinstance(one, LineState)}
    if len(sure) > 1:
        return LineProposal(position, None, Why.SCANS, has_remark)
    latest = found[0]
    if isinstance(latest, Why):
        return LineProposal(position, None, latest, has_remark)
    if latest not in decisions:
        return LineProposal(position, None, Why.DOUBTFUL, has_remark)
    return LineProposal(position, latest, None, has_remark)


def record(
    uow: UnitOfWork,
    slip_id: SlipId | int,
    receipt: PaperReceipt,
    *,
    seen: Mapping[int, int | None],
    version: int | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter a reception by its scanned boxes, and keep the scans that still wait as the slip's proof.

    Args:
        receipt: as the person confirms it.
        seen: the scans that were shown -> version of each.

    Raises:
        StaleVersion: ``slip.sheet_changed``: another scan came, or one of those that were shown is gone.
        And as ``ged.paper.operations.confirm`` and ``ged.slips.receive.record_paper_receipt``.
    """
    locks.hold(uow.session, Scan, sorted(seen))  # before the slip
    proposal = of_slip(uow.session, uow.services, slip_id, actor)
    if proposal is None:
        # Received meanwhile, or voided: the slip's own state says it best.
        receive.record_paper_receipt(uow, slip_id, receipt, version=version, actor=actor, now=now)
        raise StaleVersion("slip.sheet_changed", "look at the slip as it is now", id=int(slip_id))
    if {one.scan_id for one in proposal.scans} != set(seen):
        raise StaleVersion("slip.sheet_changed", "look at the slip as it is now", id=int(slip_id))
    for one in proposal.scans:
        if one.paper_id is not None:
            operations.confirm(uow, one.paper_id, version=seen[one.scan_id], actor=actor)
    receive.record_paper_receipt(uow, slip_id, receipt, version=version, actor=actor, now=now)
    proposed = {line.position: line.state for line in proposal.lines}
    uow.record(
        "slip.received_by_sheet", "slip", int(slip_id), actor=actor, scans=sorted(seen),
        asked={str(line.position): line.why.value for line in proposal.lines if line.why is not None},
        changed=[
            position for position, decision in sorted(receipt.decisions.items())
            if proposed.get(position) not in (None, decision.state)
        ],
    )  # fmt: skip


def part_source(
    session: Session, services: Services, slip_id: SlipId | int, part: str, actor: Actor
) -> tuple[PictureSource, Quad]:
    """The picture of a part of the scans that propose: ``row:<position>``, ``table:<first position>``, or of ``HAND``.

    Raises:
        NotFound: ``slip.unknown``; ``paper.unknown``: no scan proposes, or it has no such part.
        Forbidden: ``slip.pdf_confidential``.
    """
    slip = parties.require(session, int(slip_id), actor)
    view.require_readable_print(session, slip, actor)
    for reading, scan, _paper in session.execute(_readings(slip.id, actor)):
        for table in _tables(reading, scan, slip, services.code_key):
            key = TABLE if part == f"{TABLE}:{table.part.first}" else part
            page = session.get(ScanPage, table.page_id)
            if key not in table.places or (part == TABLE) or page is None or page.problem == VIRUS:
                continue
            one, two, three, four = ((float(x), float(y)) for x, y in table.places[key])
            source = PictureSource(None, Digest(page.digest), page.media_type, page.page_index, 0)
            return source, (one, two, three, four)
    raise NotFound("paper.unknown", "reload the page", id=int(slip_id))
