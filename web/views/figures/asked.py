"""What the address of a page of figures asks for: whose letters, of which days, which of them. A wrong value is said and left out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum
from functools import cached_property
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from flask import url_for
from flask_babel import LazyString
from werkzeug.datastructures import MultiDict

from ged.dashboard.letters import What
from ged.dashboard.reach import Narrowing, Reach, Sight, below
from ged.errors import Invalid
from ged.figures.cuts import Cut
from ged.figures.periods import ONE_DAY, Period, before, month_end, month_or_year, months_later
from ged.figures.queries import Names
from ged.figures.stages import FIRST_DAY, Stage
from ged.org.tree import entity_of
from ged.register.models import Channel, Direction, Priority
from ged.unit import Actor
from web.site.forms import FormReader
from web.site.numbers import id_of
from web.views.figures import left_out
from web.words.figure_pages import ENTITY
from web.words.messages import lazy_gettext as _l

Member = TypeVar("Member", bound=Enum)

OWN, SUPERVISION = "t", "s"
"""The pages of figures, in a link to letters."""
USUAL = "30j"
LAST_MONTH, YEAR, LAST_YEAR = "mois-1", "annee", "annee-1"
PERIODS: Mapping[str, LazyString] = {
    USUAL: _l("30 derniers jours"),
    "90j": _l("90 derniers jours"),
    "mois": _l("Ce mois-ci"),
    LAST_MONTH: _l("Le mois dernier"),
    YEAR: _l("Cette année"),
    LAST_YEAR: _l("L'année dernière"),
    "12mois": _l("12 derniers mois"),
}
DAYS_BACK = frozenset({USUAL, "90j", "12mois"})
"""Those of ``PERIODS`` that go back from today. Who is told rounded numbers is told of this year instead."""
ROUNDED_PERIODS: Mapping[str, LazyString] = {
    USUAL: _l("Cette année"),
    "mois": _l("Ce mois-ci"),
    LAST_MONTH: _l("Le mois dernier"),
    LAST_YEAR: _l("L'année dernière"),
}
"""Those that are offered to who is told rounded numbers: a month, or a calendar year (``periods.month_or_year``)."""
LONGEST = 5 * 366
"""Days of the longest period of a page; a list may go back to ``EVER``."""
EVER = FIRST_DAY
"""Before every letter."""
NO_NATURE = "-"
MAX_NATURE = 32
FILTERS = (
    "vue",
    "periode",
    "du",
    "au",
    "unite",
    "seul",
    "entite",
    "nature",
    "sens",
    "registre",
    "canal",
    "priorite",
    "etape",
    "sans",
)
"""The names of the address, in its order."""
NARROWING = ("unite", "seul", "entite", "nature", "sens", "registre", "canal", "priorite")
"""Those that a link to letters keeps."""
CHOICES = ("nature", "sens", "registre", "canal", "priorite")
"""Those that narrow letters, whatever units have them."""
DAYS = ("du", "au")
"""The first day and the last one."""
PERIOD = ("vue", "periode", *DAYS)
"""Those that say what is shown, of which days."""


LEAVING = (What.NUMBERED, What.SIGNED, What.DISPATCHED)
COMING = (What.RECEIVED, What.ANSWERED, What.CLOSED)
"""The movements that a page of figures counts: ``LEAVING`` of outgoing letters, ``COMING`` of all others."""


class Problem(NamedTuple):
    """A value of the address that is not applied: its filter, and the value as it was typed."""

    name: str
    typed: str


@dataclass(frozen=True)
class AskedFigures:
    """What is asked, and what the reader sees of it.

    Attributes:
        sight: of the units that are asked for; without units there is nothing to show.
        unit_id: the unit that was chosen; None: all.
        given: the filters of the address that were understood.
        problems: the values that are not applied.
        passed_over: the days of an address that names a period too, and not as the form does: the period is taken.
        ahead: the period of the address where it has not begun: nothing is counted yet, and the usual period is shown.
        reversed_days: the days of the address, as they were typed, where the last is before the first: the usual period is shown.
        widened: the days of the address, as they were typed, where rounded numbers are told of its whole month or year.
        mistyped: the names of the problems that are no day at all (``DAYS``).
        left: the days that a forecast leaves aside.
        left_errors: at the fields of the form that adds such days.
        seen_on: the page and the view whose links lead to letters; the list leads back to it.
        today: the last day of figures.
        is_of_some_units: of fewer units than the page shows where the address names none.
    """

    sight: Sight
    narrowing: Narrowing
    period: Period
    stage: Stage
    unit_id: int | None
    today: date
    given: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    passed_over: tuple[Problem, ...] = ()
    ahead: Period | None = None
    reversed_days: Mapping[str, str] = field(default_factory=dict)
    widened: Mapping[str, str] = field(default_factory=dict)
    mistyped: tuple[str, ...] = ()
    left: tuple[Period, ...] = ()
    left_errors: tuple[Invalid, ...] = ()
    seen_on: tuple[str, str] = ("", "")
    is_of_some_units: bool = False

    def without(self, name: str, **narrowing: object) -> "AskedFigures":
        """Without a filter that the reader is not offered: it becomes a problem. ``narrowing``: what is changed of it."""
        return replace(
            self,
            narrowing=replace(self.narrowing, **narrowing),  # type: ignore[arg-type]
            given={one: typed for one, typed in self.given.items() if one != name},
            problems=(*self.problems, Problem(name, self.given[name])),
        )

    @property
    def period_names(self) -> Mapping[str, LazyString]:
        """The periods to choose from, as this reader sees them."""
        return PERIODS if self.sight.is_exact else ROUNDED_PERIODS

    @property
    def usual_period(self) -> LazyString:
        """What the period is called that is shown where none is chosen."""
        return self.period_names[USUAL]

    @property
    def cut(self) -> Cut:
        """The letters that are counted."""
        return self.sight.cut(self.narrowing)

    @property
    def shown(self) -> Period:
        """The period until today at most: no figure stands in the future."""
        return Period(self.period.since, max(self.period.since, min(self.period.until, self.today)))

    @property
    def is_cut(self) -> bool:
        """Whether the days of the address go on after today: they are counted until today."""
        return "au" in self.given and date.fromisoformat(self.given["au"]) > self.today

    @property
    def earlier(self) -> Period:
        """The period to compare with. Who is told of whole months is told of a whole one here, too, also while the last month runs.

        Before one day that a person gave is the day before it, also where it is the first of a month.
        """
        if self.period.days == 1 and "du" in self.given:
            return Period(self.period.since - ONE_DAY, self.period.since - ONE_DAY)
        return before(self.shown if self.sight.is_exact else self.period)

    @property
    def is_comparable(self) -> bool:
        """Whether both periods are as long: a month that runs is not, beside a whole one."""
        return self.sight.is_exact or self.shown == self.period

    @property
    def last_whole(self) -> str:
        """The period of ``PERIODS`` that has ended, of a month that runs or of a year that runs."""
        return LAST_YEAR if self.period.months > 1 else LAST_MONTH

    @property
    def usual_stage(self) -> Stage:
        """The stage whose delays are shown where none is chosen."""
        return usual_stage(self.narrowing)

    @property
    def moved(self) -> tuple[What, ...]:
        """What the page counts as coming and going: other movements where only outgoing letters are asked for."""
        return LEAVING if self.direction is Direction.OUTGOING else COMING

    @property
    def movements(self) -> Names:
        """The counted columns of ``moved``."""
        return tuple(one.value for one in self.moved)

    @property
    def direction(self) -> Direction | None:
        """The only direction that is asked for."""
        return self.narrowing.directions[0] if self.narrowing.directions else None

    def address(self, endpoint: str, **changed: str) -> str:
        """A page with these filters; an empty value takes one away. ``endpoint``: of a path without values."""
        named = {name: value for name in FILTERS if (value := changed.pop(name, self.given.get(name, "")))}
        # A page has thirty of them, and to build a path takes ten times as long as the rest.
        path = self._paths.get(endpoint)
        if path is None:
            path = self._paths[endpoint] = url_for(endpoint)
        asked = urlencode(named | changed, safe="!$'()*,/:;?@")  # as Flask writes it
        return f"{path}?{asked}" if asked else path

    def letters(self, what: What, period: Period, **changed: str) -> str:
        """The list of the letters behind a figure; empty for who may open none of them.

        The address is short, and put together by hand: a page has hundreds of them. ``listed`` reads it.
        """
        if not self.sight.opens:
            return ""
        way, kept = self._list
        if changed:
            if changed.get("a") == changed.get("de"):  # one class: the list takes the first for the last
                changed.pop("a", "")
            own = changed.get("unite", "") if "seul" in changed and not {"unite", "seul"} & set(self.given) else ""
            named = {name: self.given[name] for name in NARROWING if name in self.given} | changed
            way = way_back(self, changed)
            if own and changed["seul"] == "1":
                way = way.replace(ALONE, f"~{OF_UNIT}{own}")
                del named["unite"], named["seul"]
            kept = _query(named)
        until = _short_day(period.until) if period.until != period.since else ""
        return f"{SHORT}{what.value}~{_short_day(period.since)}~{until}~{way}{kept}"

    @cached_property
    def _paths(self) -> dict[str, str]:
        """Endpoint -> path, of the pages that were addressed."""
        return {}

    @cached_property
    def _list(self) -> tuple[str, str]:
        """The way back from a list of letters, and the filters that each link to it keeps."""
        return way_back(self), _query({name: self.given[name] for name in NARROWING if name in self.given})


SHORT = "/l/"
"""Before the short address of a list of letters (``dashboard.listed``)."""
OF_UNIT = "!"
"""Before the unit whose own letters a link names, in its way back, where the page itself names none."""
ALONE = "~unite~seul"
"""What stands there in the long address of the list: both filters are the link's own."""
CENTURY = "20"
"""What the short address leaves out of the days of this century."""


