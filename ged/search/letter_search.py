"""Searching letters: SQL confirms each hit of the index under the access rule before it is shown."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, union
from sqlalchemy.orm import Session

from ged import access, destroyed, jobs
from ged.access import MailAccess
from ged.db import holds
from ged.destroyed import Destroyed, DestroyedLetter
from ged.errors import EngineFailed
from ged.jobs import JobKind
from ged.org.models import Unit
from ged.org.names import told_apart
from ged.org.tree import ministry
from ged.ports import (
    NO_WORD,
    Confidentiality,
    Dated,
    Hit,
    MailId,
    NotTogether,
    Passage,
    SearchQuery,
    SortOrder,
    Suggestion,
    SuggestionKind,
)
from ged.register import typed_numbers
from ged.register.correspondents import fold
from ged.register.models import Direction, Mail, MailNumber, Priority, Register
from ged.register.states import MailState
from ged.register.words import is_told
from ged.reserve import queries as reserve
from ged.search import said_days
from ged.search.said_days import SaidDays
from ged.unit import Actor, Services

FACETS = ("register", "year", "month", "direction", "nature", "correspondent", "state", "priority", "unit")
WITHOUT_INDEX = "search.without_index"
BEING_REBUILT = "search.being_rebuilt"
OUTDATED = "index.schema_outdated"
"""The code of the error of an index that another release made."""
MAX_WORDS, MAX_READ = 12, 10_000
"""The most words that SQL is asked for, and the characters of a text in which they are looked for."""
ENOUGH_ALONE = 2
"""Up to so many words, the index finds letters with one of them without being asked to (``indexer.tree.ParsedQuery.minimum``)."""
_LETTERS = re.compile(r"[^\W\d_]+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
"""A word has one: signs alone are no word for the index either."""
SHOWN_APART = 20
"""The most letters with a typed number above the list: a page."""
MEANT_READ = 5
"""Number of hits of another spelling that are checked before the spelling is offered."""


@dataclass(frozen=True)
class FoundLetter:
    """A letter found, in its present state in SQL. For a SECRET letter, a list shows neither subject nor sender."""

    mail_id: MailId
    number: str
    subject: str
    correspondent: str
    """The sender; of a departure the addressee."""
    direction: Direction
    state: MailState
    priority: Priority
    level: Confidentiality
    registered_on: date | None
    due_on: date | None
    written_on: date | None = None
    """The day that the letter bears, and the one on which it came in; None where they are not told."""
    received_on: date | None = None
    destroyed: Destroyed | None = None
    """The destruction of its files, decided or done."""
    passages: tuple[Passage, ...] = ()
    lacking: tuple[str, ...] = ()
    """See ``Hit.lacking``."""
    score: float = 0.0
    """The engine's relevance score; 0 without scoring."""


@dataclass(frozen=True)
class FoundEnvelope:
    """A sealed envelope whose exact number was typed: only its number is shown."""

    envelope_id: int
    number: str


@dataclass(frozen=True)
class SearchPage:
    """A page of letters found. ``notice`` is a code: ``query.as_words``, ``search.without_index`` ...

    Attributes:
        did_you_mean: another spelling that finds a letter which the actor may see, confirmed by SQL.
        not_together: words that no letter contains together, of those that the actor may see.
        is_of_sql: whether SQL alone has found the letters, by numbers and subjects.
    """

    letters: tuple[FoundLetter, ...]
    total: int
    total_is_exact: bool
    notice: str | None = None
    did_you_mean: str | None = None
    not_together: NotTogether | None = None
    is_of_sql: bool = False


@dataclass(frozen=True)
class FacetValue:
    """A value of a filter. ``label`` is empty if the value itself is shown or translated."""

    value: str
    label: str
    count: int


