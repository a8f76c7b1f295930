"""The process in which hostile files are examined: ``python -m signing.validation_child MEMORY_MIB``.

It says that it is ready, then answers questions on its standard input until that closes. A question's frame is
followed by as many bytes of the file as its ``size`` says.
"""

import resource
import sys
from datetime import datetime

from asn1crypto import x509

from ged.ports import SignatureReport
from signing.examine import Question, examine
from signing.frames import receive, send
from signing.pades import quiet_pyhanko


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
    pdf = sys.stdin.buffer.read(int(str(question["size"])))
    roots, issued = question["roots"], question["issued"]
    if not isinstance(roots, list) or not isinstance(issued, list):
        raise TypeError("question")
    trusted = tuple(x509.Certificate.load(bytes.fromhex(root)) for root in roots)
    return examine(pdf, Question(datetime.fromisoformat(str(question["at"])), trusted, tuple(issued)))


def _as_json(report: SignatureReport) -> dict[str, object]:
    return {
        "field": report.field,
        "verdict": report.verdict.value,
        "reason": report.reason,
        "signer": report.signer,
        "signed_at": report.signed_at.isoformat() if report.signed_at else None,
        "level": report.level,
        "covers_bytes": report.covers_bytes,
    }


if __name__ == "__main__":
    main()
