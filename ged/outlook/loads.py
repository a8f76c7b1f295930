"""What is on the table of each unit and of each post: letters that were given to them, late ones, and how long they take.

The figures of letters tell of the unit that leads one. A directorate gives most of its letters to the services below it: what these have is in no
figure of theirs. Here a letter counts for each unit, and each post, that it was given to. It is counted when it is asked for. A letter counts
where its reader may see it, so these numbers are for who may open every letter: for the heads of the units.

**Who may see a letter is said by ``ged.access`` alone.** What is decided here by the key of a letter's figures (``_is_seen_by_key``) follows
from it, as long as three things hold: a key has its level by rights of ``ged.access`` (``counted.heads_rights``, for both rooms); these rights end
by an act alone, and by no clock; and ``operations.letters_of`` finds each such act. Whoever changes one of these changes ``_is_seen_by_key``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Table,
    and_,
    case,
    cast,
    distinct,
    false,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged import audit
from ged.access import visible_clause
from ged.counting import composed, rows_with
from ged.dashboard.breakdown import is_waiting as is_open
from ged.dashboard.letters import is_near, still_waits, was_done, whoever_has_it
from ged.db import Among, Unindexed, asked_of_each_row, table_of
from ged.figures import operations, sums
from ged.figures.cells import bin_in_sql
from ged.figures.counted import heads_rights
from ged.figures.cuts import Cut
from ged.figures.days import Days, is_sqlite, local_day
from ged.figures.models import FigureDay, FigureKey, FigureLetter
from ged.figures.periods import Period
from ged.org.models import Unit
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.routing.models import Assignment
from ged.routing.queries import is_waiting
from ged.unit import Actor

CHANGED = "changed"
"""The parameter with the letters whose acts the figures have not counted yet."""
MOST_ENTRIES = 1000
"""With more entries of the journal that the figures have not counted, each letter is asked for its rights: they are behind."""
MOST_DAYS = 31
"""What was finished is counted for so many days at most, the last ones of the period: nothing of it is kept in cells."""


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
        finished: in the period, and none of it waits there any more; None: it was not asked for, as were ``delays``.
        delays: bin (``stages.bin_of``) of the working days from the day on which it got a letter to the day on which it had finished -> letters.
    """

    unit_id: int
    post_id: int | None
    waiting: int
    late: int
    soon: int
    since: date | None
    finished: int | None
    delays: Mapping[int, int]


@dataclass(frozen=True)
class LaterActs:
    """The letters with acts that the figures have not counted yet; None: the figures are behind, and say nothing of letters."""

    letters: Collection[int] | None


def later_acts(session: Session) -> LaterActs:
    """The letters with acts that the figures of a session have not counted yet."""
    state, count = sums.state_of(session), audit.head(session).count
    # A place beyond the journal's end is of another journal: it says nothing of these letters.
    if state is None or not state.is_whole or not 0 <= count - state.sequence <= MOST_ENTRIES:
        return LaterActs(None)
    return LaterActs(operations.letters_of(session, state.sequence, count) if count > state.sequence else ())


def counted_days(period: Period) -> Period:
    """The days of a period of which ``loads`` counts what was finished."""
    return Period(max(period.since, period.until - timedelta(days=MOST_DAYS - 1)), period.until)


def loads(
    session: Session, zone: ZoneInfo, actor: Actor, cut: Cut, period: Period, *, today: date,
    waits: bool = True, finished_of: Collection[By] = tuple(By), later: LaterActs | None = None,
) -> dict[By, list[Load]]:  # fmt: skip
    """The loads of the units of a cut, and those of their posts: in no order, and none without a letter.

    Args:
        cut: its units are those to which letters were given; the rest of it narrows the letters.
        period: of what was finished (``counted_days``).
        waits: whether what waits is read. False: the caller knows that nothing does.
        finished_of: of whom what was finished is read: it costs more than what waits.
        later: from ``later_acts``, for several calls in one session; None: it is read here.
    """
    asked, later = _hashable(cut), later or later_acts(session)
    by_keys, sent = later.letters is not None, {CHANGED: sorted(later.letters or ())}
    # A key is (unit, None) of a unit, and (unit, post) of a post.
    by_open = _reads_all_open(session, actor, cut)
    rows = rows_with(session, sent, actor, _waiting, asked, today, by_keys, by_open) if waits else ()
    waiting = {(row[0], row[1]): row[2:] for row in rows}
    finished, delays = Counter[tuple[int, int | None]](), defaultdict[tuple[int, int | None], dict[int, int]](dict)
    if finished_of:
        days = _Days(zone, is_sqlite(session), local_day(session, zone))
        whose = tuple(by for by in By if by in finished_of)
        rows = rows_with(session, sent, actor, _finished, asked, counted_days(period), days, by_keys, whose)
        for unit_id, post_id, at_least, letters in rows:
            finished[unit_id, post_id] += letters
            if at_least is not None:
                delays[unit_id, post_id][at_least] = letters
    found: dict[By, list[Load]] = {by: [] for by in By}
    for key in (*waiting, *(one for one in finished if one not in waiting)):
        now, late, soon, first = waiting.get(key, (0, 0, 0, None))
        since = first and first.astimezone(zone).date()
        by = By.UNIT if key[1] is None else By.POST
        done = finished[key] if by in finished_of else None
        found[by].append(Load(*key, now, late, soon, since, done, delays.get(key, {})))
    return found


