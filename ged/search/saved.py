"""Saved searches, and the letters found by their alerts. Rights are checked anew each time a letter is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, update
from sqlalchemy.orm import Session

from ged import access, locks
from ged.errors import Invalid, NotFound
from ged.jobs import JobKind
from ged.org.models import Person
from ged.ports import SearchQuery, SortOrder
from ged.register.models import Mail
from ged.search import letter_search, said_days
from ged.search.letter_search import FoundLetter
from ged.search.models import SavedFind, SavedSearch
from ged.unit import Actor, UnitOfWork

MAX_NAME = 100
MAX_SAVED = 50
MAX_LISTED = 50
_AS_WORDS = "days_are_words"
"""Key of the stored form; a search that was saved before days were understood has none."""
_ALL_WORDS = "all_words"
"""Key of the stored form of a search for letters that hold each of its words; other searches have none."""


@dataclass(frozen=True)
class SavedRow:
    """A saved search in its owner's list.

    Attributes:
        query: as typed.
        days_are_words: days that its text says are words like others.
        new_count: letters reported, not yet seen, and visible now.
    """

    id: int
    name: str
    query: SearchQuery
    days_are_words: bool
    follows: bool
    checked_at: datetime | None
    paused_at: datetime | None
    new_count: int


def save(
    uow: UnitOfWork, name: str, query: SearchQuery, *, follows: bool, actor: Actor, days_are_words: bool = False
) -> int:
    """Save a search. If it is followed, a job stores its present letters without reporting them.

    Days that its text says stay as typed, and are read anew at each run: "hier" is another day tomorrow.
    ``days_are_words``: the person said that they are no days. The same search saved twice with one name is saved once.
    Returns its id.

    Raises:
        Invalid: ``saved_search.empty``, ``saved_search.name_taken``, ``saved_search.too_many``.
    """
    if not (query.text or query.filters or query.since or query.until):
        raise Invalid("saved_search.empty", "search for something first")
    # The lock serialises concurrent saves: the second sees the first's name, and the right count.
    locks.hold(uow.session, Person, [actor.person_id])
    stored = _stored(query) | ({_AS_WORDS: True} if days_are_words else {})
    kept = uow.session.scalars(select(SavedSearch).where(SavedSearch.person_id == actor.person_id)).all()
    for one in kept:
        if one.name == name and one.query == stored and one.follows == follows:
            return one.id  # the button was clicked twice
        if one.name.casefold() == name.casefold():
            raise Invalid("saved_search.name_taken", "choose another name", field="name")
    if len(kept) >= MAX_SAVED:
        raise Invalid("saved_search.too_many", "delete one that is not used any more", maximum=MAX_SAVED)
    row = SavedSearch(person_id=actor.person_id, name=name, query=stored, follows=follows, created_at=uow.now)
    uow.session.add(row)
    uow.session.flush()
    uow.record("search.saved", "search", row.id, actor=actor)
    if follows:
        uow.defer(JobKind.ALERTS, row.id)
    return row.id


def follow(uow: UnitOfWork, saved_id: int, *, follows: bool, actor: Actor) -> None:
    """Begin or end an alert. A restarted alert begins afresh: letters that came meanwhile are not reported.

    Raises:
        NotFound: ``saved_search.unknown``.
    """
    row = _own(uow.session, saved_id, actor, lock=True)
    if row.follows == follows:
        return
    row.follows, row.checked_at, row.oldest_on, row.paused_at = follows, None, None, None
    uow.session.execute(delete(SavedFind).where(SavedFind.saved_search_id == row.id))
    uow.record("search.followed" if follows else "search.unfollowed", "search", row.id, actor=actor)
    if follows:
        uow.defer(JobKind.ALERTS, row.id)


def forget(uow: UnitOfWork, saved_id: int, *, actor: Actor) -> None:
    """Delete a saved search with what it found.

    Raises:
        NotFound: ``saved_search.unknown``.
    """
    row = _own(uow.session, saved_id, actor, lock=True)
    uow.session.execute(delete(SavedFind).where(SavedFind.saved_search_id == row.id))
    uow.session.delete(row)
    uow.record("search.deleted", "search", saved_id, actor=actor)


def mark_seen(uow: UnitOfWork, saved_id: int, *, actor: Actor) -> None:
    """Mark the alert's letters as seen by the owner.

    Raises:
        NotFound: ``saved_search.unknown``.
    """
    row = _own(uow.session, saved_id, actor, lock=True)
    uow.session.execute(
        update(SavedFind)
        .where(SavedFind.saved_search_id == row.id, SavedFind.seen_at.is_(None))
        .values(seen_at=uow.now)
    )


def rows(session: Session, actor: Actor) -> list[SavedRow]:
    """The actor's saved searches by name."""
    found = session.scalars(
        select(SavedSearch).where(SavedSearch.person_id == actor.person_id).order_by(func.lower(SavedSearch.name))
    )
    counted = session.execute(
        select(SavedFind.saved_search_id, func.count())
        .join(Mail, Mail.id == SavedFind.mail_id)
        .where(_is_new_find(actor))
        .group_by(SavedFind.saved_search_id)
    )
    counts = {saved_id: count for saved_id, count in counted}  # noqa: C416  # a row is no pair to mypy
    return [
        SavedRow(
            one.id,
            one.name,
            read(one.query),
            _AS_WORDS in one.query,
            one.follows,
            one.checked_at,
            one.paused_at,
            counts.get(one.id, 0),
        )
        for one in found
    ]


