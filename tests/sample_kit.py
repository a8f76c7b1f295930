"""What the usual run leaves out of a matrix of cases: a fair part of it, which is always the same part."""

from __future__ import annotations

import os
import zlib

LONG_RUN = "GED_TEST_LONG" in os.environ


def in_turn(name: str, of: int) -> bool:
    """Whether this run looks at the case with this name: the usual run at one of so many, the long run at all.

    The name alone decides: a case that is added or removed leaves the choice of the others as it is.
    """
    return LONG_RUN or zlib.crc32(name.encode()) % of == 0
