"""PAdES signatures (ETSI EN 319 142-1) by incremental updates, through pyHanko.

A PDF/A stays one: no font and no colour is added but those of the appearance given, which is a PDF/A page itself.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field, enumerate_sig_fields
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.signers.pdf_cms import Signer as CmsSigner
from pyhanko.stamp import BaseStamp, BaseStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ged.errors import EngineFailed
from ged.ports import SignatureField, SignedPdf, SignRequest
from signing.keys import unseal
from signing.pki import PersonKey
from signing.timestamp import FallbackTimeStamper, TimestampUnavailable

_log = logging.getLogger(__name__)
_CMS_OVERHEAD = 2048  # measured 0.9 KB beside the certificates for RSA-3072; the names in them count twice
_TOKEN_VARIATION = 1024


class PadesSigner:
    """The plug of ``Signer``: levels B-B and, when an authority answers, B-T.

    Args:
        tsa_urls: RFC 3161 authorities in order. None answering degrades the level, it never refuses the signature.
        tsa_timeout_s: for one answer of one authority.
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
        except Exception as error:  # pyHanko raises KeyError, AssertionError and others on odd files
            raise _failed(error) from error
        return output.getvalue()

    def sign(self, pdf: bytes, request: SignRequest, *, sealed: bytes, cookie_key: str, now: datetime) -> SignedPdf:
        """Sign by an incremental update (see the port)."""
        key, chain = unseal(sealed, cookie_key, now=now)
        signer = _MemorySigner(key, chain)
        try:
            signed, level = self._at_best_level(pdf, request, signer)
        except Exception as error:
            raise _failed(error, field=request.field.name) from error
        if not signed.startswith(pdf):
            raise EngineFailed("sign.failed", field=request.field.name, cause="bytes_rewritten")
        return SignedPdf(signed, level)

    def _at_best_level(self, pdf: bytes, request: SignRequest, signer: "_MemorySigner") -> tuple[bytes, str]:
        if self._timestamper is not None:
            try:
                return asyncio.run(_sign(pdf, request, signer, self._timestamper)), "B-T"
            except TimestampUnavailable:
                _log.warning("no time-stamp authority answered: field %s is signed at level B-B", request.field.name)
        return asyncio.run(_sign(pdf, request, signer, None)), "B-B"


def quiet_pyhanko() -> None:
    """pyHanko logs whole tracebacks for findings that are values to us."""
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _MemorySigner(CmsSigner):
    """Signs with a key that is loaded already; pyHanko's own signer loads and checks it anew each time."""

    def __init__(self, key: PersonKey, chain: Sequence[x509.Certificate]) -> None:
        encoded = [link.public_bytes(Encoding.DER) for link in chain]
        certificates = [asn1_x509.Certificate.load(link) for link in encoded]
        super().__init__(
            signing_cert=certificates[0],
            cert_registry=SimpleCertificateStore.from_certs(certificates[1:]),  # type: ignore[no-untyped-call]
        )
        self.certificates_size = sum(map(len, encoded))
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class _PageStyle(BaseStampStyle):
    """Makes a page of another PDF the whole appearance of a field: no border, no text, no scaling."""

    page_pdf: bytes = b""

    def create_stamp(self, writer: BasePdfFileWriter, box: BoxConstraints, text_params: object) -> "_PageStamp":  # noqa: ARG002
        return _PageStamp(writer, self, box)


class _PageStamp(BaseStamp):
    def __init__(self, writer: BasePdfFileWriter, style: _PageStyle, box: BoxConstraints) -> None:
        super().__init__(writer, style, box)
        self._target = writer
        self._page = style.page_pdf

    def register(self) -> generic.IndirectObject:
        """The page itself is the form: its box is that of the field."""
        page = PdfFileReader(BytesIO(self._page), strict=False)
        form: generic.IndirectObject = self._target.import_page_as_xobject(page)
        return form


async def _sign(
    pdf: bytes, request: SignRequest, signer: _MemorySigner, timestamper: FallbackTimeStamper | None
) -> bytes:
    writer = pdf_writer(pdf)
    exists = any(name == request.field.name for name, _, _ in enumerate_sig_fields(writer.prev))
    pdf_signer = PdfSigner(
        _metadata(request),
        signer,
        timestamper=timestamper,
        stamp_style=_PageStyle(border_width=0, page_pdf=request.appearance_pdf),
        new_field_spec=None if exists else _field_spec(request.field),
    )
    session = pdf_signer.init_signing_session(writer, existing_fields_only=exists)
    session.system_time = request.at  # pyHanko would take the clock
    document = session.prepare_tbs_document(None, await _hex_digits(signer, timestamper))
    output = BytesIO()
    digest, _ = document.digest_tbs_document(output=output)
    attributes = PdfCMSSignedAttributes(signing_time=request.at)
    signed = await document.perform_signature(digest.document_digest, attributes)
    await signed.post_signature_processing(output)
    return output.getvalue()


async def _hex_digits(signer: _MemorySigner, timestamper: FallbackTimeStamper | None) -> int:
    """Room for the CMS object. pyHanko would sign once more to measure it, which takes as long as signing."""
    size = signer.certificates_size + _CMS_OVERHEAD
    if timestamper is not None:
        token = await timestamper.async_dummy_response("sha256")
        size += len(token.dump()) + _TOKEN_VARIATION
    return 2 * size


def _metadata(request: SignRequest) -> PdfSignatureMetadata:
    return PdfSignatureMetadata(
        field_name=request.field.name,
        md_algorithm="sha256",
        reason=request.reason or None,
        location=request.location or None,
        name=request.signer_name or None,
        subfilter=SigSeedSubFilter.PADES,
        certify=request.docmdp_level is not None,
        docmdp_permissions=MDPPerm(request.docmdp_level or MDPPerm.FILL_FORMS),
    )


def pdf_writer(pdf: bytes) -> IncrementalPdfFileWriter:
    """A writer that appends a revision."""
    # typst's last line has no end: an object that begins right there breaks PDF/A (ISO 19005-2, 6.1.9).
    return IncrementalPdfFileWriter(BytesIO(pdf if pdf.endswith((b"\n", b"\r")) else pdf + b"\n"))


def _field_spec(field: SignatureField) -> SigFieldSpec:
    return SigFieldSpec(field.name, on_page=field.page_no - 1, box=field.box)  # type: ignore[arg-type]  # floats are written as they are


def _failed(error: Exception, field: str = "") -> EngineFailed:
    return EngineFailed("sign.failed", "Look at the log of the server.", cause=type(error).__name__, field=field)
