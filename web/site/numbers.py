"""Whole numbers that come in addresses and forms: what is no number that a row could bear is treated as absent.

The databases hold 64 bits. A larger number is nobody's id, and must end as "not there", never as a failure.
"""

import re
from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

MAX_NUMBER = 10**15
"""Far beyond any id, and far enough below 64 bits that a page may still add to it."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,16}")


def whole(text: str) -> int:
    """The number that a text is, between plus and minus ``MAX_NUMBER``; for ``args.get(name, type=whole)``.

    Raises:
        ValueError: it is none: no digits, digits of other scripts, or too many.
    """
    stripped = text.strip()
    number = int(stripped) if _WHOLE.fullmatch(stripped) else MAX_NUMBER + 1
    if abs(number) > MAX_NUMBER:
        raise ValueError("not a number that a row could bear")
    return number


def id_of(text: str) -> int | None:
    """The id that a text names, or None."""
    try:
        number = whole(text)
    except ValueError:
        return None
    return number if number >= 0 else None


class IdConverter(IntegerConverter):
    """``<int:…>`` of every route: an address with a number that no row bears is not there (404)."""

    regex = r"[0-9]{1,16}"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("max", MAX_NUMBER)
        super().__init__(*arguments, **options)


def install(app: Flask) -> None:
    """Bound the numbers of all routes. Call it before the first route is added."""
    app.url_map.converters["int"] = IdConverter
