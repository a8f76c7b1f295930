"""What stands in SQLite and PostgreSQL would not take: found and named before the first row is copied.

SQLite checks neither lengths nor kinds of values (its documentation, "Flexible Typing"), and takes texts with a zero character.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, DateTime, Float, Integer, LargeBinary, String, Table

from ged.db import Code, UtcDateTime
from ged.journal_values import JournalDetails
from ged.moving.columns import tables

_INT, _BIG = 2**31, 2**63
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\Z")
Check = Callable[[Any], bool]


@dataclass(frozen=True)
class Unfit:
    """A value that PostgreSQL would not take, or a key that names no row.

    Attributes:
        row: the row's key, as text.
        why: a stable word: ``zero_character``, ``encoding``, ``too_long``, ``number``, ``time``, ``json``, ``member``, ``no_row``.
    """

    table: str
    column: str
    row: str
    why: str


def unfit(file: Path) -> Iterator[Unfit]:
    """Read every value of an SQLite database, and name what is unfit."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
        # As bytes: the driver would raise at the first text that is no UTF-8, and name no row.
        source.text_factory = bytes
        for table in tables():
            yield from _of_table(source, table)
        for child, rowid, parent, _ in source.execute("PRAGMA foreign_key_check"):
            yield Unfit(_text(child), _text(parent), str(rowid), "no_row")


def others(file: Path) -> list[str]:
    """Tables of the file that are none of ours, with rows: nobody moves them."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
        names = [one for (one,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        own = {one.name for one in tables()} | {"alembic_version"}
        strange = [one for one in names if one not in own and not one.startswith("sqlite_")]
        quoted = {one: one.replace('"', '""') for one in strange}
        return [one for one in strange if source.execute(f'SELECT 1 FROM "{quoted[one]}" LIMIT 1').fetchone()]  # noqa: S608  the file's own names, quoted


def _of_table(source: sqlite3.Connection, table: Table) -> Iterator[Unfit]:
    key = [one.name for one in table.primary_key.columns]
    names = [*key, *(one.name for one in table.columns)]
    checks = [(len(key) + n, one.name, _checked(one)) for n, one in enumerate(table.columns)]
    listed = ", ".join(f'"{one}"' for one in names)
    for row in source.execute(f'SELECT {listed} FROM "{table.name}"'):  # noqa: S608  our own names
        for place, name, why in checks:
            value = row[place]
            if value is not None and (found := why(value)):
                yield Unfit(table.name, name, "/".join(_text(one) for one in row[: len(key)]), found)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _checked(column: Column[Any]) -> Callable[[Any], str]:
    kind = column.type
    if isinstance(kind, Code):
        known = {str(one.value).encode() for one in kind.enum}
        return lambda value: "" if value in known else "member"
    if isinstance(kind, UtcDateTime | DateTime):
        return _moment
    if isinstance(kind, Date):
        return _day
    if isinstance(kind, JSON | JournalDetails):
        return _json
    if isinstance(kind, LargeBinary):
        return lambda value: "" if isinstance(value, bytes) else "encoding"
    if isinstance(kind, String):
        return _of_text(kind.length)
    if isinstance(kind, Boolean):
        return lambda value: "" if type(value) is int and value in (0, 1) else "number"
    if isinstance(kind, Float):
        return lambda value: "" if isinstance(value, int | float) else "number"
    if isinstance(kind, Integer):
        most = _BIG if isinstance(kind, BigInteger) or column.primary_key else _INT
        return lambda value: "" if type(value) is int and -most <= value < most else "number"
    raise TypeError(f"{column} is of a type that no move knows")


def _of_text(length: int | None) -> Callable[[Any], str]:
    def why(value: Any) -> str:
        if not isinstance(value, bytes):
            return "encoding"
        if b"\0" in value:
            return "zero_character"
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return "encoding"
        # In characters, as PostgreSQL counts them.
        return "too_long" if length is not None and len(text) > length else ""

    return why


def _moment(value: Any) -> str:
    text = value.decode("ascii", errors="replace") if isinstance(value, bytes) else ""
    return "" if _MOMENT.match(text) and not _day(text[:10].encode()) and text[11:13] < "24" else "time"


def _day(value: Any) -> str:
    try:
        date.fromisoformat(value.decode("ascii"))
    except (AttributeError, ValueError):
        return "time"
    return ""


def _json(value: Any) -> str:
    if isinstance(value, int | float):  # the column's affinity makes a number of the text of one
        return ""
    try:
        json.loads(value.decode(), parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError):
        return "json"
    return ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN, Infinity: Python writes them, JSON has none
