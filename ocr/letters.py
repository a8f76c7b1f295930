"""Measures the letters of a page, so that it is read at the size that they need, whatever resolution its file states."""

import numpy as np
from PIL import Image
from scipy import ndimage

from ocr.rules import rules

ENOUGH_PX, ENOUGH_SHRUNK_PX, NEEDED_PX = 13, 10, 16
"""Heights of letters, as ``letter_height_px`` measures them: a page of smaller ones than the first is enlarged until they
have the third. The second holds for a page that is already shrunk, for its pixels are sharper. Measured on real typescripts:
larger letters gained next to nothing, smaller letters lost up to an eighth of the words."""
WIDE_ENOUGH_PX = 12
"""Smaller letters are not squeezed: a squeezed m becomes an n. They take no longer in full width, for fewer of their
lines are then read twice."""
SHORT_LINES = 50
"""The width of a page in heights of its letters: a page that is no wider is not squeezed (a till receipt has 45, a typescript 75 and
more). Measured on drawn receipts: 0.02 more of the words and of the amounts, in no more time."""
AGAIN_PX, MAX_AGAIN = 22, 1.5
"""What is doubtful is read again with letters of this height, if the file has the pixels; a larger page takes longer to take
apart into lines. Measured on 39 real typescripts: 0.004 more of the words, in less time, for fewer places are left to read."""
MAX_ENLARGING, MAX_LONG_SIDE_PX = 3.0, 3508

_WRITTEN = 160  # of a freshened page, darker than this: broken letters still hold together
_HEIGHTS_PX = (4, 80)
_NARROW, _WIDE = 1 / 3, 2.0  # width of a letter, of its height; others are strokes, rules and joined letters
_ENOUGH_LETTERS = 20
_RULE_PX = 60
_TOUCHING = np.ones((3, 3), dtype=np.uint8)


def letter_height_px(fresh: Image.Image) -> int:
    """The height of most letters in pixels; 0 if there are too few.

    Each piece of ink counts by its area, for specks and pieces of broken letters are many, but small.

    Args:
        fresh: the page as ``ocr.paper.freshened`` returns it.
    """
    mask = np.asarray(fresh) < _WRITTEN
    mask = mask & ~rules(mask, _RULE_PX)
    pieces = ndimage.find_objects(ndimage.label(mask, structure=_TOUCHING)[0])
    if len(pieces) < _ENOUGH_LETTERS:
        return 0
    sides = np.array([[part.stop - part.start for part in piece] for piece in pieces])
    heights, widths = sides[:, 0], sides[:, 1]
    low, high = _HEIGHTS_PX
    like_letters = (heights >= low) & (heights < high) & (widths > _NARROW * heights) & (widths < _WIDE * heights)
    if int(like_letters.sum()) < _ENOUGH_LETTERS:
        return 0
    heights, widths = heights[like_letters], widths[like_letters]
    areas = np.bincount(heights, weights=(heights * widths).astype(np.float64), minlength=high)
    return int(ndimage.gaussian_filter1d(areas, 1.0).argmax())


def enlarging(height_px: int, long_side_px: int, *, shrunk: bool) -> float:
    """How many times larger a page must be, so that its letters read well: 1 or more.

    Args:
        height_px: of its letters, as ``letter_height_px`` returns it.
        long_side_px: of the page.
        shrunk: it has fewer pixels than its file.
    """
    if not 0 < height_px < (ENOUGH_SHRUNK_PX if shrunk else ENOUGH_PX):
        return 1.0
    return max(1.0, min(NEEDED_PX / height_px, MAX_ENLARGING, MAX_LONG_SIDE_PX / long_side_px))


def may_be_squeezed(height_px: float, width_px: int) -> bool:
    """Whether letters of this height (0: unknown) still read well when a page of this width is squeezed."""
    return not height_px or (height_px >= WIDE_ENOUGH_PX and width_px > SHORT_LINES * height_px)


def again_long_side_px(height_px: float, long_side_px: int, file_long_side_px: int) -> int:
    """The long side of a page whose doubtful lines are read again: as before, or larger.

    Args:
        height_px: of its letters on the page as it is read first; 0: unknown.
        long_side_px: of the page as it is read first.
        file_long_side_px: of the page in its file.
    """
    larger = min(MAX_AGAIN, AGAIN_PX / height_px) if height_px else MAX_AGAIN
    return max(long_side_px, min(file_long_side_px, round(larger * long_side_px)))
