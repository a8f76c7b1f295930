"""One agent per home folder: two agents would scan the same order and empty the same spool."""

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class HomeLock:
    """A lock that the system releases with the process, however the process ends."""

    def __init__(self, home: Path) -> None:
        """Name the lock file; the lock is not yet acquired."""
        self._path = home / "agent.lock"
        self._handle: int | None = None

    def take(self) -> bool:
        """Acquire the lock; False when another process holds it."""
        # Python's files are not inherited (PEP 446): a driver's process that outlives this one holds no lock.
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
