"""The letters behind a figure: those that the reader may see, by the rule of access."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged import paging
from ged.access import visible_clause
from ged.dashboard import paper_letters
from ged.dashboard.breakdown import is_waiting
from ged.dashboard.movements import Station
from ged.dashboard.paper_letters import Behind
from ged.db import Among, ByOtherIndex
from ged.figures.cuts import Cut
from ged.figures.days import HOURS
from ged.figures.models import FigureKey, FigureLetter, FigureMove, FigureReturn, FigureRound
from ged.figures.periods import Period
from ged.figures.stages import SPANS, UNTOLD, Stage, bin_of, day_of, delay_of, next_bin
from ged.figures.whole_days import within
from ged.paging import START, Key, Parts, Place, Slice
from ged.ports import Confidentiality
from ged.register.models import Correspondent, Mail
from ged.routing.models import Assignment
from ged.routing.queries import MailRow, mail_rows
from ged.routing.queries import is_waiting as is_assigned
from ged.routing.states import LIVE, AssignmentState
from ged.unit import Actor

_UTC = ZoneInfo("UTC")
_NO_HOUR = 7 * HOURS
"""The first hour that no week has."""


class What(StrEnum):
    """What the letters of a figure have in common."""

    RECEIVED = "received"
    NUMBERED = "numbered"
    VOIDED = "voided"
    IMPUTED = "imputed"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    CLOSED = "closed"
    RETURNED = "returned"
    SIGNED = "signed"
    DISPATCHED = "dispatched"
    OPEN = "open"
    """At the end of the last day of the period."""
    OVERDUE = "overdue"
    """At the end of the last day of the period."""
    IN_TIME = "in_time"
    """Open at the end of the last day of the period, and not overdue."""
    WAITING = "waiting"
    """Open now, since a day of the period."""
    DELAY = "delay"
    """A stage ended in the period, after so many working days."""
    PASSED = "passed"
    """One unit gave it to another, the last time in the period."""
    HOUR = "hour"
    """It was registered in one of some hours of the week."""
    ROUND = "round"
    """It came back twice or more to units which had had it, and moved last in the period."""
    GIVEN = "given"
    """It was given to a unit, or to a post, and waits there now; whichever unit leads it."""
    GIVEN_LATE = "given_late"
    """Such a letter, past the date of the assignment."""
    GIVEN_IN_TIME = "given_in_time"
    """Such a letter, all of whose assignments there are in time or without a date."""
    GIVEN_SOON = "given_soon"
    """Such a letter, whose assignment has a near date (``SOON``)."""
    FINISHED = "finished"
    """A unit, or a post, to which it was given finished with it in the period, and has it no more."""
    ON_SENT = "sent"
    """It was on a slip that a unit sent in the period."""
    ON_RECEIVED = "taken"
    """It was on a slip that a unit acknowledged in the period."""
    AT_FAULT = "faulty"
    """It was missing, or damaged, when a unit acknowledged its slip in the period."""
    WAITED = "waited"
    """It was on a slip that a unit sent, acknowledged in the period after so many working days."""
    SCANNED = "scanned"
    """A document of it was made in the period of what came to a desk of a unit."""
    READ = "read"
    """Such a letter; the machine looked at pages of that document."""
    UNCERTAIN = "unsure"
    """Such a letter; of some of these pages the machine is not sure of the text."""
    TEXTLESS = "textless"
    """Such a letter; on some of these pages the machine found no text."""


ON_SLIPS = (What.ON_SENT, What.ON_RECEIVED, What.AT_FAULT, What.WAITED)
SCANS: Mapping[What, str] = {
    What.SCANNED: "", What.READ: "was_read", What.UNCERTAIN: "doubtful", What.TEXTLESS: "textless",
}  # fmt: skip
"""With the number of pages (``movements.Brought``) that such a document has."""
PAPERS = (*ON_SLIPS, *SCANS)
"""Of these the figures count papers, not letters, and the units of a cut are those whose papers they are. A value is short: a page has a
hundred links with it."""
MOST_LETTERS_COUNTED = 100
"""The count of a longer list is told as "more than" this: the figure that led to the list told it whole, and each letter more is asked
for its rights."""
SOON = 7
"""A date is near that comes in so many days of the calendar, or today."""
WAITING_THERE = (What.GIVEN, What.GIVEN_LATE, What.GIVEN_IN_TIME, What.GIVEN_SOON)
"""Of these an assignment waits, with a date of its own."""
GIVEN = (*WAITING_THERE, What.FINISHED)
"""Of these the units of a cut are those to which a letter was given, and not those for which it is counted."""


@dataclass(frozen=True)
class AskedLetters:
    """The letters of one figure.

    Attributes:
        stage: of ``What.DELAY`` alone.
        bins: of ``What.DELAY`` and ``What.WAITED`` the first and the last bin, of ``What.HOUR`` the first and the last hour of the week; both included.
        way: of ``What.PASSED`` alone: the unit that gave the letters, and the one that got them.
        sender_id: only letters of this correspondent, whichever figure it is; None: of all.
        post_id: of ``GIVEN`` alone: only what was given to this post; None: to any post of the units, or to none.
        zone: of ``What.FINISHED`` and of ``PAPERS``: that of the days.
        station: of ``SCANS`` alone: only what came from it; None: from any.
    """

    what: What
    period: Period
    stage: Stage = Stage.ANSWER
    bins: tuple[int, int] = (0, 0)
    way: tuple[int, int] = (0, 0)
    sender_id: int | None = None
    post_id: int | None = None
    zone: ZoneInfo = _UTC
    station: Station | None = None


def letters(
    session: Session, actor: Actor, cut: Cut, asked: AskedLetters, at: Place, *, limit: int
) -> tuple[list[MailRow], Slice, int]:
    """A page of the letters that the actor may see; and how many there are, at most ``MOST_LETTERS_COUNTED`` + 1.

    The last ones come first; of those that wait, the ones that wait longest (``WAITING_FIRST``).
    """
    parts, keys = _parts(session, actor, cut, asked)
    is_turned = asked.what not in WAITING_FIRST
    by = FigureLetter.mail_id
    if at == START:
        page, count = paging.first(
            session, parts, by, keys=keys, descending=is_turned, limit=limit, most=MOST_LETTERS_COUNTED
        )
    else:
        page = paging.read(session, parts, by, at, keys=keys, descending=is_turned, limit=limit)
        count = paging.count(session, parts, most=MOST_LETTERS_COUNTED)
    return mail_rows(session, actor, page.ids), page, count


WAITING_FIRST = frozenset({What.OPEN, What.OVERDUE, What.IN_TIME, What.WAITING, *WAITING_THERE})
"""Lists whose reader looks for the worst: it stands on the first page."""


@dataclass(frozen=True)
class Held:
    """What the figures say of a letter.

    Attributes:
        unit_id: for which it is counted: the unit that has it; before a decision, the one that registered it.
        ended_on: the day on which it was dealt with; None: it is open.
    """

    unit_id: int
    ended_on: date | None


def held(session: Session, mail_ids: Sequence[int]) -> dict[int, Held]:
    """Letter -> what the figures say of it: of letters of a list, which its reader may see."""
    rows = session.execute(
        select(FigureLetter.mail_id, FigureKey.unit_id, FigureLetter.ended_on)
        .join(FigureKey, FigureKey.id == FigureLetter.key_id)
        .where(Among(FigureLetter.mail_id, mail_ids))
    )
    return {mail_id: Held(unit_id, ended_on) for mail_id, unit_id, ended_on in rows}


def given_dates(session: Session, cut: Cut, asked: AskedLetters, mail_ids: Sequence[int]) -> dict[int, date]:
    """Letter -> the first date of the assignments for which it is in the list (``WAITING_THERE``); those without a date are left out.

    Args:
        mail_ids: letters of a list, which its reader may see.
    """
    rows = session.execute(
        select(Assignment.mail_id, func.min(Assignment.due_on))
        .where(*_given(cut, asked), Assignment.mail_id.in_(mail_ids))
        .group_by(Assignment.mail_id)
    )
    return {int(mail_id): due_on for mail_id, due_on in rows if due_on is not None}


def is_near(
    due_on: InstrumentedAttribute[date | None] | ColumnElement[date | None], today: date
) -> ColumnElement[bool]:
    """Whether the date of an assignment is near (``SOON``)."""
    # The last day of the calendar has no day after it, and an address may name that day.
    return due_on.between(today, today + timedelta(days=min(SOON, (date.max - today).days)))


def _parts(session: Session, actor: Actor, cut: Cut, asked: AskedLetters) -> tuple[Parts, tuple[Key, ...]]:
    parts, keys = _of_any_sender(session, actor, cut, asked)
    if asked.sender_id is None:
        return parts, keys
    # Of each figure: where a letter is listed, the page names the sender, and no other one may be named by its id.
    return tuple(one.where(_is_from(asked.sender_id)) for one in parts), keys


def _of_any_sender(session: Session, actor: Actor, cut: Cut, asked: AskedLetters) -> tuple[Parts, tuple[Key, ...]]:
    if asked.what in PAPERS:
        return _of_papers(actor, cut, _behind(session, cut, asked))
    query = (
        select(FigureLetter.mail_id)
        .join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id))
        .join(Mail, Mail.id == FigureLetter.mail_id)
        .where(visible_clause(Mail.id, Mail.level, actor.principals))
    )
    if asked.what in GIVEN:
        given = select(Assignment.mail_id).where(*_given(cut, asked))
        query = query.where(*whoever_has_it(cut), Mail.level <= cut.level, FigureLetter.mail_id.in_(given))
        if asked.what is What.GIVEN_IN_TIME:  # A letter that was given twice is late when one of the two is.
            late = select(Assignment.mail_id).where(*_given(cut, replace(asked, what=What.GIVEN_LATE)))
            query = query.where(FigureLetter.mail_id.not_in(late))
        return (query,), _keys(asked)
    query = query.where(*cut.clauses())
    return tuple(query.where(one) for one in _of(asked)), _keys(asked)


def _of_papers(actor: Actor, cut: Cut, behind: Behind) -> tuple[Parts, tuple[Key, ...]]:
    """The letters of papers that the actor may see. What else a cut chooses is asked of the letter's key."""
    query = behind.query.where(visible_clause(Mail.id, Mail.level, actor.principals), Mail.level <= cut.level)
    if chosen := whoever_has_it(cut):
        query = query.join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id)).where(*chosen)
    return (query,), (Key(behind.moment, descending=True),)


