"""Table of the pages that a job made of Word files. What people edit is in the drafts' versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, UtcDateTime


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
