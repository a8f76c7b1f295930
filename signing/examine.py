"""Validation of the signatures of one file. Runs in the child process of ``signing.validation`` only.

pyHanko raises AssertionError, KeyError, RecursionError and others on odd files: everything is caught, a signature
at a time, and becomes a red report.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import (
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import (
    DocumentTimestampStatus,
    PdfSignatureStatus,
    SignatureStatus,
    TimestampSignatureStatus,
)
from pyhanko_certvalidator import ValidationContext

from ged.ports import SignatureReport, Verdict
from signing.levels import level_of
from signing.revisions import BadByteRange, covered_end, is_issued

# Certificates of people bear one of the two, those of careful authorities both.
_KEY_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*\d+\s+\d+")
_CMS_VERSIONS = frozenset({"v1", "v3", "v4", "v5"})
_EXPIRED = frozenset(
    {AdESIndeterminate.EXPIRED, AdESIndeterminate.OUT_OF_BOUNDS_NO_POE, AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED}
)


@dataclass(frozen=True)
class Question:
    """What the parent asks: certificates judged at ``at`` under these roots; digests of what we stored."""

    at: datetime
    roots: tuple[x509.Certificate, ...]
    issued: tuple[str, ...] = ()


def examine(pdf: bytes, question: Question) -> tuple[SignatureReport, ...]:
    """A report per signature of the file; a file that cannot be read gives one red report."""
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=False)
        fields = [(str(name), field) for name, _, field in enumerate_sig_fields(reader, filled_status=True)]
    except Exception:  # noqa: BLE001  see the module's first lines
        return (unreadable(),)
    if not fields and _BYTE_RANGE.search(pdf):
        # A later revision can hide the form: the file was signed, and no field shows it any more.
        return (unreadable(reason="signature_hidden"),)
    opened = [_open(pdf, reader, name, field) for name, field in fields]
    ends = [found.end for found in opened if isinstance(found, _Opened)]
    return tuple(found if isinstance(found, SignatureReport) else _report(found, question, ends) for found in opened)


def unreadable(field: str = "", reason: str = "unreadable") -> SignatureReport:
    """The red report of what cannot be examined."""
    return SignatureReport(field, Verdict.RED, reason, signer="", signed_at=None, level="", covers_bytes=0)


@dataclass(frozen=True)
class _Opened:
    """A signature whose bytes and certificates could be read."""

    name: str
    embedded: EmbeddedPdfSignature
    pdf: bytes
    end: int

    @property
    def covers_all(self) -> bool:
        return self.end == len(self.pdf)


def _open(pdf: bytes, reader: PdfFileReader, name: str, field: generic.DictionaryObject) -> _Opened | SignatureReport:
    try:
        embedded = EmbeddedPdfSignature(reader, field, name)
        return _Opened(name, embedded, pdf, covered_end(pdf, list(embedded.byte_range), embedded.pkcs7_content))
    except BadByteRange:
        return unreadable(name, "byte_range")
    except Exception:  # noqa: BLE001  see the module's first lines
        return unreadable(name)


def _report(found: _Opened, question: Question, ends: Sequence[int]) -> SignatureReport:
    try:
        status = asyncio.run(_validate(found.embedded, question))
        verdict, reason = _judge(found, status, question, ends)
        signed_at = _signing_time(found.embedded, status)
        level = _level(found, status)
    except Exception:  # noqa: BLE001  see the module's first lines
        return unreadable(found.name)
    return SignatureReport(found.name, verdict, reason, _signer_name(found.embedded), signed_at, level, found.end)


async def _validate(embedded: EmbeddedPdfSignature, question: Question) -> PdfSignatureStatus | DocumentTimestampStatus:
    context = ValidationContext(trust_roots=list(question.roots), moment=question.at, allow_fetching=False)
    if embedded.sig_object_type == "/DocTimeStamp":
        return await async_validate_pdf_timestamp(embedded, context, skip_diff=True)
    return await async_validate_pdf_signature(embedded, context, key_usage_settings=_KEY_USAGE, skip_diff=True)


def _judge(found: _Opened, status: SignatureStatus, question: Question, ends: Sequence[int]) -> tuple[Verdict, str]:
    """The worst finding counts; green is only what nothing speaks against."""
    if not (status.intact and status.valid and _is_well_formed(found.embedded)):
        return Verdict.RED, "broken"
    if status.revoked:
        return Verdict.RED, "revoked"
    issued = is_issued(found.pdf, found.end, ends, question.issued)
    if not (found.covers_all or issued):
        # pyHanko's opinion only tells amber from red: it takes some shadow attacks for form filling.
        return (Verdict.AMBER if _permitted(found.embedded) else Verdict.RED), "modified_after"
    if _has_timestamp(status) and _timestamp(status) is None:
        return Verdict.AMBER, "timestamp_broken"
    if not status.trusted:
        return Verdict.AMBER, "expired" if status.trust_problem_indic in _EXPIRED else "untrusted"
    return Verdict.GREEN, "ok" if found.covers_all else "countersigned"


def _is_well_formed(embedded: EmbeddedPdfSignature) -> bool:
    """RFC 5652, 5.1: a known version, and the signer's digest algorithm in the list. pyHanko never reads the two."""
    if embedded.signed_data["version"].native not in _CMS_VERSIONS:
        return False
    listed = embedded.signed_data["digest_algorithms"].native
    used = embedded.signer_info["digest_algorithm"].native
    return [one["algorithm"] for one in listed] == [used["algorithm"]]


def _permitted(embedded: EmbeddedPdfSignature) -> bool:
    try:
        changes = embedded.evaluate_modifications(DEFAULT_DIFF_POLICY)
        allowed = embedded.docmdp_level
    except Exception:  # noqa: BLE001  see the module's first lines
        return False
    if not isinstance(changes, DiffResult) or changes.modification_level > ModificationLevel.FORM_FILLING:
        return False
    return allowed is None or changes.modification_level.value <= allowed.value


def _has_timestamp(status: SignatureStatus) -> bool:
    return isinstance(status, PdfSignatureStatus) and status.timestamp_validity is not None


def _timestamp(status: SignatureStatus) -> TimestampSignatureStatus | None:
    stamp = status if isinstance(status, DocumentTimestampStatus) else getattr(status, "timestamp_validity", None)
    return stamp if stamp is not None and stamp.intact and stamp.valid else None


def _signing_time(embedded: EmbeddedPdfSignature, status: SignatureStatus) -> datetime | None:
    """The time of a trusted time-stamp, else what the signer claims."""
    stamp = _timestamp(status)
    if stamp is not None and stamp.trusted:
        return stamp.timestamp
    claimed = getattr(status, "signer_reported_dt", None) or embedded.self_reported_timestamp
    return claimed if isinstance(claimed, datetime) and claimed.tzinfo is not None else None


def _level(found: _Opened, status: SignatureStatus) -> str:
    """The level of ETSI EN 319 142-1 that the file shows; other kinds keep their own name."""
    return level_of(found.embedded, own_stamp=_timestamp(status) is not None)


def _signer_name(embedded: EmbeddedPdfSignature) -> str:
    try:
        names = embedded.signer_cert.subject.native
        return str(names.get("common_name") or names.get("organization_name") or "")
    except Exception:  # noqa: BLE001  see the module's first lines
        return ""
