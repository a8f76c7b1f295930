"""Frames between ``signing.validation`` and its child: a length of four bytes (big-endian), then JSON."""

import json
import struct
from typing import IO

_LENGTH = struct.Struct(">I")


def send(stream: IO[bytes], value: object) -> None:
    """Write one frame."""
    content = json.dumps(value).encode()
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, object] | None:
    """Read one frame; None when the stream ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    value = json.loads(stream.read(_LENGTH.unpack(head)[0]))
    return value if isinstance(value, dict) else None
