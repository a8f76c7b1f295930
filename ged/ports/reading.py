"""The engine that reads scans and files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class PageCode:
    """A QR code or barcode read on a page. ``text`` is its raw content: check that the code is ours."""

    text: str
    format: str


@dataclass(frozen=True)
class PageFacts:
    """The results of the first look at a page.

    Attributes:
        blank_score: 0 full .. 1 empty (flag, never drop).
        warnings: faults that would spoil the OCR, shown before the letter is numbered: ``too_dark``, ``too_light``,
            ``cut_edge``, ``low_resolution``, ``skewed``.
    """

    width_px: int
    height_px: int
    dpi: int
    blank_score: float
    codes: tuple[PageCode, ...] = ()
    warnings: tuple[str, ...] = ()


PROGRAMS = ";macros"
"""Ends the media type of a file that carries programs (macros, controls): stored with it, so that each page that offers the file says so."""
UNREAD_PROGRAMS = "application/octet-stream" + PROGRAMS
"""A file with programs that shows no pages here: a spreadsheet, a presentation."""


def has_programs(media_type: str) -> bool:
    """Whether a file of this media type carries programs, which run on the desk of whoever opens it."""
    return media_type.endswith(PROGRAMS)


@dataclass(frozen=True)
class SourceFacts:
    """The facts of an uploaded or scanned file. ``signed``: a PDF with a signature, whose bytes must not change."""

    media_type: str
    pages: tuple[PageFacts, ...]
    signed: bool = False


@dataclass(frozen=True)
class PageRef:
    """One page of one source file, turned clockwise by ``rotation`` degrees (0, 90, 180, 270) by a person."""

    source: Path
    media_type: str
    page_index: int
    rotation: int = 0


@dataclass(frozen=True)
class Word:
    """A word and its box on the page, in fractions 0..1 of width and height; confidence 0..100."""

    text: str
    x: float
    y: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True)
class WrittenRegion:
    """A region of a page where a hand seems to have written beside the type; nothing of it is read.

    Attributes:
        x, y, width, height: in fractions 0..1 of the upright page, as its picture shows it.
        page_ratio: height of the page, in its widths.
    """

    x: float
    y: float
    width: float
    height: float
    page_ratio: float


Table = tuple[tuple[tuple[Word, ...], ...], ...]
"""The words of each cell, row by row; a cell may be empty."""


@dataclass(frozen=True)
class RecognisedPage:
    """One page read. ``flags``: ``blank``, ``low_confidence``, ``failed``, ``born_digital``, ``rotated_90`` …; of a page
    born digital ``tables`` where each row of a table is one line of its text, ``tables_unread`` where that failed.

    ``likeness``: a perceptual hash, 64 hexadecimal digits, nearly equal for two scans of one sheet; empty if the engine
    computes none.
    """

    page_no: int
    text: str
    words: tuple[Word, ...]
    confidence: float
    language: str
    image: Path | None
    flags: tuple[str, ...] = ()
    likeness: str = ""
    tables: tuple[Table, ...] = ()
    written: tuple[WrittenRegion, ...] = ()


@dataclass(frozen=True)
class FieldReading:
    """A field of a letter as the machine read it: a suggestion with its place, never a fact.

    Attributes:
        name: ``subject``, ``their_reference``, ``our_reference``, ``written_on``, ``place``, ``sender``,
            ``addressee``, ``copies`` (one reading for each recipient), ``enclosures``, ``amount``.
        value: plain text; ISO date for ``written_on``, digits for ``enclosures``.
        page_no: counts from 1; the box is in fractions 0..1 of the page.
        confidence: 0..100.
    """

    name: str
    value: str
    page_no: int
    x: float
    y: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True)
class Recognition:
    """The result of reading a document; all paths are in the given ``out`` folder. ``searchable_pdf`` is PDF/A-2.

    ``thumbnail``, and ``image`` of a page: ``None`` when the engine is set to make no pictures.
    """

    pages: tuple[RecognisedPage, ...]
    searchable_pdf: Path
    thumbnail: Path | None
    fields: tuple[FieldReading, ...] = ()


@dataclass(frozen=True)
class ReaderFacts:
    """What reads pages: the ``library`` inside the program, or the system's ``program``; ``version`` of its tesseract."""

    plug: str
    version: str


