"""The monthly reports as their page lists them, and the chain of their sealed files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ged import paging
from ged.errors import Forbidden, NotFound
from ged.monthly import rights
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.org import tree
from ged.org.models import Person, Unit
from ged.paging import START, Place, Slice
from ged.ports import Digest
from ged.unit import Actor


@dataclass(frozen=True)
class ReportRow:
    """One report.

    Attributes:
        month: its first day.
        made_by: empty: the program.
        last: digest of the latest sealed file; of the file without a seal while it has none.
        level: level that the seal has reached; empty without a seal.
    """

    id: int
    entity_id: int
    entity: str
    month: date
    made_at: datetime
    made_by: str
    last: Digest
    level: str


@dataclass(frozen=True)
class EntityRow:
    """An entity on which reports are made."""

    id: int
    name: str


def entities(session: Session, actor: Actor) -> list[EntityRow]:
    """The entities on which the actor may make reports, by name. A closed one, too: its last months count."""
    found = session.execute(
        select(Unit.id, Unit.name)
        .where(Unit.id.in_(sorted(rights.entities_to_make(actor))))
        .order_by(Unit.name, Unit.id)
    )
    return [EntityRow(unit_id, name) for unit_id, name in found]


def reports(session: Session, actor: Actor, at: Place = START, *, limit: int = 50) -> tuple[list[ReportRow], Slice]:
    """A page of the reports of which the actor may know, the newest first."""
    mine = select(MonthlyReport.id).where(MonthlyReport.entity_id.in_(sorted(rights.entities_to_prove(actor))))
    page = paging.read(session, mine, MonthlyReport.id, at, descending=True, limit=limit)
    rows = {row.id: row for row in _rows(session, _with_latest_revision().where(MonthlyReport.id.in_(page.ids)))}
    return [rows[one] for one in page.ids if one in rows], page


def report(session: Session, report_id: int, actor: Actor) -> ReportRow:
    """One report.

    Raises:
        NotFound: ``monthly.unknown``: there is none, or the actor may not know of it.
    """
    found = _rows(session, _with_latest_revision().where(MonthlyReport.id == report_id))
    if not found or found[0].entity_id not in rights.entities_to_prove(actor):
        raise NotFound("monthly.unknown", "choose a report of the list", id=report_id)
    return found[0]


def to_open(session: Session, report_id: int, actor: Actor) -> ReportRow:
    """A report whose content the actor may read.

    Raises:
        NotFound: ``monthly.unknown``; Forbidden: ``monthly.not_reader``.
    """
    row = report(session, report_id, actor)
    if row.entity_id not in rights.entities_to_open(actor):
        raise Forbidden("monthly.not_reader", "ask the head of the entity")
    return row


def entity_with(session: Session, code: str) -> int:
    """The entity with a code.

    Raises:
        NotFound: ``monthly.unknown_entity``.
    """
    unit_id: int | None = session.scalar(select(Unit.id).where(Unit.code == code))
    if unit_id is None or tree.entities(session)[unit_id] != unit_id:
        raise NotFound("monthly.unknown_entity", "name an entity by its code", id=code)
    return unit_id


def last_file(session: Session, report_id: int) -> Digest:
    """The digest of a report's latest file, for the command line."""
    return _rows(session, _with_latest_revision().where(MonthlyReport.id == report_id))[0].last


def issued(session: Session) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, stored revisions in order) of each sealed report: for the check of signatures."""
    rows = session.execute(
        select(MonthlyReport, MonthlyReportRevision.digest)
        .join(MonthlyReportRevision, MonthlyReportRevision.report_id == MonthlyReport.id)
        .order_by(MonthlyReport.id, MonthlyReportRevision.sequence)
    )
    for one, revisions in groupby(rows, key=lambda row: row[0]):
        label = f"report {one.entity_id} {one.month.isoformat()}"
        yield label, (Digest(one.digest), *(Digest(digest) for _, digest in revisions))


def _with_latest_revision() -> Select[MonthlyReport, str, str | None, MonthlyReportRevision | None]:
    latest = (
        select(MonthlyReportRevision.report_id, func.max(MonthlyReportRevision.sequence).label("sequence"))
        .group_by(MonthlyReportRevision.report_id)
        .subquery()
    )
    return (
        select(MonthlyReport, Unit.name, Person.name, MonthlyReportRevision)
        .join(Unit, Unit.id == MonthlyReport.entity_id)
        .outerjoin(Person, Person.id == MonthlyReport.made_by_id)
        .outerjoin(latest, latest.c.report_id == MonthlyReport.id)
        .outerjoin(
            MonthlyReportRevision,
            (MonthlyReportRevision.report_id == MonthlyReport.id)
            & (MonthlyReportRevision.sequence == latest.c.sequence),
        )
    )


def _rows(
    session: Session, query: Select[MonthlyReport, str, str | None, MonthlyReportRevision | None]
) -> list[ReportRow]:
    return [
        ReportRow(
            one.id, one.entity_id, entity, one.month, one.made_at, name or "",
            Digest(revision.digest if revision is not None else one.digest), revision.level if revision is not None else "",
        )
        for one, entity, name, revision in session.execute(query)
    ]  # fmt: skip
