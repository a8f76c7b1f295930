"""Validation of CMS files (RFC 5652): .p7m contains the signed file, .p7s lies beside it. Runs in the child process."""

import asyncio
import base64
import binascii
import re
from datetime import datetime

from asn1crypto import cms, core
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext

from ged.ports import SignatureReport, Verdict
from signing.house import trace_of
from signing.judging import Facts, Surroundings, facts_of, judge
from signing.trust import KEY_USAGE, Trust, name_of, revocation_in

# A PEM block without an end extends to the end of the file. Else each further ``BEGIN`` would scan the whole rest.
_PEM = re.compile(rb"-----BEGIN (?:PKCS7|CMS)-----(.*?)(-----END|\Z)", re.DOTALL)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_LEVEL_ATTRIBUTES = frozenset({"signing_certificate", "signing_certificate_v2"})


def examine_cms(data: bytes, content: bytes | None, trust: Trust, at: datetime) -> tuple[SignatureReport, ...]:
    """Return a report for each signer. A file that cannot be read gives one red report."""
    try:
        signed = signed_data_of(data)
        signers = [_alone(signed, number) for number in range(len(signed["signer_infos"]))]
        inside = signed["encap_content_info"]["content"]
        enclosed = None if isinstance(inside, core.Void) else bytes(inside)
    except Exception:  # noqa: BLE001  malformed files raise any exception
        return (_red("unreadable"),)
    if not signers:
        return (_red("unreadable"),)
    if enclosed is None and content is None:
        return tuple(_red("content_missing", str(number)) for number in range(1, len(signers) + 1))
    if enclosed is not None and content is not None and enclosed != content:
        return tuple(_red("broken", str(number)) for number in range(1, len(signers) + 1))
    plain = enclosed if enclosed is not None else content or b""
    return tuple(_report(one, plain, str(number), trust, at) for number, one in enumerate(signers, start=1))


def signed_data_of(data: bytes) -> cms.SignedData:
    """The signed data of a file in DER, BER, PEM or base64.

    Raises:
        ValueError: the file holds no signed data.
    """
    # In a DER file, a PEM block can only be a quotation in the signed text: another signature than the file's own.
    found = None if data[:1] == b"\x30" else _PEM.search(data)
    if found is not None:
        if not found[2]:
            raise ValueError("cut off")
        data = base64.b64decode(found[1])
    elif _BASE64.fullmatch(data):
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except binascii.Error as error:
            raise ValueError("no CMS") from error
    info = cms.ContentInfo.load(data)
    if info["content_type"].native != "signed_data":
        raise ValueError("no signed data")
    return info["content"]


def _alone(signed: cms.SignedData, number: int) -> cms.SignedData:
    """A copy with one signer only: pyHanko reads one signer."""
    copy = signed.copy()
    copy["signer_infos"] = cms.SignerInfos([signed["signer_infos"][number]])
    return copy


def _report(signed: cms.SignedData, plain: bytes, name: str, trust: Trust, at: datetime) -> SignatureReport:
    async def validate(signer: ValidationContext, stamp: ValidationContext) -> StandardCMSSignatureStatus:
        return await async_validate_detached_cms(plain, _detached(signed), signer, stamp, key_usage_settings=KEY_USAGE)

    try:
        crls, ocsps = revocation_in(signed)
        facts = asyncio.run(facts_of(validate, trust.with_more(crls=crls, ocsps=ocsps), at))
        verdict, reason = judge(facts, Surroundings(), at)
        certificate = facts.status.signing_cert
        return SignatureReport(
            name,
            verdict,
            reason,
            name_of(certificate),
            facts.stamp_time if facts.stamp_trusted else facts.claimed,
            _level(signed, facts),
            len(plain),
            timestamp=facts.stamp_time,
            timestamp_trusted=facts.stamp_trusted,
            issuer=str(certificate.issuer.native.get("common_name", "")),
            certificate=trace_of(certificate),
            proven_at=facts.moment if facts.moment < at else None,
        )
    except Exception:  # noqa: BLE001  malformed files raise any exception
        return _red("unreadable", name)


def _detached(signed: cms.SignedData) -> cms.SignedData:
    copy = signed.copy()
    inside = signed["encap_content_info"]
    copy["encap_content_info"] = type(inside)({"content_type": inside["content_type"].native})
    return copy


def _level(signed: cms.SignedData, facts: Facts) -> str:
    """``B-B`` or ``B-T`` of CAdES (ETSI EN 319 122-1) if the certificate is a signed attribute; else ``CMS``."""
    attributes = {one["type"].native for one in signed["signer_infos"][0]["signed_attrs"] or ()}
    if not attributes & _LEVEL_ATTRIBUTES:
        return "CMS"
    return "B-B" if facts.stamp_time is None else "B-T"


def _red(reason: str, name: str = "") -> SignatureReport:
    return SignatureReport(name, Verdict.RED, reason, signer="", signed_at=None, level="", covers_bytes=0)
