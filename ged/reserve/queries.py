"""Reserve books and their lines, for pages, searches, closings and printed registers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.orm import Session

from ged import access
from ged.db import holds
from ged.errors import Invalid, NotFound
from ged.org.models import Person, Unit
from ged.ports import MailId, RegisterId
from ged.register.models import Mail, MailNumber, Register
from ged.register.numbering import number_key
from ged.register.queries import clerk_unit_ids
from ged.reserve.codes import read_page_code
from ged.reserve.models import ReserveBook, ReserveLine, ReserveVoid
from ged.unit import Actor

SHOWN = 100
"""Books of the list: those with free lines first, then the newest."""


class ReserveState(StrEnum):
    """The state of a line."""

    FREE = "free"
    USED = "used"
    VOID = "void"


@dataclass(frozen=True)
class BookRow:
    """A book, with the counts of its lines.

    Attributes:
        is_open: its register gives numbers.
    """

    id: int
    code: str
    register_id: RegisterId
    register: str
    unit: str
    pages: int
    page_lines: int
    made_at: datetime
    made_by: str
    used: int
    voided: int
    free: int
    is_open: bool

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.pages * self.page_lines


@dataclass(frozen=True)
class LineRow:
    """A line of a book.

    Attributes:
        mail_id: the letter, where the reader may see it.
        number: the number of the register that cites the line; ``is_voided``: it was voided, so the line may be entered again.
        by: who entered or voided it; ``at``: when.
    """

    id: int
    line_no: int
    text: str
    state: ReserveState
    mail_id: MailId | None = None
    number: str = ""
    is_voided: bool = False
    received_at: datetime | None = None
    by: str = ""
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Citation:
    """What a number of the register cites: a line of a book, and when the letter was received on it."""

    line: str
    book: str
    book_id: int
    received_at: datetime
    register_id: RegisterId


def books(session: Session, actor: Actor, *, book_id: int | None = None) -> list[BookRow]:
    """The books of the registers that the actor keeps, those with free lines first, then the newest; ``SHOWN`` at most."""
    units = clerk_unit_ids(actor)
    if not units:
        return []
    free = func.count(case((ReserveLine.mail_id.is_(None) & ReserveLine.void_id.is_(None), 1)))
    query = (
        select(
            ReserveBook, Register.name, Register.closed_at, Unit.name, Person.name, func.count(ReserveLine.mail_id),
            func.count(ReserveLine.void_id), free,
        )
        .join(ReserveLine, ReserveLine.book_id == ReserveBook.id)
        .join(Register, Register.id == ReserveBook.register_id)
        .join(Unit, Unit.id == Register.unit_id)
        .outerjoin(Person, Person.id == ReserveBook.made_by_id)
        .where(Register.unit_id.in_(sorted(units)))
        .group_by(ReserveBook.id, Register.id, Unit.id, Person.id)
        .order_by((free == 0), ReserveBook.id.desc())
        .limit(SHOWN)
    )  # fmt: skip
    if book_id is not None:
        query = query.where(ReserveBook.id == book_id)
    return [
        BookRow(
            one.id, one.code, RegisterId(one.register_id), register, unit, one.page_count, one.page_lines, one.made_at,
            by or "", used, voided, left, closed_at is None,
        )
        for one, register, closed_at, unit, by, used, voided, left in session.execute(query)
    ]  # fmt: skip


def book(session: Session, actor: Actor, book_id: int) -> BookRow:
    """One of ``books``.

    Raises:
        NotFound: ``reserve.unknown``: there is none, or the actor does not keep its register.
    """
    found = books(session, actor, book_id=book_id)
    if not found:
        raise NotFound("reserve.unknown", "choose a book of the list", id=book_id)
    return found[0]


def lines(session: Session, actor: Actor, book_id: int) -> list[LineRow]:
    """The lines of a book that the actor may open (``book``), in order."""
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    rows = session.execute(
        select(ReserveLine, MailNumber.text, MailNumber.voided_at, seen, Person.name, ReserveVoid)
        .outerjoin(MailNumber, MailNumber.id == ReserveLine.number_id)
        .outerjoin(Mail, Mail.id == ReserveLine.mail_id)
        .outerjoin(ReserveVoid, ReserveVoid.id == ReserveLine.void_id)
        .outerjoin(Person, Person.id == func.coalesce(ReserveLine.entered_by_id, ReserveVoid.by_id))
        .where(ReserveLine.book_id == book_id)
        .order_by(ReserveLine.line_no)
    )
    return [_line(line, number, voided_at, visible, by, void) for line, number, voided_at, visible, by, void in rows]


def _line(
    line: ReserveLine,
    number: str | None,
    voided_at: datetime | None,
    visible: bool,
    by: str | None,
    void: ReserveVoid | None,
) -> LineRow:
    return LineRow(
        line.id, line.line_no, line.text, state_of(line), MailId(line.mail_id) if line.mail_id and visible else None,
        number or "", voided_at is not None, line.received_at, by or "",
        void.at if void is not None else line.entered_at, void.reason if void is not None else "",
    )  # fmt: skip


def state_of(line: ReserveLine) -> ReserveState:
    """The state of a line, from what it names."""
    if line.void_id is not None:
        return ReserveState.VOID
    return ReserveState.FREE if line.mail_id is None else ReserveState.USED


def open_lines(session: Session, book_id: int) -> list[tuple[int, str]]:
    """(id, number) of each line that a letter can be entered on, in order: free ones, and those whose number was voided."""
    rows = session.execute(
        select(ReserveLine.id, ReserveLine.text)
        .outerjoin(MailNumber, MailNumber.id == ReserveLine.number_id)
        .where(ReserveLine.book_id == book_id, ReserveLine.void_id.is_(None))
        .where(ReserveLine.mail_id.is_(None) | MailNumber.voided_at.is_not(None))
        .order_by(ReserveLine.line_no)
    )
    return [(line_id, text) for line_id, text in rows]


@dataclass(frozen=True)
class LineMoment:
    """A line that was entered, and the moment of reception that is written on it."""

    text: str
    received_at: datetime


def around(session: Session, book_id: int, line_no: int) -> tuple[LineMoment | None, LineMoment | None]:
    """The nearest entered lines before and after a place in the book. Letters whose number was voided do not count: their
    lines are entered again."""
    rows = (
        select(ReserveLine.text, ReserveLine.received_at)
        .join(MailNumber, MailNumber.id == ReserveLine.number_id)
        .where(ReserveLine.book_id == book_id, ReserveLine.received_at.is_not(None), MailNumber.voided_at.is_(None))
        .limit(1)
    )
    before = session.execute(
        rows.where(ReserveLine.line_no < line_no).order_by(ReserveLine.line_no.desc())
    ).one_or_none()
    after = session.execute(rows.where(ReserveLine.line_no > line_no).order_by(ReserveLine.line_no)).one_or_none()
    return _moment(before), _moment(after)


def _moment(row: Row[str, datetime | None] | None) -> LineMoment | None:
    return LineMoment(row[0], row[1]) if row is not None and row[1] is not None else None


def typed(session: Session, actor: Actor, text: str, *, code_key: bytes) -> tuple[int, int | None]:
    """The book that is meant by its number, by the number of a line, or by the code of a page; and the line.

    Args:
        code_key: the key of the installation's codes.

    Returns:
        (book, line); no line where the book was typed. The code of a page means the first line of that page.

    Raises:
        Invalid: ``reserve.not_found``, at ``code``.
    """
    units = sorted(clerk_unit_ids(actor))
    kept = (
        select(ReserveBook.id).join(Register, Register.id == ReserveBook.register_id).where(Register.unit_id.in_(units))
    )
    page = read_page_code(text, key=code_key)
    key = number_key(page.first_line if page is not None else text)
    if not key:
        raise _not_found()
    of_key = select(ReserveLine).where(ReserveLine.text_key == key, ReserveLine.book_id.in_(kept))
    line = session.scalar(of_key.order_by(ReserveLine.id.desc()).limit(1))
    if line is not None:
        return line.book_id, line.id
    found = session.scalar(kept.where(ReserveBook.code_key == key).order_by(ReserveBook.id.desc()).limit(1))
    if found is None:
        raise _not_found()
    return found, None


def line_of_page(session: Session, first_line: str) -> ReserveLine | None:
    """The line with which a page begins, by the number that the page's code names."""
    of_key = select(ReserveLine).where(ReserveLine.text_key == number_key(first_line))
    found: ReserveLine | None = session.scalar(of_key.order_by(ReserveLine.id.desc()).limit(1))
    return found


