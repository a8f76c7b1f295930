"""Authorities of test installations are made once for each process, and their files are written again: making an authority
took half of the time of making services.

Each installation of a test module has another authority, as in the product. The next module begins with the first again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass
class _Taken:
    """How many authorities the test module has taken."""

    module: Path = Path()
    count: int = 0


_KEPT: list[dict[str, tuple[int, bytes]]] = []
"""Of each authority: name of a file -> its mode and its bytes."""
_TAKEN = _Taken()


def begin(module: Path) -> None:
    """Let a test module take the first authority again. A module that goes on takes the next."""
    if _TAKEN.module != module:
        _TAKEN.module, _TAKEN.count = module, 0


def write(folder: Path, make: Callable[[], object]) -> None:
    """Write the next authority into a folder that is not there. It is made by a function when there is none yet."""
    number = _TAKEN.count
    _TAKEN.count += 1
    if number >= len(_KEPT):
        make()
        _KEPT.append({one.name: (one.stat().st_mode, one.read_bytes()) for one in folder.iterdir()})
        return
    folder.mkdir(mode=0o700, parents=True)
    for name, (mode, content) in _KEPT[number].items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(mode & 0o777)
