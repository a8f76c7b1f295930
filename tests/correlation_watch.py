"""Watches every statement of every test: a test fails when an EXISTS lists a table again that a SELECT around it lists.

SQLAlchemy correlates an ``exists()`` with the SELECT that directly encloses it. Two levels deep it lists the outer table anew,
without an error: the condition then asks for any row of the table instead of the outer row. ``correlate()`` says it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from sqlalchemy import Engine, event

_TEXT = re.compile(r"'(?:[^']|'')*'|%\(\w+\)s(?:::\w+)?|\s+")
_LIST = re.compile(r"\?(?:, \?)+")
_TABLES = re.compile(r"\bFROM (.*?)(?= WHERE | GROUP BY | ORDER BY | LIMIT | UNION | HAVING |$)")
_BETWEEN = re.compile(r",| (?:LEFT OUTER )?JOIN ")


def install() -> None:
    """Look at the statements of all engines of this process."""

    @event.listens_for(Engine, "before_cursor_execute")
    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found = listed_again(statement)
        assert not found, f"an EXISTS that is not correlated, on {', '.join(found)}:\n{statement}"


@lru_cache(maxsize=20_000)
def listed_again(statement: str) -> tuple[str, ...]:
    """The tables that an EXISTS lists though an enclosing SELECT lists them, without an alias of their own.

    >>> listed_again("SELECT a.id FROM a WHERE EXISTS (SELECT * FROM b WHERE EXISTS (SELECT * FROM c, a WHERE c.x = a.x))")
    ('a',)
    >>> listed_again("SELECT a.id FROM a WHERE EXISTS (SELECT * FROM b WHERE EXISTS (SELECT * FROM c WHERE c.x = a.x))")
    ()
    """
    if "EXISTS" not in statement:
        return ()
    flat = _TEXT.sub(lambda found: " " if found[0].isspace() else "?", statement)
    return _of_shape(_LIST.sub("?", flat))


@lru_cache(maxsize=4_096)
def _of_shape(statement: str) -> tuple[str, ...]:
    """As ``listed_again``, of a statement whose values and lists of values are one sign: few are read."""
    return tuple(sorted(set(_again(_Nested(statement), frozenset()))))


class _Nested:
    """A text in parentheses: its own words (``parts`` are left out), and what stands before each part."""

    def __init__(self, text: str, start: int = 0) -> None:
        own: list[str] = []
        self.parts: list[tuple[bool, _Nested]] = []
        at = start
        while at < len(text) and text[at] != ")":
            if text[at] == "(":
                part = _Nested(text, at + 1)
                self.parts.append((text.endswith("EXISTS ", 0, at), part))
                own.append("()")
                at = part.end
            else:
                own.append(text[at])
            at += 1
        self.end: int = at
        self.text = "".join(own)

    def tables(self) -> frozenset[str]:
        listed = (
            table.split(" ON ")[0].split() for found in _TABLES.findall(self.text) for table in _BETWEEN.split(found)
        )
        return frozenset(words[-1] for words in listed if words and words[0] != "()")


def _again(nested: _Nested, outside: frozenset[str]) -> Iterator[str]:
    own = nested.tables()
    for is_exists, part in nested.parts:
        around = outside | own
        if is_exists:
            yield from part.tables() & around
        yield from _again(part, around)
