"""The delivery book (cahier de transmission): the slips of a day and a messenger, with room for each discharge."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.errors import Invalid, NotFound
from ged.letterhead import letterhead
from ged.ports import UnitId
from ged.slips import parties, render
from ged.slips.models import ReceiptWay, Slip
from ged.slips.render import BookRow
from ged.slips.states import SlipState
from ged.unit import Actor, Services


def handed_on(
    session: Session, actor: Actor, *, unit_id: UnitId | int, day: date, zone: ZoneInfo, messenger: str = ""
) -> list[Slip]:
    """Slips of a unit handed to a messenger on a local day, in order. Returns ORM rows: only for the delivery book.

    Raises:
        NotFound: ``unit.unknown``.
    """
    if int(unit_id) not in parties.units_seen(actor):
        raise NotFound("unit.unknown", "choose a unit of yours", id=int(unit_id), refused=True)
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    # Within one zone Python adds by the wall clock: a day of 23 or 25 hours is whole too.
    after = start + timedelta(days=1)
    wanted = select(Slip).where(
        Slip.sender_unit_id == int(unit_id), Slip.handed_at >= start, Slip.handed_at < after,
        Slip.state != SlipState.VOIDED,
    )  # fmt: skip
    if messenger:
        wanted = wanted.where(Slip.messenger == messenger)
    return list(session.scalars(wanted.order_by(Slip.messenger, Slip.handed_at, Slip.id)).unique())


def messengers_on(
    session: Session, actor: Actor, *, unit_id: UnitId | int, day: date, zone: ZoneInfo
) -> list[tuple[str, int]]:
    """The messengers of a day with the number of slips each carries.

    Raises:
        NotFound: ``unit.unknown``.
    """
    counts: dict[str, int] = {}
    for slip in handed_on(session, actor, unit_id=unit_id, day=day, zone=zone):
        counts[slip.messenger] = counts.get(slip.messenger, 0) + 1
    return sorted(counts.items())


def delivery_book_pdf(
    services: Services, *, unit_id: UnitId | int, day: date, messenger: str, actor: Actor, now: datetime
) -> bytes:
    """The book of a messenger on a day. Slips received meanwhile show who received them.

    Raises:
        NotFound: ``unit.unknown``.
        Invalid: ``slip.book_empty``.
    """
    zone = services.zone
    with services.reading() as session:
        slips = handed_on(session, actor, unit_id=unit_id, day=day, zone=zone, messenger=messenger)
        if not slips:
            raise Invalid("slip.book_empty", "choose a day and a messenger with slips", field="messenger")
        head = letterhead(session, int(unit_id), country=services.country)
        rows = [_book_row(slip, zone) for slip in slips]
    return render.delivery_book(head, day, messenger, rows, at=now)


def _book_row(slip: Slip, zone: ZoneInfo) -> BookRow:
    row = BookRow(
        number=slip.number_text,
        handed_at=render.clock(slip.handed_at, zone) if slip.handed_at else "",
        to=slip.receiver_unit.name,
        count=sum(line.count for line in slip.lines),
    )
    receipt = slip.receipt
    if receipt is None or receipt.signed_at is None:
        return row
    manner = "Signé électroniquement" if receipt.way is ReceiptWay.DIGITAL else "Bordereau signé à la main"
    name = ", ".join(text for text in (receipt.name, receipt.capacity or receipt.title) if text)
    return BookRow(row.number, row.handed_at, row.to, row.count, name, render.moment(receipt.received_at, zone), manner)
