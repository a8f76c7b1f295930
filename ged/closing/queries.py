"""The closings of a register, as its page shows them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.closing import listing
from ged.errors import NotFound
from ged.org.models import Person
from ged.ports import Digest
from ged.registry import books
from ged.registry.models import ClosingPeriod, RegisterClosing
from ged.unit import Actor


@dataclass(frozen=True)
class ClosingRow:
    """One closing. ``closed_by``: empty for the nightly job."""

    id: int
    register_id: int
    period: ClosingPeriod
    sequence: int
    from_on: date
    until_on: date
    digest: Digest
    numbers: int
    voids: int
    rectifications: int
    closed_at: datetime
    closed_by: str


def closings(session: Session, register_id: int, actor: Actor, *, limit: int = 400) -> tuple[ClosingRow, ...]:
    """Closings of a register that the actor may read, newest first.

    Raises:
        NotFound: ``register.unknown``.
    """
    books.book(session, register_id, actor)
    rows = session.execute(
        select(RegisterClosing, Person.name)
        .outerjoin(Person, Person.id == RegisterClosing.closed_by_id)
        .where(RegisterClosing.register_id == register_id)
        .order_by(RegisterClosing.until_on.desc(), RegisterClosing.id.desc())
        .limit(limit)
    )
    return tuple(_row(closing, name or "") for closing, name in rows)


def closing(session: Session, register_id: int, closing_id: int, actor: Actor) -> ClosingRow:
    """One closing.

    Raises:
        NotFound: ``register.unknown``, ``closing.unknown``.
    """
    books.book(session, register_id, actor)
    found = session.get(RegisterClosing, closing_id)
    if found is None or found.register_id != register_id:
        raise NotFound("closing.unknown", "choose a closing of the list", id=closing_id)
    return _row(found, "")


def waiting(session: Session, register_id: int, until_on: date) -> tuple[str, ...]:
    """Numbers that keep the days up to this one from being closed."""
    return tuple(listing.waiting(session, register_id, until_on))


def _row(one: RegisterClosing, name: str) -> ClosingRow:
    return ClosingRow(
        one.id, one.register_id, one.period, one.sequence, one.from_on, one.until_on, Digest(one.digest),
        one.number_count, one.void_count, one.rectification_count, one.closed_at, name,
    )  # fmt: skip
