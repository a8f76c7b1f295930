"""PAdES signatures (ETSI EN 319 142-1) by incremental updates, through pyHanko.

A PDF/A stays a PDF/A: fonts and colours come only from the appearance given, which is a PDF/A page itself.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigAppearanceSetup, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from ged.errors import EngineFailed, GedError
from ged.ports import PdfFacts, SignatureField, SignedPdf, SignRequest
from signing.appearance import PageStyle
from signing.cms import template_for
from signing.inspection import inspect
from signing.keys import unseal
from signing.printing import for_printing
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
    """

    def __init__(self, tsa_urls: Sequence[str] = (), *, tsa_timeout_s: float = 5) -> None:
        self._timestamper = FallbackTimeStamper(tuple(tsa_urls), timeout_s=tsa_timeout_s) if tsa_urls else None
        quiet_pyhanko()

    def prepare(self, pdf: bytes, fields: Sequence[SignatureField]) -> bytes:
        """Add empty signature fields before the first signature (see the port)."""
        try:
            writer = pdf_writer(pdf)
            for field in fields:
                append_signature_field(writer, _field_spec(field))
            output = BytesIO()
            writer.write(output)  # type: ignore[no-untyped-call]
        except Exception as error:  # pyHanko raises KeyError, AssertionError and others on malformed files
            raise _failed(error) from error
        return output.getvalue()

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
        return inspect(pdf)

    def for_printing(self, pdfs: Sequence[bytes]) -> bytes:
        """See the port."""
        return for_printing(pdfs)

    def _at_best_level(self, pdf: bytes, request: SignRequest, signer: "_KeySigner") -> tuple[bytes, str]:
        if self._timestamper is not None:
            try:
                return _sign(pdf, request, signer, self._timestamper), "B-T"
            except TimestampUnavailable:
                _log.warning("no time-stamp authority answered: field %s is signed at level B-B", request.field.name)
        return _sign(pdf, request, signer, None), "B-B"


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


def _sign(pdf: bytes, request: SignRequest, signer: _KeySigner, timestamper: FallbackTimeStamper | None) -> bytes:
    writer = pdf_writer(pdf)
    fields = {name: value for name, value, _ in enumerate_sig_fields(writer.prev)}
    exists = request.field.name in fields
    # ISO 32000-2, 12.8.2.2: a document has one certification, by its first signature.
    if request.docmdp_level is not None and any(value is not None for value in fields.values()):
        raise ValueError("only the first signature certifies")
    embedding = PdfCMSEmbedder(None if exists else _field_spec(request.field)).write_cms(
        request.field.name, writer, existing_fields_only=exists
    )
    next(embedding)
    embedding.send(_setup(request, signer.digest, signer.hex_digits(timestamper)))
    output = BytesIO()
    prepared, _ = embedding.send(SigIOSetup(signer.digest, output=output))
    attributes = signer.template.attributes(prepared.document_digest)
    signature = signer.sign(attributes)
    # Over the signature's value (RFC 3161, appendix A), so only once that is made.
    token = b"" if timestamper is None else _token(timestamper, signature, signer.digest)
    prepared.fill_with_cms(output, signer.template.signed(attributes, signature, token))
    return output.getvalue()


def _token(timestamper: FallbackTimeStamper, signature: bytes, digest: str) -> bytes:
    token: bytes = asyncio.run(timestamper.async_timestamp(hashlib.new(digest, signature).digest(), digest)).dump()
    return token


def _setup(request: SignRequest, digest: str, hex_digits: int) -> SigObjSetup:
    certifies = request.docmdp_level is not None
    return SigObjSetup(
        SignatureObject(
            timestamp=request.at,  # without it, pyHanko would take the system clock
            subfilter=SigSeedSubFilter.PADES,
            name=request.signer_name or None,
            location=request.location or None,
            reason=request.reason or None,
            bytes_reserved=hex_digits,
        ),
        SigMDPSetup(digest, certify=certifies, docmdp_perms=MDPPerm(request.docmdp_level) if certifies else None),
        SigAppearanceSetup(
            PageStyle(border_width=0, page_pdf=request.appearance_pdf, code=request.code), request.at, None
        ),
    )


class _Writer(IncrementalPdfFileWriter):
    """Writes only what it is given. pyHanko would also rewrite the metadata with the current date, which alters content
    that was signed before."""

    def _update_meta(self) -> None:
        """Leave the metadata unchanged."""


def pdf_writer(pdf: bytes) -> IncrementalPdfFileWriter:
    """A writer that appends a revision."""
    # typst's last line has no line end. An object that begins directly behind it breaks PDF/A (ISO 19005-2, 6.1.9).
    return _Writer(BytesIO(pdf if pdf.endswith((b"\n", b"\r")) else pdf + b"\n"))


def _field_spec(field: SignatureField) -> SigFieldSpec:
    return SigFieldSpec(field.name, on_page=field.page_no - 1, box=field.box)  # type: ignore[arg-type]  # floats are written as they are


def _failed(error: Exception, field: str = "") -> EngineFailed:
    return EngineFailed("sign.failed", "Look at the log of the server.", cause=type(error).__name__, field=field)
