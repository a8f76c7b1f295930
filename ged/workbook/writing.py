"""Writes the workbook with openpyxl: empty, filled with the current organisation, or with its wrong cells marked."""

import io
from collections.abc import Iterable, Mapping, Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ged.org.file import OrganisationFile
from ged.spreadsheet.marking import AS_TEXT, FACE, WRONG, WRONG_TEXT, mark, note, print_wide, put_text, title_of
from ged.workbook.cells import Finding, folded, write_cell
from ged.workbook.merging import READ_ME, Rows
from ged.workbook.sheets import EXAMPLE, EXAMPLES, NEAREST_HEAD, NO, SHEETS, YES, Column, Holds, Sheet
from ged.workbook.words import EXPLAINED, sentence

_WIDE, _NARROW = 34, 20
_READ_ME_WIDE, _READ_ME_SIGNS, _LINE_POINTS = 70, 64, 15
"""The column of the first sheet, as wide as a page upright: one column is never made smaller; signs on a line of it, at least; the
height of a line."""
_LINES_WITH_LISTS = 5_000
_NAMES = PatternFill("solid", fgColor="1F4E79")
_NEEDED = PatternFill("solid", fgColor="0B3A5E")
_EXAMPLE = Font(name=FACE, italic=True, color="808080")
_TYPED_AS_IS = frozenset(Holds) - {Holds.NUMBER, Holds.DAY}
"""What a spreadsheet program must not take for a number or a day: a code 0012 would lose its zeros."""


def template() -> bytes:
    """The empty workbook, with two lines of example a sheet."""
    return _written({sheet.title: [] for sheet in SHEETS}, (), examples=True)


def filled(file: OrganisationFile) -> bytes:
    """The workbook of the current organisation. An import of it changes nothing."""
    return _written(rows_of(file), ())


def marked(workbook: Mapping[str, Rows], findings: Iterable[Finding]) -> bytes:
    """The given workbook with its wrong cells in red; a note on each says what to do.

    Args:
        workbook: as it was read: title of a sheet -> rows, the names of the columns first.
    """
    return _written({title: rows[1:] for title, rows in workbook.items()}, findings, names={
        title: rows[0] for title, rows in workbook.items() if rows
    })  # fmt: skip


def rows_of(file: OrganisationFile) -> dict[str, list[list[str]]]:
    """The lines of each sheet, without the names of the columns."""
    found: dict[str, list[list[str]]] = {}
    for sheet in SHEETS:
        if sheet.kind == "circuits":
            found[sheet.title] = _circuit_rows(file, sheet)
            continue
        records = [record.model_dump(by_alias=True) for record in getattr(file, sheet.kind)]
        if sheet.kind == "units":
            records = [one for one in records if one["entity"] is (sheet is SHEETS[0])]
        found[sheet.title] = [[write_cell(column, one[column.key]) for column in sheet.columns] for one in records]
    return found


def _circuit_rows(file: OrganisationFile, sheet: Sheet) -> list[list[str]]:
    rows = []
    for nature in file.natures:
        if nature.circuit is None:
            continue
        steps: list[dict[str, object]] = [
            {
                "nature": nature.code, "post": step.post or NEAREST_HEAD, "kind": step.kind,
                "compulsory": step.compulsory or None, "with_previous": step.with_previous or None,
                "entity": nature.entity,
            }
            for step in nature.circuit.steps
        ]  # fmt: skip
        steps.append(
            {"nature": nature.code, "post": nature.circuit.signatory, "kind": "signature", "entity": nature.entity}
        )
        rows += [[write_cell(column, step.get(column.key)) for column in sheet.columns] for step in steps]
    return rows


