"""Writing files so that a crash or a power cut at any point leaves the old state or the new one, nothing between."""

import errno
import os
import sys
from pathlib import Path

from scanner_bridge.faults import ScanFault

PART_SUFFIX = ".part"


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names: without it a renamed file may vanish with the power (Windows offers no such call)."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file whole: beside its place, flushed, renamed, and the folder flushed.

    Raises:
        ScanFault: ``disk_full`` or ``spool_io``; no half file is left.
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
    """The fault for a failed write: a full disk, quota or file limit, or anything else."""
    full = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return ScanFault("disk_full" if error.errno in full else "spool_io", str(error))
