"""Number patterns. Pure.

A pattern is a Python format text with the names ``seq``, ``year``, ``yy``, ``month``, ``entity``, ``unit`` and
``register``: ``{seq:05d}/{year}/{entity}`` gives ``00042/2026/MMRE``.
"""

import re
import string
import unicodedata
from datetime import date

from ged.errors import Invalid

TRAINING = "EX-"
"""How the numbers of a training installation begin, and of no real one."""
NAMES = frozenset({"seq", "year", "yy", "month", "entity", "unit", "register"})
_NUMBERS = frozenset({"seq", "year"})
MAX_LENGTH = 64
LONGEST = "M" * 32
"""A code as long as one of a unit or a register may be."""
MAX_SEQUENCE = 9_999_999
MAX_KEY = 128

_WIDTH = re.compile(r"(?:0?[1-9][0-9]?)?d?")
"""How a number may be written: all its digits, filled up in front."""
MOST_OF_A_SPEC = 4
"""Characters behind the colon of any name: a width of more digits would fill the memory before it is refused."""
_SIGN = re.compile(r"\A\s*(?:n\s?[°º]|№)\s*:?")
_RUNS = re.compile(r"[0-9]+|[a-z]+")


def check_pattern(pattern: str, *, entity: str = LONGEST, unit: str = LONGEST, register: str = LONGEST) -> str:
    """Check a pattern, and return it: all its numbers must be distinct and unabridged.

    Raises:
        Invalid: ``register.pattern``; ``register.pattern_long``: over 64 characters with these codes.
    """
    try:
        fields = [one[1:] for one in string.Formatter().parse(pattern) if one[1] is not None]
        if any(len(spec or "") > MOST_OF_A_SPEC for _, spec, _ in fields):
            raise ValueError("too wide")
        if any(name in _NUMBERS and (turned or not _WIDTH.fullmatch(spec or "")) for name, spec, turned in fields):
            raise ValueError("digits would be lost")
        longest = format_number(
            pattern, sequence=MAX_SEQUENCE, on=date(2000, 12, 31), entity=entity, unit=unit, register=register
        )
    except (KeyError, ValueError, IndexError, AttributeError):
        raise Invalid(
            "register.pattern", "use {seq:05d}, {year}, {entity}, {unit}, {register}", field="pattern"
        ) from None
    names = {name for name, _, _ in fields}
    if "seq" not in names or not names <= NAMES:
        raise Invalid("register.pattern", "the pattern must contain {seq}", field="pattern")
    if len(longest) > MAX_LENGTH:
        raise Invalid("register.pattern_long", "shorten the pattern", field="pattern", maximum=MAX_LENGTH)
    return pattern


def format_number(pattern: str, *, sequence: int, on: date, entity: str, unit: str, register: str) -> str:
    """The number as people read it."""
    return pattern.format(
        seq=sequence,
        year=on.year,
        yy=f"{on.year % 100:02d}",
        month=f"{on.month:02d}",
        entity=entity,
        unit=unit,
        register=register,
    )


def number_key(text: str) -> str:
    """Fold a number, so that printed and typed numbers compare equal; empty when the text has no letters and digits.

    Case, accents, blanks, separators, a "n°" before it and leading zeros are ignored: ``00042/2026/MÉM`` and
    ``N° 42 - 2026 mem`` give ``42/2026/mem``. Groups of digits stay separate: ``4/22026`` is another number.
    """
    plain = _SIGN.sub("", text.casefold())
    folded = "".join(_plain(c) for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    runs: list[str] = []
    for run in _RUNS.findall(folded):
        if run.isdigit():
            runs.append(run.lstrip("0") or "0")
        elif runs and not runs[-1].isdigit():
            runs[-1] += run
        else:
            runs.append(run)
    return "/".join(runs)[:MAX_KEY]


def _plain(char: str) -> str:
    return str(unicodedata.decimal(char)) if char.isdecimal() else char
