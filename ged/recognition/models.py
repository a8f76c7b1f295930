"""Table of the validity of signatures of incoming files, on their arrival."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Code, Id, UtcDateTime
from ged.ports import Verdict


class SignatureCheck(Base):
    """The report on one signed file of an attachment, made on its arrival. Written once."""

    __tablename__ = "signature_checks"
    __table_args__ = (UniqueConstraint("attachment_id", "digest"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachments.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[Verdict] = mapped_column(Code(Verdict))
    reports: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The time for which certificates were validated: the time of reception."""
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)
