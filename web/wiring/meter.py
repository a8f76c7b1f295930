"""What the processes of one machine count while they work: each keeps its sums in a file of its own, a scrape adds them up.

Processes come and go: the site's are replaced, and RQ makes one for each job. So a process takes a free *slot*: a number
whose file is locked while the process lives. It goes on with the sums of who had the slot before. There are as many
files as there were processes at once, and no sum ever falls.

A file is written whole, at most each ``FLUSH_EVERY_S``. A process that is killed loses what it counted since. A full disk
loses figures, never a page.
"""

import fcntl
import json
import os
import socket
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ged.ports import Meter, NoMeter

FLUSH_EVERY_S = 2.0
MOST_SLOTS = 512
MOST_SERIES = 5_000
"""Of one process. Labels are bounded by their sources; a mistake in one must not fill the memory."""


@dataclass(frozen=True)
class Measure:
    """A counter, or a histogram where ``buckets`` are given (their upper bounds, in seconds)."""

    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


MEASURES: Mapping[str, Measure] = {
    "ged_http_request_seconds": Measure(
        "Seconds from the head of a request to its response, by page (its name in the program), method and class of status.",
        ("route", "method", "status"),
        # The limits of the project: 50 ms at the median of lists, 300 ms for a page, 1 s for a search.
        (0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0),
    ),
    "ged_job_seconds": Measure(
        "Seconds of one attempt of a job, by kind and outcome (done, waits, failed, crashed).",
        ("kind", "outcome"),
        (0.1, 0.3, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0),
    ),
    "ged_ocr_pages_total": Measure("Pages that were read by OCR."),
    "ged_ocr_second_pages_total": Measure("Pages that were read by the second reader."),
    "ged_slow_queries_total": Measure("Statements of the database that took longer than GED_SLOW_QUERY_MS."),
}

Key = tuple[str, ...]
"""Name of the measure, then the values of its labels."""


class FileMeter:
    """Implements ``Meter`` over the folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._sums: dict[Key, list[float]] = {}
        self._slot: int | None = None
        self._number, self._owner = -1, 0
        self._written_s = 0.0
        self._is_changed = False

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        self._add((name, *labels), 1, 0, by)

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """Note how long something took."""
        buckets = MEASURES[name].buckets
        # The sum stands after the buckets, of which the last has no bound.
        self._add((name, *labels), len(buckets) + 2, bisect_left(buckets, seconds), 1, seconds)

    def _add(self, key: Key, size: int, at: int, by: float, total: float = 0.0) -> None:
        with self._lock:
            self._own()
            sums = self._sums.get(key)
            if sums is None:
                if len(self._sums) >= MOST_SERIES:
                    return
                sums = self._sums[key] = [0.0] * size
            if len(sums) != size:  # of an earlier release with other buckets
                sums = self._sums[key] = [0.0] * size
            sums[at] += by
            if total:
                sums[-1] += total
            self._is_changed = True
        self.flush()

    def flush(self, *, at_once: bool = False) -> None:
        """Write what was counted, if that was not done within ``FLUSH_EVERY_S`` or ``at_once``."""
        if not self._is_changed or not (at_once or time.monotonic() - self._written_s > FLUSH_EVERY_S):
            return
        with self._lock:
            if not self._is_changed or self._slot is None or self._owner != os.getpid():
                return
            self._is_changed, self._written_s = False, time.monotonic()
            path = self._folder / f"{self._number}.json"
            draft = path.with_suffix(".half")
            try:
                draft.write_text(json.dumps([[*key, sums] for key, sums in self._sums.items()]), encoding="utf-8")
                draft.replace(path)
            except OSError:
                with suppress(OSError):  # a disk that became read-only
                    draft.unlink(missing_ok=True)

    def close(self) -> None:
        """Write what was counted, and leave the slot to another process."""
        self.flush(at_once=True)
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        if self._slot is not None:
            os.close(self._slot)  # in the child of a fork this leaves the parent its lock
        self._slot, self._owner = None, 0

    def _own(self) -> None:
        """Take a free slot; a child of a fork takes one of its own."""
        if self._owner == os.getpid():
            return
        self._leave()
        self._owner, self._sums = os.getpid(), {}
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(MOST_SLOTS):
                slot = os.open(self._folder / f"{number}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(slot)
                    continue
                self._slot, self._number = slot, number
                self._sums = _read(self._folder / f"{number}.json")
                return
        except OSError:
            return  # no room, or no right: it counts for itself, and nobody reads it


def meter_of(folder: Path, *, is_read: bool) -> Meter:
    """The meter of this process; one that counts nothing where nobody reads it (``GED_METRICS_BIND``)."""
    return FileMeter(folder_of(folder)) if is_read else NoMeter()


def folder_of(data_dir: Path) -> Path:
    """Where the processes of this machine keep their sums. Several machines may share the data folder."""
    return data_dir / "run" / "metrics" / socket.gethostname()[:64].replace("/", "_")


def sums_of(folder: Path) -> dict[Key, list[float]]:
    """The sums of all processes, those that ended among them. Of a histogram: the buckets, one without bound, the sum."""
    total: dict[Key, list[float]] = {}
    for path in sorted(folder.glob("*.json")):
        for key, sums in _read(path).items():
            before = total.get(key)
            total[key] = sums if before is None else [a + b for a, b in zip(before, sums, strict=False)]
    return total


def _read(path: Path) -> dict[Key, list[float]]:
    """The sums of one file; nothing where it is missing or damaged."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = {tuple(map(str, key)): [float(one) for one in sums] for *key, sums in rows}
    except (OSError, ValueError, TypeError):
        return {}
    return {key: sums for key, sums in found.items() if _is_known(key, sums)}


def _is_known(key: Key, sums: list[float]) -> bool:
    known = MEASURES.get(key[0]) if key else None
    if known is None or len(key) != 1 + len(known.labels):
        return False
    return len(sums) == (len(known.buckets) + 2 if known.buckets else 1)
