"""The table of workbooks: checked, then taken in, each with what takes it back."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class WorkbookImport(Base):
    """A workbook that somebody handed in. ``inverse``: as ``ged.workbook.inverse`` writes it."""

    __tablename__ = "workbook_imports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    filename: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The file, until it is taken in."""
    changes: Mapped[int] = mapped_column(Integer, default=0)
    inverse: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """Who handed it in; None: on the command line."""
    handed_in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
