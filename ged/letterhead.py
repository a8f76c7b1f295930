"""The letterhead of a printed sheet: the organisation with its units from the largest to the smallest, and the Republic."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Installation, Unit
from ged.org.tree import upwards
from ged.typeset import qr_svg

_COUNTRIES = {"TG": ("République togolaise", "Travail – Liberté – Patrie")}


@dataclass(frozen=True)
class Letterhead:
    """The letterhead of a unit, as ``templates/letterhead.typ`` reads it. ``qr`` is SVG text, ``caption`` stands under it."""

    organisation: str
    units: tuple[str, ...]
    entity: str
    """Short name of the entity that the unit belongs to, for labels."""
    country: str = ""
    motto: str = ""
    address: str = ""
    """Of the nearest unit upwards that has one, within the entity; printed at the foot."""
    qr: str = ""
    caption: str = ""

    def coded(self, code: str, caption: str) -> "Letterhead":
        """This letterhead with a code of ours; none when ``code`` is empty."""
        return replace(self, qr=qr_svg(code) if code else "", caption=caption)

    def data(self) -> dict[str, Any]:
        """JSON values for the template."""
        return {**self.__dict__, "units": list(self.units)}


def organisation_name(session: Session) -> str:
    """The name of the ministry; empty before it is installed."""
    return session.scalar(select(Installation.name).limit(1)) or ""


def letterhead(session: Session, unit_id: int, *, country: str, of_entity: bool = False) -> Letterhead:
    """The letterhead of a unit; ``country`` is the installation's ISO code.

    Args:
        of_entity: the entity's own name stands first, as on its letters; otherwise the organisation's over it.
    """
    organisation = organisation_name(session)
    line = upwards(session, unit_id)
    entity = next((unit for unit in line if unit.is_entity), line[-1])
    in_entity = line[: line.index(entity) + 1]
    shown = in_entity if of_entity else line
    names = [unit.name for unit in reversed(shown) if unit.name.casefold() != organisation.casefold()]
    if not organisation or (of_entity and entity.name.casefold() != organisation.casefold()):
        organisation, names = names[0], names[1:]
    name, motto = country_and_motto(country)
    address = _address(session, [unit.id for unit in in_entity])
    return Letterhead(organisation, tuple(names), entity.code, name, motto, address)


def _address(session: Session, unit_ids: list[int]) -> str:
    """The address of the first of these units that has one."""
    found = dict(session.execute(select(Unit.id, Unit.address).where(Unit.id.in_(unit_ids), Unit.address != "")).all())
    return next((found[one] for one in unit_ids if one in found), "")


def country_and_motto(country: str) -> tuple[str, str]:
    """Country name and motto for the letterhead, by ISO 3166 code; empty for a country that is not listed."""
    return _COUNTRIES.get(country, ("", ""))
