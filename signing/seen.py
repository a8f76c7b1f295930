"""What a person sees of two revisions of a file: PDFium draws both, forms included, and the pixels are compared.

PDFium shares no code with QPDF and pyHanko, and repairs malformed files in its own way. It draws equal values alike, to
the pixel. So a pixel that differs shows a change, even if the other two readers find none.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pypdfium2
from PIL import Image

from signing.new_fields import Box

_MOST_SECONDS = 12.0
_MOST_PIXELS = 2_000_000
_LEAST_SCALE = 0.25
_MARGIN_PX = 2
_UNSET = 0


class TooMuch(Exception):
    """Drawing the file takes longer than a check may."""


class Drawings:
    """The pages of one file, as a whole and up to earlier revisions.

    Args:
        most_s: limit of CPU time for all drawings together, in seconds.
    """

    def __init__(self, pdf: bytes, *, most_s: float = _MOST_SECONDS) -> None:
        self._pdf, self._left_s = pdf, most_s
        self._whole: dict[int, bytes] = {}

    def same_since(self, end: int, spared: Mapping[int, Sequence[Box]]) -> bool:
        """Whether each page of the first ``end`` bytes looks the same as in the whole file.

        Args:
            spared: boxes by page (from 0) where a difference is expected, in points of the page.

        Raises:
            TooMuch: the pages are too many, too large or too slow to be drawn.
        """
        try:
            with _opened(self._pdf[:end]) as before, _opened(self._pdf) as after:
                pages = range(len(after))
                return len(before) == len(pages) and all(
                    self._same(before, after, page, spared.get(page, ())) for page in pages
                )
        except pypdfium2.PdfiumError:
            return False

    def _same(
        self, before: pypdfium2.PdfDocument, after: pypdfium2.PdfDocument, page: int, spared: Sequence[Box]
    ) -> bool:
        old = self._drawn(before, page)
        if page not in self._whole:
            self._whole[page] = self._drawn(after, page)
        if old == self._whole[page]:
            return True
        return bool(spared) and self._drawn(before, page, spared) == self._drawn(after, page, spared)

    def _drawn(self, document: pypdfium2.PdfDocument, number: int, spared: Sequence[Box] = ()) -> bytes:
        """A digest of the page's frame and pixels."""
        if self._left_s <= 0:
            raise TooMuch
        began = time.process_time()
        page = document[number]
        try:
            return _digest(page, spared)
        finally:
            page.close()
            self._left_s -= time.process_time() - began


@contextmanager
def _opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    with pypdfium2.PdfDocument(pdf) as document:
        document.init_forms()
        yield document


def _digest(page: pypdfium2.PdfPage, spared: Sequence[Box]) -> bytes:
    frame = (page.get_rotation(), page.get_size(), page.get_mediabox(), page.get_cropbox(), page.get_bbox())
    page.set_rotation(0)
    width, height = page.get_size()
    scale = min(1.0, math.sqrt(_MOST_PIXELS / (width * height)))
    if scale < _LEAST_SCALE:
        raise TooMuch  # small details would vanish
    drawn = page.render(scale=scale, grayscale=True, draw_annots=True, may_draw_forms=True).to_pil().convert("L")
    for box in spared:
        drawn.paste(_UNSET, _pixels(page, box, drawn))
    return hashlib.sha256(repr(frame).encode() + drawn.tobytes()).digest()


def _pixels(page: pypdfium2.PdfPage, box: Box, drawn: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the box in pixels, with a margin for soft edges."""
    left, bottom, right, top = page.get_bbox()
    across, up = drawn.width / (right - left), drawn.height / (top - bottom)
    sides = ((box[0] - left) * across, (top - box[3]) * up, (box[2] - left) * across, (top - box[1]) * up)
    x1, y1, x2, y2 = (math.floor(max(-_MOST_PIXELS, min(_MOST_PIXELS, side))) for side in sides)
    return x1 - _MARGIN_PX, y1 - _MARGIN_PX, x2 + 1 + _MARGIN_PX, y2 + 1 + _MARGIN_PX
