"""The revocation status of the ministry's certificates: revocation lists, and OCSP responses (RFC 6960)."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from ged.ports import AuthorityStanding, RevokedCertificate
from signing import pki, published
from signing.authority_key import is_protected
from signing.pki import Authority
from signing.profiles import reason_flag
from signing.published import Responder

LIST_VALIDITY = timedelta(days=7)
ANSWER_VALIDITY = timedelta(hours=12)
RESPONDER_VALIDITY = timedelta(days=30)
_RENEWED_BEFORE = timedelta(days=3)
_SHORT_NONCE_BYTES = 32  # RFC 8954, 2.1

Known = Callable[[str], RevokedCertificate | bool | None]


class AuthorityStatus:
    """Implements the port ``RevocationLists`` for our own authority. Without an authority it has nothing to publish.

    If a passphrase protects the authority's key, this class publishes what the commands left (``signing.published``).
    A trial authority signs here. Then the responder's key exists only in the memory of the process, and each start
    certifies a new key for a month.
    """

    def __init__(self, authority_dir: Path, server_secret: bytes) -> None:
        self._dir = authority_dir
        self._secret = server_secret
        self._responder: Responder | None = None
        self._owner_pid = 0
        self._made: tuple[tuple[tuple[RevokedCertificate, ...], int], datetime, bytes] | None = None

    def crls(self, revoked: Sequence[RevokedCertificate], *, now: datetime) -> tuple[bytes, ...]:
        """The lists in force (see the port)."""
        own, root = (self.newest(which, revoked, now=now) for which in ("issuing", "root"))
        if own is not None and is_protected(self._dir) and published.list_until(own) <= now:
            own = None
        return tuple(one for one in (own, root) if one is not None)

    def newest(self, which: str, revoked: Sequence[RevokedCertificate], *, now: datetime) -> bytes | None:
        """The newest list of ``issuing`` or ``root`` (see the port)."""
        if which not in ("root", "issuing") or not (self._dir / "issuing.pem").exists():
            return None
        if which == "root":
            return pki.root_list(self._dir, self._secret, now=now)
        return published.published_list(self._dir) if is_protected(self._dir) else self._list(tuple(revoked), now)

    def standing(self) -> AuthorityStanding | None:
        """How the authority is kept (see the port)."""
        return published.standing(self._dir)

    def _list(self, revoked: tuple[RevokedCertificate, ...], now: datetime) -> bytes:
        """The list in force. It is cached, and signed anew after a change or once half of its validity is over."""
        known = (revoked, (self._dir / "issuing.pem").stat().st_mtime_ns)
        held = self._made
        if held is None or held[0] != known or not held[1] <= now < held[1] + LIST_VALIDITY / 2:
            authority = Authority.open(self._dir, self._secret)
            content = authority.revocation_list(revoked, now=now, next_update=now + LIST_VALIDITY)
            held = self._made = (known, now, content)
        return held[2]

    def certificate(self, which: str) -> bytes | None:
        """The certificate of ``root`` or ``issuing`` (see the port)."""
        path = self._dir / f"{which}.pem"
        if which not in ("root", "issuing") or not path.exists():
            return None
        return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(serialization.Encoding.DER)

    def answer(self, request: bytes, *, known: Known, now: datetime) -> bytes:
        """Answer an OCSP request (see the port)."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
            return self._answer(asked, known, now)
        except ValueError:  # malformed bytes, several certificates in one request, an unknown digest
            return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)

    def _answer(self, asked: ocsp.OCSPRequest, known: Known, now: datetime) -> bytes:
        if not (self._dir / "issuing.pem").exists():
            return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        ready = self._ready(now)
        if ready is None:
            return _refusal(ocsp.OCSPResponseStatus.TRY_LATER)
        certificate = ready.certificate
        if not _names(asked, certificate, ready.issuer):
            return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        found = known(f"{asked.serial_number:x}")
        if found is False:
            return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        gone = found if isinstance(found, RevokedCertificate) else None
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            asked.issuer_name_hash,
            asked.issuer_key_hash,
            asked.serial_number,
            asked.hash_algorithm,
            ocsp.OCSPCertStatus.GOOD if gone is None else ocsp.OCSPCertStatus.REVOKED,
            now,
            # An answer must not outlive the certificate that signs it.
            min(now + ANSWER_VALIDITY, certificate.not_valid_after_utc),
            None if gone is None else gone.revoked_at,
            None if gone is None else reason_flag(gone.reason),
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
        builder = _with_nonce(builder, asked)
        return builder.sign(ready.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _ready(self, now: datetime) -> Responder | None:
        """The responder; None when its certificate has expired and the keeper has not renewed it."""
        if is_protected(self._dir):
            kept = published.open_responder(self._dir, self._secret)
            return kept if kept is not None and kept.certificate.not_valid_after_utc > now else None
        held = self._responder
        ends_soon = held is not None and held.certificate.not_valid_after_utc - _RENEWED_BEFORE < now
        if held is None or ends_soon or self._owner_pid != os.getpid():
            authority = Authority.open(self._dir, self._secret)
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = authority.certify_responder(key.public_key(), now=now, not_after=now + RESPONDER_VALIDITY)
            held = self._responder = Responder(key, certificate, authority.certificate)
            self._owner_pid = os.getpid()
        return held


def _names(asked: ocsp.OCSPRequest, sibling: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the request names our authority as issuer. The request chooses the digest algorithm of that name."""
    ours = ocsp.OCSPRequestBuilder().add_certificate(sibling, issuer, asked.hash_algorithm).build()
    return (asked.issuer_key_hash, asked.issuer_name_hash) == (ours.issuer_key_hash, ours.issuer_name_hash)


def _with_nonce(builder: ocsp.OCSPResponseBuilder, asked: ocsp.OCSPRequest) -> ocsp.OCSPResponseBuilder:
    try:
        nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return builder
    return builder.add_extension(nonce, critical=False) if len(nonce.nonce) <= _SHORT_NONCE_BYTES else builder


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)
