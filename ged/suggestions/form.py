"""Suggestions for the registration form of a waiting scan: fields with their place, known senders, earlier letters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.capture.models import Scan, ScanLeaf
from ged.capture.queries import ScanRow
from ged.jobs import LIVE_STATES, Job, JobKind
from ged.org.tree import entities
from ged.register import typed_numbers
from ged.suggestions import lessons, matching, readings, resent
from ged.suggestions.models import Lesson, ScanPageField, ScanPageReading
from ged.suggestions.readings import Box, ReadField
from ged.suggestions.resent import LookalikeRow
from ged.unit import Actor, Services

SURE_ENOUGH = 40
"""Readings with a lower confidence are not shown to the clerk."""
DIRECT = {
    "subject": "subject",
    "their_reference": "their_reference",
    "written_on": "written_on",
    "addressee": "addressee",
    "enclosures": "enclosure_count",
}
"""Fields read -> fields of the form."""
ALSO = ("place", "amount", "copies")


class Progress(StrEnum):
    """The progress of reading a scan."""

    READING = "reading"
    READ = "read"
    UNREAD = "unread"


class Source(StrEnum):
    """The source of a proposal."""

    READ = "read"
    """Read on the page."""
    KNOWN = "known"
    """An entry of the directory similar to the text read."""
    NEW = "new"
    """Read on the page; no similar entry in the directory."""
    LEARNED = "learned"
    """Learned from decisions on letters with the same words."""


@dataclass(frozen=True)
class Proposal:
    """A value for a field of the form. ``value``: plain text, ISO for a day, a code for a choice.

    ``confidence`` 0..100: of the OCR, of the similarity of names, or of the model. ``leaf_id`` and ``box``: where the
    value was read.
    """

    field: str
    value: str
    source: Source
    confidence: int
    leaf_id: int | None = None
    box: Box | None = None
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScanProposals:
    """All proposals for a scan."""

    progress: Progress
    proposals: tuple[Proposal, ...] = ()
    resent: tuple[LookalikeRow, ...] = ()
    also: tuple[Proposal, ...] = field(default_factory=tuple)
    """Further readings, only shown: the form has no field for them."""
    turns: Mapping[int, int] = field(default_factory=dict)
    """Leaf id -> degrees clockwise: pages that lie wrongly are shown upright, and the boxes are those of the page shown."""

    def of(self, name: str) -> list[Proposal]:
        """The proposals for one field of the form, best first."""
        return [one for one in self.proposals if one.field == name]


def for_scan(session: Session, services: Services, row: ScanRow, actor: Actor) -> ScanProposals:
    """The proposals for a scan that the actor may see (``scan_queries.scan`` has checked)."""
    scan = session.get(Scan, row.id)
    if scan is None or scan.proof_kind or not readings.may_be_read(session, scan):
        return ScanProposals(Progress.UNREAD)
    leaves = readings.pages_to_read(scan)
    if not leaves or not readings.is_read(session, leaves):
        return ScanProposals(Progress.READING if readings.is_awaited(session, scan) else Progress.UNREAD)
    return _collected(session, services, scan, leaves, actor)


@dataclass(frozen=True)
class Head:
    """What the list of waiting scans says of one: how far the machine is, and what it read."""

    progress: Progress
    sender: str = ""
    subject: str = ""


def heads(session: Session, rows: Sequence[ScanRow]) -> dict[int, Head]:
    """The heads of the scans of a list, in three statements however long it is.

    Nothing is said of a sealed envelope, nor of a code that waits for a person.
    """
    open_to_eyes = [row.id for row in rows if not row.proof_kind and row.note not in readings.CLOSED_NOTES]
    found = session.execute(
        select(ScanLeaf.scan_id, ScanPageField.name, ScanPageField.value)
        .join(ScanPageField, ScanPageField.scan_page_id == ScanLeaf.scan_page_id)
        .where(
            ScanLeaf.scan_id.in_(open_to_eyes),
            ScanLeaf.removed.is_(False),
            ScanPageField.name.in_(("sender", "subject")),
            ScanPageField.confidence >= SURE_ENOUGH,
        )
        .order_by(ScanPageField.confidence)  # of two the surer one stays
    )
    read: dict[int, dict[str, str]] = {}
    for scan_id, name, value in found:
        read.setdefault(scan_id, {})[name] = value.strip()
    done = set(
        session.scalars(
            select(ScanLeaf.scan_id)
            .join(ScanPageReading, ScanPageReading.scan_page_id == ScanLeaf.scan_page_id)
            .where(ScanLeaf.scan_id.in_(open_to_eyes))
        )
    )
    awaited = set(
        session.scalars(
            select(Job.subject_id).where(
                Job.kind == JobKind.READ_SCAN, Job.subject_id.in_(open_to_eyes), Job.state.in_(LIVE_STATES)
            )
        )
    )
    return {
        scan_id: Head(
            Progress.READ if scan_id in done else Progress.READING if scan_id in awaited else Progress.UNREAD,
            read.get(scan_id, {}).get("sender", ""),
            read.get(scan_id, {}).get("subject", ""),
        )
        for scan_id in open_to_eyes
    }


def _collected(
    session: Session, services: Services, scan: Scan, leaves: Sequence[ScanLeaf], actor: Actor
) -> ScanProposals:
    turns = readings.turns_of_scan(session, scan.id)
    read = [
        replace(one, box=readings.turned(one.box, turns.get(one.page, 0)))
        for one in readings.of_leaves(session, [(leaf.scan_page_id, leaf.id) for leaf in leaves])
        if one.confidence >= SURE_ENOUGH and one.value.strip()
    ]
    best: dict[str, ReadField] = {}
    for one in read:
        if one.name not in best or one.confidence > best[one.name].confidence:
            best[one.name] = one
    subject = best["subject"].value if "subject" in best else ""
    text = f"{subject}\n{readings.text_of_leaf(session, leaves[0].scan_page_id)}"
    found = [_as_read(best[name], target) for name, target in DIRECT.items() if name in best]
    own = frozenset({entities(session)[scan.unit_id]})
    found += _senders(session, services, best.get("sender"), text, own)
    found += _linked(session, best.get("our_reference"), actor)
    nature = lessons.safely(session, services, Lesson.NATURE, text)
    if nature is not None:
        found.append(Proposal("nature", nature.choice, Source.LEARNED, nature.confidence, because=nature.because))
    return ScanProposals(
        Progress.READ,
        tuple(found),
        tuple(resent.of_scan(session, scan.id, actor)),
        tuple(_as_read(one, one.name) for one in read if one.name in ALSO),
        turns,
    )


def _as_read(one: ReadField, target: str, source: Source = Source.READ) -> Proposal:
    return Proposal(target, one.value, source, round(one.confidence), one.page, one.box)


def _senders(
    session: Session, services: Services, read: ReadField | None, text: str, entity_ids: Collection[int]
) -> list[Proposal]:
    """Known correspondents similar to the sender read, or else a new one; then the correspondent learned from words."""
    found: list[Proposal] = []
    if read is not None:
        matches = matching.best_matches(session, read.value, entity_ids=entity_ids)
        found = [Proposal("sender_name", m.name, Source.KNOWN, m.score, read.page, read.box) for m in matches]
        if not found:
            found = [_as_read(read, "sender_name", Source.NEW)]
    learned = lessons.safely(session, services, Lesson.CORRESPONDENT, text)
    name = lessons.correspondent_name(session, learned.choice, entity_ids) if learned is not None else None
    if learned is not None and name is not None and name not in {one.value for one in found}:
        found.append(Proposal("sender_name", name, Source.LEARNED, learned.confidence, because=learned.because))
    return found


def _linked(session: Session, read: ReadField | None, actor: Actor) -> list[Proposal]:
    """Our letter that this letter cites, if it exists and the actor may see it."""
    if read is None:
        return []
    found = typed_numbers.bearers(session, read.value, actor)
    # Two letters with one number give one proposal: the form then lets the clerk choose.
    numbers = list(dict.fromkeys(one.number for one in found if not one.is_voided))
    return [
        Proposal("related_number", number, Source.READ, round(read.confidence), read.page, read.box)
        for number in numbers
    ]
