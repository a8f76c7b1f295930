"""References and numbers: `N° 00123/MEM/SG` and `123-mem-sg` are the same number.

Numbers are compared by parts: runs of letters or of digits, folded, without leading zeros. The whole form joins the
parts. So an exact number ranks first, while a single part or a run of parts is still found.
"""

import re

from indexer.analysis import PUNCTUATION, fold

_SIGN = re.compile(r"^\W*(?:n\s*[°ºo](?=\W|\d|$)|№|num[ée]ro\b|r[ée]f(?:[ée]rence)?\b|no\.)[\s.:]*", re.IGNORECASE)
_PART = re.compile(r"\d+|[^\W\d_]+")
_MAX_PARTS = 16
_REFERENCE = re.compile(r"(?P<letters>[^\W\d_]{1,6})[-./]?(?P<year>(?:19|20)\d\d)[-./]?(?P<count>\d{2,6})")


def parts(text: str) -> list[str]:
    """Parts of a number: ``N° 2025-00123/MEM`` -> ``['2025', '123', 'mem']``."""
    bare = _SIGN.sub("", text, count=1)
    found = _PART.findall(fold(bare))
    return [_shown(part) for part in found[:_MAX_PARTS]]


def whole(text: str) -> str:
    """The normal form of the whole number; '' when the text has no parts."""
    return "/".join(parts(text))


def writings(text: str) -> tuple[str, ...]:
    """A reference of letters, a year and a count in its two writings: with blanks and as one. Any other text has no writing.

    >>> writings("FA20260058"), writings("(FA-2026-0058)."), writings("FA-2026")
    (('FA 2026 0058', 'FA20260058'), ('FA 2026 0058', 'FA20260058'), ())
    """
    found = _REFERENCE.fullmatch(text.strip(PUNCTUATION))
    if found is None:
        return ()
    said = found.group("letters", "year", "count")
    return " ".join(said), "".join(said)


def looks_like_number(chunk: str) -> bool:
    """Whether a run of characters without blanks is worth a query of the number fields."""
    has_digit = any(char.isdigit() for char in chunk)
    return has_digit or (len(parts(chunk)) > 1 and "/" in chunk)


def _shown(part: str) -> str:
    return (part.lstrip("0") or "0")[:40] if part.isdigit() else part[:40]
