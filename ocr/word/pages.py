"""The pages of a letter from Word: where its free places are, and what is printed there later."""

from io import BytesIO
from pathlib import Path

import pikepdf
from pikepdf import Name

from ged.errors import EngineFailed, Invalid
from ocr.limits import MIB
from ocr.pdfcheck import damage_is_refused
from ocr.word.fields import PIXELS_FROM

Box = tuple[int, float, float, float, float]
"""A page, and (x1, y1, x2, y2) in points from its lower left corner."""
_ACTIVE = (Name.OpenAction, Name.AA, Name.AcroForm, Name.Collection)
_MIN_SIDE_PT = 4.0
MOST_OBJECTS = 50_000
"""Each link is one, and each is looked at when the letter is signed: so many take half a second there."""
MAX_BYTES = 64 * MIB
"""Signing holds some copies of the pages in memory."""


def settle(path: Path) -> tuple[int, list[tuple[float, float]]]:
    """Take out of a drawn PDF what could act, and require that it is PDF/A. Returns its page count and the sizes.

    Raises:
        EngineFailed: ``word.not_archive``.
        Invalid: ``word.too_complex``.
    """
    with damage_is_refused(), pikepdf.open(path, allow_overwriting_input=True) as pdf:
        if len(pdf.objects) > MOST_OBJECTS or path.stat().st_size > MAX_BYTES:
            raise Invalid("word.too_complex", "take links, bookmarks and large pictures out of it", field="word")
        for key in _ACTIVE:
            if key in pdf.Root:
                del pdf.Root[key]
        if Name.Names in pdf.Root:
            for key in (Name.JavaScript, Name.EmbeddedFiles):
                if key in pdf.Root.Names:
                    del pdf.Root.Names[key]
        with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
            level = str(metadata.pdfa_status).lower()
        if level not in {"2b", "2u", "2a", "3b", "3u", "3a"} or Name.OutputIntents not in pdf.Root:
            raise EngineFailed("word.not_archive", "tell the administrator which LibreOffice is installed", level=level)
        sizes = [
            (float(page.mediabox[2] - page.mediabox[0]), float(page.mediabox[3] - page.mediabox[1]))
            for page in pdf.pages
        ]
        pdf.save(path, deterministic_id=True)
        return len(sizes), sizes
    raise EngineFailed("word.not_archive", "tell the administrator which LibreOffice is installed", level="")


def places(path: Path, names: list[str]) -> dict[str, Box]:
    """Where the pictures stand that keep the places free: of each name the first.

    Raises:
        Invalid: ``word.place_lost``: it is on no page, or too small, turned or cut off.
    """
    widths = {PIXELS_FROM + n: name for n, name in enumerate(names)}
    found: dict[str, Box] = {}
    with damage_is_refused(), pikepdf.open(path) as pdf:
        for number, page in enumerate(pdf.pages, start=1):
            _, _, right, top = (float(side) for side in page.mediabox)
            for width_px, box in _pictures(page):
                name = widths.get(width_px)
                if name is None or name in found:
                    continue
                x1, y1, x2, y2 = box
                if x2 - x1 < _MIN_SIDE_PT or y2 - y1 < _MIN_SIDE_PT or x1 < 0 or y1 < 0 or x2 > right or y2 > top:
                    raise Invalid("word.place_lost", "put the field on the page", field="word", name=name)
                found[name] = (number, *(round(side, 2) for side in box))  # type: ignore[assignment]  # four sides
    for name in names:
        if name not in found:
            raise Invalid("word.place_lost", "put the field on the page", field="word", name=name)
    return found


def _pictures(page: pikepdf.Page) -> list[tuple[int, tuple[float, float, float, float]]]:
    """Width in pixels and box of each picture of one line."""
    shown = page.resources.get(Name.XObject, pikepdf.Dictionary())
    matrix, kept = pikepdf.Matrix(), []
    found: list[tuple[int, tuple[float, float, float, float]]] = []
    for instruction in pikepdf.parse_content_stream(page):
        operator = str(instruction.operator)
        if operator == "q":
            kept.append(matrix)
        elif operator == "Q" and kept:
            matrix = kept.pop()
        elif operator == "cm":
            # The new matrix is applied first, then the one that held (ISO 32000-1, 8.3.4).
            matrix = pikepdf.Matrix(*(float(one) for one in instruction.operands)) @ matrix
        elif operator == "Do":
            picture = shown.get(str(instruction.operands[0]))
            if (
                picture is not None
                and picture.get(Name.Subtype) == Name.Image
                and int(picture.get(Name.Height, 0)) == 1
            ):
                x, y = matrix.e, matrix.f
                found.append((int(picture.Width), (x, y, x + matrix.a, y + matrix.d)))
    return found


def stamp(source: Path, target: Path, sheets: bytes, page_numbers: list[int]) -> None:
    """Print sheets (a PDF of ours, of the pages' sizes) over pages; the pages themselves are not changed.

    Equal inputs give equal bytes.
    """
    with damage_is_refused(), pikepdf.open(source) as pdf, pikepdf.open(BytesIO(sheets)) as over:
        for number, sheet in zip(page_numbers, over.pages, strict=True):
            page = pdf.pages[number - 1]
            page.add_overlay(sheet, pikepdf.Rectangle(page.mediabox))
        pdf.save(target, deterministic_id=True)
