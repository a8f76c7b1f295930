"""Figures side by side: by unit, by nature, over time; what waits, by age; the registers to choose from."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.db import Base, ByOtherIndex
from ged.figures import queries, sums
from ged.figures.cuts import Cut, Part, of_cut, summed
from ged.figures.models import NO_REGISTER, FigureCell, FigureDelay, FigureHour, FigureKey, FigureLetter
from ged.figures.periods import ONE_DAY, Period, month_end, whole_months
from ged.figures.queries import Names, Standing
from ged.figures.stages import COUNTED, Grain, Stage
from ged.figures.sums import Grains
from ged.natures import queries as natures
from ged.org.tree import entity_of
from ged.register.models import Register
from ged.unit import UnitRow


class By(StrEnum):
    """What figures are told apart by."""

    UNIT = "unit"
    NATURE = "nature"


_COLUMNS: Mapping[By, InstrumentedAttribute[Any]] = {By.UNIT: FigureKey.unit_id, By.NATURE: FigureKey.nature}
Key = int | str
"""The id of a unit, or the code of a nature (empty: none)."""


@dataclass(frozen=True)
class Line:
    """The figures of one key over a period.

    Attributes:
        counted: column of ``stages.COUNTED`` -> letters; those that were asked for.
        standing: at the end of the period.
        delays: bin -> letters, of one stage.
    """

    counted: Mapping[str, int]
    standing: Standing
    delays: Mapping[int, int]


def lines(
    session: Session,
    cut: Cut,
    period: Period,
    by: By,
    *,
    end: date,
    stage: Stage,
    is_now: bool = False,
    counted: Names = COUNTED,
) -> dict[Key, Line]:
    """The figures of each key with letters in the period or open at its end.

    Args:
        counted: the columns that are wanted. A key that counts in none of them is there too.
        end: the day at whose end letters stand open.
        stage: whose delays.
        is_now: whether ``end`` is today. Then what stands open by nature is counted from the letters: few are open, beside the
            cells of five years.
    """
    found, bins = _counted(session, cut, period, by, counted), delays_by(session, cut, period, by, stage)
    standing = _open_by_nature(session, cut, end) if by is By.NATURE and is_now else standing_by(session, cut, end, by)
    nothing = dict.fromkeys(counted, 0)
    keys = sorted(found.keys() | standing.keys() | bins.keys(), key=str)
    return {key: Line(found.get(key, nothing), standing.get(key, Standing(0, 0)), bins.get(key, {})) for key in keys}


def folded(found: Mapping[Key, Line], units: Mapping[int, UnitRow]) -> dict[int, Line]:
    """The figures of units as figures of their entities."""
    groups: dict[int, list[Line]] = defaultdict(list)
    for unit_id, line in found.items():
        if isinstance(unit_id, int) and unit_id in units:
            groups[entity_of(unit_id, units)].append(line)
    return {entity_id: added(those) for entity_id, those in sorted(groups.items())}


def added(those: Sequence[Line]) -> Line:
    """The sum of figures; of the columns that each of them has."""
    bins: dict[int, int] = defaultdict(int)
    names = [name for name in COUNTED if all(name in line.counted for line in those)]
    for line in those:
        for at_least, letters in line.delays.items():
            bins[at_least] += letters
    return Line(
        {name: sum(line.counted[name] for line in those) for name in names},
        Standing(sum(line.standing.open for line in those), sum(line.standing.overdue for line in those)),
        dict(bins),
    )


def whole(
    session: Session,
    cut: Cut,
    period: Period,
    *,
    bins: Mapping[int, int],
    stood: Standing | None = None,
    counted: Names = COUNTED,
    found: Mapping[str, int] | None = None,
) -> Line:
    """The figures of all keys together over a period and at its end: the sum of ``lines``.

    Args:
        bins: the delays of the period (``delays``).
        stood: what stood at the end of the day before, if the caller knows it: then the letters of five years are not added up again.
        found: the letters of the period, if the caller has them: of ``counted`` and of ``queries.MOVING``.
    """
    if found is None:
        wanted = counted if stood is None else tuple(dict.fromkeys((*counted, *queries.MOVING)))
        found = totals(session, cut, period, counted=wanted)
    standing = queries.standing(session, cut, period.until) if stood is None else stood.moved(found)
    return Line(found, standing, bins)


def totals(session: Session, cut: Cut, period: Period, *, counted: Names = COUNTED) -> dict[str, int]:
    """Counted column -> letters of the period: the sums of ``queries.by_day``, by months as far as they are whole."""
    parts = span(period, sums.grains(session, cut))
    (row,) = summed(session, FigureCell, cut, parts, (), queries.columns(counted))
    return {name: int(letters or 0) for name, letters in zip(counted, row, strict=True)}


def course(
    session: Session, cut: Cut, period: Period, *, by_days: bool, counted: Names = COUNTED
) -> dict[date, dict[str, int]]:
    """First day of each day or whole month -> counted column -> letters. What has no letters may be missing.

    Args:
        by_days: each day for itself; else the months that the period has whole, and the other days.
    """
    grains = sums.grains(session, cut)
    parts = [Part(grains.day, period.since, period.until)] if by_days else span(period, grains)
    rows = summed(session, FigureCell, cut, parts, (FigureCell.day,), queries.columns(counted))
    return {day: dict(zip(counted, map(int, letters), strict=True)) for day, *letters in rows}


def hours(session: Session, cut: Cut, period: Period) -> dict[int, int]:
    """Hour of the week (0 to 167) -> letters that were registered in it."""
    parts = span(period, sums.grains(session, cut, cells=FigureHour))
    rows = summed(session, FigureHour, cut, parts, (FigureHour.hour,), (FigureHour.letters,))
    return {hour: int(letters) for hour, letters in rows}


def delays(session: Session, cut: Cut, period: Period, stage: Stage) -> dict[int, int]:
    """Bin -> letters whose stage ended in the period."""
    parts, bins = span(period, sums.grains(session, cut, cells=FigureDelay)), (FigureDelay.at_least,)
    rows = summed(session, FigureDelay, cut, parts, bins, (FigureDelay.letters,), stage=stage)
    return {at_least: int(letters) for at_least, letters in sorted(rows)}


def standings(session: Session, cut: Cut, days: Sequence[date]) -> dict[date, Standing]:
    """What stands at the ends of days, in the order of time."""
    if not days:
        return {}
    first, last = days[0], days[-1]
    part = Part(sums.grains(session, cut).day, first + ONE_DAY, last)
    moves = (
        [] if first == last else sorted(summed(session, FigureCell, cut, [part], (FigureCell.day,), queries.STANDING))
    )
    at, found, place = queries.standing(session, cut, first), {}, 0
    for day in days:
        while place < len(moves) and moves[place][0] <= day:
            _, opened, overdue = moves[place]
            at = Standing(at.open + int(opened), at.overdue + int(overdue))
            place += 1
        found[day] = at
    return found


def month_standings(session: Session, cut: Cut, months: Sequence[date], *, today: date) -> dict[date, Standing]:
    """What stands at the ends of months, which follow each other; of the running one, at the end of today.

    Args:
        months: their first days, in the order of time, the last one not after today.
    """
    ended = [month for month in months if month_end(month) <= today]
    found: dict[date, Standing] = {}
    if ended:
        at = queries.standing(session, cut, month_end(ended[0]))
        found[ended[0]] = at
        moved = queries.by_day(session, cut, ended[0], ended[-1], grain=Grain.MONTH, counted=queries.MOVING)
        for month in ended[1:]:
            found[month] = at = at.moved(moved.get(month, dict.fromkeys(queries.MOVING, 0)))
    for month in months:
        if month not in found:
            found[month] = queries.standing(session, cut, today)
    return found


def waiting(session: Session, cut: Cut, *, today: date) -> dict[int, dict[date, int]]:
    """Unit -> day since which letters are open -> letters that are open now."""
    rows = session.execute(
        select(FigureKey.unit_id, FigureLetter.opened_on, func.count())
        .join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id))
        .where(FigureLetter.opened_on <= today, is_waiting(), *cut.clauses())
        .group_by(FigureKey.unit_id, FigureLetter.opened_on)
    )
    found: dict[int, dict[date, int]] = defaultdict(dict)
    for unit_id, opened_on, letters in rows:
        if opened_on is not None:  # the query has no other rows: this is for the type alone
            found[unit_id][opened_on] = letters
    return dict(found)


def is_waiting() -> ColumnElement[bool]:
    """Whether a letter is open now."""
    return and_(FigureLetter.opened_on.is_not(None), FigureLetter.ended_on.is_(None))


def registers_of(session: Session, unit_ids: Collection[int]) -> list[tuple[int, str]]:
    """(id, name) of the registers of units, with letters or without, by their names."""
    rows = session.execute(select(Register.id, Register.name).where(Register.unit_id.in_(sorted(unit_ids))))
    return sorted(((one, name) for one, name in rows), key=lambda row: (row[1], row[0]))


def registers(session: Session, cut: Cut) -> list[tuple[int, str]]:
    """(id, name) of the registers with letters of a cut, by their names."""
    rows = session.execute(_registers(cut.narrowed_by), cut.sent)
    return sorted(((one, name) for one, name in rows), key=lambda row: (row[1], row[0]))


@lru_cache(maxsize=64)
def _registers(narrowed_by: tuple[str, ...]) -> Select[int, str]:
    # A key stays when its last letter has left it, for another level, say. The first letter of each register is enough
    # (LIMIT keeps PostgreSQL from looking for all of them).
    of_key = exists().where(FigureLetter.key_id == FigureKey.id)
    # Not the keys of sums, which are no letter's.
    is_letters = FigureKey.register_id > literal_column(str(NO_REGISTER))
    of_keys = select(FigureKey.register_id).where(is_letters, *of_cut(narrowed_by)).distinct().subquery("of_keys")
    first = select(FigureKey.id).where(
        FigureKey.register_id == of_keys.c.register_id, *of_cut(narrowed_by), of_key
    ).limit(1)  # fmt: skip
    is_used = first.scalar_subquery().is_not(None)
    return select(Register.id, Register.name).join(of_keys, of_keys.c.register_id == Register.id).where(is_used)


def has_nature(session: Session, cut: Cut, nature: str) -> bool:
    """Whether there is a letter of a nature in a cut."""
    is_used = exists().where(FigureLetter.key_id == FigureKey.id)
    found = select(FigureKey.id).where(FigureKey.nature == nature, *cut.clauses(), is_used).limit(1)
    return session.scalar(found) is not None


def goal(session: Session, nature: str, unit_ids: Collection[int], units: Mapping[int, UnitRow]) -> int | None:
    """The working days in which an answer to letters of a nature is owed; None: none, or entities have different ones."""
    of_entities = {entity_of(one, units): one for one in sorted(unit_ids) if one in units}
    found = {natures.find(session, nature, unit_id) for unit_id in of_entities.values()}
    owed = {one.delay_days for one in found if one is not None}
    return owed.pop() if len(owed) == 1 else None


# --- by a key


def _grains(session: Session, cut: Cut, by: By, cells: type[Base] = FigureCell) -> Grains:
    """From where figures side by side are read."""
    return sums.grains(session, cut, by_nature=by is By.NATURE, by_unit=by is By.UNIT, cells=cells)


def _counted(session: Session, cut: Cut, period: Period, by: By, counted: Names) -> dict[Key, dict[str, int]]:
    """Key -> counted column -> letters. A key with letters in none of the wanted columns has its row, with zeros: its coming and going
    would tell of a letter."""
    parts = span(period, _grains(session, cut, by))
    rows = summed(session, FigureCell, cut, parts, (_COLUMNS[by],), queries.columns(counted))
    return {key: dict(zip(counted, map(int, letters), strict=True)) for key, *letters in rows}


def standing_by(session: Session, cut: Cut, day: date, by: By) -> dict[Key, Standing]:
    """What stands at a day's end, for each key with open letters."""
    parts = queries.up_to(day, _grains(session, cut, by))
    rows = summed(session, FigureCell, cut, parts, (_COLUMNS[by],), queries.STANDING)
    return {key: Standing(int(opened), int(overdue)) for key, opened, overdue in rows if opened}


