"""Slots for heavy work over all processes of this machine: file locks, which the kernel frees with their owner."""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from ged.errors import EngineFailed

LOOK_EVERY_S = 0.1
AT_ONCE = 2
MOST_WAITING = 3
WAIT_S = 8.0
"""How long a page waits for a slot. Then its reader sees a message, and the page retries by itself."""
_shared: "dict[str, Slots]" = {}


class Slots:
    """``count`` slots over all processes that name the same folder. In each process a few callers may wait.

    Args:
        name: of the kind of work: each kind has its own slots.
        waiting: callers of this process that may wait. A further caller is refused at once: each holds a thread.
        threads: threads of this process, shared by several kinds of work. A further caller is refused at once.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        *,
        waiting: int = 3,
        name: str = "heavy",
        threads: threading.BoundedSemaphore | None = None,
    ) -> None:
        self._paths = [folder / f"{name}-{number}" for number in range(count)]
        self._here = threading.BoundedSemaphore(count + waiting)
        self._threads = threads or threading.BoundedSemaphore(count + waiting)

    @contextmanager
    def taken(self, *, wait_s: float) -> Iterator[None]:
        """Hold a slot for the block.

        Raises:
            EngineFailed: ``work.busy``: no slot was free in time, or too many callers wait already.
        """
        with _admitted(self._here), _admitted(self._threads):
            place = self._wait(time.monotonic() + wait_s)
            try:
                yield
            finally:
                os.close(place)

    def _wait(self, until_s: float) -> int:
        while True:
            for path in self._paths:
                place = _locked(path)
                if place is not None:
                    return place
            if time.monotonic() >= until_s:
                raise _busy()
            time.sleep(LOOK_EVERY_S)


def of_this_machine(data: Path) -> Path:
    """The folder of the slots of this machine. Several machines may share the data folder, and each has cores of its own: a
    machine that is frozen while it holds slots must not stop the others."""
    return data / "run" / "slots" / socket.gethostname()[:64].replace("/", "_")


def share(folder: Path, *, threads: int = 8) -> None:
    """Set up two slots each for heavy work, drawings and first looks, over all processes that name this folder.

    Args:
        threads: number of threads of this process; one thread is always left free for other requests.
    """
    left = threading.BoundedSemaphore(max(1, threads - 1))
    few = max(0, min(MOST_WAITING, threads - AT_ONCE - 1))
    _shared["heavy"] = Slots(folder, AT_ONCE, waiting=few, threads=left)
    # A browser requests six pictures of a page at once: they leave half of the threads to other work.
    pictures = max(0, threads // 2 - AT_ONCE)
    _shared["drawing"] = Slots(folder, AT_ONCE, waiting=pictures, name="drawing", threads=left)
    _shared["looking"] = Slots(folder, AT_ONCE, waiting=pictures, name="looking", threads=left)


def heavy(*, wait_s: float = WAIT_S) -> AbstractContextManager[None]:
    """Hold one of the two slots for the block; before ``share`` was called, nothing is held.

    A caller that holds a slot must not take a second: two such callers would deadlock.

    Raises:
        EngineFailed: ``work.busy``: no slot was free in time, or too many callers wait already.
    """
    return _shared["heavy"].taken(wait_s=wait_s) if _shared else nullcontext()


def drawing(*, wait_s: float = WAIT_S) -> AbstractContextManager[None]:
    """As ``heavy``, for a picture of a page: short work, but a browser requests six at once.

    Raises:
        EngineFailed: ``work.busy``.
    """
    return _shared["drawing"].taken(wait_s=wait_s) if _shared else nullcontext()


def looking(*, wait_s: float = WAIT_S) -> AbstractContextManager[None]:
    """As ``heavy``, for the first look at an outside file: its child process may take 300 MB.

    Raises:
        EngineFailed: ``work.busy``.
    """
    return _shared["looking"].taken(wait_s=wait_s) if _shared else nullcontext()


@contextmanager
def _admitted(callers: threading.BoundedSemaphore) -> Iterator[None]:
    if not callers.acquire(blocking=False):
        raise _busy()
    try:
        yield
    finally:
        callers.release()


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
