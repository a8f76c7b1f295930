"""Slips and scans of units: what was sent, acknowledged, missing; what each desk brought, and how it was read.

Slips have no table of figures: an index has all that a question names, so a month of a ministry is read in a few thousand entries of it, and
nothing can differ from the register. A year of pages would be millions of entries: what stations brought is counted (``scanned``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import Session

from ged.capture.models import BatchSource, Bridge
from ged.db import Among, ByOtherIndex
from ged.figures.breakdown import span
from ged.figures.cuts import of_days, of_grain
from ged.figures.days import local_day, month_of
from ged.figures.models import STATE, FigureDay, FigureScan, FigureState
from ged.figures.periods import Period
from ged.figures.scanned import within
from ged.figures.stages import Grain, bin_of
from ged.ports import Confidentiality
from ged.register.models import Mail
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
class Brought:
    """What stations brought, and how it was read.

    Attributes:
        pages: as they came, separator sheets and blank ones among them.
        documents: scans that were made of them; ``letters``: those that were joined to a letter.
        was_read: pages of the latter that the machine looked at, without blank ones.
        doubtful: of these, pages with a text that is marked as uncertain; ``textless``: pages without any text.
        points: sum of the reliabilities, in percent, of the pages with a text.
    """

    pages: int = 0
    documents: int = 0
    letters: int = 0
    was_read: int = 0
    doubtful: int = 0
    textless: int = 0
    points: int = 0

    @property
    def reliability(self) -> int | None:
        """The mean reliability of the pages with a text, in percent; None: there is no such page."""
        with_text = self.was_read - self.textless
        return round(self.points / with_text) if with_text > 0 else None

    def __add__(self, other: "Brought") -> "Brought":
        """Both together."""
        return Brought(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Brought)))


@dataclass(frozen=True)
class DeskLine:
    """What a desk brought in a period.

    Attributes:
        name: of the station; empty: files that people brought, or e-mails (``source``).
    """

    name: str
    unit_id: int
    source: BatchSource
    brought: Brought


# --- slips


@dataclass(frozen=True)
class Slips:
    """The slips of units in a period.

    Attributes:
        by_day: day (or first day of a month) -> its slips. A slip counts as sent on the day of its sender's signature, as received on that
            of the receiver's.
        by_unit: unit -> its slips.
        delays: unit -> bin of working days (``stages.bin_of``) -> slips that it received, from the sending to the acknowledgement.
        delays_sent: bin -> slips that the units sent, of those acknowledged in the period.

    Delays are in working days, as the other ones: a slip of Friday evening that is acknowledged on Monday morning was not late by sixty hours,
    and one calendar and the same bins let delays of slips stand beside those of letters.
    """

    by_day: Mapping[date, Handed]
    by_unit: Mapping[int, Handed]
    delays: Mapping[int, Mapping[int, int]]
    delays_sent: Mapping[int, int]


def slips(
    session: Session,
    zone: ZoneInfo,
    unit_ids: Collection[int],
    level: Confidentiality,
    period: Period,
    *,
    by_months: bool = False,
) -> Slips:
    """The slips of units.

    Args:
        by_months: whether ``by_day`` has months instead of days. Only their days in the period count.
    """
    day, month = local_day(session, zone), month_of(session)

    def told(moment: Any) -> ColumnElement[date]:
        return month(day(moment)) if by_months else day(moment)

    sender, receiver = ByOtherIndex(Slip.sender_unit_id), ByOtherIndex(Slip.receiver_unit_id)
    key: list[Any] = [told(Slip.sent_at), sender]
    sent: Any = session.execute(
        select(*key, func.count())
        .where(within(Slip.sent_at, period, zone), *_counted(), Among(sender, unit_ids))
        .group_by(*key)
    )
    key = [told(Slip.received_at), receiver]
    is_taken = [within(Slip.received_at, period, zone), *_counted(), Among(receiver, unit_ids)]
    faults: Any = session.execute(
        select(*key, func.count())
        .select_from(SlipLine)
        .join(Slip, Slip.id == SlipLine.slip_id)
        .outerjoin(Mail, Mail.id == SlipLine.mail_id)
        .where(*is_taken, *_faults(level))
        .group_by(*key)
    )
    unit_ids = frozenset(unit_ids)
    acknowledged = _acknowledged(session, zone, unit_ids, period)
    taken = [
        (one.received_on.replace(day=1) if by_months else one.received_on, one.receiver_id, one.slips)
        for one in acknowledged
        if one.receiver_id in unit_ids
    ]
    by_day, by_unit = defaultdict[date, list[int]](lambda: [0, 0, 0]), defaultdict[int, list[int]](lambda: [0, 0, 0])
    for place, rows in enumerate((sent, taken, faults)):
        for on, unit_id, count in rows:
            by_day[on][place] += count
            by_unit[unit_id][place] += count
    return Slips(
        {on: Handed(*counts) for on, counts in by_day.items()},
        {unit_id: Handed(*counts) for unit_id, counts in by_unit.items()},
        *_delays(session, unit_ids, acknowledged),
    )


class _Acknowledged(NamedTuple):
    """How many slips (``slips``) one unit sent on a day, and another unit acknowledged on a day."""

    sent_on: date | None
    received_on: date
    sender_id: int
    receiver_id: int
    slips: int


def _acknowledged(
    session: Session, zone: ZoneInfo, unit_ids: Collection[int], period: Period
) -> Sequence[_Acknowledged]:
    """The slips that the units sent or received, of those acknowledged in the period: one statement for all that is told of them."""
    day, ends = local_day(session, zone), (ByOtherIndex(Slip.sender_unit_id), ByOtherIndex(Slip.receiver_unit_id))
    key: list[Any] = [day(Slip.sent_at), day(Slip.received_at), *ends]
    rows: Any = session.execute(
        select(*key, func.count())
        .where(within(Slip.received_at, period, zone), *_counted(), or_(*(Among(one, unit_ids) for one in ends)))
        .group_by(*key)
    )
    return [_Acknowledged(*row) for row in rows]


def _delays(
    session: Session, unit_ids: Collection[int], those: Sequence[_Acknowledged]
) -> tuple[dict[int, dict[int, int]], dict[int, int]]:
    """The delays of slips that the units received, by unit; of those that they sent."""
    worked = _worked(session, {one.received_on for one in those} | {one.sent_on for one in those if one.sent_on})
    received, sent = defaultdict[int, dict[int, int]](dict), dict[int, int]()
    for one in those:
        if one.sent_on is None or one.sent_on > one.received_on:
            continue
        before, until = worked.get(one.sent_on), worked.get(one.received_on)
        if before is None or until is None:
            continue
        at_least = bin_of(until - before)
        if one.receiver_id in unit_ids:
            received[one.receiver_id][at_least] = received[one.receiver_id].get(at_least, 0) + one.slips
        if one.sender_id in unit_ids:
            sent[at_least] = sent.get(at_least, 0) + one.slips
    return dict(received), sent


def _worked(session: Session, days: Collection[date]) -> Mapping[date, int]:
    if not days:
        return {}
    span = FigureDay.day.between(min(days), max(days))
    return dict(iter(session.execute(select(FigureDay.day, FigureDay.worked).where(span))))


def _counted() -> list[ColumnElement[bool]]:
    """Which slips count. A statement of discrepancy moves no paper, and a void slip was none."""
    return [Slip.kind != SlipKind.DISCREPANCY, Slip.state != SlipState.VOIDED]


def _faults(level: Confidentiality) -> list[ColumnElement[bool]]:
    """Lines with a fault that the reader may know of. Sealed envelopes are in no figure. Lines of confidential letters count for
    who is cleared alone, and those of SECRET ones for nobody. The line says only that its letter is one of the two, so the
    letter is asked for its level.
    """
    told: list[ColumnElement[bool]] = [or_(Mail.level.is_(None), Mail.level <= level)]
    if level < Confidentiality.RESTRICTED:
        # Nor a line whose letter was confidential when the slip was made.
        told.append(SlipLine.is_confidential.is_(False))
    # Written as their index has them: SQLite compares the texts. The slips of the period lead to the index.
    faults = [literal(one, SlipLine.state.type, literal_execute=True) for one in (LineState.MISSING, LineState.DAMAGED)]
    return [SlipLine.state.in_(faults), ByOtherIndex(SlipLine.envelope_id).is_(None), *told]


# --- scans


def are_scans_whole(session: Session) -> bool:
    """Whether there are figures of stations to show; False while they are made for the first time, or anew."""
    state = session.get(FigureState, STATE)
    return state is not None and state.scans_whole


def scans_by(
    session: Session, unit_ids: Collection[int], period: Period, *, grain: Grain = Grain.DAY
) -> dict[date, Brought]:
    """Day (or first day of a month) -> what came to the desks of the units."""
    rows = session.execute(
        select(FigureScan.day, *_sums())
        .where(of_grain(FigureScan, grain), FigureScan.day.between(period.since, period.until), _of(unit_ids))
        .group_by(FigureScan.day)
    )
    return {day: Brought(*map(int, numbers)) for day, *numbers in rows}


def desks(session: Session, unit_ids: Collection[int], period: Period) -> list[DeskLine]:
    """What each desk of the units brought in a period, those with most pages first.

    What waits now is not told: it falls when a scan is joined to a letter, and with the letters of ``Brought`` it would tell of a letter above
    the ordinary level.
    """
    cell = (FigureScan.unit_id, FigureScan.bridge_id, FigureScan.source)
    days = or_(*(of_days(FigureScan, one.grain, one.since, one.until) for one in span(period)))
    rows = session.execute(select(*cell, *_sums()).where(days, _of(unit_ids)).group_by(*cell))
    brought: dict[Any, Brought] = {tuple(desk): Brought(*map(int, numbers)) for *desk, numbers in _paired(rows)}
    names = _names(session, {bridge_id for _, bridge_id, _ in brought})
    found = [DeskLine(names.get(desk[1], ""), desk[0], desk[2], numbers) for desk, numbers in brought.items()]
    return sorted(found, key=lambda one: (-one.brought.pages, one.name, one.unit_id, one.source.value))


def every_desk(session: Session, unit_ids: Collection[int], found: Collection[DeskLine]) -> list[DeskLine]:
    """All desks of the units that there may be: those that brought something, the other stations, files and e-mails of each unit."""
    rows = session.execute(select(Bridge.name, Bridge.unit_id).where(Bridge.unit_id.in_(sorted(unit_ids)))).all()
    known = {(one.name, one.unit_id, one.source) for one in found}
    every = [(name, unit_id, BatchSource.BRIDGE) for name, unit_id in rows]
    every += [("", one, source) for one in sorted(unit_ids) for source in (BatchSource.UPLOAD, BatchSource.EMAIL)]
    return [*found, *(DeskLine(*desk, Brought()) for desk in dict.fromkeys(every) if desk not in known)]


def _paired(rows: Any) -> Iterator[tuple[Any, ...]]:
    """The columns of the desk one by one, then its numbers together."""
    for row in rows:
        yield (*row[:3], row[3:])


def _names(session: Session, bridge_ids: Collection[int]) -> Mapping[int, str]:
    rows = session.execute(select(Bridge.id, Bridge.name).where(Bridge.id.in_(sorted(bridge_ids))))
    return dict(iter(rows))


def _sums() -> list[ColumnElement[int]]:
    return [func.sum(getattr(FigureScan, one.name)) for one in fields(Brought)]


def _of(unit_ids: Collection[int]) -> ColumnElement[bool]:
    return Among(FigureScan.unit_id, unit_ids)
