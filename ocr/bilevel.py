"""Ink on paper in two tones, for the page of the PDF: full resolution, clean paper, and nothing faint lost.

The limit between ink and paper follows the strokes around: half of their strength, so that a carbon copy keeps its
letters where a fixed limit would drop them, and never less than the grain of the paper or what shows through it.
"""

from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Mask = npt.NDArray[np.bool_]
Tones = npt.NDArray[np.float32]

CELL = 8
_AROUND = 4  # cells: 3 mm at 300 dpi
_MAX_LIMIT = 0.42  # of the paper's light: a stroke of full strength is cut at its edge
_MIN_LIMIT = 0.17
_SHOW_THROUGH = 0.24  # of the page's strongest strokes: weaker marks are those of the other side
_GRAIN = 4.5  # standard deviations
_SPREAD_TO_DEVIATION = (
    1.13  # of 16 means of four pixels: mean minus least is 1.77 of their deviation, half of a pixel's
)


def cells(image: Image.Image) -> Image.Image:
    """The image at an eighth of its size."""
    return image.reduce(CELL)


def paper_of(eighth: Image.Image) -> Image.Image:
    """Light of the paper around each cell, for a mode ``L`` image at an eighth of its size."""
    return Image.fromarray(_lightest(np.asarray(eighth))).filter(ImageFilter.GaussianBlur(8))


def _lightest(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The greatest value within four cells (a rank filter takes fifty times as long)."""
    result = np.pad(plane, _AROUND, mode="edge")
    for _ in range(2):
        length = result.shape[0] - 2 * _AROUND
        result = np.maximum.reduce([result[n : n + length] for n in range(2 * _AROUND + 1)]).T
    return result


def ink(gray: Image.Image) -> Mask:
    """Say which pixels of a mode ``L`` page are ink."""
    eighth = cells(gray)
    paper = np.maximum(np.asarray(paper_of(eighth)).astype(np.float32), 1)
    least, mean = _least_light(gray, eighth)
    spread = float(np.median((mean - least) / paper))
    strength = 1 - least / paper
    around = _lightest(np.clip(strength * 255, 0, 255).astype(np.uint8))
    near = np.asarray(Image.fromarray(around).filter(ImageFilter.GaussianBlur(4))).astype(np.float32) / 255
    strongest = float(np.percentile(near, 98))
    floor = max(_MIN_LIMIT, _GRAIN * _SPREAD_TO_DEVIATION * spread, _SHOW_THROUGH * strongest)
    share = 1 - np.clip(0.5 * near, min(floor, _MAX_LIMIT), _MAX_LIMIT)
    limit = Image.fromarray((paper * share).astype(np.uint8)).resize(gray.size, Image.Resampling.NEAREST)
    return without_specks(np.asarray(gray) < np.asarray(limit))


def _least_light(gray: Image.Image, eighth: Image.Image) -> tuple[Tones, Tones]:
    """The darkest point (of four pixels) and the mean of each cell."""
    half = np.asarray(gray.reduce(2))
    rows, columns = eighth.height, eighth.width
    padded = np.pad(half, ((0, 4 * rows - half.shape[0]), (0, 4 * columns - half.shape[1])), mode="edge")
    lines = np.minimum.reduce([padded[n::4] for n in range(4)])
    least = np.minimum.reduce([lines[:, n::4] for n in range(4)])
    return least.astype(np.float32), np.asarray(eighth).astype(np.float32)


def without_specks(mask: Mask) -> Mask:
    """Take away pixels with at most one neighbour: dust and noise, no stroke of a letter."""
    padded = np.pad(mask, 1).astype(np.uint8)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    neighbours = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return cast(Mask, mask & (neighbours > 2))


def two_tones(mask: Mask) -> Image.Image:
    """A mode ``1`` image, ink as 1."""
    height, width = mask.shape
    return Image.frombytes("1", (width, height), np.packbits(mask, axis=1).tobytes())
