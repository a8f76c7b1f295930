"""Reads one cell, or says why it cannot be read. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ged.days import read_day
from ged.workbook.sheets import NO, REMOVE, YES, Column, Holds

_SPACES = re.compile(r"\s+")
_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
"""Ends of lines, beside the plain one."""
_WHOLE = re.compile(r"-?\d{1,15}(?:[.,]0+)?")
_PARTED = re.compile(r"\d{1,3}(?: \d{3})+")
"""A large number with spaces between its thousands."""
_CENTURY = date(2099, 12, 31)
"""Two figures of a year are one of this century."""
_LISTED = re.compile(r"[,;]")


@dataclass(frozen=True)
class Finding:
    """Something to correct, with its place.

    Attributes:
        row: line of the sheet, from 1; 0: the sheet itself.
        column: column of the sheet, from 1; 0: the whole line.
        code: the fault; ``ged.workbook.words`` has a sentence for each code.
        params: the values that the sentence names.
    """

    sheet: str
    row: int
    column: int
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Left:
    """An empty cell: the current value stays."""


@dataclass(frozen=True)
class Removed:
    """A dash: the value is taken away."""


class WrongCell(Exception):
    """A cell that cannot be read: ``code`` and ``params`` as in `Finding`."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def folded(text: str) -> str:
    """A word for comparison: without case, accents, surrounding and doubled spaces, with plain apostrophes."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return _SPACES.sub(" ", bare).strip().casefold()


def read_cell(column: Column, text: str) -> object:
    """The value of a cell: text, whole number, boolean, day, tuple; `Left` or `Removed`.

    References are returned as typed; whether they exist is seen when all sheets are read.

    Raises:
        WrongCell: with the reason.
    """
    said = text.strip() if column.holds is Holds.LINES else _SPACES.sub(" ", text).strip()
    if not said:
        return Left()
    if said in (REMOVE, "–"):
        if column.is_required:
            raise WrongCell("workbook.cannot_remove")
        return Removed()
    return _READERS[column.holds](column, said)


def _text(column: Column, said: str) -> object:
    if len(said) > column.limit:
        raise WrongCell("workbook.too_long", limit=column.limit, length=len(said))
    if any(unicodedata.category(sign)[0] == "C" for sign in said):  # no XML holds some of them, and no font any
        raise WrongCell("workbook.control")
    return said


def _lines(column: Column, said: str) -> object:
    lines = _ENDS.sub("\n", said).replace("\t", " ")
    _text(column, lines.replace("\n", " "))
    return lines


def _yes_no(_column: Column, said: str) -> object:
    word = folded(said)
    if word in {YES, "o", "x", "vrai", "true", "1"}:
        return True
    if word in {NO, "n", "faux", "false", "0"}:
        return False
    raise WrongCell("workbook.yes_no")


def _number(column: Column, said: str) -> object:
    if _PARTED.fullmatch(said):
        said = said.replace(" ", "")
    # A spreadsheet stores whole numbers as 10.0.
    if not _WHOLE.fullmatch(said):
        raise WrongCell("workbook.number", limit=column.limit)
    value = int(float(said.replace(",", ".")))
    if not 0 <= value <= column.limit:
        raise WrongCell("workbook.number", limit=column.limit)
    return value


def _day(_column: Column, said: str) -> object:
    day = read_day(said, today=_CENTURY)
    if day is None:
        raise WrongCell("workbook.day")
    return day


def _numbers(column: Column, said: str) -> object:
    found = []
    for part in _parts(said):
        if not _WHOLE.fullmatch(part) or abs(value := int(float(part.replace(",", ".")))) > column.limit:
            raise WrongCell("workbook.numbers", limit=column.limit)
        found.append(value)
    return tuple(found)


def _choice(column: Column, said: str) -> object:
    by_word = {folded(word): value for word, value in column.choices.items()}
    value = by_word.get(folded(said))
    if value is None:
        raise WrongCell("workbook.choice", choices=", ".join(column.choices))
    return str(value)


def _choices(column: Column, said: str) -> object:
    return tuple(dict.fromkeys(_choice(column, part) for part in _parts(said)))


def _reference(column: Column, said: str) -> object:
    return _text(column, said)


def _references(column: Column, said: str) -> object:
    return tuple(dict.fromkeys(_text(column, part) for part in _parts(said)))


def _parts(said: str) -> list[str]:
    return [part.strip() for part in _LISTED.split(said) if part.strip()]


_READERS = {
    Holds.TEXT: _text,
    Holds.YES_NO: _yes_no,
    Holds.NUMBER: _number,
    Holds.NUMBERS: _numbers,
    Holds.DAY: _day,
    Holds.LINES: _lines,
    Holds.CHOICE: _choice,
    Holds.CHOICES: _choices,
    Holds.REFERENCE: _reference,
    Holds.REFERENCES: _references,
}


def write_cell(column: Column, value: object) -> str:
    """The text of a cell that `read_cell` reads as this value; empty for what is not said."""
    if value in (None, "", ()):
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if column.holds is Holds.CHOICE:
        return _word(column, value)
    if column.holds is Holds.CHOICES:
        return ", ".join(_word(column, one) for one in value)  # type: ignore[attr-defined]
    if isinstance(value, tuple | list):
        return ", ".join(str(one) for one in value)
    return str(value)


def _word(column: Column, value: object) -> str:
    return next((word for word, stored in column.choices.items() if stored == value), str(value))
