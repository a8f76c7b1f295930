"""Acts on reserve books: a book is made, a letter is entered from a line, free lines are voided."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.org.models import Person
from ged.ports import MailId, RegisterId
from ged.register.models import Mail, MailNumber, Register, RegisterNature
from ged.register.numbering import number_key
from ged.register.rectify_entry import Changed, rectifying_post
from ged.register.registers import clerk_post
from ged.register.states import MailState
from ged.reserve import numbers, queries
from ged.reserve.models import ReserveBook, ReserveLine, ReserveVoid, line_row
from ged.resuming.models import RegisterHold
from ged.unit import Actor, HeldPost, Role, UnitOfWork

MADE, ENTERED, VOIDED, MOVED = "reserve.made", "reserve.entered", "reserve.voided", "reserve.moved"
MOMENT = "reserve_received_at"
"""The field of a rectification: the moment that is written on a line."""
MAX_REASON = 500


@dataclass(frozen=True)
class MadeBook:
    """A book that can be printed. ``is_repeated``: its form was sent before."""

    id: int
    code: str
    is_repeated: bool = False


def make_book(
    uow: UnitOfWork, register_id: RegisterId | int, *, pages: int, request_token: str | None = None, actor: Actor
) -> MadeBook:
    """Make the next book of a register of arrivals, with all its lines free.

    Args:
        pages: 1 to ``numbers.MOST_PAGES``, of ``numbers.PAGE_LINES`` lines each.
        request_token: made when the form is shown: a form sent twice makes one book.

    Raises:
        NotFound: ``register.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``register.closed``.
        Invalid: ``register.nature``, ``reserve.pages``.
    """
    session = uow.session
    if not 1 <= pages <= numbers.MOST_PAGES:
        raise Invalid("reserve.pages", "choose fewer pages", field="pages", most=numbers.MOST_PAGES)
    # Twice: here, so that nobody waits for a register of others, and under its lock, as the register may have changed hands.
    clerk_post(session, register_id, actor)
    # Of two clerks at once the second one waits here, and finds the number of the first one given.
    register = locks.hold_known(session, Register, int(register_id))
    post = clerk_post(session, register_id, actor)
    if register.nature is not RegisterNature.ARRIVAL:
        raise Invalid("register.nature", "choose a register of arrivals", field="register_id")
    if request_token:
        sent = session.scalar(select(ReserveBook).where(ReserveBook.request_token == request_token))
        if sent is not None:
            return MadeBook(sent.id, sent.code, is_repeated=True)
    year = uow.now.astimezone(uow.services.zone).year
    last = select(func.max(ReserveBook.number)).where(ReserveBook.register_id == register.id, ReserveBook.year == year)
    number = (session.scalar(last) or 0) + 1
    code = numbers.book_code(register.code, year, number, _mark(session, register.id, year, uow.services.zone))
    book = ReserveBook(
        register_id=register.id, year=year, number=number, code=code, code_key=number_key(code), page_count=pages,
        page_lines=numbers.PAGE_LINES, made_at=uow.now, made_by_id=actor.person_id or None,
        request_token=request_token or None,
    )  # fmt: skip
    session.add(book)
    session.flush()
    texts = [(n, numbers.line_number(code, n)) for n in range(1, book.line_count + 1)]
    session.execute(insert(ReserveLine), [line_row(book.id, n, text, number_key(text)) for n, text in texts])
    uow.record(
        MADE, "reserve_book", book.id, actor=actor, post=post, book=code, register=register.code, lines=book.line_count
    )
    return MadeBook(book.id, code)


def _mark(session: Session, register_id: int, year: int, zone: ZoneInfo) -> str:
    """The mark of the last restore of the year. Books that were printed between the copy and it are not known any more."""
    last: datetime | None = session.scalar(
        select(func.max(RegisterHold.restored_at)).where(RegisterHold.register_id == register_id)
    )
    on = last.astimezone(zone) if last is not None else None
    return numbers.restore_mark(on) if on is not None and on.year >= year else ""


def enter(
    uow: UnitOfWork,
    line_id: int,
    mail_id: MailId | int,
    number_id: int,
    *,
    received_at: datetime,
    actor: Actor,
) -> str:
    """Say of a letter that was just registered that it was received on this line of a book, at this moment.

    The letter and its number are new in this unit of work, so nobody else changes them. A line is used once: of two
    clerks with one line, the second is refused, and the number is not given.

    Returns:
        The line's number.

    Raises:
        NotFound: ``reserve.line_unknown``: there is none, or the actor does not keep its register.
        Invalid: ``reserve.other_register``; ``reserve.received_in_future``; ``reserve.before_book``: no line can have been
            written before its book was made; ``reserve.other_day``: it is not the letter's day of arrival.
        InvalidTransition: ``reserve.line_used``, ``reserve.line_void``.
    """
    session = uow.session
    found = session.execute(
        select(ReserveBook, MailNumber.register_id, Mail.received_on)
        .join(ReserveLine, ReserveLine.book_id == ReserveBook.id)
        .join(MailNumber, MailNumber.id == number_id)
        .join(Mail, Mail.id == MailNumber.mail_id)
        .where(ReserveLine.id == line_id, Mail.id == int(mail_id))
    ).one_or_none()
    if found is None:
        raise _unknown(line_id)
    book, register_id, received_on = found
    try:
        post = clerk_post(session, book.register_id, actor)
    except Forbidden:
        raise _unknown(line_id) from None
    zone = uow.services.zone
    if register_id != book.register_id:
        raise Invalid("reserve.other_register", "choose the book's register", field="register_id", book=book.code)
    # In UTC, as it is read back: ``checking`` compares the journal's text with that of the row.
    received_at = received_at.astimezone(UTC)
    check_moment(book, received_at, now=uow.now, zone=zone)
    if received_at.astimezone(zone).date() != received_on:
        raise Invalid("reserve.other_day", "give one day of arrival", field="received_on")
    line = locks.hold_one(session, ReserveLine, line_id)
    if line is None:
        raise _unknown(line_id)
    before = line.mail_id
    require_free(session, line)
    line.mail_id, line.number_id, line.received_at = int(mail_id), number_id, received_at
    line.entered_at, line.entered_by_id = uow.now, actor.person_id or None
    session.flush()
    uow.reindex(int(mail_id))
    uow.record(
        ENTERED, "mail", int(mail_id), actor=actor, post=post, reserve=line.text, line=line.id, number_id=number_id,
        received_at=received_at.isoformat(), **({"instead_of": before} if before is not None else {}),
    )  # fmt: skip
    return line.text


def move_moment(uow: UnitOfWork, mail: Mail, *, on: date, clock: time | None, actor: Actor) -> list[Changed]:
    """Rectify the moment at which a letter was received on a line of a book. The caller holds the letter, and enters the
    rectification: closings, prints and the letter's history then tell it as every other.

    Args:
        on: the letter's day of arrival as it is rectified.
        clock: the hour, local; None: it stays.

    Returns:
        The change; nothing where the letter was received without a book, or the moment stays.

    Raises:
        Forbidden: as ``rectifying_post``.
        Invalid: as ``check_moment``.
    """
    session, zone = uow.session, uow.services.zone
    line_id = session.scalar(select(ReserveLine.id).where(ReserveLine.mail_id == mail.id))
    if line_id is None:
        return []
    post = rectifying_post(mail, actor)
    line = locks.hold_known(session, ReserveLine, line_id)
    if line.received_at is None:  # the table's condition excludes it
        raise ValueError(f"line {line.id} is not used")
    before = line.received_at.astimezone(zone)
    after = datetime.combine(on, clock if clock is not None else before.time(), tzinfo=zone)
    if after == before:
        return []
    check_moment(session.get_one(ReserveBook, line.book_id), after, now=uow.now, zone=zone)
    line.received_at = after.astimezone(UTC)
    session.flush()
    uow.record(
        MOVED, "mail", mail.id, actor=actor, post=post, reserve=line.text, line=line.id,
        received_at=line.received_at.isoformat(), before=before.astimezone(UTC).isoformat(),
    )  # fmt: skip
    return [(MOMENT, f"{before:%d/%m/%Y %H:%M}", f"{after:%d/%m/%Y %H:%M}")]


def check_moment(book: ReserveBook, received_at: datetime, *, now: datetime, zone: ZoneInfo) -> None:
    """Refuse a moment at which nobody can have written on a book's line.

    Raises:
        Invalid: ``reserve.received_in_future``, ``reserve.before_book``, at ``received_clock``.
    """
    if received_at > now:
        raise Invalid("reserve.received_in_future", "correct the day or the hour", field="received_clock")
    if received_at < book.made_at.replace(second=0, microsecond=0):  # an hour on paper has no seconds
        made = book.made_at.astimezone(zone)
        raise Invalid(
            "reserve.before_book", "correct the day or the hour", field="received_clock", book=book.code,
            made=f"{made:%d/%m/%Y} {made:%H:%M}",
        )  # fmt: skip


def check_order(uow: UnitOfWork, line_id: int, received_at: datetime) -> None:
    """Ask where the moment of a free line is not between those of the lines around: lines are written in order, so the day is
    wrong as a rule, after midnight above all. A person who looked enters the line all the same.

    Raises:
        Invalid: as ``check_moment``; ``reserve.before_line``, ``reserve.after_line``, at ``received_clock``.
    """
    session, zone = uow.session, uow.services.zone
    line = session.get(ReserveLine, line_id)
    if line is None or line.mail_id is not None or line.void_id is not None:  # ``enter`` refuses it, or knows it
        return
    check_moment(session.get_one(ReserveBook, line.book_id), received_at, now=uow.now, zone=zone)
    before, after = queries.around(session, line.book_id, line.line_no)
    if before is not None and received_at < before.received_at:
        other, code = before, "reserve.before_line"
    elif after is not None and received_at > after.received_at:
        other, code = after, "reserve.after_line"
    else:
        return
    moment = other.received_at.astimezone(zone)
    raise Invalid(
        code, "correct the day or the hour", field="received_clock", line=other.text, moment=f"{moment:%d/%m/%Y %H:%M}"
    )


def require_free(session: Session, line: ReserveLine) -> None:
    """A line is free, or the letter that used it was voided: then it is entered again, as the rules of correction say.

    Raises:
        InvalidTransition: ``reserve.line_used``, ``reserve.line_void``.
    """
    if line.void_id is not None:
        raise InvalidTransition("reserve.line_void", "look at the book", line=line.text)
    if line.mail_id is None or session.get_one(Mail, line.mail_id).state is MailState.VOIDED:
        return
    by = session.get(Person, line.entered_by_id) if line.entered_by_id is not None else None
    number = session.get(MailNumber, line.number_id) if line.number_id is not None else None
    raise InvalidTransition(
        "reserve.line_used", "compare with the book", line=line.text, number=number.text if number is not None else "",
        by=by.name if by is not None else "",
    )  # fmt: skip


def void_lines(
    uow: UnitOfWork, book_id: int, *, first: int | None = None, last: int | None = None, reason: str, actor: Actor
) -> list[int]:
    """Void the free lines of a book, in one act, also where its register was closed meanwhile. A void is never taken back.

    Args:
        first, last: only the free lines between these, both included; None: from the first, to the last.

    Returns:
        The voided lines' places in the book.

    Raises:
        NotFound: as ``kept_book``.
        Invalid: ``reserve.void_reason``, ``form.too_long``.
        InvalidTransition: ``reserve.nothing_free``.
    """
    book, post = kept_book(uow.session, book_id, actor)
    stated = reason.strip()
    if not stated:
        raise Invalid("reserve.void_reason", "say why the lines were not used", field="reason")
    if len(stated) > MAX_REASON:
        raise Invalid("form.too_long", "shorten it", field="reason", maximum=MAX_REASON)
    # After the wait for a line PostgreSQL asks the condition again: a line that was used meanwhile is left out.
    lines = locks.hold_where(
        uow.session, ReserveLine, ReserveLine.book_id == book.id, ReserveLine.mail_id.is_(None),
        ReserveLine.void_id.is_(None), ReserveLine.line_no.between(first or 1, last or book.line_count),
    )  # fmt: skip
    if not lines:
        raise InvalidTransition("reserve.nothing_free", "look at the book", book=book.code)
    act = ReserveVoid(book_id=book.id, reason=stated, at=uow.now, by_id=actor.person_id or None)
    uow.session.add(act)
    uow.session.flush()
    for line in lines:
        line.void_id = act.id
    uow.session.flush()
    voided = [line.line_no for line in lines]
    uow.record(
        VOIDED, "reserve_book", book.id, actor=actor, post=post, book=book.code, lines=numbers.spans(voided),
        count=len(voided), void=act.id, reason=stated,
    )  # fmt: skip
    return voided


def kept_book(session: Session, book_id: int, actor: Actor) -> tuple[ReserveBook, HeldPost]:
    """A book whose register the actor keeps, open or closed, and the post through which.

    Raises:
        NotFound: ``reserve.unknown``: there is none, or the actor does not keep its register: nobody learns which books others have.
    """
    book = session.get(ReserveBook, book_id)
    unit_id = session.get_one(Register, book.register_id).unit_id if book is not None else None
    for post in actor.posts:
        if book is not None and Role.CLERK in post.roles and post.unit_id == unit_id:
            return book, post
    raise NotFound("reserve.unknown", "choose a book of the list", id=book_id)


def _unknown(line_id: int) -> NotFound:
    return NotFound("reserve.line_unknown", "choose a line of the book", id=line_id)
