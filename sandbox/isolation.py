"""Isolation of a child from the network, the data folder and the settings, by the best means of this machine.

Each means is tested before use. ``sandbox.pool.chosen`` starts a child under each kind, best first, and the child tries
forbidden actions. The first kind under which all attempts fail is used.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sandbox import landlock, seccomp

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_CONFIGURATION = (
    "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/libreoffice", "/etc/localtime", "/etc/papersize",
    "/var/cache/fontconfig", "/var/lib/libreoffice",
)  # fmt: skip
"""The files of /etc that programs and their libraries read. A child does not see the rest of /etc."""


class Kind(StrEnum):
    """The means of isolation, best first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True)
class Isolation:
    """One way to isolate a child; ``program`` is the path of bubblewrap if that is the kind."""

    kind: Kind
    program: str = ""

    @property
    def filters(self) -> bool:
        """Whether system calls are filtered too."""
        return self.kind is not Kind.NONE and seccomp.known()

    @property
    def holds(self) -> bool:
        """Whether children have no network and no view of other files."""
        return self.kind is not Kind.NONE

    @property
    def counts_apart(self) -> bool:
        """Whether the kernel counts the processes of each child separately (user_namespaces(7))."""
        return self.kind is Kind.BUBBLEWRAP

    def shows(self, path: Path, readable: Sequence[Path] = ()) -> bool:
        """Whether a child under this isolation sees that file or folder, or anything inside."""
        place = path.resolve()
        return not self.holds or any(
            place.is_relative_to(seen) or seen.is_relative_to(place) for seen in visible(readable)
        )

    def command(self, program: Sequence[str], *, room: Path, readable: Sequence[Path]) -> list[str]:
        """The command that starts a program in this isolation, with the folder ``room``."""
        if self.kind is not Kind.BUBBLEWRAP:
            return list(program)
        return [self.program, *_walls(), *_mounts(room, visible(readable)), "--", *program]


NONE = Isolation(Kind.NONE)


def candidates() -> Iterator[Isolation]:
    """The kinds of isolation that this machine may allow, best first."""
    program = shutil.which("bwrap")
    if program is not None:
        yield Isolation(Kind.BUBBLEWRAP, program)
    if landlock.version() and seccomp.known():
        yield Isolation(Kind.LANDLOCK)


def visible(readable: Sequence[Path] = ()) -> tuple[Path, ...]:
    """The paths that a child can read: the system's programs, Python, its environment, and ``readable``."""
    named = [path.absolute() for path in (Path(sys.prefix), Path(sys.base_prefix), *readable)]
    # The interpreter is found through symbolic links into other folders: link and target are both needed.
    given = [*(path.resolve() for path in (*map(Path, _SYSTEM), *map(Path, _CONFIGURATION), *named)), *named]
    return tuple(path for path in dict.fromkeys(given) if path.exists())


def _walls() -> tuple[str, ...]:
    return (
        # bwrap(1): --unshare-all only tries a user namespace. Without one the kernel would count this child's processes
        # with ours, see counts_apart.
        "--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--hostname", "sandbox",
        # Of the new process namespace: the environment of our processes stands in the old one.
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108 - its own, empty
    )  # fmt: skip


def _mounts(room: Path, seen: Sequence[Path]) -> Iterator[str]:
    shorter_first: Callable[[Path], int] = lambda path: len(path.parts)  # noqa: E731 - a name for its type
    # A folder after one inside of it would hide it.
    for path in sorted(seen, key=shorter_first):
        yield from ("--ro-bind", str(path), str(path))
    for name in _SYSTEM:
        if Path(name).is_symlink():
            yield from ("--symlink", os.readlink(name), name)
    yield from ("--bind", str(room), str(room), "--chdir", str(room))
