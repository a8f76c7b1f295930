"""What a child says of a file at first sight: pages, sizes, blanks, codes, signature."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ged.errors import Invalid
from ged.ports import PageFacts
from ocr import clean
from ocr.codes import read_codes
from ocr.image import Shown, load_page, page_count
from ocr.limits import Limits, truncated
from ocr.pdfcheck import examine
from ocr.pdfsource import PdfPages
from ocr.sniff import PDF, sniff
from ocr.wire import Message

_FIRST_LOOK_LONG_SIDE_PX = 1754


def inspect(source: Path, limits: Limits) -> Message:
    """Look at every page.

    Raises:
        Invalid: as ``OcrEngine.inspect``.
    """
    media_type = sniff(source)
    if media_type == PDF:
        facts = examine(source, limits)
        pages = [asdict(page) for page in _pdf_pages(source, facts.page_count, limits)]
        return {"media_type": media_type, "signed": facts.signed, "pages": pages}
    count = page_count(source, media_type, limits)
    shown = (load_page(source, media_type, index, limits) for index in range(count))
    return {"media_type": media_type, "signed": False, "pages": [asdict(_facts(page)) for page in shown]}


def count(source: Path, limits: Limits) -> Message:
    """Media type and number of pages; nothing is decoded.

    Raises:
        Invalid: as ``OcrEngine.inspect``.
    """
    media_type = sniff(source)
    pages = examine(source, limits).page_count if media_type == PDF else page_count(source, media_type, limits)
    return {"media_type": media_type, "pages": pages}


def _facts(shown: Shown) -> PageFacts:
    gray = shown.image.convert("L")
    return PageFacts(*shown.full_size, shown.full_dpi, round(clean.blank_score(gray), 3), read_codes(gray))


def _pdf_pages(source: Path, count: int, limits: Limits) -> Iterator[PageFacts]:
    """Draw pages small, and large only those on which no code was found although they hold something.

    A page that cannot be drawn is shown as such by the reading; a file of which no page can be drawn is refused.
    """
    drawn = 0
    with PdfPages(source, limits) as pages:
        for index in range(count):
            try:
                facts = _facts(pages.draw(index, long_side_px=_FIRST_LOOK_LONG_SIDE_PX).shown)
                if not facts.codes and facts.blank_score < 1:
                    codes = read_codes(pages.draw(index).shown.image.convert("L"))
                    facts = PageFacts(facts.width_px, facts.height_px, facts.dpi, facts.blank_score, codes)
                drawn += 1
            except Invalid as refusal:
                if refusal.code != "file.truncated":
                    raise
                facts = PageFacts(0, 0, 0, 0.0)
            yield facts
    if not drawn:
        raise truncated()
