"""The private folder of a child: the owner puts in the files to read, and takes out the files that the child made.

A hostile file may control the child while its owner reads here. So the owner never follows a link of the child, and
takes out copies only.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "ged-room-"
_PIECE_BYTES = 1024 * 1024
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a pipe that the child left under the name would let the owner wait for ever.
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Identity = tuple[int, int, int, int, int]


class Room:
    """A private folder; ``path`` is the same for owner and child."""

    def __init__(self) -> None:
        """Create the folder, and remove the folders whose owners were killed."""
        _sweep()
        self.path, self._folder = _made()
        self._held: dict[str, Identity] = {}

    def put(self, source: Path, name: str) -> Path:
        """Copy a file into the room, unless the room already holds this file from the last call.

        Raises:
            OSError: the file cannot be read, or the disk is full.
        """
        with source.open("rb") as file:
            known = os.fstat(file.fileno())
            identity = (known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)
            if self._held.get(name) != identity:
                self.clear()  # no data of one document stays for the next
                with os.fdopen(os.open(name, _NEW, 0o600, dir_fd=self._folder), "wb") as copy:
                    shutil.copyfileobj(file, copy, _PIECE_BYTES)
                self._held[name] = identity
        return self.path / name

    def take(self, name: str, target: Path, *, max_bytes: int) -> bool:
        """Copy a file out of the room, whole or not at all; False when there is no such file.

        Raises:
            OSError: the target cannot be written.
        """
        try:
            found = os.open(name, _OLD, dir_fd=self._folder)
        except OSError:
            return False
        with os.fdopen(found, "rb") as file:
            facts = os.fstat(found)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > max_bytes:
                return False
            draft = target.with_name(f".{target.name}.taken")
            try:
                with draft.open("wb") as copy:
                    # No more than was looked at: the child may still write into it.
                    copy.write(file.read(facts.st_size))
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
        return True

    def names(self) -> tuple[str, ...]:
        """The names in the room, without the files that were put there."""
        return tuple(sorted(set(os.listdir(self._folder)) - self._held.keys()))

    def clear(self, *, kept: bool = False) -> None:
        """Empty the room. With ``kept``, the files that were put there stay."""
        for name in self.names() if kept else os.listdir(self._folder):
            with suppress(FileNotFoundError):
                facts = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
                if stat.S_ISDIR(facts.st_mode):
                    shutil.rmtree(name, ignore_errors=True, dir_fd=self._folder)
                else:
                    os.unlink(name, dir_fd=self._folder)
        if not kept:
            self._held.clear()

    def remove(self) -> None:
        """Delete the room; a second call does nothing."""
        if self._folder >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._folder)
            self._folder = -1


def _made() -> tuple[Path, int]:
    """Create a folder and lock it. If another owner's sweep removes it before the lock, create another."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        with suppress(FileNotFoundError):
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(folder, fcntl.LOCK_EX)
            if os.fstat(folder).st_nlink:
                return path, folder
            os.close(folder)


def _sweep() -> None:
    """Remove the rooms that nobody locks: the system releases an owner's lock, however the owner ended."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(folder).st_uid == os.geteuid():
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(folder)
