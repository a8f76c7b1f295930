"""The process in which hostile files are examined: ``python -m signing.validation_child MEMORY_MIB``.

It says that it is ready, then answers questions on its standard input until that closes. A question's frame is
followed by as many bytes of the file as its ``size`` says, then by those of the signed file where it stands apart.
"""

import resource
import sys
from dataclasses import asdict
from datetime import datetime

from asn1crypto import crl, x509

from ged.ports import SignatureReport
from signing.examine import Question, examine
from signing.examine_cms import examine_cms
from signing.frames import receive, send
from signing.pades import quiet_pyhanko
from signing.trust import Trust


def main() -> None:
    """Serve questions under a limit of memory, without the right to write files."""
    memory = int(sys.argv[1]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet_pyhanko()
    send(sys.stdout.buffer, {"ready": True})
    while (question := receive(sys.stdin.buffer)) is not None:
        send(sys.stdout.buffer, {"reports": [_as_json(report) for report in _answer(question)]})


def _answer(question: dict[str, object]) -> tuple[SignatureReport, ...]:
    data = sys.stdin.buffer.read(_number(question, "size"))
    content = sys.stdin.buffer.read(_number(question, "content")) if "content" in question else None
    trust = Trust(
        tuple(map(x509.Certificate.load, _octets(question["roots"]))),
        crls=tuple(map(crl.CertificateList.load, _octets(question["crls"]))),
    )
    at = datetime.fromisoformat(str(question["at"]))
    if question["kind"] == "cms":
        return examine_cms(data, content, trust, at)
    issued = question["issued"]
    return examine(data, Question(at, trust, tuple(issued) if isinstance(issued, list) else ()))


def _number(question: dict[str, object], name: str) -> int:
    return int(str(question[name]))


def _octets(listed: object) -> list[bytes]:
    if not isinstance(listed, list):
        raise TypeError("question")
    return [bytes.fromhex(one) for one in listed]


def _as_json(report: SignatureReport) -> dict[str, object]:
    told = asdict(report)
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in told.items()}


if __name__ == "__main__":
    main()
