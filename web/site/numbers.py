"""Whole numbers in URLs and forms: a number that cannot be a row's id is treated as absent.

The databases store 64 bits. A larger number is no id, and must lead to "not found", never to a failure.
"""

import re
from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

MAX_NUMBER = 10**15
"""Far above any id, and far enough below 64 bits that a page may still add to it."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,16}")


def whole(text: str) -> int:
    """Parse a number between plus and minus ``MAX_NUMBER``; for ``args.get(name, type=whole)``.

    Raises:
        ValueError: no digits, digits of other scripts, or too many digits.
    """
    stripped = text.strip()
    number = int(stripped) if _WHOLE.fullmatch(stripped) else MAX_NUMBER + 1
    if abs(number) > MAX_NUMBER:
        raise ValueError("not a number that a row could bear")
    return number


def id_of(text: str) -> int | None:
    """The id in a text, or None."""
    try:
        number = whole(text)
    except ValueError:
        return None
    return number if number >= 0 else None


class IdConverter(IntegerConverter):
    """``<int:…>`` of every route: a URL with a number that cannot be an id is not found (404)."""

    regex = r"[0-9]{1,16}"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("max", MAX_NUMBER)
        super().__init__(*arguments, **options)


def install(app: Flask) -> None:
    """Limit the numbers in all routes. Call this before the first route is added."""
    app.url_map.converters["int"] = IdConverter
