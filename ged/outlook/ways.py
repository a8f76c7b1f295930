"""Ways of letters: flows between units, letters that go round with their paths, and correspondents whose letters wait longest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from statistics import median_low
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from ged.access import visible_clause
from ged.counting import composed
from ged.dashboard.breakdown import is_waiting, span
from ged.db import ByOtherIndex
from ged.figures import moving, sums
from ged.figures.counted import among
from ged.figures.cuts import Cut, summed
from ged.figures.models import FigureFlow, FigureKey, FigureLetter, FigureRound
from ged.figures.periods import ONE_DAY, Period
from ged.register.models import Correspondent, Direction, Mail
from ged.unit import Actor

ASKED_AT_ONCE = 4
"""How many letters are read at once, for each one wanted: the reader may not see all of them."""
MOST_WAITING = 1000
"""Only so many letters, those that wait longest, are told by their senders."""


@dataclass(frozen=True)
class Round:
    """A letter that goes round.

    Attributes:
        times: how often it came back to a unit that had had it before.
        last_on: the day on which it moved last.
        path: the units that had it, in order.
    """

    mail_id: int
    times: int
    last_on: date
    path: tuple[int, ...]


@dataclass(frozen=True)
class Waiting:
    """A correspondent whose letters wait.

    Attributes:
        sender_id: None: a name that was typed, without an entry of a directory.
        since: the days since which its letters are open, the earliest first.
    """

    sender_id: int | None
    name: str
    since: tuple[date, ...]

    @property
    def median_since(self) -> date:
        """The day since which half of its letters wait, or longer."""
        return median_low(self.since)


def flows(session: Session, cut: Cut, period: Period) -> dict[tuple[int, int], int]:
    """(unit, unit) -> letters that the first one gave to the second one, the last time in the period."""
    parts = span(period, sums.grains(session, cut, cells=FigureFlow))
    units = (FigureFlow.from_unit_id, FigureFlow.to_unit_id)
    rows = summed(session, FigureFlow, cut, parts, units, (FigureFlow.letters,))
    return {(source, target): int(letters) for source, target, letters in rows}


def going_round(session: Session, actor: Actor, cut: Cut, period: Period, *, limit: int) -> list[Round]:
    """The letters that the actor may see, that go round, and that moved last in the period; those that came back most often first."""
    in_order = (
        select(FigureRound.mail_id, FigureRound.times, FigureRound.last_on)
        .join(FigureLetter, FigureLetter.mail_id == FigureRound.mail_id)
        .join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id))
        .where(ByOtherIndex(FigureRound.last_on).between(period.since, period.until), *cut.clauses())
        .order_by(FigureRound.times.desc(), FigureRound.last_on.desc(), FigureRound.mail_id.desc())
    )
    # Whether the reader may see a letter is asked for the first ones alone, not for all letters that go round.
    found, seen, many = list[tuple[int, int, date]](), 0, ASKED_AT_ONCE * limit
    while len(found) < limit:
        some = session.execute(in_order.limit(many).offset(seen)).all()
        readable = select(Mail.id).where(Mail.id.in_([one.mail_id for one in some]), *may_know(actor, cut))
        known = set(session.scalars(readable)) if some else set()
        found += [(one.mail_id, one.times, one.last_on) for one in some if one.mail_id in known]
        seen += many
        if len(some) < many:
            break
    paths = _paths(session, [mail_id for mail_id, _times, _day in found[:limit]])
    return [Round(mail_id, times, day, paths.get(mail_id, ())) for mail_id, times, day in found[:limit]]


def _paths(session: Session, mail_ids: Sequence[int]) -> Mapping[int, tuple[int, ...]]:
    """Letter -> the units that had it, in order, as ``moving.rounds`` counts them."""
    if not mail_ids:
        return {}
    rows = session.execute(_moves(), among(mail_ids).said)
    paths: dict[int, list[int]] = defaultdict(list)
    for mail_id, source, target in rows:
        path = paths[mail_id]
        if not path:
            path.append(source)
        if path[-1] != target:
            path.append(target)
    return {mail_id: tuple(path) for mail_id, path in paths.items()}


@cache
def _moves() -> Select[int, int, int]:
    """The statement of the moves of letters, in order. It is composed once: that takes longer than to run it."""
    found = moving.events(among(()).unsaid())
    return select(found.c.mail_id, found.c.from_unit_id, found.c.to_unit_id).order_by(
        found.c.mail_id, found.c.at, found.c.place
    )


def waiting_longest(session: Session, actor: Actor, cut: Cut, *, today: date) -> tuple[list[Waiting], date]:
    """The correspondents of the letters that wait longest, those with the oldest letter first.

    Returns:
        They, and the last day of their letters: those that came up to it are ``MOST_WAITING`` at most, unless one day had more.
    """
    # Not planned once (``counting.few_rows``): for units that it does not know, PostgreSQL expects few letters, reads all and sorts them.
    rows = session.execute(_waiting(actor, cut, today, limit=MOST_WAITING + 1)).all()
    until = today
    if len(rows) > MOST_WAITING:
        first, last = rows[0][0], rows[-1][0]
        until = max(first, last - ONE_DAY)
        if until < last:
            rows = [row for row in rows if row[0] <= until]
        else:
            rows = session.execute(_waiting(actor, cut, until)).all()
    since: dict[tuple[int | None, str], list[date]] = defaultdict(list)
    shown = entries(session, {sender_id for _day, sender_id, _name in rows if sender_id is not None})
    for day, sender_id, typed in rows:
        entry: tuple[int | None, str] = (None, typed) if sender_id is None else shown.get(sender_id, (None, typed))
        since[entry].append(day)
    found = [Waiting(sender_id, name, tuple(days)) for (sender_id, name), days in since.items()]
    return sorted(found, key=lambda one: (one.since[0], -len(one.since), one.name)), until


@composed
def _waiting(actor: Actor, cut: Cut, until: date, *, limit: int | None = None) -> Select[*tuple[Any, ...]]:
    """(day of arrival, entry of the sender, name that was typed) of the letters that wait since a day or longer, the oldest first."""
    return (
        select(FigureLetter.opened_on, Mail.sender_id, Mail.sender_name)
        .join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id))
        .join(Mail, Mail.id == FigureLetter.mail_id)
        .where(is_waiting(), FigureKey.direction == Direction.INCOMING, *cut.clauses(), *may_know(actor, cut))
        .where(FigureLetter.opened_on <= until)
        .order_by(FigureLetter.opened_on)
        .limit(limit)
    )


def entries(session: Session, sender_ids: set[int]) -> dict[int, tuple[int | None, str]]:
    """Entry of a directory -> the entry that is shown for it, with its name."""
    own = func.coalesce(Correspondent.merged_into_id, Correspondent.id)
    rows = session.execute(select(Correspondent.id, own).where(Correspondent.id.in_(sorted(sender_ids))))
    of = dict(iter(rows))
    names = session.execute(
        select(Correspondent.id, Correspondent.name).where(Correspondent.id.in_(sorted(set(of.values()))))
    )
    named = dict(iter(names))
    return {one: (into, named[into]) for one, into in of.items() if into in named}


def may_know(actor: Actor, cut: Cut) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The letters that the actor may see now. The figures are some minutes old: a level that was raised since counts already."""
    return Mail.level <= cut.level, visible_clause(Mail.id, Mail.level, actor.principals)
