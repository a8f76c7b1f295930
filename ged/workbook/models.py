"""The table of workbooks that were taken in, each with what takes it back."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class WorkbookImport(Base):
    """A workbook that was taken in. ``inverse``: as ``ged.workbook.inverse`` writes it."""

    __tablename__ = "workbook_imports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    filename: Mapped[str] = mapped_column(String(200), default="")
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file."""
    changes: Mapped[int] = mapped_column(Integer)
    inverse: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """Who took it in; None: on the command line."""
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
