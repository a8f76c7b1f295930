"""Finds the S/MIME signature around a whole e-mail (RFC 8551). Pure; runs in the limited child (``ged.mailbox.reading``)."""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message

from ged.errors import Invalid
from ged.mailbox.messages import shows_the_same, signature_holding, signed_children

_ODD = (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError)
"""Exceptions of the standard library and asn1crypto on malformed bytes."""


@dataclass(frozen=True)
class OwnSignature:
    """A signature of the message.

    Attributes:
        cms: the signature, DER or base64.
        content: the signed bytes; None if the signature contains them.
        is_whole: the signed content is all that is shown of the message.
    """

    cms: bytes
    content: bytes | None
    is_whole: bool = True


def own_signature(raw: bytes) -> OwnSignature | None:
    """The S/MIME signature around a whole message; None without one, or for another kind of signature."""
    # Signed lines end with CRLF (RFC 8551, 3.1.1); a mailbox may have stored other line ends.
    whole = raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")
    try:
        message = email.message_from_bytes(whole, policy=email.policy.default)
        held = signature_holding(message)
        if held is not None:
            return OwnSignature(held, None)
        beside = signed_children(message)
        return _beside(message, whole, *beside) if beside is not None else None
    except (*_ODD, Invalid):
        return OwnSignature(b"", None, is_whole=False)


def _beside(message: Message, whole: bytes, signed: Message | None, signature: bytes) -> OwnSignature:
    content = _first_part(whole, str(message.get_boundary() or ""))
    if signed is None or content is None or not shows_the_same(content, signed):
        return OwnSignature(signature, None, is_whole=False)
    return OwnSignature(signature, content)


def _first_part(whole: bytes, boundary: str) -> bytes | None:
    """The bytes between the first two delimiter lines (RFC 2046, 5.1.1), without the second's preceding line break."""
    body = whole[max(whole.find(b"\r\n\r\n"), 0) :]
    line = rb"\r\n--" + re.escape(boundary.encode("ascii", "surrogateescape")) + rb"(?:--)?[ \t]*(?=\r\n|\Z)"
    found = list(re.finditer(line, body))
    if not boundary or len(found) < 2:
        return None
    return body[found[0].end() + 2 : found[1].start()]
