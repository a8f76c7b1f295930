"""Closing the days and the years of a register.

The rows are read, typeset, signed and sealed without any lock. Then, under the lock of the register's counters, the
rows are read again and compared: so no number or correction can slip in between the list and its closing.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from io import BytesIO
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.archive import taken_check
from ged.archive.institution_seal import SEAL_REASON, institution_seal
from ged.archive.seal import journal_seal
from ged.closing import listing, sheet
from ged.closing.listing import Line, Listed
from ged.errors import ConfigError, EngineFailed, InvalidTransition, NotFound, StaleVersion
from ged.jobs import JobKind
from ged.ports import Digest
from ged.register import counters, registers
from ged.register.models import (
    ClosingLine,
    ClosingPeriod,
    ClosingRevision,
    MailNumber,
    Register,
    RegisterClosing,
    RegisterNature,
)
from ged.resuming import queries as resuming
from ged.unit import SYSTEM, Actor, HeldPost, Services, UnitOfWork

_log = logging.getLogger(__name__)
MOST_NUMBERS = 500
"""What a sheet lists at most, but for a day that has more: a sheet of some thousand lines is not typeset in its time and memory."""


def close_days(
    services: Services, register_id: int, until_on: date, *, actor: Actor = SYSTEM, now: datetime
) -> RegisterClosing:
    """Close all days since the last closing, up to a past day; in several closings where they have many numbers. SYSTEM is the
    nightly job. Returns the last closing; those before a refusal stand.

    Raises:
        NotFound: ``register.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``closing.not_over``, ``closing.closed``, ``closing.nothing``, ``closing.waiting`` (a number
            waits for its signature).
        StaleVersion: ``closing.changed``: close again.
    """
    while True:
        day = _listed_until(services, register_id, until_on)
        row = _close(services, register_id, ClosingPeriod.DAY, day, actor, now)
        if day == until_on:
            return row


def _listed_until(services: Services, register_id: int, until_on: date) -> date:
    """The last day of the next closing: whole days, with as many numbers as a sheet lists."""
    with services.reading() as session:
        from_on = _first_open(session, register_id, _latest_closing(session, register_id, ClosingPeriod.DAY))
        if from_on is None:
            return until_on
        given = (
            select(MailNumber.registered_on, func.count())
            .where(MailNumber.register_id == register_id, MailNumber.registered_on.between(from_on, until_on))
            .group_by(MailNumber.registered_on)
            .order_by(MailNumber.registered_on)
        )
        listed, last = 0, from_on
        for day, count in session.execute(given):
            if listed and listed + count > MOST_NUMBERS:
                return last
            listed, last = listed + count, day
    return until_on


def close_year(
    services: Services, register_id: int, year: int, *, actor: Actor = SYSTEM, now: datetime
) -> RegisterClosing:
    """Close a past year whose days are all closed.

    Raises:
        As ``close_days``, and InvalidTransition ``closing.days_open``.
    """
    return _close(services, register_id, ClosingPeriod.YEAR, date(year, 12, 31), actor, now)


def _close(
    services: Services, register_id: int, period: ClosingPeriod, until_on: date, actor: Actor, now: datetime
) -> RegisterClosing:
    with services.reading() as session:
        _post(session, register_id, actor)
        plan = _plan(session, services, register_id, period, until_on, now)
        content = sheet.closing_data(session, services, plan, actor, now)
    pdf = sheet.closing_pdf(content, at=now)
    stored, sealed = services.blobs.put(BytesIO(pdf)), _sealed(services, pdf, now)
    seal = journal_seal(services).sign(sealed_body(_closing_row(plan, stored.digest, actor, now)))
    for attempt in services.attempts(now):
        with attempt as uow:
            register = uow.session.get_one(Register, register_id)
            post = _post(uow.session, register_id, actor)
            counters.lock_days(uow.session, register, plan.from_on, until_on)
            if _plan(uow.session, services, register_id, period, until_on, now) != plan:
                raise StaleVersion("closing.changed", "close again: the register changed meanwhile", id=register_id)
            row = _closing_row(plan, stored.digest, actor, now, seal)
            _enter(uow, row, plan.lines, actor, post)
            if sealed is not None:
                digest, level = sealed
                uow.session.add(ClosingRevision(closing_id=row.id, sequence=1, digest=digest, level=level, at=now))
            uow.preserve("closing", row.id)
    return row


def _sealed(services: Services, pdf: bytes, now: datetime) -> tuple[Digest, str] | None:
    """Seal the sheet; None when the institution's seal is not available now: a job seals it later."""
    try:
        made = institution_seal(services, pdf, reason=SEAL_REASON, at=now)
    except (ConfigError, EngineFailed) as error:
        _log.warning("closing.not_sealed code=%s", error.code)
        return None
    return Digest(services.blobs.put(BytesIO(made.pdf)).digest), made.level


def _post(session: Session, register_id: int, actor: Actor) -> HeldPost | None:
    if session.get(Register, register_id) is None:
        raise NotFound("register.unknown", "choose a register of the list", id=register_id)
    return None if actor is SYSTEM else registers.clerk_post(session, register_id, actor)


