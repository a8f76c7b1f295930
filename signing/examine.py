"""Validation of the signatures of one PDF. Runs only in the child process of ``signing.validation``.

pyHanko raises AssertionError, KeyError, RecursionError and others on malformed files. Every exception is caught, for
each signature apart, and becomes a red report.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from io import BytesIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.pdf_embedded import (
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.status import DocumentTimestampStatus, PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from ged.ports import SignatureReport, Verdict
from signing.changes import SIGNATURES, Changes, changes_since
from signing.house import trace_of
from signing.judging import Facts, Surroundings, facts_of, judge
from signing.levels import level_of
from signing.readers import agree_after
from signing.revisions import BadByteRange, covered_end, is_issued
from signing.seen import Drawings, TooMuch
from signing.suspects import duplicates, hidden_signatures, suspects
from signing.tail import is_strict_after
from signing.trust import KEY_USAGE, Trust, name_of, revocation_in

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*\d+\s+\d+")
_CMS_VERSIONS = frozenset({"v1", "v3", "v4", "v5"})
_KINDS = frozenset({"/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/ETSI.RFC3161"})


@dataclass(frozen=True)
class Question:
    """The parent's request: certificates are checked as of ``at`` under ``trust``; ``issued``: digests of our files."""

    at: datetime
    trust: Trust
    issued: tuple[str, ...] = ()


def examine(pdf: bytes, question: Question) -> tuple[SignatureReport, ...]:
    """Return a report for each signature. A file that cannot be read gives one red report."""
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=False)
        fields = [(str(name), field) for name, _, field in enumerate_sig_fields(reader, filled_status=True)]
    except Exception:  # noqa: BLE001  see the module's first lines
        return (unreadable(),)
    if not fields and _BYTE_RANGE.search(pdf):
        # A later revision can hide the form. The file was signed, but no field shows it any more.
        return (unreadable(reason="signature_hidden"),)
    return _File(pdf, reader, question).reports(fields)


def unreadable(field: str = "", reason: str = "unreadable") -> SignatureReport:
    """The red report of a signature or file that cannot be examined."""
    return SignatureReport(field, Verdict.RED, reason, signer="", signed_at=None, level="", covers_bytes=0)


@dataclass(frozen=True)
class _Opened:
    """A signature whose byte range and certificates could be read."""

    name: str
    embedded: EmbeddedPdfSignature
    gap: int
    end: int

    @property
    def is_timestamp(self) -> bool:
        return str(self.embedded.sig_object_type) == "/DocTimeStamp"


