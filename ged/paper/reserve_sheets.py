"""Scanned pages of reserve books: what they say of each line, as a help to enter it; and the pages kept as proof.

The machine says on which lines something is written, and shows their cells. A person types what is written there. The page
becomes a proof in the unit of work that enters its first line, or when the clerk keeps it. Who keeps the book's register
sees its pages, whichever desk scanned them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from ged import access, locks
from ged.capture import turns
from ged.capture.intake import VIRUS
from ged.capture.models import BOOK_ELSEWHERE, BOOK_PAGE, Scan, ScanPage, ScanState
from ged.errors import InvalidTransition, NotFound
from ged.ports import BoxState, Confidentiality, Digest, MailId, Quad
from ged.register.documents import PictureSource
from ged.register.models import Mail
from ged.reserve import queries
from ged.reserve.models import ReserveLine, ReserveSheet
from ged.reserve.operations import kept_book
from ged.reserve.page_form import CELLS, PAGE, ROW, LineSaid, is_urgent, said_of_page
from ged.reserve.queries import Citation, LineRow
from ged.unit import Actor, UnitOfWork

KEPT = "reserve.sheet_kept"
MOST_SHEETS, MOST_OTHERS = 200, 5
"""Scans of a book that are looked at, the latest; and those that are told beside the one that is shown: whoever scans a page a
thousand times keeps nobody from entering its lines."""
_WHOLE: Quad = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class SheetRow:
    """A scanned page of a book. ``first``, ``last``: places of its lines; ``is_read``: its boxes and cells were found."""

    scan_id: int
    version: int
    first: int
    last: int
    is_kept: bool
    is_read: bool


@dataclass(frozen=True)
class SheetLine:
    """What the scanned pages say of a line.

    Attributes:
        scan_id: the latest scan of its page.
        place: the line's place on the page, from 1.
        urgent: the box « urgent »; None: a person has to look.
        has_cells: whether its cells were found; else the whole page is shown.
        others: other scans on which the line is not empty: another printed copy of the page may bear another letter.
    """

    line_no: int
    scan_id: int
    place: int
    said: LineSaid
    urgent: bool | None
    has_cells: bool
    others: tuple[int, ...] = ()


def of_book(session: Session, book_id: int, actor: Actor) -> list[SheetRow]:
    """The scanned pages of a book, the latest first.

    Raises:
        NotFound: as ``kept_book``.
    """
    kept_book(session, book_id, actor)
    return [
        SheetRow(
            scan.id, scan.version, sheet.first_line, sheet.first_line + sheet.line_count - 1,
            sheet.kept_at is not None, bool(sheet.areas),
        )
        for sheet, scan in session.execute(_sheets(ReserveSheet.book_id == book_id)).all()
    ]  # fmt: skip


def lines_of(session: Session, book_id: int, actor: Actor) -> Mapping[int, SheetLine]:
    """Place in the book -> what the scanned pages say of the line; nothing of lines whose page was not scanned.

    Raises:
        NotFound: as ``kept_book``.
    """
    kept_book(session, book_id, actor)
    found: dict[int, list[SheetLine]] = {}
    for sheet, _scan in session.execute(_sheets(ReserveSheet.book_id == book_id)).all():
        for line in _lines(sheet):
            found.setdefault(line.line_no, []).append(line)
    return {line_no: _agreed(scans) for line_no, scans in found.items()}


def _sheets(which: ColumnElement[bool]) -> Select[ReserveSheet, Scan]:
    """Pages that wait, or that are kept, the latest first. A page that a clerk discarded or joined to a letter says nothing."""
    waits = and_(Scan.state == ScanState.WAITING, Scan.note.in_((BOOK_PAGE, BOOK_ELSEWHERE)))
    return (
        select(ReserveSheet, Scan)
        .join(Scan, Scan.id == ReserveSheet.scan_id)
        .where(which, or_(waits, ReserveSheet.kept_at.is_not(None)))
        .order_by(Scan.id.desc())
        .limit(MOST_SHEETS)
    )


def _lines(sheet: ReserveSheet) -> list[SheetLine]:
    boxes = {str(key): BoxState(state) for key, state, *_ in sheet.boxes}
    ink = {str(key): bool(has_ink) for key, has_ink, *_ in sheet.areas}
    return [
        SheetLine(sheet.first_line + n - 1, sheet.scan_id, n, one, is_urgent(boxes, n), f"{ROW}:{n}" in ink)
        for n, one in enumerate(said_of_page(boxes, ink, sheet.line_count), start=1)
    ]


def _agreed(scans: Sequence[SheetLine]) -> SheetLine:
    """The line by all its scans: the latest one that could be read counts. It is asked where this one takes back what an earlier one
    says, and where it shows nothing and a later one could not be read."""
    read = [one for one in scans if one.has_cells] or scans
    latest, *earlier = read
    others = [one for one in scans if one is not latest]
    before = {one.said for one in earlier} - {LineSaid.ASKED, latest.said}
    is_empty = latest.said is LineSaid.EMPTY
    vanished = is_empty and (before or scans[0] is not latest)
    revived = latest.said is LineSaid.WRITTEN and LineSaid.VOID in before
    return SheetLine(
        latest.line_no, latest.scan_id, latest.place, LineSaid.ASKED if vanished or revived else latest.said, latest.urgent,
        latest.has_cells, tuple(one.scan_id for one in others if one.said is not LineSaid.EMPTY)[:MOST_OTHERS],
    )  # fmt: skip


def to_type(rows: Sequence[LineRow], found: Mapping[int, SheetLine]) -> list[LineRow]:
    """The free lines on which something is written, or may be: those that are not surely empty. A line that is ticked as spoiled
    is among them, because a long word may run through its box: a person voids it."""
    return [
        row for row in rows
        if row.state is queries.ReserveState.FREE and (row.line_no not in found or found[row.line_no].said is not LineSaid.EMPTY)
    ]  # fmt: skip


def sheet(session: Session, scan_id: int, actor: Actor) -> tuple[int, SheetRow]:
    """A scanned page and the id of its book.

    Raises:
        NotFound: ``reserve.sheet_unknown``: there is none, or the actor does not keep its register.
    """
    row = session.execute(_sheets(ReserveSheet.scan_id == scan_id)).one_or_none()
    if row is None:
        raise _unknown(scan_id)
    found, _scan = row
    _require(session, found, actor)
    return found.book_id, next(one for one in of_book(session, found.book_id, actor) if one.scan_id == scan_id)


def _require(session: Session, found: ReserveSheet, actor: Actor) -> None:
    try:
        kept_book(session, found.book_id, actor)
    except NotFound:
        raise _unknown(found.scan_id) from None


@dataclass(frozen=True)
class LetterLine:
    """The line of a letter: what cites it, and the kept page on which it is written (its scan, the line's place on it)."""

    cited: Citation
    scan_id: int | None = None
    place: int = 0


def of_letter(session: Session, mail_id: MailId | int, actor: Actor) -> LetterLine | None:
    """The line on which a letter was received, as ``ged.reserve.queries.of_letter``, with its scanned page."""
    cited = queries.of_letter(session, mail_id, actor)
    if cited is None:
        return None
    row = session.execute(
        select(ReserveSheet.scan_id, ReserveLine.line_no - ReserveSheet.first_line + 1, ReserveSheet.areas)
        .join(ReserveLine, ReserveLine.book_id == ReserveSheet.book_id)
        .where(ReserveLine.mail_id == int(mail_id), ReserveSheet.kept_at.is_not(None))
        .where(ReserveLine.line_no >= ReserveSheet.first_line)
        .where(ReserveLine.line_no < ReserveSheet.first_line + ReserveSheet.line_count)
        .order_by(ReserveSheet.scan_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return LetterLine(cited)
    scan_id, place, areas = row
    return LetterLine(cited, scan_id, place if areas else 0)


# --- the page as a proof -----------------------------------------------------------------------------------------------


def hold_of_line(uow: UnitOfWork, line_id: int) -> list[int]:
    """Lock the waiting pages that show a line, before the letter of which they become the proof. Returns their scans."""
    line = uow.session.get(ReserveLine, line_id)
    if line is None:
        return []
    rows = uow.session.execute(
        _sheets(and_(ReserveSheet.book_id == line.book_id, ReserveSheet.kept_at.is_(None)))
    ).all()
    scan_ids = [
        found.scan_id for found, _scan in rows if 0 <= line.line_no - found.first_line < found.line_count
    ]  # fmt: skip
    locks.hold(uow.session, Scan, scan_ids)
    return scan_ids


def keep(uow: UnitOfWork, scan_ids: Sequence[int], *, actor: Actor) -> None:
    """Keep pages as proof; the caller holds their scans. What was put away meanwhile stays as it is."""
    # Read anew: another clerk may have kept the page while this one waited for the lock.
    kept = _sheets(ReserveSheet.scan_id.in_(sorted(scan_ids))).execution_options(populate_existing=True)
    for found, scan in uow.session.execute(kept).all():
        book, post = kept_book(uow.session, found.book_id, actor)
        if found.kept_at is not None:
            continue
        found.kept_at, found.kept_by_id = uow.now, actor.person_id or None
        scan.state, scan.note = ScanState.JOINED, ""
        turns.leave(uow, scan.id)
        uow.record(
            KEPT, "reserve_book", book.id, actor=actor, post=post, book=book.code, scan=scan.id,
            first_line=found.first_line, lines=found.line_count,
        )  # fmt: skip


def keep_one(uow: UnitOfWork, scan_id: int, *, actor: Actor) -> int:
    """Keep a page of which no line is to be entered any more. Returns its book.

    Raises:
        NotFound: as ``sheet``.
        InvalidTransition: ``reserve.lines_left``: something may be written on a line that is still free.
    """
    book_id, row = sheet(uow.session, scan_id, actor)
    locks.hold(uow.session, Scan, [scan_id])
    mine = {
        line_no: one
        for line_no, one in lines_of(uow.session, book_id, actor).items()
        if row.first <= line_no <= row.last
    }
    rows = [one for one in queries.lines(uow.session, actor, book_id) if one.line_no in mine]
    left = to_type(rows, mine)
    if left:
        raise InvalidTransition("reserve.lines_left", "enter them first", lines=", ".join(one.text for one in left))
    keep(uow, [scan_id], actor=actor)
    return book_id


# --- pictures ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a page to draw. ``confidential``: RESTRICTED and SECRET letters of which it shows the lines."""

    picture: PictureSource
    place: Quad
    confidential: tuple[int, ...]


def part(session: Session, scan_id: int, name: str, actor: Actor) -> Part:
    """The picture of a part of a page: a cell (``sender:3``), a line (``row:3``), or the whole (``page``).

    Raises:
        NotFound: as ``sheet``; ``paper.unknown``: it has no such part, or a line of it is of a letter that the actor may not see.
    """
    sheet(session, scan_id, actor)
    found = session.get_one(ReserveSheet, scan_id)
    page = session.get_one(ScanPage, found.scan_page_id)
    places = {str(key): place for key, *_, place in found.areas}
    unknown = NotFound("paper.unknown", "reload the page", id=scan_id)
    if page.problem == VIRUS or (name != PAGE and name not in places):
        raise unknown
    kind, _, place = name.partition(":")
    shown = range(found.first_line, found.first_line + found.line_count)
    if name != PAGE:
        shown = range(found.first_line + int(place) - 1, found.first_line + int(place))
    letters = session.execute(
        select(Mail.id, Mail.level, access.visible_clause(Mail.id, Mail.level, actor.principals))
        .join(ReserveLine, ReserveLine.mail_id == Mail.id)
        .where(ReserveLine.book_id == found.book_id, ReserveLine.line_no.between(shown.start, shown.stop - 1))
    ).all()
    if not all(may_see for _id, _level, may_see in letters):
        raise unknown
    confidential = tuple(mail_id for mail_id, level, _ in letters if level >= Confidentiality.RESTRICTED)
    picture = PictureSource(None, Digest(page.digest), page.media_type, page.page_index, 0)
    if name == PAGE:
        return Part(picture, _WHOLE, confidential)
    one, two, three, four = ((float(x), float(y)) for x, y in places[name])
    # What was written over the line of a cell is shown too.
    quad = _wider((one, two, three, four)) if kind in CELLS else (one, two, three, four)
    return Part(picture, quad, confidential)


def _wider(quad: Quad, *, by: float = 0.12) -> Quad:
    """A place with a rim around, of a share of its height."""
    (ax, ay), (bx, by_), (cx, cy), (dx, dy) = quad
    down = ((dx - ax) * by, (dy - ay) * by)
    wide, high = ((bx - ax) ** 2 + (by_ - ay) ** 2) ** 0.5, ((dx - ax) ** 2 + (dy - ay) ** 2) ** 0.5
    share = by * high / wide if wide else 0.0
    along = ((bx - ax) * share, (by_ - ay) * share)
    return (
        (ax - along[0] - down[0], ay - along[1] - down[1]),
        (bx + along[0] - down[0], by_ + along[1] - down[1]),
        (cx + along[0] + down[0], cy + along[1] + down[1]),
        (dx - along[0] + down[0], dy - along[1] + down[1]),
    )


def _unknown(scan_id: int) -> NotFound:
    return NotFound("reserve.sheet_unknown", "choose a page of the book", id=scan_id)
