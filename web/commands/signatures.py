"""``ged signatures``: checks the signatures of files, on any machine, without an installation."""

import base64
import json
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from ged.ports import SignatureChecker, SignatureReport
from web.wiring.services import build_checker
from web.words.verdicts import reason_words

_PDF_HEAD = 1024
_DETACHED = (".p7s", ".sig", ".p7m")
_SEVERITY = ("green", "amber", "red")


class _Moment(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value}: give an ISO 8601 time such as 2026-03-03T10:12:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command("signatures")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--trust",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificates (PEM) of authorities to trust; may be repeated. Without any, nothing is green.",
)
@click.option(
    "--crl",
    "crls",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A list of revoked certificates (DER or PEM); may be repeated.",
)
@click.option("--at", type=_Moment(), default=None, help="Check certificates at this time (ISO 8601).  [default: now]")
@click.option("--content", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File signed by a .p7s.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per file.")
def signatures(
    files: tuple[Path, ...],
    trust: tuple[Path, ...],
    crls: tuple[Path, ...],
    at: datetime | None,
    content: Path | None,
    as_json: bool,
) -> None:
    """Show for each FILE (PDF, .p7m, .p7s) whether its signatures are valid: green, amber, red, or none.

    A detached signature letter.pdf.p7s is checked with letter.pdf beside it. Exit 1: a file could not be read.
    """
    logging.getLogger().setLevel(logging.WARNING)

    checker = build_checker([_pem(path.read_bytes()) for path in trust], [path.read_bytes() for path in crls])
    failed = False
    try:
        for path in files:
            found = _examine(checker, path, at or datetime.now(UTC), content)
            failed |= bool(found.error)
            sys.stdout.buffer.write(
                (found.as_json() if as_json else found.as_words()).encode("utf-8", "replace") + b"\n"
            )
            sys.stdout.buffer.flush()
    finally:
        checker.close()
    sys.exit(1 if failed else 0)


@dataclass(frozen=True)
class _Examined:
    """One file and its reports."""

    path: Path
    reports: "tuple[SignatureReport, ...]" = ()
    error: str = ""

    @property
    def verdict(self) -> str:
        """The worst verdict of its signatures. A document time-stamp counts only if it is altered, or alone."""
        if self.error:
            return "red"
        people = [one.verdict.value for one in self.reports if not one.is_timestamp or one.verdict.value == "red"]
        verdicts = people or [one.verdict.value for one in self.reports]
        return max(verdicts, key=_SEVERITY.index, default="none")

    def as_json(self) -> str:
        fields: dict[str, object] = {"file": str(self.path), "verdict": self.verdict}
        if self.error:
            fields["error"] = self.error
        return json.dumps(fields | {"signatures": [_signature(one) for one in self.reports]}, ensure_ascii=False)

    def as_words(self) -> str:

        lines = [f"{self.path}: {self.verdict.upper()}" + (f" ({self.error})" if self.error else "")]
        for one in self.reports:
            when = f", {one.signed_at.isoformat()}" if one.signed_at else ""
            who = one.signer or one.field or "?"
            lines.append(f"  {one.verdict.value}: {who}{when} {one.level}. {reason_words(one.reason)}")
        return "\n".join(lines)


def _examine(checker: "SignatureChecker", path: Path, at: datetime, content: Path | None) -> _Examined:
    try:
        data = path.read_bytes()
    except OSError as error:
        return _Examined(path, error=f"cannot be read: {error.strerror}")
    if b"%PDF-" in data[:_PDF_HEAD]:
        return _Examined(path, checker.check(data, at=at))
    if path.suffix.lower() in _DETACHED or _is_der(data) or data.startswith((b"-----BEGIN PKCS7", b"-----BEGIN CMS")):
        return _Examined(path, checker.check_cms(data, at=at, content=_content(path, content)))
    if path.suffix.lower() == ".pdf":
        return _Examined(path, checker.check(data, at=at))
    return _Examined(path)


def _pem(data: bytes) -> str:
    if data[:1] == b"\x30":
        return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(data).decode()}-----END CERTIFICATE-----\n"
    return data.decode("utf-8", "replace")


def _is_der(data: bytes) -> bool:
    return data[:1] == b"\x30" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in data[:32]


def _content(path: Path, given: Path | None) -> bytes | None:
    """The file that a detached signature signs: the given file, or the file beside it without the last suffix."""
    beside = given or (path.with_suffix("") if path.suffix.lower() in _DETACHED[:2] else None)
    if beside is None or not beside.is_file() or beside == path:
        return None
    return beside.read_bytes()


def _signature(report: "SignatureReport") -> dict[str, object]:
    return {
        "verdict": report.verdict.value,
        "reason": report.reason,
        "signer": report.signer,
        "issuer": report.issuer,
        "level": report.level,
        "signed_at": _iso(report.signed_at),
        "timestamp": _iso(report.timestamp),
        "timestamp_trusted": report.timestamp_trusted,
        "changes": list(report.changes),
        "field": report.field,
        "signed_bytes": report.covers_bytes,
        "kind": "timestamp" if report.is_timestamp else "signature",
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
