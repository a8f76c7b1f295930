"""Routing's part of the organisation file: the mentions; and the first fill of the calendar."""

from sqlalchemy import select

from ged.org.file import OrganisationFile
from ged.org.load import Change, entity_ids, upsert_listed
from ged.routing import calendar_changes
from ged.routing.models import Holiday, Mention
from ged.unit import SYSTEM, UnitOfWork


def load_routing(uow: UnitOfWork, file: OrganisationFile) -> list[Change]:
    """Bring the mentions to the state of the file."""
    mentions = {(m.entity_id, m.code): m for m in uow.session.scalars(select(Mention))}
    entity = entity_ids(uow.session)
    changes: list[Change] = []
    for position, record in enumerate(file.mentions):
        values: dict[str, object] = {"label": record.label, "position": position, "reminder": record.reminder}
        changes += upsert_listed(uow, mentions, Mention, (entity[record.entity], record.code), values)
    return changes


def fill_calendar(uow: UnitOfWork, *, if_empty: bool = False) -> list[Change]:
    """Fill the holidays of this year and the next two.

    Args:
        if_empty: only where no year was ever filled: later it is an act of its own on the page of the calendar.
    """
    if if_empty and uow.session.scalar(select(Holiday.on).limit(1)) is not None:
        return []
    added = calendar_changes.fill(uow, range(uow.now.year, uow.now.year + 3), actor=SYSTEM).days
    return [Change("added", "holidays", str(uow.now.year), str(added))] if added else []
