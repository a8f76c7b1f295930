"""Exports lists as CSV and ODS for spreadsheets. Text stays text, even if it begins like a formula; numbers and days are told as such."""

import csv
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO, StringIO
from xml.sax.saxutils import escape

from ged.spreadsheet.harmless import harmless

CSV_TYPE = "text/csv; charset=utf-8"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"

_MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{ODS_TYPE}"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
</manifest:manifest>"""
_BEGIN = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" office:version="1.3">
<office:automatic-styles>{styles}</office:automatic-styles>
<office:body><office:spreadsheet><table:table table:name="{name}">"""
_DAY_STYLE = (
    '<number:date-style style:name="form-day"><number:day number:style="long"/><number:text>/</number:text>'
    '<number:month number:style="long"/><number:text>/</number:text><number:year number:style="long"/></number:date-style>'
    '<style:style style:name="day" style:family="table-cell" style:data-style-name="form-day"/>'
)
_PERCENT_STYLE = (
    '<number:percentage-style style:name="form-percent"><number:number number:decimal-places="0" number:min-integer-digits="1"/>'
    "<number:text> %</number:text></number:percentage-style>"
    '<style:style style:name="percent" style:family="table-cell" style:data-style-name="form-percent"/>'
)
_UNIT_STYLE = (
    '<number:number-style style:name="form-unit-{n}"><number:number number:min-integer-digits="1"/>'
    "<number:text>{unit}</number:text></number:number-style>"
    '<style:style style:name="unit-{n}" style:family="table-cell" style:data-style-name="form-unit-{n}"/>'
)
_END = "</table:table></office:spreadsheet></office:body></office:document-content>"


@dataclass(frozen=True)
class Valued:
    """A cell whose value a spreadsheet can add up or sort.

    Attributes:
        text: the cell in a CSV.
        value: a number, or a day.
        unit: what stands behind the number (" j"); ``PERCENT``: the value is a share, 0.04 is 4 %.
    """

    text: str
    value: float | date
    unit: str = ""


PERCENT = "%"
Cell = str | Valued
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?( %)?")
"""No formula: a sign, digits, and no operator behind them."""


def day(on: date | None) -> Cell:
    """A day as a cell; an empty cell of None."""
    return Valued(on.strftime("%d/%m/%Y"), on) if on is not None else ""


def percent(share: float) -> Valued:
    """A change as a cell, with its sign: +4 % of 0.04."""
    number = round(100 * share)
    return Valued(f"{number:+d} %" if number else "0 %", share, PERCENT)


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """CSV in UTF-8 with BOM and semicolons, as French spreadsheets expect; no cell is interpreted as a formula."""
    out = StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig", "replace")


def _plain(cell: Cell) -> str:
    if isinstance(cell, Valued):
        # The sign of a number that is one needs no protection: with an apostrophe it would be text.
        return cell.text if _NUMBER.fullmatch(cell.text) else _plain(cell.text)
    return harmless(cell)


def as_ods(rows: Iterable[Sequence[Cell]], *, name: str) -> bytes:
    """An OpenDocument spreadsheet: cells with a value are numbers, shares and days, all others are text."""
    units: dict[str, int] = {}
    lines = "".join(
        f"<table:table-row>{''.join(_cell(one, units) for one in row) or '<table:table-cell/>'}</table:table-row>"
        for row in rows
    )
    styles = (_UNIT_STYLE.format(n=n, unit=_xml(unit)) for unit, n in units.items())
    begin = _BEGIN.format(name=_xml(name), styles="".join((_DAY_STYLE, _PERCENT_STYLE, *styles)))
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        # The mimetype must be first and uncompressed: programs identify the file by it.
        archive.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr("content.xml", begin + lines + _END)
    return out.getvalue()


def _cell(cell: Cell, units: dict[str, int]) -> str:
    """A cell; the number of its unit's style is kept in ``units``."""
    if isinstance(cell, str):
        kind = 'office:value-type="string"'
    elif isinstance(cell.value, date):
        kind = f'table:style-name="day" office:value-type="date" office:date-value="{cell.value.isoformat()}"'
    elif cell.unit == PERCENT:
        kind = f'table:style-name="percent" office:value-type="percentage" office:value="{cell.value}"'
    else:
        style = f'table:style-name="unit-{units.setdefault(cell.unit, len(units))}" ' if cell.unit else ""
        kind = f'{style}office:value-type="float" office:value="{cell.value}"'
    text = cell if isinstance(cell, str) else cell.text
    return f"<table:table-cell {kind}><text:p>{_xml(text)}</text:p></table:table-cell>"


def _xml(text: str) -> str:
    """Text without characters that XML forbids."""
    allowed = (
        char if char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff" else " "
        for char in text
    )
    return escape("".join(allowed), {'"': "&quot;"})