def _plan(
    session: Session, services: Services, register_id: int, period: ClosingPeriod, until_on: date, now: datetime
) -> Listed:
    register = session.get_one(Register, register_id)
    if register.nature is RegisterNature.ARCHIVE:  # an imported paper book: its days are still being entered
        raise InvalidTransition("closing.nothing", "there is nothing to close", register=register.code)
    if resuming.is_waiting(session, register_id):  # its lost numbers may belong to these days
        raise InvalidTransition("closing.register_waits", "say the last number on paper first", register=register.code)
    if until_on >= now.astimezone(services.zone).date():
        raise InvalidTransition("closing.not_over", "close it when it is over", until_on=until_on.isoformat())
    last = _latest_closing(session, register_id, period)
    if last is not None and last.until_on >= until_on:
        raise InvalidTransition("closing.closed", "it is closed already", until_on=last.until_on)
    data: Any
    lines: tuple[Line, ...] = ()
    if period is ClosingPeriod.DAY:
        from_on = _first_open(session, register_id, last)
        if from_on is None or from_on > until_on:
            raise InvalidTransition("closing.nothing", "there is nothing to close", register=register.code)
        names = listing.waiting(session, register_id, until_on)
        if names:
            raise InvalidTransition("closing.waiting", "have them signed or voided first", numbers=", ".join(names[:5]))
        data, lines = listing.day_rows(session, register, from_on, until_on, services.zone)
        counts = tuple(len(data[name]) for name in listing.COUNTED)
        if not any(counts):
            raise InvalidTransition("closing.nothing", "there is nothing to close", register=register.code)
    else:
        from_on = date(until_on.year, 1, 1)
        days = listing.year_rows(session, register, until_on.year)
        _require_days(session, register, until_on, days)
        counts = tuple(sum(row[name] for row in days) for name in listing.COUNTED)
        data = listing.with_books(session, register, until_on.year, days, services.zone)
    sequence = 1 if last is None else last.sequence + 1
    previous = None if last is None else Digest(last.digest)
    return Listed(register_id, period, sequence, from_on, until_on, data, previous, counts, lines)


def _require_days(session: Session, register: Register, until_on: date, data: list[listing.Row]) -> None:
    closed = counters.closed_until(session, register.id)
    is_open = session.scalar(
        select(MailNumber.id)
        .where(MailNumber.register_id == register.id, MailNumber.registered_on <= until_on)
        .where(MailNumber.registered_on > closed if closed is not None else MailNumber.id > 0)
        .limit(1)
    )
    if is_open is not None:
        raise InvalidTransition("closing.days_open", "close its days first", year=until_on.year)
    if not data:
        raise InvalidTransition("closing.nothing", "there is nothing to close", register=register.code)


def _latest_closing(session: Session, register_id: int, period: ClosingPeriod) -> RegisterClosing | None:
    return session.scalar(
        select(RegisterClosing)
        .where(RegisterClosing.register_id == register_id, RegisterClosing.period == period)
        .order_by(RegisterClosing.sequence.desc())
        .limit(1)
    )


def _first_open(session: Session, register_id: int, last: RegisterClosing | None) -> date | None:
    if last is not None:
        return last.until_on + timedelta(days=1)
    first: date | None = session.scalar(
        select(func.min(MailNumber.registered_on)).where(MailNumber.register_id == register_id)
    )
    return first


def _closing_row(plan: Listed, digest: Digest, actor: Actor, now: datetime, seal: str = "") -> RegisterClosing:
    return RegisterClosing(
        register_id=plan.register_id,
        period=plan.period,
        sequence=plan.sequence,
        from_on=plan.from_on,
        until_on=plan.until_on,
        digest=digest,
        content_hash=listing.content_hash(plan.data),
        previous_digest=plan.previous,
        number_count=plan.counts[0],
        void_count=plan.counts[1],
        rectification_count=plan.counts[2],
        closed_at=now,
        closed_by_id=actor.person_id or None,
        seal=seal,
        lines_kept=True,
    )


def _enter(uow: UnitOfWork, row: RegisterClosing, lines: Sequence[Line], actor: Actor, post: HeldPost | None) -> None:
    uow.session.add(row)
    uow.session.flush()
    uow.session.add_all(
        ClosingLine(closing_id=row.id, number_id=number, rectification_id=rectification)
        for number, rectification in lines
    )
    uow.record(
        "register.closed_until", "register", row.register_id, actor=actor, post=post, period=row.period.value,
        until_on=row.until_on.isoformat(), digest=row.digest, content=row.content_hash,
        previous=row.previous_digest or "", numbers=row.number_count,
    )  # fmt: skip
    # The head of the journal that holds the closing is signed now, and not within the hour.
    uow.defer(JobKind.SEAL, 0)


def sealed_body(row: RegisterClosing) -> dict[str, object]:
    """The signed content of a closing's seal: its span, its digests, and the previous closing."""
    return {
        "register": row.register_id, "period": row.period.value, "sequence": row.sequence,
        "from_on": row.from_on.isoformat(), "until_on": row.until_on.isoformat(), "digest": row.digest,
        "content": row.content_hash, "previous": row.previous_digest or "",
        "counts": [row.number_count, row.void_count, row.rectification_count],
    }  # fmt: skip


