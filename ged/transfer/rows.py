"""A row as a line of JSON: canonical, so that the same rows always give the same bytes."""

import base64
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Select, Table
from sqlalchemy.orm import Session

from ged import audit

BATCH = 1_000


def lines(session: Session, wanted: Select[Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """(values, line) of each row: column -> JSON value, and its canonical bytes with a line end."""
    for row in session.execute(wanted.execution_options(yield_per=BATCH)).mappings():
        values = {str(name): plain(value) for name, value in row.items()}
        yield values, audit.canonical(values) + b"\n"


def plain(value: Any) -> Any:
    """A column's value as JSON: times in UTC with microseconds, days, bytes as base64, members of enumerations."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Enum):
        return value.value
    return value


def digests(table: Table, values: Mapping[str, Any]) -> Iterator[str]:
    """The stored files that a row names."""
    for name, value in values.items():
        if value and (name == "digest" or (name.endswith("_digest") and name in table.columns)):
            yield str(value)