def _query(named: Mapping[str, str]) -> str:
    query = "&".join(f"{name}={quote(value)}" for name, value in named.items() if value)
    return f"?{query}" if query else ""


def listed(short: str, more: MultiDict[str, str]) -> MultiDict[str, str]:
    """What the short address of a list asks for, as its long address names it (``/tableau/courriers?quoi=…``).

    Args:
        short: what stands after ``SHORT``: the figure, the first day, the last day (empty: the same day), the way back.
        more: the other values of the address.

    >>> listed("open~261102~~t~attente", MultiDict({"unite": "8"})).to_dict()
    {'quoi': 'open', 'du': '2026-11-02', 'retour': 't~attente', 'unite': '8'}
    >>> listed("waiting~261102~261104~t~attente~~!8", MultiDict()).to_dict()
    {'quoi': 'waiting', 'du': '2026-11-02', 'au': '2026-11-04', 'retour': 't~attente~~unite~seul', 'unite': '8', 'seul': '1'}
    """
    what, since, until, way = [*short.split("~", 3), "", "", ""][:4]
    way, mark, own = way.partition(f"~{OF_UNIT}")
    own, between, others = own.partition("~")
    named = {"quoi": what, "du": _long_day(since), "au": _long_day(until), "retour": way}
    if mark:
        named |= {"retour": f"{way}{ALONE}{between}{others}", "unite": own, "seul": "1"}
    return MultiDict({name: value for name, value in named.items() if value} | more.to_dict())


