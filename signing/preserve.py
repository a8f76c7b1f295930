"""Raises signatures to level B-LTA and keeps them there. Each step appends one revision.

A revision is a time-stamp over the whole document, or the certificates and revocation data that prove every signature
and time-stamp in it (the /DSS of ISO 32000-2, 12.8.4.3). The caller stores the revision, then calls for the next. After
a failure, the next step is found from the file itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from io import BytesIO

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SignedDataCerts, extract_certificate_info
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, InsufficientRevinfoError, PathBuildingError, RevokedError
from pyhanko_certvalidator.path import ValidationPath

from ged.errors import EngineFailed, GedError
from ged.ports import RaisedPdf
from signing import levels
from signing.evidence import Evidence, gather
from signing.quiet import quiet_pyhanko
from signing.revision import pdf_writer
from signing.timestamp import FallbackTimeStamper

RENEWED_BEFORE = timedelta(days=180)
"""A new time-stamp covers the old this long before the certificate of the last authority ends."""


class PadesPreserver:
    """Implements the port ``Preserver`` with pyHanko.

    Args:
        tsa_urls: RFC 3161 authorities in order.
        roots_pem: returns the certificates of the authorities that we trust; called each time, for a root may be added.
        timeout_s: for one response of one server.
        pause_s: how long a failed time-stamp authority is skipped.
    """

    def __init__(
        self,
        tsa_urls: Sequence[str],
        roots_pem: Callable[[], Sequence[str]],
        *,
        timeout_s: float = 10,
        pause_s: float = 60,
    ) -> None:
        self._timestamper = FallbackTimeStamper(tuple(tsa_urls), timeout_s=timeout_s, pause_s=pause_s)
        self._roots_pem = roots_pem
        self._timeout_s = timeout_s
        quiet_pyhanko()

    def next_step(self, pdf: bytes, *, now: datetime, crls: Sequence[bytes] = ()) -> RaisedPdf | None:
        """Append the next revision (see the port)."""
        try:
            return self._next_step(pdf, now, crls)
        except GedError:
            raise
        except Exception as error:  # pyHanko raises KeyError, AssertionError and others on malformed files
            raise EngineFailed("preserve.failed", cause=type(error).__name__) from error

    def _next_step(self, pdf: bytes, now: datetime, crls: Sequence[bytes]) -> RaisedPdf | None:
        reader = PdfFileReader(BytesIO(pdf), strict=False)
        if not reader.embedded_regular_signatures:
            return None
        # The time-stamp first: revocation data must be younger than the time for which it is to prove a signature.
        if _needs_stamp(reader):
            return self._stamped(pdf, now)
        if _needs_evidence(reader) or _renewal(reader) <= now:
            return self._proven(pdf, reader, now, crls)
        return None

    def _stamped(self, pdf: bytes, now: datetime) -> RaisedPdf:
        output = BytesIO()
        count = len(PdfFileReader(BytesIO(pdf), strict=False).embedded_timestamp_signatures)
        stamper = PdfTimeStamper(self._timestamper, field_name=f"Horodatage-{count + 1}")
        asyncio.run(stamper.async_timestamp_pdf(pdf_writer(pdf), "sha256", output=output))
        raised = _appended(pdf, output.getvalue())
        last = PdfFileReader(BytesIO(raised.pdf), strict=False).embedded_timestamp_signatures[-1]
        # Check before storing: a time-stamp of an authority that we do not trust would stay in the file for ever.
        context = ValidationContext(trust_roots=self._roots(), moment=now, allow_fetching=False)
        asyncio.run(_path(last.signed_data, context))
        return raised

    def _proven(self, pdf: bytes, reader: PdfFileReader, now: datetime, crls: Sequence[bytes]) -> RaisedPdf:
        subjects = [(one, data) for one in _unproven(reader) for data in _signed_data(one)]
        evidence = self._evidence([data for _, data in subjects], crls)
        context = ValidationContext(
            trust_roots=self._roots(),
            moment=now,
            allow_fetching=False,
            ocsps=list(evidence.ocsps),
            crls=list(evidence.crls),
            revocation_mode="require",
            # An OCSP response may be a little older than the time-stamp that it is stored with.
            time_tolerance=timedelta(minutes=5),
        )
        # All signatures into one revision: each further one would need a time-stamp of its own.
        writer = pdf_writer(pdf)
        for embedded, data in subjects:
            DocumentSecurityStore.supply_dss_in_writer(
                writer,
                embedded.pkcs7_content.hex().encode("ascii"),
                paths=[asyncio.run(_path(data, context))],
                validation_context=context,
            )
        output = BytesIO()
        writer.write(output)  # type: ignore[no-untyped-call]
        return _appended(pdf, output.getvalue())

    def _evidence(self, subjects: Sequence[cms.SignedData], crls: Sequence[bytes]) -> Evidence:
        chain: list[x509.Certificate] = []
        for data in subjects:
            known = extract_certificate_info(data)
            chain += [_modern(one) for one in (known.signer_cert, *known.other_certs)]
        roots = [_modern(root) for root in self._roots()]
        found = gather(chain, [*chain, *roots], timeout_s=self._timeout_s)
        return found.joined(Evidence(crls=tuple(crls)))

    def _roots(self) -> list[asn1_x509.Certificate]:
        bundles = [x509.load_pem_x509_certificates(pem.encode()) for pem in self._roots_pem()]
        return [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for bundle in bundles for one in bundle]


def _needs_stamp(reader: PdfFileReader) -> bool:
    """Whether a signature has no time-stamp, or evidence is not yet covered by a time-stamp."""
    stamps, evidence = levels.stamp_revisions(reader), levels.evidence_revisions(reader)
    last = stamps[-1] if stamps else -1
    unstamped = any(
        one.signed_revision > last and not levels.has_token(one) for one in reader.embedded_regular_signatures
    )
    return unstamped or (bool(evidence) and evidence[-1] > last and not _needs_evidence(reader))


def _needs_evidence(reader: PdfFileReader) -> bool:
    evidence = levels.evidence_revisions(reader)
    last = max(one.signed_revision for one in reader.embedded_regular_signatures)
    return not evidence or evidence[-1] < last


def _renewal(reader: PdfFileReader) -> datetime:
    """When the last time-stamp has to be covered by a new one."""
    last = reader.embedded_timestamp_signatures[-1].signed_data
    ends_at: datetime = extract_certificate_info(last).signer_cert.not_valid_after
    stamped_at: datetime = last["encap_content_info"]["content"].parsed["gen_time"].native
    # Half of what is left, where an authority's certificate ends sooner: else a new time-stamp would be due at once.
    return ends_at - min(RENEWED_BEFORE, (ends_at - stamped_at) / 2)


def _unproven(reader: PdfFileReader) -> list[EmbeddedPdfSignature]:
    """Signatures and time-stamps with no evidence behind them yet. Each renewal also proves the last time-stamp."""
    evidence = levels.evidence_revisions(reader)
    last = evidence[-1] if evidence else -1
    return [one for one in reader.embedded_signatures if one.signed_revision > last]


def _signed_data(embedded: EmbeddedPdfSignature) -> list[cms.SignedData]:
    """The CMS objects with certificates: the signature, and its own time-stamp."""
    return [embedded.signed_data, *extract_tst_data_iter(embedded.signer_info, signed=False)]


async def _path(data: cms.SignedData, context: ValidationContext) -> ValidationPath:
    known: SignedDataCerts = extract_certificate_info(data)
    validator = CertificateValidator(
        known.signer_cert, intermediate_certs=known.other_certs, validation_context=context
    )
    try:
        path: ValidationPath = await validator.async_validate_usage(key_usage=set())  # type: ignore[no-untyped-call]
        return path
    except RevokedError as error:
        raise EngineFailed("preserve.revoked", "Have it signed again with another key.") from error
    except ExpiredError as error:
        raise EngineFailed("preserve.expired", "Have it signed again.") from error
    except InsufficientRevinfoError as error:
        raise _away() from error
    except PathBuildingError as error:
        raise EngineFailed(
            "preserve.untrusted", "Put the authority's root into the folder of trusted roots.", retryable=True
        ) from error


def _away() -> EngineFailed:
    return EngineFailed("preserve.no_revocation", "Wait for the authority's CRL or OCSP server.", retryable=True)


def _appended(before: bytes, after: bytes) -> RaisedPdf:
    if not after.startswith(before):
        raise EngineFailed("preserve.failed", cause="bytes_rewritten")
    reader = PdfFileReader(BytesIO(after), strict=False)
    reached = [levels.level_of(one, own_stamp=levels.has_token(one)) for one in reader.embedded_regular_signatures]
    lasting = not (_needs_stamp(reader) or _needs_evidence(reader))
    return RaisedPdf(after, min(reached, key=_rank), _renewal(reader) if lasting else None)


def _rank(level: str) -> int:
    # Other kinds than PAdES rank highest: they never lower the level of the file.
    return ("B-B", "B-T", "B-LT", "B-LTA").index(level) if level.startswith("B-") else 9


def _modern(certificate: asn1_x509.Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.dump())
