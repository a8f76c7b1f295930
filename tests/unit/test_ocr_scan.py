"""A part of the page as it was scanned is that part of the whole page, level and as large."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from ocr.scan import Scan
from ocr.unread import Box
from tests.ocr_pages import draw

pytestmark = pytest.mark.slow

BOXES = [
    Box(0.1, 0.15, 0.9, 0.2), Box(0.0, 0.0, 0.5, 0.05), Box(0.7, 0.9, 1.0, 1.0), Box(0.0, 0.4, 1.0, 0.44),
    Box(0.1, 0.2, 0.3, 0.24), Box(0.6, 0.2, 0.8, 0.24),
]  # fmt: skip
"""The last two have writing far from the middle: a page that is turned the wrong way has it elsewhere."""


def apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=np.int16) - np.asarray(other)).mean())


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("lean", [0.0, -0.6, 1.7, 4.0])
@pytest.mark.parametrize("long_side_px", [0, 1400, 1754])
def test_a_part_is_the_part_of_the_whole_page(long_side_px: int, lean: float, box: Box) -> None:
    page = draw(size=(1240, 1754)).convert("L").rotate(-lean, Image.Resampling.BILINEAR, fillcolor=255)
    scan = Scan(page, long_side_px=long_side_px, lean=lean)
    part = scan.part(box)
    assert scan.whole.size == scan.size
    whole = box.cut(scan.whole)
    assert part.size == whole.size
    ink = float(np.asarray(ImageOps.invert(whole), dtype=np.int16).mean())
    assert apart(part, whole) <= (0.45 if lean else 0.15) * ink + 0.5
