"""Lines of reserve books that were typed at a desk while the server was away.

The bridge at the desk sends each line when the server is back, as often as it takes: a key that the desk chose makes it one.
A line that comes so is a proposal. A bridge is no person, so it registers no letter: a clerk of the register confirms each line
with the form of every day, under the clerk's own rights.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.bridges import BridgeIdentity
from ged.capture.models import Bridge
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org.tree import heirs
from ged.register.models import Register
from ged.register.numbering import number_key
from ged.register.operations import MAX_NAME, MAX_SUBJECT
from ged.reserve.models import ReserveBook, ReserveLine, ReserveTyping
from ged.reserve.operations import check_moment, kept_book, require_free
from ged.unit import SYSTEM, Actor, UnitOfWork

TYPED, DROPPED = "reserve.typed", "reserve.typing_dropped"
KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
MAX_SHORT, MAX_ADDRESSEE, MOST_ENCLOSURES = 100, 300, 9999


@dataclass(frozen=True)
class DeskLine:
    """A line as it was typed. Days and the hour are those of the desk's paper: ``2026-11-24``, ``10:20``."""

    received_on: str
    received_clock: str
    sender_name: str
    subject: str
    their_reference: str = ""
    written_on: str = ""
    enclosure_count: int = 0
    addressee: str = ""
    is_urgent: bool = False


@dataclass(frozen=True)
class Typing:
    """A proposal for a line."""

    id: int
    line_id: int
    line: DeskLine
    desk: str
    came_at: datetime

    @property
    def received_on(self) -> date:
        """The day of reception."""
        return date.fromisoformat(self.line.received_on)

    @property
    def written_on(self) -> date | None:
        """The day of the letter."""
        return date.fromisoformat(self.line.written_on) if self.line.written_on else None


def take(uow: UnitOfWork, bridge: BridgeIdentity, key: str, body: Mapping[str, Any]) -> bool:
    """Keep a line that was typed at the desk of a bridge. Returns whether it is new.

    Args:
        key: chosen at the desk, the same for each try to send this line.
        body: ``line``, the number that is printed on the line, and the fields of ``DeskLine``.

    Raises:
        Invalid: ``reserve.key``; ``reserve.key_reused``: another line came with this key; ``reserve.typed_field``: the field named
            ``name`` is missing or cannot be; as ``check_moment``.
        NotFound: ``reserve.line_unknown``: the desk's unit keeps no book with such a line.
        InvalidTransition: ``reserve.line_used``, ``reserve.line_void``; ``reserve.typed_before``: another proposal for the line waits.
    """
    if KEY.fullmatch(key) is None:
        raise Invalid("reserve.key", "use 16 to 64 letters, digits, '_' or '-'")
    session, typed = uow.session, read(body)
    text = str(body.get("line") or "")[:64]
    found = _line_of(session, bridge, text)
    known = session.scalar(select(ReserveTyping).where(ReserveTyping.key == key))
    if known is None and found is not None:
        # Of two calls with one key at once the second one waits here, and finds the first one's row.
        locks.hold_one(session, ReserveLine, found.id)
        known = session.scalar(select(ReserveTyping).where(ReserveTyping.key == key))
    if known is not None:
        if found is None or (known.line_id, known.fields) != (found.id, asdict(typed)):
            raise Invalid("reserve.key_reused", "give the line a key of its own")
        return False
    if found is None:
        raise NotFound("reserve.line_unknown", "type the number that is printed on the line", field="line")
    book = session.get_one(ReserveBook, found.book_id)
    zone = uow.services.zone
    on, clock = date.fromisoformat(typed.received_on), time.fromisoformat(typed.received_clock)
    check_moment(book, datetime.combine(on, clock, tzinfo=zone), now=uow.now, zone=zone)
    require_free(session, found)
    if (
        session.scalar(_waiting().with_only_columns(ReserveTyping.id).where(ReserveTyping.line_id == found.id))
        is not None
    ):
        raise InvalidTransition("reserve.typed_before", "compare the two", line=found.text)
    session.add(ReserveTyping(key=key, bridge_id=bridge.id, line_id=found.id, fields=asdict(typed), came_at=uow.now))
    session.flush()
    uow.record(TYPED, "reserve_book", book.id, actor=SYSTEM, bridge=bridge.id, book=book.code, line=found.text, key=key)
    return True


