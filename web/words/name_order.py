"""In which order a list has names: as a person looks for them, not as their signs are numbered."""

import re
from functools import lru_cache

from ged.register.correspondents import fold

_PARTS = re.compile(r"[0-9]+|[^0-9]+")


@lru_cache(maxsize=4096)
def name_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """The key to sort a name by: without accents and case, and a number in it by its value.

    Kept: each page of figures offers the units and the registers of a ministry in this order.

    >>> sorted(["Travaux", "Études", "Bureau 10", "Bureau 2"], key=name_order)
    ['Bureau 2', 'Bureau 10', 'Études', 'Travaux']
    """
    parts: list[str] = _PARTS.findall(fold(name))
    return tuple((False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts)
