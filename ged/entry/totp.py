"""A telephone that makes codes of six digits: shown, armed by its first right code."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from ged.entry import codes, factors, recovery, sealing
from ged.entry.codes import Drift
from ged.entry.models import TotpSecret
from ged.errors import Invalid
from ged.letterhead import organisation_name
from ged.notices.models import FactorStep
from ged.typeset import qr_svg
from ged.unit import Actor, ReadSession, Services, UnitOfWork


@dataclass(frozen=True)
class Shown:
    """What a telephone reads, on the screen until its first right code and never again.

    Attributes:
        text: the secret in groups of four, to type where no camera is.
        qr: SVG.
        mark: says later which secret was shown: another page of the same person may have begun another.
    """

    text: str
    qr: str
    mark: str


@dataclass(frozen=True)
class Armed:
    """A telephone was armed.

    Attributes:
        drift: how far its clock is off.
        recovery_codes: the ten new codes, told here alone; empty: the earlier ones still count.
        raised_epoch: the new one: all sessions of the person have ended, and the caller opens this one again. None: none ended.
    """

    drift: Drift
    recovery_codes: tuple[str, ...]
    raised_epoch: int | None


def begin(uow: UnitOfWork, *, actor: Actor) -> None:
    """Make a secret that waits for its first right code. An earlier one that waits is worth nothing any more; one that counts stays
    until then."""
    person = factors.hold(uow, int(actor.person_id))
    uow.session.execute(
        delete(TotpSecret).where(TotpSecret.person_id == person.id, TotpSecret.armed_at.is_(None))
    )  # fmt: skip
    sealed = sealing.seal(codes.new_secret(), key=uow.services.factor_secret, person_id=person.id)
    uow.session.add(TotpSecret(person_id=person.id, sealed=sealed, made_at=uow.now))


def shown(session: ReadSession, services: Services, *, actor: Actor, now: datetime) -> Shown:
    """The secret that waits.

    Raises:
        Invalid: ``second_step.over``: none waits.
    """
    secret = _secret(services, _waiting(session, int(actor.person_id), now))
    address = codes.address(secret, account=actor.account, issuer=organisation_name(session) or "GED")
    return Shown(
        " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)), qr_svg(address), _mark(secret)
    )


def arm(uow: UnitOfWork, code: str, *, actor: Actor, shown_mark: str = "") -> Armed:
    """Take the secret that waits into use, by its first right code. It replaces the earlier telephone.

    The first factor of a person ends all their sessions: the password alone had opened them.

    Args:
        shown_mark: of the secret that the person's page showed; empty: not asked.

    Raises:
        Invalid: ``second_step.over``: none waits; ``second_step.other_square``: another page has begun another;
            ``second_step.drift_early``, ``second_step.drift_late`` with ``minutes``: the telephone's clock is too far off;
            ``second_step.code_wrong``.
    """
    person = factors.hold(uow, int(actor.person_id))
    row = _waiting(uow.session, person.id, uow.now)
    secret = _secret(uow.services, row)
    if shown_mark and shown_mark != _mark(secret):
        raise Invalid("second_step.other_square", "read the square of this page, then type its code", field="code")
    drift = codes.drift(secret, code, now=uow.now)
    if drift is None:
        raise Invalid("second_step.code_wrong", "type the code that the telephone shows now", field="code")
    if not drift.is_taken:
        minutes = max(1, round(drift.seconds / 60))
        raise Invalid(
            "second_step.drift_early" if drift.steps > 0 else "second_step.drift_late",
            "set the telephone's clock to automatic", field="code", minutes=minutes,
        )  # fmt: skip
    is_first = not factors.is_armed(uow.session, person.id)
    uow.session.execute(
        delete(TotpSecret).where(TotpSecret.person_id == person.id, TotpSecret.armed_at.is_not(None))
    )  # fmt: skip
    # The code that arms it counts as taken: whoever read it over a shoulder does not sign in with it.
    row.armed_at, row.used_at, row.last_step = uow.now, uow.now, codes.step_of(uow.now) + drift.steps
    uow.record("second_step.armed", "person", person.id, actor=actor, way="totp", drift_steps=drift.steps)
    made = recovery.renew(uow, person.id, actor=actor) if is_first else ()
    if is_first:
        factors.end_sessions(uow, person)
    factors.tell_owner(uow, person.id, FactorStep.ADDED)
    return Armed(drift, made, person.session_epoch if is_first else None)


def _mark(secret: str) -> str:
    # No row's id: SQLite gives the id of the row that was deleted to the next.
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def _waiting(session: ReadSession, person_id: int, now: datetime) -> TotpSecret:
    row = session.scalar(
        select(TotpSecret)
        .where(TotpSecret.person_id == person_id, TotpSecret.armed_at.is_(None))
        .where(TotpSecret.made_at > now - factors.PENDING_KEPT)
        .order_by(TotpSecret.id.desc())
        .limit(1)
    )
    if row is None:
        raise Invalid("second_step.over", "begin again")
    return row


def _secret(services: Services, row: TotpSecret) -> str:
    return sealing.opened(row.sealed, key=services.factor_secret, person_id=row.person_id)
