"""Accounts: who may sign in, and protection against guessing passwords.

Failed sign-ins are counted, not running ones: many people may sign in at once. After too many failures, further
attempts are slowed down, never locked; failures are forgotten with time (``ged.org.throttle``). A device from which an
account was opened before has its own bucket, so an attacker elsewhere cannot keep the owner out. An unknown account
costs the same time and gets the same answer as a wrong password.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from math import log10
from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import DiskFull, Invalid, NotFound
from ged.faults import fault_of
from ged.languages import LANGUAGES
from ged.org import throttle
from ged.org.models import Installation, Person, Unit
from ged.org.passwords import matches
from ged.org.throttle import Limit, Unwritten
from ged.ports import PersonId
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

_log = logging.getLogger(__name__)

PAIR = Limit("pair", 5, 60)
"""One account from one address: five errors, then one each minute."""
DEVICE = Limit("device", 10, 30)
"""One account on a known device: failures there do not slow other devices."""
ACCOUNT = Limit("account", 100, 30)
"""One account from all unknown devices together: against guessing from many addresses."""
ADDRESS = Limit("address", 600, 1)
"""A ministry of 500 people may share one address: ten errors each in a morning are within the limit."""
PROOF = Limit("proof", 5, 60)
"""The password check in an open session."""


class NotRecorded(DiskFull):
    """Account and password are right, but the disk is too full to record the sign-in.

    Attributes:
        person_id: the person of the account.
        epoch: that of the person before the check: a password that was changed meanwhile ends what is opened without a row too.
    """

    def __init__(self, person_id: PersonId, epoch: int) -> None:
        super().__init__("disk.full", "free space on the database's disk, then sign in again", retryable=True)
        self.person_id = person_id
        self.epoch = epoch


_unwritten = Unwritten()
"""Failures that a full disk could not store: counted in this process."""


@dataclass(frozen=True)
class Caller:
    """Where a sign-in comes from.

    Attributes:
        address: of the network.
        device: random name of a browser that has opened this account before, or empty.
    """

    address: str
    device: str = ""

    def buckets(self, account: str) -> tuple[tuple[Limit, str], ...]:
        """The buckets in which a failure is counted, in the order in which rows are locked."""
        if self.device:
            return ((DEVICE, DEVICE.subject(self.device, account)),)
        return (
            (ACCOUNT, ACCOUNT.subject(account)),
            (ADDRESS, ADDRESS.subject(self.address)),
            (PAIR, PAIR.subject(account, self.address)),
        )


def by_own_password(_account: str, person: Person | None, password: str) -> bool:
    """Whether it is the password of the account's own row; without a person, in the same time."""
    return matches(person.password_hash if person else "", password)


Proves = Callable[[str, Person | None, str], bool]
"""Whether a password opens an account (``ged.directory``)."""


def as_stored(account: str) -> str:
    """A typed account as ``Person.account`` holds it."""
    return account.strip().lower()[:64]


def sign_in(
    services: Services, account: str, password: str, *, caller: Caller, now: datetime,
    asks_more: Callable[[Session, int], bool] = lambda *_: False, proves: Proves = by_own_password,
) -> PersonId:  # fmt: skip
    """Check an account's password and write the sign-in (or its refusal) to the journal.

    Args:
        asks_more: whether a person's password is only the first step (``ged.entry``): the account is not opened by it.

    Raises:
        Invalid: ``session.refused`` (unknown account, closed account or wrong password alike),
            ``session.throttled`` with ``seconds`` to wait.
        NotRecorded: the password is right, and the database's disk is full.
    """
    account = as_stored(account)
    buckets = caller.buckets(account)
    with services.reading() as session:
        waits = [(throttle.wait_s(session, limit, subject, now=now), subject) for limit, subject in buckets]
        person = session.scalar(select(Person).where(Person.account == account, Person.is_active))
    seconds, subject = max([*waits, *((_unwritten.wait_s(*bucket, now=now), bucket[1]) for bucket in buckets)])
    if seconds:
        _turn_away(services, subject, person, caller, seconds=seconds, now=now)
    if not proves(account, person, password) or person is None:  # asked of an unknown account too: the time would tell
        _count_failure(services, buckets, person, caller, now=now)
    with told_when_full(PersonId(person.id), person.session_epoch), services.unit_of_work(now) as uow:
        for limit, subject in buckets:
            if limit in (PAIR, DEVICE):
                throttle.empty(uow.session, subject)
        own = replace(SYSTEM, person_id=PersonId(person.id))
        action = "session.password_right" if asks_more(uow.session, person.id) else "session.opened"
        uow.record(action, "person", person.id, actor=own, address=caller.address)
    return PersonId(person.id)


@contextmanager
def told_when_full(person_id: PersonId, epoch: int) -> Iterator[None]:
    """Around a unit of work that lets a person in.

    Args:
        epoch: that of the person before the check.

    Raises:
        NotRecorded: the database's disk is full.
    """
    try:
        yield
    except DBAPIError as error:
        if not _is_full(error):
            raise
        raise NotRecorded(person_id, epoch) from error


def _is_full(error: DBAPIError) -> bool:
    return isinstance(fault_of(error), DiskFull)


