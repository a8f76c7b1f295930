"""The second step itself, after the right password: a code of the telephone, or a recovery code."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from ged.entry import codes, factors, sealing, steps
from ged.entry.models import RecoveryCode, StepKind
from ged.entry.steps import Step
from ged.errors import Invalid
from ged.notices.models import FactorStep
from ged.org import throttle
from ged.org.accounts import Caller, told_when_full
from ged.org.models import Person
from ged.org.throttle import Limit, Unwritten
from ged.ports import PersonId
from ged.unit import SYSTEM, Actor, ReadSession, Services, UnitOfWork

ELSEWHERE = Limit("second", 5, 300)
"""One person from all unknown devices: whoever knows the password has five codes, then twelve in an hour (of a million, three are
right at a time)."""
DEVICE = Limit("second-device", 10, 60)
"""One person on a device that has opened the account before: guesses elsewhere do not slow it."""


def begin(services: Services, person_id: int, *, instead_of: str, now: datetime, epoch: int | None = None) -> str:
    """Begin the second step of whoever typed the right password. Returns the text for the cookie.

    Args:
        epoch: as for ``ged.org.sessions.open_session``.
    """
    with services.unit_of_work(now) as uow:
        return steps.begin(uow, StepKind.SECOND, person_id, instead_of=instead_of, epoch=epoch)


def by_totp(services: Services, token: str, code: str, *, caller: Caller, now: datetime) -> PersonId:
    """Take a code of the telephone: the sign-in is complete. A code is taken once.

    Raises:
        Invalid: ``second_step.over``, ``second_step.code_wrong`` (wrong, or used before), ``session.throttled`` with ``seconds``,
            ``second_step.unreadable``.
        NotRecorded: the database's disk is full; the code was not looked at, or is not used up.
    """

    def take(uow: UnitOfWork, person_id: int) -> bool:
        row = factors.armed_totp(uow.session, person_id)
        if row is None:
            return False
        secret = sealing.opened(row.sealed, key=services.factor_secret, person_id=person_id)
        step = codes.taken_step(secret, code, last_step=row.last_step, now=now)
        if step is None:
            return False
        # Under the lock of the person's row: whoever comes second finds the step taken.
        row.last_step, row.used_at = step, uow.now
        return True

    return _by(services, token, take, way="totp", wrong="second_step.code_wrong", caller=caller, now=now)


def by_recovery_code(services: Services, token: str, code: str, *, caller: Caller, now: datetime) -> PersonId:
    """Take a recovery code: the sign-in is complete, and the code is used up. Its owner is told.

    Raises:
        Invalid: ``second_step.over``, ``second_step.recovery_wrong`` (wrong, or used before), ``session.throttled``.
    """

    def take(uow: UnitOfWork, person_id: int) -> bool:
        row = uow.session.scalar(
            select(RecoveryCode).where(
                RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None),
                RecoveryCode.code_hash == codes.recovery_hash(person_id, code[:100]),
            )
        )  # fmt: skip
        if row is None:
            return False
        row.used_at = uow.now
        uow.session.flush()
        left = factors.factors_of(uow.session, person_id).codes_left
        uow.record("second_step.code_used", "person", person_id, actor=own(person_id), left=left)
        factors.tell_owner(uow, person_id, FactorStep.CODE_USED, of=f"code-{row.id}")
        return True

    return _by(services, token, take, way="recovery", wrong="second_step.recovery_wrong", caller=caller, now=now)


def _by(
    services: Services,
    token: str,
    take: Callable[[UnitOfWork, int], bool],
    *,
    way: str,
    wrong: str,
    caller: Caller,
    now: datetime,
) -> PersonId:
    with services.reading() as session:
        step = steps.require(session, token, StepKind.SECOND, now=now)
    limit, subject = _bucket(step, caller)
    with told_when_full(PersonId(step.person_id), step.epoch):
        _count(services, step, limit, subject, caller, now=now)
    with told_when_full(PersonId(step.person_id), step.epoch), services.unit_of_work(now) as uow:
        factors.hold(uow, step.person_id)
        is_right = take(uow, step.person_id)
        if is_right:
            steps.require(uow.session, token, StepKind.SECOND, now=now)  # a password changed meanwhile
            steps.end(uow, step)
            complete(uow, step.person_id, way=way, address=caller.address)
            if limit is DEVICE:
                throttle.empty(uow.session, subject)
    if is_right:
        return PersonId(step.person_id)
    with services.unit_of_work(now) as uow:
        uow.record(
            "second_step.refused", "person", step.person_id, actor=own(step.person_id), way=way, address=caller.address
        )  # fmt: skip
    raise Invalid(wrong, "check it, then try again", field="recovery_code" if way == "recovery" else "code")


def complete(uow: UnitOfWork, person_id: int, *, way: str, address: str) -> None:
    """Record that a person signed in."""
    uow.record("session.opened", "person", person_id, actor=own(person_id), address=address, second_step=way)


# --- while a full disk refuses to store anything ---

_unwritten = Unwritten()
_taken: dict[int, int] = {}
"""Person -> the step of the last code that this process took while it could not be stored."""


def unrecorded(session: ReadSession, person_id: int, *, epoch: int, now: datetime) -> dict[str, int] | None:
    """What a signed cookie says of a second step that no row can hold; None: the person has no telephone that makes codes.

    Args:
        epoch: that of the person before the first step was checked.
    """
    if factors.armed_totp(session, person_id) is None:
        return None
    return {"person": person_id, "epoch": epoch, "until": int((now + steps.LASTS).timestamp())}


def by_totp_unrecorded(services: Services, pending: Mapping[str, int], code: str, *, now: datetime) -> PersonId:
    """Check a code of the telephone on a full disk: for a session that can only read. Attempts, and the code that was taken, are
    counted in this process.

    Raises:
        Invalid: as ``by_totp``.
    """
    person_id = pending["person"]
    subject = ELSEWHERE.subject(person_id)
    seconds = _unwritten.wait_s(ELSEWHERE, subject, now=now)
    if seconds:
        raise Invalid("session.throttled", "wait, then try again", seconds=seconds)
    _unwritten.add(ELSEWHERE, subject, now=now)
    with services.reading() as session:
        person, row = session.get_one(Person, person_id), factors.armed_totp(session, person_id)
        if row is None or person.session_epoch != pending["epoch"] or pending["until"] <= now.timestamp():
            raise Invalid("second_step.over", "begin again")
        secret = sealing.opened(row.sealed, key=services.factor_secret, person_id=person_id)
        step = codes.taken_step(secret, code, last_step=max(row.last_step, _taken.get(person_id, 0)), now=now)
    if step is None:
        raise Invalid("second_step.code_wrong", "check it, then try again", field="code")
    _taken[person_id] = step
    return PersonId(person_id)


def _bucket(step: Step, caller: Caller) -> tuple[Limit, str]:
    if caller.device:
        return DEVICE, DEVICE.subject(caller.device, step.person_id)
    return ELSEWHERE, ELSEWHERE.subject(step.person_id)


def _count(services: Services, step: Step, limit: Limit, subject: str, caller: Caller, *, now: datetime) -> None:
    """Count an attempt before it is checked: many at the same moment cannot exceed the room."""
    with services.unit_of_work(now) as uow:
        if throttle.take(uow.session, limit, subject, now=now):
            return
        times = throttle.note_refused(uow.session, subject)
        if times == 1:
            uow.record(
                "second_step.throttled", "person", step.person_id, actor=own(step.person_id), address=caller.address
            )  # fmt: skip
            # Somebody knows the password.
            factors.tell_owner(uow, step.person_id, FactorStep.GUESSED, of=f"{now:%y%m%d}")
        seconds = throttle.wait_s(uow.session, limit, subject, now=now)
    raise Invalid("session.throttled", "wait, then try again", seconds=max(1, seconds))


def own(person_id: int) -> Actor:
    """The owner of an account, before there is a session."""
    return replace(SYSTEM, person_id=PersonId(person_id))
