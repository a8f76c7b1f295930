"""The tables of acts: proposed, planned, done, refused, withdrawn or undone, each with what takes it back."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ged.db import Base, Id, UtcDateTime


class OrganisationAct(Base):
    """An act. Its state follows from its times: see ``ged.administration.states``."""

    __tablename__ = "organisation_acts"
    __table_args__ = (Index("ix_organisation_acts_planned_on", "planned_on"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    what: Mapped[str] = mapped_column(String(32))
    """The form that it comes from, such as ``unit.move``; the site has a name for each."""
    subject: Mapped[str] = mapped_column(String(64))
    """Code or account of what it is about."""
    reference: Mapped[str] = mapped_column(String(200), default="")
    """The order or decision that it carries out, as typed."""
    sheets: Mapped[dict[str, list[list[str]]]] = mapped_column(JSON)
    """Title of a sheet of the workbook -> its lines, the first one the names of the columns."""
    differences: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    """Once confirmed: see ``ged.administration.differences``."""
    consequences: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    inverse: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Once done: as ``ged.workbook.inverse`` writes it."""
    refusal: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    """Why it was refused on its day: pairs of a code and its parameters."""
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    planned_on: Mapped[date | None]
    """The day on which the job does it, if it was confirmed for a later day; later when no worker ran."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ActSubject(Base):
    """A record that a confirmed act changes: the history of a unit, a post or a person."""

    __tablename__ = "organisation_act_subjects"
    __table_args__ = (Index("ix_organisation_act_subjects_code", "kind", "code", "act_id"),)

    act_id: Mapped[int] = mapped_column(ForeignKey("organisation_acts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    """A section of ``ged.org.file``."""
    code: Mapped[str] = mapped_column(String(200), primary_key=True)


def is_planned() -> tuple[ColumnElement[bool], ...]:
    """The clauses of an act that waits for its day."""
    return (
        OrganisationAct.planned_on.is_not(None), OrganisationAct.done_at.is_(None), OrganisationAct.refused_at.is_(None),
        OrganisationAct.withdrawn_at.is_(None),
    )  # fmt: skip
