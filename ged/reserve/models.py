"""Tables of the reserve books."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime, only_where


class ReserveBook(Base):
    """A printed book of a register. Written once."""

    __tablename__ = "reserve_books"
    __table_args__ = (
        UniqueConstraint("register_id", "year", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("page_count > 0 AND page_lines > 0", name="pages"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    year: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    """The books of a register and year are numbered from 1, without a gap."""
    code: Mapped[str] = mapped_column(String(64), index=True)
    """The number as it is printed (``numbers.book_code``)."""
    code_key: Mapped[str] = mapped_column(String(128), index=True)
    """``number_key`` of the code."""
    page_count: Mapped[int] = mapped_column(Integer)
    page_lines: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    request_token: Mapped[str | None] = mapped_column(String(43), unique=True)
    """Token of the form that asked for the book: a form sent twice makes one book."""

    @property
    def line_count(self) -> int:
        """How many lines it has, numbered from 1."""
        return self.page_count * self.page_lines


class ReserveVoid(Base):
    """An act that voids free lines of a book. Written once."""

    __tablename__ = "reserve_voids"
    __table_args__ = (CheckConstraint("reason <> ''", name="reason"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("reserve_books.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class ReserveLine(Base):
    """A line of a book: free, used by a letter, or void; never two of them. Never deleted.

    A line is used once. Only where the letter itself was voided, the line may be entered again: for another letter.
    """

    __tablename__ = "reserve_lines"
    __table_args__ = (
        UniqueConstraint("book_id", "line_no"),
        UniqueConstraint("mail_id"),
        UniqueConstraint("number_id"),
        CheckConstraint("mail_id IS NULL OR void_id IS NULL", name="used_or_void"),
        CheckConstraint(
            "(mail_id IS NULL) = (number_id IS NULL) AND (mail_id IS NULL) = (received_at IS NULL) "
            "AND (mail_id IS NULL) = (entered_at IS NULL)",
            name="used_wholly",
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("reserve_books.id"))
    line_no: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(String(64))
    """The number as it is printed (``numbers.line_number``)."""
    text_key: Mapped[str] = mapped_column(String(128), index=True)
    """``number_key`` of the text."""
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"))
    number_id: Mapped[int | None] = mapped_column(ForeignKey("mail_numbers.id"))
    """The number of the register that cites this line."""
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the letter was received, as it is written on the line."""
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    void_id: Mapped[int | None] = mapped_column(ForeignKey("reserve_voids.id"), index=True)


class ReserveSheet(Base):
    """A scanned page of a book, as the machine read it. It only proposes; nothing of the reading is written a second time.

    Once the page is kept as a proof (``kept_at``), its scan waits no more.
    """

    __tablename__ = "reserve_sheets"

    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), primary_key=True, autoincrement=False)
    scan_page_id: Mapped[int] = mapped_column(ForeignKey("scan_pages.id"))
    book_id: Mapped[int] = mapped_column(ForeignKey("reserve_books.id"), index=True)
    first_line: Mapped[int] = mapped_column(Integer)
    """Place in the book of the page's first line."""
    line_count: Mapped[int] = mapped_column(Integer)
    boxes: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Key, state, share of ink, corners of each box; nothing where the page has none, or they were not found."""
    areas: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Key, whether it has ink, corners of each cell and line."""
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kept_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kept_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class ReserveTyping(Base):
    """A line that was typed at a desk while the server was away. It proposes, until a clerk enters the line; never deleted."""

    __tablename__ = "reserve_typings"
    __table_args__ = (
        Index(
            "ix_reserve_typings_waiting",
            "line_id",
            unique=True,
            **only_where("entered_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """Chosen at the desk: what is sent twice is stored once."""
    bridge_id: Mapped[int] = mapped_column(ForeignKey("bridges.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("reserve_lines.id"))
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What was typed, checked, by the names of ``ged.paper.reserve_typed.DeskLine``."""
    came_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """A clerk decided not to take it."""


def line_row(book_id: int, line_no: int, text: str, key: str) -> dict[str, Any]:
    """The values of a free line."""
    return {"book_id": book_id, "line_no": line_no, "text": text, "text_key": key}
