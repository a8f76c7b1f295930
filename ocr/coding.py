"""Encodes a page image: one file for the site (`ocr.pictures`), and for the PDF the form with the fewest bytes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ocr import bilevel
from ocr.image import grayscale, shrink
from ocr.likeness import likeness
from ocr.mixed import Layers, take_apart
from ocr.pictures import SITE_FIRST_BYTES, SITE_OTHER_BYTES, jpeg, site_webp, thumbnail_jpeg
from ocr.wire import PagePart, PageTask, PatchPart

PDF_JPEG_LONG_SIDE_PX = 1754
_PDF_JPEG_QUALITY = 55
_NOISY_BYTES = 100_000  # two tones of a letter are a third of this; only noise makes more
_MOSTLY_PHOTO = 0.5
_ROWS_PER_STRIP = 278
_STRIP_OFFSETS = 273
_STRIP_BYTES = 279


@dataclass(frozen=True)
class CodedPage:
    """The files of a page image, and the page's size in points.

    ``thumbnail`` and ``likeness``: of the first page alone, when pictures are made.
    """

    site_image: Path | None
    thumbnail: Path | None
    likeness: str
    image: Path
    coding: str
    size_px: tuple[int, int]
    gray: bool
    width_pt: float
    height_pt: float
    patches: tuple[PatchPart, ...] = ()

    def part(self, layer: Path | None) -> PagePart:
        """The page as a part of the PDF."""
        size_pt = (self.width_pt, self.height_pt)
        return PagePart(self.image, self.coding, *self.size_px, self.gray, *size_pt, layer, self.patches)


def code_page(task: PageTask, image: Image.Image, dpi: float) -> CodedPage:
    """Write the files of a page image, in the folder of its result."""
    layers = take_apart(image)
    kept = grayscale(image) if layers.is_gray else image
    site_image, thumbnail, look = _for_site(task, kept)
    coding, size_px, data = _for_pdf(kept, layers)
    path = task.stem.with_suffix("." + coding)
    path.write_bytes(data)
    width_pt, height_pt = (round(side * 72 / dpi, 2) for side in image.size)
    patches = _patches(task, layers) if coding == "g4" else ()
    return CodedPage(site_image, thumbnail, look, path, coding, size_px, layers.is_gray, width_pt, height_pt, patches)


def _for_site(task: PageTask, image: Image.Image) -> tuple[Path | None, Path | None, str]:
    """The page's image; of the first page the thumbnail too, and the likeness, by which a letter sent again is known."""
    if not task.pictures:
        return None, None, ""
    shown = site_webp(image, limit_bytes=SITE_FIRST_BYTES if task.page_no == 1 else SITE_OTHER_BYTES)
    task.site_image_path.write_bytes(shown)
    if task.page_no > 1:
        return task.site_image_path, None, ""
    # Of the image as it is kept: likenesses of earlier years are of it, and its grain is smoother than the scan's.
    with Image.open(io.BytesIO(shown), formats=["WEBP"]) as kept:
        task.thumbnail_path.write_bytes(thumbnail_jpeg(kept))
        return task.site_image_path, task.thumbnail_path, likeness(kept)


def _for_pdf(image: Image.Image, layers: Layers) -> tuple[str, tuple[int, int], bytes]:
    """Ink in two tones at full resolution over patches; for pages of photographs or noise, a JPEG at half of it."""
    two_tones = b""
    if layers.photo_share < _MOSTLY_PHOTO:
        two_tones = group4(bilevel.two_tones(layers.ink))
        if len(two_tones) <= _NOISY_BYTES:
            return "g4", image.size, two_tones
    smaller = shrink(image, PDF_JPEG_LONG_SIDE_PX)
    toned = jpeg(smaller, _PDF_JPEG_QUALITY)
    if 0 < len(two_tones) <= len(toned):  # else no patch need be made
        patches = sum(len(patch.data) for patch in layers.patches)
        if len(two_tones) + patches <= len(toned):
            return "g4", image.size, two_tones
    return "jpeg", smaller.size, toned


def _patches(task: PageTask, layers: Layers) -> tuple[PatchPart, ...]:
    parts = []
    for number, patch in enumerate(layers.patches):
        path = task.stem.with_name(f"{task.stem.name}-{number}.jpeg")
        path.write_bytes(patch.data)
        parts.append(PatchPart(path, patch.box, *patch.size_px, patch.gray))
    return tuple(parts)


def group4(ink: Image.Image) -> bytes:
    """Encode a mode ``1`` image (ink as 1) in one strip of CCITT group 4, so that paper gets the short codes."""
    target = io.BytesIO()
    ink.save(target, format="TIFF", compression="group4", tiffinfo={_ROWS_PER_STRIP: ink.height})
    data = target.getvalue()
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as tiff:
        tags: Any = getattr(tiff, "tag_v2")  # noqa: B009 - only TIFF images have it
        (offset,), (size,) = tags[_STRIP_OFFSETS], tags[_STRIP_BYTES]
    return data[offset : offset + size]
