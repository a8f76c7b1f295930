"""Signing keys as rows: one live key for each person. An attempt is counted before the passphrase is checked."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid, NotFound, StaleVersion
from ged.org.certificates import note_issued
from ged.org.models import CertificateKind, Holding, Installation, Person, Post, SigningKey, held_on
from ged.ports import CertifiedPerson, PersonId, StoredKey, TokenPlace
from ged.unit import Actor, Services, UnitOfWork

MAX_FAILED_TRIES = 5
FORGOTTEN_EVERY = timedelta(minutes=5)
"""One wrong passphrase is forgotten after this time: guessing is slow, and the owner only has to wait."""


class OpenedKey(Protocol):
    """A signing key opened for a few minutes. Browser and server each hold a half."""

    @property
    def sealed(self) -> bytes:
        """The encrypted key."""
        ...

    @property
    def cookie_key(self) -> str:
        """The browser's half."""
        ...


def _live(person_id: int) -> Select[SigningKey]:
    return (
        select(SigningKey)
        .where(SigningKey.person_id == person_id, SigningKey.revoked_at.is_(None))
        .order_by(SigningKey.id.desc())
        .limit(1)
    )


def _held(uow: UnitOfWork, person_id: PersonId | int) -> SigningKey | None:
    """The person's live key, locked."""
    live = (SigningKey.person_id == int(person_id), SigningKey.revoked_at.is_(None))
    return next(reversed(locks.hold_where(uow.session, SigningKey, *live)), None)


def has_key(session: Session, person_id: PersonId | int) -> bool:
    """Whether the person has a key that was not revoked."""
    return session.scalar(_live(person_id)) is not None


def is_live(session: Session, key_id: int) -> bool:
    """Whether a key may still sign: neither revoked nor replaced."""
    query = select(SigningKey.id).where(SigningKey.id == key_id, SigningKey.revoked_at.is_(None))
    return session.scalar(query) is not None


def key_id(session: Session, person_id: PersonId | int, key: StoredKey) -> int:
    """The row id of a key returned by ``load_key``, ``issue_key`` or ``adopt_key``.

    Raises:
        NotFound: ``key.none``: the row is gone.
    """
    found: int | None = session.scalar(
        select(SigningKey.id)
        .where(SigningKey.person_id == int(person_id), SigningKey.certificate_pem == key.certificate_pem)
        .order_by(SigningKey.id.desc())
        .limit(1)
    )
    if found is None:
        raise _none(person_id)
    return found


def _none(person_id: int) -> NotFound:
    return NotFound("key.none", "ask the administrator for a certificate", person_id=int(person_id))


def load_key(session: Session, person_id: PersonId | int) -> StoredKey:
    """The person's stored key. ``note_try`` refuses too many attempts.

    Raises:
        NotFound: ``key.none``.
    """
    row = session.scalar(_live(person_id))
    if row is None:
        raise _none(person_id)
    return StoredKey(row.keystore, row.salt, row.certificate_pem)


def _failures(row: SigningKey, now: datetime) -> int:
    """The number of wrong attempts that are not yet forgotten."""
    if row.tried_at is None:
        return 0
    forgotten = max(0, int((now - row.tried_at) / FORGOTTEN_EVERY))  # a clock that is set back gives no further attempt
    return max(0, row.failed_tries - forgotten)


def wrong_tries(session: Session, person_id: PersonId | int, *, now: datetime) -> tuple[int, datetime | None]:
    """The number of recent wrong passphrases for a person's key, and the time of the last."""
    row = session.scalar(_live(int(person_id)))
    return (0, None) if row is None or not _failures(row, now) else (_failures(row, now), row.tried_at)


def note_try(uow: UnitOfWork, person_id: PersonId | int) -> int:
    """Count an attempt before the passphrase is checked; ``note_unlocked`` resets the count.

    Returns:
        The number of attempts left after this one.

    Raises:
        NotFound: ``key.none``.
        Invalid: ``key.too_many_tries``.
    """
    row = _held(uow, person_id)
    if row is None:
        raise _none(person_id)
    failures = _failures(row, uow.now)
    if failures >= MAX_FAILED_TRIES and row.tried_at is not None:
        forgotten_at = row.tried_at + FORGOTTEN_EVERY * (row.failed_tries - MAX_FAILED_TRIES + 1)
        minutes = math.ceil((forgotten_at - uow.now) / timedelta(minutes=1))
        raise Invalid("key.too_many_tries", "wait, then type it again", field="passphrase", minutes=minutes)
    row.failed_tries, row.tried_at = failures + 1, uow.now
    return MAX_FAILED_TRIES - row.failed_tries


