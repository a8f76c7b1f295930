"""What a person has for the second step, who must have something, and how all of it is taken away."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.entry.models import Passkey, RecoveryCode, SignInStep, TotpSecret
from ged.errors import Invalid, NotFound
from ged.notices import finding
from ged.notices.models import FactorStep, Occasion
from ged.org.actors import load_actor
from ged.org.models import Person
from ged.unit import SYSTEM, Actor, ReadSession, Services, UnitOfWork

PENDING_KEPT = timedelta(minutes=30)
"""How long a telephone may take from the QR code to its first right code."""


@dataclass(frozen=True)
class PasskeyRow:
    """A passkey as a list shows it."""

    id: int
    name: str
    rp_id: str
    is_synced: bool
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Factors:
    """What a person has for the second step.

    Attributes:
        totp_since: since when a telephone makes codes; None: none does.
        codes_left: recovery codes not used yet.
    """

    totp_since: datetime | None
    totp_used_at: datetime | None
    passkeys: tuple[PasskeyRow, ...]
    codes_left: int
    codes_made_at: datetime | None

    @property
    def is_armed(self) -> bool:
        """Whether the password alone does not open the account."""
        return self.totp_since is not None or bool(self.passkeys)


def factors_of(session: Session, person_id: int) -> Factors:
    """What a person has."""
    totp = session.scalar(_armed(person_id))
    keys = session.scalars(select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id)).all()
    unused = RecoveryCode.used_at.is_(None)
    left, made_at = session.execute(
        select(func.count().filter(unused), func.max(RecoveryCode.made_at)).where(RecoveryCode.person_id == person_id)
    ).one()
    return Factors(
        totp.armed_at if totp is not None else None, totp.used_at if totp is not None else None,
        tuple(PasskeyRow(key.id, key.name, key.rp_id, key.is_synced, key.added_at, key.used_at) for key in keys),
        left, made_at,
    )  # fmt: skip


def is_armed(session: ReadSession, person_id: int) -> bool:
    """Whether the password alone does not open a person's account."""
    has_code = select(TotpSecret.id).where(TotpSecret.person_id == person_id, TotpSecret.armed_at.is_not(None)).exists()
    has_key = select(Passkey.id).where(Passkey.person_id == person_id).exists()
    return bool(session.scalar(select(or_(has_code, has_key))))


def armed_totp(session: Session, person_id: int) -> TotpSecret | None:
    """The secret of a person's telephone that counts."""
    return session.scalar(_armed(person_id))


def _armed(person_id: int) -> Select[TotpSecret]:
    return (
        select(TotpSecret)
        .where(TotpSecret.person_id == person_id, TotpSecret.armed_at.is_not(None))
        .order_by(TotpSecret.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def is_required(services: Services, actor: Actor) -> bool:
    """Whether an actor must have a second step: by a role of a post held or acted for."""
    return actor.has(*services.second_factor_roles)


def must_arm(session: Session, services: Services, person_id: int, *, on: date) -> bool:
    """Whether a person must arm a second step before anything else."""
    return bool(services.second_factor_roles) and lacks(session, services, load_actor(session, person_id, on=on))


def lacks(session: ReadSession, services: Services, actor: Actor) -> bool:
    """Whether an actor must arm a second step before anything else: asked at each request, as a role may come in an open session."""
    return is_required(services, actor) and not is_armed(session, int(actor.person_id))


def hold(uow: UnitOfWork, person_id: int) -> Person:
    """Lock a person's row: what concerns their factors goes one after the other.

    Raises:
        NotFound: ``person.unknown``: there is none, or the account is closed.
    """
    person = locks.hold_one(uow.session, Person, person_id)
    if person is None or not person.is_active:
        raise NotFound("person.unknown", "check the account", id=person_id)
    return person


def end_sessions(uow: UnitOfWork, person: Person) -> None:
    """End all sessions and all half-done sign-ins of a person: the password alone had opened them."""
    person.session_epoch += 1
    uow.session.execute(delete(SignInStep).where(SignInStep.person_id == person.id))


def remove_totp(uow: UnitOfWork, *, actor: Actor) -> None:
    """Take the actor's telephone away.

    Raises:
        NotFound: ``second_step.none``: there is none any more.
        Invalid: ``second_step.needed``: it is the last factor of somebody who must have one.
    """
    person = hold(uow, int(actor.person_id))
    row = armed_totp(uow.session, person.id)
    if row is None:
        raise NotFound("second_step.none", "look at the page again")
    uow.session.execute(delete(TotpSecret).where(TotpSecret.person_id == person.id))
    _after_removal(uow, person, actor, "totp")


def remove_passkey(uow: UnitOfWork, passkey_id: int, *, actor: Actor) -> None:
    """Take one of the actor's passkeys away.

    Raises:
        NotFound: ``second_step.none``: it is gone, or another person's.
        Invalid: ``second_step.needed``: as ``remove_totp``.
    """
    person = hold(uow, int(actor.person_id))
    row = uow.session.get(Passkey, passkey_id)
    if row is None or row.person_id != person.id:
        raise NotFound("second_step.none", "look at the page again")
    name = row.name
    uow.session.delete(row)
    uow.session.flush()
    _after_removal(uow, person, actor, "passkey", name=name)


def _after_removal(uow: UnitOfWork, person: Person, actor: Actor, way: str, name: str = "") -> None:
    if not is_armed(uow.session, person.id):
        if is_required(uow.services, actor):
            raise Invalid("second_step.needed", "add another one first")
        uow.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    uow.record("second_step.removed", "person", person.id, actor=actor, way=way, name=name)
    tell_owner(uow, person.id, FactorStep.REMOVED)


def take_away(uow: UnitOfWork, person: Person) -> None:
    """Take all factors of a person away, and end their sessions. The password stays. The caller holds the row and records it."""
    for model in (TotpSecret, RecoveryCode, Passkey):
        uow.session.execute(delete(model).where(model.person_id == person.id))
    end_sessions(uow, person)
    tell_owner(uow, person.id, FactorStep.RESET)


def reset_at_machine(uow: UnitOfWork, person_id: int) -> None:
    """What the operator does at the machine where no second person is left: the journal and the person are told.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``second_step.nothing``: the person has no second step.
    """
    person = hold(uow, person_id)
    if not is_armed(uow.session, person.id):
        raise Invalid("second_step.nothing", "nothing to reset")
    take_away(uow, person)
    uow.record("second_step.reset", "person", person.id, actor=SYSTEM, at_machine=True)


def tell_owner(uow: UnitOfWork, person_id: int, step: FactorStep, *, of: str = "") -> None:
    """Tell a person what happened to their second step: whoever did not do it must know at once."""
    key = f"second-step:{of or f'{uow.now:%y%m%d%H%M%S}'}:{step.value}"
    finding.tell(uow, [finding.Found(person_id, Occasion.SECOND_STEP, key, None, person_id)])
