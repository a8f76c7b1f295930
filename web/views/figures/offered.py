"""What a reader may choose on a page of figures. An address that names anything else, from an old bookmark say, is told so, and counts without it.

Whether the thing is not there, or is not this reader's to see, is never told: both are no choice.
"""

from collections.abc import Mapping

from ged.dashboard import breakdown
from ged.dashboard.reach import Reach, Sight
from ged.figures.stages import Stage
from ged.org import tree
from ged.org.names import unit_names
from ged.register.models import Channel, Direction, Priority
from ged.unit import Actor, ReadSession
from web.site import natures
from web.views.figures import left_out
from web.views.figures.asked import NO_NATURE, USUAL, AskedFigures
from web.views.figures.board import period_name
from web.words import figure_pages as words
from web.words import labels
from web.words.name_order import name_order

Choices = Mapping[str, list[tuple[str, str]]]
"""Name of a filter -> (value, words) of its choices."""
MOST_CHOICES = 40
"""Of a list on the page itself (a ministry of thirty services chooses there at once); a longer one is among the criteria that are asked for when
they are opened."""
Chosen = tuple[str, str, str]
"""A filter that is set: its name in the address, as the page calls it, its value in words."""


def choices(
    session: ReadSession, actor: Actor, whole: Sight, asked: AskedFigures, units: Mapping[int, str]
) -> dict[str, list[tuple[str, str]]]:
    """What the form offers, with what is chosen now: a browser would send another choice. ``units``: those that are offered, by their names."""
    found = {
        "periode": [(name, str(text)) for name, text in asked.period_names.items() if name != USUAL],
        "unite": sorted(((str(one), name) for one, name in units.items()), key=lambda pair: name_order(pair[1])),
        "entite": _entity(actor, asked),
        "registre": [(str(one), name) for one, name in registers(session, actor, whole)],
        **_known(),
    }
    found["etape"] = [one for one in found["etape"] if one[0] != asked.usual_stage.value]
    return _with_chosen(found, asked)


def apart(those: Choices) -> tuple[str, ...]:
    """The names of the lists that are too long for the page itself."""
    return tuple(name for name in ("unite", "nature") if len(those.get(name, ())) > MOST_CHOICES)


def few(
    session: ReadSession, actor: Actor, whole: Sight, asked: AskedFigures, units: Mapping[int, str]
) -> dict[str, list[tuple[str, str]]]:
    """The choices for a page without a form: those that are set."""
    of_registers = registers(session, actor, whole) if "registre" in asked.given else []
    found = {
        "unite": [(str(one), name) for one, name in units.items() if one == asked.unit_id],
        "entite": _entity(actor, asked),
        "registre": [(str(one), name) for one, name in of_registers],
        **_known(),
    }
    return _with_chosen(found, asked)


def _entity(actor: Actor, asked: AskedFigures) -> list[tuple[str, str]]:
    """The entity of whose units figures are asked for: its top may be none of the units to choose from.

    A closed unit can follow one of another ministry, whose names this reader is not told.
    """
    given = asked.given.get("entite", "")
    name = unit_names(actor).get(int(given)) if given else None
    return [(given, name)] if name is not None else []


def _known() -> dict[str, list[tuple[str, str]]]:
    """The choices for which nothing is read."""
    return {
        "nature": [*natures.told_apart().items(), (NO_NATURE, words.no_nature())],
        "sens": [(one.value, labels.label(one)) for one in Direction],
        "canal": [(one.value, labels.label(one)) for one in Channel],
        "priorite": [(one.value, labels.label(one)) for one in Priority],
        "etape": [(one.value, words.stage(one)) for one in Stage],
    }


def _with_chosen(found: dict[str, list[tuple[str, str]]], asked: AskedFigures) -> dict[str, list[tuple[str, str]]]:
    for name, options in found.items():
        value = asked.given.get(name, "")
        is_usual = name == "periode" and value == USUAL  # the form's empty choice; a nature may bear any code
        if value and not is_usual and value not in [one for one, _ in options]:
            options.append((value, value))
    return found


def chosen(asked: AskedFigures, those: Choices) -> list[Chosen]:
    """The filters that are set, but for the period, in the order of the address; the days that a forecast leaves aside at the end."""
    left = words.periods(map(period_name, asked.left))
    return [
        (name, words.filter_name(name, alone=asked.given.get("seul", "")), str(dict(those[name])[asked.given[name]]))
        for name in ORDER
        if name in those and name in asked.given
    ] + ([(left_out.NAME, words.filter_name(left_out.NAME), left)] if left else [])


ORDER = ("unite", "entite", "nature", "sens", "registre", "canal", "priorite", "etape")
"""Of the filters in the form."""


def registers(session: ReadSession, actor: Actor, whole: Sight) -> list[tuple[int, str]]:
    """(id, name) of the registers to choose from; ``whole``: what the reader sees on the page when no unit is chosen."""
    # A reader of rounded numbers chooses among all registers of the ministry: one that appears would tell of its first letter.
    if whole.is_exact:
        found = breakdown.registers(session, whole.cut())
    else:
        found = breakdown.registers_of(session, tree.ministry(actor))
    return sorted(found, key=lambda row: name_order(row[1]))


def checked(
    session: ReadSession, actor: Actor, reach: Reach, usual: frozenset[int], asked: AskedFigures
) -> AskedFigures:
    """What is asked, without a nature and a register that are no choice of the reader's."""
    whole = reach.sight(usual)
    register_id = next(iter(asked.narrowing.register_ids), None)
    if register_id is not None and register_id not in dict(registers(session, actor, whole)):
        asked = asked.without("registre", register_ids=())
    nature = next(iter(asked.narrowing.natures), "")
    if nature and nature != NO_NATURE and not _is_nature(session, whole, nature):
        asked = asked.without("nature", natures=())
    return asked


def _is_nature(session: ReadSession, whole: Sight, code: str) -> bool:
    """Whether it is a nature of the ministry, or one of letters that the reader sees counted one by one: of an earlier archive, say."""
    return code in natures.names() or (whole.is_exact and breakdown.has_nature(session, whole.cut(), code))
