"""Numbers of reserve books and of their lines. Pure.

``CS-ARR-2026-014`` is the fourteenth book of the register ARR in 2026, and ``CS-ARR-2026-014-07`` its seventh line.
"""

from collections.abc import Iterable

MOST_PAGES = 20
PAGE_LINES = 10
"""Lines of a page: each has room for what is written by hand, and a receipt to tear off."""
MAX_NUMBER = 64


def book_code(register: str, year: int, number: int) -> str:
    """The number of a book, as it is printed.

    >>> book_code("ARR", 2026, 14)
    'CS-ARR-2026-014'
    """
    return f"CS-{register}-{year}-{number:03d}"


def line_number(code: str, line_no: int) -> str:
    """The number of a line, as it is printed.

    >>> line_number("CS-ARR-2026-014", 7)
    'CS-ARR-2026-014-07'
    """
    return f"{code}-{line_no:02d}"


def spans(line_nos: Iterable[int]) -> str:
    """Lines in words for paper and for the journal, as few as they can be.

    >>> spans([1, 2, 3, 7, 9, 10])
    '01 à 03, 07, 09 à 10'
    """
    told: list[list[int]] = []
    for one in sorted(line_nos):
        if told and told[-1][1] == one - 1:
            told[-1][1] = one
        else:
            told.append([one, one])
    return ", ".join(f"{first:02d}" if first == last else f"{first:02d} à {last:02d}" for first, last in told)
