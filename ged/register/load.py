"""The mail office's part of the organisation file: registers, correspondents, filing plan."""

from sqlalchemy import select

from ged.errors import Invalid
from ged.org.file import OrganisationFile, RegisterRecord
from ged.org.load import Change, upsert
from ged.org.models import Unit
from ged.register.correspondents import fold
from ged.register.models import Correspondent, Direction, FilingClass, Register, RegisterNature
from ged.register.numbering import check_pattern
from ged.unit import UnitOfWork


def load_registry(uow: UnitOfWork, file: OrganisationFile) -> list[Change]:
    """Bring registers, correspondents and filing classes to the state of the file.

    Raises:
        Invalid: ``register.pattern``, ``organisation.field``.
    """
    changes: list[Change] = []
    registers = {r.code: r for r in uow.session.scalars(select(Register))}
    units = {u.code: u.id for u in uow.session.scalars(select(Unit))}
    for record in file.registers:
        changes += upsert(uow, registers, Register, {"code": record.code}, _register_values(record, units))
    common = select(Correspondent).where(Correspondent.entity_id.is_(None))
    correspondents = {c.folded_name: c for c in uow.session.scalars(common)}
    for c in file.correspondents:
        held = correspondents.get(fold(c.name))
        if held is not None and held.merged_into_id is not None:
            continue  # another entry stands for it, which the directory shows
        details: dict[str, object] = {
            "name": c.name, "kind": c.kind, "address": c.address, "email": c.email or "", "phone": c.phone or "",
        }  # fmt: skip
        changes += upsert(uow, correspondents, Correspondent, {"folded_name": fold(c.name)}, details)
    classes = {f.code: f for f in uow.session.scalars(select(FilingClass))}
    for record_class in file.filing_plan:
        changes += upsert(uow, classes, FilingClass, {"code": record_class.code}, {"title": record_class.title})
    return changes


def _register_values(record: RegisterRecord, units: dict[str, int]) -> dict[str, object]:
    try:
        direction, nature = Direction(record.direction), RegisterNature(record.nature)
    except ValueError as error:
        raise Invalid(
            "organisation.field", "correct this field", where=f"registers.{record.code}", detail=str(error)
        ) from None
    return {
        "name": record.name,
        "unit_id": units[record.unit],
        "direction": direction,
        "nature": nature,
        "pattern": check_pattern(record.pattern),
        "restarts_yearly": record.restarts_yearly,
    }