def new_letters(session: Session, saved_id: int, actor: Actor) -> tuple[SavedRow, tuple[FoundLetter, ...]]:
    """A saved search and the letters that its alert reported, newest first, under the present rights.

    Raises:
        NotFound: ``saved_search.unknown``.
    """
    _own(session, saved_id, actor)
    ids = session.scalars(
        select(SavedFind.mail_id)
        .join(Mail, Mail.id == SavedFind.mail_id)
        .where(SavedFind.saved_search_id == saved_id, _is_new_find(actor))
        .order_by(SavedFind.found_at.desc(), SavedFind.mail_id.desc())
        .limit(MAX_LISTED)
    ).all()
    row = next(one for one in rows(session, actor) if one.id == saved_id)
    return row, letter_search.letters(session, actor, ids)


def new_count(session: Session, actor: Actor) -> int:
    """The number of reported letters that the actor has not seen, for the navigation."""
    return session.scalar(count_new(actor)) or 0


def count_new(actor: Actor) -> Select[int]:
    """The statement of ``new_count``."""
    return (
        select(func.count(SavedFind.mail_id.distinct()))
        .join(Mail, Mail.id == SavedFind.mail_id)
        .join(SavedSearch, SavedSearch.id == SavedFind.saved_search_id)
        .where(_is_new_find(actor))
    )


def _is_new_find(actor: Actor) -> ColumnElement[bool]:
    own = select(SavedSearch.id).where(SavedSearch.person_id == actor.person_id)
    return and_(
        SavedFind.saved_search_id.in_(own),
        SavedFind.is_new,
        SavedFind.seen_at.is_(None),
        access.visible_clause(Mail.id, Mail.level, actor.principals),
    )


def _own(session: Session, saved_id: int, actor: Actor, *, lock: bool = False) -> SavedSearch:
    row = locks.hold_one(session, SavedSearch, saved_id) if lock else session.get(SavedSearch, saved_id)
    if row is None or row.person_id != actor.person_id:
        raise NotFound("saved_search.unknown", "reload the list of saved searches", id=saved_id)
    return row


def _stored(query: SearchQuery) -> dict[str, Any]:
    return {
        "text": query.text,
        "filters": {name: list(values) for name, values in query.filters.items()},
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "sort": query.sort.value,
    } | ({_ALL_WORDS: True} if query.all_words else {})


def read(stored: Mapping[str, Any]) -> SearchQuery:
    """The search from its stored form."""
    return SearchQuery(
        stored["text"],
        {name: tuple(values) for name, values in stored["filters"].items()},
        date.fromisoformat(stored["since"]) if stored["since"] else None,
        date.fromisoformat(stored["until"]) if stored["until"] else None,
        SortOrder(stored["sort"]),
        all_words=_ALL_WORDS in stored,
    )


def read_on(stored: Mapping[str, Any], today: date) -> SearchQuery:
    """The search from its stored form, as a run of this day understands it: with the days that its text says."""
    query = read(stored)
    return query if _AS_WORDS in stored else said_days.asked(query, today)[0]


def open_follows(session: Session) -> list[int]:
    """Ids of the followed searches."""
    return list(session.scalars(select(SavedSearch.id).where(SavedSearch.follows).order_by(SavedSearch.id)))
