"""Frames between an owner and its child: two lengths (big-endian), JSON, then bytes as they are.

A hostile file may control what a child sends. So frames are never unpickled, and the length is checked before reading.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, cast

Message = dict[str, Any]
Service = Callable[[Message, bytes], tuple[Message, bytes]]
"""The function that answers requests in the child. It takes and returns a message and bytes."""

_HEAD = struct.Struct(">IQ")
_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What a child sent back."""

    message: Message
    payload: bytes = b""


def send(stream: IO[bytes], message: Message, payload: bytes = b"") -> None:
    """Write one frame."""
    content = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(content), len(payload)) + content)
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes], *, max_bytes: int) -> Answer | None:
    """Read one frame; None when the stream ended before it.

    Raises:
        ValueError: the frame is longer than ``max_bytes``, is cut off, or is no JSON object.
    """
    head = stream.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise ValueError("cut off")
    content_bytes, payload_bytes = _HEAD.unpack(head)
    if content_bytes + payload_bytes > max_bytes:
        raise ValueError("too long")
    try:
        message = json.loads(_read(stream, content_bytes))
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(message, dict):
        raise ValueError("no object")
    return Answer(cast(Message, message), _read(stream, payload_bytes))


def _read(stream: IO[bytes], size: int) -> bytes:
    """Read ``size`` bytes piece by piece: a false length in the header allocates no memory."""
    read = bytearray()
    while len(read) < size:
        piece = stream.read(min(_PIECE_BYTES, size - len(read)))
        if not piece:
            raise ValueError("cut off")
        read += piece
    return bytes(read)
