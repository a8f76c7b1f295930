"""The plug of ``SignatureChecker``: asks a child process that may die of a hostile file without harm."""

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ged.errors import ConfigError, EngineFailed
from ged.ports import Digest, SignatureReport, Verdict
from signing.frames import receive, send
from signing.house import HouseCertificates

_CHECKS_PER_CHILD = 500
_START_TIMEOUT_S = 60


class PdfChecker:
    """Checks PDF signatures in a process of its own with a limit of time and memory.

    The process is started by the first check (0.8 s) and kept, so that the next ones take milliseconds. One check
    runs at a time. ``close`` or the end of this object ends it.

    Args:
        trust_roots_pem: certificates of the authorities that we trust; without any, nothing is green.
        timeout_s: for one file; what takes longer is red (``timeout``).
        memory_mib: address space of the process.
        max_bytes: larger files are red (``too_large``).
        crls: lists of revoked certificates (DER) that are known beside those in the files; asked at each check.
        house: knows the certificates of our own authority; without, only chains count.

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
        house: HouseCertificates | None = None,
    ) -> None:
        self._roots = [root for pem in trust_roots_pem for root in _as_hex(pem)]
        self._crls = crls
        self._house = house
        self._timeout_s = timeout_s
        self._memory_mib = memory_mib
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[[subprocess.Popen[bytes], int], PdfChecker] | None = None
        self._owner_pid = 0
        self._checks = 0

    def check(self, pdf: bytes, *, at: datetime, issued: Sequence[Digest] = ()) -> tuple[SignatureReport, ...]:
        """A report per signature, none for a file without (see the port).

        Raises:
            EngineFailed: ``check.unavailable``: the process cannot be started at all; never because of the file.
        """
        return self._checked({"kind": "pdf", "size": len(pdf), "issued": list(issued)}, pdf, at)

    def check_cms(self, cms: bytes, *, at: datetime, content: bytes | None = None) -> tuple[SignatureReport, ...]:
        """A report per signer of a CMS file (see the port).

        Raises:
            EngineFailed: ``check.unavailable``, as above.
        """
        question: dict[str, object] = {"kind": "cms", "size": len(cms)}
        if content is not None:
            question["content"] = len(content)
        return self._checked(question, cms + (content or b""), at)

    def _checked(self, question: dict[str, object], data: bytes, at: datetime) -> tuple[SignatureReport, ...]:
        if len(data) > self._max_bytes:
            return (_red("too_large"),)
        known = {"at": at.isoformat(), "roots": self._roots, "crls": [one.hex() for one in self._crls()]}
        with self._lock:
            reports = self._ask(question | known, data)
        if self._house is None:
            return tuple(replace(one, certificate="") for one in reports)
        return tuple(map(self._house.judged, reports))

    def close(self) -> None:
        """End the process; a later check starts another."""
        with self._lock:
            self._drop_child()

    def _ask(self, question: object, pdf: bytes) -> tuple[SignatureReport, ...]:
        child = self._ready_child()
        if child.stdin is None or child.stdout is None:
            raise _unavailable()
        # Killing the process ends a blocked write and a blocked read alike.
        timed_out = threading.Event()
        timer = threading.Timer(self._timeout_s, _give_up, (child, timed_out))
        timer.start()
        try:
            send(child.stdin, question)
            child.stdin.write(pdf)
            child.stdin.flush()
            return _reports(receive(child.stdout))
        except (OSError, ValueError, KeyError, TypeError):
            self._drop_child()
            return (_red("timeout" if timed_out.is_set() else "unreadable"),)
        finally:
            timer.cancel()

    def _ready_child(self) -> subprocess.Popen[bytes]:
        self._checks += 1
        # After a fork the process belongs to the parent; two askers would mix their frames.
        foreign = self._owner_pid != os.getpid()
        if self._child is not None and (self._child.poll() is not None or self._checks > _CHECKS_PER_CHILD or foreign):
            self._drop_child()
        if self._child is None:
            self._child = self._start_child()
            self._owner_pid, self._checks = os.getpid(), 0
            self._finalizer = weakref.finalize(self, _stop, self._child, self._owner_pid)
        return self._child

    def _start_child(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "signing.validation_child", str(self._memory_mib)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # No setting and no secret of ours reaches the process that reads hostile files.
            env={"PYTHONPATH": str(Path(__file__).parents[1]), "LC_ALL": "C.UTF-8"},
        )
        timer = threading.Timer(_START_TIMEOUT_S, child.kill)
        timer.start()
        try:
            ready = child.stdout is not None and receive(child.stdout) is not None
        finally:
            timer.cancel()
        if not ready:
            _stop(child, os.getpid())
            raise _unavailable()
        return child

    def _drop_child(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._child = self._finalizer = None


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


def _reports(answer: dict[str, object] | None) -> tuple[SignatureReport, ...]:
    if answer is None:
        raise ValueError("no answer")
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
    )


def _time(told: object) -> datetime | None:
    return datetime.fromisoformat(str(told)) if told else None


def _give_up(child: subprocess.Popen[bytes], timed_out: threading.Event) -> None:
    timed_out.set()
    child.kill()


def _stop(child: subprocess.Popen[bytes], owner_pid: int) -> None:
    if os.getpid() == owner_pid:  # a fork must not kill the process of its parent
        child.kill()
        child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue  # bytes that a dead process will never read


def _unavailable() -> EngineFailed:
    return EngineFailed("check.unavailable", "Run `python -m signing.validation_child 1536` to see why.")


def _red(reason: str) -> SignatureReport:
    return SignatureReport("", Verdict.RED, reason, signer="", signed_at=None, level="", covers_bytes=0)
