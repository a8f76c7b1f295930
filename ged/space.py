"""Free space on the server's disk: a reserve is kept, so that small requests still succeed when uploads no longer do.

There are two limits. Below the reserve, large requests are refused. Below a fourth of the reserve, all requests are
refused except those an administrator needs to repair it: the remaining space is for sign-ins and the journal.
"""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from ged.errors import DiskFull

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SMALL_BYTES = 65_536
"""Requests up to this size are small. Larger than any form that people fill in by hand."""


@dataclass(frozen=True)
class Space:
    """The disk of a folder, and how much of it is kept free."""

    folder: Path
    reserve_bytes: int

    def free_bytes(self) -> int:
        """The free bytes now."""
        return shutil.disk_usage(self.folder).free

    def is_low(self) -> bool:
        """Whether less than the reserve is free."""
        return self.free_bytes() < self.reserve_bytes

    def check(self, size_bytes: int) -> None:
        """Refuse a request without enough free space, before its first byte is read.

        Raises:
            DiskFull: ``disk.low``.
        """
        free = self.free_bytes()
        kept = self.reserve_bytes if size_bytes > SMALL_BYTES else self.reserve_bytes // 4
        if free - size_bytes < kept:
            raise DiskFull("disk.low", "free space on the server's disk", free_bytes=free)


def disk_full_of(error: OSError) -> DiskFull | None:
    """The ``DiskFull`` error of a write that failed for lack of space; None when it failed for another reason."""
    if error.errno not in NO_SPACE:
        return None
    return DiskFull("disk.full", "free space on the server's disk, then send again", retryable=True)
