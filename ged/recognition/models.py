"""Tables of the validity of signatures of incoming files: of waiting scans, and of letters on their arrival."""

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
    digest: Mapped[str] = mapped_column(String(64), index=True)
    verdict: Mapped[Verdict] = mapped_column(Code(Verdict))
    reports: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The time for which certificates were validated: the time of reception."""
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScanSignatureCheck(Base):
    """The report on one signed file of a waiting scan, shown until it is a letter's and has the letter's own report."""

    __tablename__ = "scan_signature_checks"
    __table_args__ = (UniqueConstraint("scan_id", "sha256"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the file's bytes, which the scan's pages name."""
    verdict: Mapped[Verdict] = mapped_column(Code(Verdict))
    reports: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)
