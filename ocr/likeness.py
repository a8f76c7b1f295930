"""A perceptual hash of a page, in 64 hexadecimal digits: two scans of one sheet give nearly the same hash.

The page is divided into 16 x 16 fields. Each field gives a bit: more ink than the median field, or not. Skew, light and
a stamp change a few bits; another letter changes about half of the bits.
"""

import numpy as np
from PIL import Image, ImageFilter

from ocr import filters

SIDE = 16
_WORK_PX = 256


def likeness(page: Image.Image) -> str:
    """The hash of a page of any size: 256 bits as hexadecimal digits."""
    gray = page.convert("L").resize((_WORK_PX, _WORK_PX), Image.Resampling.BOX)
    # Ink relative to the paper around it: a lamp that dims to one side must not count as ink.
    paper = np.asarray(filters.greatest(gray, 9).filter(ImageFilter.BoxBlur(12)), dtype=np.float32)
    ink = np.clip(paper - np.asarray(gray, dtype=np.float32), 0, None)
    ink[ink < 12] = 0  # grain
    step = _WORK_PX // SIDE
    fields = ink.reshape(SIDE, step, SIDE, step).mean(axis=(1, 3))
    bits = fields.ravel() > np.median(fields)
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):0{SIDE * SIDE // 4}x}"
