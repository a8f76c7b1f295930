"""Reads PDFs that may be hostile: their pages as images, and the words of born-digital pages.

Runs only inside ``ocr.child``. PDFium draws and finds words in one coordinate system, so that boxes fit the image.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium

from ocr.image import LONG_SIDE_PX, Shown
from ocr.limits import Limits, truncated
from ocr.lines import Line, Token
from ocr.pdfcheck import damage_is_refused

_MIN_LONG_SIDE_PX = 1754
_BORN_DIGITAL_CHARACTERS = 25
MOST_CHARACTERS = 100_000
"""Of a page whose own words are taken: twice a full page of a newspaper. A page with more is read from its picture, which shows
only words of a size that people read. A file of two kilobytes may hold millions of unseen ones."""
_SCAN_COVERAGE = 0.5
_GRID = 1_000_000
_GLANCE_PX = 8  # the long side of a drawing that nobody looks at
_USER_UNITS = 0.01, 1000.0  # beyond, no page of paper has a size
_RULE_SHARE = 0.04  # of the width: the narrowest column
_LEVEL_PT, _RULED_LEVELS, _GRID_SEGMENTS, _MOST_PATHS = 4, 3, 8, 2000


@dataclass(frozen=True)
class DrawnPage:
    """A drawn page, with its lines of words if it is born digital; ``ruled``: it has drawn lines as tables have."""

    shown: Shown
    lines: tuple[Line, ...] | None
    ruled: bool = False


class PdfPages:
    """The pages of one PDF, drawn one at a time."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits, self._path = limits, path
        with damage_is_refused():
            self._document = pypdfium2.PdfDocument(path)

    def __enter__(self) -> "PdfPages":
        return self

    def __exit__(self, *_: object) -> None:
        self._document.close()

    def draw(self, index: int, *, rotation: int = 0, long_side_px: int | None = None, words: bool = False) -> DrawnPage:
        """Draw a page, turned clockwise by ``rotation``, at the resolution of its scan (at most 300 dpi on A4).

        Args:
            words: find the page's own words too, which takes longer than to draw it.

        Raises:
            Invalid: ``file.truncated``, ``file.image_too_large``.
        """
        with damage_is_refused():
            page = self._flattened(index)
            width_pt, height_pt = page.get_size()
            if min(width_pt, height_pt) <= 0:
                raise truncated()
            scan_px, coverage = _largest_image(page, width_pt * height_pt)
            full = max(_MIN_LONG_SIDE_PX, min(scan_px, LONG_SIDE_PX)) if coverage > _SCAN_COVERAGE else LONG_SIDE_PX
            drawn = long_side_px or full
            scale = drawn / max(width_pt, height_pt)
            self._limits.check_pixels(round(width_pt * scale), round(height_pt * scale))
            image = page.render(scale=scale, rotation=rotation, rev_byteorder=True).to_pil()
            dpi = 72 * scale / self._user_unit(index)
            shown = Shown(image if image.mode == "L" else image.convert("RGB"), dpi, _scaled(image.size, full))
            lines = _born_digital_lines(page, rotation) if words and coverage <= _SCAN_COVERAGE else None
            return DrawnPage(shown, lines, ruled=lines is not None and _is_ruled(page))
        raise truncated()

    def _user_unit(self, index: int) -> float:
        """The unit of a page in 72nds of an inch (ISO 32000-2, 14.11.2), which PDFium does not know; 1 where it makes no sense."""
        try:
            with pikepdf.open(self._path) as document:
                unit = float(document.pages[index].obj.get("/UserUnit", 1))
        except (pikepdf.PdfError, ValueError, TypeError, IndexError):
            return 1.0
        return unit if _USER_UNITS[0] <= unit <= _USER_UNITS[1] else 1.0

    def _flattened(self, index: int) -> pypdfium2.PdfPage:
        """Load a page with its annotations merged in memory: signature marks and filled fields are text too."""
        page = self._document[index]
        if pdfium.FPDFPage_GetAnnotCount(page.raw) > 0:
            if pdfium.FPDF_GetFormType(self._document.raw) != pdfium.FORMTYPE_NONE:
                # Drawing makes the looks of filled fields that their file lacks; merging does not.
                page.render(scale=_GLANCE_PX / max(*page.get_size(), 1.0))
            pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY)
            page.close()
            page = self._document[index]
        return page


