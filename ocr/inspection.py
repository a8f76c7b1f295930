"""The first inspection of a file, in a child process: pages, sizes, blanks, codes, signature."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ged.errors import Invalid
from ged.ports import PageFacts
from ocr import clean, filters, quality
from ocr.codes import read_codes
from ocr.image import Shown, load_page, page_count
from ocr.limits import Limits
from ocr.pdfcheck import examine
from ocr.pdfsource import PdfPages
from ocr.sniff import PDF, sniff
from ocr.wire import Message

_FIRST_LOOK_LONG_SIDE_PX = 1754
_BLANK_FROM = 0.9
_FAINT_MARK = 0.5
"""The blank score of a page without ink but with a pale stamp: it is not reported as blank."""
_CODE_SIDE = 24  # pixels of the small image: the smallest code that a scanner keeps legible is 4 mm
_CODE_INK = 0.32  # a code is half ink; so is a heavy letter of a heading, but letters are smaller


def inspect(source: Path, limits: Limits, *, start: int = 0, stop: int | None = None) -> Message:
    """Inspect pages ``start`` to ``stop`` (exclusive; by default the file's end); ``count`` is of all pages.

    Raises:
        Invalid: as ``OcrEngine.inspect``; a page that cannot be drawn has no size.
    """
    media_type = sniff(source)
    if media_type == PDF:
        facts = examine(source, limits)
        pages = _pdf_pages(source, range(start, min(stop or facts.page_count, facts.page_count)), limits)
        head: Message = {"media_type": media_type, "signed": facts.signed, "count": facts.page_count}
    else:
        total = page_count(source, media_type, limits)
        wanted = range(start, min(stop or total, total))
        pages = (facts_of(load_page(source, media_type, index, limits)) for index in wanted)
        head = {"media_type": media_type, "signed": False, "count": total}
    return {**head, "pages": [asdict(page) for page in pages]}


def count(source: Path, limits: Limits) -> Message:
    """Media type and number of pages; nothing is decoded.

    Raises:
        Invalid: as ``OcrEngine.inspect``.
    """
    media_type = sniff(source)
    pages = examine(source, limits).page_count if media_type == PDF else page_count(source, media_type, limits)
    return {"media_type": media_type, "pages": pages}


def facts_of(shown: Shown) -> PageFacts:
    """The facts of a drawn page."""
    gray = shown.image.convert("L")
    score = clean.blank_score(gray)
    if score >= _BLANK_FROM and quality.bears_faint_mark(gray):
        score = _FAINT_MARK
    faults = quality.warnings(gray, full_size=shown.full_size, dpi=shown.full_dpi, blank=score >= _BLANK_FROM)
    return PageFacts(*shown.full_size, shown.full_dpi, round(score, 3), read_codes(gray), faults)


def _pdf_pages(source: Path, indices: range, limits: Limits) -> Iterator[PageFacts]:
    """Draw pages small, and large only if they may contain a code too fine for the small size.

    A page that cannot be drawn is reported by the reading.
    """
    with PdfPages(source, limits) as pages:
        for index in indices:
            try:
                shown = pages.draw(index, long_side_px=_FIRST_LOOK_LONG_SIDE_PX).shown
                facts = facts_of(shown)
                if not facts.codes and _may_hold_code(shown.image.convert("L")):
                    facts = replace(facts, codes=read_codes(pages.draw(index).shown.image.convert("L")))
            except Invalid as refusal:
                if refusal.code != "file.truncated":
                    raise
                facts = PageFacts(0, 0, 0, 0.0)
            yield facts


def _may_hold_code(gray: Image.Image) -> bool:
    """Whether there is a spot as dark as a code and as large as the smallest code."""
    cells = gray.reduce(_CODE_SIDE // 3)
    paper = np.maximum(np.asarray(filters.greatest(cells, 9)).astype(np.float32), 1)
    ink = Image.fromarray(np.clip(255 * (1 - np.asarray(cells) / paper), 0, 255).astype(np.uint8))
    return int(np.asarray(ink.filter(ImageFilter.BoxBlur(1))).max()) > 255 * _CODE_INK
