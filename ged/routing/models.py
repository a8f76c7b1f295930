"""Tables of routing."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ged.db import Base, Code, Id, UtcDateTime, only_true, only_where
from ged.org.models import Unit
from ged.org.stock import OfEntity, once_by_code
from ged.routing.states import AssignmentState


class Purpose(StrEnum):
    """The purpose of an assignment."""

    ACTION = "action"
    OPINION = "opinion"
    INFORMATION = "information"
    FOLLOW_UP = "follow_up"


class Mention(OfEntity, Base):
    """A mention that an authority ticks (attribution, étude et avis …)."""

    __tablename__ = "mentions"
    __table_args__ = once_by_code("mentions")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(32))
    label: Mapped[str] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(Integer, default=0)
    reminder: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """The rule of its reminders (``ged.notices.rules``); empty: the installation's."""


class Imputation(Base):
    """An authority's decision on a letter. A later one supersedes it; both stay."""

    __tablename__ = "imputations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    """The authority's post, also when its secretary acted."""
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    acted_as: Mapped[str] = mapped_column(String(32), default="holder")
    note: Mapped[str] = mapped_column(Text, default="")
    mentions: Mapped[list[str]] = mapped_column(JSON, default=list)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    prior: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The letter before the decision (``ged.routing.undoing.Before``); None: the release that wrote it kept none."""


class UndoneImputation(Base):
    """An imputation that was taken back: it no longer counts anywhere. Written once."""

    __tablename__ = "undone_imputations"

    imputation_id: Mapped[int] = mapped_column(ForeignKey("imputations.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


ENDED_AT = "coalesce(finished_at, assigned_at)"


class Assignment(Base):
    """A letter given to a unit or to a post, with an instruction and a date."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_unit_id_state", "unit_id", "state"),
        Index("ix_assignments_assigned_by_post_id_state", "assigned_by_post_id", "state"),
        # What is done of a post, and of a unit where no post is named: the latest first.
        Index("ix_assignments_post_id_ended", "post_id", text(ENDED_AT), "id"),
        Index("ix_assignments_unit_id_ended", "unit_id", text(ENDED_AT), "id", **only_where("post_id IS NULL")),
        # What a unit finished in a period, also where a post is named: with all that the loads ask of it.
        Index(
            "ix_assignments_unit_id_finished_all", "unit_id", "finished_at", "mail_id", "post_id", "state", "assigned_at", "is_under_way",
            **only_where("finished_at IS NOT NULL"),
        ),
        # What waits of a post and of a unit: few, whatever was closed since.
        Index("ix_assignments_post_id_under_way", "post_id", **only_true("is_under_way")),
        # What waits of a unit, with all that the loads and the morning's page ask of it. If the index had no "is_under_way", SQLite would
        # read each row for it.
        Index(
            "ix_assignments_unit_id_waiting", "unit_id", "mail_id", "post_id", "state", "due_on", "assigned_at", "assigned_by_post_id",
            "purpose", "is_under_way", **only_true("is_under_way"),
        ),
        # What came back to who gave it.
        Index(
            "ix_assignments_assigned_by_post_id_under_way", "assigned_by_post_id", "state", **only_true("is_under_way")
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    imputation_id: Mapped[int | None] = mapped_column(ForeignKey("imputations.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    is_leading: Mapped[bool] = mapped_column(Boolean, default=False)
    purpose: Mapped[Purpose] = mapped_column(Code(Purpose))
    mentions: Mapped[list[str]] = mapped_column(JSON, default=list)
    instruction: Mapped[str] = mapped_column(Text, default="")
    due_on: Mapped[date | None] = mapped_column(index=True)
    due_from: Mapped[date | None]
    """The origin of ``due_on``, as for a letter."""
    due_days: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[AssignmentState] = mapped_column(Code(AssignmentState), default=AssignmentState.OPEN)
    assigned_by_person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    assigned_by_post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(Text, default="")
    is_under_way: Mapped[bool] = mapped_column(Boolean, server_default=false())
    """Whether the letter is under way; kept by the database (``ged.under_way``), and never written by the program."""
    version: Mapped[int] = mapped_column(Integer)
    unit: Mapped[Unit] = relationship(lazy="joined", innerjoin=True)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class SheetOutcome(StrEnum):
    """How far the machine came with a fiche that was scanned."""

    READ = "read"
    UNKNOWN = "unknown"
    """No code of boxes that this program knows: a print of a decision, or of another program."""
    UNCLEAR = "unclear"
    """The code was read, but the sheet was not found exactly, or its page could not be drawn."""


class SheetReading(Base):
    """What the boxes of a scanned fiche de transmission say, as the machine read them. Written once; it only proposes."""

    __tablename__ = "sheet_readings"

    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id"), primary_key=True, autoincrement=False)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    scan_page_id: Mapped[int | None] = mapped_column(ForeignKey("scan_pages.id"))
    """The page that bears the boxes; None unless it was read."""
    outcome: Mapped[str] = mapped_column(String(16))
    """A ``SheetOutcome``."""
    code: Mapped[str] = mapped_column(Text, default="")
    """The text of the sheet's code of boxes (``ged.routing.sheet_form``)."""
    boxes: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Key, state, share of ink, place on the page of each box."""
    areas: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Key, whether something is written there, place on the page of each place for handwriting."""
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkingDay(Base):
    """A weekday on which people work (Monday = 0)."""

    __tablename__ = "working_days"

    weekday: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class Holiday(Base):
    """A day off. ``is_estimate``: a feast whose date the authorities announce shortly before."""

    __tablename__ = "holidays"

    on: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    is_estimate: Mapped[bool] = mapped_column(Boolean, default=False)
    is_edited: Mapped[bool] = mapped_column(Boolean, default=False)
    """Set by a person: a refill never touches it."""
    is_off: Mapped[bool] = mapped_column(Boolean, default=True)
    """False: the administrator struck it out; the row stays so that a refill does not bring it back."""
