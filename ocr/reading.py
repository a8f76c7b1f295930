"""Reads a page: freshens it, turns it upright, recognises it once, and again where text was missed or is doubtful.

The gain of each step was measured on generated pages with known text (``make bench-ocr``): of most pages a few lines
are read twice. The time depends on the width of the lines: lines that read well narrow are not read wide. What is read
twice is read from the page as it was scanned, and larger where its letters are small: two readings of one picture make
the same errors.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter

import numpy as np
from PIL import Image

from ged.errors import EngineFailed
from ocr import clean
from ocr.amounts import with_amounts
from ocr.image import shrink, turn
from ocr.lines import Line, Token, confidence_of
from ocr.margin import written_regions
from ocr.orientation import runs_upright
from ocr.paper import freshened
from ocr.plausible import is_tall, legible_lines, unreadable
from ocr.scan import Scan
from ocr.skew import skew_degrees
from ocr.tesseract import BLOCK, LINE, PAGE, SPARSE, Recogniser
from ocr.unread import Box, added, light_regions, merged, unread_regions

READING_LONG_SIDE_PX = 1754  # measured: read as well as 3508 down to letters of 8 points, in 0.58 of the time
# Of the width. Measured: 0.85 of the time, less than 0.01 of the words lost; at 0.8, 1.5 times as many figures.
_NARROW, _FULL = 0.85, 1.0
_DOUBTFUL_LINE = 82.0  # read again in full width: finds more words than were lost; above 82 it only costs time
_DOUBTFUL_WORD, _WORD_LETTERS = 50.0, 4  # one such word hides in the mean of a line
_SURE_WORD, _UNKNOWN_LETTERS = 90.0, 3  # a word that the dictionary lacks: less surely read, its line is read again
_MARKS = ".,;:!?()'\"-"
_MANY_DOUBTFUL = 0.5  # of a page's letters: then the whole page is read again
_FAILED = 0.5  # of what the first reading of a page was worth: chosen on ten doubtful pages of typescripts
_LINE_HEIGHTS = (0.004, 0.06)  # of a page; others are specks, or lines run together
_LINE_MARGIN = 0.02
LOW_CONFIDENCE = 75.0  # measured: of pages below it, less than three quarters were read
_WELL_READ = 85.0
BLANK = 0.9
_MAYBE_SIDEWAYS = 0.8
_TURNED_READS_BETTER = 1.3
_MAYBE_HEAD_DOWN = 70.0
_SURE_SAMPLE = 75.0  # read so surely, a band is the right way up
_SURE_LETTERS = 40  # with fewer, scratches may be taken for letters: five were read at 76
_LEGIBLE_SAMPLE = 50.0  # of writing the right way up: 83 to 95 were measured there, 12 to 44 elsewhere
_LEFT_OUT = 0.01  # of a page's ink: worth reading these places again
_MUCH_LEFT_OUT = 0.35  # the lines of the page were not found
_LIGHT_LEFT_OUT = 0.02  # of the ink, in light lines
_COLUMN_LEFT_OUT = 0.25  # of the ink: a column was missed, though the rest reads well
_TILL_CHARACTERS, _TILL_LEFT_OUT = 50, 0.05  # to a line: till printers have 32 to 48, typewriters 60 and more
_SURE_LIGHT = 70.0  # less sure lines shine through, or are stains
_SAMPLE_HEIGHT = 0.2
_MM_PER_INCH = 25.4


@dataclass(frozen=True)
class Reading:
    """The page as shown, the words read on it, and the regions where a hand seems to have written.

    Attributes:
        turned: by how many degrees the page was levelled because it lay on its side, and by how many it was then turned clockwise.
    """

    image: Image.Image
    lines: tuple[Line, ...]
    flags: tuple[str, ...] = ()
    written: tuple[Box, ...] = ()
    turned: tuple[float, int] = (0.0, 0)

    @property
    def confidence(self) -> float:
        """Mean over the words; 0 without words."""
        return confidence_of(self.lines)


@dataclass(frozen=True)
class _Sheet:
    """A page ready to be recognised, small.

    Attributes:
        degrees: by which it was turned upright.
        fresh: freshened, level and upright.
        scan: the page as it was scanned, maybe larger, not turned.
        lean_upright: by which its lines still fell to the right when it was turned.
        width: the share of its width in which it is read first.
    """

    degrees: int
    fresh: Image.Image
    scan: Scan
    dpi: float
    width: float
    lean_upright: float = 0.0

    @cached_property
    def scanned(self) -> Image.Image:
        """The page as it was scanned, level and upright; made when it is needed, for it takes as long as a line."""
        return clean.levelled(turn(self.scan.whole, self.degrees), self.lean_upright)

    def scanned_part(self, region: Box) -> Image.Image:
        """A region of the page as it was scanned, without the whole page where that is not needed."""
        return region.cut(self.scanned) if self.degrees else self.scan.part(region)

    @property
    def dpi_of_scan(self) -> float:
        """The resolution of the page as it was scanned."""
        return self.dpi * max(self.scan.size) / max(self.fresh.size)

    def turned(self, degrees: int) -> "_Sheet":
        """The page turned clockwise by further degrees."""
        return replace(self, degrees=(self.degrees + degrees) % 360, fresh=turn(self.fresh, degrees))

    def levelled(self) -> "_Sheet":
        """The turned page with its lines level."""
        lean = skew_degrees(self.fresh)
        return replace(self, fresh=clean.levelled(self.fresh, lean), lean_upright=lean)


class Reader:
    """Reads pages in the given languages, within a deadline."""

    def __init__(self, recogniser: Recogniser, languages: Sequence[str], end_s: float) -> None:
        """Prepare.

        Args:
            recogniser: reads words.
            languages: names of models.
            end_s: deadline of reading, on the monotonic clock.
        """
        self._recogniser = recogniser
        self._languages = "+".join(languages)
        self._end_s = end_s

    def read(
        self,
        fresh: Image.Image,
        level: Image.Image,
        dpi: float,
        *,
        tilt: float = 0.0,
        scan: Scan | None = None,
        squeezed: bool = True,
    ) -> Reading:
        """Read a page; the image of the result is the page levelled and turned upright.

        Args:
            fresh: the page as ``freshened`` returns it, then levelled (in this order: white corners are no paper to
                compare with), no longer than ``READING_LONG_SIDE_PX``.
            level: the page in full size with its lines level, or nearly; this image is shown and kept.
            dpi: resolution of ``level``.
            tilt: how far the lines of ``level`` still fall to the right.
            scan: the page of which ``fresh`` was made, maybe larger: doubtful lines are read from it; ``None``: from ``fresh``.
            squeezed: whether the page is first read squeezed in width, which takes less time.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``, ``ocr.failed``.
        """
        # A faint copy has ink only in ``fresh``, a dark copy in ``level``; the second is hardly ever computed.
        if clean.blank_score(fresh) > BLANK and clean.blank_score(level) > BLANK:
            return Reading(level, (), ("blank",))
        width = _NARROW if squeezed else _FULL
        upright = self._upright(_Sheet(0, fresh, scan or Scan(fresh), dpi * fresh.width / level.width, width))
        if upright.degrees:  # while the page lay on its side, its margins were taken for lines
            upright = upright.levelled()
            level, tilt = clean.levelled(level, tilt + upright.lean_upright), 0.0
        lines = self._page(upright.fresh, upright.dpi, width=width)
        if confidence_of(lines) < _MAYBE_HEAD_DOWN:
            upright, lines = self._head_up(upright, lines)
        lines = self._with_a_second_look(upright, lines)
        if tilt and upright.degrees:
            level, tilt = clean.levelled(level, tilt), 0.0
        read = self._judged(turn(level, upright.degrees), dpi, upright.degrees, lines)
        written = written_regions(upright.fresh, read.lines)
        return replace(
            read,
            lines=tuple(tilted(with_amounts(read.lines), tilt, level.size)),
            written=moved(written, lambda lines: tilted(lines, tilt, level.size)),
            turned=(upright.lean_upright, upright.degrees),
        )

    def _judged(self, image: Image.Image, dpi: float, degrees: int, lines: list[Line]) -> Reading:
        flags: tuple[str, ...] = (f"rotated_{degrees}",) if degrees else ()
        lost = unreadable(lines)
        poor = lost or confidence_of(lines) < LOW_CONFIDENCE
        tall = is_tall(lines, image.height / dpi * _MM_PER_INCH)
        kept = tuple(legible_lines(lines, doubtful=poor, tall=tall, strict=lost))
        if poor or not kept:
            flags += ("low_confidence",)
        return Reading(image, kept, flags)

    def _page(self, fresh: Image.Image, dpi: float, psm: int = PAGE, *, width: float = _FULL) -> list[Line]:
        if width < _FULL:
            size = max(1, round(width * fresh.width)), fresh.height
            fresh = fresh.resize(size, Image.Resampling.BILINEAR)
        left_s = self._end_s - time.monotonic()
        return self._recogniser.read(fresh, dpi=dpi, languages=self._languages, timeout_s=left_s, psm=psm)

    def _upright(self, sheet: _Sheet) -> _Sheet:
        """Turn a page on which writing runs up and down; a sample read in each direction shows which way is up."""
        if runs_upright(sheet.fresh) < _MAYBE_SIDEWAYS:
            return sheet
        # Columns of lists and tables may be as regular as lines: a page is turned only if it then reads better.
        best, found = sheet, self._sample(sheet)
        for degrees in (90, 270):
            if confidence_of(found) > _SURE_SAMPLE and _letters(found) >= _SURE_LETTERS:
                break
            turned = sheet.turned(degrees)
            other = self._sample(turned)
            if confidence_of(other) > _LEGIBLE_SAMPLE and worth(other) > _TURNED_READS_BETTER * worth(found):
                best, found = turned, other
        return best

    def _head_up(self, sheet: _Sheet, lines: list[Line]) -> tuple[_Sheet, list[Line]]:
        """Turn a badly read page upside down, if a sample of it then reads better, and the whole page too."""
        other = sheet.turned(180)
        found = self._sample(other)
        if confidence_of(found) < _LEGIBLE_SAMPLE or worth(found) < _TURNED_READS_BETTER * worth(self._sample(sheet)):
            return sheet, lines
        turned = self._page(other.fresh, other.dpi, width=other.width)
        return (other, turned) if worth(turned) > worth(lines) else (sheet, lines)

    def _sample(self, sheet: _Sheet) -> list[Line]:
        """The reading of the densest band of a page."""
        return self._page(_densest_band(sheet.fresh).cut(sheet.fresh), sheet.dpi, SPARSE)

    def _with_a_second_look(self, sheet: _Sheet, lines: list[Line]) -> list[Line]:
        """Read doubtful lines and missed regions again; at a timeout, the results so far are kept."""
        for reread in (self._wider, self._with_what_was_left, self._with_light_lines):
            try:
                lines = reread(sheet, lines)
            except EngineFailed as failure:
                if failure.code != "ocr.timeout":
                    raise
        return lines

    def _wider(self, sheet: _Sheet, lines: list[Line]) -> list[Line]:
        """Read doubtful lines again, in full width and as scanned: each by itself, or the whole page if they are many.

        Where a scan reads much worse, as of a dark or a faint copy, the freshened page is read in full width too, and larger if
        it was read in full width before. Elsewhere that was measured to add as many errors as words.
        """
        if unreadable(lines) and unreadable(self._sample(sheet)):  # wide helps small print, not handwriting
            return lines
        doubtful = [line for line in lines if _is_doubtful(line)]
        if _letters(doubtful) > _MANY_DOUBTFUL * _letters(lines):
            again = self._page(sheet.scanned, sheet.dpi_of_scan)
            found = _merged_by_worth(lines, again)
            if worth(again) < _FAILED * worth(lines):
                if sheet.width < _FULL:
                    return _merged_by_worth(found, self._page(sheet.fresh, sheet.dpi))
                # Small letters, and faint: a till receipt beside another.
                if max(sheet.scan.size) > max(sheet.fresh.size):
                    return _merged_by_worth(found, self._page(freshened(sheet.scanned), sheet.dpi_of_scan))
            return found
        for part in [part for line in lines for part in _doubtful_parts(line)]:
            region = _around(part)
            if _LINE_HEIGHTS[0] < region.bottom - region.top < _LINE_HEIGHTS[1]:
                found = self._page(sheet.scanned_part(region), sheet.dpi_of_scan, LINE)
                lines = merged(lines, [region.placed(line) for line in found])
        return lines

    def _with_what_was_left(self, sheet: _Sheet, lines: list[Line]) -> list[Line]:
        """Read each region with ink outside all words by itself; the whole page if its lines were not found.

        Where a column was missed, the page is read as one block of lines as well: tesseract took it for columns, of which it drops one
        (the amounts of a till receipt). On real typescripts this gained a hundredth of the words and cost half of the page's time, so
        it is done where much was left out; on a receipt sooner, for it is small.
        """
        regions, share = unread_regions(sheet.fresh, lines)
        if share > _MUCH_LEFT_OUT and confidence_of(lines) < _WELL_READ:
            return _merged_by_worth(lines, self._page(sheet.fresh, sheet.dpi, SPARSE, width=_NARROW))
        if share > (_TILL_LEFT_OUT if _is_from_a_till(lines) else _COLUMN_LEFT_OUT):
            return _merged_by_worth(lines, self._page(sheet.fresh, sheet.dpi, BLOCK))
        for region in regions if share > _LEFT_OUT else ():
            found = self._page(region.cut(sheet.fresh), sheet.dpi, BLOCK, width=_NARROW)
            lines = merged(lines, [region.placed(line) for line in found])
        return lines

    def _with_light_lines(self, sheet: _Sheet, lines: list[Line]) -> list[Line]:
        """Read lines that are much lighter than those around: tesseract finds the lines of a page by one threshold."""
        regions, share = light_regions(sheet.fresh, lines)
        if share < _LIGHT_LEFT_OUT or unreadable(lines):
            return lines
        lifted = freshened(shrink(sheet.scanned, max(sheet.fresh.size)), by_line=True)
        for region in regions:
            found = self._page(region.cut(lifted), sheet.dpi, BLOCK, width=sheet.width)
            sure = [line for line in found if confidence_of([line]) > _SURE_LIGHT]
            lines = added(lines, [region.placed(line) for line in sure])
        return lines


def _is_from_a_till(lines: Sequence[Line]) -> bool:
    """Whether the lines have room for few characters, as on a receipt, wherever it lies on the page."""
    tokens = [token for line in lines for token in line.tokens]
    if not tokens:
        return False
    width = max(token.x + token.width for token in tokens) - min(token.x for token in tokens)
    return width <= _TILL_CHARACTERS * statistics.median(token.width / len(token.text) for token in tokens)


def moved(boxes: Iterable[Box], how: Callable[[list[Line]], list[Line]]) -> tuple[Box, ...]:
    """Regions moved as words are."""
    return tuple(_as_box(token) for line in how([_as_line(box) for box in boxes]) for token in line.tokens)


def _as_line(box: Box) -> Line:
    return Line((Token("", box.left, box.top, box.right - box.left, box.bottom - box.top, 0.0),))


def _as_box(token: Token) -> Box:
    return Box(token.x, token.y, min(1.0, token.x + token.width), min(1.0, token.y + token.height))


def tilted(lines: Iterable[Line], degrees: float, size: tuple[int, int]) -> list[Line]:
    """Lines read on a level page, moved to their places on a page whose lines fall to the right by ``degrees``."""
    if not degrees:
        return list(lines)
    sine, cosine, shape = math.sin(math.radians(degrees)), math.cos(math.radians(degrees)), size[1] / size[0]

    def moved(token: Token) -> Token:
        across, down = token.x + token.width / 2 - 0.5, (token.y + token.height / 2 - 0.5) * shape
        x, y = cosine * across - sine * down + 0.5, (sine * across + cosine * down) / shape + 0.5
        return replace(token, x=max(0.0, x - token.width / 2), y=max(0.0, y - token.height / 2))

    return [replace(line, tokens=tuple(map(moved, line.tokens))) for line in lines]


def _densest_band(fresh: Image.Image) -> Box:
    rows = (np.asarray(shrink(fresh, 400)) < 160).sum(axis=1)
    height = len(rows)
    reach = max(1, round(_SAMPLE_HEIGHT * height))
    weights = np.convolve(rows, np.ones(reach), "valid")
    start = int(weights.argmax())
    return Box(0.0, start / height, 1.0, min(1.0, (start + reach) / height))


def _is_doubtful(line: Line) -> bool:
    """Whether a line was read badly as a whole, or one of its words that is not a speck."""
    return confidence_of([line]) < _DOUBTFUL_LINE or any(map(_is_hardly_read, line.tokens))


def _is_hardly_read(token: Token) -> bool:
    return token.confidence < _DOUBTFUL_WORD and len(token.text) >= _WORD_LETTERS


def _is_unknown(token: Token) -> bool:
    """Whether a word in small letters (no name) is not in the dictionary and was not read surely."""
    return (
        token.is_known is False
        and token.confidence < _SURE_WORD
        and len(token.text) >= _UNKNOWN_LETTERS
        and (word := token.text.strip(_MARKS)).replace("-", "").isalpha()
        and word.islower()
    )


def _doubtful_parts(line: Line) -> list[Line]:
    """The parts of a line to read again: all of a line that was read badly, else its doubtful words with their neighbours."""
    if confidence_of([line]) < _DOUBTFUL_LINE:
        return [line]
    tokens = line.tokens
    doubtful = [_is_hardly_read(token) or _is_unknown(token) for token in tokens]
    near = [any(doubtful[max(0, n - 1) : n + 2]) for n in range(len(tokens))]
    runs = groupby(zip(near, tokens, strict=True), key=itemgetter(0))
    return [Line(tuple(token for _, token in run)) for is_near, run in runs if is_near]


def _around(line: Line) -> Box:
    """The region of a line with a small margin; boxes that reach into other lines do not count."""
    usual = 1.6 * statistics.median(token.height for token in line.tokens)
    level = [token for token in line.tokens if token.height <= usual]
    top, bottom = min(token.y for token in level), max(token.y + token.height for token in level)
    left = min(token.x for token in line.tokens) - _LINE_MARGIN
    right = max(token.x + token.width for token in line.tokens) + _LINE_MARGIN
    room = 0.3 * (bottom - top)
    return Box(max(0.0, left), max(0.0, top - room), min(1.0, right), min(1.0, bottom + room))


def _letters(lines: Sequence[Line]) -> int:
    return sum(len(token.text) for line in lines for token in line.tokens)


def _merged_by_worth(lines: list[Line], others: list[Line]) -> list[Line]:
    """Two readings of a page: the better one, with the words of the other where it has none, or less sure ones."""
    first, second = sorted((lines, others), key=worth, reverse=True)
    return merged(first, second)


def worth(lines: Sequence[Line]) -> float:
    """A score of how much was read, and how surely: a few lucky words do not beat a page."""
    return sum(len(token.text) * max(token.confidence - 30, 0) for line in lines for token in line.tokens)