def _short_day(day: date) -> str:
    return day.isoformat().replace("-", "").removeprefix(CENTURY)


def _long_day(day: str) -> str:
    if day.isdecimal() and len(day) == len("261102"):
        day = CENTURY + day
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == len("20261102") and day.isdecimal() else day


def way_back(asked: AskedFigures, changed: Collection[str] = ()) -> str:
    """From where a link leads to letters, short enough for each link of a page: the page, its view, its period, and the filters that the
    address of the list does not have, or has with another value (``changed``).
    """
    given, (page, view) = asked.given, asked.seen_on
    period = given.get("periode") or "_".join(given[one] for one in DAYS if one in given)
    others = [name for name in FILTERS if name in changed or (name in given and name not in (*NARROWING, *PERIOD))]
    parts = [page, view, period, *(f"{name}:{given[name]}" if name in given else name for name in others)]
    return quote("~".join(parts), safe=":~,").rstrip("~")


def read_back(typed: str, listed: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """(page, filters) of a way back; ``listed``: the filters of the list that it led to. Whoever opens them has them checked."""
    page, view, period, *others = [*typed.split("~"), "", ""][: max(3, typed.count("~") + 1)]
    filters = {name: listed[name] for name in NARROWING if name in listed}
    for one in others:
        name, _colon, value = one.partition(":")
        if name in FILTERS:
            filters[name] = value
    first, _between, last = period.partition("_")
    filters |= {"vue": view} | ({"du": first, "au": last} if last else {"periode": period})
    return page, {name: value for name, value in filters.items() if value}


def read(
    args: MultiDict[str, str],
    actor: Actor,
    reach: Reach,
    usual: frozenset[int],
    *,
    today: date,
    for_list: bool = False,
    views: Collection[str] = (),
) -> AskedFigures:
    """Read the address of a page.

    Args:
        views: those of the page, if it has any.
        for_list: it asks for letters, each of which the reader may see, and not for figures.
        usual: the units of the page where the address names none; a unit that is named must be among them, or be one of
            the reader's own.
    """
    given, problems = dict[str, str](), list[Problem]()
    sight, unit_id = _units(args, actor, reach, usual, given, problems)
    sight = _of_entity(args, actor, sight, given, problems)
    is_rounded = not (sight.is_exact or for_list)
    period, ahead, is_reversed = _period(args, today, given, problems, for_list=for_list, is_rounded=is_rounded)
    narrowing = _narrowing(args, given, problems)
    stage = _member(args, "etape", Stage, given, problems) or usual_stage(narrowing)
    if stage is usual_stage(narrowing):
        given.pop("etape", None)
    view = args.get("vue", "").strip()
    if view and views and view not in views:
        problems.append(Problem("vue", view))
    left, wrong, left_errors = left_out.read(args, today)
    problems += [Problem(left_out.NAME, one) for one in wrong]
    if left:
        given[left_out.NAME] = left_out.written(left)
    shown_period = month_or_year(period, today) if is_rounded else period
    return AskedFigures(
        sight=sight,
        left=left,
        left_errors=left_errors,
        narrowing=narrowing,
        period=shown_period,
        stage=stage,
        unit_id=unit_id,
        today=today,
        given=given,
        problems=tuple(problems),
        passed_over=_passed_over(args, given),
        ahead=ahead,
        reversed_days={one: args[one] for one in DAYS} if is_reversed else {},
        widened={one: args[one] for one in DAYS if one in args} if shown_period != period and "du" in given else {},
        mistyped=tuple(one.name for one in _no_days(args) if one in problems),
        is_of_some_units=sight.unit_ids != reach.sight(usual).unit_ids,
    )


def usual_stage(narrowing: Narrowing) -> Stage:
    """What is waited for most: an answer; of letters that leave, which nobody receives here, the signature."""
    return Stage.SIGNATURE if narrowing.directions == (Direction.OUTGOING,) else Stage.ANSWER


def _units(
    args: MultiDict[str, str], actor: Actor, reach: Reach, usual: frozenset[int], given: dict[str, str], problems: list[Problem]
) -> tuple[Sight, int | None]:  # fmt: skip
    typed = args.get("unite", "").strip()
    if not typed:
        return reach.sight(usual), None
    unit_id = id_of(typed)
    offered = usual | reach.offered
    if unit_id is None or unit_id not in offered:
        problems.append(Problem("unite", typed))
        return reach.sight(usual), None
    given["unite"] = str(unit_id)
    if args.get("seul") == ENTITY and entity_of(unit_id, actor.units) == unit_id:
        given["seul"] = ENTITY
        own = {one for one in below(unit_id, actor.units) & offered if entity_of(one, actor.units) == unit_id}
        return reach.sight(own, top=unit_id), unit_id
    if args.get("seul"):
        given["seul"] = "1"
        return reach.sight({unit_id}), unit_id
    return reach.sight(below(unit_id, actor.units) & offered, top=unit_id), unit_id


def _of_entity(
    args: MultiDict[str, str], actor: Actor, sight: Sight, given: dict[str, str], problems: list[Problem]
) -> Sight:
    """Of the units that are seen, those of one entity. The entity's top need not be among them.

    Only for readers of exact numbers: with rounded ones, the part and the whole side by side would tell of a letter.
    """
    typed = args.get("entite", "").strip()
    if not typed:
        return sight
    entity_id = id_of(typed)
    found = frozenset(one for one in sight.unit_ids if entity_of(one, actor.units) == entity_id)
    if not found or not sight.is_exact:
        problems.append(Problem("entite", typed))
        return sight
    given["entite"] = str(entity_id)
    return replace(sight, unit_ids=found)


def _period(
    args: MultiDict[str, str],
    today: date,
    given: dict[str, str],
    problems: list[Problem],
    *,
    for_list: bool,
    is_rounded: bool,
) -> tuple[Period, Period | None, bool]:
    """The period that is shown; the one of the address where that has not begun; and whether its last day is before its first.

    The form sends the named period and both days: whichever the reader changed wins (``affichee``: what was shown).
    """
    name = args.get("periode", "")
    usual = named_period(YEAR if is_rounded else USUAL, today)
    fields = FormReader(args)
    since, until = fields.day("du"), fields.day("au")
    has_new_days = name == args.get("affichee", "") and not (since is None and until is None)
    if name in PERIODS and not has_new_days:
        if not is_rounded or name in ROUNDED_PERIODS:
            given["periode"] = name
        # Whoever typed a day in the form that shows a named period is told that it is none.
        problems += _no_days(args) if name == args.get("affichee") else ()
        return usual if is_rounded and name in DAYS_BACK else named_period(name, today), None, False
    if name not in PERIODS and name:
        problems.append(Problem("periode", name))
    problems += _no_days(args)
    if since is None and until is None:
        return usual, None, False
    if since is not None and until is not None and until < since:
        return usual, None, True
    # A list of one day names its first day alone; a page goes on until today.
    last = until or (since if since is not None and (for_list or since > today) else today)
    first = since or last - timedelta(days=29)
    if today < first <= last:
        return usual, Period(first, last), False
    is_too_long = first < EVER if for_list else (last - first).days >= LONGEST
    # No figure stands in the future; and at the last day of the calendar there is no day after it to count to.
    if not first <= min(last, today) or is_too_long:
        problems += [Problem(one, args[one]) for one in DAYS if args.get(one)]
        return usual, None, False
    given |= {"du": first.isoformat(), "au": last.isoformat()}
    return Period(first, last), None, False


def _no_days(args: MultiDict[str, str]) -> list[Problem]:
    fields = FormReader(args)
    return [Problem(one, args[one]) for one in DAYS if args.get(one, "").strip() and fields.day(one) is None]


def _passed_over(args: MultiDict[str, str], given: Mapping[str, str]) -> tuple[Problem, ...]:
    """The days that give way to a named period. The form says what it showed: its reader chose the name, and needs no word."""
    if "periode" not in given or "affichee" in args:
        return ()
    return tuple(Problem(one, args[one]) for one in DAYS if args.get(one))


def named_period(name: str, today: date) -> Period:
    """A period of ``PERIODS``."""
    month = today.replace(day=1)
    match name:
        case "90j":
            return Period(today - timedelta(days=89), today)
        case "mois":
            return Period(month, today)
        case "mois-1":
            return Period(months_later(month, -1), month_end(months_later(month, -1)))
        case "annee":
            return Period(month.replace(month=1), today)
        case "annee-1":
            return Period(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
        case "12mois":
            return Period(months_later(month, -11), today)
        case _:
            return Period(today - timedelta(days=29), today)


def _narrowing(args: MultiDict[str, str], given: dict[str, str], problems: list[Problem]) -> Narrowing:
    direction, channel, priority = (
        _member(args, name, kind, given, problems)
        for name, kind in (("sens", Direction), ("canal", Channel), ("priorite", Priority))
    )
    typed, nature = args.get("registre", "").strip(), args.get("nature", "").strip()[:MAX_NATURE]
    register_id = id_of(typed) if typed else None
    if typed and register_id is None:
        problems.append(Problem("registre", typed))
    if register_id is not None:
        given["registre"] = str(register_id)
    if nature:
        given["nature"] = nature
    return Narrowing(
        register_ids=(register_id,) if register_id is not None else (),
        directions=(direction,) if isinstance(direction, Direction) else (),
        natures=(nature.removeprefix(NO_NATURE) if nature == NO_NATURE else nature,) if nature else (),
        channels=(channel,) if isinstance(channel, Channel) else (),
        priorities=(priority,) if isinstance(priority, Priority) else (),
    )


def _member(
    args: MultiDict[str, str], name: str, kind: type[Member], given: dict[str, str], problems: list[Problem]
) -> Member | None:
    typed = args.get(name, "").strip()
    found = next((one for one in kind if str(one.value) == typed), None)
    if found is not None:
        given[name] = typed
    elif typed:
        problems.append(Problem(name, typed))
    return found
