"""What pages of figures say of units that closed: until when they were, and which unit goes on with their work.

The letters of a closed unit stay counted for it. Whoever heads the unit above it, and whoever took it over, may both open them,
so both are told of them: the figures of two such readers together are more than those of the ministry, which counts each letter once.
"""

from collections.abc import Collection, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from flask_babel import format_date

from ged.figures.periods import Period
from ged.org import tree
from ged.unit import UnitRow
from web.words.messages import gettext as _

MOST_NAMED = 4
"""Closed units that a sentence or a picture names; of further ones it tells how many."""


def marked(names: Mapping[int, str], units: Mapping[int, UnitRow], zone: ZoneInfo) -> dict[int, str]:
    """The names of units by id; the name of a closed one says until when it was."""
    found = dict(names)
    for unit_id in names:
        day = closed_on(units.get(unit_id), zone)
        if day is not None:
            found[unit_id] = str(_("%(name)s (jusqu'au %(day)s)", name=names[unit_id], day=_written(day)))
    return found


def closed_on(unit: UnitRow | None, zone: ZoneInfo) -> date | None:
    """The day on which a unit was closed; None: it is open, or not known."""
    return unit.closed_at.astimezone(zone).date() if unit is not None and unit.closed_at is not None else None


def heir_of(unit_id: int, units: Mapping[int, UnitRow]) -> int:
    """The unit that goes on with the work of a unit today: itself while it is open."""
    return tree.heirs_among(unit_id, units)[-1]


def closures(
    unit_ids: Collection[int], names: Mapping[int, str], units: Mapping[int, UnitRow], zone: ZoneInfo, within: Period
) -> list[str]:
    """Which of these units closed in a period, and who goes on with their work: a sentence for each, in the order of time.

    Args:
        names: of the reader's ministry, without marks; what it does not name is not told.
    """
    days = {one: closed_on(units.get(one), zone) for one in unit_ids if one in names}
    order = sorted((day, names[one], one) for one, day in days.items() if day and within.since <= day <= within.until)
    texts = []
    for day, name, unit_id in order[:MOST_NAMED]:
        heir = names.get(heir_of(unit_id, units), "") if heir_of(unit_id, units) != unit_id else ""
        if heir:
            texts.append(
                str(
                    _(
                        "« %(heir)s » a pris la suite de « %(unit)s » le %(day)s.",
                        heir=heir,
                        unit=name,
                        day=_written(day),
                    )
                )
            )
        else:
            texts.append(str(_("« %(unit)s » n'existe plus depuis le %(day)s.", unit=name, day=_written(day))))
    if len(order) > MOST_NAMED:
        texts.append(str(_("Autres services fermés dans ces périodes : %(count)s.", count=len(order) - MOST_NAMED)))
    return texts


def codes_by_day(
    unit_ids: Collection[int], units: Mapping[int, UnitRow], zone: ZoneInfo, within: Period
) -> dict[date, list[str]]:
    """Day of a period -> the codes of these units that closed on it."""
    found: dict[date, list[str]] = {}
    for unit in sorted((units[one] for one in unit_ids if one in units), key=lambda one: one.code):
        day = closed_on(unit, zone)
        if day is not None and within.since <= day <= within.until:
            found.setdefault(day, []).append(unit.code)
    return found


def few(those: Collection[str]) -> str:
    """Codes or names of units: the first ones, and how many there are besides."""
    first = ", ".join(list(those)[:MOST_NAMED])
    more = len(those) - MOST_NAMED
    return f"{first} +{more}" if more > 0 else first


def _written(day: date) -> str:
    return str(format_date(day, "dd/MM/yyyy"))
