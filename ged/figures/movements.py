"""Slips and scans of units, counted in their own tables: what was sent, acknowledged, missing; what each desk brought.

No table of figures: an index has all that a question names, so a month of a ministry is read in a few thousand entries of it.
So these figures are those of the register at each moment, and nothing can differ from it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.capture.models import BatchSource, Bridge, Scan, ScanBatch, ScanPage, ScanState
from ged.db import ByOtherIndex
from ged.figures.days import local_day
from ged.figures.models import FigureDay
from ged.figures.periods import ONE_DAY, Period
from ged.figures.stages import bin_of
from ged.ports import Confidentiality
from ged.slips.models import Slip, SlipKind, SlipLine
from ged.slips.states import LineState, SlipState


@dataclass(frozen=True)
class Handed:
    """Slips of one day or one unit.

    Attributes:
        sent: that the units sent.
        received: that were handed to the units, and acknowledged.
        faults: lines of the latter that were missing or damaged.
    """

    sent: int = 0
    received: int = 0
    faults: int = 0


@dataclass(frozen=True)
class DeskLine:
    """What a desk brought in a period.

    Attributes:
        name: of the station; empty: files that people brought, or e-mails (``source``).
        pages: as they came, separator sheets and blank ones among them.
        documents: scans that were made of them; ``letters``: those that were joined to a letter.
        waiting: scans that wait now.
    """

    name: str
    unit_id: int
    source: BatchSource
    pages: int
    documents: int
    letters: int
    waiting: int


# --- slips


def slips_by_day(
    session: Session, zone: ZoneInfo, unit_ids: Collection[int], level: Confidentiality, period: Period
) -> dict[date, Handed]:
    """Day -> slips of the units. A slip counts as sent on the day of its sender's signature, as received on that of the receiver's."""
    day = local_day(session, zone)
    return _handed(session, zone, unit_ids, level, period, lambda moment, _unit: day(moment))


def slips_by_unit(
    session: Session, zone: ZoneInfo, unit_ids: Collection[int], level: Confidentiality, period: Period
) -> dict[int, Handed]:
    """Unit -> its slips."""
    return _handed(session, zone, unit_ids, level, period, lambda _moment, unit: ByOtherIndex(unit))


def _handed(
    session: Session, zone: ZoneInfo, unit_ids: Collection[int], level: Confidentiality, period: Period, key: Any
) -> dict[Any, Handed]:
    ours = sorted(unit_ids)
    sent_by, received_by = key(Slip.sent_at, Slip.sender_unit_id), key(Slip.received_at, Slip.receiver_unit_id)
    sent = _counts(
        session,
        sent_by,
        [_within(Slip.sent_at, period, zone), *_counted(), ByOtherIndex(Slip.sender_unit_id).in_(ours)],
    )
    taken = [_within(Slip.received_at, period, zone), *_counted(), ByOtherIndex(Slip.receiver_unit_id).in_(ours)]
    received = _counts(session, received_by, taken)
    faults = session.execute(
        select(received_by, func.count())
        .select_from(SlipLine)
        .join(Slip, Slip.id == SlipLine.slip_id)
        .where(*taken, *_faults(level))
        .group_by(received_by)
    )
    found: dict[Any, int] = dict(iter(faults))
    return {
        one: Handed(sent.get(one, 0), received.get(one, 0), found.get(one, 0))
        for one in sent.keys() | received.keys() | found.keys()
    }


def _counts(session: Session, key: Any, where: list[ColumnElement[bool]]) -> dict[Any, int]:
    return dict(iter(session.execute(select(key, func.count()).where(*where).group_by(key))))


def acknowledgements(
    session: Session, zone: ZoneInfo, unit_ids: Collection[int], period: Period, *, by_receiver: bool = False
) -> dict[int, dict[int, int]]:
    """Bin of working days (``stages.bin_of``) -> slips, from the sending to the acknowledgement, of those acknowledged in the period.

    Working days, as the other delays: a slip of Friday evening that is acknowledged on Monday morning was not late by sixty hours, and
    one calendar and the same bins let delays of slips stand beside those of letters.

    Returns:
        Under 0 the slips that the units sent; or, ``by_receiver``, under each of the units those that it received.
    """
    day, ours = local_day(session, zone), sorted(unit_ids)
    end = Slip.receiver_unit_id if by_receiver else Slip.sender_unit_id
    first, last = day(Slip.sent_at), day(Slip.received_at)
    keys: list[Any] = [first, last, *([end] if by_receiver else [])]
    rows: Sequence[Any] = session.execute(
        select(*keys, func.count())
        .where(
            _within(Slip.received_at, period, zone), *_counted(), ByOtherIndex(end).in_(ours), Slip.sent_at.is_not(None)
        )
        .group_by(*keys)
    ).all()
    worked = _worked(session, {row[0] for row in rows} | {row[1] for row in rows})
    found: dict[int, dict[int, int]] = {}
    for row in rows:
        if row[0] in worked and row[1] in worked and row[0] <= row[1]:
            bins = found.setdefault(row[2] if by_receiver else 0, {})
            at_least = bin_of(worked[row[1]] - worked[row[0]])
            bins[at_least] = bins.get(at_least, 0) + row[-1]
    return found


def _worked(session: Session, days: Collection[date]) -> Mapping[date, int]:
    if not days:
        return {}
    span = FigureDay.day.between(min(days), max(days))
    return dict(iter(session.execute(select(FigureDay.day, FigureDay.worked).where(span))))


def _within(moment: InstrumentedAttribute[Any], period: Period, zone: ZoneInfo) -> ColumnElement[bool]:
    first, after = (_midnight(day, zone) for day in (period.since, period.until + ONE_DAY))
    return and_(moment >= first, moment < after)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _counted() -> list[ColumnElement[bool]]:
    """A statement of discrepancy moves no paper, and a void slip was none."""
    return [Slip.kind != SlipKind.DISCREPANCY, Slip.state != SlipState.VOIDED]


def _faults(level: Confidentiality) -> list[ColumnElement[bool]]:
    """Lines with a fault. Sealed envelopes are in no figure; lines of confidential letters for who is cleared alone."""
    told = [] if level >= Confidentiality.RESTRICTED else [SlipLine.is_confidential.is_(False)]
    # SQLite would go through all faults of all years: the slips of the period lead to their lines.
    faults = ByOtherIndex(SlipLine.state).in_([LineState.MISSING, LineState.DAMAGED])
    return [faults, ByOtherIndex(SlipLine.envelope_id).is_(None), *told]


# --- scans


def pages_by_day(session: Session, zone: ZoneInfo, unit_ids: Collection[int], period: Period) -> dict[date, int]:
    """Day -> pages that came to the desks of the units."""
    # Counted by batch in the index first: a batch is looked up once, and not for each of its pages.
    day = local_day(session, zone)(ScanPage.received_at).label("day")
    each = (
        select(ScanPage.batch_id, day, func.count().label("pages"))
        .where(_within(ScanPage.received_at, period, zone))
        .group_by(ScanPage.batch_id, day)
        .subquery()
    )
    rows = session.execute(
        select(each.c.day, func.sum(each.c.pages))
        .join(ScanBatch, ScanBatch.id == each.c.batch_id)
        .where(ByOtherIndex(ScanBatch.unit_id).in_(sorted(unit_ids)))
        .group_by(each.c.day)
    )
    return {one: int(pages) for one, pages in rows}


def desks(session: Session, zone: ZoneInfo, unit_ids: Collection[int], period: Period) -> list[DeskLine]:
    """What each desk of the units brought, those with most pages first."""
    ours = sorted(unit_ids)
    key = (ScanBatch.unit_id, ScanBatch.bridge_id, ScanBatch.source)
    each = (
        select(ScanPage.batch_id, func.count().label("pages"))
        .where(_within(ScanPage.received_at, period, zone))
        .group_by(ScanPage.batch_id)
        .subquery()
    )
    counted: dict[Any, list[int]] = {}
    for *desk, pages in session.execute(
        select(*key, func.sum(each.c.pages))
        .join(each, each.c.batch_id == ScanBatch.id)
        .where(ByOtherIndex(ScanBatch.unit_id).in_(ours))
        .group_by(*key)
    ):
        counted[tuple(desk)] = [int(pages), 0, 0, 0]
    of_period = [
        _within(Scan.created_at, period, zone),
        Scan.state != ScanState.MERGED,
        ByOtherIndex(Scan.unit_id).in_(ours),
    ]
    waiting = [Scan.state == ScanState.WAITING, Scan.unit_id.in_(ours)]
    for where, places in ((of_period, (1, 2)), (waiting, (3,))):
        scans = session.execute(
            select(*key, func.count(), func.count(Scan.mail_id))
            .select_from(Scan)
            .join(ScanBatch, ScanBatch.id == Scan.batch_id)
            .where(*where)
            .group_by(*key)
        )
        for *desk, documents, letters in scans:
            line = counted.setdefault(tuple(desk), [0, 0, 0, 0])
            for place, number in zip(places, (documents, letters), strict=False):
                line[place] = number
    names = dict(
        iter(
            session.execute(select(Bridge.id, Bridge.name).where(Bridge.id.in_([one[1] for one in counted if one[1]])))
        )
    )
    found = [
        DeskLine(names.get(bridge_id, ""), unit_id, source, *numbers)
        for (unit_id, bridge_id, source), numbers in counted.items()
    ]
    return sorted(found, key=lambda one: (-one.pages, -one.waiting, one.name, one.unit_id, one.source.value))
