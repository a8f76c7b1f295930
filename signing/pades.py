"""PAdES signatures (ETSI EN 319 142-1) by incremental updates, through pyHanko.

A PDF/A stays a PDF/A: fonts and colours come only from the appearance given, which is a PDF/A page itself.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ged.errors import EngineFailed, GedError
from ged.ports import PdfFacts, SignatureField, SignedPdf, SignRequest
from signing.apart import PdfsApart
from signing.cms import template_for
from signing.keys import unseal
from signing.profiles import PublicKey, digest_for
from signing.quiet import quiet_pyhanko
from signing.rawkeys import RawKey
from signing.timestamp import FallbackTimeStamper, TimestampUnavailable

_log = logging.getLogger(__name__)
_TOKEN_VARIATION = 1024


class PadesSigner:
    """Implements the port ``Signer``: levels B-B and, when an authority answers, B-T.

    Args:
        tsa_urls: RFC 3161 authorities in order. If none answers, the level is lower; the signature is still made.
        tsa_timeout_s: for one response of one authority.
        apart: opens the PDFs, which may be hostile; unless given, children of this signer.
    """

    def __init__(
        self, tsa_urls: Sequence[str] = (), *, tsa_timeout_s: float = 5, apart: PdfsApart | None = None
    ) -> None:
        self._timestamper = FallbackTimeStamper(tuple(tsa_urls), timeout_s=tsa_timeout_s) if tsa_urls else None
        self._apart = apart or PdfsApart()
        quiet_pyhanko()

    def prepare(self, pdf: bytes, fields: Sequence[SignatureField]) -> bytes:
        """Add empty signature fields before the first signature (see the port)."""
        return self._apart.prepared(pdf, fields)

    def sign(self, pdf: bytes, request: SignRequest, *, sealed: bytes, cookie_key: str, now: datetime) -> SignedPdf:
        """Sign by an incremental update (see the port)."""
        return self.sign_with(unseal(sealed, cookie_key, now=now), pdf, request)

    def sign_with(self, key: RawKey, pdf: bytes, request: SignRequest) -> SignedPdf:
        """Sign with any ``RawKey``: in memory, in a token or with a service.

        Raises:
            EngineFailed: ``sign.failed``; ``key.unreachable``, ``key.refused`` from the key.
        """
        try:
            signed, level = self._at_best_level(pdf, request, _KeySigner(key))
        except GedError:
            raise
        except Exception as error:
            raise _failed(error, field=request.field.name) from error
        # What all earlier signatures and stored revisions stand on: bytes are only appended.
        if not signed.startswith(pdf):
            raise EngineFailed("sign.failed", field=request.field.name, cause="bytes_rewritten")
        return SignedPdf(signed, level)

    def inspect(self, pdf: bytes) -> PdfFacts:
        """Inspect a PDF that we made (see the port)."""
        return self._apart.inspected(pdf)

    def for_printing(self, pdfs: Sequence[bytes]) -> bytes:
        """See the port."""
        return self._apart.printed(pdfs)

    def _at_best_level(self, pdf: bytes, request: SignRequest, signer: "_KeySigner") -> tuple[bytes, str]:
        if self._timestamper is not None:
            try:
                return self._signed(pdf, request, signer, self._timestamper), "B-T"
            except TimestampUnavailable:
                _log.warning("no time-stamp authority answered: field %s is signed at level B-B", request.field.name)
        return self._signed(pdf, request, signer, None), "B-B"

    def _signed(
        self, pdf: bytes, request: SignRequest, signer: "_KeySigner", timestamper: FallbackTimeStamper | None
    ) -> bytes:
        gap = self._apart.gap(pdf, request, digest=signer.digest, hex_digits=signer.hex_digits(timestamper))
        attributes = signer.template.attributes(gap.digest(signer.digest))
        signature = signer.sign(attributes)
        # Over the signature's value (RFC 3161, appendix A), so only once that is made.
        token = b"" if timestamper is None else _token(timestamper, signature, signer.digest)
        return gap.filled(signer.template.signed(attributes, signature, token))


class _KeySigner:
    """Signs with an opened key. Values that do not depend on the letter are cached between letters."""

    def __init__(self, key: RawKey) -> None:
        self._key = key
        public = _public_key(key)
        is_curve = isinstance(public, ec.EllipticCurvePublicKey)
        self.digest = digest_for(public).name
        certificates = tuple(link.public_bytes(Encoding.DER) for link in key.chain)
        self.template = template_for(certificates, self.digest, f"{self.digest}_{'ecdsa' if is_curve else 'rsa'}")
        # DER of two integers: a head of up to 3 bytes, and of each number 2 bytes of head and one for its sign.
        self._signature_max_bytes = (public.key_size + 7) // 8 * 2 + 9 if is_curve else public.key_size // 8

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, self.digest)

    def hex_digits(self, timestamper: FallbackTimeStamper | None) -> int:
        """The space to reserve for the CMS object. pyHanko would sign twice to measure it, which doubles the time."""
        attributes = self.template.attributes(bytes(hashlib.new(self.digest).digest_size))
        size = len(self.template.signed(attributes, bytes(self._signature_max_bytes)))
        if timestamper is not None:
            token = asyncio.run(timestamper.async_dummy_response(self.digest))
            size += len(token.dump()) + _TOKEN_VARIATION
        return 2 * size


def _public_key(key: RawKey) -> PublicKey:
    public = key.chain[0].public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise EngineFailed("sign.failed", "Use an RSA or elliptic-curve key.", cause="key")
    return public


def _token(timestamper: FallbackTimeStamper, signature: bytes, digest: str) -> bytes:
    token: bytes = asyncio.run(timestamper.async_timestamp(hashlib.new(digest, signature).digest(), digest)).dump()
    return token


def _failed(error: Exception, field: str) -> EngineFailed:
    return EngineFailed("sign.failed", "Look at the log of the server.", cause=type(error).__name__, field=field)
