"""The child process's side of ``child``: one request on standard input, events on standard output, pages on the disk.

The first line on standard input is a request (JSON); each line on standard output is an event (JSON). A scan writes
each page durably into the given folder and reports it. It scans the next page only after a line "next" on its input.
"""

import ctypes
import hashlib
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from PIL import Image

from scanner_bridge.durable import write_durably
from scanner_bridge.faults import ScanFault
from scanner_bridge.png import encode

Tell = Callable[[dict[str, Any]], None]
Handler = Callable[[Mapping[str, Any], Tell], None]
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Die with the agent (Linux): a page written after the agent's death would race with the next agent's recovery."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _private_output() -> TextIO:
    """Keep standard output for events: prints of a driver go to standard error instead."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return events


def write_page(image: Image.Image, dpi: float, folder: Path, sequence: int) -> dict[str, Any]:
    """Write a page durably into the folder; returns the event that reports it."""
    data, token = encode(image, dpi), uuid.uuid4().hex
    name = f"{sequence:06d}-{token}.png"
    write_durably(folder / name, data)
    digest = hashlib.sha256(data).hexdigest()
    return {
        "event": "page", "token": token, "file": name, "digest": digest, "size": len(data), "sequence": sequence
    }  # fmt: skip


def may_go_on() -> bool:
    """Wait for the agent's "next" after a page; False when the agent is gone."""
    return sys.stdin.readline().strip() == "next"


def serve(scan: Handler, describe: Handler) -> None:
    """Serve one request, then exit at once: some drivers hang in their clean-up after a fault."""
    _die_with_parent()
    events = _private_output()

    def tell(event: dict[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    try:
        request = json.loads(sys.stdin.readline())
        (scan if request["op"] == "scan" else describe)(request, tell)
    except ScanFault as fault:
        tell({"event": "fault", "code": fault.code, "detail": fault.detail})
    os._exit(0)