def read(body: Mapping[str, Any]) -> DeskLine:
    """The fields of a line, checked.

    Raises:
        Invalid: ``reserve.typed_field``.
    """
    on = _day(body, "received_on", required=True)
    clock = str(body.get("received_clock") or "")
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", clock) is None:
        raise _wrong("received_clock")
    count = body.get("enclosure_count", 0)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_ENCLOSURES:
        raise _wrong("enclosure_count")
    return DeskLine(
        received_on=on, received_clock=clock,
        sender_name=_text(body, "sender_name", MAX_NAME, required=True),
        subject=_text(body, "subject", MAX_SUBJECT, required=True),
        their_reference=_text(body, "their_reference", MAX_SHORT), written_on=_day(body, "written_on"),
        enclosure_count=count, addressee=_text(body, "addressee", MAX_ADDRESSEE), is_urgent=body.get("is_urgent") is True,
    )  # fmt: skip


def _text(body: Mapping[str, Any], name: str, most: int, *, required: bool = False) -> str:
    value = body.get(name, "")
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not isinstance(value, str) or len(text) > most or (required and not text):
        raise _wrong(name)
    return text


def _day(body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = body.get(name) or ""
    try:
        return date.fromisoformat(value).isoformat() if value or required else ""
    except (ValueError, TypeError):
        raise _wrong(name) from None


def _wrong(name: str) -> Invalid:
    return Invalid("reserve.typed_field", "correct the field", name=name)


def _line_of(session: Session, bridge: BridgeIdentity, text: str) -> ReserveLine | None:
    """The line with this number, in any spelling, in a book that the desk's unit keeps."""
    key = number_key(text)
    if not key:
        return None
    rows = session.execute(
        select(ReserveLine, Register.unit_id)
        .join(ReserveBook, ReserveBook.id == ReserveLine.book_id)
        .join(Register, Register.id == ReserveBook.register_id)
        .where(ReserveLine.text_key == key)
        .order_by(ReserveLine.id.desc())
    ).all()
    return next((line for line, unit_id in rows if bridge.unit_id in heirs(session, unit_id)), None)


def _waiting() -> Select[ReserveTyping]:
    return select(ReserveTyping).where(ReserveTyping.entered_at.is_(None), ReserveTyping.dropped_at.is_(None))


def of_book(session: Session, book_id: int, actor: Actor) -> Mapping[int, Typing]:
    """Line -> the proposal that waits for it.

    Raises:
        NotFound: as ``kept_book``.
    """
    kept_book(session, book_id, actor)
    rows = session.execute(
        _waiting()
        .join(ReserveLine, ReserveLine.id == ReserveTyping.line_id)
        .join(Bridge, Bridge.id == ReserveTyping.bridge_id)
        .add_columns(Bridge.name)
        .where(ReserveLine.book_id == book_id)
    )
    return {row.line_id: Typing(row.id, row.line_id, DeskLine(**row.fields), desk, row.came_at) for row, desk in rows}


def entered(uow: UnitOfWork, line_id: int) -> None:
    """The line was entered, by its proposal or otherwise: the proposal waits no more. The caller holds the line."""
    uow.session.execute(
        update(ReserveTyping)
        .where(ReserveTyping.line_id == line_id, ReserveTyping.entered_at.is_(None), ReserveTyping.dropped_at.is_(None))
        .values(entered_at=uow.now)
    )


def drop(uow: UnitOfWork, typing_id: int, *, actor: Actor) -> int:
    """Decide not to take a proposal; what was typed stays stored. Returns its book.

    Raises:
        NotFound: ``reserve.typing_unknown``: it waits no more, or the actor does not keep its register.
    """
    unknown = NotFound("reserve.typing_unknown", "look at the book", id=typing_id)
    row = uow.session.get(ReserveTyping, typing_id)
    line = uow.session.get(ReserveLine, row.line_id) if row is not None else None
    if row is None or line is None:
        raise unknown
    try:
        book, post = kept_book(uow.session, line.book_id, actor)
    except NotFound:
        raise unknown from None
    locks.hold_one(uow.session, ReserveLine, line.id)  # before who enters the line by it
    uow.session.refresh(row)
    if row.entered_at is not None or row.dropped_at is not None:
        raise unknown
    row.dropped_at = uow.now
    uow.session.flush()
    uow.record(DROPPED, "reserve_book", book.id, actor=actor, post=post, book=book.code, line=line.text, key=row.key)
    return book.id
