"""Taking a workbook in, in one transaction, and taking it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from ged import locks
from ged.errors import Invalid, NotFound
from ged.natures.load import load_natures
from ged.org.file import OrganisationFile
from ged.org.load import INSTALLATION_ID, Change, load_organisation
from ged.org.models import Installation
from ged.register.load import load_registry
from ged.routing.load import load_routing
from ged.signbook.load import load_signbook
from ged.unit import SYSTEM, Actor, Services, UnitOfWork
from ged.workbook import inverse
from ged.workbook.inverse import Obstacle
from ged.workbook.models import WorkbookImport

MOST_OBSTACLES = 50


@dataclass(frozen=True)
class Taken:
    """A workbook that was taken in; ``import_id`` 0: it changed nothing, and nothing is kept."""

    import_id: int
    changes: tuple[Change, ...]


def bring_to(uow: UnitOfWork, file: OrganisationFile, *, on: date) -> list[Change]:
    """Bring the organisation to the state of a file; what the file lacks stays and is reported as ``left``.

    Raises:
        Invalid: ``organisation.field``, ``register.pattern``.
    """
    return [
        *load_organisation(uow, file, on=on),
        *load_registry(uow, file),
        *load_routing(uow, file),
        *load_signbook(uow, file),
        *load_natures(uow, file),
    ]


class _Preview(Exception):
    """Rolls back what was done to see its changes."""


def preview(services: Services, file: OrganisationFile, *, now: datetime) -> tuple[Change, ...]:
    """What a workbook would change: it is taken in and rolled back.

    Raises:
        Invalid: as `bring_to`.
    """
    changes: list[Change] = []
    try:
        with services.unit_of_work(now) as uow:
            changes += bring_to(uow, file, on=now.astimezone(services.zone).date())
            raise _Preview
    except _Preview:
        return tuple(change for change in changes if change.action != "left")


def take_in(
    uow: UnitOfWork, file: OrganisationFile, *, filename: str, digest: str, on: date, actor: Actor | None = None
) -> Taken:
    """Bring the organisation to what a workbook asks for, and keep what takes it back.

    Raises:
        Invalid: as `bring_to`.
    """
    _one_at_a_time(uow)
    with inverse.recorded(uow.session) as steps:
        changes = [change for change in bring_to(uow, file, on=on) if change.action != "left"]
    if not changes:
        return Taken(0, ())
    row = WorkbookImport(
        filename=filename[-200:], digest=digest, changes=len(changes), inverse=steps, taken_at=uow.now,
        person_id=actor.person_id if actor is not None else None,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    uow.record(
        "workbook.taken_in", "organisation", None, actor=actor or SYSTEM, workbook=row.id, digest=digest,
        changes=len(changes),
    )  # fmt: skip
    return Taken(row.id, tuple(changes))


def _one_at_a_time(uow: UnitOfWork) -> None:
    """Two workbooks at once would each keep an inverse that the other makes wrong: the later one waits."""
    if uow.session.get(Installation, INSTALLATION_ID) is not None:
        locks.hold_one(uow.session, Installation, INSTALLATION_ID)


def undo(uow: UnitOfWork, import_id: int | None = None, *, actor: Actor | None = None) -> WorkbookImport:
    """Take the last workbook back, whole, or not at all.

    Args:
        import_id: that the caller saw as the last one; None: whichever is the last.

    Raises:
        NotFound: ``workbook.nothing_to_undo``.
        Invalid: ``workbook.not_last``; ``workbook.hangs``: ``params["obstacles"]`` names up to fifty rows.
    """
    last = select(func.max(WorkbookImport.id)).where(WorkbookImport.undone_at.is_(None))
    found_id = uow.session.scalar(last)
    if found_id is None:
        raise NotFound("workbook.nothing_to_undo", "no workbook was taken in")
    row = locks.hold_one(uow.session, WorkbookImport, found_id)
    if row is None or row.undone_at is not None:
        raise NotFound("workbook.nothing_to_undo", "it was taken back meanwhile")
    if import_id is not None and row.id != import_id:
        raise Invalid("workbook.not_last", "take back the later workbooks first")
    _one_at_a_time(uow)
    found = inverse.obstacles(uow.session, row.inverse)
    if found:
        raise Invalid("workbook.hangs", "take these back first", obstacles=told(found[:MOST_OBSTACLES]))
    inverse.take_back(uow.session, row.inverse)
    row.undone_at = uow.now
    uow.record("workbook.undone", "organisation", None, actor=actor or SYSTEM, workbook=row.id, changes=row.changes)
    return row


def told(found: Sequence[Obstacle]) -> tuple[str, ...]:
    """Obstacles as codes: ``table key: by count``, or ``table key: changed``."""
    return tuple(f"{one.table} {one.key}: {f'{one.by} {one.count}' if one.count else 'changed'}" for one in found)
