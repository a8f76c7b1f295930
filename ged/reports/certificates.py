"""When certificates end: those of people's keys in use, of our own authority, of the institution's seal."""

from contextlib import suppress
from datetime import datetime, timedelta

from cryptography.x509 import load_der_x509_certificate
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ged.errors import GedError
from ged.org.models import CertificateKind, IssuedCertificate, Person, SigningKey
from ged.ports import RevocationLists
from ged.unit import Services

ENDS_SOON = timedelta(days=60)


def authority_ends(revocation: RevocationLists) -> dict[str, datetime]:
    """When the certificates of our own authority end (``root``, ``issuing``); those that there are."""
    found = {which: _end_of(revocation.certificate(which)) for which in ("root", "issuing")}
    return {which: ends for which, ends in found.items() if ends is not None}


def certificate_ends(services: Services) -> dict[str, datetime]:
    """When the certificates of the installation and its revocation list end; those that there are.

    The institution's seal is left out while what holds its key does not answer: a check of the installation tells that.
    """
    ends, sealer = published_ends(services.revocation), services.sealer
    with suppress(GedError):
        seal = sealer.certificate() if sealer is not None else None
        if seal is not None:
            ends["institution"] = seal.not_after
    return ends


def published_ends(revocation: RevocationLists | None) -> dict[str, datetime]:
    """When the certificates of our own authority and its revocation list (``list``) end; those that there are."""
    standing = revocation.standing() if revocation is not None else None
    if revocation is None or standing is None:
        return {}
    ends = authority_ends(revocation)
    if standing.list_until is not None and standing.is_protected:  # else the program renews it itself
        ends["list"] = standing.list_until
    return ends


def _end_of(certificate: bytes | None) -> datetime | None:
    return None if certificate is None else load_der_x509_certificate(certificate).not_valid_after_utc


def people_certificates(session: Session, *, but_of: int | None = None) -> list[datetime]:
    """When the certificates of people's keys in use end, the first first. Who has left signs nothing any more: theirs are left out.

    Args:
        but_of: without those of this person.
    """
    used = (
        select(IssuedCertificate.expires_at)
        .join(SigningKey, SigningKey.certificate_pem == IssuedCertificate.certificate_pem)
        .join(Person, Person.id == SigningKey.person_id)
        .where(Person.is_active, SigningKey.revoked_at.is_(None), IssuedCertificate.revoked_at.is_(None))
    )
    if but_of is not None:
        used = used.where(Person.id != but_of)
    return list(session.scalars(used.order_by(IssuedCertificate.expires_at)))


def certificates_in_use(person_id: int) -> Select[datetime]:
    """When the certificates of a person's keys in use end: those that our own authority issued."""
    return (
        select(IssuedCertificate.expires_at)
        .join(SigningKey, SigningKey.certificate_pem == IssuedCertificate.certificate_pem)
        .where(
            SigningKey.person_id == person_id, SigningKey.revoked_at.is_(None), IssuedCertificate.revoked_at.is_(None)
        )
    )


def own_certificate(session: Session, person_id: int) -> datetime | None:
    """When the certificate of a person's key in use ends; None without a key of our own authority."""
    used = certificates_in_use(person_id)
    ends: datetime | None = session.scalar(used.order_by(IssuedCertificate.expires_at.desc()).limit(1))
    return ends


def seal_ends(session: Session) -> datetime | None:
    """When the last certificate ends that our own authority issued for the institution's seal; None without one.

    It is read from its row: to ask what holds the seal's key may take long (a token).
    """
    of_seal = (IssuedCertificate.kind == CertificateKind.SEAL, IssuedCertificate.revoked_at.is_(None))
    ends: datetime | None = session.scalar(select(func.max(IssuedCertificate.expires_at)).where(*of_seal))
    return ends


def people_ends(session: Session, *, now: datetime, but_of: int | None = None) -> dict[str, int]:
    """How many certificates of people's keys in use are ``good``, ``ending`` soon, and ``ended``; see ``people_certificates``."""
    ends = people_certificates(session, but_of=but_of)
    ended, ending = sum(one <= now for one in ends), sum(now < one <= now + ENDS_SOON for one in ends)
    return {"good": len(ends) - ended - ending, "ending": ending, "ended": ended}
