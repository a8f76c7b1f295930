"""Parses e-mails in a sandboxed child, so that a hostile message can exhaust only the child's time and memory."""

from datetime import datetime
from functools import cache

from ged.errors import Invalid
from ged.mailbox.messages import Letter, Part, read_letter
from sandbox import Limits, Message, Pool, SandboxError, Service

TIMEOUT_S = 20.0
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
    told = answer.message
    if "refused" in told:
        raise Invalid(str(told["refused"]), str(told["remedy"]), **told["params"])
    return _letter(told, answer.payload)


def service(_settings: Message) -> Service:
    """Return the function that answers in the child: the letter as JSON, its files concatenated as bytes."""
    return _answer


def _answer(_request: Message, raw: bytes) -> tuple[Message, bytes]:
    try:
        letter = read_letter(raw)
    except Invalid as refusal:
        return {"refused": refusal.code, "remedy": refusal.remedy, "params": dict(refusal.params)}, b""
    parts = [[part.filename, part.media_type, len(part.content), part.embedded] for part in letter.parts]
    words = {name: getattr(letter, name) for name in _WORDS}
    sent_at = letter.sent_at.isoformat() if letter.sent_at else ""
    return {"words": words, "sent_at": sent_at, "parts": parts}, b"".join(part.content for part in letter.parts)


_WORDS = ("message_id", "sender_name", "sender_address", "to", "subject", "text")


def _letter(told: Message, contents: bytes) -> Letter:
    parts, start = [], 0
    for filename, media_type, size, embedded in told["parts"]:
        parts.append(Part(str(filename), str(media_type), contents[start : start + int(size)], bool(embedded)))
        start += int(size)
    sent_at = datetime.fromisoformat(told["sent_at"]) if told["sent_at"] else None
    words = {name: str(told["words"][name]) for name in _WORDS}
    return Letter(**words, sent_at=sent_at, parts=tuple(parts))


def _malformed() -> Invalid:
    return Invalid("message.malformed", "ask the sender to send it again")


@cache
def _readers() -> Pool:
    limits = Limits(_MEMORY_BYTES, file_bytes=0)
    service_name = "ged.mailbox.reading:service"
    return Pool(service_name, {}, packages=("ged",), limits=limits, uses=_USES, max_answer_bytes=_MAX_ANSWER_BYTES)