def _written(
    rows: Mapping[str, Rows],
    findings: Iterable[Finding],
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    examples: bool = False,
) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    first = book.create_sheet(READ_ME)
    _explain(first, [one for one in findings if not one.sheet])
    made: dict[str, Worksheet] = {}
    for title, lines in rows.items():
        if folded(title) == folded(READ_ME):
            continue
        sheet = next((one for one in SHEETS if folded(one.title) == folded(title)), None)
        made[title] = book.create_sheet(title_of(title))
        given = (names or {}).get(title)
        _names(made[title], sheet, given)
        if examples and sheet is not None:
            _examples(made[title], sheet)
        for number, cells in enumerate(lines, start=made[title].max_row + 1 if examples else 2):
            for place, text in enumerate(cells, start=1):
                if text:
                    put_text(made[title].cell(number, place), text)
    by_title = {folded(title): sheet for title, sheet in made.items()}
    for finding in findings:
        if finding.sheet and folded(finding.sheet) in by_title:
            _mark(by_title[folded(finding.sheet)], finding)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _explain(sheet: Worksheet, findings: Sequence[Finding]) -> None:
    print_wide(sheet, heads=False)
    sheet.page_setup.orientation = "portrait"
    sheet.column_dimensions["A"].width = _READ_ME_WIDE
    for number, line in enumerate(EXPLAINED, start=1):
        sheet.cell(number, 1, line).font = Font(name=FACE, bold=number == 1)
    number = len(EXPLAINED) + 2
    for one in SHEETS:
        sheet.cell(number, 1, f"{one.title} : {one.help}")
        number += 1
    for finding in findings:
        cell = sheet.cell(number + 1, 1, sentence(finding))
        cell.fill, cell.font = WRONG, WRONG_TEXT
        number += 1
    for row in range(1, sheet.max_row + 1):
        written = sheet.cell(row, 1)
        written.alignment = Alignment(vertical="top", wrap_text=True)
        # Not every program makes a row as high as its wrapped text.
        sheet.row_dimensions[row].height = _LINE_POINTS * max(1, -(-len(str(written.value or "")) // _READ_ME_SIGNS))


def _names(made: Worksheet, sheet: Sheet | None, given: Sequence[str] | None) -> None:
    """The names of the columns: the given ones, or those of the model."""
    columns = {folded(one.title): one for one in sheet.columns} if sheet is not None else {}
    titles = list(given) if given is not None else [one.title for one in sheet.columns] if sheet is not None else []
    for place, title in enumerate(titles, start=1):
        cell = made.cell(1, place)
        put_text(cell, title)
        column = columns.get(folded(title))
        cell.font = Font(name=FACE, bold=True, color="FFFFFF")
        cell.fill = _NEEDED if column is not None and column.is_required else _NAMES
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        letter = get_column_letter(place)
        made.column_dimensions[letter].width = _WIDE if column is not None and column.limit >= 200 else _NARROW
        if column is None or column.holds in _TYPED_AS_IS:
            made.column_dimensions[letter].number_format = AS_TEXT
        if column is not None:
            cell.comment = note(column.help + (" Obligatoire." if column.is_required else ""))
            _offer(made, column, letter)
    made.freeze_panes = "B2"
    print_wide(made)


def _offer(made: Worksheet, column: Column, letter: str) -> None:
    """The list of what a cell may hold. A list only warns where more than one value, or other words, may stand."""
    if column.holds is Holds.YES_NO:
        listed, is_strict = f'"{YES},{NO}"', True
    elif column.holds in (Holds.CHOICE, Holds.CHOICES):
        listed, is_strict = '"{}"'.format(",".join(column.choices)), column.holds is Holds.CHOICE
    elif column.holds is Holds.REFERENCE and len(titles := _titles(column.refers_to)) == 1:
        title = titles[0]
        listed, is_strict = f"'{title}'!$A$2:$A${_LINES_WITH_LISTS}", False
    else:
        return
    rule = DataValidation(type="list", formula1=listed, allow_blank=True, showErrorMessage=is_strict)
    if is_strict:  # spreadsheets refuse a file whose message is longer than 225 characters
        rule.error, rule.errorTitle = column.help, column.title
    made.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{_LINES_WITH_LISTS}")


def _titles(kind: str) -> list[str]:
    return [one.title for one in SHEETS if one.kind == kind]


def _examples(made: Worksheet, sheet: Sheet) -> None:
    for number in range(EXAMPLES):
        for place, column in enumerate(sheet.columns, start=1):
            cell = made.cell(number + 2, place)
            put_text(cell, (f"{EXAMPLE} " if place == 1 else "") + column.examples[number])
            cell.font = _EXAMPLE


def _mark(made: Worksheet, finding: Finding) -> None:
    cell = made.cell(max(1, finding.row), max(1, finding.column))
    mark(cell, sentence(finding), keep_note=finding.row > 1)
