"""Implements the port ``SignatureChecker`` with child processes: a hostile file may crash a child without harm."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ged.errors import ConfigError, EngineFailed
from ged.ports import Digest, SignatureReport, Verdict
from sandbox import Isolation, Late, Limits, Message, Pool, SandboxError
from signing.house import HouseCertificates, without_traces

_USES = 500
_AT_ONCE = 2
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_KEPT = 2000
_LATE, _UNREADABLE = "timeout", "unreadable"
_KNOWN_FOR, _LATE_FOR = timedelta(minutes=10), timedelta(days=1)

Reports = tuple[SignatureReport, ...]


class PdfChecker:
    """Checks signatures in child processes with limits of time and memory.

    The first check starts a process (0.8 s), which is kept: the next checks take milliseconds. Two checks run at a
    time. Reports are cached for ten minutes. A file that ran into the timeout is reported so for a day without a new
    check, so that it does not delay other files again. ``close`` or the end of this object ends the processes.

    Args:
        trust_roots_pem: certificates of the authorities that we trust; without any, nothing is green.
        timeout_s: for one file; a file that takes longer is red (``timeout``).
        memory_mib: address space of a process.
        max_bytes: larger files are red (``too_large``).
        crls: returns further revocation lists (DER) besides those in the files; called at each check.
        isolation: of the processes; by default the best that this machine allows.
        house: knows the certificates of our own authority; without it, only certificate chains count.

    Raises:
        ConfigError: ``trust.root_unreadable``.
    """

    def __init__(
        self,
        trust_roots_pem: Sequence[str],
        *,
        timeout_s: float = 20,
        memory_mib: int = 1536,
        max_bytes: int = 256 * 1024 * 1024,
        crls: Callable[[], Sequence[bytes]] = tuple,
        isolation: Isolation | None = None,
        house: HouseCertificates | None = None,
    ) -> None:
        self._roots = [root for pem in trust_roots_pem for root in _as_hex(pem)]
        self._crls = crls
        self._house = house
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._known = _Verdicts(_KNOWN_FOR)
        self._late = _Verdicts(_LATE_FOR)
        self._pool = Pool(
            "signing.validation_child:service",
            {},
            packages=("ged", "signing"),
            # The child's report comes by its pipe: it writes no file.
            limits=Limits(memory_mib * 1024 * 1024, file_bytes=0),
            isolation=isolation,
            uses=_USES,
            size=_AT_ONCE,
            max_answer_bytes=_MAX_ANSWER_BYTES,
        )

    def check(self, pdf: bytes, *, at: datetime, issued: Sequence[Digest] = ()) -> Reports:
        """Return a report for each signature, none for an unsigned file (see the port).

        Raises:
            EngineFailed: ``check.unavailable``: the process cannot be started at all, or all processes were busy for
                too long; never because of the file.
        """
        return self._checked({"kind": "pdf", "size": len(pdf), "issued": list(issued)}, pdf, at)

    def check_cms(self, cms: bytes, *, at: datetime, content: bytes | None = None) -> Reports:
        """Return a report for each signer of a CMS file (see the port).

        Raises:
            EngineFailed: ``check.unavailable``, as ``check``.
        """
        question: Message = {"kind": "cms", "size": len(cms)}
        if content is not None:
            question["content"] = len(content)
        return self._checked(question, cms + (content or b""), at)

    def close(self) -> None:
        """End the processes; a later check starts others."""
        self._pool.close()

    def _checked(self, question: Message, data: bytes, at: datetime) -> Reports:
        if len(data) > self._max_bytes:
            return (_red("too_large"),)
        lists = self._crls()
        question["roots"] = self._roots
        file, whole = hashlib.sha256(data).hexdigest(), _key(question, data, lists)
        # After the key was made, which takes of a list its entries alone.
        question["crls"] = [one.hex() for one in lists]
        known = self._late.find(file, at) or self._known.find(whole, at)
        if known is None:
            known = self._asked(question | {"at": at.isoformat()}, data)
            late = any(report.reason == _LATE for report in known)
            # Not kept: the child may have died of another file.
            if not any(report.reason == _UNREADABLE for report in known):
                (self._late if late else self._known).keep(file if late else whole, at, known)
        if self._house is None:
            return tuple(map(without_traces, known))
        return tuple(self._house.judged(one, at) for one in known)

    def _asked(self, question: Message, data: bytes) -> Reports:
        """Return a child's reports. If a child dies, a second is tried: another file may have caused the crash."""
        for _ in range(2):
            found = self._asked_once(question, data)
            if found is not None:
                return found
        return (_red(_UNREADABLE),)

    def _asked_once(self, question: Message, data: bytes) -> Reports | None:
        try:
            with self._pool.child(wait_s=self._timeout_s) as child:
                try:
                    return _reports(child.ask(question, payload=data, timeout_s=self._timeout_s).message)
                except Late:
                    return (_red(_LATE),)
                except (SandboxError, ValueError, KeyError, TypeError):
                    return None
        except SandboxError as failure:
            raise _unavailable() from failure


