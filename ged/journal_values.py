"""Values of the journal, read without trust: an intruder may have written any value, and each entry is checked all the same."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Text, cast, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from ged.db import UtcDateTime

UNREADABLE_MOMENT = datetime(1, 1, 2, tzinfo=UTC)
"""In place of a moment of the journal that is none. No act is of that day, so its entry no longer has its hash."""


class JournalMoment(UtcDateTime):
    """A moment of the journal. A stored value that is no moment is read as ``UNREADABLE_MOMENT``.

    SQLite stores any value. If reading raised, one altered entry would keep every other one from being verified.
    """

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Return the reader of a stored value."""
        strict = super().result_processor(dialect, coltype)

        def read(value: Any) -> datetime | None:
            try:
                moment: datetime | None = value if strict is None else strict(value)
            except (ValueError, TypeError, OverflowError):
                return UNREADABLE_MOMENT
            return moment

        return read


UNREADABLE_DETAILS = {"unreadable": True}
"""In place of details that are no JSON object. No entry is written with them, so their digest is that of no entry."""
DEEPEST = 50
"""Objects and lists of details are at most so deep in each other: what reads them calls itself for each level."""


class JournalDetails(TypeDecorator[dict[str, Any]]):
    """The details of an entry: a JSON object. A stored value that is none is read as ``UNREADABLE_DETAILS``.

    SQLite stores any value, and PostgreSQL keeps JSON as it was typed: a name twice, half a surrogate pair, a nesting that no
    parser follows. The text is asked for, so that no driver parses it first.
    """

    impl = JSON
    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read the stored text."""
        return type_coerce(cast(column, Text), self)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], dict[str, Any] | None]:  # noqa: ARG002
        """Return the reader of a stored text."""
        return _details


def _details(stored: object) -> dict[str, Any] | None:
    if stored is None:
        return None
    try:
        value = _STRICT.decode(str(stored))
        if _HALF_PAIR.search(str(stored)):
            json.dumps(value, ensure_ascii=False).encode()  # half a pair has no bytes
        return value if _is_readable(value) else dict(UNREADABLE_DETAILS)
    except (ValueError, RecursionError):
        return dict(UNREADABLE_DETAILS)


def _is_readable(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [
            one
            for parent in level
            for one in (parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ())
        ]
        if not level:
            return isinstance(value, dict)
    return False


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. With a name twice, another reader could find another value than the one that was verified."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_number)
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


@contextmanager
def reading_any_value(session: Session) -> Iterator[None]:
    """Within the block, no stored value ends the reading of its row: for checks of what an intruder may have written.

    Text that is no UTF-8 is read with its odd bytes as lone surrogates (PEP 383). A moment of PostgreSQL that Python
    cannot hold (``infinity``, a year of five digits, before Christ) is read as ``UNREADABLE_MOMENT``.
    """
    driver: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name == "sqlite":
        before, driver.text_factory = driver.text_factory, lambda stored: stored.decode(errors="surrogateescape")
        try:
            yield
        finally:
            driver.text_factory = before
        return
    psycopg: Any = session.get_bind().dialect.dbapi
    place = driver.adapters.types["timestamptz"].oid, psycopg.pq.Format.TEXT
    usual = driver.adapters.get_loader(*place)
    strict = psycopg.types.datetime.TimestamptzLoader  # the usual loader may be compiled, and cannot be extended

    def load(self: Any, stored: Any) -> Any:
        try:
            return strict.load(self, stored)
        except (psycopg.DataError, ValueError, OverflowError):
            return UNREADABLE_MOMENT

    driver.adapters.register_loader(place[0], type("AnyMoment", (strict,), {"load": load}))
    try:
        yield
    finally:
        driver.adapters.register_loader(place[0], usual)
