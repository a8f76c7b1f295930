"""Between two steps of a sign-in: what a browser is in the middle of, as a row that lives for minutes."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from ged.entry.models import SignInStep, StepKind
from ged.errors import Invalid
from ged.org.models import Person
from ged.unit import UnitOfWork

LASTS = timedelta(minutes=10)
CHALLENGE_BYTES = 32


@dataclass(frozen=True)
class Step:
    """What a browser is in the middle of.

    Attributes:
        person_id: 0: nobody is known yet.
        epoch: that of the person before the password was checked, for ``ged.org.sessions.open_session``; 0 while nobody is known.
    """

    id: int
    kind: StepKind
    person_id: int
    account: str
    challenge: bytes
    epoch: int = 0


def begin(
    uow: UnitOfWork, kind: StepKind, person_id: int | None, *, instead_of: str = "", epoch: int | None = None
) -> str:
    """Begin a step. Returns the random text for the cookie; it is not stored.

    Args:
        instead_of: the text of an earlier step of this browser, which ends.
        epoch: as for ``ged.org.sessions.open_session``.
    """
    session = uow.session
    over = (SignInStep.expires_at < uow.now) | (SignInStep.token_hash == _digest(instead_of))
    session.execute(delete(SignInStep).where(over).execution_options(synchronize_session=False))
    person = session.get(Person, person_id) if person_id is not None else None
    if epoch is None:
        epoch = person.session_epoch if person else 0
    token = secrets.token_urlsafe(32)
    session.add(
        SignInStep(
            token_hash=_digest(token), kind=kind, person_id=person_id, epoch=epoch,
            challenge=b"", begun_at=uow.now, expires_at=uow.now + LASTS,
        )
    )  # fmt: skip
    return token


def find(session: Session, token: str, kind: StepKind, *, now: datetime) -> Step | None:
    """The step of a cookie; None when it is over, or never was, or the password or the account changed meanwhile."""
    row = session.scalar(
        select(SignInStep).where(
            SignInStep.token_hash == _digest(token), SignInStep.kind == kind, SignInStep.expires_at >= now
        )
    )
    if row is None:
        return None
    if row.person_id is None:
        return Step(row.id, row.kind, 0, "", row.challenge)
    person = session.get_one(Person, row.person_id)
    if not person.is_active or person.session_epoch != row.epoch:
        return None
    return Step(row.id, row.kind, row.person_id, person.account, row.challenge, row.epoch)


def require(session: Session, token: str, kind: StepKind, *, now: datetime) -> Step:
    """As ``find``.

    Raises:
        Invalid: ``second_step.over``.
    """
    found = find(session, token, kind, now=now)
    if found is None:
        raise Invalid("second_step.over", "begin again")
    return found


def challenge(uow: UnitOfWork, step: Step) -> bytes:
    """A new challenge for the step: an earlier one counts no more.

    Raises:
        Invalid: ``second_step.over``.
    """
    made = os.urandom(CHALLENGE_BYTES)
    changed = uow.session.execute(
        update(SignInStep).where(SignInStep.id == step.id).values(challenge=made)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if cast(CursorResult[tuple[()]], changed).rowcount != 1:
        raise Invalid("second_step.over", "begin again")
    return made


def end(uow: UnitOfWork, step: Step) -> None:
    """End a step. Of two who would end it, one does.

    Raises:
        Invalid: ``second_step.over``: it has ended.
    """
    # With the challenge: one that was replaced meanwhile counts no more.
    ended = uow.session.execute(
        delete(SignInStep).where(SignInStep.id == step.id, SignInStep.challenge == step.challenge)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if cast(CursorResult[tuple[()]], ended).rowcount != 1:
        raise Invalid("second_step.over", "begin again")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