class _Verdicts:
    """A cache of reports. Entries expire, because certificates do."""

    def __init__(self, holds_for: timedelta) -> None:
        self._holds_for = holds_for
        self._found: OrderedDict[str, tuple[datetime, Reports]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str, at: datetime) -> Reports | None:
        """The reports found at that time or shortly before; None when there are none."""
        with self._lock:
            found_at, reports = self._found.get(key, (at, None))
        return reports if found_at <= at < found_at + self._holds_for else None

    def keep(self, key: str, at: datetime, reports: Reports) -> None:
        """Store the reports, and evict the oldest."""
        with self._lock:
            self._found[key] = at, reports
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)


def _key(question: Message, data: bytes, lists: Sequence[bytes]) -> str:
    """The cache key: all that a verdict depends on but the time. CRLs count by entries, for ours is often re-signed."""
    said = [*sorted(question.items()), *map(_said, lists)]
    asked = hashlib.sha256(repr(said).encode())
    asked.update(hashlib.sha256(data).digest())
    return asked.hexdigest()


def _said(crl: bytes) -> tuple[bytes, tuple[str, ...]]:
    found = x509.load_der_x509_crl(crl)
    return found.issuer.public_bytes(), tuple(f"{one.serial_number} {one.revocation_date_utc}" for one in found)


def load_crl(data: bytes) -> bytes:
    """A list of revoked certificates as DER, given in DER or PEM.

    Raises:
        ConfigError: ``trust.crl_unreadable``.
    """
    try:
        found = x509.load_pem_x509_crl(data) if data.startswith(b"-----") else x509.load_der_x509_crl(data)
    except ValueError as error:
        raise ConfigError("trust.crl_unreadable", "Give a CRL in DER or PEM form.", setting="crl") from error
    return found.public_bytes(Encoding.DER)


def _as_hex(pem: str) -> list[str]:
    """The certificates of one PEM text (it may be a bundle), as hexadecimal DER."""
    try:
        bundle = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise ConfigError("trust.root_unreadable", "Give certificates in PEM form.", setting="trust_roots") from error
    return [root.public_bytes(Encoding.DER).hex() for root in bundle]


def _reports(answer: Message) -> Reports:
    reports = answer["reports"]
    if not isinstance(reports, list):
        raise TypeError("reports")
    return tuple(_report(item) for item in reports)


def _report(item: dict[str, object]) -> SignatureReport:
    changes = item["changes"]
    return SignatureReport(
        field=str(item["field"]),
        verdict=Verdict(str(item["verdict"])),
        reason=str(item["reason"]),
        signer=str(item["signer"]),
        signed_at=_time(item["signed_at"]),
        level=str(item["level"]),
        covers_bytes=int(str(item["covers_bytes"])),
        timestamp=_time(item["timestamp"]),
        timestamp_trusted=bool(item["timestamp_trusted"]),
        changes=tuple(map(str, changes)) if isinstance(changes, list) else (),
        is_timestamp=bool(item["is_timestamp"]),
        issuer=str(item["issuer"]),
        certificate=str(item["certificate"]),
        proven_at=_time(item["proven_at"]),
    )


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _unavailable() -> EngineFailed:
    return EngineFailed("check.unavailable", "Try again; the log of the server says more if it stays so.")


def _red(reason: str) -> SignatureReport:
    return SignatureReport("", Verdict.RED, reason, signer="", signed_at=None, level="", covers_bytes=0)
