"""Counts of the things that wait for a person: statements composed once, and sent to the database together."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged.unit import Actor, UnitRow

Counter = Callable[[Actor], Select[int]]
"""Composes the statement that counts the things that wait for an actor. It is composed once for an actor and cached. So
it may depend only on the actor, never on the day, a setting or the language."""

STATEMENTS_KEPT = 32
"""Size of the cache of statements, in people; with 400 units a statement takes 0.8 MB."""


def counted(session: Session, actor: Actor, counters: tuple[Counter, ...]) -> tuple[int, ...]:
    """The counts of all counters for an actor, in their order, by one statement."""
    if not counters:
        return ()
    return tuple(session.execute(_statement(actor, tuple(actor.units.values()), counters)).one())


@lru_cache(maxsize=STATEMENTS_KEPT)
def _statement(actor: Actor, units: tuple[UnitRow, ...], counters: tuple[Counter, ...]) -> Select[Any]:  # noqa: ARG001
    """The statement that counts for an actor. Composing it takes longer than the database needs to run it.

    Args:
        units: the tree that the actor's rights follow. Two actors may be equal under two trees; their statements differ.
    """
    return select(*(counter(actor).scalar_subquery() for counter in counters))
