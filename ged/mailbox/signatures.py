"""The S/MIME signature of an e-mail itself (RFC 8551), checked when a clerk views it, as of its time of collection.

The signature must cover everything that the clerk sees of the message. A signed part beside unsigned parts, or a part
that two readers would delimit differently, is red at best. Headers (subject, sender) are never signed.
"""

import re
from dataclasses import dataclass

from ged.errors import EngineFailed
from ged.mailbox.operations import MessageRow
from ged.mailbox.reading import signature_apart
from ged.ports import Digest, SignatureReport, Verdict
from ged.recognition.signatures import worst
from ged.unit import Services

_HEAD_BYTES = 65_536


@dataclass(frozen=True)
class MessageCheck:
    """The result of checking the message's own signature. ``failure``: code of why the check failed, else empty."""

    verdict: Verdict
    reports: tuple[SignatureReport, ...]
    failure: str = ""


def on_view(services: Services, message: MessageRow | None) -> MessageCheck | None:
    """Check a message's own signature; None without a signature or a message.

    The caller has checked access to the message. Never raises because of its bytes.
    """
    if message is None or message.digest is None:
        return None
    with services.blobs.open(Digest(message.digest)) as stored:
        raw = stored.read(_HEAD_BYTES)
        if not _may_be_signed(raw):
            return None
        raw += stored.read()
    try:
        signature = signature_apart(raw)
    except EngineFailed as failure:
        return MessageCheck(Verdict.NONE, (), failure.code)
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
