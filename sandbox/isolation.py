"""What keeps a child from the network, the data folder and the settings: whatever of it this machine allows.

Nothing is believed of a machine: ``sandbox.pool.chosen`` starts a child under each kind, best first, that tries to do
what it must not. The first kind under which it fails is the one that is used.
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
"""What programs and their libraries read; the rest of /etc is nobody's business, least of all a hostile file's."""


class Kind(StrEnum):
    """The means, best first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True)
class Isolation:
    """One way to shut a child in; ``program`` is the path of bubblewrap where that is the kind."""

    kind: Kind
    program: str = ""

    @property
    def filters(self) -> bool:
        """Whether system calls are filtered too."""
        return self.kind is not Kind.NONE and seccomp.known()

    @property
    def holds(self) -> bool:
        """Whether children are without network and without sight of other files."""
        return self.kind is not Kind.NONE

    @property
    def counts_apart(self) -> bool:
        """Whether the kernel counts the processes of each child by themselves (user_namespaces(7))."""
        return self.kind is Kind.BUBBLEWRAP

    def shows(self, path: Path, readable: Sequence[Path] = ()) -> bool:
        """Whether a child under this isolation sees that file or folder, or something in it."""
        place = path.resolve()
        return not self.holds or any(
            place.is_relative_to(seen) or seen.is_relative_to(place) for seen in visible(readable)
        )

    def command(self, program: Sequence[str], *, room: Path, readable: Sequence[Path]) -> list[str]:
        """The command that starts a program in this isolation, its folder ``room``."""
        if self.kind is not Kind.BUBBLEWRAP:
            return list(program)
        return [self.program, *_walls(), *_mounts(room, visible(readable)), "--", *program]


NONE = Isolation(Kind.NONE)


def candidates() -> Iterator[Isolation]:
    """What this machine may allow, best first."""
    program = shutil.which("bwrap")
    if program is not None:
        yield Isolation(Kind.BUBBLEWRAP, program)
    if landlock.version() and seccomp.known():
        yield Isolation(Kind.LANDLOCK)


def visible(readable: Sequence[Path] = ()) -> tuple[Path, ...]:
    """What a child can read: the system's programs, Python, its environment, and what was named."""
    named = [path.absolute() for path in (Path(sys.prefix), Path(sys.base_prefix), *readable)]
    # The interpreter is found through links, of which each may lie elsewhere: both names are needed.
    given = [*(path.resolve() for path in (*map(Path, _SYSTEM), *map(Path, _CONFIGURATION), *named)), *named]
    return tuple(path for path in dict.fromkeys(given) if path.exists())


def _walls() -> tuple[str, ...]:
    return (
        "--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--hostname", "sandbox",
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108 - its own, empty
    )  # fmt: skip


def _mounts(room: Path, seen: Sequence[Path]) -> Iterator[str]:
    shorter_first: Callable[[Path], int] = lambda path: len(path.parts)  # noqa: E731 - a name for its type
    for path in sorted(seen, key=shorter_first):
        yield from ("--ro-bind", str(path), str(path))
    for name in _SYSTEM:
        if Path(name).is_symlink():
            yield from ("--symlink", os.readlink(name), name)
    yield from ("--bind", str(room), str(room), "--chdir", str(room))