def broken(session: Session, services: Services) -> Iterator[tuple[str, str]]:
    """(code, place) of each closing whose seal, place in the chain, span or lines are invalid, and of each correction
    that should be in a closing but is in none."""
    seal, before = journal_seal(services), dict[tuple[int, ClosingPeriod], RegisterClosing]()
    given, lines, is_signed_there = _given_by_day(session), _lines_of(session), taken_check.seals(session)
    for row in session.scalars(select(RegisterClosing).order_by(RegisterClosing.sequence)):
        where = f"register {row.register_id} {row.period.value} {row.until_on.isoformat()}"
        last = before.get((row.register_id, row.period))
        body = sealed_body(row)
        if not (seal.is_signed(body, row.seal) or is_signed_there(body, row.seal)):
            yield "closing.altered", where
        if (row.sequence, row.previous_digest) != (last.sequence + 1 if last else 1, last.digest if last else None):
            yield "closing.chain", where
        if row.period is ClosingPeriod.DAY and given(row) != row.number_count:
            yield "closing.entered_later", where
        counts = (row.void_count, row.rectification_count)
        if row.period is ClosingPeriod.DAY and row.lines_kept and lines.get(row.id, (0, 0)) != counts:
            yield "closing.lines", where
        before[row.register_id, row.period] = row
    for (register_id, period), row in before.items():
        if period is ClosingPeriod.DAY:
            for missed in listing.not_listed(session, register_id, row.until_on, services.zone):
                yield from (("closing.unlisted", f"register {register_id}") for _ in missed[:1])


def _given_by_day(session: Session) -> Callable[[RegisterClosing], int]:
    """Return a function that counts the numbers in a closing's days. One query, however many closings there are."""
    days: dict[int, list[date]] = {}
    sums: dict[int, list[int]] = {}
    for register_id, day, count in session.execute(
        select(MailNumber.register_id, MailNumber.registered_on, func.count())
        .group_by(MailNumber.register_id, MailNumber.registered_on)
        .order_by(MailNumber.register_id, MailNumber.registered_on)
    ):
        so_far = sums.setdefault(register_id, [0])
        days.setdefault(register_id, []).append(day)
        so_far.append(so_far[-1] + count)

    def count_of(row: RegisterClosing) -> int:
        of_register, so_far = days.get(row.register_id, []), sums.get(row.register_id, [0])
        return so_far[bisect_right(of_register, row.until_on)] - so_far[bisect_left(of_register, row.from_on)]

    return count_of


def _lines_of(session: Session) -> dict[int, tuple[int, int]]:
    """Closing id -> (number of voids, number of rectifications) that it lists."""
    rectified = func.count(ClosingLine.rectification_id)
    rows = session.execute(
        select(ClosingLine.closing_id, func.count() - rectified, rectified).group_by(ClosingLine.closing_id)
    )
    return {closing_id: (voids, rectifications) for closing_id, voids, rectifications in rows}


def issued(session: Session) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, stored revisions in order) of each sealed closing: for the check of signatures."""
    rows = session.execute(
        select(RegisterClosing, ClosingRevision.digest)
        .join(ClosingRevision, ClosingRevision.closing_id == RegisterClosing.id)
        .order_by(RegisterClosing.id, ClosingRevision.sequence)
    )
    for closing, revisions in groupby(rows, key=lambda row: row[0]):
        label = f"closing {closing.register_id} {closing.period.value} {closing.until_on.isoformat()}"
        yield label, (Digest(closing.digest), *(Digest(digest) for _, digest in revisions))


def close_what_is_over(services: Services, *, now: datetime) -> list[str]:
    """The nightly job: close all days up to yesterday in every active register, and past years. Returns what waits.

    Raises:
        EngineFailed: a sheet could not be made; the other registers are closed.
    """
    yesterday = now.astimezone(services.zone).date() - timedelta(days=1)
    with services.reading() as session:
        registers = list(session.scalars(select(Register.id).order_by(Register.id)))
    waiting: list[str] = []
    failed: EngineFailed | None = None
    for register_id in registers:
        # A year is closed when all its days are: so first the days of the year that is over, then this year, then yesterday.
        steps = [(ClosingPeriod.DAY, date(yesterday.year - 1, 12, 31)), (ClosingPeriod.DAY, yesterday)]
        for period, until_on in [steps[0], (ClosingPeriod.YEAR, steps[0][1]), steps[1]]:
            try:
                if period is ClosingPeriod.DAY:
                    close_days(services, register_id, until_on, now=now)
                else:
                    close_year(services, register_id, until_on.year, now=now)
            # One register that waits keeps no other from being closed, nor does one whose sheet cannot be made.
            except EngineFailed as failure:
                _log.warning("closing.failed register=%s code=%s", register_id, failure.code)
                failed = failed or failure
            except (InvalidTransition, StaleVersion) as refusal:
                if refusal.code in ("closing.waiting", "closing.changed"):
                    waiting.append(f"{register_id} {refusal.code}")
    if failed is not None:
        raise failed
    return waiting
