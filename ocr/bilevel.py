"""Separates ink from paper in two tones, for the page of the PDF: full resolution, clean paper, no faint stroke lost.

The threshold adapts to the strokes around: it is half of their strength. So a carbon copy keeps letters that a fixed
threshold would drop. It is never below the grain of the paper, or the show-through of the other side.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from ocr import filters
from ocr.filters import Mask

Gray = npt.NDArray[np.uint8]
Tones = npt.NDArray[np.float32]

CELL = 8
_AROUND = 9  # cells: 6 mm at 300 dpi
_MAX_LIMIT = 0.42  # of the paper's light: a stroke of full strength is cut at its edge
_MIN_LIMIT = 0.17
_SHOW_THROUGH = 0.24  # of the page's strongest strokes: weaker marks are those of the other side
_GRAIN = 4.5  # standard deviations
_SPREAD_TO_DEVIATION = (
    1.13  # of 16 means of four pixels: mean minus least is 1.77 of their deviation, half of a pixel's
)


def paper_of(eighth: Image.Image) -> Image.Image:
    """Brightness of the paper around each cell, for a mode ``L`` image at an eighth of its size."""
    return filters.greatest(eighth, _AROUND).filter(ImageFilter.GaussianBlur(8))


def ink(gray: Image.Image) -> Mask:
    """The pixels of a mode ``L`` page that are ink."""
    half = gray.reduce(2)
    eighth = half.reduce(CELL // 2)
    paper = np.maximum(np.asarray(paper_of(eighth)).astype(np.float32), 1)
    least, mean = _least_light(half, eighth)
    spread = float(np.median((mean - least) / paper))
    strength = 1 - least / paper
    around = filters.greatest(Image.fromarray(np.clip(strength * 255, 0, 255).astype(np.uint8)), _AROUND)
    near = np.asarray(around.filter(ImageFilter.GaussianBlur(4))).astype(np.float32) / 255
    strongest = float(np.percentile(near, 98))
    floor = max(_MIN_LIMIT, _GRAIN * _SPREAD_TO_DEVIATION * spread, _SHOW_THROUGH * strongest)
    share = 1 - np.clip(0.5 * near, min(floor, _MAX_LIMIT), _MAX_LIMIT)
    return filters.with_company(_darker(np.asarray(gray), (paper * share).astype(np.uint8)))  # the rest is dust


def _darker(plane: Gray, limits: Gray) -> Mask:
    """The pixels that are darker than the threshold of their cell."""
    wide = np.repeat(limits, CELL, axis=1)[:, : plane.shape[1]]
    result = np.empty(plane.shape, dtype=np.bool_)
    for row in range(CELL):  # one row of every cell at a time: this avoids enlarging the thresholds to a full page
        rows = plane[row::CELL]
        np.less(rows, wide[: len(rows)], out=result[row::CELL])
    return result


def _least_light(half_size: Image.Image, eighth: Image.Image) -> tuple[Tones, Tones]:
    """The darkest point (of four pixels) and the mean of each cell."""
    half = np.asarray(half_size)
    rows, columns = eighth.height, eighth.width
    padded = np.pad(half, ((0, 4 * rows - half.shape[0]), (0, 4 * columns - half.shape[1])), mode="edge")
    lines = np.minimum.reduce([padded[n::4] for n in range(4)])
    least = np.minimum.reduce([lines[:, n::4] for n in range(4)])
    return least.astype(np.float32), np.asarray(eighth).astype(np.float32)


def two_tones(mask: Mask) -> Image.Image:
    """A mode ``1`` image, ink as 1."""
    height, width = mask.shape
    return Image.frombytes("1", (width, height), np.packbits(mask, axis=1).tobytes())
