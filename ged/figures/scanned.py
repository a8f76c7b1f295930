"""What each scanning station brought in a day, and how well it was read: cells of days and months.

A day is always counted whole, from the pages, scans and readings that there are: nothing is added to a cell or taken out of it, so a cell
cannot drift. A run notes the days that the entries of the journal are about (``FigureScanDay``) in the transaction in which it
counts their letters, and counts the noted days afterwards, some in each transaction, so that nobody waits for long.

**Readings.** The text of a page lies with its words in one large row. ``FigureReading`` keeps three numbers of each scanned document, so that
its pages are read once, when the machine has read them, and not each time that its day is counted.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
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
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ged.audit import AuditEntry
from ged.capture.models import Scan, ScanBatch, ScanPage, ScanState
from ged.db import insert_if_missing, table_of
from ged.figures.days import local_day, month_of, word
from ged.figures.models import FigureReading, FigureScan, FigureScanDay, FigureState
from ged.figures.periods import ONE_DAY, Period, month_end
from ged.figures.stages import Grain
from ged.ports import Confidentiality
from ged.register.models import Mail, PageText

DAYS_AT_ONCE = 4
"""Days counted in one transaction: of a ministry with thousands of pages a day a tenth of a second each, on a slow disk."""
BEGUN = date(1900, 1, 1)
"""Noted with all days that there are, and counted last: while it is noted, the cells are being made for the first time, or anew."""
IDS_AT_ONCE = 400
DESK = ("unit_id", "bridge_id", "source")
"""The station: whose it is, which one (0: none), how its pages came."""
NUMBERS = ("pages", "documents", "letters", "was_read", "doubtful", "textless", "points")
READ = ("attachment.read", "mail.destroyed", "mail.destroyed_again", "mail.level_changed")
"""The acts after which the texts of a letter's pages are others, or may be told or not."""


def note_days(session: Session, zone: ZoneInfo, after: int, upto: int) -> None:
    """Note the days of stations that entries of the journal are about; forget what was counted of texts that were read anew."""
    batches, attachments = _touched(session, after, upto)
    for some in _some(attachments):
        session.execute(delete(FigureReading).where(FigureReading.attachment_id.in_(some)))
    note(session, days_of_batches(session, zone, batches))


def waiting_days(session: Session, zone: ZoneInfo, after: int, upto: int) -> set[date]:
    """The days that are noted, and those that entries of the journal will have noted: their cells are about to change."""
    batches, _ = _touched(session, after, upto)
    return {*session.scalars(select(FigureScanDay.day)), *days_of_batches(session, zone, batches)}


def note(session: Session, days: Iterable[date]) -> None:
    """Note days that are to be counted."""
    for day in sorted(set(days)):
        insert_if_missing(session, FigureScanDay, day=day)


def count(session: Session, zone: ZoneInfo, state: FigureState) -> bool:
    """Count some of the noted days; the first time, note all days that there are. The caller holds the state.

    Returns:
        Whether there is more to do.
    """
    days = list(session.scalars(select(FigureScanDay.day).order_by(FigureScanDay.day.desc()).limit(DAYS_AT_ONCE)))
    if not state.scans_whole and session.get(FigureScanDay, BEGUN) is None:
        note(session, [BEGUN, *all_days(session, zone)])  # also where entries have noted some days already
        return True
    count_days(session, zone, [one for one in days if one != BEGUN])
    session.execute(delete(FigureScanDay).where(FigureScanDay.day.in_(days)))
    more = session.scalar(select(FigureScanDay.day).limit(1)) is not None
    if not more:
        state.scans_whole = True
    return more


def count_days(session: Session, zone: ZoneInfo, days: Iterable[date]) -> None:
    """Count days anew, and add up their months."""
    wanted = sorted(days)
    for period in _runs(wanted):
        _read(session, zone, period)
        of_run = FigureScan.day.between(period.since, period.until)
        session.execute(delete(FigureScan).where(FigureScan.grain == Grain.DAY, of_run))
        _insert(session, select(word(Grain.DAY.value), *counted(session, zone, period).subquery().columns))
    for month in sorted({day.replace(day=1) for day in wanted}):
        session.execute(delete(FigureScan).where(FigureScan.grain == Grain.MONTH, FigureScan.day == month))
        _insert(session, _months(session, FigureScan.day.between(month, month_end(month))))


def _runs(days: Sequence[date]) -> list[Period]:
    """Days in order, as periods without a gap: the days of one period are counted by one statement."""
    gaps = [n for n, day in enumerate(days) if not n or day != days[n - 1] + ONE_DAY]
    return [Period(days[first], days[after - 1]) for first, after in zip(gaps, [*gaps[1:], len(days)], strict=False)]


def forget(session: Session) -> None:
    """Remove all that is counted of stations."""
    for model in (FigureScan, FigureReading, FigureScanDay):
        session.execute(delete(model))


# --- what there is


