"""What a child does with one page: image, cleaning, text, and the files for the site and the PDF."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from ged.errors import EngineFailed
from ocr import clean, textlayer
from ocr.coding import CodedPage, code_page
from ocr.image import Shown, load_page, shrink, turn
from ocr.language import language_of
from ocr.limits import Limits
from ocr.lines import Line, Token, confidence_of, text_of
from ocr.pdfsource import PdfPages
from ocr.sniff import PDF
from ocr.tesseract import Tesseract
from ocr.wire import PageResult, PageTask

READING_LONG_SIDE_PX = 1754  # measured: read as well as 3508 down to letters of 8 points, in 0.58 of the time
LOW_CONFIDENCE = 65.0
BLANK = 0.9
SURELY_BLANK = 0.995
SURE_ORIENTATION = 2.0


@dataclass(frozen=True)
class Reading:
    """The page as it is shown and what was read on it."""

    image: Image.Image
    lines: tuple[Line, ...]
    flags: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """Mean over the words, 0 when there are none."""
        return confidence_of(self.lines)


def show(
    source: Path, media_type: str, index: int, rotation: int, limits: Limits, *, long_side_px: int | None = None
) -> Shown:
    """The page as a person sees it after their own turn; a PDF is drawn with ``long_side_px`` where given.

    Raises:
        Invalid: ``file.truncated``, ``file.image_too_large``.
    """
    if media_type == PDF:
        with PdfPages(source, limits) as pages:
            return pages.draw(index, rotation=rotation, long_side_px=long_side_px).shown
    shown = load_page(source, media_type, index, limits)
    return replace(shown, image=turn(shown.image, rotation))


class PageReader:
    """Reads pages one after the other within the limits given."""

    def __init__(self, limits: Limits, tesseract: Tesseract) -> None:
        self._limits = limits
        self._tesseract = tesseract

    def run(self, task: PageTask) -> None:
        """Read a page; the result is written twice, so that the image stands even when reading ends the process.

        Raises:
            Invalid: ``file.truncated``, ``file.image_too_large``.
        """
        end_s = time.monotonic() + task.deadline_s
        shown, lines = self._shown(task)
        if lines is not None:
            coded = code_page(task, shown.image, shown.dpi)
            self._keep(task, Reading(shown.image, lines, ("born_digital",)), coded)
            return
        level = clean.deskewed(shown.image)
        coded = code_page(task, level, shown.dpi)
        self._keep(task, Reading(level, (), ("failed",)), coded)
        try:
            reading = self._read(shown, level, task, end_s)
        except EngineFailed:
            return
        if reading.image is not level:
            coded = code_page(task, reading.image, shown.dpi)
        self._keep(task, reading, coded)

    def _shown(self, task: PageTask) -> tuple[Shown, tuple[Line, ...] | None]:
        source = Path(task.source)
        if task.media_type == PDF:
            with PdfPages(source, self._limits) as pages:
                drawn = pages.draw(task.page_index, rotation=task.rotation)
                return drawn.shown, drawn.lines
        return show(source, task.media_type, task.page_index, task.rotation, self._limits), None

    def _read(self, shown: Shown, level: Image.Image, task: PageTask, end_s: float) -> Reading:
        blank = clean.blank_score(level)
        if blank > SURELY_BLANK:
            return Reading(level, (), ("blank",))
        reading = self._recognise(level, READING_LONG_SIDE_PX, shown.dpi, task, end_s)
        if reading.confidence < LOW_CONFIDENCE:
            reading = self._second_look(reading, shown, task, end_s)
        flags = reading.flags
        if not reading.lines and blank > BLANK:
            flags += ("blank",)
        elif reading.confidence < LOW_CONFIDENCE:
            flags += ("low_confidence",)
        return replace(reading, flags=flags)

    def _second_look(self, first: Reading, shown: Shown, task: PageTask, end_s: float) -> Reading:
        """A page hard to read may lie on its side; otherwise all its pixels are tried. The better reading counts."""
        small = shrink(shown.image, READING_LONG_SIDE_PX).convert("L")
        dpi = shown.dpi * small.width / shown.image.width
        degrees, sure = self._tesseract.orientation(small, dpi=dpi, timeout_s=end_s - time.monotonic())
        if degrees and sure >= SURE_ORIENTATION:
            level = clean.deskewed(turn(shown.image, degrees))
            second = self._recognise(level, READING_LONG_SIDE_PX, shown.dpi, task, end_s)
            second = replace(second, flags=(f"rotated_{degrees}",))
        elif max(first.image.size) > 1.2 * READING_LONG_SIDE_PX:
            second = self._recognise(first.image, max(first.image.size), shown.dpi, task, end_s)
        else:
            return first
        return max(first, second, key=_worth)

    def _recognise(self, image: Image.Image, long_side_px: int, dpi: float, task: PageTask, end_s: float) -> Reading:
        gray = shrink(image, long_side_px).convert("L")
        lines = self._tesseract.read(
            gray,
            dpi=dpi * gray.width / image.width,
            languages="+".join(task.languages),
            timeout_s=end_s - time.monotonic(),
        )
        return Reading(image, tuple(lines))

    def _keep(self, task: PageTask, reading: Reading, coded: CodedPage) -> None:
        layer = None
        if reading.lines:
            layer = task.stem.with_suffix(".layer")
            size_pt = (coded.width_pt, coded.height_pt)
            layer.write_bytes(textlayer.content(reading.lines, width_pt=size_pt[0], height_pt=size_pt[1]))
        text = text_of(reading.lines)
        PageResult(
            text=text,
            words=tuple(_row(token) for line in reading.lines for token in line.tokens),
            confidence=reading.confidence,
            language=language_of(text, task.languages),
            flags=reading.flags,
            site_image=coded.site_image,
            part=coded.part(layer),
        ).dump(task.result_path)


def _row(token: Token) -> tuple[str, float, float, float, float, float]:
    word = token.word()
    return word.text, word.x, word.y, word.width, word.height, word.confidence


def _worth(reading: Reading) -> float:
    """How much was read, and how surely: a few lucky words do not beat a page."""
    return sum(len(token.text) * max(token.confidence - 30, 0) for line in reading.lines for token in line.tokens)
