"""Requested files that take longer to make than a request may: a job makes them, and after a time they are deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class RequestedFile(Base):
    """A requested file. Its job (kind ``EXPORT``) has the row's id as its subject.

    Attributes:
        register_id: the register whose pages it contains.
        span: of the lines, as ``ged.reports.exports`` encodes it.
        total: number of lines, counted at the request.
        digest: the ZIP, once it is made.
        shown: ids of the letters whose content is in it, packed: their access is checked again at the download.
    """

    __tablename__ = "requested_files"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    span: Mapped[dict[str, Any]] = mapped_column(JSON)
    title: Mapped[str] = mapped_column(String(300))
    total: Mapped[int] = mapped_column(Integer)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str | None] = mapped_column(String(64))
    size_bytes: Mapped[int | None] = mapped_column(Id)
    filename: Mapped[str] = mapped_column(String(200), default="")
    shown: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
