"""Certificates that name our own authority as issuer: checked against our table of issued and revoked certificates.

A thief of the authority's key can issue certificates that chain to our root. These are not in the table, and so they
are red. The table also knows the certificates revoked since the authority last signed its list.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from asn1crypto import pem, x509

from ged.ports import RevokedCertificate, SignatureReport, Verdict

_OWN = ("issuing.pem", "root.pem")


def trace_of(certificate: x509.Certificate) -> str:
    """Issuer (digest of its name, normalised as RFC 5280, 7.1), serial number and SHA-256 of a certificate."""
    issuer = hashlib.sha256(certificate.issuer.hashable.encode()).hexdigest()
    return f"{issuer}:{certificate.serial_number:x}:{hashlib.sha256(certificate.dump()).hexdigest()}"


def without_traces(report: SignatureReport) -> SignatureReport:
    """The report without the fields that only this module uses."""
    return replace(report, certificate="", proven_at=None)


class HouseCertificates:
    """Distinguishes certificates that our authority issued from certificates that only bear its name.

    Args:
        authority_dir: folder of the authority. It is read on each call, for the authority may be created later.
        known: called with a serial number and SHA-256. Returns False when we never issued the certificate, None when it
            is good, else its revocation.
    """

    def __init__(self, authority_dir: Path, known: Callable[[str, str], RevokedCertificate | bool | None]) -> None:
        self._dir = authority_dir
        self._known = known

    def judged(self, report: SignatureReport, at: datetime) -> SignatureReport:
        """Return the report. It turns red when the signer's certificate names our authority, and we did not issue it,
        or revoked it before ``at`` and before the earlier time that a time-stamp proves.
        """
        issuer, _, rest = report.certificate.partition(":")
        serial, _, digest = rest.partition(":")
        shown = without_traces(report)
        if report.verdict is Verdict.RED or not digest or issuer not in self._names():
            return shown
        found = self._known(serial, digest)
        if found is False:
            return replace(shown, verdict=Verdict.RED, reason="not_issued")
        if isinstance(found, RevokedCertificate) and found.revoked_at <= min(at, report.proven_at or at):
            return replace(shown, verdict=Verdict.RED, reason="revoked")
        return shown

    def _names(self) -> set[str]:
        places = [self._dir / name for name in _OWN]
        return {_name(place.read_bytes()) for place in places if place.exists()}


def _name(content: bytes) -> str:
    subject = x509.Certificate.load(pem.unarmor(content)[2]).subject
    return hashlib.sha256(subject.hashable.encode()).hexdigest()