def search_letters(services: Services, session: Session, actor: Actor, query: SearchQuery) -> SearchPage:
    """A page of letters that the actor may see now.

    The index is queried with the actor's principals, without letters whose rights have changed since they were indexed.
    SQL confirms each hit; an unconfirmed hit is also subtracted from the total. If the index is unavailable, numbers
    and subjects are searched in SQL, and ``notice`` says so.
    """
    asked = _allowed(session, query)
    try:
        result = services.index.search(asked, principals=actor.principals)
        meant = _meant(services, session, actor, asked, result.did_you_mean)
    except EngineFailed as failure:
        is_outdated = failure.code == OUTDATED and jobs.live_job(session, JobKind.REBUILD_INDEX) is not None
        return _without_index(services, session, actor, query, BEING_REBUILT if is_outdated else WITHOUT_INDEX)
    letters = _confirmed(session, actor, result.hits)
    dropped = len(result.hits) - len(letters)
    total = max(result.total - dropped, len(letters))
    apart = result.not_together if letters or not result.hits else None
    return SearchPage(letters, total, result.total_is_exact, result.notice, meant, apart)


def search_said(
    services: Services, session: Session, actor: Actor, typed: SearchQuery, asked: SearchQuery, said: SaidDays | None
) -> tuple[SearchPage, SearchQuery, bool]:
    """The page of a search whose text may say days; the search that found it, and whether no letter has both.

    Where no letter has enough of the words, letters with one of them are found: the person sees what there is, and which words are
    nowhere. Alerts do not call this function: a letter with one of five words is none that their owner waits for.

    Args:
        typed: the search as typed.
        asked, said: the search with its days, and these days, as ``said_days.asked`` returns them.
    """
    page = search_letters(services, session, actor, asked)
    is_of_no_day = said is not None and bool(said.rest) and not page.total
    if said is not None and is_of_no_day:  # who asked for a day alone is not shown letters of other days
        # No letter with the other words is of these days: the words are searched, rather than nothing found.
        asked = said_days.without(typed, said)
        page = search_letters(services, session, actor, asked)
    may_widen = not (asked.all_words or page.total or page.is_of_sql)
    if may_widen and len(_plain_words(asked.text)) > ENOUGH_ALONE:
        wide = replace(asked, any_word=True)
        found = search_letters(services, session, actor, wide)
        if found.total:
            return found, wide, is_of_no_day
    return page, asked, is_of_no_day


def _meant(services: Services, session: Session, actor: Actor, asked: SearchQuery, text: str | None) -> str | None:
    """The other spelling, if SQL confirms that it finds a letter that the actor may see."""
    if not text:
        return None
    again = replace(asked, text=text, offset=0, limit=MEANT_READ, highlight=False)
    hits = services.index.search(again, principals=actor.principals).hits
    letters = _confirmed(session, actor, hits)
    return _accented(text, letters) if letters else None


def _accented(text: str, letters: Sequence[FoundLetter]) -> str:
    """The text with the accents that the subjects of these letters have: people type without them. A subject in capitals has none."""
    subjects = [one.subject for one in letters if one.level < Confidentiality.SECRET]
    accented = [word for subject in reversed(subjects) for word in _LETTERS.findall(subject) if not word.isascii()]
    written = {fold(word): word.lower() for word in accented}
    return _LETTERS.sub(lambda found: written.get(found[0], found[0]), text)


def suggest(services: Services, session: Session, actor: Actor, text: str) -> list[Suggestion]:
    """Completions of the typed text; SQL confirms that each value is now in a letter that the actor may see.

    Empty while the index is unavailable: the person can type on and search.
    """
    excluded = jobs.open_access_changes(session)
    try:
        found = services.index.suggest(text, principals=actor.principals, exclude=excluded)
    except EngineFailed:
        return []
    return [one for one in found if _is_held(session, actor, one)]


def _is_held(session: Session, actor: Actor, suggestion: Suggestion) -> bool:
    seen = select(Mail.id).where(access.visible_clause(Mail.id, Mail.level, actor.principals)).limit(1)
    if suggestion.mail_id is not None:
        seen = seen.where(Mail.id == suggestion.mail_id)
    if suggestion.kind is SuggestionKind.NUMBER:
        numbered = select(MailNumber.mail_id).where(MailNumber.text == suggestion.text)
        bears = (
            Mail.id.in_(numbered),
            Mail.id.in_(reserve.letters_of(suggestion.text)),
            Mail.their_reference == suggestion.text,
        )
        return session.scalar(seen.where(or_(*bears))) is not None
    names = (Mail.subject,) if suggestion.kind is SuggestionKind.SUBJECT else (Mail.sender_name, Mail.addressee)
    named = seen.where(Mail.level < int(Confidentiality.SECRET), or_(*(name == suggestion.text for name in names)))
    return session.scalar(named) is not None


