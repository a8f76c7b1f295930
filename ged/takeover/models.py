"""Tables of imports: the source's own id of each imported letter, its batch, and files handed in on the site."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class TakeoverBatch(Base):
    """Letters imported in one transaction, which one job indexes."""

    __tablename__ = "takeover_batches"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), index=True)
    source: Mapped[str] = mapped_column(String(200))
    """Name of the imported file."""
    first_line: Mapped[int] = mapped_column(Integer)
    last_line: Mapped[int] = mapped_column(Integer)
    letters: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TakenLetter(Base):
    """An imported letter. Its own id is unique in a register, so that a restarted import resumes."""

    __tablename__ = "taken_letters"
    __table_args__ = (UniqueConstraint("register_id", "own_id"),)

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, autoincrement=False)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    own_id: Mapped[str] = mapped_column(String(200))
    batch_id: Mapped[int] = mapped_column(ForeignKey("takeover_batches.id"), index=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the line's content: the same id with other content is another letter."""


class TakeoverFile(Base):
    """A register kept as a spreadsheet, handed in to be taken over. Its state follows from its times."""

    __tablename__ = "takeover_files"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    filename: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The file, for some weeks."""
    sheet: Mapped[str] = mapped_column(String(200))
    head_row: Mapped[int] = mapped_column(Integer)
    """The line with the names of the columns, from 1."""
    columns: Mapped[list[str]] = mapped_column(JSON)
    """The field of a letter that each column holds; an empty text: none."""
    names: Mapped[list[str]] = mapped_column(JSON)
    """The names of the columns, folded: the next file of the register is read in the same way."""
    handed_in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_paused: Mapped[bool] = mapped_column(Boolean, default=False)
    """A person stopped the taking in; the job ends after its piece."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    total: Mapped[int] = mapped_column(Integer, default=0)
    """Lines with something in them, below the names of the columns."""
    read: Mapped[int] = mapped_column(Integer, default=0)
    taken: Mapped[int] = mapped_column(Integer, default=0)
    """Lines whose letters are in the register, from this file or an earlier one."""
    refusals: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    """Lines that were refused: (row, column from 1 or 0 for the whole line, code, parameters)."""
