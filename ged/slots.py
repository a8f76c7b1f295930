"""Places for heavy work, counted over all processes of this machine: locks on files, freed by the kernel with their owner."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from ged.errors import EngineFailed

LOOK_EVERY_S = 0.1
HEAVY_AT_ONCE = 2
WAIT_S = 8.0
"""How long a page waits for a place; then its reader is told, and the page asks again by itself."""
_shared: "list[Slots]" = []


class Slots:
    """So many at once in all processes that name the same folder; in each process a few may wait.

    Args:
        waiting: callers of this process that may wait; one more is told so at once, for each holds a thread.
    """

    def __init__(self, folder: Path, count: int, *, waiting: int = 3) -> None:
        self._paths = [folder / f"heavy-{number}" for number in range(count)]
        self._here = threading.BoundedSemaphore(count + waiting)

    @contextmanager
    def taken(self, *, wait_s: float) -> Iterator[None]:
        """Hold a place for the block.

        Raises:
            EngineFailed: ``work.busy``: none was free in time, or too many wait already.
        """
        if not self._here.acquire(blocking=False):
            raise _busy()
        try:
            place = self._wait(time.monotonic() + wait_s)
            try:
                yield
            finally:
                os.close(place)
        finally:
            self._here.release()

    def _wait(self, until_s: float) -> int:
        while True:
            for path in self._paths:
                place = _locked(path)
                if place is not None:
                    return place
            if time.monotonic() >= until_s:
                raise _busy()
            time.sleep(LOOK_EVERY_S)


def share(folder: Path, *, waiting: int = 3) -> None:
    """From now on two heavy works are done at once over all processes that name this folder.

    Args:
        waiting: as ``Slots``; fewer than the process has threads, or pages wait behind those who wait.
    """
    _shared[:] = [Slots(folder, HEAVY_AT_ONCE, waiting=waiting)]


def heavy(*, wait_s: float = WAIT_S) -> AbstractContextManager[None]:
    """Hold one of the two places of this installation for the block; without an installation nothing is held.

    Whoever holds a place asks for no second one: two of them would wait for each other.

    Raises:
        EngineFailed: ``work.busy``: none was free in time, or too many wait already.
    """
    return _shared[0].taken(wait_s=wait_s) if _shared else nullcontext()


def _locked(path: Path) -> int | None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(place)
        return None
    return place


def _busy() -> EngineFailed:
    return EngineFailed("work.busy", "wait a moment, then ask again", retryable=True)
