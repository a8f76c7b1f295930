"""Checking signatures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ged.ports.names import Digest


class Verdict(StrEnum):
    """How a signature is shown. ``NONE``: the file carries no signature."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NONE = "none"


@dataclass(frozen=True)
class SignatureReport:
    """The result of checking one signature. ``reason``: a stable code (``ok``, ``countersigned``, ``modified_after`` …).

    Attributes:
        signed_at: from a time-stamp that we trust, else claimed by the signer.
        level: of ETSI EN 319 142-1 (``B-B`` .. ``B-LTA``), else the kind of the signature.
        covers_bytes: length of the signed revision, from the file's first byte; 0 when unknown.
        timestamp: time of the signature's time-stamp, trusted or not. If it has none, or an altered one: the time of
            the first trusted time-stamp of the whole document after it.
        timestamp_trusted: whether we trust the time-stamp's authority.
        changes: codes of the changes after the signature (``signing.changes``); empty for none.
        is_timestamp: a time-stamp of the whole document, no signature of a person.
        issuer: the authority that issued the signer's certificate.
        certificate: identifies the certificate during a check; empty in a checker's result.
        proven_at: the earlier time, proven by a time-stamp, used for the check; None in a checker's result.
    """

    field: str
    verdict: Verdict
    reason: str
    signer: str
    signed_at: datetime | None
    level: str
    covers_bytes: int
    timestamp: datetime | None = None
    timestamp_trusted: bool = False
    changes: tuple[str, ...] = ()
    is_timestamp: bool = False
    issuer: str = ""
    certificate: str = ""
    proven_at: datetime | None = None


class SignatureChecker(Protocol):
    """Checks signatures. Never raises on a hostile file."""

    def check(self, pdf: bytes, *, at: datetime, issued: Sequence[Digest] = ()) -> tuple[SignatureReport, ...]:
        """Return a report for each signature.

        Args:
            at: the time as of which certificates are checked.
            issued: digests of the revisions that we stored, in order. An earlier signature is green
                (``countersigned``) when its revision and all later revisions are stored ones.

        Raises:
            EngineFailed: ``check.unavailable``: the check cannot be started at all; never because of the file.
        """
        ...

    def check_cms(self, cms: bytes, *, at: datetime, content: bytes | None = None) -> tuple[SignatureReport, ...]:
        """Return a report for each signer of a CMS file (.p7m, .p7s; DER, PEM or base64).

        Args:
            at: the time as of which certificates are checked.
            content: the signed file, when it is not inside the CMS file.

        Raises:
            EngineFailed: ``check.unavailable``, as ``check``.
        """
        ...