def _behind(session: Session, cut: Cut, asked: AskedLetters) -> Behind:
    units, period, zone = cut.unit_ids or (), asked.period, asked.zone
    match asked.what:
        case What.ON_SENT:
            return paper_letters.sent(units, period, zone)
        case What.ON_RECEIVED:
            return paper_letters.received(units, period, zone)
        case What.AT_FAULT:
            return paper_letters.at_fault(units, period, zone, Confidentiality(cut.level))
        case What.WAITED:
            return paper_letters.waited(session, units, period, zone, asked.bins)
        case _:
            return paper_letters.scanned(units, period, zone, asked.station, SCANS[asked.what])


def _keys(asked: AskedLetters) -> tuple[Key, ...]:
    day = _day_of(asked)
    if day is None:
        return ()
    # A letter that was taken over is never opened, and may be given to a unit.
    sorted_by = func.coalesce(day, date.max) if asked.what in GIVEN else day
    return (Key(sorted_by, descending=asked.what not in WAITING_FIRST),)


def whoever_has_it(cut: Cut) -> list[ColumnElement[bool]]:
    """The conditions of a cut on ``FigureKey`` but for units and level: a letter that was given to a unit may be counted for another one.
    The caller asks the letter itself for its level.
    """
    everywhere = replace(cut, unit_ids=None, level=UNTOLD)
    return everywhere.clauses() if everywhere.narrowed_by else []


