"""The letterhead of a printed sheet: the country, the organisation, the units from the largest to the smallest."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Installation
from ged.org.tree import upwards

_COUNTRIES = {"TG": ("République togolaise", "Travail – Liberté – Patrie")}


@dataclass(frozen=True)
class Letterhead:
    """The letterhead of a unit, as ``templates/letterhead.typ`` reads it."""

    organisation: str
    units: tuple[str, ...]
    entity: str
    """Short name of the entity that the unit belongs to, for labels."""
    country: str = ""
    motto: str = ""

    def data(self) -> dict[str, Any]:
        """JSON values for the template."""
        return {**self.__dict__, "units": list(self.units)}


def organisation_name(session: Session) -> str:
    """The name of the ministry; empty before it is installed."""
    return session.scalar(select(Installation.name).limit(1)) or ""


def letterhead(session: Session, unit_id: int, *, country: str) -> Letterhead:
    """The letterhead of a unit; ``country`` is the installation's ISO code."""
    organisation = organisation_name(session)
    line = upwards(session, unit_id)
    entity = next((unit for unit in line if unit.is_entity), line[-1])
    names = [unit.name for unit in reversed(line) if unit.name.casefold() != organisation.casefold()]
    if not organisation and names:
        organisation, names = names[0], names[1:]
    name, motto = country_and_motto(country)
    return Letterhead(organisation, tuple(names), entity.code, name, motto)


def country_and_motto(country: str) -> tuple[str, str]:
    """Country name and motto for the letterhead, by ISO 3166 code; empty for a country that is not listed."""
    return _COUNTRIES.get(country, ("", ""))