def _turn_away(
    services: Services, subject: str, person: Person | None, caller: Caller, *, seconds: int, now: datetime
) -> NoReturn:
    with _as_far_as_there_is_room(), services.unit_of_work(now) as uow:
        times = throttle.note_refused(uow.session, subject)
        # One entry for the first, the tenth, the hundredth ...: an attacker must not fill the journal.
        if times == 1 or log10(max(times, 1)).is_integer():
            uow.record(
                "session.throttled", "person", person.id if person else None, actor=SYSTEM, address=caller.address,
                account=person.account if person else "", times=times,
            )  # fmt: skip
    raise Invalid("session.throttled", "wait, then try again", seconds=seconds)


def _count_failure(
    services: Services, buckets: tuple[tuple[Limit, str], ...], person: Person | None, caller: Caller, *, now: datetime
) -> NoReturn:
    with _as_far_as_there_is_room() as room, services.unit_of_work(now) as uow:
        for limit, subject in buckets:
            throttle.add(uow.session, limit, subject, now=now)
        # The typed account may be a password in the wrong box: only a known account is recorded.
        uow.record(
            "session.refused", "person", person.id if person else None, actor=SYSTEM, address=caller.address,
            account=person.account if person else "",
        )  # fmt: skip
    if room.is_full:
        for limit, subject in buckets:
            _unwritten.add(limit, subject, now=now)
    raise Invalid("session.refused", "check account and password", field="account")


@dataclass
class _Room:
    is_full: bool = False


@contextmanager
def _as_far_as_there_is_room() -> Iterator[_Room]:
    """On a full disk a refusal is still answered, but not recorded."""
    room = _Room()
    try:
        yield room
    except DBAPIError as error:
        if not _is_full(error):
            raise
        _log.warning("session.refusal_not_recorded")
        room.is_full = True


def set_password(
    uow: UnitOfWork,
    person_id: PersonId | int,
    password_hash: str,
    *,
    actor: Actor,
    is_given: bool = False,
    epoch: int | None = None,
) -> int:
    """Give a person a new password (made by ``hash_password`` before the transaction); ends all their sessions.

    Args:
        is_given: another person knows the password: its owner must change it first.
        epoch: that of the person before the present password was checked. None: nobody checked it.

    Returns:
        The new session epoch.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``password.wrong``: the password was changed since ``epoch`` was read.
    """
    # Of two changes at one moment each raises the epoch: a session between them would outlive the second.
    person = locks.hold_one(uow.session, Person, int(person_id)) or _person(uow.session, person_id)
    if epoch is not None and person.session_epoch != epoch:
        raise Invalid("password.wrong", "type the present password", field="current_password")
    person.password_hash = password_hash
    person.session_epoch += 1
    person.must_change_password = is_given
    uow.record("person.password_set", "person", person.id, actor=actor)
    return person.session_epoch


def choose_language(uow: UnitOfWork, language: str, *, actor: Actor) -> None:
    """Set the language in which a person reads the site and gets e-mails.

    Raises:
        Invalid: ``language.unknown``.
        NotFound: ``person.unknown``.
    """
    if language not in LANGUAGES:
        raise Invalid("language.unknown", "choose a language of the list", field="language")
    person = _person(uow.session, actor.person_id)
    if person.language != language:
        person.language = language
        uow.record("person.language_chosen", "person", person.id, actor=actor, language=language)


def check_password(
    services: Services, person_id: PersonId | int, password: str, *, now: datetime, proves: Proves = by_own_password
) -> None:
    """Check the present password again in an open session, with a limit on attempts.

    Raises:
        Invalid: ``password.wrong``, ``session.throttled``.
    """
    subject = PROOF.subject(int(person_id))
    with services.reading() as session:
        person = _person(session, person_id)
        seconds = throttle.wait_s(session, PROOF, subject, now=now)
    if seconds:
        _turn_away(services, subject, person, Caller(""), seconds=seconds, now=now)
    if not proves(person.account, person, password):
        with services.unit_of_work(now) as uow:
            throttle.add(uow.session, PROOF, subject, now=now)
            uow.record("password.refused", "person", person.id, actor=replace(SYSTEM, person_id=PersonId(person.id)))
        raise Invalid("password.wrong", "type the present password", field="current_password")


def _person(session: Session, person_id: int) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person.unknown", "check the account", id=int(person_id))
    return person


def person_of_account(session: Session, account: str) -> Person:
    """The person of an account, open or closed.

    Raises:
        NotFound: ``person.unknown``.
    """
    person = session.scalar(select(Person).where(Person.account == account))
    if person is None:
        raise NotFound("person.unknown", "check the account", account=account)
    return person


def words_of(session: Session, person_id: PersonId | int) -> tuple[str, ...]:
    """The words that an attacker tries first as this person's password.

    Raises:
        NotFound: ``person.unknown``.
    """
    person = _person(session, person_id)
    ministry = session.scalar(select(Installation.name).limit(1)) or ""
    houses = session.execute(select(Unit.code, Unit.name).where(Unit.is_entity).order_by(Unit.id))
    return (person.account, person.name, person.email, ministry, *(word for house in houses for word in house))
