"""What is on the table of each unit and of each post: letters that were given to them, late ones, and how long they take.

The figures of letters tell of the unit that leads one. A directorate gives most of its letters to the services below it: what these have is in no
figure of theirs. Here a letter counts for each unit, and each post, that it was given to. It is counted when it is asked for, and by the
rule of access, so these numbers are for who may open every letter: for the heads of the units.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, BigInteger, ColumnElement, Select, case, cast, distinct, func, null, select, union_all
from sqlalchemy.orm import Session, aliased

from ged.access import visible_clause
from ged.counting import composed, few_rows
from ged.db import Among
from ged.figures.cells import bin_in_sql
from ged.figures.cuts import Cut
from ged.figures.days import Days, is_sqlite, local_day
from ged.figures.letters import is_near, still_waits, was_done, whoever_has_it
from ged.figures.models import FigureDay, FigureKey, FigureLetter
from ged.figures.periods import Period
from ged.register.models import Mail
from ged.routing.models import Assignment
from ged.routing.queries import is_waiting
from ged.unit import Actor

MOST_DAYS = 31
"""What was finished is counted for so many days at most, the last ones of the period: each letter is asked for its rights."""


class By(StrEnum):
    """Whose load."""

    UNIT = "unit"
    """Of a unit and of its posts."""
    POST = "post"
    """Of posts alone: without what names no post of its unit."""


@dataclass(frozen=True)
class Load:
    """The letters that were given to a unit or to a post, each counted once.

    Attributes:
        unit_id: of a post: its unit.
        post_id: None: of the unit.
        waiting: that it has not finished; ``late``: of these, past the date that it was given; ``soon``: of these, with a near date (``letters.SOON``).
        since: the day on which it got the one that waits longest; None: none waits.
        finished: in the period, and none of it waits there any more.
        delays: bin (``stages.bin_of``) of the working days from the day on which it got a letter to the day on which it had finished -> letters.
    """

    unit_id: int
    post_id: int | None
    waiting: int
    late: int
    soon: int
    since: date | None
    finished: int
    delays: Mapping[int, int]


def counted_days(period: Period) -> Period:
    """The days of a period of which ``loads`` counts what was finished."""
    return Period(max(period.since, period.until - timedelta(days=MOST_DAYS - 1)), period.until)


def loads(
    session: Session, zone: ZoneInfo, actor: Actor, cut: Cut, period: Period, *, today: date
) -> dict[By, list[Load]]:
    """The loads of the units of a cut, and those of their posts: in no order, and none without a letter.

    Args:
        cut: its units are those to which letters were given; the rest of it narrows the letters.
        period: of what was finished (``counted_days``).
    """
    asked = _hashable(cut)
    # A key is (unit, None) of a unit, and (unit, post) of a post.
    waiting = {(row[0], row[1]): row[2:] for row in few_rows(session, actor, _waiting, asked, today)}
    finished, delays = Counter[tuple[int, int | None]](), defaultdict[tuple[int, int | None], dict[int, int]](dict)
    days = _Days(zone, is_sqlite(session), local_day(session, zone))
    for unit_id, post_id, at_least, letters in few_rows(session, actor, _finished, asked, counted_days(period), days):
        finished[unit_id, post_id] += letters
        if at_least is not None:
            delays[unit_id, post_id][at_least] = letters
    found: dict[By, list[Load]] = {by: [] for by in By}
    for key in (*waiting, *(one for one in finished if one not in waiting)):
        now, late, soon, first = waiting.get(key, (0, 0, 0, None))
        since = first and first.astimezone(zone).date()
        by = By.UNIT if key[1] is None else By.POST
        found[by].append(Load(*key, now, late, soon, since, finished[key], delays.get(key, {})))
    return found


def _hashable(cut: Cut) -> Cut:
    """The cut as an argument of what is composed once."""
    return Cut(**{one.name: _frozen(getattr(cut, one.name)) for one in fields(Cut)})


def _frozen(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, Collection) else value


@dataclass(frozen=True)
class _Days:
    """``local_day`` as an argument of what is composed once: equal for a time zone and a kind of database."""

    zone: ZoneInfo
    on_sqlite: bool
    of: Days = field(compare=False)


@composed
def _waiting(actor: Actor, cut: Cut, today: date) -> Select[Any]:
    """(unit, post or NULL, letters, late ones, those with a near date, the first moment)."""
    given = _given(cut, is_waiting(), Assignment.due_on, Assignment.assigned_at)
    seen = given.c.mail_id.in_(_seen(given, actor, cut))

    def letters(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(distinct(case((which, given.c.mail_id))))

    def grouped(by: By, post_id: ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
        counts = (func.count(distinct(given.c.mail_id)), letters(given.c.due_on < today))
        columns = given.c.unit_id, post_id.label("post_id"), *counts, letters(is_near(given.c.due_on, today))
        return select(*columns, func.min(given.c.assigned_at)).where(seen, *which).group_by(*_place(given, by))

    return _of_units_and_posts(given, grouped)


@composed
def _finished(actor: Actor, cut: Cut, period: Period, days: _Days) -> Select[Any]:
    """(unit, post or NULL, bin or NULL, letters). A letter that was given twice counts from the first time to the last end."""
    waits = {by: still_waits(by_post=by is By.POST).label(f"waits_by_{by}") for by in By}
    given = _given(cut, was_done(period, days.zone), Assignment.assigned_at, Assignment.finished_at, *waits.values())
    seen = given.c.mail_id.in_(_seen(given, actor, cut))
    since, until = (
        days.of(func.min(given.c.assigned_at)).label("since"),
        days.of(func.max(given.c.finished_at)).label("until"),
    )

    def grouped(by: By, post_id: ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
        columns = given.c.unit_id, post_id.label("post_id"), since, until
        is_over = ~given.c[waits[by].key]
        return select(*columns).where(seen, is_over, *which).group_by(*_place(given, by), given.c.mail_id)

    each = _of_units_and_posts(given, grouped).subquery("each_letter")
    # Half of the letters have the days of another one there: the working days are looked up once for both.
    alike = select(*each.c, func.count().label("letters")).group_by(*each.c).subquery("alike")
    before, after = aliased(FigureDay), aliased(FigureDay)
    delay = after.worked - before.worked
    at_least = case((delay.is_not(None), bin_in_sql(delay))).label("at_least")
    key = alike.c.unit_id, alike.c.post_id
    return (
        select(*key, at_least, cast(func.sum(alike.c.letters), BigInteger))
        .select_from(alike)
        .outerjoin(before, before.day == alike.c.since)
        .outerjoin(after, after.day == alike.c.until)
        .group_by(*key, at_least)
    )


def _given(cut: Cut, which: ColumnElement[bool], *columns: Any) -> CTE:
    """The assignments to the units of a cut."""
    found = select(Assignment.mail_id, Assignment.unit_id, Assignment.post_id, *columns)
    return found.where(which, Among(Assignment.unit_id, cut.unit_ids or ())).cte("given")


def _place(given: CTE, by: By) -> tuple[ColumnElement[Any], ...]:
    return (given.c.unit_id,) if by is By.UNIT else (given.c.unit_id, given.c.post_id)


def _of_units_and_posts(given: CTE, grouped: Callable[..., Select[Any]]) -> Select[Any]:
    of_units = grouped(By.UNIT, cast(null(), Assignment.post_id.type))
    of_posts = grouped(By.POST, given.c.post_id, given.c.post_id.is_not(None))
    return select(*union_all(of_units, of_posts).subquery("each_place").c)


def _seen(given: CTE, actor: Actor, cut: Cut) -> Select[int]:
    """The letters given that the cut narrows to, and that the actor may see now."""
    # A letter is given to a directorate, to a service and to a post: who may see it is asked once. ``OFFSET 0``: the database finds the
    # letters first, and asks for the rights to these alone. In the order of their ids, which the tables of the next questions have too:
    # PostgreSQL would take the order of a hash, and find nothing near where it has just been.
    ids = select(given.c.mail_id).distinct().order_by(given.c.mail_id).offset(0).subquery("ids")
    letters = select(Mail.id, Mail.level).join(ids, ids.c.mail_id == Mail.id).offset(0).subquery("letters")
    letter = aliased(Mail, letters)
    visible = (
        select(letters.c.id)
        .join(FigureLetter, FigureLetter.mail_id == letters.c.id)
        .where(letters.c.level <= cut.level, visible_clause(letter.id, letter.level, actor.principals))
    )
    if narrowed := whoever_has_it(cut):
        visible = visible.join(FigureKey, FigureKey.id == FigureLetter.key_id).where(*narrowed)
    return select(visible.cte("seen").c.id)
