"""Whether a rectangle of a page is blank: PDFium draws the page, and the pixels are checked."""

import math

import pypdfium2
from PIL import Image

from signing.new_fields import Box

_MARGIN_PT = 1.0
_MOST_PIXELS = 2_000_000
_SCALE = 3.0
_SAME_TONE = 8  # of 255: how far JPEG shifts the tone of white paper


def is_blank(pdf: bytes, page: int, pages: int, box: Box) -> bool:
    """Whether the box has one colour throughout. It may lie on the page or outside.

    Args:
        page: from 0.
        pages: the file's page count as another reader counted it.
        box: left, bottom, right, top in points of the page.
    """
    try:
        with pypdfium2.PdfDocument(pdf) as opened:
            return len(opened) == pages and _is_plain(opened[page], box)
    except pypdfium2.PdfiumError:
        return False


def _is_plain(page: pypdfium2.PdfPage, box: Box) -> bool:
    if not all(map(math.isfinite, box)):
        return False
    page.set_rotation(0)
    left, bottom, right, top = page.get_bbox()
    shown = (
        max(left, box[0] - _MARGIN_PT),
        max(bottom, box[1] - _MARGIN_PT),
        min(right, box[2] + _MARGIN_PT),
        min(top, box[3] + _MARGIN_PT),
    )
    width, height = shown[2] - shown[0], shown[3] - shown[1]
    if width <= 0 or height <= 0:
        return True
    scale = min(_SCALE, math.sqrt(_MOST_PIXELS / (width * height)))
    crop = (shown[0] - left, shown[1] - bottom, right - shown[2], top - shown[3])
    return _has_one_tone(page.render(scale=scale, crop=crop, draw_annots=True).to_pil())


def _has_one_tone(drawn: Image.Image) -> bool:
    extremes = (one.getextrema() for one in drawn.convert("RGB").split())
    return all(float(highest) - float(lowest) <= _SAME_TONE for lowest, highest in extremes)  # type: ignore[arg-type]
