"""The limits of reading uploads."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from ged.errors import DiskFull, Invalid

MIB = 1024 * 1024
MAX_PIXELS = 40_000_000
"""Of one page: A4 at 600 dpi, A3 at 400. In colour this takes 120 MB, and some steps hold four copies."""


@dataclass(frozen=True)
class Limits:
    """The limits of one file.

    Attributes:
        max_pixels: of one page, from its header, before anything is decoded.
        max_pages: of one file.
        memory_limit_bytes: address space of a child process, and of each program that the child starts.
    """

    max_pixels: int = MAX_PIXELS
    max_pages: int = 500
    memory_limit_bytes: int = 2048 * MIB

    def check_pixels(self, width_px: int, height_px: int) -> None:
        """Refuse a page that is too large to decode.

        Raises:
            Invalid: ``file.image_too_large``.
        """
        if width_px * height_px > self.max_pixels:
            raise Invalid(
                "file.image_too_large",
                "Scan the page again at 300 dpi.",
                width_px=width_px,
                height_px=height_px,
                max_pixels=self.max_pixels,
            )

    def check_pages(self, count: int) -> None:
        """Refuse a file with too many pages.

        Raises:
            Invalid: ``file.too_many_pages``.
        """
        if count > self.max_pages:
            raise Invalid("file.too_many_pages", "Send the document in several files.", max_pages=self.max_pages)


def truncated() -> Invalid:
    """The error for a file that is incomplete or damaged."""
    return Invalid("file.truncated", "Send the file again: it is incomplete or damaged.")


FULL = "disk.full"
NEARLY_FULL_BYTES = 32 * MIB


def full() -> DiskFull:
    """The error for a disk without room. The file is not at fault: it is read again once there is room.

    As in ``ged.space``, which an engine may not import.
    """
    return DiskFull(FULL, "Make room on the server's disk, then send again.", retryable=True)


def is_full(error: OSError) -> bool:
    """Whether a write failed for lack of room. A file beyond the limit of a child is another thing."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def refuse_nearly_full(folder: Path) -> None:
    """Where a program made nothing of a file, and does not say why: a disk with hardly any room is taken for the reason.

    Raises:
        DiskFull: ``disk.full``.
    """
    if shutil.disk_usage(folder).free < NEARLY_FULL_BYTES:
        raise full()
