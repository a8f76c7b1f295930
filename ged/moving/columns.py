"""What the two kinds of database store differently, as values that both give alike."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    cast,
    tuple_,
    type_coerce,
)
from sqlalchemy import Enum as SqlEnum

from ged.db import Code
from ged.journal_values import JournalDetails
from ged.models import metadata

SECOND_PASS = (("slips", "number_id"),)
"""Slips and numbers name one another, and a number is never changed: slips go first, and get this column last."""


def tables() -> list[Table]:
    """All tables, those that others name first."""
    found = list(metadata.sorted_tables)
    slips = metadata.tables["slips"]
    found.remove(slips)
    found.insert(next(n for n, one in enumerate(found) if one.name == "mail_numbers"), slips)
    return found


def carried(column: Column[Any]) -> ColumnElement[Any]:
    """A column as it is read for the move: times in UTC, days, booleans and bytes by their types; the text of JSON as it is stored, so
    that ``null`` and NULL stay two; the plain text of a member of an enumeration, known or not."""
    if isinstance(column.type, JSON | JournalDetails):
        return cast(column, Text).label(column.name)
    if isinstance(column.type, Code | SqlEnum):
        return type_coerce(column, String).label(column.name)
    return column


def self_references(table: Table) -> list[Column[Any]]:
    """Columns that name other rows of the same table."""
    return [one for one in table.columns if any(key.column.table is table for key in one.foreign_keys)]


def keys(connection: Connection, table: Table) -> list[ColumnElement[Any]]:
    """The primary key, ordered alike in both: SQLite compares the bytes of texts, PostgreSQL by the rules of a language."""
    found: list[ColumnElement[Any]] = []
    for one in table.primary_key.columns:
        is_text = connection.dialect.name == "postgresql" and isinstance(one.type, String | Code)
        found.append(type_coerce(one, String).collate("C") if is_text else one)
    return found


def beyond(connection: Connection, table: Table, after: Sequence[Any], *, until: bool = False) -> ColumnElement[bool]:
    """Whether a row's key is above this key; ``until``: whether it is not."""
    own = keys(connection, table)
    given = tuple_(*after, types=[one.type for one in table.primary_key.columns])
    return tuple_(*own) <= given if until else tuple_(*own) > given


def key_of(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    """The values of a row's primary key."""
    return tuple(row._mapping[one.name] for one in table.primary_key.columns)


def digest_of(row: Row[Any]) -> bytes:
    """SHA-256 of a row's canonical form: a list of its values in the order of the columns."""
    values = [_plain(value) for value in row]
    return hashlib.sha256(json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"sha256:{hashlib.sha256(value).hexdigest()}"
    return value


def rows_at_once(table: Table, most: int) -> int:
    """How many rows of a table are held in memory at once: pages of text and pictures are large."""
    if any(isinstance(one.type, LargeBinary) for one in table.columns):
        return min(most, 100)
    if any(isinstance(one.type, JSON | JournalDetails | Text) for one in table.columns):
        return min(most, 1_000)
    return most