def was_finished(period: Period, zone: ZoneInfo, *, by_post: bool) -> ColumnElement[bool]:
    """Whether an assignment was finished in a period, and no other one of its letter waits in its unit.

    A head who gave a letter on to a post has it until the head, too, has finished it.

    Args:
        by_post: none waits for its post; of the unit nothing is asked.
    """
    return and_(was_done(period, zone), ~still_waits(by_post=by_post))


def was_done(period: Period, zone: ZoneInfo) -> ColumnElement[bool]:
    """Whether an assignment was finished in a period, whatever waits of its letter."""
    is_in = within(Assignment.finished_at, period, zone)
    return and_(is_in, ByOtherIndex(Assignment.state) == AssignmentState.DONE)


def still_waits(*, by_post: bool) -> ColumnElement[bool]:
    """Whether another assignment of an assignment's letter waits in its unit, or for its post."""
    other = aliased(Assignment)
    # By the letter, which has few assignments. By the unit, SQLite would go through all that waits there, for each finished letter.
    own, there = (other.post_id, Assignment.post_id) if by_post else (other.unit_id, Assignment.unit_id)
    place = ByOtherIndex(own) == there
    waits = exists().where(other.mail_id == Assignment.mail_id, place, other.is_under_way, other.state.in_(LIVE))
    # Nothing waits of a letter that is not under way: most are closed. With AND, SQLite would look them up all the same.
    return case((Assignment.is_under_way, waits), else_=false())


def _finished(asked: AskedLetters) -> ColumnElement[bool]:
    return was_finished(asked.period, asked.zone, by_post=asked.post_id is not None)


def _given(cut: Cut, asked: AskedLetters) -> list[ColumnElement[bool]]:
    """The assignments that make a letter one of ``GIVEN``."""
    which = [is_assigned()] if asked.what is not What.FINISHED else [_finished(asked)]
    if asked.what is What.GIVEN_LATE:
        which.append(Assignment.due_on < asked.period.until)
    if asked.what is What.GIVEN_SOON:
        which.append(is_near(Assignment.due_on, asked.period.until))
    if asked.post_id is not None:
        which.append(Assignment.post_id == asked.post_id)
    return [*which, Among(Assignment.unit_id, cut.unit_ids or ())]


