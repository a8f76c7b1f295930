"""How the registers of an organisation number: which ones number otherwise after a change, and which give the same numbers. Pure.

Whatever changes a number is seen, whichever record it is said of: a register's pattern, its unit, or what its unit belongs to.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from ged.administration.fitness import WITHOUT_YEAR
from ged.org.file import OrganisationFile
from ged.register.numbering import format_number, number_key

ANY_DAY = date(2000, 12, 31)


@dataclass(frozen=True)
class Numbering:
    """How an open register numbers.

    Attributes:
        pattern: with the codes of its unit and entity.
        text: the number 1 of some day.
        is_by_year: whether it begins anew each year.
        paper: the last number of the paper book that it continues.
    """

    pattern: str
    text: str
    is_by_year: bool
    paper: int


def numberings(file: OrganisationFile) -> dict[str, Numbering]:
    """Code of each open register -> how it numbers."""
    entity = entity_codes(file)
    return {
        one.code: Numbering(
            one.pattern,
            format_number(one.pattern, sequence=1, on=ANY_DAY, entity=entity[one.unit], unit=one.unit, register=one.code),
            one.restarts_yearly and one.nature != WITHOUT_YEAR,
            one.paper_number or 0,
        )
        for one in file.registers
        if not one.closed
    }  # fmt: skip


def renumbered(seen: OrganisationFile, wanted: OrganisationFile) -> frozenset[str]:
    """The registers, by code, whose next numbers are others than before; those that are new or opened again are among them."""
    before, after = numberings(seen), numberings(wanted)
    return frozenset(code for code, one in after.items() if before.get(code) != one)


def told_otherwise(seen: OrganisationFile, wanted: OrganisationFile) -> frozenset[str]:
    """The registers, by code, that were open before and write their numbers otherwise."""
    before, after = numberings(seen), numberings(wanted)
    return frozenset(
        code
        for code, one in after.items()
        if code in before and (before[code].pattern, before[code].text) != (one.pattern, one.text)
    )


def alike(seen: OrganisationFile, wanted: OrganisationFile) -> int:
    """How many registers give the same numbers as one that changes, and did not before."""
    changed, before = renumbered(seen, wanted), _groups(seen)
    count = 0
    for same in _groups(wanted):
        if same & changed and not any(same <= one for one in before):
            count += len(same - changed) or len(same) - 1
    return count


def _groups(file: OrganisationFile) -> Collection[frozenset[str]]:
    """The registers that give the same numbers, by code; one that is alone is a group too."""
    codes_by_number: dict[str, set[str]] = {}
    for code, one in numberings(file).items():
        codes_by_number.setdefault(number_key(one.text), set()).add(code)
    return [frozenset(same) for same in codes_by_number.values()]


def entity_codes(file: OrganisationFile) -> Mapping[str, str]:
    """The code of each unit -> that of the entity that it belongs to: itself, or the nearest above; else the top."""
    units = {unit.code: unit for unit in file.units}
    found = {}
    for code, unit in units.items():
        at = unit
        while not at.entity and at.parent in units:
            at = units[at.parent]
        found[code] = at.code
    return found