def take_back_try(uow: UnitOfWork, person_id: PersonId | int) -> None:
    """Uncount an attempt: the token was unplugged, so it did not check the PIN."""
    row = _held(uow, person_id)
    if row is not None:
        row.failed_tries = max(0, row.failed_tries - 1)


def note_unlocked(uow: UnitOfWork, person_id: PersonId | int, *, actor: Actor) -> None:
    """Reset the count after a right passphrase, and record it."""
    _reset(uow, person_id)
    uow.record("key.unlocked", "person", int(person_id), actor=actor)


def note_refused(uow: UnitOfWork, person_id: PersonId | int, *, tries_left: int, actor: Actor) -> None:
    """Record a wrong passphrase in the journal."""
    uow.record("key.refused", "person", int(person_id), actor=actor, tries_left=tries_left)


def free_key(uow: UnitOfWork, person_id: PersonId | int, *, actor: Actor) -> None:
    """An administrator lets a person try again."""
    _reset(uow, person_id)
    uow.record("key.freed", "person", int(person_id), actor=actor)


def _reset(uow: UnitOfWork, person_id: PersonId | int) -> None:
    uow.session.execute(
        update(SigningKey)
        .where(SigningKey.person_id == person_id, SigningKey.revoked_at.is_(None))
        .values(failed_tries=0)
    )


def issue_key(uow: UnitOfWork, person_id: PersonId | int, *, passphrase: str, actor: Actor) -> StoredKey:
    """Make a person's key; an earlier key is revoked. Call this first in its unit of work: making a key is slow, and no
    row is locked before the first statement.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``key.passphrase_short``.
    """
    with uow.services.reading() as session:
        person = _certified_person(session, person_id, uow.services, uow.now)
    key = uow.services.vault.issue(person, passphrase=passphrase, now=uow.now)
    row = _kept(uow, person_id, key)
    certificate = uow.services.vault.certificate(key)
    note_issued(uow, certificate, key.certificate_pem, kind=CertificateKind.PERSON, person_id=int(person_id))
    uow.record("key.issued", "person", int(person_id), actor=actor, key_id=row.id, serial=certificate.serial)
    return key


def attach_token(
    uow: UnitOfWork, person_id: PersonId | int, place: TokenPlace, pin: str, *, chain_pem: str = "", actor: Actor
) -> StoredKey:
    """Let a person sign with a key in a token; an earlier key is replaced. Call this first in its unit of work, too.

    Args:
        chain_pem: certificates of an accredited authority. Without them, our own authority certifies the token's key.

    Raises:
        NotFound: ``person.unknown``.
        ConfigError, Invalid, EngineFailed: as ``KeyVault.attach``.
    """
    with uow.services.reading() as session:
        person = _certified_person(session, int(person_id), uow.services, uow.now)
    vault = uow.services.vault
    if chain_pem:
        key = vault.attach(place, pin, chain_pem=chain_pem, now=uow.now)
    else:
        key = vault.certify_token(place, pin, person, now=uow.now)
    row, certificate = _kept(uow, int(person_id), key), vault.certificate(key)
    if not chain_pem:
        note_issued(uow, certificate, key.certificate_pem, kind=CertificateKind.PERSON, person_id=int(person_id))
    uow.record(
        "key.attached", "person", int(person_id), actor=actor, key_id=row.id, serial=certificate.serial,
        token=place.token, label=place.label,
    )  # fmt: skip
    return key


def renew_in_token(uow: UnitOfWork, person_id: PersonId | int, old: StoredKey, pin: str, *, actor: Actor) -> StoredKey:
    """Certify the key in a person's token anew, by our own authority.

    Raises:
        As ``attach_token``.
    """
    return attach_token(uow, person_id, uow.services.vault.place(old), pin, actor=actor)


def ask_renewal(uow: UnitOfWork, person_id: PersonId | int, *, actor: Actor) -> None:
    """Record that a person's key waits for a new certificate. A repeated request has no effect."""
    row = _held(uow, person_id)
    if row is not None and row.renewal_asked_at is None:
        row.renewal_asked_at = uow.now
        uow.record("key.renewal_asked", "person", int(person_id), actor=actor, key_id=row.id)


