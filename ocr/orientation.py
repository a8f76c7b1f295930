"""Detects, without reading, whether lines of writing run across a page or up and down."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr.image import shrink
from ocr.rules import rules

_LONG_SIDE_PX = 800
_RULE_PX = 60  # longer strokes are rules, frames and edges
_MAX_LEAN_DEGREES = 5
_ENOUGH_INK = 300


def runs_upright(fresh: Image.Image) -> float:
    """How much more regular the writing is down the page than across it: above 1, the page lies on its side.

    Lines of writing make the sum of ink jump from row to row. A page with too little ink gives 0.

    Args:
        fresh: the page as ``ocr.paper.freshened`` returns it.
    """
    small = shrink(fresh, _LONG_SIDE_PX)
    mask = np.asarray(small) < 160
    mask &= ~rules(mask, _RULE_PX)
    if int(mask.sum()) < _ENOUGH_INK:
        return 0.0
    across, down = _regularity(mask), _regularity(mask.T)
    return down / max(across, 1e-9)


def _regularity(mask: npt.NDArray[np.bool_]) -> float:
    """How sharply the row sums change, at the best of a few small skew angles."""
    ys, xs = np.nonzero(mask)
    if len(ys) > 40_000:
        ys, xs = ys[:: len(ys) // 40_000 + 1], xs[:: len(xs) // 40_000 + 1]
    best = 0.0
    for degrees in range(-_MAX_LEAN_DEGREES, _MAX_LEAN_DEGREES + 1):
        leaning = ys - xs * math.tan(math.radians(degrees))
        rows = np.bincount((leaning - leaning.min()).astype(np.intp)).astype(np.float64)
        best = max(best, float(np.square(rows[2:] - rows[:-2]).sum()))
    return best
