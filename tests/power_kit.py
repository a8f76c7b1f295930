"""A power cut: all processes die at one moment, and the disk has lost what no program told it to keep.

``tests/power/unsynced.c`` notes in each process what is synced. What was not is gone after ``Disk.cut``: the content of a
file since its last ``fsync``, and each new, renamed or deleted name since the last ``fsync`` of its folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent / "power" / "unsynced.c"


@dataclass(frozen=True)
class _Name:
    """A name in a folder."""

    inode: int
    mode: int
    name: str

    def line(self) -> str:
        return f"{self.inode} {self.mode:o} {self.name}\0"


@dataclass
class Disk:
    """The folder of an installation, as a disk that forgets.

    Args:
        root: everything that the processes write. It lies in memory: files are known by their inodes, and tmpfs gives none
            twice.
        aside: an empty folder elsewhere, for what is kept.
    """

    root: Path
    aside: Path

    @property
    def _kept(self) -> Path:
        return self.aside / "kept"

    def environment(self) -> dict[str, str]:
        """The variables of each process that uses the disk. What is there at this moment is safe.

        Raises:
            CalledProcessError: the machine has no C compiler.
        """
        library = self.aside / "unsynced.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True, timeout=60)
        self.keep_all()
        return {
            "LD_PRELOAD": str(library),
            "UNSYNCED_ROOT": str(self.root.resolve()),
            "UNSYNCED_KEPT": str(self._kept.resolve()),
        }

    def cut(self, *, names_too: bool) -> list[str]:
        """Kill each process that uses the disk, all at one moment, and put back what was kept.

        Args:
            names_too: names that were not synced are lost too. Else the disk has kept all names, as a file system does that
                writes its own journal first: a file that was never synced is there, and empty.

        Returns:
            The files that have lost something, as paths below ``root``.
        """
        self._kill_all()
        before, after = _contents(self.root), self.aside / "after"
        shutil.rmtree(after, ignore_errors=True)
        self._rebuild(self.root, self.root.stat().st_ino, after, names_too=names_too)
        shutil.rmtree(self.root)
        shutil.copytree(after, self.root, symlinks=True)
        self.keep_all()
        now = _contents(self.root)
        return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))

    def _kill_all(self) -> None:
        """Also children with a session of their own: one that still wrote would tear the state apart."""
        mark = f"UNSYNCED_KEPT={self._kept.resolve()}".encode()
        stopped: set[int] = set()
        while found := {pid for pid in _processes() if mark in _environment(pid)} - stopped:
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= found
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(mark in _environment(pid) for pid in stopped):
            time.sleep(0.01)

    def keep_all(self) -> None:
        """Keep everything that is there, as ``sync`` does."""
        shutil.rmtree(self._kept, ignore_errors=True)
        for kind in "fd":
            (self._kept / kind).mkdir(parents=True)
        for folder, _, files in os.walk(self.root):
            at = Path(folder)
            (self._kept / "d" / str(at.stat().st_ino)).write_text("".join(one.line() for one in _names(at)))
            for path in (at / name for name in files):
                if path.is_file() and not path.is_symlink():
                    shutil.copyfile(path, self._kept / "f" / str(path.stat().st_ino))

    def _rebuild(self, real: Path, inode: int, made: Path, *, names_too: bool) -> None:
        """Make a folder as it is after the cut. ``real``: the folder now; it may be gone, or another one."""
        made.mkdir()
        listed = self._listed(inode) if names_too else _names(real)
        for one in listed:
            path = made / one.name
            if stat.S_ISDIR(one.mode):
                self._rebuild(real / one.name, one.inode, path, names_too=names_too)
            elif stat.S_ISLNK(one.mode) and (real / one.name).is_symlink():
                path.symlink_to(os.readlink(real / one.name))
            elif stat.S_ISREG(one.mode):
                kept = self._kept / "f" / str(one.inode)
                path.write_bytes(kept.read_bytes() if kept.exists() else b"")
            else:
                continue
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(one.mode))

    def _listed(self, inode: int) -> list[_Name]:
        kept = self._kept / "d" / str(inode)
        lines = kept.read_text().split("\0")[:-1] if kept.exists() else []
        return [_Name(int(n), int(mode, 8), name) for n, mode, name in (one.split(" ", 2) for one in lines)]


def _processes() -> list[int]:
    return [int(one) for one in os.listdir("/proc") if one.isdigit()]


def _environment(pid: int) -> list[bytes]:
    """The environment with which a process began; empty of one that has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _names(folder: Path) -> list[_Name]:
    return [
        _Name((found := one.stat(follow_symlinks=False)).st_ino, found.st_mode, one.name) for one in os.scandir(folder)
    ]


def _contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
