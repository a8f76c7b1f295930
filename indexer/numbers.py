"""References and numbers: `N° 00123/MEM/SG` and `123-mem-sg` are the same number.

Numbers are compared by parts: runs of letters or of digits, folded, without leading zeros. The whole form joins the
parts. So an exact number ranks first, while a single part or a run of parts is still found.
"""

import re

from indexer.analysis import PUNCTUATION, fold

_SIGN = re.compile(r"^\W*(?:n\s*[°ºo](?=\W|\d|$)|№|num[ée]ro\b|r[ée]f(?:[ée]rence)?\b|no\.)[\s.:]*", re.IGNORECASE)
_PART = re.compile(r"\d+|[^\W\d_]+")
_MAX_PARTS = 16
_MIN_GLUED, _MAX_GLUED = 8, 40
_GLUED = re.compile(r"\d[^\W\d_]{2}|[^\W\d_]{2}\d")
_YEAR_AND_COUNT = re.compile(r"((?:19|20)\d\d)0+(?=[1-9])")
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


def glued(text: str) -> tuple[str, ...]:
    """The parts of a reference that is typed without its separators, joined: ``0017MEFSGDGB2026`` -> ``('17mefsgdgb2026',)``.

    Two of them where a number may be a year and a count, which has its own zeros. None where the text is no such reference: one has
    8 to 40 letters and digits, of them four digits at least, and somewhere two letters beside a digit.

    >>> glued("MMRE20260058"), glued("000062026MMRE"), glued("0017/MEF/2026"), glued("61773F")
    (('mmre20260058', 'mmre202658'), ('62026mmre',), (), ())
    """
    held = parts(text)
    joined = "".join(held)
    is_one = len(held) > 1 and _GLUED.search(text) and sum(char.isdigit() for char in text) >= 4
    if not (is_one and _MIN_GLUED <= sum(map(str.isalnum, text)) <= _MAX_GLUED):
        return ()
    return tuple(dict.fromkeys((joined, "".join(_YEAR_AND_COUNT.sub(r"\1", part) for part in held))))


def has_joined(wanted: tuple[str, ...], held: list[str]) -> bool:
    """Whether neighbouring parts of a number, joined, are one of the wanted texts (``glued``)."""
    return any("".join(held[at:end]) in wanted for at in range(len(held)) for end in range(at + 1, len(held) + 1))


def pattern(joined: str) -> str:
    """A regular expression of both engines: the ``number_ends`` that begin with these parts, wherever their separators are."""
    return f"{'/?'.join(joined)}(/.*)?"


def looks_like_number(chunk: str) -> bool:
    """Whether a run of characters without blanks is worth a query of the number fields."""
    has_digit = any(char.isdigit() for char in chunk)
    return has_digit or (len(parts(chunk)) > 1 and "/" in chunk)


def _shown(part: str) -> str:
    return (part.lstrip("0") or "0")[:40] if part.isdigit() else part[:40]
