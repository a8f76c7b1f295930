"""Page images for the screen."""

import io

from PIL import Image

from ocr.image import shrink

SITE_FIRST_BYTES = 60_000
SITE_OTHER_BYTES = 120_000
# The first: 1280 across on A4, where letters of 8 points can be read.
_STEPS = ((1810, 20), (1810, 6), (1810, 1), (1600, 4), (1400, 4), (1200, 4), (1000, 4))
_WEBP_EFFORT = 2  # measured: 0 makes a third more bytes, 4 a twentieth fewer in four times the time


def site_webp(image: Image.Image, *, limit_bytes: int) -> bytes:
    """A page for the screen, at the best of a few qualities that stays within ``limit_bytes`` (or the smallest).

    WebP, which browsers have shown since 2020: letters keep their edges in two thirds of a JPEG's bytes.
    """
    data = b""
    smaller = image
    for long_side_px, quality in _STEPS:
        smaller = shrink(smaller, long_side_px)
        target = io.BytesIO()
        smaller.save(target, format="WEBP", quality=quality, method=_WEBP_EFFORT)
        data = target.getvalue()
        if len(data) <= limit_bytes:
            break
    return data


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Code a JPEG without any of the original's metadata."""
    target = io.BytesIO()
    image.save(target, format="JPEG", quality=quality, optimize=True)
    return target.getvalue()
