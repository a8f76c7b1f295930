"""Parses e-mails in a sandboxed child, so that a hostile message can exhaust only the child's time and memory.

Both the collecting job and the page that shows a message's signature ask here: no process of ours parses a message.
"""

from datetime import datetime
from functools import cache

from ged.errors import EngineFailed, Invalid
from ged.mailbox.messages import Letter, Part, read_letter
from ged.mailbox.own_signature import OwnSignature, own_signature
from ged.ports import DeliveryReport
from sandbox import Limits, Message, Pool, SandboxError, Service

TIMEOUT_S = 20.0
VIEW_TIMEOUT_S = 5.0
"""For a page that waits: 25 MB of files take half a second."""
_AT_ONCE = 2
_MEMORY_BYTES = 1536 * 1024 * 1024
_MAX_ANSWER_BYTES = 512 * 1024 * 1024
_USES = 100


def read_apart(raw: bytes, *, timeout_s: float = TIMEOUT_S) -> Letter:
    """Read a message, as ``read_letter``, in a child.

    Raises:
        Invalid: as ``read_letter``; ``message.malformed`` also after a timeout or when the child died.
        SandboxError: no child can be started at all, or its answer is invalid.
    """
    with _readers().child(wait_s=timeout_s) as child:
        try:
            answer = child.ask({}, payload=raw, timeout_s=timeout_s)
        except SandboxError as failure:
            raise _malformed() from failure
    message = answer.message
    if "refused" in message:
        raise Invalid(str(message["refused"]), str(message["remedy"]), **message["params"])
    return _letter(message, answer.payload)


def signature_apart(raw: bytes, *, timeout_s: float = VIEW_TIMEOUT_S) -> OwnSignature | None:
    """Find the signature around a message, as ``own_signature``, in a child. A message that takes too long, or ends the
    child, counts as one of which not all is signed.

    Raises:
        EngineFailed: ``check.unavailable``: no child can be started, or all were busy for too long.
    """
    try:
        with _readers().child(wait_s=timeout_s) as child:
            try:
                answer = child.ask({"wanted": "signature"}, payload=raw, timeout_s=timeout_s)
            except SandboxError:
                return OwnSignature(b"", None, is_whole=False)
    except SandboxError as failure:
        raise EngineFailed(
            "check.unavailable", "Try again; the log of the server says more if it stays so."
        ) from failure
    found = answer.message
    if not found["is_there"]:
        return None
    size = int(found["cms"])
    content = answer.payload[size:] if found["has_content"] else None
    return OwnSignature(answer.payload[:size], content, is_whole=bool(found["is_whole"]))


def service(_settings: Message) -> Service:
    """Return the function that answers in the child: the letter as JSON, its files concatenated as bytes; or the
    signature, then the signed bytes.
    """
    return _answer


def _answer(request: Message, raw: bytes) -> tuple[Message, bytes]:
    return _signature_answer(raw) if request.get("wanted") == "signature" else _letter_answer(raw)


def _signature_answer(raw: bytes) -> tuple[Message, bytes]:
    found = own_signature(raw)
    if found is None:
        return {"is_there": False}, b""
    facts = {
        "is_there": True, "is_whole": found.is_whole, "cms": len(found.cms), "has_content": found.content is not None,
    }  # fmt: skip
    return facts, found.cms + (found.content or b"")


def _letter_answer(raw: bytes) -> tuple[Message, bytes]:
    try:
        letter = read_letter(raw)
    except Invalid as refusal:
        return {"refused": refusal.code, "remedy": refusal.remedy, "params": dict(refusal.params)}, b""
    parts = [[part.filename, part.media_type, len(part.content), part.embedded] for part in letter.parts]
    words = {name: getattr(letter, name) for name in _WORDS}
    sent_at = letter.sent_at.isoformat() if letter.sent_at else ""
    reports = [[one.message_id, one.recipient, one.status, one.is_permanent] for one in letter.reports]
    return {"words": words, "sent_at": sent_at, "parts": parts, "reports": reports}, b"".join(
        part.content for part in letter.parts
    )


_WORDS = ("message_id", "sender_name", "sender_address", "to", "subject", "text")


def _letter(message: Message, contents: bytes) -> Letter:
    parts, start = [], 0
    for filename, media_type, size, embedded in message["parts"]:
        parts.append(Part(str(filename), str(media_type), contents[start : start + int(size)], bool(embedded)))
        start += int(size)
    sent_at = datetime.fromisoformat(message["sent_at"]) if message["sent_at"] else None
    words = {name: str(message["words"][name]) for name in _WORDS}
    reports = tuple(DeliveryReport(str(a), str(b), str(c), bool(d)) for a, b, c, d in message["reports"])
    return Letter(**words, sent_at=sent_at, parts=tuple(parts), reports=reports)


def _malformed() -> Invalid:
    return Invalid("message.malformed", "ask the sender to send it again")


@cache
def _readers() -> Pool:
    limits = Limits(_MEMORY_BYTES, file_bytes=0)
    service_name = "ged.mailbox.reading:service"
    return Pool(
        service_name,
        {},
        packages=("ged",),
        limits=limits,
        uses=_USES,
        size=_AT_ONCE,
        max_answer_bytes=_MAX_ANSWER_BYTES,
    )
