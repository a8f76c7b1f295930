"""The simulated scanner without its network part: one job at a time, a stack of paper, and faults on demand."""

import logging
import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from scanner_bridge import escl, simulate_stack
from scanner_bridge.escl import AdfState, ScanSettings
from scanner_bridge.simulate_stack import Stack

log = logging.getLogger(__name__)

FaultKind = Literal["jam", "double", "cut", "busy", "cover", "empty"]
JOBS_PATH: Final = "/eSCL/ScanJobs"
_FORGOTTEN_AFTER_S: Final = 90.0
_KEPT_JOBS: Final = 20
_PAGE_FAULTS: Final = frozenset({"jam", "double", "cut"})


@dataclass(frozen=True)
class Fault:
    """``jam``, ``double`` (sheets) and ``cut`` happen once, at page ``number`` of a job; the others ``number`` times."""

    kind: FaultKind
    number: int = 1


def parse_fault(text: str) -> Fault:
    """Read ``kind`` or ``kind:number``.

    Raises:
        ValueError: the kind is unknown, or the number is out of range.
    """
    kind, _colon, number = text.partition(":")
    count = int(number or 1)
    for known in get_args(FaultKind):
        if kind == known and 1 <= count <= 10_000:
            return Fault(known, count)
    raise ValueError(f"{text!r} is none of {', '.join(get_args(FaultKind))} with a number from 1")


class DeviceError(Exception):
    """The device answers with an HTTP error; ``cut``: it sends half a page and breaks the connection."""

    def __init__(self, status: int, detail: str, *, cut: bytes = b"") -> None:
        super().__init__(detail)
        self.status, self.cut = status, cut


@dataclass
class Job:
    """A scan that a client began. In duplex, odd ``pages`` mean that the back of the last sheet is still to come."""

    settings: ScanSettings
    pages: int = 0
    state: Literal["Processing", "Completed", "Canceled", "Aborted"] = "Processing"
    touched: float = field(default_factory=time.monotonic)


class Device:
    """The simulated scanner. Thread-safe."""

    def __init__(self, folder: Path, faults: list[Fault] | None = None, *, seconds_per_page: float = 0.0) -> None:
        """Feed from ``folder``. The ``faults`` of one kind happen in the given order."""
        self._stack = Stack(folder)
        self._faults = list(faults or [])
        self._seconds_per_page = seconds_per_page
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.RLock()
        self._trouble: AdfState | None = None

    def status(self) -> bytes:
        """The ``ScannerStatus`` document."""
        with self._lock:
            self._forget()
            jobs = [(f"{JOBS_PATH}/{key}", job.state, job.pages) for key, job in reversed(self._jobs.items())]
            loaded: AdfState = "ScannerAdfLoaded" if self._stack.top() is not None else "ScannerAdfEmpty"
            processing = self._active() is not None and self._trouble is None
            return escl.status(processing=processing, adf=self._trouble or loaded, jobs=jobs)

    def _active(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.state == "Processing"), None)

    def _forget(self) -> None:
        """Abort the job of a client that died: it must not block the device for ever. Drop the oldest jobs."""
        for job in self._jobs.values():
            if job.state == "Processing" and time.monotonic() - job.touched > _FORGOTTEN_AFTER_S:
                job.state = "Aborted"
        while len(self._jobs) > _KEPT_JOBS:
            self._jobs.popitem(last=False)

    def _take(self, kind: FaultKind, page: int = 0) -> bool:
        """Whether a fault is due. A page fault is used up at its page; another fault occurs ``number`` times."""
        due = [each for each in self._faults if each.kind == kind and (each.number == page or kind not in _PAGE_FAULTS)]
        if not due:
            return False
        place = self._faults.index(due[0])
        again = kind not in _PAGE_FAULTS and due[0].number > 1
        self._faults[place : place + 1] = [Fault(kind, due[0].number - 1)] if again else []
        return True

    def begin(self, settings: ScanSettings) -> str:
        """Begin a job; returns its path. A new job also clears the last fault, as if a person had repaired it.

        Raises:
            DeviceError: 503 (busy, cover open), 409 (nothing to scan).
        """
        with self._lock:
            self._forget()
            self._trouble = None
            if self._active() is not None or self._take("busy"):
                raise DeviceError(503, "busy")
            if self._take("cover"):
                self._trouble = "ScannerAdfDoorOpen"
                raise DeviceError(503, "the cover is open")
            if settings.source == "Feeder" and self._take("empty"):
                self._trouble = "ScannerAdfEmpty"
                raise DeviceError(409, "the feeder is empty")
            if settings.source == "Feeder" and self._stack.top() is None:
                raise DeviceError(409, "the feeder is empty")
            key = str(uuid.uuid4())
            self._jobs[key] = Job(settings)
            log.info("job %s: %s", key, settings)
            return f"{JOBS_PATH}/{key}"

    def next_page(self, key: str) -> bytes:
        """The next page of a job as JPEG.

        Raises:
            DeviceError: 404 when there is none, 409 after a fault of the feeder; ``cut`` with half a page.
        """
        time.sleep(self._seconds_per_page)
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.state != "Processing":
                raise DeviceError(404, "no such job")
            job.touched = time.monotonic()
            self._stop_at_fault(job)
            side = self._stack.top()
            owes_back = job.settings.duplex and job.pages % 2 == 1
            glass_done = job.settings.source == "Platen" and job.pages > 0
            if glass_done or (side is None and not owes_back and job.settings.source == "Feeder"):
                job.state = "Completed"
                raise DeviceError(404, "no more pages")
            try:
                page = simulate_stack.scan(side, job.settings)
            except OSError as error:
                job.state = "Aborted"
                raise DeviceError(500, str(error)) from error
            if self._take("cut", job.pages + 1):
                job.state = "Aborted"
                raise DeviceError(200, "the connection breaks", cut=page)
            if side is not None:
                self._stack.consume(side)
            job.pages += 1
            return page

    def _stop_at_fault(self, job: Job) -> None:
        page = job.pages + 1
        if job.settings.source != "Feeder":
            return
        if self._take("jam", page):
            self._trouble = "ScannerAdfJam"
        elif self._take("double", page):
            self._trouble = "ScannerAdfMultipickDetected"
        else:
            return
        job.state = "Aborted"
        raise DeviceError(409, self._trouble)

    def cancel(self, key: str) -> None:
        """End a job.

        Raises:
            DeviceError: 404.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                raise DeviceError(404, "no such job")
            if job.state == "Processing":
                job.state = "Canceled"
