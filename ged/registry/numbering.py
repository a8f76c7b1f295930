"""Number patterns. Pure.

A pattern is a Python format text with the names ``seq``, ``year``, ``yy``, ``month``, ``entity``, ``unit`` and
``register``: ``{seq:05d}/{year}/{entity}`` gives ``00042/2026/MMRE``.
"""

import string
from datetime import date

from ged.errors import Invalid

NAMES = frozenset({"seq", "year", "yy", "month", "entity", "unit", "register"})
MAX_LENGTH = 64


def check_pattern(pattern: str) -> str:
    """The pattern, when every number made from it can be told apart.

    Raises:
        Invalid: ``register.pattern``.
    """
    try:
        fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(pattern) if name is not None]
        format_number(pattern, sequence=1, on=date(2000, 1, 1), entity="E", unit="U", register="R")
    except (KeyError, ValueError, IndexError, AttributeError):
        raise Invalid(
            "register.pattern", "use {seq:05d}, {year}, {entity}, {unit}, {register}", field="pattern"
        ) from None
    names = {name for name, _ in fields}
    if "seq" not in names or not names <= NAMES:
        raise Invalid("register.pattern", "the pattern must contain {seq}", field="pattern")
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
    )[:MAX_LENGTH]
