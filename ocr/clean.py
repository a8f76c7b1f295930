"""Measures and corrects a page image: skew, emptiness, ink."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import ndimage

from ocr import filters
from ocr.image import grayscale, shrink

Gray = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

MAX_SKEW_DEGREES = 6.0
MIN_SKEW_DEGREES = 0.25
FINE_LONG_SIDE_PX = 3000
_STROKE_PX = 20  # of a page of 1000 pixels: so short, the frame of a leaning stamp counts too
_MANY_STROKES = 0.2  # of the rows or columns
_WRITTEN = 190  # of a freshened page, darker than this
_INK = 0.62  # darker than this share of the paper around it is ink
_FAINT_INK = 0.8  # where the question is whether there is any
_DARK_PAGE, _PAPER = 100, 160  # levels of light; at 400 pixels thin letters are grey
_SHEET_SHARE = 0.05  # so much paper on a dark page is a sheet on the scanner's bed
_NEGATIVE_CONTRAST = 20
_BLANK_INK_SHARE = 0.0003  # of a page: half of one short line of text


def ink(gray: Image.Image, share: float = _INK) -> Mask:
    """The pixels that are ink: darker than the paper around them, so that shadows and yellow paper do not count."""
    eighth = shrink(gray, max(64, max(gray.size) // 8))
    paper = filters.greatest(eighth, 9).filter(ImageFilter.GaussianBlur(8))
    limit = paper.point(lambda value: value * share).resize(gray.size, Image.Resampling.NEAREST)
    mask: Mask = np.asarray(gray) < np.asarray(limit)
    return mask


def is_negative(gray: Image.Image) -> bool:
    """Whether writing is light on a dark page, as on negative copies; a small sheet on a dark bed does not count."""
    levels = np.asarray(shrink(gray, 400))
    dark, middle, light = (float(level) for level in np.percentile(levels, (0.5, 50, 99.5)))
    if middle > _DARK_PAGE or float((levels > _PAPER).mean()) > _SHEET_SHARE:
        return False
    return light - middle > max(_NEGATIVE_CONTRAST, 2 * (middle - dark))


def blank_score(image: Image.Image) -> float:
    """How empty a page is, from 0 (full) to 1 (empty); dust, noise, shadows and black edges do not count as writing."""
    small = filters.median(shrink(grayscale(image), 900))
    mask = filters.with_company(ink(small, _FAINT_INK))  # the rest is dust
    margin_y, margin_x = max(1, mask.shape[0] // 30), max(1, mask.shape[1] // 30)
    inner = mask[margin_y:-margin_y, margin_x:-margin_x]
    share = float(inner.mean()) if inner.size else 0.0
    dark = float((np.asarray(small) < 60).mean())
    if dark > 0.5:  # a black page is no blank page
        return 0.0
    return math.exp(-share / _BLANK_INK_SHARE)


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


def levelled(image: Image.Image, degrees: float) -> Image.Image:
    """Turn a page back by ``degrees``, by which its lines fall to the right; new areas at the edges are white.

    A page of 300 dpi is turned by whole pixels: this takes a sixth of the time, and black on white looks the same.
    """
    how = Image.Resampling.NEAREST if max(image.size) > FINE_LONG_SIDE_PX else Image.Resampling.BILINEAR
    return image.rotate(degrees, how, fillcolor="white") if degrees else image
