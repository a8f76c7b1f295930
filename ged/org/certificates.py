"""Certificates that our own authority issued: recording, revoking, publishing their status."""

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org.models import CertificateKind, IssuedCertificate, Person, SigningKey
from ged.ports import Certificate, PersonId, RevokedCertificate
from ged.unit import Actor, Services, UnitOfWork

REASONS = (
    "unspecified",
    "keyCompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
)
"""The reasons that a person may give for a revocation (RFC 5280, 5.3.1)."""

SUPERSEDED = "superseded"

RENEWED_BEFORE = timedelta(days=60)
"""A certificate is renewed this long before its end, when its owner next opens the key."""


@dataclass(frozen=True)
class CertificateRow:
    """A certificate as lists show it."""

    serial: str
    kind: CertificateKind
    person_id: PersonId | None
    account: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    reason: str


def note_issued(
    uow: UnitOfWork, facts: Certificate, pem: str, *, kind: CertificateKind, person_id: int | None = None
) -> None:
    """Record a certificate in the transaction that stores its key."""
    uow.session.add(
        IssuedCertificate(
            serial=facts.serial,
            kind=kind,
            person_id=person_id,
            subject=facts.subject,
            certificate_pem=pem,
            issued_at=uow.now,
            expires_at=facts.not_after,
        )
    )


def known_as(services: Services, serial: str, sha256: str) -> RevokedCertificate | bool | None:
    """Whether our own authority issued exactly this certificate, byte for byte, according to the table.

    Returns:
        False when the authority did not issue it, None when the certificate is good, else its revocation.
    """
    with services.reading() as session:
        row = session.scalar(select(IssuedCertificate).where(IssuedCertificate.serial == serial))
    if row is None or hashlib.sha256(ssl.PEM_cert_to_DER_cert(row.certificate_pem)).hexdigest() != sha256:
        return False
    return None if row.revoked_at is None else RevokedCertificate(serial, row.revoked_at, row.reason)


def revoke(uow: UnitOfWork, serial: str, *, reason: str, actor: Actor) -> None:
    """Revoke a certificate. OCSP responses report it from now on, lists once they are signed; its key signs no more.

    A key may have several certificates. All of them are revoked, unless the reason is that this one was superseded.

    Raises:
        NotFound: ``certificate.unknown``.
        Invalid: ``certificate.reason``.
        InvalidTransition: ``certificate.revoked``.
    """
    if reason not in REASONS:
        raise Invalid("certificate.reason", "choose one of: " + ", ".join(REASONS), field="reason")
    known = uow.session.execute(
        select(IssuedCertificate.id, IssuedCertificate.person_id).where(
            IssuedCertificate.serial == serial.lower().lstrip("0")
        )
    ).one_or_none()
    if known is None:
        raise NotFound("certificate.unknown", "check the serial number", serial=serial)
    same = IssuedCertificate.id == known.id
    if known.person_id is not None:
        same = IssuedCertificate.person_id == known.person_id
    held = locks.hold_where(uow.session, IssuedCertificate, same)
    row = next(one for one in held if one.id == known.id)
    if row.revoked_at is not None:
        raise InvalidTransition("certificate.revoked", "it is revoked already", serial=serial)
    for one in [row] if reason == SUPERSEDED else _of_the_same_key(row, held):
        one.revoked_at, one.reason = uow.now, reason
        uow.session.execute(
            update(SigningKey)
            .where(SigningKey.certificate_pem == one.certificate_pem, SigningKey.revoked_at.is_(None))
            .values(revoked_at=uow.now)
        )
        uow.record("certificate.revoked", "person", one.person_id, actor=actor, serial=one.serial, reason=reason)


def _of_the_same_key(row: IssuedCertificate, held: Sequence[IssuedCertificate]) -> list[IssuedCertificate]:
    """The row, and the other certificates of its key that were not revoked."""
    others = [one for one in held if one is not row and one.revoked_at is None]
    return [row, *(one for one in others if _public_key(one.certificate_pem) == _public_key(row.certificate_pem))]


def _public_key(pem: str) -> bytes:
    public_key = x509.load_pem_x509_certificate(pem.encode("ascii")).public_key()
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def revoked(session: Session) -> tuple[RevokedCertificate, ...]:
    """All revoked certificates, for a list. Also expired ones: old signatures are checked with the newest lists."""
    rows = session.execute(
        select(IssuedCertificate.serial, IssuedCertificate.revoked_at, IssuedCertificate.reason)
        .where(IssuedCertificate.revoked_at.is_not(None))
        .order_by(IssuedCertificate.id)
    )
    return tuple(RevokedCertificate(serial, at, reason) for serial, at, reason in rows if at is not None)


def newest_list(services: Services, which: str, *, now: datetime) -> bytes | None:
    """The newest revocation list of our authority ``issuing`` or ``root``, to be published; None when there is none."""
    if services.revocation is None:
        return None
    with services.reading() as session:
        gone = revoked(session)
    return services.revocation.newest(which, gone, now=now)


def own_lists(services: Services, *, now: datetime) -> tuple[bytes, ...]:
    """The revocation lists of our own authority in force now; empty without an authority."""
    if services.revocation is None:
        return ()
    with services.reading() as session:
        gone = revoked(session)
    return services.revocation.crls(gone, now=now)


def ocsp_answer(services: Services, request: bytes, *, now: datetime) -> bytes:
    """The response to an OCSP request.

    Raises:
        NotFound: ``authority.none``.
    """
    if services.revocation is None:
        raise NotFound("authority.none", "ask the authority that issued the certificate")

    def known(serial: str) -> RevokedCertificate | bool | None:
        with services.reading() as session:
            row = session.execute(
                select(IssuedCertificate.revoked_at, IssuedCertificate.reason).where(IssuedCertificate.serial == serial)
            ).one_or_none()
        if row is None:
            return False
        return RevokedCertificate(serial, row.revoked_at, row.reason) if row.revoked_at is not None else None

    return services.revocation.answer(request, known=known, now=now)


def is_renewable(session: Session, certificate_pem: str, *, now: datetime) -> bool:
    """Whether our own authority issued this certificate to a person, and it expires soon."""
    return (
        session.scalar(
            select(IssuedCertificate.id).where(
                IssuedCertificate.certificate_pem == certificate_pem,
                IssuedCertificate.kind == CertificateKind.PERSON,
                IssuedCertificate.revoked_at.is_(None),
                IssuedCertificate.expires_at <= now + RENEWED_BEFORE,
            )
        )
        is not None
    )


def listed(session: Session, *, expiring_before: datetime | None = None) -> Sequence[CertificateRow]:
    """Certificates, the latest first; with ``expiring_before``, those in use that expire before that time."""
    query = select(IssuedCertificate, Person.account).outerjoin(Person, Person.id == IssuedCertificate.person_id)
    if expiring_before is not None:
        in_use = select(SigningKey.certificate_pem).where(SigningKey.revoked_at.is_(None))
        query = query.where(
            IssuedCertificate.expires_at <= expiring_before,
            IssuedCertificate.revoked_at.is_(None),
            IssuedCertificate.kind.in_([CertificateKind.SEAL]) | IssuedCertificate.certificate_pem.in_(in_use),
        )
    return [
        CertificateRow(
            row.serial,
            row.kind,
            PersonId(row.person_id) if row.person_id is not None else None,
            account or "",
            row.subject,
            row.issued_at,
            row.expires_at,
            row.revoked_at,
            row.reason,
        )
        for row, account in session.execute(query.order_by(IssuedCertificate.id.desc()))
    ]
