"""Page images for the screen, made in a child or from nothing: the engine decodes none of them."""

import io

from PIL import Image

from ocr.image import shrink

SITE_FIRST_BYTES = 60_000
SITE_OTHER_BYTES = 120_000
THUMBNAIL_LONG_SIDE_PX = 300
# The first: A4 is 1280 pixels wide, and letters of 8 points can be read.
_STEPS = ((1810, 20), (1810, 6), (1810, 1), (1600, 4), (1400, 4), (1200, 4), (1000, 4))
_WEBP_EFFORT = 2  # measured: 0 makes a third more bytes, 4 a twentieth fewer in four times the time


def site_webp(image: Image.Image, *, limit_bytes: int) -> bytes:
    """A page for the screen, in the best of a few qualities within ``limit_bytes``, else in the smallest.

    WebP, which all browsers show since 2020: edges of letters stay sharp in two thirds of a JPEG's bytes.
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


def thumbnail_jpeg(image: Image.Image) -> bytes:
    """A small picture of a page for lists."""
    return jpeg(shrink(image, THUMBNAIL_LONG_SIDE_PX).convert("RGB"), 70)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Encode a JPEG without any of the original's metadata."""
    target = io.BytesIO()
    image.save(target, format="JPEG", quality=quality, optimize=True)
    return target.getvalue()
