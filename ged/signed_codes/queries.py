"""Frozen data for pages and commands: the code of a letter, the published keys."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.ports import Digest, MailId
from ged.signed_codes.models import LetterToken, TokenKey


@dataclass(frozen=True)
class TokenRow:
    """The code's data for the letter's page."""

    unsigned_sha256: Digest
    payload: str


def of_letter(session: Session, mail_id: MailId | int) -> TokenRow | None:
    """The code of a letter that the caller may see; None for a letter that is not signed electronically."""
    row = session.get(LetterToken, int(mail_id))
    return TokenRow(Digest(row.unsigned_sha256), row.payload) if row is not None else None


def published_keys(session: Session) -> tuple[str, ...]:
    """Certificates (PEM) of all keys that ever signed codes, the latest first."""
    return tuple(session.scalars(select(TokenKey.certificates_pem).order_by(TokenKey.since.desc(), TokenKey.key_id)))
