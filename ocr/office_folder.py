"""A cache of the PDFs of the last office files: inspection, thumbnails and pages need the same PDF."""

import os
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path

KEPT = 16


class OfficeFolder:
    """A private folder of one process (also after a fork), created at its first use and removed with the engine."""

    def __init__(self) -> None:
        """Prepare; the folder is created later."""
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._owner_pid = 0

    def folder(self) -> Path:
        """The folder of this process."""
        with self._lock:
            if self._folder is None or self._owner_pid != os.getpid():
                self._folder, self._owner_pid = Path(tempfile.mkdtemp(prefix="ged-office-")), os.getpid()
                weakref.finalize(self, _remove, self._folder, self._owner_pid)
            return self._folder

    def make_room(self) -> None:
        """Delete the oldest PDFs."""
        with self._lock:
            if self._folder is None or self._owner_pid != os.getpid():
                return
            held = sorted(self._folder.glob("office-*.pdf"), key=_made_at)
            for path in held[: max(0, len(held) - KEPT + 1)]:
                path.unlink(missing_ok=True)


def _made_at(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _remove(folder: Path, owner_pid: int) -> None:
    if owner_pid == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
