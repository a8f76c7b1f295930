"""What the usual run leaves out of a matrix of cases: a fair part of it, which is always the same part."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection

LONG_RUN = "GED_TEST_LONG" in os.environ


def in_turn(name: str, of: int) -> bool:
    """Whether this run looks at the case with this name: the usual run at one of so many, the long run at all.

    The name alone decides: a case that is added or removed leaves the choice of the others as it is.
    """
    return LONG_RUN or zlib.crc32(name.encode()) % of == 0


def examples(many: int) -> int:
    """How many examples a test of a property draws that draws so many in the long run."""
    return many if LONG_RUN else many * 2 // 5


def share(matrix: str, names: Collection[str], of: int) -> frozenset[str]:
    """The cases of a matrix that are in turn in the usual run: one of so many, and at least one.

    Their names alone decide. Where none would be in turn, the one with the least digest is.
    """
    digests = {name: zlib.crc32(f"{matrix} {name}".encode()) for name in names}
    least = min(digests, key=lambda name: (digests[name] % of, digests[name]))
    return frozenset(name for name in names if digests[name] % of == 0) | {least}
