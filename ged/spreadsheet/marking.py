"""Writes rows as a workbook that stays as it was typed, with wrong cells in red and a note on each."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from openpyxl import Workbook
from openpyxl.cell import Cell, MergedCell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WRONG = PatternFill("solid", fgColor="FFC7CE")
FACE = "Calibri"
"""Named in each font: without a name, programs show those cells in another one."""
WRONG_TEXT = Font(name=FACE, bold=True, color="9C0006")
AS_TEXT = "@"
_WIDEST, _NARROWEST, _LOOKED_AT = 60, 8, 200
"""Widths of columns, in characters, and lines by which they are found."""
_MAX_TITLE = 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T00:00:00)?")


@dataclass(frozen=True)
class Fault:
    """A cell to correct: row and column from 1, and what to do."""

    row: int
    column: int
    text: str


def place(row: int, column: int) -> str:
    """The name of a cell: ``C12``."""
    return f"{get_column_letter(column)}{row}"


def title_of(text: str) -> str:
    """A text that may be the title of a sheet."""
    return ILLEGAL_CHARACTERS_RE.sub("-", text).translate(_FORBIDDEN)[:_MAX_TITLE] or "-"


def _valid(text: str) -> str:
    """A text without the signs that no workbook may hold."""
    return ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)


def put_text(cell: Cell | MergedCell, text: str) -> None:
    """Write a text that stays a text: no formula, no number that loses its zeros."""
    # A cell may hold a sign that no workbook may: it is shown, since it is what is to be corrected.
    text = _valid(text)
    cell.value = text or None
    if text and isinstance(cell, Cell):
        cell.data_type = "s"
    cell.number_format = AS_TEXT


def mark(cell: Cell | MergedCell, text: str, *, keep_note: bool = True) -> None:
    """Make a cell red, with a note; a second note follows the first one."""
    cell.fill, cell.font = WRONG, WRONG_TEXT
    before = cell.comment.text + "\n" if cell.comment is not None and keep_note else ""
    cell.comment = note(before + text)


def print_wide(sheet: Worksheet, *, heads: bool = True) -> None:
    """Print a sheet across, all columns on the width of a page, with the names of the columns on each page."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", "9"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if heads:
        sheet.print_title_rows = "1:1"


def note(text: str) -> Comment:
    """A note as large as its text."""
    made = Comment(ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text), "GED")
    made.width, made.height = 320, 40 + 18 * (1 + len(text) // 45)
    return made


def marked(sheets: Mapping[str, Sequence[Sequence[str]]], title: str, faults: Iterable[Fault]) -> bytes:
    """The sheets as they were read, days as people write them; the faults stand in the sheet of this title.

    Each line is written at once: hundreds of thousands of cells take little memory, and half of the time.
    """
    book = Workbook(write_only=True)
    texts_by_cell = _by_cell(faults)
    for name, rows in sheets.items():
        made = book.create_sheet(title_of(name))
        print_wide(cast(Worksheet, made), heads=False)  # a sheet that is only written has the same settings
        for column, width in enumerate(_widths(rows), start=1):
            made.column_dimensions[get_column_letter(column)].width = width
        here = texts_by_cell if name == title else {}
        last = max(here, default=0)
        plain = WriteOnlyCell(made)
        plain.number_format = AS_TEXT
        for number in range(1, max(len(rows), last) + 1):
            texts = rows[number - 1] if number <= len(rows) else ()
            made.append(_written(made, texts, here.get(number, {}), plain))
        if name == title:
            book.active = made
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide the columns are, in characters, by their first lines."""
    found: list[int] = []
    for row in rows[:_LOOKED_AT]:
        found += [0] * (len(row) - len(found))
        for place, text in enumerate(row):
            found[place] = max(found[place], len(text) + 2)
    return [min(_WIDEST, max(_NARROWEST, width)) for width in found]


def _by_cell(faults: Iterable[Fault]) -> dict[int, dict[int, str]]:
    """Line -> column -> what to do there."""
    found: dict[int, dict[int, str]] = {}
    for fault in faults:
        line, column = found.setdefault(fault.row, {}), max(1, fault.column)
        line[column] = f"{line[column]}\n{fault.text}" if column in line else fault.text
    return found


def _written(
    sheet: WriteOnlyWorksheet, texts: Sequence[str], faults: Mapping[int, str], plain: Cell
) -> list[Cell | None]:
    """The cells of a line; ``plain`` has the look of a cell that is not wrong."""
    cells: list[Cell | None] = []
    for column in range(1, max(len(texts), max(faults, default=0)) + 1):
        text = texts[column - 1] if column <= len(texts) else ""
        if _DAY.fullmatch(text):
            text = _DAY.sub(r"\3/\2/\1", text)
        if column in faults:
            cell = WriteOnlyCell(sheet)
            put_text(cell, text)
            mark(cell, faults[column])
            cells.append(cell)
        elif text:
            cell = WriteOnlyCell(sheet, _valid(text))
            # As ``put_text`` does: to give each cell a format of its own takes as long as to write it.
            cell.data_type, cell._style = "s", plain._style  # type: ignore[attr-defined]
            cells.append(cell)
        else:
            cells.append(None)
    return cells
