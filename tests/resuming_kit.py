"""Registers that wait after a restore: held as ``ged restore`` does it, released, and what stands in them."""

from datetime import datetime, timedelta

from sqlalchemy import select

from ged.ports import RegisterId
from ged.register.models import MailNumber, Register, RegisterCounter
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.resuming import operations
from ged.resuming.holding import hold_registers
from ged.resuming.models import RegisterHold
from ged.resuming.operations import Released
from ged.unit import Services
from tests.factories import NOW, actor

COPIED_AT = NOW - timedelta(hours=7)


def register(
    services: Services, subject: str = "Demande d'audience", *, code: str = "ARR", account: str = "agent", now: datetime = NOW,
) -> Registered:  # fmt: skip
    """Register an incoming letter for the secretary general."""
    clerk = actor(services, account)
    with services.reading() as session:
        register_id = RegisterId(session.scalars(select(Register.id).where(Register.code == code)).one())
    form = IncomingForm(subject, "Préfecture de l'Ogou", actor(services, "sg").posts[0].post_id)
    with services.unit_of_work(now) as uow:
        return register_incoming(uow, register_id, form, actor=clerk, now=now)


def hold(services: Services, *, copied_at: datetime = COPIED_AT, now: datetime = NOW) -> list[str]:
    """Let the registers wait."""
    with services.unit_of_work(now) as uow:
        return hold_registers(uow, copied_at=copied_at)


def hold_id(services: Services, code: str, year: int = 2026) -> int:
    """The row of a register that waits, or waited."""
    with services.reading() as session:
        of_register = select(RegisterHold.id).join(Register).where(Register.code == code, RegisterHold.year == year)
        return session.scalars(of_register.order_by(RegisterHold.id.desc())).first() or 0


def release(
    services: Services, code: str, last: int | None, *, account: str = "agent", year: int = 2026, confirmed: bool = False,
    now: datetime = NOW,
) -> Released:  # fmt: skip
    """Say a register's last number on paper."""
    with services.unit_of_work(now) as uow:
        return operations.release(
            uow, hold_id(services, code, year), last_sequence=last, confirmed=confirmed, actor=actor(services, account)
        )


def numbers(services: Services, code: str) -> list[tuple[str, bool, bool]]:
    """(text, void, with a letter) of a register, in order."""
    with services.reading() as session:
        rows = session.scalars(
            select(MailNumber)
            .join(Register)
            .where(Register.code == code)
            .order_by(MailNumber.year, MailNumber.sequence)
        )
        return [(one.text, one.voided_at is not None, one.mail_id is not None) for one in rows]


def counter(services: Services, code: str, year: int = 2026) -> RegisterCounter | None:
    """A register's counter."""
    with services.reading() as session:
        return session.scalars(
            select(RegisterCounter).join(Register).where(Register.code == code, RegisterCounter.year == year)
        ).one_or_none()
