"""How much waits for a person: counts that are statements, composed once and put to the database together."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged.unit import Actor, UnitRow

Counter = Callable[[Actor], Select[int]]
"""Composes the statement that counts what waits for an actor. It is composed once for an actor and kept: it follows from
the actor alone, never from the day, a setting or the language."""

STATEMENTS_KEPT = 32
"""Statements of so many people are kept; one takes 0.8 MB where there are 400 units."""


def counted(session: Session, actor: Actor, counters: tuple[Counter, ...]) -> tuple[int, ...]:
    """What each counter counts for an actor, in their order; one statement for all of them."""
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
