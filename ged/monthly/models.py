"""Tables of the monthly reports. Rows are written once and stay."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class MonthlyReport(Base):
    """A report on a month that has ended. A month may have several: each says what the register said when it was made."""

    __tablename__ = "monthly_reports"
    __table_args__ = (Index("ix_monthly_reports_entity_id_month", "entity_id", "month"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    month: Mapped[date]
    """Its first day."""
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """Digest of the PDF/A before the seal."""
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the data that the PDF/A carries."""
    sequence: Mapped[int] = mapped_column(Id)
    """The last entry of the journal that the report counts."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """None: the program."""


class MonthlyReportRevision(Base):
    """The report's PDF/A with the institution's seal, and each later revision. Each begins with the bytes of the one before.
    Written once."""

    __tablename__ = "monthly_report_revisions"
    __table_args__ = (UniqueConstraint("report_id", "sequence"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("monthly_reports.id"))
    sequence: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    level: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
