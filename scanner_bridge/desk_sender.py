"""Sends the lines that were typed at the desk, each as often as it takes. The server makes it one by its key."""

import logging
import threading
from collections.abc import Callable
from datetime import date, time
from typing import Any, Protocol

from scanner_bridge.api import Link, LinkDownError, RefusedError
from scanner_bridge.desk_lines import DeskLine, DeskLines
from scanner_bridge.faults import ScanFault
from scanner_bridge.upload import Backoff

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0


class Server(Protocol):
    """What the thread asks of the server's interface."""

    def put_line(self, key: str, body: dict[str, Any]) -> None:
        """Send a line."""


class DeskSender:
    """Empties the desk in its own thread; ``kick`` wakes it."""

    def __init__(self, api: Server, lines: DeskLines, *, on_link: Callable[[Link], None]) -> None:
        """``on_link`` is called with each state of the link."""
        self._api, self._lines, self._on_link = api, lines, on_link
        self._wake = threading.Event()
        self._stopped = False

    def kick(self) -> None:
        """Look for lines now."""
        self._wake.set()

    def stop(self) -> None:
        """Let ``run`` return after the current call."""
        self._stopped = True
        self._wake.set()

    def run(self) -> None:
        """Send until stopped."""
        backoff = Backoff()
        while not self._stopped:
            self._wake.clear()
            wait_s = _LOOK_EVERY_S
            try:
                while not self._stopped and self.send_one():
                    backoff.reset()
            except LinkDownError as down:
                self._on_link(down.link)
                wait_s = backoff.next_wait_s()
            except ScanFault as fault:
                log.error("the desk's lines are not written: %s", fault)
            self._wake.wait(wait_s)

    def send_one(self) -> bool:
        """Send the oldest line that waits. Returns whether there was one.

        Raises:
            LinkDownError: retry later. The line may have reached the server.
            ScanFault: the disk; the line is sent again.
        """
        line = self._lines.next_to_send()
        if line is None:
            return False
        try:
            self._api.put_line(line.key, body_of(line))
        except RefusedError as refusal:
            log.warning("the line %s is refused: %s", line.key, refusal.code)
            self._lines.refused(line.key, refusal.code, refusal.message)
        else:
            self._lines.sent(line.key)
        return True


def body_of(line: DeskLine) -> dict[str, Any]:
    """The line as the server takes it: days and hour in their standard form."""
    fields = line.fields
    return {
        "line": fields["line"],
        "received_on": iso_day(fields["received_on"]),
        "received_clock": iso_clock(fields["received_clock"]),
        "sender_name": fields["sender_name"],
        "subject": fields["subject"],
        "their_reference": fields.get("their_reference", ""),
        "written_on": iso_day(fields["written_on"]) if fields.get("written_on") else "",
        "enclosure_count": int(fields.get("enclosure_count") or 0),
        "addressee": fields.get("addressee", ""),
        "is_urgent": fields.get("is_urgent") == "1",
    }


def iso_day(text: str) -> str:
    """``24/11/2026`` or ``2026-11-24`` as the latter.

    Raises:
        ValueError: it is no day.
    """
    parts = text.split("/")
    return (
        date(int(parts[2]), int(parts[1]), int(parts[0])) if len(parts) == 3 else date.fromisoformat(text)
    ).isoformat()


def iso_clock(text: str) -> str:
    """``10h20``, ``10:20`` or ``1020`` as ``10:20``.

    Raises:
        ValueError: it is no hour.
    """
    digits = text.lower().replace("h", ":").replace(" ", "")
    if ":" not in digits and len(digits) == 4:
        digits = f"{digits[:2]}:{digits[2:]}"
    hour, minute = digits.split(":")
    return time(int(hour), int(minute or 0)).strftime("%H:%M")
