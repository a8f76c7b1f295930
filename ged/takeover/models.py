"""Tables of imports: the source's own id of each imported letter, its batch, its small files, spreadsheets and folders of scans
handed in on the site."""

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


class PackedFile(Base):
    """A small file of imported letters, as a row instead of a file of the store (``ged.adapters.blobs_packed``)."""

    __tablename__ = "packed_files"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the plain bytes."""
    stored: Mapped[bytes] = mapped_column(LargeBinary)
    """What the store would hold; compressed where it is clear."""
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was sealed last."""


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


class ScanFolder(Base):
    """A folder of scans that a person sends for the letters of a register."""

    __tablename__ = "takeover_folders"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_paused: Mapped[bool] = mapped_column(Boolean, default=False)
    """A person stopped the matching; the job ends after its file."""
    is_asked: Mapped[bool] = mapped_column(Boolean, default=False)
    """A job was asked for and has not begun: another one is not needed."""


class FolderScan(Base):
    """A file of a folder. Its state follows from its columns: without ``digest`` it is on its way, without ``settled_at`` it
    waits to be matched, with a ``code`` it was refused, otherwise it is at ``mail_id``."""

    __tablename__ = "takeover_scans"
    __table_args__ = (UniqueConstraint("folder_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("takeover_folders.id"))
    name: Mapped[str] = mapped_column(String(500))
    """Its path in the folder."""
    size_bytes: Mapped[int] = mapped_column(Id)
    modified_ms: Mapped[int] = mapped_column(Id)
    """When it was changed last, in milliseconds since 1970, as the browser says: another file has another time."""
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"), index=True)
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"), index=True)
    """None with a ``mail_id``: the letter had these very bytes already."""
    code: Mapped[str] = mapped_column(String(64), default="")
    """The code of the error for which it was refused."""
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
