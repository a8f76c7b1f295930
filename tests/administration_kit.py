"""Acts of an administrator for tests: proposed, shown and confirmed in one call."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import func, select, text

from ged.administration import operations
from ged.administration.lines import Line
from ged.administration.models import OrganisationAct
from ged.audit import AuditEntry
from ged.db import Base
from ged.jobs import Job
from ged.org.file import OrganisationFile
from ged.unit import Services
from ged.workbook import inverse
from ged.workbook.models import WorkbookImport
from tests.factories import NOW, TODAY, actor

Wanted = Callable[[OrganisationFile], list[Line]]


def propose(
    services: Services, wanted: Wanted, *, who: str = "admin", what: str = "unit.change", now: datetime = NOW
) -> int:
    """Propose an act. Returns its id."""
    with services.unit_of_work(now) as uow:
        lines = wanted(operations.current(uow.session, on=now.date()))
        return operations.propose(uow, what, "X", lines, actor=actor(services, who))


def confirm(services: Services, act_id: int, *, who: str = "admin", now: datetime = NOW, on: date | None = None) -> int:
    """Confirm an act as it is shown; ``on`` plans it."""
    me = actor(services, who)
    shown = operations.preview(services, act_id, actor=me, now=now, on=on)
    if on is not None:
        operations.plan(services, act_id, on=on, shown=shown.digest, actor=me, now=now)
        return act_id
    with services.unit_of_work(now) as uow:
        operations.confirm(uow, act_id, shown=shown.digest, actor=me)
    return act_id


def do(services: Services, wanted: Wanted, *, who: str = "admin", now: datetime = NOW) -> int:
    """Propose and confirm an act. Returns its id."""
    return confirm(services, propose(services, wanted, who=who, now=now), who=who, now=now)


def undo(services: Services, act_id: int, *, who: str = "admin", now: datetime = NOW) -> None:
    """Take an act back."""
    with services.unit_of_work(now) as uow:
        operations.undo(uow, act_id, actor=actor(services, who))


def the_act(services: Services, act_id: int) -> OrganisationAct:
    """The row of an act."""
    with services.reading() as session:
        return session.get_one(OrganisationAct, act_id)


def organisation(services: Services, *, on: date = TODAY) -> OrganisationFile:
    """The organisation as it is."""
    with services.reading() as session:
        return operations.current(session, on=on)


def dump(services: Services) -> dict[str, list[str]]:
    """Every row of every table, but the journal, the jobs, and what no undoing brings back."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in inverse.NEVER_TAKEN_BACK]
    found: dict[str, list[str]] = {table.name: [] for table in tables}
    with services.engine.connect() as connection:
        # Most tables are empty: to ask each of them for its rows was a quarter of the time of a test of an act.
        filled = connection.execute(text("SELECT " + ", ".join(f"EXISTS(SELECT 1 FROM {one})" for one in found))).one()
        for table, has_rows in zip(tables, filled, strict=True):
            if has_rows:
                found[table.name] = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
    return found


def everything(services: Services) -> tuple[object, ...]:
    """As ``dump``, and how long the journal and the list of jobs are, and which workbooks were taken in and back."""
    with services.reading() as session:
        counts = [session.scalar(select(func.count()).select_from(one)) for one in (AuditEntry, Job)]
        taken = session.execute(
            select(WorkbookImport.id, WorkbookImport.taken_at, WorkbookImport.undone_at).order_by(WorkbookImport.id)
        ).all()
    return dump(services), counts, taken
