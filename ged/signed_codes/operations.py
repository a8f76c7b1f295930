"""Make the signed code of a letter at its signature, and store it with the letter."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ged.org.models import IssuedCertificate, SigningKey
from ged.ports import Digest, MailId, PrintedCode, SealedToken, TokenFacts
from ged.signed_codes.models import LetterToken, TokenKey
from ged.unit import Actor, HeldPost, Services, UnitOfWork

TOKEN_BYTES = 16
PATH = "/V/"
"""Path of the public page in the code; in capitals, which need fewer modules in a QR code."""


@dataclass(frozen=True)
class NewToken:
    """A letter's digest before mark and signature, and its code if there is a key to sign it."""

    facts: TokenFacts
    sealed: SealedToken | None


def make(services: Services, pdf: bytes, *, number: str, on: date, signer: str) -> NewToken:
    """Make the code of a letter about to be signed. Call without any lock: the key may be in a token or remote.

    Raises:
        EngineFailed: ``key.unreachable`` (retryable), ``key.refused``.
    """
    digest = Digest(hashlib.sha256(pdf).hexdigest())
    facts = TokenFacts(number, on, signer, secrets.token_bytes(TOKEN_BYTES), digest)
    return NewToken(facts, services.tokens.seal(facts) if services.tokens is not None else None)


def printed(token: NewToken, public_url: str, square: tuple[float, float, float]) -> PrintedCode | None:
    """The QR code for the mark: the address of the public page, ending in the code."""
    if token.sealed is None:
        return None
    return PrintedCode(address(public_url, token.sealed.text), *square)


def address(public_url: str, text: str) -> str:
    """The address of the public page of a code.

    >>> address("https://ged.mines.example/courrier", "AB2")
    'HTTPS://GED.MINES.EXAMPLE/courrier/V/AB2'
    """
    parts = urlsplit(public_url)
    # Scheme and host only: capitals mean nothing there, and they do in a path (RFC 3986, 6.2.2.1).
    return f"{parts.scheme.upper()}://{parts.netloc.upper()}{parts.path.rstrip('/')}{PATH}{text}"


def keep(uow: UnitOfWork, mail_id: MailId | int, token: NewToken, *, actor: Actor, post: HeldPost | None) -> None:
    """Store digest and code with the letter, in the transaction that makes its signature valid."""
    sealed = token.sealed
    if sealed is not None:
        _keep_key(uow, sealed)
    uow.session.add(
        LetterToken(
            mail_id=int(mail_id),
            unsigned_sha256=token.facts.digest,
            token_hash=hash_of(token.facts.token) if sealed is not None else None,
            payload=sealed.text if sealed is not None else "",
            key_id=sealed.key_id if sealed is not None else None,
            certificate_id=uow.session.scalar(
                select(IssuedCertificate.id)
                .join(SigningKey, SigningKey.certificate_pem == IssuedCertificate.certificate_pem)
                .where(SigningKey.person_id == actor.person_id, SigningKey.revoked_at.is_(None))
                .limit(1)
            ),
        )
    )
    uow.record(
        "mail.token_issued", "mail", int(mail_id), actor=actor, post=post, unsigned_sha256=token.facts.digest,
        key=sealed.key_id if sealed is not None else "",
    )  # fmt: skip


def _keep_key(uow: UnitOfWork, sealed: SealedToken) -> None:
    if uow.session.get(TokenKey, sealed.key_id) is not None:
        return
    try:
        with uow.session.begin_nested():
            uow.session.add(TokenKey(key_id=sealed.key_id, certificates_pem=sealed.certificates_pem, since=uow.now))
    except IntegrityError:
        # A concurrently signed letter inserted the key first (PostgreSQL; on SQLite writers are serialised).
        uow.session.get_one(TokenKey, sealed.key_id)


def hash_of(token: bytes) -> str:
    """The hash by which a token is looked up."""
    return hashlib.sha256(token).hexdigest()
