"""What one person asks and a second person decides: the one rule of all acts that nobody does alone.

A request lasts until its end or until it is decided. Only another human decides it: not who asked, nor who acts for who asked, nor
for whom was asked. Who acts for a post by delegation or interim brings the post's holders along: two accounts with one human's
right behind them are one side. Who asked may take the request back.

``Seconded`` gives a table the columns; who may ask and who may decide is the rule of each room.
"""

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged.db import UtcDateTime
from ged.org.models import Holding, held_on
from ged.unit import Actor, HeldPost

DECIDING = frozenset({"holder", "delegation", "interim"})
"""How a post is held (``HeldPost.because``) by whoever decides for it; a secretary prepares, and who signs by order does not decide."""


class Step(StrEnum):
    """How far a request has come; it is stored as its times."""

    WAITING = "waiting"
    DONE = "done"
    """A second person confirmed it."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Who asked took it back."""
    LAPSED = "lapsed"
    """Nobody decided in time, or it was asked anew."""


class Seconded:
    """The columns of a request that a second person decides."""

    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Who confirmed or refused it; who asked: it was taken back."""
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lapsed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the program noted that nobody had decided in time, or that it was asked anew."""


def step_of(row: Seconded, now: datetime) -> Step:
    """How far a request has come."""
    if row.confirmed_at is not None:
        return Step.DONE
    if row.refused_at is not None:
        return Step.WITHDRAWN if row.second_id == row.asked_by_id else Step.REFUSED
    return Step.LAPSED if row.lapsed_at is not None or row.expires_at <= now else Step.WAITING


def undecided(table: type[Seconded]) -> tuple[ColumnElement[bool], ...]:
    """The clauses of requests on which nothing is noted yet; their time may be over."""
    return table.confirmed_at.is_(None), table.refused_at.is_(None), table.lapsed_at.is_(None)


def is_undecided(row: Seconded) -> bool:
    """As ``undecided``, of a row."""
    return row.confirmed_at is None and row.refused_at is None and row.lapsed_at is None


def humans(session: Session, actor: Actor, post: HeldPost | None, *, on: date) -> frozenset[int]:
    """The people behind an act: who acts, and who holds the post when it is another's.

    Args:
        post: through which the actor acts; None: as the person alone.
    """
    own = frozenset({int(actor.person_id)})
    if post is None or post.because == "holder":
        return own
    held = select(Holding.person_id).where(Holding.post_id == post.post_id, *held_on(on))
    return own | frozenset(session.scalars(held))


def are_two(first: Collection[int], second: Collection[int]) -> bool:
    """Whether two sides of an act, as ``humans`` gives them, have no human in common."""
    return set(first).isdisjoint(second)
