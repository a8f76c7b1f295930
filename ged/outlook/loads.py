"""What is on the table of each unit and of each post: letters that were given to them, late ones, and how long they take.

The figures of letters tell of the unit that leads one. A directorate gives most of its letters to the services below it: what these have is in no
figure of theirs. Here a letter counts for each unit, and each post, that it was given to. It is counted when it is asked for, and by the
rule of access, so these numbers are for who may open every letter: for the heads of the units.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Subquery, case, distinct, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged.access import visible_clause
from ged.db import Among
from ged.figures.cells import bin_in_sql
from ged.figures.cuts import Cut
from ged.figures.days import local_day
from ged.figures.letters import is_near, was_finished, whoever_has_it
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
    session: Session, zone: ZoneInfo, actor: Actor, cut: Cut, period: Period, *, today: date, by: By
) -> list[Load]:
    """The loads of the units of a cut, or of their posts: in no order, and none without a letter.

    Args:
        cut: its units are those to which letters were given; the rest of it narrows the letters.
        period: of what was finished (``counted_days``).
    """
    width = len(_KEYS[by])
    waiting = {
        tuple(row[:width]): row[width:] for row in session.execute(_waiting(session, zone, actor, cut, today, by))
    }
    finished, delays = Counter[tuple[int, ...]](), defaultdict[tuple[int, ...], dict[int, int]](dict)
    for *of, at_least, letters in session.execute(_finished(session, zone, actor, cut, counted_days(period), by)):
        finished[tuple(of)] += letters
        if at_least is not None:
            delays[tuple(of)][at_least] = letters
    found = []
    for key in (*waiting, *(one for one in finished if one not in waiting)):
        now, late, soon, since = waiting.get(key, (0, 0, 0, None))
        post_id = key[1] if width > 1 else None
        found.append(Load(key[0], post_id, now, late, soon, since, finished[key], delays.get(key, {})))
    return found


_KEYS: Mapping[By, tuple[InstrumentedAttribute[Any], ...]] = {
    By.UNIT: (Assignment.unit_id,), By.POST: (Assignment.unit_id, Assignment.post_id),
}  # fmt: skip


def _waiting(session: Session, zone: ZoneInfo, actor: Actor, cut: Cut, today: date, by: By) -> Select[Any]:
    """(key, letters, late ones, those with a near date, the first day)."""
    given = _given(cut, is_waiting(), by, Assignment.due_on, Assignment.assigned_at)
    is_late, is_soon = given.c.due_on < today, is_near(given.c.due_on, today)

    def letters(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(distinct(case((which, given.c.id))))

    first = local_day(session, zone)(func.min(given.c.assigned_at))
    key = _key(given, by)
    query = select(*key, func.count(distinct(given.c.id)), letters(is_late), letters(is_soon), first)
    return _visible(query, given, actor, cut).group_by(*key)


def _finished(session: Session, zone: ZoneInfo, actor: Actor, cut: Cut, period: Period, by: By) -> Select[Any]:
    """(key, bin or NULL, letters). A letter that was given twice counts from the first time to the last end."""
    given = _given(
        cut, was_finished(period, zone, by_post=by is By.POST), by, Assignment.assigned_at, Assignment.finished_at
    )
    day = local_day(session, zone)
    since, until = day(func.min(given.c.assigned_at)), day(func.max(given.c.finished_at))
    spans = _visible(select(*_key(given, by), since.label("since"), until.label("until")), given, actor, cut)
    each_letter = spans.group_by(*_key(given, by), given.c.id).subquery("each_letter")
    before, after = aliased(FigureDay), aliased(FigureDay)
    delay = after.worked - before.worked
    at_least = case((delay.is_not(None), bin_in_sql(delay))).label("at_least")
    key = _key(each_letter, by)
    return (
        select(*key, at_least, func.count())
        .select_from(each_letter)
        .outerjoin(before, before.day == each_letter.c.since)
        .outerjoin(after, after.day == each_letter.c.until)
        .group_by(*key, at_least)
    )


def _given(cut: Cut, which: ColumnElement[bool], by: By, *columns: Any) -> Subquery:
    """The assignments to the units of a cut, with their letters. The database finds them before it asks who may see a letter."""
    is_named = [Assignment.post_id.is_not(None)] if by is By.POST else []
    found = (
        select(Mail.id, Mail.level, *_KEYS[by], *columns)
        .join(Assignment, Assignment.mail_id == Mail.id)
        .where(which, *is_named, Among(Assignment.unit_id, cut.unit_ids or ()))
    )
    return found.offset(0).subquery("given")


def _key(rows: Subquery, by: By) -> list[Any]:
    return [rows.c[column.key] for column in _KEYS[by]]


def _visible(query: Select[Any], given: Subquery, actor: Actor, cut: Cut) -> Select[Any]:
    """Those of the letters that the cut narrows to and the actor may see now."""
    letter = aliased(Mail, given)
    visible = (
        query.select_from(given)
        .join(FigureLetter, FigureLetter.mail_id == given.c.id)
        .where(given.c.level <= cut.level, visible_clause(letter.id, letter.level, actor.principals))
    )
    narrowed = whoever_has_it(cut)
    return visible.join(FigureKey, FigureKey.id == FigureLetter.key_id).where(*narrowed) if narrowed else visible
