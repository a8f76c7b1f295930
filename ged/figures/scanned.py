"""What each scanning station brought in a day, and how well it was read: cells of days and months (``whole_days``).

**Readings.** The text of a page lies with its words in one large row. ``FigureReading`` keeps three numbers of each scanned document, so that
its pages are read once, when the machine has read them, and not each time that its day is counted.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ged.audit import AuditEntry
from ged.capture.models import Scan, ScanBatch, ScanPage, ScanState
from ged.db import ByOtherIndex, table_of
from ged.figures.days import local_day
from ged.figures.models import FigureReading, FigureScan, FigureScanDay
from ged.figures.periods import Period
from ged.figures.whole_days import WholeDays, runs, within
from ged.ports import Confidentiality
from ged.register.models import Mail, PageText

IDS_AT_ONCE = 400
DESK = ("unit_id", "bridge_id", "source")
"""The station: whose it is, which one (0: none), how its pages came."""
NUMBERS = ("pages", "documents", "letters", "was_read", "doubtful", "textless", "points")
READ = ("attachment.read", "mail.destroyed", "mail.destroyed_again", "mail.level_changed")
"""The acts after which the texts of a letter's pages are others, or may be told or not."""


class StationCells(WholeDays):
    """The cells of scanning stations."""

    name, model, noted, flag = "scan", FigureScan, FigureScanDay, "scans_whole"
    moments = (ScanPage.received_at, Scan.created_at)

    def counted(self, session: Session, zone: ZoneInfo, period: Period) -> Select[Any]:
        """Pages count on the day on which they came. Documents, those that are joined to an ordinary letter, and what was read of the
        pages of these count on the day on which the document was made of its pages.
        """
        day = local_day(session, zone)
        came, made = day(ScanPage.received_at).label("day"), day(Scan.created_at).label("day")
        pages = _each(
            select(ScanPage.batch_id, came, func.count().label("pages"))
            .where(within(ScanPage.received_at, period, zone))
            .group_by(ScanPage.batch_id, came)
        )
        of_period = (within(Scan.created_at, period, zone), Scan.state != ScanState.MERGED)
        sums = [func.coalesce(func.sum(getattr(FigureReading, name)), 0).label(name) for name in NUMBERS[3:]]
        documents = _each(
            select(
                Scan.batch_id, made, func.count().label("documents"), func.count(Mail.id).label("letters"), *sums
            )
            .outerjoin(Mail, and_(Mail.id == Scan.mail_id, Mail.level == int(Confidentiality.ORDINARY)))
            .outerjoin(FigureReading, and_(FigureReading.attachment_id == Scan.attachment_id, Mail.id.is_not(None)))
            .where(*of_period)
            .group_by(Scan.batch_id, made)
        )  # fmt: skip
        found = union_all(pages, documents).subquery("found")
        keys = [found.c[name] for name in ("day", *DESK)]
        numbers = [cast(func.sum(found.c[name]), Integer).label(name) for name in NUMBERS]
        return select(*keys, *numbers).group_by(*keys)

    def count_days(self, session: Session, zone: ZoneInfo, days: Iterable[date]) -> None:
        """Before the days are counted, take the numbers of their documents that have texts and no numbers yet; drop those whose
        texts are gone.
        """
        wanted, names = sorted(days), [one.name for one in table_of(FigureReading).columns]
        for period in runs(wanted):
            _forget_readings(session, session.scalars(_gone(zone, period)))
            rows = readings(zone, period).where(PageText.attachment_id.in_(_new(zone, period)))
            session.execute(insert(FigureReading).from_select(names, rows))
        super().count_days(session, zone, wanted)

    def note_days(self, session: Session, zone: ZoneInfo, after: int, upto: int) -> None:
        """Note the days of the entries; forget what was counted of texts that were read anew."""
        batches, attachments = _touched(session, after, upto)
        _forget_readings(session, attachments)
        self.note(session, _days_of_batches(session, zone, batches))

    def days_of(self, session: Session, zone: ZoneInfo, after: int, upto: int) -> set[date]:
        """The days on which pages of the batches of the entries came, and on which documents were made of them."""
        batches, _ = _touched(session, after, upto)
        return _days_of_batches(session, zone, batches)

    def different(self, session: Session, zone: ZoneInfo, period: Period) -> set[date]:
        """Also the days with a document whose texts are not counted, or are gone."""
        found = super().different(session, zone, period)
        day = local_day(session, zone)(Scan.created_at)
        unread = or_(Scan.attachment_id.in_(_new(zone, period)), Scan.attachment_id.in_(_gone(zone, period)))
        return found | set(session.scalars(select(day).where(within(Scan.created_at, period, zone), unread).distinct()))

    def forget(self, session: Session) -> None:
        """Remove all that is counted of stations."""
        super().forget(session)
        session.execute(delete(FigureReading))


