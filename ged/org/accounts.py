"""Accounts: passwords (argon2id), and sign-ins that cannot be guessed by trying.

A try is counted *before* the password is looked at, in a short transaction of its own, so that many tries at once
gain nothing; the slow hash is computed outside any transaction. An unknown account costs the same time and gets the
same answer as a wrong password.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid, NotFound
from ged.org.models import LoginAttempt, Person
from ged.ports import PersonId
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

MIN_PASSWORD_CHARACTERS = 10
FREE_TRIES_ACCOUNT = 5
FREE_TRIES_ADDRESS = 25
"""A whole ministry may stand behind one address, so that it is given more."""
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(minutes=30)
FORGOTTEN_AFTER = timedelta(hours=24)

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash to store.

    Raises:
        Invalid: ``password.too_short``.
    """
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise Invalid("password.too_short", "choose a longer one", field="password", minimum=MIN_PASSWORD_CHARACTERS)
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("a password that nobody has")


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _nobodys_hash(), password) and bool(password_hash)
    except (VerifyMismatchError, InvalidHashError):
        return False


def session_epoch(session: Session, person_id: int) -> int | None:
    """The epoch that a live session must bear; None for an unknown or closed account."""
    return session.scalar(select(Person.session_epoch).where(Person.id == person_id, Person.is_active))


def sign_in(services: Services, account: str, password: str, *, address: str, now: datetime) -> PersonId:
    """Check an account's password and write the sign-in (or its refusal) to the journal.

    Raises:
        Invalid: ``session.refused`` (unknown account, closed account or wrong password alike),
            ``session.throttled`` with ``minutes`` to wait.
    """
    account = account.strip().lower()[:64]
    subjects = {f"account:{account}": FREE_TRIES_ACCOUNT, f"address:{address}": FREE_TRIES_ADDRESS}
    for attempt in services.attempts(now):
        with attempt as uow:
            minutes = _count_try(uow, subjects)
    if minutes:
        raise Invalid("session.throttled", "wait, then try again", minutes=minutes)
    with services.reading() as session:
        person = session.scalar(select(Person).where(Person.account == account, Person.is_active))
    if not _matches(person.password_hash if person else "", password) or person is None:
        for attempt in services.attempts(now):
            with attempt as uow:
                # What was typed may be a password in the wrong box: only a known account is named.
                named = account if person else ""
                subject = person.id if person else None
                uow.record("session.refused", "person", subject, actor=SYSTEM, address=address, account=named)
        raise Invalid("session.refused", "check account and password", field="account")
    for attempt in services.attempts(now):
        with attempt as uow:
            _forgive(uow, f"account:{account}", f"address:{address}")
            _open(uow, PersonId(person.id), address)
    return PersonId(person.id)


def _open(uow: UnitOfWork, person_id: PersonId, address: str) -> None:
    uow.record("session.opened", "person", person_id, actor=replace(SYSTEM, person_id=person_id), address=address)


def _count_try(uow: UnitOfWork, subjects: dict[str, int]) -> int:
    """Count one more failure (a success takes it back); answers the minutes still to wait, or 0."""
    uow.session.execute(delete(LoginAttempt).where(LoginAttempt.last_at < uow.now - FORGOTTEN_AFTER))
    rows = [_attempt(uow, subject) for subject in sorted(subjects)]
    waits = [row.locked_until - uow.now for row in rows if row.locked_until and row.locked_until > uow.now]
    if waits:
        return math.ceil(max(waits) / timedelta(minutes=1))
    for row in rows:
        row.failures += 1
        row.last_at = uow.now
        beyond = row.failures - subjects[row.subject]
        if beyond >= 0:
            # min() before the shift: a big number of failures must not overflow.
            row.locked_until = uow.now + min(FIRST_LOCK * 2 ** min(beyond, 10), LONGEST_LOCK)
    return 0


def _attempt(uow: UnitOfWork, subject: str) -> LoginAttempt:
    row = _held(uow, subject)
    if row is not None:
        return row
    try:
        with uow.session.begin_nested():
            row = LoginAttempt(subject=subject, failures=0, last_at=uow.now)
            uow.session.add(row)
    except IntegrityError:
        # Another try at the same moment was first to write the row (PostgreSQL; on SQLite writers stand in line).
        (row,) = locks.hold_where(uow.session, LoginAttempt, LoginAttempt.subject == subject)
    return row


def _held(uow: UnitOfWork, subject: str) -> LoginAttempt | None:
    return next(iter(locks.hold_where(uow.session, LoginAttempt, LoginAttempt.subject == subject)), None)


def _forgive(uow: UnitOfWork, account_subject: str, address_subject: str) -> None:
    for subject in (account_subject, address_subject):
        row = _held(uow, subject)
        if row is not None:
            # An address keeps the failures of its other accounts.
            row.failures = 0 if subject == account_subject else max(row.failures - 1, 0)
            row.locked_until = None


def sign_out(uow: UnitOfWork, *, actor: Actor) -> None:
    """Write the end of a session to the journal."""
    uow.record("session.closed", "person", actor.person_id, actor=actor)


def set_password(uow: UnitOfWork, person_id: PersonId | int, password_hash: str, *, actor: Actor) -> int:
    """Give a person a new password (made by ``hash_password`` before the transaction); ends all their sessions.

    Returns:
        The new session epoch.

    Raises:
        NotFound: ``person.unknown``.
    """
    person = _person(uow.session, person_id)
    person.password_hash = password_hash
    person.session_epoch += 1
    uow.record("person.password_set", "person", person.id, actor=actor)
    return person.session_epoch


def check_password(services: Services, person_id: PersonId | int, password: str) -> None:
    """Ask for the present password again before a change.

    Raises:
        Invalid: ``password.wrong``.
    """
    with services.reading() as session:
        password_hash = _person(session, person_id).password_hash
    if not _matches(password_hash, password):
        raise Invalid("password.wrong", "type the present password", field="current_password")


def _person(session: Session, person_id: int) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person.unknown", "check the account", id=int(person_id))
    return person
