"""The delivery book (cahier de transmission): the slips of a day and a messenger, with room for each discharge."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from ged.errors import Invalid
from ged.org.models import Unit
from ged.ports import UnitId
from ged.slips import queries, render
from ged.slips.models import ReceiptWay, Slip
from ged.slips.render import BookRow
from ged.unit import Actor, Services


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
        slips = queries.handed_on(session, actor, unit_id=unit_id, day=day, zone=zone, messenger=messenger)
        if not slips:
            raise Invalid("slip.book_empty", "choose a day and a messenger with slips", field="messenger")
        head = render.letterhead(session, services, session.get_one(Unit, int(unit_id)))
        rows = [_row(slip, zone) for slip in slips]
    return render.delivery_book(head, day, messenger, rows, at=now)


def _row(slip: Slip, zone: ZoneInfo) -> BookRow:
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
