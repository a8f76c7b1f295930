"""Takes away the dots that lead from a name to its amount: tesseract reads them as letters, and drops what stands beside them."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ocr import filters
from ocr.filters import Mask

Sides = npt.NDArray[np.intp]

_WRITTEN = 220  # of a freshened page, darker than this: dots are light
# Heights of a letter: the height of a dot, the way to the next one, the length of a row.
_LOW, _NEAR, _LONG = 0.5, 1.6, 4.0
_ROOM_PX = 2
_AROUND_PX = 5
_TOUCHING = np.ones((3, 3), dtype=np.uint8)


def leaders(fresh: Image.Image, letter_px: int, lean: float) -> Mask | None:
    """The pixels of rows of dots, and of dots that ran together; ``None`` if there are none.

    Args:
        fresh: a page as ``ocr.paper.freshened`` returns it.
        letter_px: the height of its letters, as ``letter_height_px`` returns it.
        lean: by how many degrees its lines fall to the right.
    """
    if not letter_px:
        return None
    low = _parts(np.asarray(fresh) < _WRITTEN, lambda high, _: high <= max(3.0, _LOW * letter_px))
    near, fall = round(_NEAR * letter_px), abs(math.tan(math.radians(lean)))
    plane = np.pad(low, near)
    joined = filters.all_along(filters.any_along(plane, near, 1), near, 1)[near:-near, near:-near]
    rows = _parts(
        joined,
        lambda high, wide: (wide >= _LONG * letter_px) & (high <= _LOW * letter_px + _ROOM_PX + 1.2 * fall * wide),
    )
    return rows if rows.any() else None


def _parts(mask: Mask, is_kept: Callable[[Sides, Sides], Mask]) -> Mask:
    """The connected parts of a mask whose heights and widths are as wanted."""
    labels, _ = ndimage.label(mask, structure=_TOUCHING)
    places = ndimage.find_objects(labels)
    if not places:
        return np.zeros_like(mask)
    high, wide = np.array([[side.stop - side.start for side in place] for place in places]).T
    kept: Mask = np.concatenate((np.zeros(1, dtype=np.bool_), is_kept(high, wide)))[labels]
    return kept


def without(image: Image.Image, mask: Mask) -> Image.Image:
    """An image without these pixels: the paper beside them takes their place.

    Args:
        image: mode ``L``.
        mask: for the whole image, of any size.
    """
    grown = filters.any_along(filters.any_along(mask, 3, 0), 3, 1)
    over = Image.fromarray(grown).resize(image.size, Image.Resampling.NEAREST)
    around = round(_AROUND_PX * image.width / mask.shape[1]) * 2 + 1
    result = image.copy()
    result.paste(filters.greatest(image, around), (0, 0), over)
    return result
