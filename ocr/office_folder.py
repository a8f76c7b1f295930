"""Where an engine keeps the PDFs of the last office files: a look, small pictures and pages ask for the same one."""

import os
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path

KEPT = 16


class OfficeFolder:
    """A private folder, made when it is first wanted and gone with the engine; of one process, also after a fork."""

    def __init__(self) -> None:
        """Nothing is made yet."""
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
        """Forget the oldest PDFs."""
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
