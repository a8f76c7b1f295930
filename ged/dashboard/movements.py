"""Slips and scans of units: what was sent, acknowledged, missing; what each desk brought, and how it was read.

Both are read from cells (``handed``, ``scanned``).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ged.capture.models import BatchSource, Bridge
from ged.dashboard.breakdown import span
from ged.db import Among
from ged.figures.cuts import Part, of_days, of_grain
from ged.figures.days import month_of
from ged.figures.models import FigureScan, FigureSlip
from ged.figures.periods import Period
from ged.figures.stages import LONGEST, NO_DELAY, Grain, SlipSide, bin_of
from ged.figures.sums import state_of
from ged.figures.whole_days import WholeDays
from ged.ports import Confidentiality


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
class Station:
    """A scanning station.

    Attributes:
        bridge_id: None: files that people brought, or e-mails (``source``).
    """

    bridge_id: int | None
    source: BatchSource


@dataclass(frozen=True)
class DeskLine:
    """What a desk brought in a period.

    Attributes:
        name: of the station; empty: files that people brought, or e-mails (``source``), which have no ``bridge_id``.
    """

    name: str
    unit_id: int
    source: BatchSource
    brought: Brought
    bridge_id: int | None = None


def are_whole(session: Session, kind: WholeDays) -> bool:
    """Whether there are figures of stations, or of slips, to show; False while they are made for the first time, or anew."""
    state = state_of(session)
    return state is not None and kind.is_whole(state)


def waits_for_days(session: Session, kind: WholeDays) -> bool:
    """Whether days are noted to be counted again: what is shown of them is about to change.

    ``queries.counted_upto`` knows nothing of them: a run counts the acts first, and then the days that the acts are about.
    """
    return session.scalar(select(kind.noted.day).limit(1)) is not None


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
    unit_ids: Collection[int],
    level: Confidentiality,
    period: Period,
    *,
    by_months: bool = False,
) -> Slips:
    """The slips of units.

    Args:
        level: of the faulty lines, those that a reader of this level may know of.
        by_months: whether ``by_day`` has months instead of days. Only their days in the period count.
    """
    by_day, by_unit = defaultdict[date, list[int]](lambda: [0, 0, 0]), defaultdict[int, list[int]](lambda: [0, 0, 0])
    of_time = month_of(session)(FigureSlip.day) if by_months else FigureSlip.day
    parts = span(period) if by_months else [Part(Grain.DAY, period.since, period.until)]
    for on, side, count in _cells(session, unit_ids, level, parts, of_time, FigureSlip.side):
        if side in PLACES:
            by_day[on][PLACES[side]] += count
    delays, delays_sent = defaultdict[int, dict[int, int]](dict), Counter[int]()
    for unit_id, side, at_least, count in _cells(
        session, unit_ids, level, span(period), FigureSlip.unit_id, FigureSlip.side, FigureSlip.at_least
    ):
        if side in PLACES:
            by_unit[unit_id][PLACES[side]] += count
        if at_least != NO_DELAY and side is SlipSide.RECEIVED:
            delays[unit_id][at_least] = count
        elif at_least != NO_DELAY and side is SlipSide.ACKNOWLEDGED:
            delays_sent[at_least] += count
    return Slips(
        {on: Handed(*counts) for on, counts in by_day.items()},
        {unit_id: Handed(*counts) for unit_id, counts in by_unit.items()},
        dict(delays),
        dict(delays_sent),
    )


PLACES: Mapping[SlipSide, int] = {SlipSide.SENT: 0, SlipSide.RECEIVED: 1, SlipSide.FAULTY: 2}
"""The places of the numbers of ``Handed``."""


def _cells(
    session: Session, unit_ids: Collection[int], level: Confidentiality, parts: Iterable[Part], *keys: Any
) -> Iterable[Any]:
    """The slips of units in some days, and the faulty lines of which a reader of a level may know, added up by the keys."""
    days = or_(*(of_days(FigureSlip, one.grain, one.since, one.until) for one in parts))
    may_know = or_(FigureSlip.side != SlipSide.FAULTY, FigureSlip.at_least <= level)
    of_units = Among(FigureSlip.unit_id, unit_ids)
    rows = select(*keys, func.sum(FigureSlip.slips)).where(days, of_units, may_know).group_by(*keys)
    for *key, count in session.execute(rows):
        yield *key, int(count)


def slips_counted(
    session: Session, unit_ids: Collection[int], side: SlipSide, period: Period, bins: tuple[int, int] | None = None
) -> int:
    """How many slips of one side the units have in a period.

    Args:
        bins: two numbers of working days: only the slips whose delay is in the bin of the first, in that of the second, or between them.
    """
    rows = _cells(session, unit_ids, Confidentiality.ORDINARY, span(period), FigureSlip.side, FigureSlip.at_least)
    # NO_DELAY is below every bin.
    first, last = map(bin_of, bins) if bins is not None else (NO_DELAY, LONGEST)
    return sum(count for of, at_least, count in rows if of is side and first <= at_least <= last)


def faults_counted(session: Session, unit_ids: Collection[int], level: Confidentiality, period: Period) -> int:
    """How many lines were missing or damaged in what the units received in a period, of those that the reader may know of."""
    rows = _cells(session, unit_ids, level, span(period), FigureSlip.side)
    return sum(count for side, count in rows if side is SlipSide.FAULTY)


# --- scans


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
    found = [
        DeskLine(names.get(bridge_id, ""), unit_id, source, numbers, bridge_id or None)
        for (unit_id, bridge_id, source), numbers in brought.items()
    ]
    return sorted(found, key=lambda one: (-one.brought.pages, one.name, one.unit_id, one.source.value))


def brought(session: Session, unit_ids: Collection[int], period: Period, station: Station | None) -> Brought:
    """What came to the desks of the units in a period; ``station``: only what came from it."""
    days = or_(*(of_days(FigureScan, one.grain, one.since, one.until) for one in span(period)))
    of_station = (
        [FigureScan.bridge_id == (station.bridge_id or 0), FigureScan.source == station.source] if station else []
    )
    numbers = session.execute(select(*_sums()).where(days, _of(unit_ids), *of_station)).one()
    return Brought(*(int(one or 0) for one in numbers))


def every_desk(session: Session, unit_ids: Collection[int], found: Collection[DeskLine]) -> list[DeskLine]:
    """All desks of the units that there may be: those that brought something, the other stations, files and e-mails of each unit."""
    rows = session.execute(select(Bridge.id, Bridge.name, Bridge.unit_id).where(Bridge.unit_id.in_(sorted(unit_ids))))
    every = [DeskLine(name, unit_id, BatchSource.BRIDGE, Brought(), bridge_id) for bridge_id, name, unit_id in rows]
    uploads = (BatchSource.UPLOAD, BatchSource.EMAIL)
    every += [DeskLine("", one, source, Brought()) for one in sorted(unit_ids) for source in uploads]
    known = {(one.name, one.unit_id, one.source) for one in found}
    named = {(one.name, one.unit_id, one.source): one for one in every}
    return [*found, *(one for name, one in named.items() if name not in known)]


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
