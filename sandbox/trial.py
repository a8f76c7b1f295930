"""What a child tries, so that its owner learns what holds it (``sandbox.pool.holds``)."""

import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from sandbox.frames import Message, Service


def service(_settings: Message) -> Service:
    """Answer with the list of what could be reached; it must be empty."""
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
    return {"reached": reached}, b""
