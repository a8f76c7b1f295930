"""What a workbook may say and an act of a screen may not: nothing open stands under, or in, a closed unit,
and a register gives no number twice. Pure."""

from collections.abc import Iterator, Sequence
from string import Formatter

from ged.administration.differences import Difference
from ged.errors import Invalid
from ged.org.file import OrganisationFile, RegisterRecord, UnitRecord


def unfit(wanted: OrganisationFile, found: Sequence[Difference]) -> tuple[Invalid, ...]:
    """Why the organisation that an act leads to is refused, told of the records that it changes.

    The codes: ``act.top``, ``act.units_below``, ``act.posts_within``, ``act.registers_within``, ``act.closed_parent``,
    ``act.closed_unit``, ``act.year_missing``, ``act.other_direction``.
    """
    units = {unit.code: unit for unit in wanted.units}
    refusals: list[Invalid] = []
    for code in dict.fromkeys(one.code for one in found if one.kind == "units" and one.field == "closed" and one.after):
        refusals += _left_behind(wanted, units[code])
    for code in dict.fromkeys(one.code for one in found if one.kind == "registers" and one.field in NUMBERED_BY):
        refusals += _wrong_numbers(next(register for register in wanted.registers if register.code == code))
    for one in found:
        place = units.get(str(one.after)) if one.field in PLACES else None
        if place is not None and place.closed and not _is_closed(one, units):
            kind = "act.closed_parent" if one.kind == "units" else "act.closed_unit"
            refusals.append(Invalid(kind, "choose an open unit", field=one.field, unit=place.name))
    return (*refusals, *_opened_in_closed(wanted, found, units))


def _opened_in_closed(
    wanted: OrganisationFile, found: Sequence[Difference], units: dict[str, UnitRecord]
) -> Iterator[Invalid]:
    """The posts that are given, and the registers that are opened again, in closed units."""
    posts, registers = {post.code: post.unit for post in wanted.posts}, {one.code: one.unit for one in wanted.registers}
    for one in found:
        place = None
        if (one.kind, one.field) == ("posts", "holder") and one.after:
            place = units.get(posts.get(one.code, ""))
        if (one.kind, one.field) == ("registers", "closed") and not one.after:
            place = units.get(registers.get(one.code, ""))
        if place is not None and place.closed:
            yield Invalid("act.closed_unit", "choose an open unit", field=one.field, unit=place.name)


PLACES = frozenset({"parent", "unit"})
"""Fields that place a record in a unit."""


NUMBERED_BY = frozenset({"pattern", "restarts_yearly", "direction", "nature"})
DIRECTIONS = {"arrivee": "incoming", "depart": "outgoing", "interne": "internal"}
"""Nature of a register of letters -> its direction."""
WITHOUT_YEAR = "archive"
"""The nature of registers whose numbers are those of old books."""


def _wrong_numbers(register: RegisterRecord) -> Iterator[Invalid]:
    if DIRECTIONS.get(register.nature, register.direction) != register.direction:
        yield Invalid("act.other_direction", "choose the other direction", field="direction")
    names = {name for _text, name, _spec, _turned in Formatter().parse(register.pattern)}
    if register.restarts_yearly and register.nature != WITHOUT_YEAR and names.isdisjoint({"year", "yy"}):
        yield Invalid("act.year_missing", "add {year}", field="pattern")


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
    kept = [one.name for one in wanted.registers if one.unit == unit.code and not one.closed]
    if kept:
        yield Invalid("act.registers_within", "move them", registers=", ".join(kept[:3]), count=len(kept))