def counted(session: Session, zone: ZoneInfo, period: Period) -> Select[Any]:
    """``day``, the columns of ``DESK`` and of ``NUMBERS``: the cells of the days of a period as they must be.

    Pages count on the day on which they came. Documents, those that are joined to an ordinary letter, and what was read of the pages of these
    count on the day on which the document was made of its pages.
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


def _read(session: Session, zone: ZoneInfo, period: Period) -> None:
    """Take the numbers of the documents of a period that have texts and no numbers yet; drop those whose texts are gone."""
    gone, new = _gone(zone, period), _new(zone, period)
    for some in _some(session.scalars(gone)):
        session.execute(delete(FigureReading).where(FigureReading.attachment_id.in_(some)))
    rows = readings(zone, period).where(PageText.attachment_id.in_(new))
    session.execute(insert(FigureReading).from_select([one.name for one in table_of(FigureReading).columns], rows))


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


# --- which days


def all_days(session: Session, zone: ZoneInfo) -> list[date]:
    """Each day from the first page or scan to the last one."""
    ends = [
        session.scalar(select(end(moment)))
        for moment in (ScanPage.received_at, Scan.created_at)
        for end in (func.min, func.max)
    ]
    days = sorted(one.astimezone(zone).date() for one in ends if one is not None)
    return [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)] if days else []


def months(session: Session, zone: ZoneInfo) -> list[Period]:
    """The months in which there are pages, scans or cells, whole."""
    cells = session.execute(select(func.min(FigureScan.day), func.max(FigureScan.day))).one()
    days = [*all_days(session, zone), *(one for one in cells if one is not None)]
    firsts, first = [], min(days, default=date.max).replace(day=1)
    while days and first <= max(days):
        firsts.append(first)
        first = month_end(first) + ONE_DAY
    return [Period(one, month_end(one)) for one in firsts]


def different(session: Session, zone: ZoneInfo, period: Period) -> set[date]:
    """The days of a month that are counted otherwise than they must be, or of which a document's texts are not counted."""
    where = and_(FigureScan.grain == Grain.DAY, FigureScan.day.between(period.since, period.until))
    table = table_of(FigureScan)
    kept = select(*(table.c[name] for name in ("day", *DESK, *NUMBERS))).where(where)
    must_be = counted(session, zone, period)
    found = {row[0] for one, other in ((kept, must_be), (must_be, kept)) for row in session.execute(one.except_(other))}
    at = and_(FigureScan.grain == Grain.MONTH, FigureScan.day == period.since)
    month, sums = select(*table.columns).where(at), _months(session, where)
    if any(session.execute(one.except_(other)).first() for one, other in ((month, sums), (sums, month))):
        found.add(period.since)
    day = local_day(session, zone)(Scan.created_at)
    unread = or_(Scan.attachment_id.in_(_new(zone, period)), Scan.attachment_id.in_(_gone(zone, period)))
    return found | set(session.scalars(select(day).where(within(Scan.created_at, period, zone), unread).distinct()))


def days_of_batches(session: Session, zone: ZoneInfo, batch_ids: Iterable[int]) -> set[date]:
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
        return select(AuditEntry.subject_id).where(*span, AuditEntry.subject_kind == kind)

    batches = {one for one in session.scalars(named("scan_batch")) if one is not None}
    scans = session.scalars(select(Scan.batch_id).where(Scan.id.in_(named("scan"))))
    read = session.execute(
        select(Scan.batch_id, Scan.attachment_id).where(
            Scan.mail_id.in_(named("mail").where(AuditEntry.action.in_(READ)))
        )
    ).all()
    attachments = {one for _, one in read if one is not None}
    return batches | set(scans) | {one for one, _ in read}, attachments


def within(moment: Any, period: Period, zone: ZoneInfo) -> ColumnElement[bool]:
    """Whether a moment lies in the days of a period, in a time zone."""
    first, after = (
        datetime.combine(day, time(), tzinfo=zone).astimezone(UTC) for day in (period.since, period.until + ONE_DAY)
    )
    return and_(moment >= first, moment < after)


# --- cells


def _months(session: Session, where: ColumnElement[bool]) -> Select[Any]:
    """The cells of months as the cells of their days make them, in the columns of ``FigureScan``."""
    month = month_of(session)(FigureScan.day).label("month")
    keys = [getattr(FigureScan, name) for name in DESK]
    return (
        select(
            word(Grain.MONTH.value), month, *keys,
            *(cast(func.sum(getattr(FigureScan, name)), Integer) for name in NUMBERS),
        )
        .where(where, FigureScan.grain == Grain.DAY)
        .group_by(month, *keys)
    )  # fmt: skip


def whole(session: Session, zone: ZoneInfo, period: Period) -> Select[Any]:
    """The cells of a month and of its days as the pages, scans and readings make them: for a comparison."""
    days = counted(session, zone, period).subquery("days")
    keys = [days.c[name] for name in DESK]
    month = month_of(session)(days.c.day).label("month")
    sums = [cast(func.sum(days.c[name]), Integer) for name in NUMBERS]
    of_month = select(word(Grain.MONTH.value).label("grain"), month, *keys, *sums).group_by(month, *keys)
    return select(
        union_all(select(word(Grain.DAY.value).label("grain"), *days.columns), of_month).subquery("whole")
    ).where(true())


def _insert(session: Session, rows: Select[Any]) -> None:
    names = [one.name for one in table_of(FigureScan).columns]
    session.execute(insert(FigureScan).from_select(names, rows, include_defaults=False))


def _some(ids: Iterable[int]) -> Iterable[list[int]]:
    wanted = sorted(ids)
    return [wanted[start : start + IDS_AT_ONCE] for start in range(0, len(wanted), IDS_AT_ONCE)]