@dataclass(frozen=True)
class FormBox:
    """A printed box to tick: its upper left corner and its side, in millimetres from the corner of the form's frame."""

    key: str
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class FormArea:
    """A place of a form for handwriting, in millimetres."""

    key: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class PrintedForm:
    """Where everything of a printed form stands, in millimetres from the upper left corner of its frame.

    Attributes:
        code: text of the QR code in the form.
        code_at: left, top, side of the code's modules, without white around.
        marks: centres of the solid squares around the form.
        mark_size: their side.
    """

    code: str
    code_at: tuple[float, float, float]
    marks: tuple[tuple[float, float], ...]
    mark_size: float
    boxes: tuple[FormBox, ...]
    areas: tuple[FormArea, ...]


class BoxState(StrEnum):
    """What a box of a form was found to be."""

    EMPTY = "empty"
    FILLED = "filled"
    TAKEN_BACK = "taken_back"
    """Ticked, and then struck out by a long stroke."""
    DOUBTFUL = "doubtful"
    """A person has to look."""


Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Corners of a place on the page as it was scanned: upper left, upper right, lower right, lower left of the upright
form, in fractions 0..1 of the page's width and height."""


@dataclass(frozen=True)
class ReadBox:
    """A box as it was found. ``ink``: share of the inside that bears ink, 0..1."""

    key: str
    state: BoxState
    ink: float
    place: Quad


@dataclass(frozen=True)
class ReadArea:
    """A place for handwriting. ``has_ink``: something seems to be written there."""

    key: str
    has_ink: bool
    place: Quad


@dataclass(frozen=True)
class FormReading:
    """A form as it was read: its boxes and areas in the order of ``PrintedForm``."""

    boxes: tuple[ReadBox, ...]
    areas: tuple[ReadArea, ...]


class OcrEngine(Protocol):
    """Reads pages. Uploads may be hostile: no data is decoded before its size is checked."""

    def inspect(self, source: Path, *, filename: str, timeout_s: float) -> SourceFacts:
        """First look: type by content, pages, codes, blanks, signature.

        Raises:
            Invalid: ``file.empty``, ``file.type_unknown``, ``file.encrypted``, ``file.image_too_large``,
                ``file.truncated``, ``file.too_many_pages``.
            EngineFailed: ``ocr.timeout``; DiskFull: ``disk.full``: no fault of the file.
        """
        ...

    def thumbnail(
        self, page: PageRef, *, width_px: int, out: Path, timeout_s: float, limit_bytes: int | None = None
    ) -> None:
        """Write a picture of one page to ``out`` (waiting scans are shown before they are read).

        It is a JPEG of that width; with ``limit_bytes`` it is a WebP, at most that wide, and as sharp as so many bytes allow.
        """
        ...

    def draw_part(self, page: PageRef, place: Quad, *, width_px: int, out: Path, timeout_s: float) -> None:
        """Write a picture of a place of a page to ``out``, upright: a JPEG of that width."""
        ...

    def read_codes(self, page: PageRef, *, timeout_s: float) -> tuple[str, ...]:
        """Texts of all codes of a page, in full resolution.

        Raises:
            Invalid: the page's bytes cannot be drawn.
            EngineFailed: ``ocr.timeout``, ``ocr.crashed``; DiskFull: ``disk.full``.
        """
        ...

    def read_form(self, page: PageRef, form: PrintedForm, *, timeout_s: float) -> FormReading | None:
        """Find a printed form on a page and measure its boxes; None when it is not found exactly. Reading guesses nothing.

        Raises:
            Invalid, EngineFailed: as ``read_codes``.
        """
        ...

    def recognise(
        self,
        pages: Sequence[PageRef],
        *,
        languages: Sequence[str],
        timeout_s: float,
        out: Path,
        on_page: Callable[[RecognisedPage], None] = lambda _: None,
    ) -> Recognition:
        """Read pages in order. A page that fails is flagged, and the next pages are read.

        ``on_page`` is called with each page, in order, as soon as it is read. Pages that a killed call has finished in
        ``out`` are not read again.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``; DiskFull: ``disk.full``.
        """
        ...

    def reads_with(self) -> ReaderFacts:
        """The program or library that reads the pages in this installation.

        Raises:
            EngineFailed: ``ocr.unavailable``, ``ocr.timeout``.
        """
        ...
