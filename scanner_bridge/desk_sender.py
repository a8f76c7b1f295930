"""Sends the lines that were typed at the desk, each as often as it takes. The server makes it one by its key."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any, Protocol

from scanner_bridge.api import Link, LinkDownError, RefusedError
from scanner_bridge.desk_lines import DeskLine, DeskLines
from scanner_bridge.faults import ScanFault
from scanner_bridge.upload import Backoff

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0
_FIRST_YEAR = 1900


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
        self._held_up: set[str] = set()
        """Lines that something between this desk and the site refused in this round."""

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
                    if not self._held_up:
                        backoff.reset()
            except LinkDownError as down:
                self._on_link(down.link)
                wait_s = backoff.next_wait_s()
            except ScanFault as fault:
                log.error("the desk's lines are not written: %s", fault)
            except Exception:  # whatever it is: the lines wait on, and no thread but this one sends them
                log.exception("the desk's lines are not sent")
                wait_s = backoff.next_wait_s()
            self._wake.wait(wait_s)

    def send_one(self) -> bool:
        """Send the oldest line that waits. Returns whether there was one.

        Raises:
            LinkDownError: retry later. The line may have reached the server.
            ScanFault: the disk; the line is sent again.
        """
        line = self._lines.next_to_send(self._held_up)
        if line is None:
            self._end_round()
            return False
        try:
            self._api.put_line(line.key, body_of(line))
        except RefusedError as refusal:
            if not refusal.code:  # the site gives every refusal a code: this one is of a proxy, and may pass
                log.warning("the line %s does not reach the site: HTTP %s", line.key, refusal.status)
                self._held_up.add(line.key)
                return True
            log.warning("the line %s is refused: %s", line.key, refusal.code)
            self._lines.refused(line.key, refusal.code, refusal.message)
        except LinkDownError:
            self._held_up.clear()
            raise
        else:
            self._lines.sent(line.key)
        return True

    def _end_round(self) -> None:
        if self._held_up:
            self._held_up.clear()
            raise LinkDownError("server_down", "something refuses lines before they reach the site")


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
    """``24/11/2026``, ``24/11/26``, ``24/11`` or ``2026-11-24`` as the last one. A day without its year is of the year that
    brings it nearest to today.

    Raises:
        ValueError: it is no day, or of an earlier century than any letter.
    """
    parts = [part.strip() for part in text.split("/")]
    if len(parts) == 3:
        year = int(parts[2]) + (2000 if len(parts[2]) == 2 else 0)
        day = date(year, int(parts[1]), int(parts[0]))
    elif len(parts) == 2:
        today = datetime.now().astimezone().date()
        days = []
        for year in (today.year - 1, today.year, today.year + 1):
            with suppress(ValueError):  # 29 February
                days.append(date(year, int(parts[1]), int(parts[0])))
        day = min(days, key=lambda one: abs(one - today))  # of none: a ValueError
    else:
        day = date.fromisoformat(text)
    if day.year < _FIRST_YEAR:
        raise ValueError(f"{day} is long ago")
    return day.isoformat()


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
