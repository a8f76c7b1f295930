"""What the site publishes for an authority whose key it cannot open: a revocation list, and OCSP responses.

The commands that open the authority write the list and the responder's key into its folder. The server's secret
encrypts the responder's key. A thief of data and secret can report a certificate as good or revoked, but cannot issue
certificates (RFC 6960, 4.2.2.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ged.durable import replace_file
from ged.ports import AuthorityStanding, RevokedCertificate
from signing.authority_key import curve_key, encrypted, is_protected, secret_password
from signing.pki import Authority, certificates_in

LIST_VALIDITY = timedelta(days=35)
"""The keeper of the authority signs a new list each month; a few days are left for a delay."""


@dataclass(frozen=True)
class Responder:
    """The key that signs OCSP responses, its certificate and the issuing authority's certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    issuer: x509.Certificate


def publish(
    folder: Path,
    secret: bytes,
    authority: Authority,
    revoked: Sequence[RevokedCertificate],
    *,
    now: datetime,
    validity: timedelta = LIST_VALIDITY,
) -> datetime:
    """Sign the list and certify a new responder. Returns the time until which both are valid."""
    until = min(now + validity, authority.certificate.not_valid_after_utc)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.certify_responder(key.public_key(), now=now, not_after=until)
    content = certificate.public_bytes(Encoding.PEM) + encrypted(key, secret_password(secret))
    replace_file(folder / "responder.pem", content, mode=0o600)  # key and certificate change together
    # After the responder: its end is the one that is shown, and killed between the two the responder lasts longer, not
    # less.
    replace_file(folder / "issuing.crl", authority.revocation_list(revoked, now=now, next_update=until), mode=0o644)
    return until


def published_list(folder: Path) -> bytes | None:
    """The last list, DER, even if it has expired; None when there is none."""
    try:
        return (folder / "issuing.crl").read_bytes()
    except FileNotFoundError:
        return None


def list_until(content: bytes) -> datetime:
    """The time at which the list expires."""
    ends_at = x509.load_der_x509_crl(content).next_update_utc
    if ends_at is None:
        raise ValueError("a list without an end")
    return ends_at


def open_responder(folder: Path, secret: bytes) -> Responder | None:
    """The responder; None when none was certified."""
    try:
        content = (folder / "responder.pem").read_bytes()
    except FileNotFoundError:
        return None
    key = curve_key(content[content.index(b"-----BEGIN ENCRYPTED") :], secret_password(secret))
    return Responder(key, x509.load_pem_x509_certificate(content), certificates_in(folder)[1])


def standing(folder: Path) -> AuthorityStanding | None:
    """How the authority is kept; None when there is no authority."""
    if not (folder / "issuing.pem").exists():
        return None
    content = published_list(folder)
    return AuthorityStanding(
        is_protected=is_protected(folder) and not (folder / "root.key").exists(),
        list_until=None if content is None else list_until(content),
    )