def _scaled(size: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    scale = long_side_px / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _largest_image(page: pypdfium2.PdfPage, page_area: float) -> tuple[int, float]:
    """Long side in pixels of the largest image on the page, and the share of the page that it covers."""
    best = (0, 0.0)
    for thing in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = thing.get_bounds()
        share = abs(right - left) * abs(top - bottom) / page_area
        if share > best[1]:
            best = (max(thing.get_px_size()), share)
    return best


def _is_ruled(page: pypdfium2.PdfPage) -> bool:
    """Whether long lines or shaded areas are at three heights, or one path has many lines."""
    levels: set[int] = set()
    shortest = _RULE_SHARE * page.get_width()
    for place, thing in enumerate(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=4)):
        left, bottom, right, top = thing.get_bounds()
        if right - left < shortest:
            continue
        levels |= {round(bottom / _LEVEL_PT), round(top / _LEVEL_PT)}
        many = pdfium.FPDFPath_CountSegments(thing.raw) >= _GRID_SEGMENTS
        if many or len(levels) >= _RULED_LEVELS or place > _MOST_PATHS:
            return True
    return False


def _born_digital_lines(page: pypdfium2.PdfPage, rotation: int) -> tuple[Line, ...] | None:
    """The page's own words, or ``None`` if too few of them are visible and readable, or more than any page has."""
    text = page.get_textpage()
    count = text.count_chars()
    if count > MOST_CHARACTERS:
        return None
    visible = unreadable = 0
    for index in range(count):
        if chr(pdfium.FPDFText_GetUnicode(text.raw, index) or 32).isspace():
            continue
        if not _is_invisible(text, index):
            visible += 1
        if pdfium.FPDFText_HasUnicodeMapError(text.raw, index) == 1:
            unreadable += 1
    if visible < _BORN_DIGITAL_CHARACTERS or unreadable * 10 > visible:
        return None
    return tuple(_lines(page, text, count, rotation))


def _is_invisible(text: pypdfium2.PdfTextPage, index: int) -> bool:
    thing = pdfium.FPDFText_GetTextObject(text.raw, index)
    return bool(thing) and pdfium.FPDFTextObj_GetTextRenderMode(thing) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE


def _lines(page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, count: int, rotation: int) -> Iterator[Line]:
    tokens: list[Token] = []
    letters = ""
    boxes: list[tuple[float, float, float, float]] = []

    def end_word() -> None:
        nonlocal letters, boxes
        word = letters.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        if word and boxes:
            left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
            right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
            tokens.append(Token(word, left, top, right - left, bottom - top, 100.0))
        letters, boxes = "", []

    for index in range(count):
        letter = _letter(pdfium.FPDFText_GetUnicode(text.raw, index))
        if letter in "\r\n":
            end_word()
            if tokens:
                yield Line(tuple(tokens))
            tokens = []
        elif letter.isspace():
            end_word()
        else:
            letters += letter
            boxes.extend(_box(page, text, index, rotation))
    end_word()
    if tokens:
        yield Line(tuple(tokens))


def _letter(code: int) -> str:
    if code == 2:  # PDFium's sign for a hyphen at the end of a line
        return "-"
    return " " if code in {0, 0xFFFE, 0xFFFF} or code > 0x10FFFF else chr(code)


def _box(
    page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, index: int, rotation: int
) -> list[tuple[float, float, float, float]]:
    """Box of a character: left, top, right, bottom in fractions of the page as shown; empty when it has no box."""
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(text.raw, index, rect):
        return []
    x1, y1 = _on_page(page, rect.left, rect.top, rotation)
    x2, y2 = _on_page(page, rect.right, rect.bottom, rotation)
    left, right = sorted((min(max(x1, 0.0), 1.0), min(max(x2, 0.0), 1.0)))
    top, bottom = sorted((min(max(y1, 0.0), 1.0), min(max(y2, 0.0), 1.0)))
    return [(left, top, right, bottom)]


def _on_page(page: pypdfium2.PdfPage, x: float, y: float, rotation: int) -> tuple[float, float]:
    column, row = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, _GRID, _GRID, rotation // 90, x, y, column, row)
    return column.value / _GRID, row.value / _GRID
