"""Texts of our own QR codes: a prefix, and a check value that only this installation can compute.

So a foreign barcode is never mistaken for ours. Format: ``GED1/<kind>/<id>/<check>``. The check value is the first 10
base32 characters (50 bits) of HMAC-SHA-256 over the rest, keyed by the server secret.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "GED1"
FORM_PREFIX = "GEDM1"
"""Of the code on a form with boxes, which also says what they mean (``ged.routing.sheet_form``)."""
RECEPTION_PREFIX = "GEDN1"
"""Of the code on a reception table with boxes, which also says which lines it shows (``ged.slips.reception_form``)."""
CHECK_CHARACTERS = 10


class CodeKind(StrEnum):
    """The kind of paper that bears the code."""

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
    """Sheet between letters in a batch: a new letter begins after it, with the sheet's unit, nature and level."""


@dataclass(frozen=True)
class OurCode:
    """A code read back and found to be ours."""

    kind: CodeKind
    subject_id: int


def derive_secret(secret: str, purpose: str) -> bytes:
    """Derive a 32-byte secret for one purpose, so that a leaked secret does not reveal the others."""
    return hmac.new(secret.encode(), f"ged/{purpose}".encode(), hashlib.sha256).digest()


def make_code(kind: CodeKind, subject_id: int, *, key: bytes) -> str:
    """The text to print."""
    body = f"{PREFIX}/{kind}/{subject_id}"
    return f"{body}/{check_value(body, key)}"


def read_code(text: str, *, key: bytes) -> OurCode | None:
    """Parse a code read on a page; None when the code is not ours."""
    body, _, check = text.strip().rpartition("/")
    parts = body.split("/")
    # As bytes: ``compare_digest`` raises on a text that is not ASCII.
    # Before the parts are read: what bears our check value has our form.
    if not hmac.compare_digest(check.encode(), check_value(body, key).encode()):
        return None
    if parts[0] == FORM_PREFIX:
        return OurCode(CodeKind.IMPUTATION, int(parts[2], 36))
    if parts[0] == RECEPTION_PREFIX:
        return OurCode(CodeKind.SLIP, int(parts[2], 36))
    if len(parts) != 3 or parts[0] != PREFIX:
        return None
    return OurCode(CodeKind(parts[1]), int(parts[2]))


def check_value(body: str, key: bytes) -> str:
    """The check value of a code's other parts (``CHECK_CHARACTERS``)."""
    return base64.b32encode(hmac.new(key, body.encode(), hashlib.sha256).digest()).decode()[:CHECK_CHARACTERS]


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def in_base_36(number: int) -> str:
    """A number in the digits of base 36: a code has little room.

    >>> in_base_36(0), in_base_36(35), in_base_36(1296)
    ('0', 'Z', '100')
    """
    found = ""
    while number:
        number, digit = divmod(number, 36)
        found = _DIGITS[digit] + found
    return found or "0"
