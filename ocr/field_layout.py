"""Groups the words of a page into pieces of lines: a wide gap in a line separates two pieces.

The fields of a letter are found by position. So this uses only the boxes, not the order in which words were read.
"""

import itertools
import re
import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ged.ports import FieldReading, RecognisedPage, Word
from ocr.lines import BETWEEN_CELLS

_ASPECT = 1.414  # heights count in widths of the page; letters are upright sheets
_GAP_HEIGHTS = 2.2  # a wider gap separates two pieces: a typewriter's blank is one height wide, a justified blank two
_TEXT_PITCH = 0.016  # if only text is known, it is laid out as by a typewriter
_TEXT_ADVANCE = 0.0118
_SURE_WORDS = 82.0
MAX_PIECES = 400
MAX_WORDS = 3000


def fold(text: str) -> str:
    """Lower case without accents, letter for letter: positions in the result are positions in the text."""
    return "".join(map(_folded, text))


def _folded(letter: str) -> str:
    if letter < "\x80":
        return letter.lower()
    plain = _SAME.get(letter) or unicodedata.normalize("NFKD", letter)[0]
    return letter if plain.isspace() and not letter.isspace() else plain.lower()[0]


_SAME = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "–": "-",
    "—": "-",
    "−": "-",
    "œ": "o",
    "Œ": "o",
    "æ": "a",
    "º": "°",
    "\u00a0": " ",
}

MOST_CHARACTERS = 500
"""Of a line. The search for fields compares each position of a line with many others."""


@dataclass(frozen=True)
class Piece:
    """Words of one line; ``row`` counts the lines of the page from the top; several pieces may share a row.

    The words are placed as on a level page: ``tilt`` is the correction of their height for each unit of ``x``.
    """

    page_no: int
    row: int
    words: tuple[Word, ...]
    known_place: bool = True
    tilt: float = 0.0

    @cached_property
    def text(self) -> str:
        """The words, joined by single blanks, up to ``MOST_CHARACTERS``."""
        return " ".join(word.text[:MOST_CHARACTERS] for word in self.words)[:MOST_CHARACTERS]

    @cached_property
    def folded(self) -> str:
        """``fold`` of the text."""
        return fold(self.text)

    @cached_property
    def x(self) -> float:
        """Left edge."""
        return min(word.x for word in self.words)

    @cached_property
    def y(self) -> float:
        """Upper edge."""
        return statistics.median(word.y for word in self.words)

    @cached_property
    def right(self) -> float:
        """Right edge."""
        return max(word.x + word.width for word in self.words)

    @cached_property
    def bottom(self) -> float:
        """Lower edge."""
        return max(word.y + word.height for word in self.words)

    def words_of(self, start: int, end: int) -> tuple[Word, ...]:
        """The words between two positions of the text."""
        found, place = [], 0
        for word in self.words:
            if place < end and place + len(word.text) > start:
                found.append(word)
            place += len(word.text) + 1
        return tuple(found)

    def tail(self, start: int) -> "Piece | None":
        """The rest of the piece from a position of its text; ``None`` when nothing is left."""
        words = self.words_of(start, len(self.text) + 1)
        return replace(self, words=words) if words else None


@dataclass(frozen=True)
class Sheet:
    """The pieces of one page from top to bottom, left to right. ``pitch``: line distance within a paragraph."""

    page_no: int
    pieces: tuple[Piece, ...]
    pitch: float

    def row(self, number: int) -> tuple[Piece, ...]:
        """The pieces of one line."""
        return tuple(piece for piece in self.pieces if piece.row == number)


