"""What the usual run leaves out of many cases or tests: a fair part of them. Each turn takes its own part, at every call."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection

LONG_RUN = "GED_TEST_LONG" in os.environ
IN_TURNS = "GED_TEST_TURN" in os.environ and not LONG_RUN
"""Whether large modules are run in parts: `make test` does so. Who calls pytest for a module gets all its tests."""
TURN = int(os.environ.get("GED_TEST_TURN") or 0)
"""Which part the usual run takes. Of a choice of one in three, three turns in a row take everything once."""


def in_turn(name: str, of: int) -> bool:
    """Whether this run looks at the case with this name: the usual run at one of so many, the long run at all.

    The name and the turn alone decide: a case that is added or removed leaves the choice of the others as it is.
    """
    return LONG_RUN or _digest(name) % of == 0


def tests_in_turn(names: Collection[str], of: int) -> frozenset[str]:
    """The tests of a module that this run takes, by their names: in a module of at least so many tests, each turn takes one or more.

    Chance leaves some small modules without a test in a turn. Then the test whose turn comes next is taken.
    """
    chosen = frozenset(name for name in names if in_turn(name, of))
    if chosen or len(names) < of:
        return chosen
    return frozenset([max(names, key=lambda name: (_digest(name) % of, name))])


def _digest(name: str) -> int:
    return zlib.crc32(name.encode()) + TURN


def examples(many: int) -> int:
    """How many examples a test of a property draws that draws so many in the long run."""
    return many if LONG_RUN else many * 2 // 5


def share(matrix: str, names: Collection[str], of: int) -> frozenset[str]:
    """The cases of a matrix that are in turn in the usual run: one of so many, and at least one.

    Their names and the turn alone decide. Where none would be in turn, the one with the least digest is.
    """
    digests = {name: _digest(f"{matrix} {name}") for name in names}
    least = min(digests, key=lambda name: (digests[name] % of, digests[name]))
    return frozenset(name for name in names if digests[name] % of == 0) | {least}
