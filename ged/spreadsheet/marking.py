"""Writes rows as a workbook that stays as it was typed, with wrong cells in red and a note on each."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WRONG = PatternFill("solid", fgColor="FFC7CE")
WRONG_TEXT = Font(bold=True, color="9C0006")
_AS_TEXT = "@"
_MAX_TITLE = 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T00:00:00)?")


@dataclass(frozen=True)
class Fault:
    """A cell to correct: row and column from 1, and what to do."""

    row: int
    column: int
    told: str


def place(row: int, column: int) -> str:
    """The name of a cell: ``C12``."""
    return f"{get_column_letter(column)}{row}"


def title_of(text: str) -> str:
    """A text that may be the title of a sheet."""
    return ILLEGAL_CHARACTERS_RE.sub("-", text).translate(_FORBIDDEN)[:_MAX_TITLE] or "-"


def put_text(cell: Cell | MergedCell, text: str) -> None:
    """Write a text that stays a text: no formula, no number that loses its zeros."""
    # A cell may hold a sign that no workbook may: it is shown, since it is what is to be corrected.
    text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
    cell.value = text or None
    if text and isinstance(cell, Cell):
        cell.data_type = "s"
    cell.number_format = _AS_TEXT


def mark(cell: Cell | MergedCell, told: str, *, keep_note: bool = True) -> None:
    """Make a cell red, with a note; a second note follows the first one."""
    cell.fill, cell.font = WRONG, WRONG_TEXT
    before = cell.comment.text + "\n" if cell.comment is not None and keep_note else ""
    cell.comment = note(before + told)


def note(text: str) -> Comment:
    """A note as large as its text."""
    made = Comment(ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text), "GED")
    made.width, made.height = 320, 40 + 18 * (1 + len(text) // 45)
    return made


def marked(sheets: Mapping[str, Sequence[Sequence[str]]], title: str, faults: Iterable[Fault]) -> bytes:
    """The sheets as they were read, days as people write them; the faults stand in the sheet of this title."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        made = book.create_sheet(title_of(name))
        for number, cells in enumerate(rows, start=1):
            for column, text in enumerate(cells, start=1):
                if text:
                    put_text(made.cell(number, column), _DAY.sub(r"\3/\2/\1", text) if _DAY.fullmatch(text) else text)
        if name == title:
            book.active = made
            for fault in faults:
                mark(made.cell(fault.row, max(1, fault.column)), fault.told)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()