def _open_by_nature(session: Session, cut: Cut, day: date) -> dict[Key, Standing]:
    """As ``standing_by``, from the letters themselves."""
    found: dict[Key, Standing] = defaultdict(lambda: Standing(0, 0))
    for is_open in (FigureLetter.ended_on.is_(None), FigureLetter.ended_on > day):
        rows = session.execute(
            select(FigureKey.nature, func.count(), func.count(case((FigureLetter.fell_due_on <= day, 1))))
            .join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id))
            .where(is_open, FigureLetter.opened_on <= day, *cut.clauses())
            .group_by(FigureKey.nature)
        )
        for nature, open_, overdue in rows:
            found[nature] = Standing(found[nature].open + open_, found[nature].overdue + overdue)
    return found


def delays_by(session: Session, cut: Cut, period: Period, by: By, stage: Stage) -> dict[Key, dict[int, int]]:
    """Key -> bin -> letters whose stage ended in the period."""
    parts = span(period, _grains(session, cut, by, FigureDelay))
    columns = (_COLUMNS[by], FigureDelay.at_least)
    found: dict[Key, dict[int, int]] = defaultdict(dict)
    for key, at_least, letters in summed(
        session, FigureDelay, cut, parts, columns, (FigureDelay.letters,), stage=stage
    ):
        found[key][at_least] = int(letters)
    return dict(found)


def span(period: Period, grains: Grains = sums.OF_KEYS) -> list[Part]:
    """The cells that together are the days of a period: its whole months, and the other days before and after."""
    months = whole_months(period.since, period.until)
    if months is None:
        return [Part(grains.day, period.since, period.until)]
    first, last = months
    parts = [Part(grains.month, first, last)]
    if period.since < first:
        parts.append(Part(grains.day, period.since, first - ONE_DAY))
    if period.until > last:
        parts.append(Part(grains.day, last + ONE_DAY, period.until))
    return parts
