"""The engine of letters that are written in Word."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PageBox = tuple[int, float, float, float, float]
"""A page from 1, and (x1, y1, x2, y2) in points from its lower left corner."""

PLACE_NAMES = ("numero", "date_lettre", "signature")
"""Merge fields that are filled at the signature; until then each shows its name: ``«numero»``. A program that keeps no merge
fields (OpenDocument in between, Google Docs) leaves that text, and it is taken for the field."""


@dataclass(frozen=True)
class WordFacts:
    """What a Word file says.

    Attributes:
        fields: names of its merge fields, in order, as often as they stand.
        text: its text, a paragraph or a row of a table for each block between empty lines.
        changes: followed changes that nobody accepted or rejected.
        properties: its custom properties that hold texts.
        left_out: kinds of outside relations that are left out when it is filled.
    """

    fields: tuple[str, ...]
    text: str
    changes: int
    comments: int
    properties: Mapping[str, str]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordPdf:
    """The pages made of a Word file: sizes (width, height in points), and the boxes of the places kept free."""

    sizes: tuple[tuple[float, float], ...]
    places: Mapping[str, PageBox]


class WordEngine(Protocol):
    """Opens Word files from people, which may be hostile, and makes their pages."""

    def version(self) -> str:
        """What makes the pages (``LibreOffice 7.4``); empty where it is not installed or cannot be shut in."""
        ...

    def look(self, source: Path, *, timeout_s: float) -> WordFacts:
        """Check a Word file and read what it says.

        Raises:
            Invalid: ``word.not_docx``, ``word.macros``, ``word.embedded``, ``word.external``, ``word.field_forbidden``;
                ``file.encrypted``, ``file.truncated``, ``file.too_large``.
            EngineFailed: ``ocr.timeout``, ``ocr.crashed``.
        """
        ...

    def fill(
        self,
        source: Path,
        out: Path,
        values: Mapping[str, str],
        properties: Mapping[str, str],
        *,
        poured: Mapping[str, str],
        timeout_s: float,
    ) -> None:
        """Fill the merge fields, which stay fields, and write custom properties.

        Args:
            poured: fields that end with being filled: their texts become paragraphs, cut at empty lines.

        Raises:
            Invalid, EngineFailed: as ``look``.
        """
        ...

    def pages(
        self,
        source: Path,
        out: Path,
        values: Mapping[str, str],
        places: Mapping[str, tuple[float, float]],
        *,
        timeout_s: float,
    ) -> WordPdf:
        """Make PDF/A-2 of a Word file with its fields filled.

        Args:
            places: fields in whose stead a place is kept free: width and height in millimetres.

        Raises:
            Invalid: as ``look``; ``word.place_lost``: the field of a place is on no page; ``office.unavailable``,
                ``file.too_many_pages``, ``word.too_complex``.
            EngineFailed: ``ocr.timeout``, ``ocr.crashed``, ``word.not_archive``.
        """
        ...

    def stamp(self, pdf: bytes, sheets: bytes, page_numbers: tuple[int, ...], *, timeout_s: float) -> bytes:
        """Print sheets of ours over pages that ``pages`` made; equal inputs give equal bytes.

        Raises:
            Invalid: ``file.truncated``.
            EngineFailed: ``ocr.timeout``, ``ocr.crashed``.
        """
        ...
