"""What a page looks like from afar, in 64 hexadecimal digits: the same sheet scanned twice gives nearly the same.

The page is cut into sixteen by sixteen fields; each gives a bit: more ink than the middle one of them, or less. Skew,
light and a stamp change a few of them, another letter about half.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ocr import filters

SIDE = 16
_WORK_PX = 256


def likeness_of(path: Path) -> str:
    """The likeness of a page image that we made ourselves."""
    with Image.open(path, formats=["JPEG", "WEBP", "PNG"]) as picture:
        return likeness(picture)


def likeness(page: Image.Image) -> str:
    """The likeness of a page, whatever its size: 256 bits as hexadecimal digits."""
    gray = page.convert("L").resize((_WORK_PX, _WORK_PX), Image.Resampling.BOX)
    # Ink against the paper around it: a lamp that dims to one side is no ink.
    paper = np.asarray(filters.greatest(gray, 9).filter(ImageFilter.BoxBlur(12)), dtype=np.float32)
    ink = np.clip(paper - np.asarray(gray, dtype=np.float32), 0, None)
    ink[ink < 12] = 0  # grain
    step = _WORK_PX // SIDE
    fields = ink.reshape(SIDE, step, SIDE, step).mean(axis=(1, 3))
    bits = fields.ravel() > np.median(fields)
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):0{SIDE * SIDE // 4}x}"