def keeper_of(session: Session, first_line: str) -> int | None:
    """The unit that keeps the register of the book of which this page is; None where no such book is known."""
    line = line_of_page(session, first_line)
    if line is None:
        return None
    return session.scalar(
        select(Register.unit_id)
        .join(ReserveBook, ReserveBook.register_id == Register.id)
        .where(ReserveBook.id == line.book_id)
    )


def _not_found() -> Invalid:
    return Invalid("reserve.not_found", "type the number of the book, or scan the code of the page", field="code")


# --- what other rooms ask --------------------------------------------------------------------------------------------


def citations(session: Session, number_ids: Collection[int]) -> Mapping[int, Citation]:
    """Number -> the line that it cites, of those numbers that cite one."""
    if not number_ids:
        return {}
    rows = session.execute(_cited().where(ReserveLine.number_id.in_(sorted(number_ids))))
    return {number_id: _citation(line, of) for line, of, number_id in rows if number_id is not None}


def of_letter(session: Session, mail_id: MailId | int, actor: Actor) -> Citation | None:
    """The line on which a letter was received. None: it was received without a book, or the actor is no clerk where it was registered.

    Everybody else reads the line in the letter's history, so that their page asks no query for it.
    """
    mail = session.get_one(Mail, int(mail_id))  # the page has read it already
    if mail.unit_id not in clerk_unit_ids(actor):
        return None
    row = session.execute(_cited().where(ReserveLine.mail_id == int(mail_id))).one_or_none()
    return None if row is None else _citation(row[0], row[1])


