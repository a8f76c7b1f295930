"""Pages are written as PNG and read back pixel by pixel, with their resolution."""

import io
import random

import pytest
from PIL import Image

from scanner_bridge.png import encode


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (33, 64)])
def test_every_pixel_comes_back(mode: str, size: tuple[int, int]) -> None:
    noise = random.Random(1).randbytes(size[0] * size[1] * 3)
    image = Image.frombytes("RGB", size, noise).convert(mode)
    back = Image.open(io.BytesIO(encode(image, 300.0)))
    assert (back.format, back.mode, back.size) == ("PNG", mode, size)
    assert back.tobytes() == image.tobytes()
    assert [round(value) for value in back.info["dpi"]] == [300, 300]
    back.close()
    Image.open(io.BytesIO(encode(image, 300.0))).verify()
