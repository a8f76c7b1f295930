"""Lines of the workbook from values of a form. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ged.workbook.cells import Finding, Left, Removed, folded, read_cell, write_cell
from ged.workbook.sheets import REMOVE, SHEETS, Sheet

Sheets = dict[str, list[list[str]]]
"""Title of a sheet -> its lines, the first one the names of the columns."""
TAKEN_AWAY = None
"""A value of a line that takes the field away; a field that the line does not name stays as it is."""


@dataclass(frozen=True)
class Line:
    """A line of a sheet.

    Attributes:
        sheet: the sheet's title.
        values: field of the record -> its value: text, boolean, stored words of a list; None takes it away.
    """

    sheet: str
    values: Mapping[str, object]


def line(section: str, values: Mapping[str, object], *, is_entity: bool = False) -> Line:
    """A line about a record of a section of ``ged.org.file``; of units ``is_entity`` chooses the sheet."""
    sheets = [sheet for sheet in SHEETS if sheet.kind == section]
    return Line((sheets[0] if is_entity or len(sheets) == 1 else sheets[1]).title, values)


def as_sheets(lines: Iterable[Line]) -> Sheets:
    """The lines as a workbook."""
    found: Sheets = {}
    for one in lines:
        sheet = _sheet(one.sheet)
        rows = found.setdefault(sheet.title, [[column.title for column in sheet.columns]])
        rows.append([_cell(sheet, column.key, one.values) for column in sheet.columns])
    return found


def values_of(sheets: Sheets) -> dict[str, object]:
    """What the form held that asked for these lines: field -> text, boolean, or tuple of stored words.

    The first line is about the record of the form; ``post`` is the first post of the others, which a new person takes.
    """
    title = next(iter(sheets))
    sheet = _sheet(title)
    found: dict[str, object] = {"entity": title == line("units", {}, is_entity=True).sheet}
    columns = {column.title: column for column in sheet.columns}
    # By their titles: an act that was proposed before an update lacks the columns that are new.
    for named, cell in zip(*sheets[title][:2], strict=True):
        column = columns[named]
        value = read_cell(column, cell)
        if not isinstance(value, Left):
            found[column.key] = "" if isinstance(value, Removed) else value
    posts = line("posts", {}).sheet
    if posts != title and posts in sheets:
        found["post"] = sheets[posts][1][0]
    return found


def _cell(sheet: Sheet, key: str, values: Mapping[str, object]) -> str:
    if key not in values:
        return ""
    column = next(one for one in sheet.columns if one.key == key)
    value = values[key]
    # What a person typed is a text, whatever the column holds: the reading of the cell judges it.
    written = value.strip() if isinstance(value, str) and not column.choices else write_cell(column, value)
    return written or ("" if column is sheet.key else REMOVE)


def _sheet(title: str) -> Sheet:
    return next(sheet for sheet in SHEETS if folded(sheet.title) == folded(title))


def field_of(finding: Finding, sheets: Sheets) -> str:
    """The field of the form at which a finding is told: that of the first line of the first sheet; else empty."""
    if not sheets or finding.sheet != next(iter(sheets)) or finding.row != FIRST or not finding.column:
        return ""
    return _sheet(finding.sheet).columns[finding.column - 1].key


FIRST = 2
"""The number of a sheet's first line, below the names of the columns."""
