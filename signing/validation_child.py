"""The service of ``signing.validation``: examines hostile files in a child, run by ``sandbox.child``.

A request's payload is the file, then the signed content if that is a separate file. ``size`` and ``content`` give their
lengths in bytes.
"""

from dataclasses import asdict
from datetime import datetime

from asn1crypto import crl, x509

from ged.ports import SignatureReport
from sandbox import Message, Service
from signing import no_network  # noqa: F401 - the first, because the others import pyHanko
from signing.examine import Question, examine
from signing.examine_cms import examine_cms
from signing.quiet import quiet_pyhanko
from signing.trust import Trust


def service(_settings: Message) -> Service:
    """Return the function that answers requests of ``signing.validation``."""
    quiet_pyhanko()
    return lambda question, files: ({"reports": [_as_json(report) for report in _answer(question, files)]}, b"")


def _answer(question: Message, files: bytes) -> tuple[SignatureReport, ...]:
    size = int(question["size"])
    data = files[:size]
    trust = Trust(
        tuple(x509.Certificate.load(bytes.fromhex(one)) for one in question["roots"]),
        crls=tuple(crl.CertificateList.load(bytes.fromhex(one)) for one in question["crls"]),
    )
    at = datetime.fromisoformat(question["at"])
    if question["kind"] == "cms":
        return examine_cms(data, files[size:] if "content" in question else None, trust, at)
    return examine(data, Question(at, trust, tuple(question["issued"])))


def _as_json(report: SignatureReport) -> dict[str, object]:
    fields = asdict(report)
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in fields.items()}
