"""Tables of Word letters: the pages that a job made, and the templates of an entity. What people write is in the drafts' versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime, only_where
from ged.org.stock import OfEntity


class WordPages(Base):
    """Pages made of a Word file with these texts in its fields (``WordSheets.key``), or why they could not be made."""

    __tablename__ = "word_pages"

    mail_id: Mapped[int] = mapped_column(ForeignKey("drafts.mail_id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    pdf: Mapped[str] = mapped_column(String(64), default="")
    """The blob. The sweep may take it after a day: it is then made again. Pages that a circuit reads are an attachment."""
    sizes: Mapped[list[list[float]]] = mapped_column(JSON, default=list)
    places: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    failure: Mapped[str] = mapped_column(String(64), default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WordTemplate(OfEntity, Base):
    """A version of a Word template that an administrator uploaded, for one entity or for all.

    The last version of a name is offered, unless it was withdrawn. All versions stay: the journal names them.
    """

    __tablename__ = "word_templates"
    __table_args__ = (
        UniqueConstraint("entity_id", "name", "version_no"),
        # For a unique key, NULLs all differ.
        Index("uq_word_templates_common", "name", "version_no", unique=True, **only_where("entity_id IS NULL")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    version_no: Mapped[int] = mapped_column(Integer)
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file, which the journal names too."""
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """The file. It is no blob: the sweep of the release before takes blobs that no table it knows refers to."""
    filename: Mapped[str] = mapped_column(String(200))
    size_bytes: Mapped[int] = mapped_column(Id)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