def similar(services: Services, session: Session, actor: Actor, mail_id: MailId) -> tuple[FoundLetter, ...]:
    """Letters similar to a letter that the actor may see, each confirmed by SQL.

    Raises:
        NotFound: ``mail.unknown``.
        EngineFailed: ``index.unavailable``.
    """
    mail = session.get(Mail, mail_id)
    level = Confidentiality(mail.level) if mail is not None else Confidentiality.SECRET
    access.require(session, mail_id, level, actor)
    excluded = jobs.open_access_changes(session)
    if mail_id in excluded or level is Confidentiality.SECRET:
        return ()
    return _confirmed(session, actor, services.index.similar(mail_id, principals=actor.principals, exclude=excluded))


def facets(services: Services, session: Session, actor: Actor, query: SearchQuery) -> dict[str, list[FacetValue]]:
    """Counts of each filter's values under the same access rule; a filter's own choice does not narrow its own values.

    Raises:
        EngineFailed: ``index.unavailable``.
    """
    asked = replace(_allowed(session, query), offset=0, limit=0, highlight=False)
    chosen = tuple(name for name in FACETS if query.filters.get(name))
    others = tuple(name for name in FACETS if name not in chosen)
    counts = dict(services.index.facets(replace(asked, facets=others), principals=actor.principals))
    for name in chosen:
        rest = {key: values for key, values in query.filters.items() if key != name}
        alone = replace(asked, filters=rest, facets=(name,))
        counts |= services.index.facets(alone, principals=actor.principals)
    values = {name: _with_chosen(counts.get(name, ()), query, name) for name in FACETS}
    names = _names(session, actor, values)
    return {name: [FacetValue(v, names.get((name, v), ""), n) for v, n in values[name]] for name in FACETS}


def exact_number(
    session: Session, actor: Actor, text: str, *, limit: int = SHOWN_APART
) -> tuple[list[FoundLetter], list[FoundEnvelope]]:
    """Visible letters, and envelopes, with this typed number; found in SQL, so also before they are indexed.

    The newest ``limit`` of each. Thousands of letters may bear one number, as the first of each day's register: the others are on
    the pages of the search, which the number finds as well.
    """
    if not typed_numbers.may_be_one(text):
        return [], []
    numbered = select(MailNumber.mail_id).where(typed_numbers.typed(text), MailNumber.mail_id.is_not(None))
    seen = (
        select(Mail.id)
        .where(Mail.id.in_(union(numbered, reserve.letters_of(text))))
        .where(access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Mail.id.desc())
        .limit(limit)
    )
    hits = [Hit(MailId(mail_id), 0.0) for mail_id in session.scalars(seen)]
    closed = session.execute(
        select(MailNumber.envelope_id, MailNumber.text)
        .where(typed_numbers.typed(text), MailNumber.envelope_id.is_not(None))
        .order_by(MailNumber.id.desc())
        .limit(limit)
    )
    envelopes = {number: FoundEnvelope(number, shown) for number, shown in closed if number is not None}
    return list(_confirmed(session, actor, hits)), list(envelopes.values())


def reads_no_letter(session: Session, actor: Actor) -> bool:
    """Whether the actor may read no letter at all: only posts that open none (of an administrator, an auditor), and no right of their own."""
    if actor.working_posts:
        return False
    held = actor.principals.ordinary | actor.principals.restricted | actor.principals.secret
    right = select(MailAccess.mail_id).where(MailAccess.principal.in_(sorted(held))).limit(1)
    return session.scalar(right) is None


def letters(session: Session, actor: Actor, mail_ids: Sequence[int]) -> tuple[FoundLetter, ...]:
    """The letters among these that the actor may see now, in this order."""
    return _confirmed(session, actor, [Hit(MailId(mail_id), 0.0) for mail_id in mail_ids])


def _allowed(session: Session, query: SearchQuery) -> SearchQuery:
    return replace(query, exclude=query.exclude | jobs.open_access_changes(session))


