"""The first access of accounts: its state, and what is told of it. Who makes, confirms and uses it: ``ged.administration``."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ged.org.models import FirstAccess, Holding, Person, Post, held_on
from ged.ports import Confidentiality


class OpeningState(StrEnum):
    """How far a first access has come; it is stored as its times."""

    WAITING = "waiting"
    """A second person must confirm it before the code works."""
    READY = "ready"
    USED = "used"
    REFUSED = "refused"
    EXPIRED = "expired"


class OpeningStep(StrEnum):
    """What a notice of a first access reports: the last part of its key."""

    WAITING = "waiting"
    """It was made, and the reader may confirm it."""
    MADE = "made"
    REFUSED = "refused"
    USED = "used"
    GIVEN = "given"
    """The account, opened without a second person, was given a post later."""


class Timed(Protocol):
    """The times of a first access."""

    @property
    def is_alone(self) -> bool: ...  # noqa: D102
    @property
    def expires_at(self) -> datetime: ...  # noqa: D102
    @property
    def confirmed_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def refused_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def used_at(self) -> datetime | None: ...  # noqa: D102


def state_of(row: Timed, *, now: datetime) -> OpeningState:
    """The state of a first access."""
    if row.used_at is not None:
        return OpeningState.USED
    if row.refused_at is not None:
        return OpeningState.REFUSED
    if row.expires_at <= now:
        return OpeningState.EXPIRED
    return OpeningState.READY if row.is_alone or row.confirmed_at is not None else OpeningState.WAITING


@dataclass(frozen=True)
class OpeningRow:
    """A first access as pages and e-mails tell of it.

    Attributes:
        titles: of the posts that the person holds on the day.
        mark: changes with the code, the posts, their roles and whose secretariats they are, the name and the clearance: what a second
            person vouches for.
        is_alone: it worked without a second person.
        second_name: who confirmed or refused it; empty: nobody.
        at: when it came to its state.
    """

    id: int
    person_id: int
    account: str
    name: str
    titles: tuple[str, ...]
    clearance: Confidentiality
    mark: str
    by_name: str
    second_name: str
    is_alone: bool
    state: OpeningState
    made_at: datetime
    expires_at: datetime
    at: datetime


def rows(session: Session, ids: Collection[int], *, on: date, now: datetime) -> dict[int, OpeningRow]:
    """The first accesses of these ids; one that is not there is left out."""
    if not ids:
        return {}
    maker, second = aliased(Person), aliased(Person)
    found = session.execute(
        select(FirstAccess, Person, maker.name, second.name)
        .join(Person, Person.id == FirstAccess.person_id)
        .join(maker, maker.id == FirstAccess.made_by_id)
        .outerjoin(second, second.id == FirstAccess.second_id)
        .where(FirstAccess.id.in_(sorted(ids)))
    ).all()
    posts: dict[int, list[Post]] = {}
    held = (
        select(Holding.person_id, Post)
        .join(Post, Post.id == Holding.post_id)
        .where(Holding.person_id.in_([row.person_id for row, *_ in found]), *held_on(on))
        .order_by(Holding.id)
    )
    for person_id, post in session.execute(held):
        posts.setdefault(person_id, []).append(post)
    return {
        row.id: OpeningRow(
            row.id, person.id, person.account, person.name, tuple(post.title for post in posts.get(person.id, ())),
            Confidentiality(person.clearance), _mark(row, person, posts.get(person.id, ())), by_name, second_name or "",
            row.is_alone, state_of(row, now=now), row.made_at, row.expires_at, _since(row, now),
        )
        for row, person, by_name, second_name in found
    }  # fmt: skip


def _mark(row: FirstAccess, person: Person, posts: Iterable[Post]) -> str:
    opens = sorted(
        [post.id, post.title, post.unit_id, sorted(one.role.value for one in post.roles), post.secretary_of_id or 0]
        for post in posts
    )
    shown_fields = [row.code_hash, person.name, person.clearance, opens]
    return hashlib.sha256(json.dumps(shown_fields).encode()).hexdigest()[:32]


def step_of(key: str) -> OpeningStep:
    """What a notice reports, from its key."""
    return OpeningStep(key.rpartition(":")[2])


def _since(row: FirstAccess, now: datetime) -> datetime:
    ended = row.used_at or row.refused_at or (row.expires_at if row.expires_at <= now else None)
    return ended or row.confirmed_at or row.made_at
