"""Room on the server's disk: a reserve is kept, so that what is small still finds room when uploads no longer do.

Two lines are drawn. Below the reserve nothing large is taken. Below its fourth part nothing is taken at all but what an
administrator needs to mend it: the rest of the room is for sign-ins and the journal.
"""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from ged.errors import DiskFull

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SMALL_BYTES = 65_536
"""Larger than any form that people fill by hand."""


@dataclass(frozen=True)
class Space:
    """The disk of a folder, and how much of it is kept free."""

    folder: Path
    reserve_bytes: int

    def free_bytes(self) -> int:
        """What is free now."""
        return shutil.disk_usage(self.folder).free

    def is_low(self) -> bool:
        """Whether the reserve is touched."""
        return self.free_bytes() < self.reserve_bytes

    def check(self, size_bytes: int) -> None:
        """Refuse what has no room, before a byte of it is taken.

        Raises:
            DiskFull: ``disk.low``.
        """
        free = self.free_bytes()
        kept = self.reserve_bytes if size_bytes > SMALL_BYTES else self.reserve_bytes // 4
        if free - size_bytes < kept:
            raise DiskFull("disk.low", "free space on the server's disk", free_bytes=free)


def disk_full_of(error: OSError) -> DiskFull | None:
    """The same said of a write that failed for want of room; None when it failed for another reason."""
    if error.errno not in NO_SPACE:
        return None
    return DiskFull("disk.full", "free space on the server's disk, then send again", retryable=True)
