"""Finds the rules of a page: straight strokes, which are no writing."""

import numpy as np

from ocr import filters
from ocr.filters import Mask


def rules(mask: Mask, length_px: int) -> Mask:
    """The pixels of ink of rules, frames and edges: straight strokes, level or upright, of at least ``length_px``."""
    found = np.zeros_like(mask)
    for axis in (0, 1):
        strokes = filters.all_along(mask, length_px, axis)
        if strokes.any():
            found |= filters.any_along(strokes, length_px + 4, axis)
    return found