def renewals_asked(session: Session) -> list[tuple[PersonId, str]]:
    """Person and account of each key in use that waits for a new certificate, the oldest request first."""
    rows = session.execute(
        select(Person.id, Person.account)
        .join(SigningKey, SigningKey.person_id == Person.id)
        .where(SigningKey.revoked_at.is_(None), SigningKey.renewal_asked_at.is_not(None))
        .order_by(SigningKey.renewal_asked_at, SigningKey.id)
    )
    return [(PersonId(person_id), account) for person_id, account in rows]


def renew_key(services: Services, person_id: PersonId, *, actor: Actor, now: datetime) -> str:
    """Certify a person's key anew by our own authority. Key and passphrase stay. Returns the serial number.

    Raises:
        NotFound: ``key.none``.
        ConfigError: ``authority.locked``.
        StaleVersion: ``key.changed``: the key was replaced or revoked meanwhile.
    """
    with services.reading() as session:
        person = _certified_person(session, person_id, services, now)
        old = load_key(session, person_id)
    key = services.vault.recertify(old, person, now=now)
    certificate = services.vault.certificate(key)
    with services.unit_of_work(now) as uow:
        row = _held(uow, person_id)
        if row is None or row.certificate_pem != old.certificate_pem:
            raise StaleVersion("key.changed", "look at it again", person_id=int(person_id))
        row.keystore, row.certificate_pem, row.renewal_asked_at = key.keystore, key.certificate_pem, None
        note_issued(uow, certificate, key.certificate_pem, kind=CertificateKind.PERSON, person_id=int(person_id))
        uow.record("key.renewed", "person", int(person_id), actor=actor, key_id=row.id, serial=certificate.serial)
    return certificate.serial


def is_in_token(session: Session, person_id: PersonId | int) -> bool:
    """Whether a PIN opens the person's key."""
    row = session.scalar(_live(int(person_id)))
    return row is not None and StoredKey(row.keystore, row.salt, row.certificate_pem).is_in_token


@dataclass(frozen=True)
class KeyRow:
    """A live key as a list shows it."""

    account: str
    certificate_pem: str
    is_in_token: bool
    failed_tries: int


def live_keys(session: Session) -> list[KeyRow]:
    """The keys that may sign, by account."""
    rows = session.execute(
        select(Person.account, SigningKey)
        .join(SigningKey, SigningKey.person_id == Person.id)
        .where(SigningKey.revoked_at.is_(None))
        .order_by(Person.account)
    )
    return [
        KeyRow(
            account,
            key.certificate_pem,
            StoredKey(key.keystore, b"", key.certificate_pem).is_in_token,
            key.failed_tries,
        )
        for account, key in rows
    ]


def adopt_key(
    uow: UnitOfWork, person_id: PersonId | int, content: bytes, password: str, *, passphrase: str, actor: Actor
) -> StoredKey:
    """Give a person a key made by an accredited authority (PKCS#12); an earlier key is replaced.

    Raises:
        Invalid: ``key.file_unreadable``, ``key.passphrase_short``, ``key.expired``.
    """
    key = uow.services.vault.adopt(content, password, passphrase=passphrase, now=uow.now)
    row = _kept(uow, person_id, key)
    serial = uow.services.vault.certificate(key).serial
    uow.record("key.adopted", "person", int(person_id), actor=actor, key_id=row.id, serial=serial)
    return key


def _kept(uow: UnitOfWork, person_id: int, key: StoredKey) -> SigningKey:
    uow.session.execute(
        update(SigningKey)
        .where(SigningKey.person_id == person_id, SigningKey.revoked_at.is_(None))
        .values(revoked_at=uow.now)
    )
    row = SigningKey(
        person_id=int(person_id),
        keystore=key.keystore,
        salt=key.salt,
        certificate_pem=key.certificate_pem,
        issued_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def _certified_person(session: Session, person_id: int, services: Services, now: datetime) -> CertifiedPerson:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person.unknown", "check the account", id=int(person_id))
    on = now.astimezone(services.zone).date()
    title = session.scalar(
        select(Post.title)
        .join(Holding, Holding.post_id == Post.id)
        .where(Holding.person_id == person_id, *held_on(on))
        .order_by(Holding.id)
        .limit(1)
    )
    organisation = session.scalar(select(Installation.name).limit(1))
    return CertifiedPerson(person.name, title or "", organisation or "", person.email, f"GED-{int(person_id)}")
