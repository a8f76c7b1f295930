"""Lets registers wait: called by the restore itself, before anything is served."""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import NotFound
from ged.register.counters import closed_until, is_by_year
from ged.register.models import MailNumber, Register, RegisterCounter, RegisterNature
from ged.resuming.models import RegisterHold
from ged.unit import SYSTEM, UnitOfWork

HELD = "registers.held"


def hold_registers(uow: UnitOfWork, *, copied_at: datetime, code: str = "") -> list[str]:
    """Let every open register wait in each year in which it may have given numbers since a copy. Archives of paper books do
    not wait: nobody stamps their numbers on paper.

    A register that waits already waits on, also for what its earlier copy lacked.

    Args:
        code: this register alone, where a clerk said a wrong number; empty: all.

    Returns:
        Codes of the registers, by their ids; a code once for each year that waits.

    Raises:
        NotFound: ``register.unknown``: no open register has the code.
    """
    session, zone = uow.session, uow.services.zone
    copied_on, today = copied_at.astimezone(zone).date(), uow.now.astimezone(zone).date()
    highest = session.scalar(select(func.max(MailNumber.id))) or 0
    held: list[str] = []
    rows = select(Register).where(Register.closed_at.is_(None)).order_by(Register.id)
    registers = session.scalars(rows.where(Register.code == code) if code else rows).unique().all()
    if code and not registers:
        raise NotFound("register.unknown", "name an open register by its code", register=code)
    for register in registers:
        if register.nature is RegisterNature.ARCHIVE:
            continue
        for year in _years(session, register, copied_on, today):
            # With the counter's turn no number is on its way: whatever comes after it meets the row.
            locks.take_turn(session, RegisterCounter, (register.id, year))
            locks.hold_one(session, RegisterCounter, (register.id, year))
            _hold(session, register.id, year, copied_at, uow.now, highest)
            held.append(register.code)
    session.flush()
    uow.record(HELD, "installation", None, actor=SYSTEM, registers=held, copied_at=copied_at.isoformat())
    return held


def _years(session: Session, register: Register, copied_on: date, today: date) -> Iterator[int]:
    if not is_by_year(register):
        yield 0
        return
    closed = closed_until(session, register.id) or date.min
    latest = session.scalar(select(func.max(RegisterCounter.year)).where(RegisterCounter.register_id == register.id))
    for year in range(copied_on.year, max(today.year, latest or 0) + 1):
        if closed < date(year, 12, 31):
            yield year


def _hold(session: Session, register_id: int, year: int, copied_at: datetime, now: datetime, highest: int) -> None:
    before = session.scalar(
        select(RegisterHold).where(
            RegisterHold.register_id == register_id, RegisterHold.year == year, RegisterHold.released_at.is_(None)
        )
    )
    if before is not None:
        before.copied_at, before.restored_at = min(before.copied_at, copied_at), now
        return
    session.add(
        RegisterHold(register_id=register_id, year=year, copied_at=copied_at, restored_at=now, last_number_id=highest)
    )
