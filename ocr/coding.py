"""Codes a page image: a small JPEG for the site, and for the PDF whichever form keeps the page best in few bytes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from ocr import clean
from ocr.image import shrink
from ocr.wire import PagePart, PageTask

SITE_LONG_SIDE_PX = 1600
SITE_FIRST_BYTES = 60_000
SITE_OTHER_BYTES = 120_000
PDF_JPEG_LONG_SIDE_PX = 1754
_PDF_JPEG_QUALITY = 55
_NOISY_BYTES = 100_000  # two tones of a letter are a third of this; only noise makes more
_ROWS_PER_STRIP = 278
_STRIP_OFFSETS = 273
_STRIP_BYTES = 279
_STEPS = ((1600, 72), (1600, 55), (1600, 40), (1400, 35), (1200, 30), (1000, 25))


@dataclass(frozen=True)
class CodedPage:
    """The files of a page image, and the page's size in points."""

    site_image: Path
    image: Path
    coding: str
    size_px: tuple[int, int]
    gray: bool
    width_pt: float
    height_pt: float

    def part(self, layer: Path | None) -> PagePart:
        """The page as the PDF takes it."""
        return PagePart(self.image, self.coding, *self.size_px, self.gray, self.width_pt, self.height_pt, layer)


def code_page(task: PageTask, image: Image.Image, dpi: float) -> CodedPage:
    """Write the files of a page image beside its result."""
    look = clean.look(image)
    gray = not look.colour
    kept = image.convert("L") if gray else image
    limit = SITE_FIRST_BYTES if task.page_no == 1 else SITE_OTHER_BYTES
    site_image = task.stem.with_suffix(".jpg")
    site_image.write_bytes(site_jpeg(kept, limit_bytes=limit))
    coding, size_px, data = _for_pdf(kept, look)
    path = task.stem.with_suffix("." + coding)
    path.write_bytes(data)
    width_pt, height_pt = (round(side * 72 / dpi, 2) for side in image.size)
    return CodedPage(site_image, path, coding, size_px, gray, width_pt, height_pt)


def _for_pdf(image: Image.Image, look: clean.Look) -> tuple[str, tuple[int, int], bytes]:
    """Ink on paper becomes two tones at full resolution; colour, tones and pages of noise a JPEG at half of it."""
    two_tones = b""
    if not (look.colour or look.picture):
        two_tones = group4(Image.fromarray(~clean.without_specks(clean.ink(image))))
        if len(two_tones) <= _NOISY_BYTES:
            return "g4", image.size, two_tones
    smaller = shrink(image, PDF_JPEG_LONG_SIDE_PX)
    toned = jpeg(smaller, _PDF_JPEG_QUALITY)
    if 0 < len(two_tones) <= len(toned):
        return "g4", image.size, two_tones
    return "jpeg", smaller.size, toned


def group4(bilevel: Image.Image) -> bytes:
    """Code a mode ``1`` image (black ink) in one strip of CCITT group 4, ink as 1: the short codes are the paper's."""
    target = io.BytesIO()
    rows = {_ROWS_PER_STRIP: bilevel.height}
    ImageChops.invert(bilevel.convert("L")).convert("1").save(
        target, format="TIFF", compression="group4", tiffinfo=rows
    )
    data = target.getvalue()
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as tiff:
        tags: Any = getattr(tiff, "tag_v2")  # noqa: B009 - only TIFF images have it
        (offset,), (size,) = tags[_STRIP_OFFSETS], tags[_STRIP_BYTES]
    return data[offset : offset + size]


def site_jpeg(image: Image.Image, *, limit_bytes: int) -> bytes:
    """A JPEG for the screen, at the best of a few qualities that stays within ``limit_bytes`` (or the smallest)."""
    data = b""
    for long_side_px, quality in _STEPS:
        data = jpeg(shrink(image, long_side_px), quality)
        if len(data) <= limit_bytes:
            break
    return data


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Code a JPEG without any of the original's metadata."""
    target = io.BytesIO()
    image.save(target, format="JPEG", quality=quality, optimize=True)
    return target.getvalue()