def _reads_all_open(session: Session, actor: Actor, cut: Cut) -> bool:
    """Whether most open letters are of the units of a cut (``_left_out``, ``by_open``). SQLite looks each of them up in the time in which it would read it."""
    return not is_sqlite(session) and 2 * len(cut.unit_ids or ()) > len(actor.units)


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
def _waiting(actor: Actor, cut: Cut, today: date, by_keys: bool, by_open: bool) -> Select[Any]:
    """(unit, post or NULL, letters, late ones, those with a near date, the first moment)."""
    given = _given(cut, is_waiting())
    counted = Assignment.mail_id.not_in(_left_out(given, actor, cut, by_keys=by_keys, by_open=by_open))
    mail_id, due_on = Assignment.mail_id, Assignment.due_on

    def letters(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(distinct(case((which, mail_id))))

    def grouped(by: By, post_id: ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
        counts = (func.count(distinct(mail_id)), letters(due_on < today), letters(is_near(due_on, today)))
        columns = Assignment.unit_id, post_id.label("post_id"), *counts, func.min(Assignment.assigned_at)
        return select(*columns).where(*given, counted, *which).group_by(*_place(by))

    return select(*union_all(*_of(grouped, tuple(By))).subquery("each_place").c)


@composed
def _finished(actor: Actor, cut: Cut, period: Period, days: _Days, by_keys: bool, whose: tuple[By, ...]) -> Select[Any]:
    """(unit, post or NULL, bin or NULL, letters). A letter that was given twice counts from the first time to the last end."""
    given = _given(cut, was_done(period, days.zone))
    if By.UNIT not in whose:  # else the letters of units, which may be all, would be judged for nothing
        given += (_NAMES_A_POST,)
    counted = Assignment.mail_id.not_in(_left_out(given, actor, cut, by_keys=by_keys))
    since, until = (
        days.of(func.min(Assignment.assigned_at)).label("since"),
        days.of(func.max(Assignment.finished_at)).label("until"),
    )

    def grouped(by: By, post_id: ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
        columns = Assignment.unit_id, post_id.label("post_id"), since, until
        is_over = ~still_waits(by_post=by is By.POST)
        # The letter first: it alone nearly tells the groups apart.
        return select(*columns).where(*given, counted, is_over, *which).group_by(Assignment.mail_id, *_place(by))

    each = union_all(*_of(grouped, whose)).subquery("each_letter")
    # Half of the letters have the days of another one there: the working days are looked up once for both.
    alike = select(*each.c, func.count().label("letters")).group_by(*each.c).cte("alike")
    calendar = _days_of(alike, days)
    before, after = calendar.alias("before"), calendar.alias("after")
    delay = after.c.worked - before.c.worked
    at_least = case((delay.is_not(None), bin_in_sql(delay))).label("at_least")
    key = alike.c.unit_id, alike.c.post_id
    return (
        select(*key, at_least, cast(func.sum(alike.c.letters), BigInteger))
        .select_from(alike)
        .outerjoin(before, before.c.day == alike.c.since)
        .outerjoin(after, after.c.day == alike.c.until)
        .group_by(*key, at_least)
    )


def _days_of(alike: CTE, days: _Days) -> CTE | Table:
    """The table with the working days up to each day. PostgreSQL, which does not know how few these days are, would look each of them up in a
    calendar of a century for each group: it first finds the days that there are. SQLite makes such a small table no sooner than it finds a day.
    """
    if days.on_sqlite:
        return table_of(FigureDay)
    there = select(alike.c.since).union(select(alike.c.until)).subquery("there")
    return select(FigureDay.day, FigureDay.worked).where(FigureDay.day.in_(select(there.c.since))).cte("days")


def _given(cut: Cut, which: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """The conditions of the assignments to the units of a cut."""
    return which, Among(Assignment.unit_id, cut.unit_ids or ())


# Not by the index of posts: where few assignments name one, it holds them of five years.
_NAMES_A_POST = Unindexed(Assignment.post_id).is_not(None)


def _place(by: By) -> Sequence[InstrumentedAttribute[Any]]:
    return (Assignment.unit_id,) if by is By.UNIT else (Assignment.unit_id, Assignment.post_id)


def _of(grouped: Callable[..., Select[Any]], whose: Collection[By]) -> list[Select[Any]]:
    of_units = grouped(By.UNIT, cast(null(), Assignment.post_id.type))
    of_posts = grouped(By.POST, Assignment.post_id, _NAMES_A_POST)
    return [one for by, one in ((By.UNIT, of_units), (By.POST, of_posts)) if by in whose]


def _left_out(
    given: Iterable[ColumnElement[bool]], actor: Actor, cut: Cut, *, by_keys: bool, by_open: bool = False
) -> Select[int]:
    """The letters of assignments that are not counted: the cut leaves them out, or the actor may not see them now. Where the cut chooses
    no nature, register, channel or priority, they are few.

    Args:
        by_keys: most letters are judged by the key of their figures: the heads of the key's unit see a letter up to the key's level
            (``counted.heads_rights``). The rights of a letter are asked where the actor has not those of these heads, and where the
            journal has later acts on the letter (``CHANGED``). False: the rights of each letter are asked.
        by_open: the letters' keys are looked for among all open letters first, which are read at once. Only the other letters are looked up one
            after another. For the assignments of most units: nearly all open letters are theirs.
    """
    # A letter is given to a directorate, to a service and to a post: it is judged once. In the order of their ids, which the tables of the next
    # questions have too: PostgreSQL would take the order of a hash, and find nothing near where it has just been. ``OFFSET 0`` keeps that.
    ids = select(Assignment.mail_id).where(*given).distinct().order_by(Assignment.mail_id).offset(0).subquery("ids")
    mail_id = ids.c.mail_id
    changed = select(FigureLetter.mail_id).where(Among(FigureLetter.mail_id, CHANGED))
    seen_now = asked_of_each_row(
        Mail.id == mail_id, Mail.level <= cut.level, visible_clause(Mail.id, Mail.level, actor.principals)
    )
    is_seen = or_(and_(_is_seen_by_key(actor, cut), mail_id.not_in(changed)), seen_now) if by_keys else seen_now
    known, looked_up, key_id = select(mail_id), mail_id.expression, FigureLetter.key_id.expression
    if by_open:
        opened = select(FigureLetter.mail_id, FigureLetter.key_id).where(is_open()).offset(0).subquery("opened")
        known = known.outerjoin(opened, opened.c.mail_id == mail_id)
        looked_up = case((opened.c.mail_id.is_(None), mail_id))
        key_id = func.coalesce(opened.c.key_id, key_id)
    found = (
        known.outerjoin(FigureLetter, FigureLetter.mail_id == looked_up)
        .outerjoin(FigureKey, FigureKey.id == key_id)
        # First of all letters that the figures do not know: of their missing key nothing else is true or false.
        .where(or_(FigureKey.id.is_(None), ~and_(*whoever_has_it(cut), is_seen)))
    )
    return select(found.cte("left_out").c.mail_id)


def _is_seen_by_key(actor: Actor, cut: Cut) -> ColumnElement[bool]:
    """Whether the actor has the rights for which a key has its level, of the levels that the cut tells."""

    def of(level: Confidentiality) -> ColumnElement[bool]:
        # The key does not say by which of its heads' rights a letter has this level, so the actor has all of them.
        rights, of_heads = actor.principals.at(level), heads_rights(level)
        held = [one for one in actor.units if all(right(one) in rights for right in of_heads)]
        # The result of a query is hashed. PostgreSQL would compare the unit of each letter with all those of a ministry, one after another.
        units = select(Unit.id).where(Among(Unit.id, held))
        return and_(FigureKey.level == int(level), FigureKey.unit_id.in_(units))

    return or_(false(), *(of(one) for one in Confidentiality if one <= cut.level))
