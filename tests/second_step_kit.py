"""People with a second step: arm a telephone, make its codes, read the journal."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.entry import codes, factors, sealing, second, totp
from ged.entry.models import TotpSecret
from ged.org.accounts import Caller
from ged.org.models import Person
from ged.unit import Services
from tests.factories import actor

ELSEWHERE = Caller("10.0.0.7")


def id_of(services: Services, account: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Person.id).where(Person.account == account)).one()


def secret_of(services: Services, account: str) -> str:
    """The secret of a person's telephone, the last that was made."""
    person_id = id_of(services, account)
    with services.reading() as session:
        rows = select(TotpSecret).where(TotpSecret.person_id == person_id).order_by(TotpSecret.id.desc())
        row = session.scalars(rows).first()
        assert row is not None
        return sealing.opened(row.sealed, key=services.factor_secret, person_id=person_id)


def code(services: Services, account: str, at: datetime, steps: int = 0) -> str:
    """What the telephone shows, so many half minutes away."""
    return codes.code_at(secret_of(services, account), codes.step_of(at) + steps)


def arm(services: Services, account: str, at: datetime) -> tuple[str, ...]:
    """Arm a telephone, by the code of the step before. Returns the recovery codes."""
    who = actor(services, account)
    with services.unit_of_work(at) as uow:
        totp.begin(uow, actor=who)
    typed = code(services, account, at, -1)
    with services.unit_of_work(at) as uow:
        return totp.arm(uow, typed, actor=who).recovery_codes


def half(services: Services, account: str, at: datetime) -> str:
    """The text of a step after the right password."""
    return second.begin(services, id_of(services, account), instead_of="", now=at)


def armed(services: Services, account: str) -> bool:
    with services.reading() as session:
        return factors.is_armed(session, id_of(services, account))


def journal(services: Services, beginning: str = "second_step.") -> list[tuple[str, dict[str, object]]]:
    """Entries (action, payload) in order."""
    with services.reading() as session:
        rows = session.execute(
            select(AuditEntry.action, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.action.startswith(beginning))
            .order_by(AuditEntry.sequence)
        ).all()
    return [(action, dict(payload)) for action, payload in rows]
