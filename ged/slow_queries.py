"""Tells of statements of the database that take long: their text with placeholders, never a value."""

import logging
import math
import re
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

logger = logging.getLogger(__name__)

LONGEST_TEXT = 2_000
_VALUES = re.compile(r"'(?:[^']|'')*'|(?<![\w$.:%])\d+(?:\.\d+)?(?!\w)")
"""Values that a statement names itself instead of a placeholder."""


def watch(engine: Engine, *, longer_than_ms: int, found: Callable[[], None]) -> None:
    """Log each statement that takes longer than so many milliseconds.

    The time is that of the execution. SQLite makes the rows of some statements only when they are fetched: it is not in it.

    Args:
        found: called at each of them.
    """

    # Errors are told to a dialect, which several engines may share: each watch finds its own statements by this key.
    began = object()

    def begin(connection: Connection, *_rest: Any) -> None:
        connection.info[began] = time.perf_counter()

    def end(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        spent_ms = (time.perf_counter() - connection.info.pop(began, math.inf)) * 1000
        if spent_ms > longer_than_ms:
            found()
            logger.warning("query.slow ms=%.0f statement=%s", spent_ms, without_values(statement))

    def fail(context: ExceptionContext) -> None:
        # Given up for want of a lock, or cancelled: the slowest of all.
        if context.connection is not None and not context.connection.invalidated and context.statement is not None:
            end(context.connection, None, context.statement)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)


def without_values(statement: str) -> str:
    """The text of a statement on one line, with ``?`` for each value that stands in it.

    The end of a text that is cut cannot stand open in a quoted value: values go before it is cut.
    """
    return " ".join(_VALUES.sub("?", statement).split())[:LONGEST_TEXT]
