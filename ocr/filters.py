"""Rank filters whose results are those of Pillow and scipy to the pixel, in a fraction of their time.

They work on eight pixels at a time: a mask is packed into bits.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Mask = npt.NDArray[np.bool_]
"""Rows, columns. True: the pixel belongs to the things that are looked for, such as ink."""
Plane = npt.NDArray[np.uint8]
_ONE, _SEVEN = np.uint8(1), np.uint8(7)

# The last pair leaves the fifth of nine in the middle (J. L. Smith, Implementing median filters in XC4000E FPGAs, 1996).
_MEDIAN_OF_NINE = (
    (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3),
    (5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2),
)  # fmt: skip


def greatest(gray: Image.Image, side_px: int) -> Image.Image:
    """The greatest value of the square around each pixel of a mode ``L`` image; edge values repeat outside."""
    plane: Plane = np.pad(np.asarray(gray), side_px // 2, mode="edge")
    height, width = plane.shape
    reach = 1  # each pixel has the greatest value of so many, from itself on
    while reach < side_px:
        step = min(reach, side_px - reach)
        height, width, reach = height - step, width - step, reach + step
        rows = np.maximum(plane[:height], plane[step:])
        plane = np.maximum(rows[:, :width], rows[:, step:])
    return Image.fromarray(plane)


def median(gray: Image.Image) -> Image.Image:
    """The median of the 3 x 3 pixels around each pixel of a mode ``L`` image; edge values repeat outside."""
    padded = np.pad(np.asarray(gray), 1, mode="edge")
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    nine = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    for low, high in _MEDIAN_OF_NINE:
        nine[low], nine[high] = np.minimum(nine[low], nine[high]), np.maximum(nine[low], nine[high])
    return Image.fromarray(nine[4])


def with_company(mask: Mask) -> Mask:
    """The pixels of a mask that have at least two of their eight neighbours in it.

    Eight pixels are counted at a time, as bits of a byte: each bit of the sums has its own plane, as in a full adder.
    """
    width = mask.shape[1]
    bits = np.packbits(np.pad(mask, ((1, 1), (0, 0))), axis=1)
    left, right = _moved_right(bits), _moved_left(bits)
    one, more = left ^ right, left & right  # of the two beside a pixel
    row_one, row_more = bits ^ one, more | (bits & one)  # of all three of its row: 1, and 2 or 3
    above_one, above_more = row_one[:-2], row_more[:-2]
    below_one, below_more = row_one[2:], row_more[2:]
    at_least_two = above_more | below_more | more[1:-1]
    beside = one[1:-1]
    at_least_two |= (above_one & below_one) | (above_one & beside) | (below_one & beside)
    kept = np.unpackbits(at_least_two & bits[1:-1], axis=1, count=width)
    return kept.view(np.bool_)


def all_along(mask: Mask, length_px: int, axis: int) -> Mask:
    """The pixels around which a run of this length is all set; the mask is mirrored at its edges.

    The result is that of scipy's ``minimum_filter1d``.

    Args:
        length_px: at least 1.
        axis: 0: the run goes down the page; 1: across it.
    """
    return _run(mask, length_px, axis, np.bitwise_and)


def any_along(mask: Mask, length_px: int, axis: int) -> Mask:
    """The pixels around which a run of this length has a pixel that is set. Arguments and edges: see ``all_along``."""
    return _run(mask, length_px, axis, np.bitwise_or)


def _run(mask: Mask, length_px: int, axis: int, join: Callable[[Plane, Plane], Plane]) -> Mask:
    room = [(0, 0), (0, 0)]
    room[axis] = length_px // 2, length_px - length_px // 2 - 1
    bits: Plane = np.packbits(np.pad(mask, room, mode="symmetric"), axis=1)
    # Each pixel stands for ``reach`` pixels from itself on. Joined with the pixel that far away, it stands for twice as many.
    reach = 1
    while reach < length_px:
        step = min(reach, length_px - reach)
        later = bits[step:] if axis == 0 else _later(bits, step)
        bits, reach = join(bits[: later.shape[0], : later.shape[1]], later), reach + step
    return np.unpackbits(bits, axis=1, count=mask.shape[1]).view(np.bool_)


def _later(bits: Plane, step_px: int) -> Plane:
    """For each pixel, the one ``step_px`` pixels to its right. Pixels of the last byte may have none."""
    whole, part = divmod(step_px, 8)
    if not part:
        return bits[:, whole:]
    moved = np.left_shift(bits[:, whole:], np.uint8(part))
    moved[:, :-1] |= np.right_shift(bits[:, whole + 1 :], np.uint8(8 - part))
    return moved


def _moved_right(bits: Plane) -> Plane:
    moved = np.right_shift(bits, _ONE)
    moved[:, 1:] |= np.left_shift(bits[:, :-1], _SEVEN)
    return moved


def _moved_left(bits: Plane) -> Plane:
    moved = np.left_shift(bits, _ONE)
    moved[:, :-1] |= np.right_shift(bits[:, 1:], _SEVEN)
    return moved
