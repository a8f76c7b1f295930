"""Moves a finished document out of its folder. Neither a kill nor a new file of the same name loses a document."""

import logging
import os
from pathlib import Path
from typing import BinaryIO, Final

from scanner_bridge.durable import sync_folder, write_durably
from scanner_bridge.watch_files import Seen, look
from scanner_bridge.watch_inbox import Entry, digest_of

log = logging.getLogger(__name__)

DONE_NAME: Final = "traités"
REFUSED_NAME: Final = "refusés"
_MOVING: Final = (".ged-", ".moving")


def move_away(entry: Entry, to: str) -> bool:
    """Move an original into a subfolder; False when the file is gone or another file has its name now.

    The file is first renamed to a unique name, and its digest checked. If a copier has meanwhile replaced the file, the
    new file is put back.

    Raises:
        OSError: retry later.
    """
    folder = entry.original.parent / to
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is gone: the share is not there now")
    moving = folder / f"{_MOVING[0]}{entry.key}{_MOVING[1]}"
    if not moving.exists():
        seen = look(entry.original)
        if seen is None or not entry.is_of(seen):
            return False
        entry.original.rename(moving)
    if digest_of(moving) != entry.digest:
        _put_back(moving, entry.original)
        return False
    moving.rename(free_name(folder / entry.name))
    sync_folder(folder)
    sync_folder(entry.original.parent)
    return True


def prepare(folder: Path) -> None:
    """Make the subfolders before any file is taken. Later they distinguish the share from an empty mount point.

    Raises:
        OSError: the folder cannot be written now.
    """
    for name in (DONE_NAME, REFUSED_NAME):
        if not (folder / name).is_dir():
            (folder / name).mkdir()
            (folder / name).chmod(folder.stat().st_mode & 0o7777)  # the users of the folder may also read the subfolder


def recover(folder: Path, live: frozenset[str]) -> None:
    """Put back files whose move a kill interrupted, unless their entry (``live`` keys) will finish the move.

    Raises:
        OSError: the folder cannot be read or written now.
    """
    for name in (DONE_NAME, REFUSED_NAME):
        for moving in (folder / name).glob(f"{_MOVING[0]}*{_MOVING[1]}"):
            key = moving.name.removeprefix(_MOVING[0]).removesuffix(_MOVING[1])
            if key not in live:
                _put_back(moving, folder / f"{key}.retour")


def _put_back(moving: Path, original: Path) -> None:
    target = free_name(original)
    log.warning("%s changed while it was moved: it is taken again as %s", original.name, target.name)
    moving.rename(target)


def refuse(seen: Seen, reason: str) -> None:
    """Move an unusable file into ``refusés``, beside a text file with the reason.

    Raises:
        OSError: retry later.
    """
    target = free_name(seen.path.parent / REFUSED_NAME / seen.path.name)
    _explain(target, reason)
    seen.path.rename(target)
    moved = look(target)
    if moved is None or (moved.size, moved.mtime_ns) != (seen.size, seen.mtime_ns):
        _put_back(target, seen.path)
    sync_folder(target.parent)


def refuse_entry(entry: Entry, content: BinaryIO | None) -> None:
    """Move a document that the server refused into ``refusés``. If its original is gone, our copy is put there.

    Raises:
        OSError: retry later.
    """
    target = free_name(entry.original.parent / REFUSED_NAME / entry.name)
    _explain(target, entry.problem)
    if not move_away(entry, REFUSED_NAME) and content is not None:
        write_durably(target, content.read())


def _explain(target: Path, reason: str) -> None:
    text = target.with_name(f"{target.name}.txt")
    write_durably(text, f"{target.name}\r\n\r\n{reason}\r\n".encode())
    text.chmod(target.parent.stat().st_mode & 0o666)


def free_name(path: Path) -> Path:
    """The path itself, or with a number if the name is taken."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return found