STATIONS = StationCells()


# --- what there is


def _each(of_batch: Select[*tuple[Any, ...]]) -> Select[Any]:
    """Counted by batch, in its index, first: a batch is looked up once, and not for each of its pages."""
    found = of_batch.subquery()
    none: ColumnElement[int] = literal_column("0")
    return select(
        found.c.day, ScanBatch.unit_id.label("unit_id"), func.coalesce(ScanBatch.bridge_id, 0).label("bridge_id"),
        ScanBatch.source.label("source"), *(found.c.get(name, none).label(name) for name in NUMBERS),
    ).join_from(found, ScanBatch, ScanBatch.id == found.c.batch_id)  # fmt: skip


def readings(zone: ZoneInfo, period: Period) -> Select[*tuple[Any, ...]]:
    """The columns of ``FigureReading``: what the machine read of the documents of a period, as their texts say."""
    flags = cast(PageText.flags, String)
    is_blank, has_text = flags.like('%"blank"%'), PageText.text != ""
    is_doubtful = flags.like('%"low_confidence"%')
    return (
        select(
            PageText.attachment_id,
            _how_many(~is_blank).label("was_read"),
            _how_many(and_(~is_blank, has_text, is_doubtful)).label("doubtful"),
            _how_many(and_(~is_blank, ~has_text)).label("textless"),
            func.sum(case((and_(~is_blank, has_text), cast(func.round(PageText.confidence), Integer)), else_=0)).label(
                "points"
            ),
        )
        .where(PageText.attachment_id.in_(select(Scan.attachment_id).where(within(Scan.created_at, period, zone))))
        .group_by(PageText.attachment_id)
    )


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _gone(zone: ZoneInfo, period: Period) -> Select[int]:
    page, scan = aliased(PageText), aliased(Scan)
    text = select(page.page_no).where(page.attachment_id == FigureReading.attachment_id).exists()
    return (
        select(FigureReading.attachment_id)
        .join(scan, scan.attachment_id == FigureReading.attachment_id)
        .where(within(scan.created_at, period, zone), ~text)
    )


def _new(zone: ZoneInfo, period: Period) -> Select[int | None]:
    page, reading, scan = aliased(PageText), aliased(FigureReading), aliased(Scan)
    text = select(page.page_no).where(page.attachment_id == scan.attachment_id).exists()
    known = select(reading.attachment_id).where(reading.attachment_id == scan.attachment_id).exists()
    return select(scan.attachment_id).where(
        within(scan.created_at, period, zone), scan.attachment_id.is_not(None), text, ~known
    )


def _forget_readings(session: Session, attachments: Iterable[int]) -> None:
    for some in _some(attachments):
        session.execute(delete(FigureReading).where(FigureReading.attachment_id.in_(some)))


# --- which days


def _days_of_batches(session: Session, zone: ZoneInfo, batch_ids: Iterable[int]) -> set[date]:
    """The days on which pages of batches came, and on which documents were made of them."""
    day, found = local_day(session, zone), set[date]()
    for some in _some(batch_ids):
        found |= set(session.scalars(select(day(ScanPage.received_at)).where(ScanPage.batch_id.in_(some)).distinct()))
        found |= set(session.scalars(select(day(Scan.created_at)).where(Scan.batch_id.in_(some)).distinct()))
    return found


def _touched(session: Session, after: int, upto: int) -> tuple[set[int], set[int]]:
    """The batches and the attachments that entries of the journal are about."""
    span = (AuditEntry.sequence > after, AuditEntry.sequence <= upto)

    def named(kind: str) -> Select[int | None]:
        return select(AuditEntry.subject_id).where(*span, ByOtherIndex(AuditEntry.subject_kind) == kind)

    batches = {one for one in session.scalars(named("scan_batch")) if one is not None}
    scans = session.scalars(select(Scan.batch_id).where(Scan.id.in_(named("scan"))))
    read = session.execute(
        select(Scan.batch_id, Scan.attachment_id).where(
            Scan.mail_id.in_(named("mail").where(AuditEntry.action.in_(READ)))
        )
    ).all()
    attachments = {one for _, one in read if one is not None}
    return batches | set(scans) | {one for one, _ in read}, attachments


def _some(ids: Iterable[int]) -> Iterable[list[int]]:
    wanted = sorted(ids)
    return [wanted[start : start + IDS_AT_ONCE] for start in range(0, len(wanted), IDS_AT_ONCE)]
