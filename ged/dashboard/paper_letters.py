"""The letters behind a figure of papers: those on the slips that it counts, or with a document that was scanned then.

A letter may be on several such slips, or have several such documents: it stands once, at the last of them. The lists begin with the last slip or
document, as the index of its moment has them, so that a page of a long list reads few rows. Slips and documents are found by the conditions of
their cells (``handed``, ``scanned``); who may see a letter says the rule of access, which the caller asks.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged.capture.models import Scan, ScanBatch, ScanState
from ged.dashboard.movements import Station
from ged.db import Among, ByOtherIndex, asked_of_each_row
from ged.figures.days import local_day
from ged.figures.handed import is_counted, is_faulty, least_level
from ged.figures.models import FigureDay, FigureLetter, FigureReading
from ged.figures.periods import Period
from ged.figures.stages import bin_of, next_bin
from ged.figures.whole_days import within
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.slips.models import Slip, SlipLine

Moment = InstrumentedAttribute[Any]
SlipRow = type[Slip]
LineRow = type[SlipLine]


@dataclass(frozen=True)
class Behind:
    """Letters and the moment by which they are sorted, the last first.

    Attributes:
        query: ``FigureLetter.mail_id``, with ``Mail`` joined, of everybody's letters.
    """

    query: Select[int]
    moment: Moment


# --- on slips


def sent(unit_ids: Collection[int], period: Period, zone: ZoneInfo) -> Behind:
    """On slips that the units sent in a period."""

    def conditions(slip: SlipRow, _line: LineRow) -> list[ColumnElement[bool]]:
        return [within(slip.sent_at, period, zone), Among(ByOtherIndex(slip.sender_unit_id), unit_ids)]

    return _on_slips(conditions, lambda slip: slip.sent_at)


def received(unit_ids: Collection[int], period: Period, zone: ZoneInfo) -> Behind:
    """On slips that the units acknowledged in a period."""
    return _on_slips(_taken(unit_ids, period, zone), lambda slip: slip.received_at)


def at_fault(unit_ids: Collection[int], period: Period, zone: ZoneInfo, level: Confidentiality) -> Behind:
    """Missing or damaged at such a reception, as far as the reader may know of that line."""
    taken = _taken(unit_ids, period, zone)

    def conditions(slip: SlipRow, line: LineRow) -> list[ColumnElement[bool]]:
        return [*taken(slip, line), *is_faulty(line), least_level(line) <= level]

    return _on_slips(conditions, lambda slip: slip.received_at)


def waited(
    session: Session, unit_ids: Collection[int], period: Period, zone: ZoneInfo, bins: tuple[int, int]
) -> Behind:
    """On slips that the units sent, acknowledged in a period after so many working days.

    Args:
        bins: the first and the last one, both included.
    """
    day, (first, last) = local_day(session, zone), bins
    ends = next_bin(last)

    def worked(moment: Any) -> ColumnElement[int]:
        return select(FigureDay.worked).where(FigureDay.day == day(moment)).scalar_subquery()

    def conditions(slip: SlipRow, _line: LineRow) -> list[ColumnElement[bool]]:
        delay = worked(slip.received_at) - worked(slip.sent_at)
        return [
            within(slip.received_at, period, zone),
            Among(ByOtherIndex(slip.sender_unit_id), unit_ids),
            day(slip.sent_at) <= day(slip.received_at),
            delay >= bin_of(first),
            *([delay < ends] if ends is not None else []),
        ]

    return _on_slips(conditions, lambda slip: slip.received_at)


def _taken(
    unit_ids: Collection[int], period: Period, zone: ZoneInfo
) -> Callable[[SlipRow, LineRow], list[ColumnElement[bool]]]:
    def conditions(slip: SlipRow, _line: LineRow) -> list[ColumnElement[bool]]:
        return [within(slip.received_at, period, zone), Among(ByOtherIndex(slip.receiver_unit_id), unit_ids)]

    return conditions


def _on_slips(
    conditions: Callable[[SlipRow, LineRow], list[ColumnElement[bool]]], moment_of: Callable[[SlipRow], Moment]
) -> Behind:
    other, line = aliased(Slip), aliased(SlipLine)
    moment, later = moment_of(Slip), moment_of(other)
    is_last = ~asked_of_each_row(
        line.mail_id == SlipLine.mail_id, other.id == line.slip_id, *is_counted(other), *conditions(other, line),
        or_(later > moment, and_(later == moment, line.id > SlipLine.id)),
    )  # fmt: skip
    query = (
        select(FigureLetter.mail_id)
        .select_from(Slip)
        .join(SlipLine, SlipLine.slip_id == Slip.id)
        .join(Mail, Mail.id == SlipLine.mail_id)
        .join(FigureLetter, FigureLetter.mail_id == Mail.id)
        .where(*is_counted(), *conditions(Slip, SlipLine), is_last)
    )
    return Behind(query, moment)


# --- scanned


def scanned(
    unit_ids: Collection[int], period: Period, zone: ZoneInfo, station: Station | None, with_pages: str = ""
) -> Behind:
    """With a document that was made in a period of what came to the desks of the units. As in the cells, ordinary letters alone.

    Args:
        station: only of this one; None: of all.
        with_pages: only documents that have such pages: a number of ``FigureReading``.
    """

    # Each is asked of a scan before its letter is looked up: in a year of scans few may have a page without text, or be of one station.
    def conditions(scan: type[Scan]) -> list[ColumnElement[bool]]:
        of_desk = [ScanBatch.id == scan.batch_id, Among(ByOtherIndex(ScanBatch.unit_id), unit_ids)]
        if station is not None:
            of_desk.append(ByOtherIndex(ScanBatch.bridge_id) == station.bridge_id)
            of_desk.append(ByOtherIndex(ScanBatch.source) == station.source)
        found = [within(scan.created_at, period, zone), ByOtherIndex(scan.state) != ScanState.MERGED]
        if with_pages:
            reading = FigureReading.attachment_id == scan.attachment_id
            found.append(asked_of_each_row(reading, getattr(FigureReading, with_pages) > 0))
        return [*found, asked_of_each_row(*of_desk)]

    other = aliased(Scan)
    later = other.created_at
    is_last = ~asked_of_each_row(
        other.mail_id == Scan.mail_id, *conditions(other),
        or_(later > Scan.created_at, and_(later == Scan.created_at, other.id > Scan.id)),
    )  # fmt: skip
    query = (
        select(FigureLetter.mail_id)
        .select_from(Scan)
        .join(Mail, and_(Mail.id == Scan.mail_id, Mail.level == int(Confidentiality.ORDINARY)))
        .join(FigureLetter, FigureLetter.mail_id == Mail.id)
        .where(*conditions(Scan), is_last)
    )
    return Behind(query, Scan.created_at)
