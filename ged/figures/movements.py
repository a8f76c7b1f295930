"""Slips and scans of units: what was sent, acknowledged, missing; what each desk brought, and how it was read.

Slips have no table of figures: an index has all that a question names, so a month of a ministry is read in a few thousand entries of it, and
nothing can differ from the register. A year of pages would be millions of entries: what stations brought is counted (``scanned``).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
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

K = TypeVar("K")


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

    def __add__(self, other: "Handed") -> "Handed":
        """Both together."""
        return Handed(self.sent + other.sent, self.received + other.received, self.faults + other.faults)


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


def slips(
    session: Session,
    zone: ZoneInfo,
    unit_ids: Collection[int],
    level: Confidentiality,
    period: Period,
    *,
    by_months: bool = False,
) -> dict[tuple[date, int], Handed]:
    """(day, unit) -> its slips. A slip counts as sent on the day of its sender's signature, as received on that of the receiver's.

    Returns:
        ``by_months``: under the first day of each month; only its days in the period count.
    """
    day, month = local_day(session, zone), month_of(session)

    def told(moment: Any) -> ColumnElement[date]:
        return month(day(moment)) if by_months else day(moment)

    ours = unit_ids
    sent_by = (told(Slip.sent_at), ByOtherIndex(Slip.sender_unit_id))
    received_by = (told(Slip.received_at), ByOtherIndex(Slip.receiver_unit_id))
    sent = _counts(session, sent_by, [within(Slip.sent_at, period, zone), *_counted(), Among(sent_by[1], ours)])
    taken = [within(Slip.received_at, period, zone), *_counted(), Among(received_by[1], ours)]
    received = _counts(session, received_by, taken)
    rows: Any = session.execute(
        select(*received_by, func.count())
        .select_from(SlipLine)
        .join(Slip, Slip.id == SlipLine.slip_id)
        .outerjoin(Mail, Mail.id == SlipLine.mail_id)
        .where(*taken, *_faults(level))
        .group_by(*received_by)
    )
    faults = {(on, unit_id): count for on, unit_id, count in rows}
    return {
        one: Handed(sent.get(one, 0), received.get(one, 0), faults.get(one, 0))
        for one in sent.keys() | received.keys() | faults.keys()
    }


def by_day(found: Mapping[tuple[date, int], Handed]) -> dict[date, Handed]:
    """Day -> the slips of all units."""
    return _folded((day, one) for (day, _unit_id), one in found.items())


def by_unit(found: Mapping[tuple[date, int], Handed]) -> dict[int, Handed]:
    """Unit -> its slips of all days."""
    return _folded((unit_id, one) for (_day, unit_id), one in found.items())


def _folded(found: Iterable[tuple[K, Handed]]) -> dict[K, Handed]:
    sums: dict[K, Handed] = {}
    for key, one in found:
        sums[key] = sums.get(key, Handed()) + one
    return sums


def _counts(session: Session, key: Sequence[Any], where: list[ColumnElement[bool]]) -> dict[tuple[date, int], int]:
    rows: Any = session.execute(select(*key, func.count()).where(*where).group_by(*key))
    return {(on, unit_id): count for on, unit_id, count in rows}


def acknowledgements(
    session: Session, zone: ZoneInfo, unit_ids: Collection[int], period: Period, *, by_receiver: bool = False
) -> dict[int, dict[int, int]]:
    """Bin of working days (``stages.bin_of``) -> slips, from the sending to the acknowledgement, of those acknowledged in the period.

    Working days, as the other delays: a slip of Friday evening that is acknowledged on Monday morning was not late by sixty hours, and
    one calendar and the same bins let delays of slips stand beside those of letters.

    Returns:
        Under 0 the slips that the units sent; or, ``by_receiver``, under each of the units those that it received.
    """
    day, ours = local_day(session, zone), unit_ids
    end = Slip.receiver_unit_id if by_receiver else Slip.sender_unit_id
    first, last = day(Slip.sent_at), day(Slip.received_at)
    keys: list[Any] = [first, last, *([end] if by_receiver else [])]
    rows: Sequence[Any] = session.execute(
        select(*keys, func.count())
        .where(
            within(Slip.received_at, period, zone),
            *_counted(),
            Among(ByOtherIndex(end), ours),
            Slip.sent_at.is_not(None),
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


def _counted() -> list[ColumnElement[bool]]:
    """A statement of discrepancy moves no paper, and a void slip was none."""
    return [Slip.kind != SlipKind.DISCREPANCY, Slip.state != SlipState.VOIDED]


def _faults(level: Confidentiality) -> list[ColumnElement[bool]]:
    """Lines with a fault. Sealed envelopes are in no figure; lines of confidential letters for who is cleared alone, those of SECRET ones
    for nobody: the line says only that its letter is one of the two, so the letter is asked."""
    told: list[ColumnElement[bool]] = [or_(Mail.level.is_(None), Mail.level <= level)]
    if (
        level < Confidentiality.RESTRICTED
    ):  # nor a letter whose level was raised after the slip, nor one whose level was confidential then
        told.append(SlipLine.is_confidential.is_(False))
    # SQLite would go through all faults of all years: the slips of the period lead to their lines.
    faults = ByOtherIndex(SlipLine.state).in_([LineState.MISSING, LineState.DAMAGED])
    return [faults, ByOtherIndex(SlipLine.envelope_id).is_(None), *told]


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