def _of(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    """The conditions on the letters; several: no letter meets two of them, and each of them has an index."""
    special = _SPECIAL.get(asked.what)
    return special(asked) if special is not None else (_within(_column(asked.what), asked.period),)


def _day_of(asked: AskedLetters) -> InstrumentedAttribute[Any] | None:
    """The day by which the letters are sorted; None: by their ids."""
    if asked.what in (What.RETURNED, What.PASSED, What.ROUND, What.FINISHED):
        return None
    if asked.what is What.DELAY:
        return _last_day(asked.stage)
    if asked.what is What.HOUR:
        return FigureLetter.numbered_on
    if asked.what in (What.OPEN, What.IN_TIME, What.WAITING, *WAITING_THERE):
        return FigureLetter.opened_on
    return FigureLetter.fell_due_on if asked.what is What.OVERDUE else _column(asked.what)


def _column(what: What) -> InstrumentedAttribute[Any]:
    column: InstrumentedAttribute[Any] = getattr(FigureLetter, day_of(what.value))
    return column


def _last_day(stage: Stage) -> InstrumentedAttribute[Any]:
    column: InstrumentedAttribute[Any] = getattr(FigureLetter, SPANS[stage][1])
    return column


def _within(day: InstrumentedAttribute[Any], period: Period) -> ColumnElement[bool]:
    return day.between(period.since, period.until)


def _not_ended(day: date, condition: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """The letters that were open at a day's end: those that are open now, and those that ended later."""
    return and_(FigureLetter.ended_on.is_(None), condition), and_(FigureLetter.ended_on > day, condition)


def _returned(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    times = select(FigureReturn.mail_id).where(FigureReturn.day.between(asked.period.since, asked.period.until))
    return (FigureLetter.mail_id.in_(times),)


def _passed(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    source, target = asked.way
    moves = select(FigureMove.mail_id).where(
        FigureMove.from_unit_id == source, FigureMove.to_unit_id == target,
        FigureMove.day.between(asked.period.since, asked.period.until),
    )  # fmt: skip
    return (FigureLetter.mail_id.in_(moves),)


def _round(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    rounds = select(FigureRound.mail_id).where(FigureRound.last_on.between(asked.period.since, asked.period.until))
    return (FigureLetter.mail_id.in_(rounds),)


def _open(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    return _not_ended(asked.period.until, FigureLetter.opened_on <= asked.period.until)


def _overdue(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    until = asked.period.until
    # Whatever is overdue was opened: the first condition is for the index.
    return _not_ended(until, and_(FigureLetter.opened_on <= until, FigureLetter.fell_due_on <= until))


def _in_time(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    until = asked.period.until
    is_in_time = or_(FigureLetter.fell_due_on.is_(None), FigureLetter.fell_due_on > until)
    return _not_ended(until, and_(FigureLetter.opened_on <= until, is_in_time))


def _waiting(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    return (and_(_within(FigureLetter.opened_on, asked.period), is_waiting()),)


def _delay(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    first, last = asked.bins
    delay: InstrumentedAttribute[Any] = getattr(FigureLetter, delay_of(asked.stage))
    conditions = [_within(_last_day(asked.stage), asked.period), delay >= bin_of(first)]
    ends = next_bin(last)
    if ends is not None:
        conditions.append(delay < ends)
    return (and_(*conditions),)


def sender(session: Session, sender_id: int) -> str:
    """The name of a correspondent; empty for one that is not there. For who may read one of its letters."""
    found = session.get(Correspondent, sender_id)
    return found.name if found is not None else ""


def _is_from(sender_id: int) -> ColumnElement[bool]:
    """Whether a letter is from a correspondent, or from a double of its entry."""
    doubles = select(Correspondent.id).where(
        or_(Correspondent.id == sender_id, Correspondent.merged_into_id == sender_id)
    )
    # A list is of some days, and a correspondent of five years may have sent a hundred times as many letters.
    return ByOtherIndex(Mail.sender_id).in_(doubles)


def _hour(asked: AskedLetters) -> tuple[ColumnElement[bool], ...]:
    first, last = (min(one, _NO_HOUR) for one in asked.bins)  # PostgreSQL refuses numbers of more than 32 bits
    return (and_(_within(FigureLetter.numbered_on, asked.period), FigureLetter.numbered_hour.between(first, last)),)


_SPECIAL: Mapping[What, Callable[[AskedLetters], tuple[ColumnElement[bool], ...]]] = {
    What.RETURNED: _returned, What.OPEN: _open, What.OVERDUE: _overdue, What.WAITING: _waiting, What.DELAY: _delay,
    What.PASSED: _passed, What.ROUND: _round, What.HOUR: _hour, What.IN_TIME: _in_time,
}  # fmt: skip