def _cited() -> Select[ReserveLine, ReserveBook, int | None]:
    return select(ReserveLine, ReserveBook, ReserveLine.number_id).join(
        ReserveBook, ReserveBook.id == ReserveLine.book_id
    )


def _citation(line: ReserveLine, of: ReserveBook) -> Citation:
    received_at = line.received_at
    if received_at is None:  # the table's condition excludes it
        raise ValueError(f"line {line.id} is not used")
    return Citation(line.text, of.code, of.id, received_at, RegisterId(of.register_id))


def texts_of(session: Session, mail_ids: Collection[int]) -> Mapping[int, str]:
    """Letter -> the number of its line, of those letters that were received on one."""
    rows = session.execute(
        select(ReserveLine.mail_id, ReserveLine.text).where(ReserveLine.mail_id.in_(sorted(mail_ids)))
    )
    return {mail_id: text for mail_id, text in rows if mail_id is not None}


def letters_of(text: str) -> Select[Any]:
    """SQL: the letter that was received on a line with this number, in any spelling."""
    return select(ReserveLine.mail_id).where(ReserveLine.text_key == number_key(text), ReserveLine.mail_id.is_not(None))


def letters_with(word: str) -> Select[Any]:
    """SQL: the letters that were received on lines whose number has this word."""
    return select(ReserveLine.mail_id).where(holds(ReserveLine.text, word), ReserveLine.mail_id.is_not(None))


@dataclass(frozen=True)
class BookAt:
    """A book at the end of a day: the places of its lines by state."""

    code: str
    lines: int
    used: tuple[int, ...]
    voided: tuple[int, ...]
    free: tuple[int, ...]


def books_at(session: Session, register_id: int, year: int, zone: ZoneInfo) -> list[BookAt]:
    """The books that a year of a register has to name, as they were at its end: those that were made in the year, and
    earlier ones of which a line was used or voided in it, or was free at its end.

    What is done after the year changes nothing in it: a line counts as used by the day of the number that cites it.
    """
    first, end = date(year, 1, 1), date(year, 12, 31)
    after = datetime.combine(end + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    rows = session.execute(
        select(ReserveBook, ReserveLine.line_no, MailNumber.registered_on, ReserveVoid.at)
        .join(ReserveLine, ReserveLine.book_id == ReserveBook.id)
        .outerjoin(MailNumber, MailNumber.id == ReserveLine.number_id)
        .outerjoin(ReserveVoid, ReserveVoid.id == ReserveLine.void_id)
        .where(ReserveBook.register_id == register_id, ReserveBook.made_at < after)
        .order_by(ReserveBook.year, ReserveBook.number, ReserveLine.line_no)
    )
    found: dict[int, tuple[ReserveBook, dict[str, list[int]], list[bool]]] = {}
    for one, line_no, used_on, voided_at in rows:
        _, places, touched = found.setdefault(one.id, (one, {"used": [], "voided": [], "free": []}, []))
        voided_on = voided_at.astimezone(zone).date() if voided_at is not None else None
        if used_on is not None and used_on <= end:
            places["used"].append(line_no)
            touched.append(used_on >= first)
        elif voided_on is not None and voided_on <= end:
            places["voided"].append(line_no)
            touched.append(voided_on >= first)
        else:
            places["free"].append(line_no)
            touched.append(True)
    return [
        BookAt(one.code, one.line_count, tuple(places["used"]), tuple(places["voided"]), tuple(places["free"]))
        for one, places, touched in found.values()
        if one.year == year or any(touched)
    ]
