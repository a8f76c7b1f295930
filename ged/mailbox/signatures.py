"""The S/MIME signature of an e-mail itself (RFC 8551), judged when a clerk looks at it, for the time it was taken in.

What is signed has to be all that the clerk is shown of the message: a signed part beside unsigned ones, or one that
two readers would cut out differently, gives no better verdict than red. Head lines (subject, sender) are never signed.
"""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message

from ged.errors import EngineFailed, Invalid
from ged.mailbox.messages import shows_the_same, signature_holding, signed_children
from ged.mailbox.operations import MessageRow
from ged.ports import Digest, SignatureReport, Verdict
from ged.recognition.signatures import worst
from ged.unit import Services

_HEAD_BYTES = 65_536
_ODD = (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError)
"""What the standard library and asn1crypto raise on bytes that somebody made up."""


@dataclass(frozen=True)
class OwnSignature:
    """A signature of the message.

    Attributes:
        cms: the signature, DER or base64.
        content: what it signs, byte for byte; None where it holds that itself.
        is_whole: what it signs is all that is shown of the message.
    """

    cms: bytes
    content: bytes | None
    is_whole: bool = True


@dataclass(frozen=True)
class MessageCheck:
    """What the message's own signature is worth. ``failure``: code of why it could not be looked at, else empty."""

    verdict: Verdict
    reports: tuple[SignatureReport, ...]
    failure: str = ""


def on_view(services: Services, message: MessageRow | None) -> MessageCheck | None:
    """Judge a message's own signature; None: it has none, or there is no message.

    The caller has checked that the actor may see the message. Never raises because of its bytes.
    """
    if message is None or message.digest is None:
        return None
    with services.blobs.open(Digest(message.digest)) as stored:
        raw = stored.read(_HEAD_BYTES)
        if not _may_be_signed(raw):
            return None
        raw += stored.read()
    signature = own_signature(raw)
    if signature is None:
        return None
    if not signature.is_whole:
        return MessageCheck(Verdict.RED, (_RED,))
    try:
        reports = services.checker.check_cms(signature.cms, at=message.taken_at, content=signature.content)
    except EngineFailed as failure:
        return MessageCheck(Verdict.NONE, (), failure.code)
    return MessageCheck(worst(reports), reports)


_RED = SignatureReport("", Verdict.RED, "message_parts", signer="", signed_at=None, level="", covers_bytes=0)


def _may_be_signed(head: bytes) -> bool:
    return re.search(rb"multipart/signed|pkcs7-mime", head, re.IGNORECASE) is not None


def own_signature(raw: bytes) -> OwnSignature | None:
    """The S/MIME signature around a whole message; None: it has none, or another kind."""
    # Signed are lines that end with CRLF (RFC 8551, 3.1.1); a mailbox may have kept them otherwise.
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
    """The bytes between the first two delimiter lines (RFC 2046, 5.1.1): the line break before the second is its own."""
    body = whole[max(whole.find(b"\r\n\r\n"), 0) :]
    line = rb"\r\n--" + re.escape(boundary.encode("ascii", "surrogateescape")) + rb"(?:--)?[ \t]*(?=\r\n|\Z)"
    found = list(re.finditer(line, body))
    if not boundary or len(found) < 2:
        return None
    return body[found[0].end() + 2 : found[1].start()]
