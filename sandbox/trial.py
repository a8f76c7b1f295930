"""Forbidden actions that a child tries, to test the isolation for its owner (``sandbox.pool.holds``)."""

import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from sandbox.frames import Message, Service


def service(_settings: Message) -> Service:
    """Return a function that answers with the list of successful actions; the list must be empty."""
    return _answer


def _answer(request: Message, _payload: bytes) -> tuple[Message, bytes]:
    reached = []
    with suppress(OSError):
        Path(request["file"]).read_bytes()
        reached.append("file")
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", request["port"]), timeout=1).close()
        reached.append("network")
    with suppress(OSError):
        subprocess.run([request["program"], "-c", ""], check=False)
        reached.append("program")
    with suppress(MemoryError):
        bytearray(request.get("bytes", 0))  # of zeros: nothing is written to memory where it is allowed
        reached += ["memory"] if request.get("bytes") else []
    return {"reached": reached}, b""