class _File:
    """The file under examination. What its signatures share is computed once."""

    def __init__(self, pdf: bytes, reader: PdfFileReader, question: Question) -> None:
        self._pdf, self._reader, self._question = pdf, reader, question
        self._opened: list[_Opened | SignatureReport] = []
        self._drawings = Drawings(pdf)

    def reports(self, fields: Sequence[tuple[str, generic.DictionaryObject]]) -> tuple[SignatureReport, ...]:
        opened = [self._open(name, field) for name, field in fields]
        self._opened = sorted(opened, key=lambda one: one.end if isinstance(one, _Opened) else len(self._pdf))
        proven = self._proven_times()
        found = [one if isinstance(one, SignatureReport) else self._report(one, proven) for one in self._opened]
        if hidden_signatures(self._pdf, [one.gap for one in self._readable]) and not self._has_unreadable:
            found.append(unreadable(reason="signature_hidden"))
        return tuple(found)

    @property
    def _readable(self) -> list[_Opened]:
        return [one for one in self._opened if isinstance(one, _Opened)]

    @property
    def _has_unreadable(self) -> bool:
        return len(self._readable) < len(self._opened)

    def _open(self, name: str, field: generic.DictionaryObject) -> _Opened | SignatureReport:
        try:
            embedded = EmbeddedPdfSignature(self._reader, field, name)
            places = list(embedded.byte_range)
            return _Opened(name, embedded, places[1], covered_end(self._pdf, places, embedded.pkcs7_content))
        except BadByteRange:
            return unreadable(name, "byte_range")
        except Exception:  # noqa: BLE001  see the module's first lines
            return unreadable(name)

    @cached_property
    def _trust(self) -> Trust:
        """The parent's trust, with the validation data that the file carries (ISO 32000-2, 12.8.4.3)."""
        trust = self._question.trust
        for found in self._readable:
            crls, ocsps = revocation_in(found.embedded.signed_data)
            trust = trust.with_more(found.embedded.other_embedded_certs, crls, ocsps)
        try:
            context = DocumentSecurityStore.read_dss(self._reader).as_validation_context({"trust_roots": []})
        except Exception:  # noqa: BLE001  the file carries no validation data, or unreadable data
            return trust
        return trust.with_more(
            context.certificate_registry, context.revinfo_manager.crls, context.revinfo_manager.ocsps
        )

    def _proven_times(self) -> list[tuple[int, datetime]]:
        """(end of the stamped bytes, time) of each document time-stamp by an authority that we trust."""
        proven: list[tuple[int, datetime]] = []
        stamps = [one for one in self._readable if one.is_timestamp]
        for stamp in sorted(stamps, key=lambda one: one.end, reverse=True):
            time = self._time_of(stamp, proven)
            if time is not None:
                proven.append((stamp.end, time))
        return proven

    def _time_of(self, stamp: _Opened, proven: Sequence[tuple[int, datetime]]) -> datetime | None:
        try:
            facts = _as_stamp(self._facts(stamp, proven))
        except Exception:  # noqa: BLE001  see the module's first lines; the time-stamp's own report says it
            return None
        return facts.stamp_time if facts.stamp_trusted else None

    def _facts(self, found: _Opened, proven: Sequence[tuple[int, datetime]]) -> Facts:
        later = [time for end, time in proven if end > found.end]

        async def validate(
            signer: ValidationContext, stamp: ValidationContext
        ) -> PdfSignatureStatus | DocumentTimestampStatus:
            if found.is_timestamp:
                return await async_validate_pdf_timestamp(found.embedded, signer, skip_diff=True)
            return await async_validate_pdf_signature(
                found.embedded, signer, stamp, key_usage_settings=KEY_USAGE, skip_diff=True
            )

        return asyncio.run(facts_of(validate, self._trust, self._question.at, min(later, default=None)))

    def _report(self, found: _Opened, proven: Sequence[tuple[int, datetime]]) -> SignatureReport:
        if str(found.embedded.sig_object.get("/SubFilter", "")) not in _KINDS:
            return replace(unreadable(found.name, "unsupported"), covers_bytes=found.end)
        try:
            facts = self._facts(found, proven)
            if found.is_timestamp:
                facts = _as_stamp(facts)
            around = self._around(found)
            verdict, reason = judge(facts, around, self._question.at)
            later = min((time for end, time in proven if end > found.end), default=None)
            stamped_at = facts.stamp_time or later
            return SignatureReport(
                found.name,
                verdict,
                reason,
                name_of(found.embedded.signer_cert),
                facts.stamp_time if facts.stamp_trusted else facts.claimed,
                level_of(found.embedded, own_stamp=facts.stamp_time is not None),
                found.end,
                timestamp=stamped_at,
                timestamp_trusted=facts.stamp_trusted or (facts.stamp_time is None and later is not None),
                changes=around.changes,
                is_timestamp=found.is_timestamp,
                issuer=str(found.embedded.signer_cert.issuer.native.get("common_name", "")),
                certificate="" if found.is_timestamp else trace_of(found.embedded.signer_cert),
                proven_at=facts.moment if facts.moment < self._question.at else None,
            )
        except TooMuch:
            return unreadable(found.name, "timeout")
        except Exception:  # noqa: BLE001  see the module's first lines
            return unreadable(found.name)

    def _around(self, found: _Opened) -> Surroundings:
        covers_all = found.end == len(self._pdf)
        ends = [one.end for one in self._readable]
        issued = is_issued(self._pdf, found.end, ends, self._question.issued)
        changes: tuple[str, ...] = ()
        if not (covers_all or issued):
            changes = self._changes(found)
        docmdp = found.embedded.docmdp_level
        return Surroundings(
            covers_all=covers_all,
            issued=issued,
            changes=changes,
            docmdp_allows=docmdp is not MDPPerm.NO_CHANGES or not SIGNATURES & {*changes},
            suspects=() if issued or found.is_timestamp else self._suspects,
            is_duplicate=found.name in self._duplicates or ends.count(found.end) > 1,
            is_well_formed=_is_well_formed(found.embedded),
        )

    def _changes(self, found: _Opened) -> tuple[str, ...]:
        """The codes of our comparison. A code is added where a second reader reads or draws the file otherwise, or
        where the signer allowed less.

        Raises:
            TooMuch: the pages cannot be drawn within the time limit of a check.
        """
        try:
            changes = changes_since(self._pdf, found.end)
            if changes.harmless and not self._is_read_alike(found.end):
                return (*changes.codes, "structure")
            if changes.harmless and not self._drawings.same_since(found.end, changes.places):
                return (*changes.codes, "page_content")
        except TooMuch:
            raise
        except Exception:  # noqa: BLE001  a revision that cannot be read without repair
            return ("structure",)
        return (*changes.codes, "form_values") if _is_locked(found.embedded, changes) else changes.codes

    def _is_read_alike(self, end: int) -> bool:
        is_strict = is_strict_after(self._pdf, self._reader, end)
        return is_strict and agree_after(self._pdf, self._reader, end)

    @cached_property
    def _suspects(self) -> tuple[str, ...]:
        try:
            return suspects(self._pdf)
        except Exception:  # noqa: BLE001  QPDF cannot read it without repair: other readers may read it otherwise
            return ("two_readings",)

    @cached_property
    def _duplicates(self) -> frozenset[str]:
        try:
            return duplicates(self._pdf)
        except Exception:  # noqa: BLE001  already reported as ``two_readings``
            return frozenset()


def _as_stamp(facts: Facts) -> Facts:
    """Treat a document time-stamp as its own time-stamp. It claims no time beyond that."""
    status = facts.status
    if not isinstance(status, DocumentTimestampStatus):
        return facts
    return replace(facts, stamp=status, stamp_revoked=facts.problem == "revoked")


def _is_well_formed(embedded: EmbeddedPdfSignature) -> bool:
    """RFC 5652, 5.1: a known version, and the list names the signer's digest algorithm. pyHanko checks neither."""
    if embedded.signed_data["version"].native not in _CMS_VERSIONS:
        return False
    listed = embedded.signed_data["digest_algorithms"].native
    used = embedded.signer_info["digest_algorithm"].native
    return [one["algorithm"] for one in listed] == [used["algorithm"]]


def _is_locked(embedded: EmbeddedPdfSignature, changes: Changes) -> bool:
    """Whether the signature locked a field that was signed since (ISO 32000-2, 12.8.2.4). A certification also counts
    as a lock if a new field shows something."""
    locks = embedded.fieldmdp
    if locks is not None and any(locks.is_locked(name) for name in changes.signed):
        return True
    return changes.is_seen and embedded.docmdp_level is not None