def sheet_of(page: RecognisedPage) -> Sheet:
    """Lay out a page; if its words were not kept, its text is laid out as by a typewriter."""
    known = bool(page.words)
    words = [word for word in page.words[:MAX_WORDS] if word.text.strip()] if known else _typed(page.text)
    tilt = _tilt(words) if known else 0.0
    if tilt:
        words = [replace(word, y=word.y - tilt * word.x) for word in words]
    rows = _rows(_joined(words))
    pieces = tuple(
        Piece(page.page_no, number, tuple(piece), known, tilt)
        for number, row in enumerate(rows)
        for piece in _with_marks(sorted(row, key=lambda piece: piece[0].x))
    )[:MAX_PIECES]
    tops = sorted({piece.row: piece.y for piece in reversed(pieces)}.values())
    steps = [below - above for above, below in itertools.pairwise(tops) if 0.006 < below - above < 0.045]
    pitch = sorted(steps)[len(steps) * 3 // 10] if len(steps) > 3 else 0.018
    return Sheet(page.page_no, pieces, pitch)


def _tilt(words: Sequence[Word]) -> float:
    """How much lines fall for each unit of ``x``, from neighbours in reading order; 0 when they are level."""
    slopes = [
        (right.y + right.height / 2 - left.y - left.height / 2) / (right.x - left.x)
        for left, right in itertools.pairwise(words)
        if 0.01 < right.x - left.x < 0.25 and abs(right.y - left.y) < 0.012
    ]
    slope = statistics.median(slopes) if len(slopes) > 11 else 0.0
    return slope if 0.004 < abs(slope) < 0.06 else 0.0


def without_stamps(sheet: Sheet) -> Sheet:
    """The sheet without the short lines of an arrival stamp, which may be anywhere on a letter."""
    anchors = [piece for piece in sheet.pieces if len(piece.words) < 6 and _ARRIVED.search(piece.folded)]
    if not anchors:
        return sheet
    return replace(sheet, pieces=tuple(p for p in sheet.pieces if not any(_stamped(p, anchor) for anchor in anchors)))


_ARRIVED = re.compile(r"courrier arriv|\barrivee?\W*$|^\W*courrier\W*$|rier arriv|er arrive")


def _stamped(piece: Piece, anchor: Piece) -> bool:
    if len(piece.words) > 4 or ":" in piece.text or abs(piece.y - anchor.y) > _STAMP_REACH:
        return False
    inside = min(piece.right, anchor.right + 0.06) - max(piece.x, anchor.x - 0.09)
    return inside > 0.7 * (piece.right - piece.x)


_STAMP_REACH = 0.028  # lines of a stamp above and below the word "arrivé", in heights of the page


def _with_marks(row: list[list[Word]]) -> list[list[Word]]:
    """Join ``OBJET      : demande`` to one piece: typists move colons away from labels to align them."""
    joined: list[list[Word]] = []
    for piece in row:
        if joined and piece[0].text[0] in ":=" and piece[0].x - joined[-1][-1].x < 0.2:
            joined[-1] = [*joined[-1], *piece]
        else:
            joined.append(piece)
    return joined


def _typed(text: str) -> list[Word]:
    lines = text[:20_000].replace(BETWEEN_CELLS, " " * 4).split("\n")
    pitch = min(_TEXT_PITCH, 0.9 / max(len(lines), 1))
    words = []
    for number, line in enumerate(lines):
        column = 0
        for part in line.split(" "):
            if part.strip():
                x = min(0.08 + column * _TEXT_ADVANCE, 0.99)
                words.append(Word(part, x, 0.05 + number * pitch, len(part) * _TEXT_ADVANCE, pitch * 0.6, 90.0))
            column += len(part) + 1
    return words


def _joined(words: Sequence[Word]) -> list[list[Word]]:
    """Append each word to the piece that ends just before it."""
    usual = statistics.median(word.height for word in words) if words else 0.01
    open_pieces: dict[int, list[list[Word]]] = {}
    pieces: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.x):
        band = int((word.y + word.height / 2) * 100)
        near = (piece for number in (band - 1, band, band + 1) for piece in open_pieces.get(number, ()))
        best = min((piece for piece in near if _follows(piece[-1], word, usual)), key=lambda p: -p[-1].x, default=None)
        if best is None:
            best = []
            pieces.append(best)
        else:
            _forget(open_pieces, best)
        best.append(word)
        open_pieces.setdefault(band, []).append(best)
    return pieces


def _forget(open_pieces: dict[int, list[list[Word]]], piece: list[Word]) -> None:
    band = open_pieces[int((piece[-1].y + piece[-1].height / 2) * 100)]
    band[:] = [other for other in band if other is not piece]


def _follows(left: Word, right: Word, usual: float) -> bool:
    gap = right.x - left.x - left.width
    height = max(left.height, right.height, usual)
    return -0.02 < gap < _GAP_HEIGHTS * min(height, 2 * usual) * _ASPECT and _beside(left, right, usual)


def _beside(left: Word, right: Word, usual: float) -> bool:
    distance = abs(left.y + left.height / 2 - right.y - right.height / 2)
    return distance < 0.5 * max(min(left.height, right.height), 0.7 * usual)


def _rows(pieces: Iterable[list[Word]]) -> list[list[list[Word]]]:
    rows: list[list[list[Word]]] = []
    for piece in sorted(pieces, key=_middle):
        height = max(word.height for word in piece)
        if rows and abs(_middle(piece) - _middle(rows[-1][0])) < 0.5 * min(height, 0.02):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return rows


def _middle(piece: Sequence[Word]) -> float:
    return statistics.median(word.y + word.height / 2 for word in piece)


def reading(name: str, value: str, words: Sequence[Word], piece: Piece, sure: float) -> FieldReading:
    """A field's reading. Badly read words lower the confidence below that of the rule."""
    confidence = min(sure, sure - 0.7 * (_SURE_WORDS - _confidence_of(words)))
    tops = [word.y + piece.tilt * word.x for word in words]
    x, y = min(word.x for word in words), min(tops)
    width = max(word.x + word.width for word in words) - x
    height = max(top + word.height for top, word in zip(tops, words, strict=True)) - y
    if not piece.known_place:
        x = y = width = height = 0.0
    return FieldReading(
        name=name,
        value=" ".join(value.split()),
        page_no=piece.page_no,
        x=round(x, 4),
        y=round(y, 4),
        width=round(width, 4),
        height=round(height, 4),
        confidence=round(max(confidence, 1.0), 1),
    )


def _confidence_of(words: Sequence[Word]) -> float:
    weight = sum(len(word.text) for word in words)
    return sum(len(word.text) * word.confidence for word in words) / weight if weight else 0.0
