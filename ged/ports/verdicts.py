"""Signatures checked."""

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
    """What is known of one signature, in stable English codes (``ok``, ``countersigned``, ``modified_after`` …).

    Attributes:
        signed_at: by a time-stamp that we trust, else what the signer claims.
        level: of ETSI EN 319 142-1 (``B-B`` .. ``B-LTA``), else the kind of signature that it is.
        covers_bytes: the signed revision is the file's first bytes, this many; 0 when it is not known.
        timestamp: time of the signature's time-stamp, whoever gave it; where it has none, or an altered one, that of the
            first trusted time-stamp of the whole document after it.
        timestamp_trusted: whether its authority is one that we trust.
        changes: what came after the signature (``signing.changes``); empty for nothing.
        is_timestamp: a time-stamp of the whole document, no signature of a person.
        issuer: the authority that names the signer.
        certificate: which one it is, while it is judged; empty in what a checker returns.
        proven_at: the earlier time, proven by a time-stamp, for which it was judged; None in what a checker returns.
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
    """Checks signatures without being fooled; never raises on a hostile file."""

    def check(self, pdf: bytes, *, at: datetime, issued: Sequence[Digest] = ()) -> tuple[SignatureReport, ...]:
        """A report per signature.

        Args:
            at: the time for which certificates are judged.
            issued: digests of the revisions that we stored, in order: an earlier signature is green
                (``countersigned``) when the file begins with exactly such bytes and every later revision is one too.

        Raises:
            EngineFailed: ``check.unavailable``: checking cannot be started at all; never because of the file.
        """
        ...

    def check_cms(self, cms: bytes, *, at: datetime, content: bytes | None = None) -> tuple[SignatureReport, ...]:
        """A report per signer of a CMS file (.p7m, .p7s; DER, PEM or base64).

        Args:
            at: the time for which certificates are judged.
            content: the signed file, when it is not inside.

        Raises:
            EngineFailed: ``check.unavailable``, as above.
        """
        ...