def _confirmed(session: Session, actor: Actor, hits: Sequence[Hit]) -> tuple[FoundLetter, ...]:
    """The hits that SQL confirms, in order. One query for plain values, to be fast: every search runs it."""
    if not hits:
        return ()
    seen = (
        select(*_SHOWN, MailNumber.text, MailNumber.registered_on, MailNumber.voided_at, *destroyed.LISTED)
        .outerjoin(MailNumber, MailNumber.mail_id == Mail.id)
        .outerjoin(DestroyedLetter, DestroyedLetter.mail_id == Mail.id)
        .where(Mail.id.in_([hit.mail_id for hit in hits]))
        .where(access.visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(MailNumber.id)
    )
    rows: dict[int, list[Any]] = {}
    for row in session.execute(seen):
        rows.setdefault(row.id, []).append(row)
    return tuple(_of_rows(rows[hit.mail_id], hit) for hit in hits if hit.mail_id in rows)


_SHOWN = (
    Mail.id, Mail.level, Mail.subject, Mail.sender_name, Mail.addressee, Mail.direction, Mail.state, Mail.priority, Mail.due_on,
    Mail.written_on, Mail.received_on,
)  # fmt: skip


def _of_rows(rows: Sequence[Any], hit: Hit) -> FoundLetter:
    """A letter from its rows, one for each of its numbers."""
    first = rows[0]
    valid = next((row for row in rows if row.voided_at is None), first)
    level = Confidentiality(first.level)
    tells = is_told(level)
    return FoundLetter(
        mail_id=hit.mail_id,
        number=valid.text or "",
        subject=first.subject if tells else "",
        correspondent=_correspondent(first) if tells else "",
        direction=first.direction,
        state=first.state,
        priority=first.priority,
        level=level,
        registered_on=valid.registered_on,
        due_on=first.due_on,
        written_on=first.written_on if tells else None,
        received_on=first.received_on if tells else None,
        destroyed=destroyed.listed(first.slip_no, first.decided_at, first.done_at, first.files),
        # The index may not yet know a letter's new level: passages are shown only if SQL allows it.
        passages=hit.passages if tells else (),
        lacking=hit.lacking if tells else (),
        score=hit.score,
    )


def _correspondent(row: Any) -> str:
    """The outside party of a letter: as the filter of the same name has it."""
    return str(row.addressee if row.direction is Direction.OUTGOING else row.sender_name)


def _with_chosen(counts: Sequence[tuple[str, int]], query: SearchQuery, name: str) -> list[tuple[str, int]]:
    """The counted values, and chosen values without a count, so that they can be unticked."""
    missing = [v for v in query.filters.get(name, ()) if v not in dict(counts)]
    return [*counts, *((value, 0) for value in missing)]


def _names(
    session: Session, actor: Actor, values: Mapping[str, Sequence[tuple[str, int]]]
) -> Mapping[tuple[str, str], str]:
    """The names of counted units and registers; of those that are only chosen, a code that anybody can type, those of the
    actor's ministry alone."""
    near, units, registers = ministry(actor), dict(values["unit"]), dict(values["register"])
    rows = session.execute(select(Unit.id, Unit.code, Unit.name).where(Unit.code.in_(units)))
    shown = [row for row in rows if units[row.code] or row.id in near]
    names = told_apart(session, {row.id: row.name for row in shown})
    kept = session.execute(select(Register.code, Register.name, Register.unit_id).where(Register.code.in_(registers)))
    return {
        **{("unit", row.code): names[row.id] for row in shown},
        **{("register", row.code): row.name for row in kept if registers[row.code] or row.unit_id in near},
    }


# --- without the index -------------------------------------------------------------------------------------------


def _without_index(services: Services, session: Session, actor: Actor, query: SearchQuery, notice: str) -> SearchPage:
    words = _plain_words(query.text)
    matching = select(Mail.id).where(
        access.visible_clause(Mail.id, Mail.level, actor.principals),
        *(_word(word) for word in words),
        *_filters(query.filters),
        *_days(services, query),
    )
    total = session.scalar(select(func.count()).select_from(matching.order_by(None).subquery())) or 0
    page = _ordered(matching, query.sort).limit(query.limit).offset(query.offset)
    hits = [Hit(MailId(mail_id), 0.0) for mail_id in session.scalars(page)]
    if query.text.strip() and not words:
        notice = NO_WORD  # all letters are shown, as the index would
    return SearchPage(_confirmed(session, actor, hits), total, True, notice, is_of_sql=True)


def _plain_words(text: str) -> list[str]:
    """Words without the operators and field names of the query language."""
    words = (word.strip("\"'«»()*-").rpartition(":")[2] for word in text[:MAX_READ].split())
    return [word for word in words if _LETTER_OR_DIGIT.search(word) and word not in ("OU", "OR", "ET", "AND")][
        :MAX_WORDS
    ]


def _word(word: str) -> ColumnElement[bool]:
    numbered = select(MailNumber.mail_id).where(MailNumber.text.icontains(word, autoescape=True))
    in_heading = and_(
        Mail.level < int(Confidentiality.SECRET),
        or_(holds(Mail.subject, word), holds(Mail.sender_name, word)),
    )
    return or_(Mail.id.in_(numbered), Mail.id.in_(reserve.letters_with(word)), in_heading)


def _filters(filters: Mapping[str, tuple[str, ...]]) -> list[ColumnElement[bool]]:
    """The filters as SQL. SECRET letters match only filters on numbers and dates, as in the index."""
    conditions: list[ColumnElement[bool]] = []
    columns = {"nature": Mail.nature, "state": Mail.state, "priority": Mail.priority, "direction": Mail.direction}
    kinds = {"state": MailState, "priority": Priority, "direction": Direction}
    for name, values in filters.items():
        if name in columns:
            known = [v for v in values if name not in kinds or v in tuple(kinds[name])]
            conditions.append(columns[name].in_(known) if known else false())
            if name != "direction":
                conditions.append(Mail.level < int(Confidentiality.SECRET))
        elif name == "register":
            ids = select(MailNumber.mail_id).join(Register).where(Register.code.in_(values))
            conditions.append(Mail.id.in_(ids))
        elif name == "year":
            years = [int(v) for v in values if v.isdigit() and len(v) == 4]
            ids = select(MailNumber.mail_id).where(func.extract("year", MailNumber.registered_on).in_(years))
            conditions.append(Mail.id.in_(ids))
        elif name == "unit":
            ids = select(Unit.id).where(Unit.code.in_(values))
            conditions += [Mail.responsible_unit_id.in_(ids), Mail.level < int(Confidentiality.SECRET)]
    return conditions


def _days(services: Services, query: SearchQuery) -> list[ColumnElement[bool]]:
    def at(day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=services.zone).astimezone(UTC)

    conditions: list[ColumnElement[bool]] = []
    if query.since is not None:
        conditions.append(Mail.created_at >= at(query.since))
    # There is no day after ``date.max``: adding one raises OverflowError.
    if query.until is not None and query.until < date.max:
        conditions.append(Mail.created_at < at(query.until + timedelta(days=1)))
    if query.dated is not None:
        conditions.append(_dated(query.dated, at))
    return conditions


def _dated(dated: Dated, at: Callable[[date], datetime]) -> ColumnElement[bool]:
    """Letters of a period, or whose subject mentions the period."""
    days: list[ColumnElement[bool]] = [
        column.between(dated.first, dated.last) for column in (Mail.written_on, Mail.received_on)
    ]
    after = dated.last + timedelta(days=1) if dated.last < date.max else dated.last
    days.append(and_(Mail.created_at >= at(dated.first), Mail.created_at < at(after)))
    is_not_secret = Mail.level < int(Confidentiality.SECRET)
    days += [and_(is_not_secret, holds(Mail.subject, words)) for words in dated.mentions]
    if dated.number:
        days.append(Mail.id.in_(select(MailNumber.mail_id).where(typed_numbers.typed(dated.number))))
    return or_(*days)


def _ordered(matching: Select[int], sort: SortOrder) -> Select[int]:
    if sort is SortOrder.OLDEST:
        return matching.order_by(Mail.created_at, Mail.id)
    return matching.order_by(Mail.created_at.desc(), Mail.id.desc())
