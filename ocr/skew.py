"""Finds the rules of a page, and by how much its lines are skewed. It needs scipy, which takes long to import."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ocr.clean import Mask
from ocr.image import shrink

MAX_SKEW_DEGREES = 6.0
MIN_SKEW_DEGREES = 0.25
_STROKE_PX = 20  # of a page of 1000 pixels: so short, the frame of a leaning stamp counts too
_MANY_STROKES = 0.2  # of the rows or columns
_WRITTEN = 190  # of a freshened page, darker than this


def rules(mask: Mask, length_px: int) -> Mask:
    """The pixels of ink of rules, frames and edges: straight strokes, level or upright, of at least ``length_px``.

    Only rows and columns with so long a stroke are filtered: most pages have few.
    """
    found = np.zeros_like(mask)
    for axis in (0, 1):
        places = _with_long_strokes(mask, length_px, axis)
        if places.size:
            # A copy of most columns would take longer than it saves.
            some = slice(None) if places.size > _MANY_STROKES * mask.shape[1 - axis] else places
            where = (some, slice(None)) if axis else (slice(None), some)
            thin = ndimage.minimum_filter1d(mask[where].view(np.uint8), length_px, axis=axis)
            found[where] |= ndimage.maximum_filter1d(thin, length_px + 4, axis=axis) > 0
    return found


def _with_long_strokes(mask: Mask, length_px: int, axis: int) -> npt.NDArray[np.intp]:
    """The lines along an axis that may have a stroke of this length, or of half of it at an edge, which the filters mirror.

    Eight pixels are looked at together: half a stroke holds at least this many whole bytes, in the last of which bits may lack.
    """
    whole = (length_px // 2 - 14) // 8
    if whole < 1 or mask.shape[axis] < 2 * length_px:
        return np.arange(mask.shape[1 - axis])
    full = np.packbits(mask, axis=axis) == 255
    if axis == 0:
        full = full.T
    run = full
    for step in range(1, whole):
        run = run[:, :-1] & full[:, step:]
    return np.flatnonzero(run.any(axis=1))


def skew_degrees(fresh: Image.Image) -> float:
    """Estimate the skew of lines of text in degrees, positive when they fall to the right; 0 when unsure.

    The ink is sheared by each angle; at the angle where lines are level, the row profile has the sharpest edges. The
    error, measured on 80 drawn pages: 0.05 degrees in the mean, 0.42 at worst; with rules and frames, 1.4 at worst. On
    carbon copies that are not freshened, no skew is found.

    Args:
        fresh: the page as ``ocr.paper.freshened`` returns it.
    """
    mask = np.asarray(shrink(fresh, 1000)) < _WRITTEN
    mask &= ~rules(mask, _STROKE_PX)
    height, width = mask.shape
    margin_y, margin_x = height // 25, width // 25
    ys, xs = np.nonzero(mask[margin_y : height - margin_y, margin_x : width - margin_x])
    if len(ys) < 500 or len(ys) > 0.4 * mask.size:
        return 0.0
    if len(ys) > 60_000:
        step = len(ys) // 60_000 + 1
        ys, xs = ys[::step], xs[::step]
    level = _sharpness(ys, xs, 0.0)
    coarse = max(np.arange(-MAX_SKEW_DEGREES, MAX_SKEW_DEGREES + 0.1, 0.5), key=lambda a: _sharpness(ys, xs, float(a)))
    fine = max(np.arange(coarse - 0.4, coarse + 0.41, 0.1), key=lambda a: _sharpness(ys, xs, float(a)))
    best = float(fine)
    if abs(best) < MIN_SKEW_DEGREES or _sharpness(ys, xs, best) < 1.08 * level:
        return 0.0
    return best


def _sharpness(ys: npt.NDArray[np.intp], xs: npt.NDArray[np.intp], degrees: float) -> float:
    sheared = ys - xs * math.tan(math.radians(degrees))
    rows = np.bincount((sheared - sheared.min()).astype(np.intp))
    return float(np.square(np.diff(rows.astype(np.float64))).sum())
