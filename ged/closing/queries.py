"""The closings of a register, as its page shows them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from ged.closing import listing
from ged.db import ByOtherIndex
from ged.errors import NotFound
from ged.org.models import Person, Unit
from ged.ports import Digest
from ged.register import books
from ged.register.models import (
    ClosingPeriod,
    ClosingRevision,
    MailNumber,
    Register,
    RegisterClosing,
    RegisterCounter,
    RegisterNature,
)
from ged.resuming import queries as resuming
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


@dataclass(frozen=True)
class OpenDaysRow:
    """A register with days that are over and not closed.

    Attributes:
        since_on: the first of these days on which a number was given.
        waiting: how many numbers prevent the closing (their signature is missing).
    """

    register_id: int
    code: str
    name: str
    unit_name: str
    since_on: date
    waiting: int


def open_days(session: Session, unit_ids: Collection[int], *, before: date) -> list[OpenDaysRow]:
    """The registers of these units with numbers of days before ``before`` that no closing covers, by their code.

    An imported paper book is not closed by days, and a register that waits for its last number on paper cannot be.
    """
    closed = (
        select(func.max(RegisterClosing.until_on))
        .where(RegisterClosing.register_id == Register.id)
        .correlate(Register)
        .scalar_subquery()
    )
    last = (
        select(func.max(RegisterCounter.last_on))
        .where(RegisterCounter.register_id == Register.id)
        .correlate(Register)
        .scalar_subquery()
    )
    # The numbers of a register follow the days: of one that was never closed, the first number is of the first day.
    first = (
        select(MailNumber.registered_on)
        .where(MailNumber.register_id == Register.id)
        .order_by(MailNumber.year, MailNumber.sequence)
        .limit(1)
        .correlate(Register)
        .scalar_subquery()
    )
    first_of_all = case((closed.is_(None), first))
    rows = session.execute(
        select(
            Register.id,
            Register.code,
            Register.name,
            Unit.name,
            closed,
            last,
            first_of_all,
            resuming.waits(Register.id),
        )
        .join(Unit, Unit.id == Register.unit_id)
        .where(Register.unit_id.in_(sorted(unit_ids)), Register.nature != RegisterNature.ARCHIVE)
        .order_by(Register.code)
    ).all()
    found: list[OpenDaysRow] = []
    for register_id, code, name, unit_name, closed_on, last_on, first_on, is_held in rows:
        if is_held or last_on is None or (closed_on is not None and last_on <= closed_on):
            continue  # nothing was given since the last closing: no number is read
        since = first_on if closed_on is None else _first_after(session, register_id, closed_on)
        if since is not None and since < before:
            found.append(OpenDaysRow(register_id, code, name, unit_name, since, 0))
    waits = listing.waiting_in(session, [row.register_id for row in found], before - timedelta(days=1)) if found else {}
    return [replace(row, waiting=len(waits.get(row.register_id, ()))) for row in found]


def _first_after(session: Session, register_id: int, closed_on: date) -> date | None:
    """The first day after the last closed one on which a register gave a number."""
    # Few days follow the last closing: they are found by their date, not among all numbers of the register.
    query = select(MailNumber.registered_on).where(ByOtherIndex(MailNumber.register_id) == register_id)
    query = query.where(MailNumber.registered_on > closed_on).order_by(MailNumber.registered_on)
    first: date | None = session.scalar(query.limit(1))
    return first


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
