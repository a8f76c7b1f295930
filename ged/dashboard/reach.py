"""Whose letters a person may see counted, up to which level, and how exactly. The rule of access decides, seen from the figures.

The cells hold each letter of a unit under a level at which its heads may see it (``counted.CountedRegister``). So the heads of a unit may see
the letters behind each of its figures, and are told exact ones. Other people may not see all of these letters: members of the
unit, to whose colleagues letters are given, auditors and supervisors, who see none. They are told ordinary letters only, of a month
or of a calendar year, rounded, and without small numbers (``ged.dashboard.telling``).

**One rule for one reader, on a page and on paper.** A monthly report says exact numbers and names its letters, so whoever is told
rounded figures reads none: an auditor proves reports and an administrator makes them, and neither opens one (``ged.monthly.rights``).
Open data is another matter: what leaves may be known by all, so whoever may publish sees its rows before.

A supervisor (``ged.supervisors``) is named by an act for a branch: a unit and all units below it today, in any entity, and closed ones
that these took over. A branch that closes is not followed into what takes it over: the act named no more than the branch.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from ged.figures.cuts import Cut
from ged.org import tree
from ged.ports import Confidentiality
from ged.register.models import Channel, Direction, Priority
from ged.supervisors.queries import branches
from ged.unit import Actor, Role, UnitRow


@dataclass(frozen=True)
class Narrowing:
    """What else narrows the figures; an empty choice takes all."""

    register_ids: tuple[int, ...] = ()
    directions: tuple[Direction, ...] = ()
    natures: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    priorities: tuple[Priority, ...] = ()


@dataclass(frozen=True)
class Sight:
    """What a person sees of some units.

    Attributes:
        unit_ids: with none of them, nothing is counted.
        level: the highest level of the letters that are counted.
        is_exact: whether the person may see each of these letters.
        opens: whether the person may see some of them, so that a list of letters makes sense.
        apart: units that were asked for, too, and are seen for themselves (``Reach.sight``).
    """

    unit_ids: frozenset[int]
    level: Confidentiality
    is_exact: bool
    opens: bool
    apart: frozenset[int] = frozenset()

    def cut(self, narrowing: Narrowing = Narrowing()) -> Cut:
        """The letters that are counted."""
        return Cut(
            int(self.level), self.unit_ids, narrowing.register_ids, narrowing.directions, narrowing.natures,
            narrowing.channels, narrowing.priorities,
        )  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """All units of which a person sees figures.

    Attributes:
        headed: that the person heads, and closed ones that they follow.
        near: of working posts, and not headed.
        watched: of the ministries whose auditor the person is.
        supervised: of the branches whose supervisor the person is.
        level: the highest level that the person is cleared for and that a figure tells. SECRET letters are in no figure.
    """

    headed: frozenset[int]
    near: frozenset[int]
    watched: frozenset[int]
    level: Confidentiality
    supervised: frozenset[int] = frozenset()

    @property
    def own(self) -> frozenset[int]:
        """What the person's posts head; of who heads nothing, the units that they belong to; else those that they supervise."""
        return self.headed or self.near or self.supervised

    @property
    def overseen(self) -> frozenset[int]:
        """What the person answers for, watches or supervises."""
        return self.headed | self.watched | self.supervised

    @property
    def offered(self) -> frozenset[int]:
        """What the person may choose on each page."""
        return self.headed | self.near | self.supervised

    def sight(self, unit_ids: Collection[int], *, top: int | None = None) -> Sight:
        """What the person sees of these units together; those out of reach are left out.

        Units that the person heads and other ones are never counted together: a rounded total less the exact numbers of the former
        would tell the first letter of the latter.

        Args:
            top: the unit that was chosen: where the person heads it, the headed ones are seen, else the others.
        """
        asked = frozenset(unit_ids) & (self.offered | self.watched)
        is_exact = bool(asked) and (asked <= self.headed or top in asked & self.headed)
        seen = asked & self.headed if is_exact else asked - self.headed
        level = self.level if is_exact else Confidentiality.ORDINARY
        return Sight(seen, level, is_exact, bool(seen) and seen <= self.headed | self.near, asked - seen)


def reach_on(session: Session, actor: Actor, *, on: date) -> Reach:
    """The reach of a person on a day, also as a supervisor."""
    return reach_of(actor, branches(session, actor, on=on))


def reach_of(actor: Actor, supervised: Collection[int] = ()) -> Reach:
    """The reach of a person, by the posts held and acted for now.

    Args:
        supervised: the units at the top of the branches whose supervisor the person is. Of another ministry than those of the posts,
            which the person has left, nothing is told any more.
    """
    units = actor.units
    headed = tree.with_predecessors(actor.headed_unit_ids, units)
    member = tree.with_predecessors((post.unit_id for post in actor.working_posts), units)
    watched = tree.ministry_of_role(actor, Role.AUDITOR) if actor.has(Role.AUDITOR) else frozenset()
    near = tree.ministry(actor) if supervised else frozenset()
    supervised_units = frozenset[int]().union(*(below(one, units) for one in supervised)) & near
    return Reach(headed, member - headed, watched, min(actor.clearance, Confidentiality.RESTRICTED), supervised_units)


def below(unit_id: int, units: Mapping[int, UnitRow]) -> frozenset[int]:
    """A unit, all units below it, and closed units whose work these took over."""
    children: dict[int | None, list[int]] = {}
    for unit in units.values():
        children.setdefault(unit.parent_id, []).append(unit.id)
    found: set[int] = set()
    waiting = [unit_id] if unit_id in units else []
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += children.get(at, ())
    return tree.with_predecessors(found, units)
