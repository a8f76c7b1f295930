"""The files of a data folder, copied to another one and compared by their digests."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ged.durable import make_folder, sync_folder
from ged.errors import EngineFailed
from ged.progress import CountedProgress

STAYS = frozenset({"index", "run", "tmp", "partial", "logs", "worker.lock", "moved.json"})
"""Of the data folder: what is made anew, or lasts as long as a process. The database goes over by its rows."""
DATABASE = "ged.sqlite3"
HALF = ".moving"
CHUNK = 1 << 20


def copy_files(source: Path, target: Path, *, progress: CountedProgress) -> int:
    """Copy every file, and read each copy back. What an earlier run copied is read, and stays.

    Returns:
        How many files there are.

    Raises:
        EngineFailed: ``move.file``: a file is not what was read.
    """
    make_folder(target, mode=0o700)
    count = 0
    for path in _files(source):
        place = target / path.relative_to(source)
        if not place.is_file() or _digest(place) != _digest(path):
            _copy(path, place)
        count += 1
        if count % 100 == 0:
            progress("files", count)
    progress("files", count)
    return count


def _files(source: Path) -> Iterator[Path]:
    for top in sorted(source.iterdir()):
        if top.name in STAYS or top.name.startswith(DATABASE):
            continue
        yield from (one for one in sorted(top.rglob("*")) if one.is_file()) if top.is_dir() else (top,)


def _copy(path: Path, place: Path) -> None:
    _folder(place.parent)
    half = place.with_name(f".{place.name}{HALF}")
    hasher = hashlib.sha256()
    # Made for its owner alone before a byte of it is written: it may be a key.
    half.touch(mode=0o600)
    with path.open("rb") as content, half.open("wb") as out:
        while chunk := content.read(CHUNK):
            hasher.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if _digest(half) != hasher.digest():
        raise EngineFailed(
            "move.file", "look at the disk of the new folder, then call the command again", file=str(path)
        )
    half.chmod(path.stat().st_mode & 0o700)
    half.replace(place)
    sync_folder(place.parent)


def _folder(folder: Path) -> None:
    if not folder.is_dir():
        # One by one: what makes several at once gives the rights to the last one alone.
        _folder(folder.parent)
        make_folder(folder, mode=0o700)


def _digest(path: Path) -> bytes:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()
