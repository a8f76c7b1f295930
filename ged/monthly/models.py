"""Tables of the monthly reports. Rows of reports and of their revisions are written once and stay."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime, only_where
from ged.org.stock import OfEntity


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
    size_bytes: Mapped[int | None] = mapped_column(Id)
    """Of the file; None: it was stored before this column existed."""
    level: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class MonthlyWish(Base):
    """An entity whose report is made each month by itself. Without a row, it is made when somebody asks for it."""

    __tablename__ = "monthly_wishes"

    entity_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True, autoincrement=False)
    made_upto: Mapped[date]
    """The first day of the last month that asks for no report any more."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))


class MonthlyProof(Base):
    """A proof of a report's file that somebody asked for on the site. Its job has the row's id as its subject."""

    __tablename__ = "monthly_proofs"
    __table_args__ = (Index("ix_monthly_proofs_report_id", "report_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("monthly_reports.id"))
    revision: Mapped[int] = mapped_column(Integer)
    """The sequence of the sealed file that is proven; 0: the file without a seal."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What was found (``ged.monthly.proofs``); empty until then."""


class ReportTemplate(OfEntity, Base):
    """A version of the first pages of monthly reports, as an administrator wrote them, for one entity or for all.

    The last version is in use, unless it was withdrawn. All versions stay: the journal names them.
    """

    __tablename__ = "report_templates"
    __table_args__ = (
        UniqueConstraint("entity_id", "version_no"),
        # For a unique key, NULLs all differ.
        Index("uq_report_templates_common", "version_no", unique=True, **only_where("entity_id IS NULL")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    version_no: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(Text)
    """As it was typed, in the language of ``ged/templates``."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the source, which the journal names too."""
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OpenDataAct(Base):
    """Counts of letters that left as open data. Written once, and stays: each month of a ministry leaves once."""

    __tablename__ = "open_data_acts"
    __table_args__ = (UniqueConstraint("ministry_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    ministry_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    number: Mapped[int] = mapped_column(Integer)
    """From 1 in each ministry, without a gap."""
    since: Mapped[date]
    until: Mapped[date]
    """The first days of its first and its last month."""
    act_reference: Mapped[str] = mapped_column(String(200))
    """The act of the ministry that decides it, as it was typed; ``act_on``: its day."""
    act_on: Mapped[date]
    licence: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """The ZIP."""
    rows: Mapped[int] = mapped_column(Integer)
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
