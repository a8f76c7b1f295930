"""Detects faults of a scan that spoil its reading, on a small image, so that the clerk learns of them before numbering.

A false alarm costs a clerk more than a missed fault, because the reading itself finds an illegible letter. So each
limit is well beyond a usual page of an office.
"""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr import filters
from ocr.image import shrink

Gray = npt.NDArray[np.float32]

TOO_DARK, TOO_LIGHT, CUT_EDGE, LOW_RESOLUTION, SKEWED = "too_dark", "too_light", "cut_edge", "low_resolution", "skewed"
SIDEWAYS = "sideways"

LONG_SIDE_PX = 900
MIN_DPI = 150
MIN_LONG_SIDE_PX = 1500
"""A4 at 130 dpi. Only a page that is both small and coarse is reported: a photograph has no true resolution."""
DARK_PAPER = 95
"""Gray level of the paper below which thin strokes are lost (an office scan is above 180, grey folders above 120)."""
FAINT_CONTRAST = 0.28
"""Least share of the paper's brightness that legible strokes remove; a worn carbon copy removes 0.4."""
MARK_CONTRAST, MARK_SHARE = 0.22, 0.0004
"""A pale stamp removes a quarter of the light and more; show-through less than a fifth."""
MAX_SKEW_DEGREES = 5.5
"""The reading levels up to 6 degrees; a page measured above this limit is beyond that."""


_BLOCK = 16
_ANGLES = np.arange(-16.0, 16.1, 1.0)


def warnings(gray: Image.Image, *, full_size: tuple[int, int], dpi: int, blank: bool) -> tuple[str, ...]:
    """The faults of a page.

    Args:
        gray: the page, at any size.
        full_size: its pixels before any shrinking.
        dpi: as the file states; 0 when it does not.
        blank: whether the page looks blank: a blank page is reported only if it may have faint writing.
    """
    page = np.asarray(shrink(gray, LONG_SIDE_PX), dtype=np.float32)
    paper = _paper(page)
    dark = 1.0 - page / paper
    found = []
    if float(np.percentile(page, 80)) < DARK_PAPER:
        found.append(TOO_DARK)
    elif _is_faint(dark):
        found.append(TOO_LIGHT)
    if max(full_size) < MIN_LONG_SIDE_PX and dpi < MIN_DPI:
        found.append(LOW_RESOLUTION)
    if not blank and not found:
        ink = dark > 0.38
        found += _placed_badly(ink)
    return tuple(found)


def bears_faint_mark(gray: Image.Image) -> bool:
    """Whether a page without ink has a pale stamp or pencil: marks darker than the show-through of thin paper."""
    small = filters.median(shrink(gray, LONG_SIDE_PX))
    page = np.asarray(small, dtype=np.float32)
    return float((_inner(1.0 - page / _paper(page)) > MARK_CONTRAST).mean()) > MARK_SHARE


def _paper(page: Gray) -> Gray:
    """The brightness of the paper around each pixel: the bright side of each cell of a coarse grid."""
    cell = 30
    rows, columns = -(-page.shape[0] // cell), -(-page.shape[1] // cell)
    padded = np.pad(page, ((0, rows * cell - page.shape[0]), (0, columns * cell - page.shape[1])), mode="edge")
    # One pixel of nine is enough to measure the paper.
    cells = padded.reshape(rows, cell, columns, cell)[:, ::3, :, ::3].swapaxes(1, 2).reshape(rows, columns, -1)
    bright = cells.shape[2] * 4 // 5
    level = np.partition(cells, bright, axis=2)[:, :, bright]
    level = np.maximum(level, np.percentile(level, 50) * 0.5)
    wide = np.kron(level, np.ones((cell, cell), np.float32))[: page.shape[0], : page.shape[1]]
    paper: Gray = np.maximum(wide, np.float32(1.0)).astype(np.float32, copy=False)
    return paper


def _is_faint(dark: Gray) -> bool:
    """Whether there is writing, all of it faint: strokes stand out from the grain, but none is as dark as ink."""
    inner = _inner(dark)[::2, ::2]
    grain = float(np.median(np.abs(inner))) * 1.4826
    strokes = inner[inner > max(0.05, 5.0 * grain)]
    if strokes.size < 0.004 * inner.size:
        return False
    return float(np.percentile(strokes, 95)) < FAINT_CONTRAST


def _inner(page: Gray) -> Gray:
    margin_y, margin_x = max(1, page.shape[0] // 25), max(1, page.shape[1] // 25)
    return page[margin_y:-margin_y, margin_x:-margin_x]


def _placed_badly(ink: npt.NDArray[np.bool_]) -> list[str]:
    found = []
    if _is_cut(ink):
        found.append(CUT_EDGE)
    level, upright = _lean(ink), _lean(ink.T)
    if upright[1] > 1.6 * level[1]:
        found.append(SIDEWAYS)
        level = upright
    if abs(level[0]) > MAX_SKEW_DEGREES:
        found.append(SKEWED)
    return found


def _is_cut(ink: npt.NDArray[np.bool_]) -> bool:
    """Whether lines of text run into an edge: it has many short pieces of ink; a scanner's border is one long piece."""
    width = ink.shape[1]
    deep = max(3, width // 200)
    sides = ((ink[:, :deep], 8), (ink[:, -deep:], 8), (ink[:deep, :].T, 18), (ink[-deep:, :].T, 18))
    return any(_short_pieces(side) >= least for side, least in sides)


def _short_pieces(side: npt.NDArray[np.bool_]) -> int:
    """The number of pieces of ink at an edge that are as long as a letter, with paper between them."""
    held = side.mean(axis=1) > 0.3
    steps = np.diff(np.concatenate(([0], held.astype(np.int8), [0])))
    starts, ends = np.nonzero(steps == 1)[0], np.nonzero(steps == -1)[0]
    if held.mean() > 0.5:
        return 0
    length = ends - starts
    return int(((length >= 2) & (length <= len(held) // 40)).sum())


def _lean(ink: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The angle at which rows of ink are sharpest, and their sharpness there, independent of the amount of ink."""
    margin_y, margin_x = ink.shape[0] // 20, ink.shape[1] // 20
    inner = ink[margin_y : ink.shape[0] - margin_y, margin_x : ink.shape[1] - margin_x]
    if not 0.005 <= float(inner.mean()) <= 0.35:
        return 0.0, 0.0
    columns = inner.shape[1] // _BLOCK
    # Ink is summed over two rows and a block of columns: a skew is then a shift of each block.
    rows = inner.shape[0] // 2
    cut = inner[: rows * 2, : columns * _BLOCK].reshape(rows, 2, columns, _BLOCK)
    blocks = cut.sum(axis=(1, 3), dtype=np.float32)
    sharp = [_sharpness(blocks, float(angle)) for angle in _ANGLES]
    best = int(np.argmax(sharp))
    return (float(_ANGLES[best]) if sharp[best] > 1.6 * float(np.median(sharp)) else 0.0), sharp[best]


def _sharpness(blocks: Gray, degrees: float) -> float:
    height, columns = blocks.shape
    fall = math.tan(math.radians(degrees)) * _BLOCK / 2
    shift = np.round((np.arange(columns) - columns / 2) * fall).astype(np.intp)
    rows = blocks[(np.arange(height)[:, None] + shift) % height, np.arange(columns)].sum(axis=1)
    return float(np.square(np.diff(rows)).mean() / max(float(rows.mean()) ** 2, 1e-6))
