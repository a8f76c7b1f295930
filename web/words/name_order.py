"""In which order a list has names: as a person looks for them, not as their signs are numbered."""

import re

from ged.register.correspondents import fold

_PARTS = re.compile(r"[0-9]+|[^0-9]+")


def name_order(name: str) -> list[tuple[bool, int, str]]:
    """The key to sort a name by: without accents and case, and a number in it by its value.

    >>> sorted(["Travaux", "Études", "Bureau 10", "Bureau 2"], key=name_order)
    ['Bureau 2', 'Bureau 10', 'Études', 'Travaux']
    """
    parts: list[str] = _PARTS.findall(fold(name))
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts]
