"""Reads a spreadsheet (.xlsx, .ods, .csv) in a sandboxed child, by calamine: a hostile file exhausts only the child."""

import csv
import json
from datetime import date, datetime, time
from functools import cache
from io import BytesIO, StringIO

from python_calamine import CalamineError, CalamineWorkbook, ZipError

from ged.errors import EngineFailed, Invalid
from sandbox import Busy, Limits, Message, Pool, SandboxError, Service

MAX_ROWS = 20_000
MAX_CELL = 32_767
"""Characters of a cell, as in spreadsheet programs; a longer text is cut. No field takes so many, so none is cut unseen."""
TIMEOUT_S = 20.0
WAIT_S = 10.0
MAX_BYTES = 20 * 1024 * 1024
MAX_SHEETS = 40
MAX_COLUMNS = 60
MAX_CELLS = 400_000
"""Cells with text of a whole workbook: a small file may unfold to millions."""
MAX_TEXT = 10_000_000
"""Characters of all cells: one long text, named by many cells, makes a small file as large as one likes."""
MAX_FIELD = 100_000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .ods files begin, and those of older programs."""
_MEMORY_BYTES = 1024 * 1024 * 1024
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class TooMuch(Exception):
    """More cells, or more text in them, than a person fills in."""


def read_apart(content: bytes, *, lists: bool = False) -> dict[str, list[list[str]]]:
    """The rows of each sheet as text, as far as the last line with text, in a child.

    Args:
        lists: a file of plain text is read too, as one sheet without a name: cells parted by semicolons, commas or tabs.

    Raises:
        Invalid: ``workbook.too_big``, ``workbook.unreadable``.
        EngineFailed: ``work.busy``.
        SandboxError: no child can be started at all.
    """
    if len(content) > MAX_BYTES:
        raise _too_big()
    try:
        with _readers().child(wait_s=WAIT_S) as child:
            try:
                answer = child.ask({"lists": lists}, payload=content, timeout_s=TIMEOUT_S)
            except SandboxError as failure:
                raise _unreadable() from failure
    except Busy as busy:
        raise EngineFailed("work.busy", "wait a moment, then ask again", retryable=True) from busy
    if answer.message["is_too_much"]:
        raise _too_big()
    if not answer.message["is_read"]:
        raise _unreadable()
    read: dict[str, list[list[str]]] = json.loads(answer.payload)
    return read


def service(_settings: Message) -> Service:
    """Return the function that answers in the child: the rows as JSON."""
    return _answer


def _answer(request: Message, content: bytes) -> tuple[Message, bytes]:
    try:
        is_list = bool(request.get("lists")) and not content.startswith(_WORKBOOKS)
        rows = {"": _listed(content)} if is_list else rows_of(content)
    except TooMuch:
        return {"is_read": False, "is_too_much": True}, b""
    except (CalamineError, ZipError, ValueError, OSError, csv.Error):
        return {"is_read": False, "is_too_much": False}, b""
    # Half of a pair of surrogates is no UTF-8; ``json.loads`` reads it back so.
    payload = json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return {"is_read": True, "is_too_much": False}, payload


class _Bounds:
    """What was read so far."""

    def __init__(self) -> None:
        self._cells = self._text = 0

    def add(self, line: list[str]) -> None:
        """Count a line.

        Raises:
            TooMuch: there is more than a person fills in.
        """
        self._cells += len(line)
        self._text += sum(map(len, line))
        if self._cells > MAX_CELLS or self._text > MAX_TEXT:
            raise TooMuch


def rows_of(content: bytes) -> dict[str, list[list[str]]]:
    """The rows of each sheet as text.

    Raises:
        CalamineError, ZipError, ValueError, OSError: no workbook.
        TooMuch: too many cells, or too much text.
    """
    book, bounds = CalamineWorkbook.from_filelike(BytesIO(content)), _Bounds()
    return {name: _rows(book, name, bounds) for name in book.sheet_names[:MAX_SHEETS]}


def _listed(content: bytes) -> list[list[str]]:
    """The rows of a list in plain text.

    Raises:
        ValueError, csv.Error: it is no text.
        TooMuch: too many cells, or too much text.
    """
    text = _decoded(content)
    if "\x00" in text:
        raise ValueError("no text")
    head = "\n".join(text.splitlines()[:20])
    parted_by = max(";\t,|", key=head.count)
    csv.field_size_limit(MAX_FIELD)
    rows: list[list[str]] = []
    bounds = _Bounds()
    for line in csv.reader(StringIO(text, newline=""), delimiter=parted_by):
        rows.append(_bare([" ".join(cell.split())[:MAX_CELL] for cell in line[:MAX_COLUMNS]]))
        bounds.add(rows[-1])
        if len(rows) > MAX_ROWS:
            break
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # saved by a spreadsheet program on an old Windows
        return content.decode("cp1252")


def _rows(book: CalamineWorkbook, name: str, bounds: _Bounds) -> list[list[str]]:
    # One line more than is read, so that a sheet that is too long is told of.
    raw = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=MAX_ROWS + 1)
    rows: list[list[str]] = []
    for line in raw:
        rows.append(_bare([_text(value) for value in line[:MAX_COLUMNS]]))
        bounds.add(rows[-1])
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _bare(cells: list[str]) -> list[str]:
    """A line without the empty cells at its end."""
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)[:MAX_CELL]


def _too_big() -> Invalid:
    return Invalid("workbook.too_big", "give a smaller file", limit=MAX_BYTES)


def _unreadable() -> Invalid:
    return Invalid("workbook.unreadable", "give a workbook of the model, saved as .xlsx or .ods, without password")


@cache
def _readers() -> Pool:
    return Pool(
        "ged.spreadsheet.reading:service", {}, packages=("ged",), limits=Limits(_MEMORY_BYTES, file_bytes=0), uses=20, size=1,
        max_answer_bytes=_MAX_ANSWER_BYTES,
    )  # fmt: skip
