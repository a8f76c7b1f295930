"""What a workbook may say and an act of a screen may not: nothing open stands under, or in, a closed unit. Pure."""

from collections.abc import Iterator, Sequence

from ged.administration.differences import Difference
from ged.errors import Invalid
from ged.org.file import OrganisationFile, UnitRecord


def unfit(wanted: OrganisationFile, found: Sequence[Difference]) -> tuple[Invalid, ...]:
    """Why the organisation that an act leads to is refused, told of the records that it changes.

    The codes: ``act.top``, ``act.units_below``, ``act.posts_within``, ``act.registers_within``, ``act.closed_parent``,
    ``act.closed_unit``.
    """
    units = {unit.code: unit for unit in wanted.units}
    refusals: list[Invalid] = []
    for code in dict.fromkeys(one.code for one in found if one.kind == "units" and one.field == "closed" and one.after):
        refusals += _left_behind(wanted, units[code])
    for one in found:
        place = units.get(str(one.after)) if one.field in PLACES else None
        if place is not None and place.closed and not _is_closed(one, units):
            kind = "act.closed_parent" if one.kind == "units" else "act.closed_unit"
            refusals.append(Invalid(kind, "choose an open unit", field=one.field, unit=place.name))
    return tuple(refusals)


PLACES = frozenset({"parent", "unit"})
"""Fields that place a record in a unit."""


def _is_closed(one: Difference, units: dict[str, UnitRecord]) -> bool:
    return one.kind == "units" and units[one.code].closed


def _left_behind(wanted: OrganisationFile, unit: UnitRecord) -> Iterator[Invalid]:
    if unit.parent is None:
        yield Invalid("act.top", "close the units below it instead", unit=unit.name)
    below = [one.name for one in wanted.units if one.parent == unit.code and not one.closed]
    if below:
        yield Invalid("act.units_below", "move them first", units=", ".join(below[:3]), count=len(below))
    held = [one.title for one in wanted.posts if one.unit == unit.code and one.holder]
    if held:
        yield Invalid("act.posts_within", "move them, or leave them vacant", posts=", ".join(held[:3]), count=len(held))
    kept = [one.name for one in wanted.registers if one.unit == unit.code]
    if kept:
        yield Invalid("act.registers_within", "move them", registers=", ".join(kept[:3]), count=len(kept))
