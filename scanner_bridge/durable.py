"""Atomic, durable writes: a crash or a power cut at any point leaves the old file or the new file."""

import errno
import os
import sys
from pathlib import Path

from scanner_bridge.faults import ScanFault

PART_SUFFIX = ".part"


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries: else a power cut may undo a rename. Windows offers no call for this."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, for their owner alone; a power cut does not undo them.

    What is synced in a folder whose own name is lost is lost with it.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in reversed(missing):
        sync_folder(one.parent)


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file atomically: write a temporary file, flush it, rename it, flush the folder.

    Raises:
        ScanFault: ``disk_full`` or ``spool_io``; no partial file is left.
    """
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise fault_of(error) from error


def fault_of(error: OSError) -> ScanFault:
    """The fault of a failed write: ``disk_full`` for a full disk, quota or file limit, else ``spool_io``."""
    full = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return ScanFault("disk_full" if error.errno in full else "spool_io", str(error))
