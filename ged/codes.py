"""Texts of our own QR codes: a prefix and a check that only this installation can make.

A foreign barcode is never taken for ours. Format: ``GED1/<kind>/<id>/<check>`` with the check being the first 10
base32 characters (50 bits) of HMAC-SHA-256 over the rest, keyed by the server secret.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "GED1"
CHECK_CHARACTERS = 10


class CodeKind(StrEnum):
    """What a code of ours stands on."""

    LABEL = "L"
    """Label of a register number: joins a scan to its letter."""
    SLIP = "B"
    """Printed transmittal slip."""
    IMPUTATION = "F"
    """Fiche de transmission, annotated by hand and scanned back."""
    OUTGOING = "D"
    """Outgoing letter printed to be signed in ink."""
    DISCHARGE = "R"
    """Stamped copy of a dispatched letter."""
    SEPARATOR = "S"
    """Sheet laid between letters: a new letter begins behind it, with the sheet's unit, nature and level."""


@dataclass(frozen=True)
class OurCode:
    """A code read back and found to be ours."""

    kind: CodeKind
    subject_id: int


def derive_secret(secret: str, purpose: str) -> bytes:
    """A 32-byte secret for one purpose, so that one leak does not open the others."""
    return hmac.new(secret.encode(), f"ged/{purpose}".encode(), hashlib.sha256).digest()


def make_code(kind: CodeKind, subject_id: int, *, key: bytes) -> str:
    """The text to print."""
    body = f"{PREFIX}/{kind}/{subject_id}"
    return f"{body}/{_check(body, key)}"


def read_code(text: str, *, key: bytes) -> OurCode | None:
    """The meaning of a text read on a page, or None when it is not ours."""
    body, _, check = text.strip().rpartition("/")
    parts = body.split("/")
    if len(parts) != 3 or parts[0] != PREFIX or not hmac.compare_digest(check.encode(), _check(body, key).encode()):
        return None
    return OurCode(CodeKind(parts[1]), int(parts[2]))


def _check(body: str, key: bytes) -> str:
    return base64.b32encode(hmac.new(key, body.encode(), hashlib.sha256).digest()).decode()[:CHECK_CHARACTERS]
