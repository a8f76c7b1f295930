"""Proves the reserve books: no gap, no line twice, and each used line's letter is there and cites it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from ged import taken
from ged.audit import AuditEntry, AuditPayload
from ged.register.models import MailNumber
from ged.reserve.models import ReserveBook, ReserveLine
from ged.reserve.operations import ENTERED, MOVED


def broken(session: Session) -> Iterator[tuple[str, str]]:
    """(code, place) of each fault.

    ``reserve.book_gap``: a book is missing between the first and the last of a year. ``reserve.line_gap``: a book lacks lines,
    or has more than were printed. ``reserve.line_twice``: two lines name one letter or one number, or a line is used and void.
    ``reserve.letter_missing``: a used line's number is not that of its letter, or not of the book's register.
    ``reserve.not_cited``: the journal does not say that this letter was entered from this line. ``reserve.not_used``: the
    journal says that a letter was entered from a line, and the line is not used.
    """
    if not inspect(session.connection()).has_table(ReserveBook.__tablename__):
        return  # a copy of the release before is verified as it comes back, and migrated only then
    yield from _books(session)
    yield from _lines(session)


def _books(session: Session) -> Iterator[tuple[str, str]]:
    given: dict[tuple[int, int], list[ReserveBook]] = {}
    for book in session.scalars(
        select(ReserveBook).order_by(ReserveBook.register_id, ReserveBook.year, ReserveBook.number)
    ):
        given.setdefault((book.register_id, book.year), []).append(book)
    for books in given.values():
        if [book.number for book in books] != list(range(1, len(books) + 1)):
            yield "reserve.book_gap", books[-1].code
    places: dict[int, list[int]] = {}
    for book_id, line_no in session.execute(
        select(ReserveLine.book_id, ReserveLine.line_no).order_by(ReserveLine.book_id, ReserveLine.line_no)
    ):
        places.setdefault(book_id, []).append(line_no)
    for books in given.values():
        for book in books:
            if places.get(book.id, []) != list(range(1, book.line_count + 1)):
                yield "reserve.line_gap", book.code


def _lines(session: Session) -> Iterator[tuple[str, str]]:
    rows = session.execute(
        select(ReserveLine, ReserveBook.register_id, MailNumber.mail_id, MailNumber.register_id)
        .join(ReserveBook, ReserveBook.id == ReserveLine.book_id)
        .outerjoin(MailNumber, MailNumber.id == ReserveLine.number_id)
        .where(ReserveLine.mail_id.is_not(None) | ReserveLine.number_id.is_not(None))
        .order_by(ReserveLine.id)
    ).all()
    letters, numbers = (Counter(getattr(row[0], name) for row in rows) for name in ("mail_id", "number_id"))
    said, erased = _said(session)
    for line, register_id, mail_id, numbered_in in rows:
        where = f"line {line.text} ({line.id})"
        received = "" if line.received_at is None else line.received_at.isoformat()
        if letters[line.mail_id] > 1 or numbers[line.number_id] > 1 or line.void_id is not None:
            yield "reserve.line_twice", where
        if mail_id is None or (mail_id, numbered_in) != (line.mail_id, register_id):
            yield "reserve.letter_missing", where
        elif said.get(line.text, {}).get(mail_id) != received and mail_id not in erased:
            yield "reserve.not_cited", where
    used = {(line.text, line.mail_id) for line, *_rest in rows}
    for text, letters_said in sorted(said.items()):
        last = next(reversed(letters_said))  # a line that was entered again names the later letter
        if (text, last) not in used:
            yield "reserve.not_used", f"line {text} (mail {last})"


def _said(session: Session) -> tuple[dict[str, dict[int, Any]], set[int]]:
    """What the journals say: line -> letter -> moment of reception, in the order of the entries; and the letters of which
    such an entry was erased by a decision."""
    rows = session.execute(
        select(AuditEntry.subject_id, AuditPayload.payload)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action.in_((ENTERED, MOVED)))
        .order_by(AuditEntry.sequence)
    )
    said: dict[str, dict[int, Any]] = {}
    erased = set[int]()
    for mail_id, payload in rows:
        if isinstance(payload, dict) and "reserve" in payload:
            said.setdefault(payload["reserve"], {})[mail_id or 0] = payload.get("received_at")
        else:
            erased.add(mail_id or 0)
    for _kind, mail_id, _sequence, payload in taken.payloads(session, [ENTERED, MOVED], having="reserve"):
        said.setdefault(payload["reserve"], {})[mail_id] = payload.get("received_at")
    return said, erased | taken.erased(session, ENTERED) | taken.erased(session, MOVED)
