"""Processes one page in a child: image, cleaning, text, and the files for the site and the PDF."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

from PIL import Image, ImageOps

from ged.errors import EngineFailed
from ocr import clean, tables, textlayer
from ocr.coding import CodedPage, code_page
from ocr.image import grayscale, resized
from ocr.language import language_of
from ocr.leaders import leaders, without
from ocr.letters import again_long_side_px, enlarging, letter_height_px, may_be_squeezed
from ocr.limits import Limits
from ocr.lines import Line, Token, text_of
from ocr.paper import freshened
from ocr.pdfsource import DrawnPage, PdfPages
from ocr.pieces import find_pieces
from ocr.piecewise import LevelStrip, read_pieces
from ocr.reading import READING_LONG_SIDE_PX, Reader, Reading, worth
from ocr.scan import Scan
from ocr.showing import show
from ocr.skew import skew_of, width_of, writing
from ocr.sniff import PDF
from ocr.tesseract import Recogniser
from ocr.wire import PageResult, PageTask

SLIGHT_LEAN_DEGREES = 0.8
_HARDLY_LARGER = 1.25  # shrinking a page by less only blurs it
_TILL_WIDTH = 0.4  # of the sheet's long side: wider writing is a letter's
_TABLES_LIMIT_S, _KEEPING_S = 8.0, 2.0


class PageReader:
    """Reads pages one after the other within the given limits."""

    def __init__(self, limits: Limits, recogniser: Recogniser) -> None:
        self._limits = limits
        self._recogniser = recogniser

    def run(self, task: PageTask) -> None:
        """Read a page; the result is written twice, so that the image is kept even if reading crashes the process.

        Raises:
            Invalid: ``file.truncated``, ``file.image_too_large``.
        """
        end_s = time.monotonic() + task.deadline_s
        drawn = self._drawn(task)
        shown = drawn.shown
        if drawn.lines is not None:
            self._keep_own_words(task, drawn, drawn.lines, end_s)
            return
        scanned = grayscale(shown.image)
        gray = resized(scanned, _first_long_side_px(scanned))
        if clean.is_negative(gray):
            scanned, gray = ImageOps.invert(scanned), ImageOps.invert(gray)
        fresh = freshened(gray)
        ink = writing(fresh)
        lean = skew_of(ink)  # on the original page, faint copies and dark scanner beds would hide it
        # A slight skew stays: nobody sees it, and turning the whole page would take a tenth of a second.
        tilt = lean if abs(lean) < SLIGHT_LEAN_DEGREES else 0.0
        level = shown.image if tilt else clean.levelled(shown.image, lean)
        coded = code_page(task, level, shown.dpi)
        self._keep(task, Reading(level, (), ("failed",)), coded)
        read = partial(self._read, task, end_s=end_s)
        try:
            reading = read(
                scanned, gray, fresh, level, shown.dpi, lean=lean, tilt=tilt, narrow=width_of(ink) < _TILL_WIDTH
            )
        except EngineFailed:
            return
        if pieces := find_pieces(gray, ink, lean):
            self._keep(task, reading, self._coded(task, reading, level, coded, shown.dpi))
            scale = max(gray.size) / max(scanned.size)

            def read_strip(strip: LevelStrip) -> Reading:
                level_dpi = scale * shown.dpi
                return read(
                    strip.strip.image, strip.gray, strip.fresh, strip.level, level_dpi, lean=strip.lean, narrow=True
                )

            with suppress(EngineFailed):  # the reading of the whole stays
                by_piece = read_pieces(
                    scanned, pieces, read_strip, scale=scale, level=level, lean=0.0 if tilt else lean
                )
                reading = max((by_piece, reading), key=lambda one: worth(one.lines))
        self._keep(task, reading, self._coded(task, reading, level, coded, shown.dpi))

    def _read(
        self,
        task: PageTask,
        scanned: Image.Image,
        gray: Image.Image,
        fresh: Image.Image,
        level: Image.Image,
        dpi: float,
        *,
        lean: float,
        end_s: float,
        narrow: bool,
        tilt: float = 0.0,
    ) -> Reading:
        """Read a sheet, or a piece of it by itself, at the size that its letters need.

        Args:
            task: names the languages.
            scanned: dark on light, in full size, not levelled.
            gray: ``scanned`` at the size at which it is read.
            fresh: ``gray`` freshened.
            level: shown; of resolution ``dpi``.
            dpi: see ``level``.
            lean: by how many degrees the lines of ``scanned`` fall to the right.
            end_s: deadline on the monotonic clock.
            narrow: its lines are short, as on a till receipt, where dots lead to the amounts.
            tilt: how far the lines of ``level`` fall.
        """
        letter_px = letter_height_px(fresh)
        larger = enlarging(letter_px, max(fresh.size), shrunk=max(fresh.size) < max(scanned.size))
        if larger > 1:
            gray = resized(scanned, round(larger * max(fresh.size)))
            fresh = freshened(gray)
        if narrow and (dots := leaders(fresh, round(larger * letter_px), lean)) is not None:  # a till receipt
            scanned, gray, fresh = (without(image, dots) for image in (scanned, gray, fresh))
        again_px = again_long_side_px(larger * letter_px, max(gray.size), max(scanned.size))
        return Reader(self._recogniser, task.languages, end_s).read(
            clean.levelled(fresh, lean),
            level,
            dpi,
            tilt=tilt,
            scan=Scan(scanned if again_px > max(gray.size) else gray, long_side_px=again_px, lean=lean),
            squeezed=may_be_squeezed(larger * letter_px, fresh.width),
        )

    def _coded(self, task: PageTask, reading: Reading, level: Image.Image, coded: CodedPage, dpi: float) -> CodedPage:
        return coded if reading.image is level else code_page(task, reading.image, dpi)

    def _keep_own_words(self, task: PageTask, drawn: DrawnPage, lines: tuple[Line, ...], end_s: float) -> None:
        """Keep the words of a born-digital page; words of tables row by row, if pdfplumber finds the tables in time."""
        coded = code_page(task, drawn.shown.image, drawn.shown.dpi)
        reading = Reading(drawn.shown.image, lines, ("born_digital",))
        words = sum(len(line.tokens) for line in lines)
        if (
            not drawn.ruled
            or words > tables.MAX_WORDS
            or task.page_no > tables.MAX_PAGE_NO
            or not tables.has_gaps(lines)
        ):
            self._keep(task, reading, coded)
            return
        # This result counts if the page crashes this process, or if its tables cannot be read.
        self._keep(task, replace(reading, flags=(*reading.flags, "tables_unread")), coded)
        limit_s = min(_TABLES_LIMIT_S, end_s - time.monotonic() - _KEEPING_S)
        with suppress(tables.TablesUnread):
            grids = tables.find_grids(Path(task.source), task.page_index, task.rotation, lines, timeout_s=limit_s)
            flags = (*reading.flags, "tables") if grids else reading.flags
            self._keep(task, replace(reading, lines=tables.in_rows(lines, grids), flags=flags), coded)

    def _drawn(self, task: PageTask) -> DrawnPage:
        source = Path(task.source)
        if task.media_type == PDF:
            with PdfPages(source, self._limits) as pages:
                return pages.draw(task.page_index, rotation=task.rotation, words=True)
        return DrawnPage(show(source, task.media_type, task.page_index, task.rotation, self._limits), None)

    def _keep(self, task: PageTask, reading: Reading, coded: CodedPage) -> None:
        layer = None
        if reading.lines:
            layer = task.stem.with_suffix(".layer")
            size_pt = (coded.width_pt, coded.height_pt)
            layer.write_bytes(textlayer.content(reading.lines, width_pt=size_pt[0], height_pt=size_pt[1]))
        text = text_of(reading.lines)
        PageResult(
            text=text,
            words=tuple(_token_place(token) for line in reading.lines for token in line.tokens),
            confidence=reading.confidence,
            language=language_of(text, task.languages),
            flags=reading.flags,
            site_image=coded.site_image,
            thumbnail=coded.thumbnail,
            likeness=coded.likeness,
            part=coded.part(layer),
            tables=_tables(reading.lines),
            written=tuple((box.left, box.top, box.right, box.bottom) for box in reading.written),
        ).dump(task.result_path)


def _first_long_side_px(image: Image.Image) -> int:
    long_side_px = max(image.size)
    return long_side_px if long_side_px <= _HARDLY_LARGER * READING_LONG_SIDE_PX else READING_LONG_SIDE_PX


def _tables(lines: Sequence[Line]) -> tuple[tuple[tuple[tuple[int, int], ...], ...], ...]:
    """The cells of each table's rows, as ranges of the page's words."""
    found: dict[int, list[tuple[tuple[int, int], ...]]] = {}
    start = 0
    for line in lines:
        if line.table:
            ends = [*accumulate(line.cells, initial=start)]
            found.setdefault(line.table, []).append(tuple(pairwise(ends)))
        start += len(line.tokens)
    return tuple(map(tuple, found.values()))


def _token_place(token: Token) -> tuple[str, float, float, float, float, float]:
    word = token.word()
    return word.text, word.x, word.y, word.width, word.height, word.confidence
