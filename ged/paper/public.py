"""Public facts of a signed letter: available only by its code, and never its content.

An unknown code, another installation's code, an altered code and any other text cost the same work and get the same
answer.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import IssuedCertificate
from ged.ports import Digest, MailId
from ged.register.models import MailNumber
from ged.signbook.models import Draft, SignedRevision
from ged.signed_codes import operations as signed_codes
from ged.signed_codes.models import LetterToken
from ged.unit import Services


class PublicState(StrEnum):
    """The present state of a letter."""

    ISSUED = "issued"
    VOIDED = "voided"
    """The letter's number was voided after the signature."""
    REVOKED = "revoked"
    """The signer's certificate has been revoked since."""


class FileState(StrEnum):
    """The result of comparing a file with a letter."""

    AS_ISSUED = "as_issued"
    EARLIER = "earlier"
    """An earlier revision of ours: later ones only added proof; the pages are the same."""
    UNSIGNED = "unsigned"
    """The pages before mark and signature, which were given to nobody."""
    OTHER = "other"
    """Not our file, or altered."""


@dataclass(frozen=True)
class PublicLetter:
    """The data of the public page. ``since``: when the number was voided, or the certificate revoked."""

    mail_id: MailId
    number: str
    on: date | None
    signer: str
    title: str
    capacity: str
    state: PublicState
    since: datetime | None = None


def find(services: Services, text: str) -> PublicLetter | None:
    """The letter of a code (without the site's address); None for every text that is not the code of our letter."""
    with services.reading() as session:
        return _find(services, session, text)


def compare(services: Services, text: str, digest: str) -> tuple[PublicLetter, FileState] | None:
    """Compare a file, by its SHA-256, with all revisions that we issued of a code's letter; None as in ``find``."""
    with services.reading() as session:
        letter = _find(services, session, text)
        if letter is None:
            return None
        issued = session.scalars(
            select(SignedRevision.digest)
            .where(SignedRevision.mail_id == letter.mail_id)
            .order_by(SignedRevision.sequence)
        ).all()
        unsigned = session.get_one(LetterToken, letter.mail_id).unsigned_sha256
    return letter, _file_state(Digest(digest), issued, unsigned)


def _file_state(digest: str, issued: Sequence[str], unsigned: str) -> FileState:
    if issued and digest == issued[-1]:
        return FileState.AS_ISSUED
    if digest in issued:
        return FileState.EARLIER
    return FileState.UNSIGNED if digest == unsigned else FileState.OTHER


def _find(services: Services, session: Session, text: str) -> PublicLetter | None:
    facts = services.tokens.read(text) if services.tokens is not None else None
    # No letter has a random token: an unknown code is looked up as a known one is, and costs as much.
    token = facts.token if facts is not None else secrets.token_bytes(signed_codes.TOKEN_BYTES)
    found = session.execute(
        select(
            LetterToken.mail_id, LetterToken.payload, MailNumber.text, Draft.numbered_on, Draft.confirmed_name,
            Draft.confirmed_title, Draft.confirmed_capacity, MailNumber.voided_at, IssuedCertificate.revoked_at,
        )
        .join(Draft, Draft.mail_id == LetterToken.mail_id)
        .join(MailNumber, MailNumber.id == Draft.number_id)
        .outerjoin(IssuedCertificate, IssuedCertificate.id == LetterToken.certificate_id)
        .where(LetterToken.token_hash == signed_codes.hash_of(token))
    ).one_or_none()  # fmt: skip
    if found is None:
        return None
    mail_id, payload, number, on, signer, title, capacity, voided_at, revoked_at = found
    if "".join(character for character in text.upper() if character.isalnum()) != payload:
        return None  # a valid token with altered facts, or without its signature
    state, since = _state(voided_at, revoked_at)
    return PublicLetter(MailId(mail_id), number, on, signer, title, capacity, state, since)


def _state(voided_at: datetime | None, revoked_at: datetime | None) -> tuple[PublicState, datetime | None]:
    if voided_at is not None:
        return PublicState.VOIDED, voided_at
    return (PublicState.REVOKED, revoked_at) if revoked_at is not None else (PublicState.ISSUED, None)
