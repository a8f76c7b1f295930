"""Tables of saved searches, of the letters that an alert has reported, of pages that were read a second time, and of
notes that hands wrote in margins.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class SavedSearch(Base):
    """A search that a person keeps under a name.

    Attributes:
        query: the search: ``text``, ``filters``, ``since``, ``until``, ``sort``.
        follows: whether new letters are reported to the owner.
        checked_at: last check of the alert; None until the existing letters are stored.
        oldest_on: the oldest day that the alert checks, if it finds more letters than it stores.
        paused_at: since when the owner has no right to search (account closed, no post held).
    """

    __tablename__ = "saved_searches"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(String(100))
    query: Mapped[dict[str, Any]] = mapped_column(JSON)
    follows: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    oldest_on: Mapped[date | None] = mapped_column(Date)
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SavedFind(Base):
    """A letter found by a followed search: it is reported to the owner once."""

    __tablename__ = "saved_finds"

    saved_search_id: Mapped[int] = mapped_column(ForeignKey("saved_searches.id"), primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, index=True)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_new: Mapped[bool] = mapped_column(Boolean)
    """False: the letter existed when the alert began."""
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PageReadAgain(Base):
    """A page that the second reader has read; written once. It stands in this room, for the search reads ``others``.

    Attributes:
        first_text, first_words: the first reading, as ``PageText`` had it.
        others: words that one reader read and that are not in the text, separated by blanks.
        read_by: for each line of the text that is not empty, whose it is (``ReadBy``); empty: nothing was changed.
        problem: the code of the error for which the page was given up; it keeps its first reading.
    """

    __tablename__ = "pages_read_again"

    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), primary_key=True)
    page_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_text: Mapped[str] = mapped_column(Text)
    first_words: Mapped[list[list[Any]]] = mapped_column(JSON)
    others: Mapped[str] = mapped_column(Text)
    read_by: Mapped[list[str]] = mapped_column(JSON)
    problem: Mapped[str] = mapped_column(String(64), default="")
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MarginNote(Base):
    """A region of a page where a hand wrote, and its words as a person typed them. It stands in this room, for the search reads it.

    Attributes:
        x, y, width, height: in fractions of the upright page.
        page_ratio: height of the page, in its widths.
        text: as it was typed last; empty until somebody did.
        is_dismissed: a person said that it is no handwriting, or not worth typing.
        version: how often people changed it; 0: as the machine found it.
    """

    __tablename__ = "margin_notes"
    __table_args__ = (Index("ix_margin_notes_attachment_id_page_no", "attachment_id", "page_no"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"))
    page_no: Mapped[int] = mapped_column(Integer)
    x: Mapped[float] = mapped_column(Float)
    y: Mapped[float] = mapped_column(Float)
    width: Mapped[float] = mapped_column(Float)
    height: Mapped[float] = mapped_column(Float)
    page_ratio: Mapped[float] = mapped_column(Float)
    text: Mapped[str] = mapped_column(Text, default="")
    is_dismissed: Mapped[bool] = mapped_column(Boolean, default=False)
    version: Mapped[int] = mapped_column(Integer, default=0)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MarginNoteText(Base):
    """One version of a margin note: what a person typed or decided. Written once."""

    __tablename__ = "margin_note_texts"

    note_id: Mapped[int] = mapped_column(ForeignKey("margin_notes.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    is_dismissed: Mapped[bool] = mapped_column(Boolean)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
