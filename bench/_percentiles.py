"""Percentiles of measured times."""

import math
from collections.abc import Iterable


def percentile_95(found: Iterable[float]) -> float:
    """The least of the numbers, of which there is one at least, that 95 of 100 do not exceed."""
    ordered = sorted(found)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]
