"""The protocol of a scanner, and its implementation for SANE."""

import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, Protocol

from scanner_bridge.child import DriverChild
from scanner_bridge.config import OptionValue
from scanner_bridge.faults import ScanFault

_LIST_TIMEOUT_S = 60.0
_CLOSE_GRACE_S = 10.0


@dataclass(frozen=True)
class DeviceInfo:
    """A scanner as the site shows it; a list is empty if the device offers no choice."""

    name: str
    vendor: str
    model: str
    type: str
    sources: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    resolutions: tuple[int, ...] = ()


@dataclass(frozen=True)
class ScanRequest:
    """A scan to make. ``device`` None: the bridge chooses; ``source`` None: the device chooses."""

    device: str | None = None
    source: str | None = None
    mode: str | None = "gray"
    dpi: int = 300
    duplex: bool = False
    paper: str = "a4"


@dataclass(frozen=True)
class PageFile:
    """A page that is complete on the spool's disk: its idempotency token, file name, SHA-256 and size."""

    token: str
    file: str
    digest: str
    size_bytes: int
    sequence: int


class Scanner(Protocol):
    """The operations of a scanner that the agent uses."""

    def devices(self) -> list[DeviceInfo]:
        """The scanners present now."""

    def scan(self, request: ScanRequest, folder: Path, *, first: int) -> Generator[PageFile, None, None]:
        """Scan pages into ``folder``, numbered from ``first``.

        Each page is on the disk before it is yielded. The next page is scanned only when the generator is advanced.
        Closing the generator stops the scan. A feeder is scanned until it is empty; the glass yields one page.

        Raises:
            ScanFault: the scan failed; the pages yielded so far are safe.
        """

    def close(self) -> None:
        """Release the device, in any state."""


class DriverScanner:
    """The devices of a driver. Each call runs in its own process, which may hang or crash."""

    child_module: ClassVar[str]

    def __init__(self, devices: Mapping[str, Mapping[str, OptionValue]], *, stall_timeout_s: float) -> None:
        """``devices``: patterns of the devices to offer, each with its own options (see ``Config.devices``)."""
        self._patterns = devices
        self._stall_timeout_s = stall_timeout_s
        self._known: dict[str, DeviceInfo] = {}
        self._present: list[str] | None = None
        self._ending: DriverChild | None = None
        self._reap_by = 0.0
        self._listing: DriverChild | None = None
        self._busy = threading.Lock()

    def devices(self) -> list[DeviceInfo]:
        """The scanners present now. During a scan, the result of the last search: a search would disturb the device.

        Raises:
            ScanFault: ``busy`` when a scan runs, or starts, before the first search has ended; a driver's own fault.
        """
        if self._busy.acquire(blocking=False):
            try:
                self._search()
            finally:
                self._busy.release()
        elif self._present is None:
            raise ScanFault("busy", "a scan goes on")
        return self._offered()

    def _search(self) -> None:
        self._reap()
        self._listing = child = DriverChild(self.child_module, {"op": "list", "known": list(self._known)})
        try:
            self._present = self._receive_devices(child)
        finally:
            self._listing = None
            child.close(_CLOSE_GRACE_S)

    def _receive_devices(self, child: DriverChild) -> list[str]:
        present: list[str] = []
        while (event := child.receive(_LIST_TIMEOUT_S))["event"] != "end":
            present.append(event["name"])
            if "sources" in event:
                self._known[event["name"]] = _device_of(event)
        return present

    def _offered(self) -> list[DeviceInfo]:
        names = self._present or []
        if self._patterns:
            ranked = [name for pattern in self._patterns for name in names if _matches(name, pattern)]
            names = list(dict.fromkeys(ranked))
        return [self._known[name] for name in names if name in self._known]

    def scan(self, request: ScanRequest, folder: Path, *, first: int) -> Generator[PageFile, None, None]:
        """See ``Scanner.scan``."""
        message = self._message(request, folder, first)
        # A search may take a minute, and a clerk waits: it is ended, and the last one's result stays.
        while not self._busy.acquire(timeout=0.05):
            if (listing := self._listing) is not None:
                listing.give_way("busy", "a scan goes first")
        try:
            self._reap()
            self._ending = child = DriverChild(self.child_module, message)
            yield from self._receive_pages(child)
        finally:
            self._reap_by = time.monotonic() + _CLOSE_GRACE_S
            self._busy.release()

    def _receive_pages(self, child: DriverChild) -> Generator[PageFile, None, None]:
        try:
            while (event := child.receive(self._stall_timeout_s))["event"] != "end":
                if event["event"] == "page":
                    yield _page_of(event)
                    child.say("next")
        except GeneratorExit:
            child.say("stop")
            raise

    def _message(self, request: ScanRequest, folder: Path, first: int) -> dict[str, Any]:
        name = request.device or self._default()
        known = self._known.get(name)
        values: dict[str, OptionValue] = {}
        for pattern, own in self._patterns.items():
            values |= own if _matches(name, pattern) else {}
        return asdict(request) | {
            "op": "scan",
            "device": name,
            "type": known.type if known else "",
            "options": values,
            "folder": str(folder.absolute()),
            "first": first,
        }

    def _default(self) -> str:
        """The first device present; until the first search has ended, the first device that the settings name exactly."""
        named = [pattern for pattern in self._patterns if not set(pattern) & set("*?[")]
        if self._present is None and not named:
            with self._busy:
                self._search()
        names = [device.name for device in self._offered()] or named
        if not names:
            raise ScanFault("no_device")
        return names[0]

    def _reap(self) -> None:
        """Wait for the last child, up to a limit: a driver may take seconds to release its device, or hang."""
        if self._ending is not None:
            self._ending.close(max(0.0, self._reap_by - time.monotonic()))
            self._ending = None

    def close(self) -> None:
        """See ``Scanner.close``."""
        if (listing := self._listing) is not None:
            listing.give_way("interrupted", "the bridge stops")
        self._reap()


class SaneScanner(DriverScanner):
    """Every SANE device of this computer."""

    child_module = "scanner_bridge.sane_child"


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _device_of(event: Mapping[str, Any]) -> DeviceInfo:
    return DeviceInfo(
        name=event["name"],
        vendor=event["vendor"],
        model=event["model"],
        type=event["type"],
        sources=tuple(event["sources"]),
        modes=tuple(event["modes"]),
        resolutions=tuple(event["resolutions"]),
    )


def _page_of(event: Mapping[str, Any]) -> PageFile:
    return PageFile(event["token"], event["file"], event["digest"], event["size"], event["sequence"])
