"""The closings of a register, as its page shows them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ged.closing import listing
from ged.errors import NotFound
from ged.org.models import Person
from ged.ports import Digest
from ged.register import books
from ged.register.models import ClosingPeriod, ClosingRevision, RegisterClosing
from ged.unit import Actor


@dataclass(frozen=True)
class ClosingRow:
    """One closing.

    Attributes:
        closed_by: empty for the nightly job.
        last: digest of the latest sealed file; of the sheet itself while it is not sealed.
        level: level that the seal has reached; empty without a seal.
    """

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
    last: Digest
    level: str


def closings(session: Session, register_id: int, actor: Actor, *, limit: int = 400) -> tuple[ClosingRow, ...]:
    """Closings of a register that the actor may read, newest first.

    Raises:
        NotFound: ``register.unknown``.
    """
    books.book(session, register_id, actor)
    rows = session.execute(
        _with_revisions()
        .where(RegisterClosing.register_id == register_id)
        .order_by(RegisterClosing.until_on.desc(), RegisterClosing.id.desc())
        .limit(limit)
    )
    return tuple(_closing_row(closing, name or "", revision) for closing, name, revision in rows)


def closing(session: Session, register_id: int, closing_id: int, actor: Actor) -> ClosingRow:
    """One closing.

    Raises:
        NotFound: ``register.unknown``, ``closing.unknown``.
    """
    books.book(session, register_id, actor)
    found = session.execute(
        _with_revisions().where(RegisterClosing.id == closing_id, RegisterClosing.register_id == register_id)
    ).one_or_none()
    if found is None:
        raise NotFound("closing.unknown", "choose a closing of the list", id=closing_id)
    return _closing_row(found[0], found[1] or "", found[2])


def waiting(session: Session, register_id: int, until_on: date) -> tuple[str, ...]:
    """Numbers that prevent the closing of the days up to this day."""
    return tuple(listing.waiting(session, register_id, until_on))


def _with_revisions() -> Select[RegisterClosing, str | None, ClosingRevision | None]:
    """Closings, who made them, and their last sealed revision."""
    latest = (
        select(ClosingRevision.closing_id, func.max(ClosingRevision.sequence).label("sequence"))
        .group_by(ClosingRevision.closing_id)
        .subquery()
    )
    return (
        select(RegisterClosing, Person.name, ClosingRevision)
        .outerjoin(Person, Person.id == RegisterClosing.closed_by_id)
        .outerjoin(latest, latest.c.closing_id == RegisterClosing.id)
        .outerjoin(
            ClosingRevision,
            (ClosingRevision.closing_id == RegisterClosing.id) & (ClosingRevision.sequence == latest.c.sequence),
        )
    )


def _closing_row(one: RegisterClosing, name: str, revision: ClosingRevision | None) -> ClosingRow:
    return ClosingRow(
        one.id, one.register_id, one.period, one.sequence, one.from_on, one.until_on, Digest(one.digest),
        one.number_count, one.void_count, one.rectification_count, one.closed_at, name,
        Digest(revision.digest if revision is not None else one.digest),
        revision.level if revision is not None else "",
    )  # fmt: skip
