"""Numbers of reserve books and of their lines. Pure.

``CS-ARR-2026-014`` is the fourteenth book of the register ARR in 2026, and ``CS-ARR-2026-014-07`` its seventh line. After
a restore the program knows no more which books were printed since the copy, and gives their numbers again: so the number of a book that
is made later bears the restore's mark, as in ``CS-ARR-2026-014-A8K2``.
"""

from collections.abc import Iterable
from datetime import datetime

MOST_PAGES = 20
PAGE_LINES = 10
"""Lines of a page: each has room for what is written by hand, and a receipt to tear off."""
MAX_NUMBER = 64
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def book_code(register: str, year: int, number: int, mark: str = "") -> str:
    """The number of a book, as it is printed; ``mark``: of the restore before it.

    >>> book_code("ARR", 2026, 14), book_code("ARR", 2026, 14, "A8K2")
    ('CS-ARR-2026-014', 'CS-ARR-2026-014-A8K2')
    """
    return f"CS-{register}-{year}-{number:03d}" + (f"-{mark}" if mark else "")


def restore_mark(restored_at: datetime) -> str:
    """The mark of a restore: the minute of the year in base 36.

    >>> restore_mark(datetime(2026, 1, 1, 0, 0)), restore_mark(datetime(2026, 12, 31, 23, 59))
    ('0000', 'B9JZ')
    """
    minute, found = int((restored_at - restored_at.replace(month=1, day=1, hour=0, minute=0)).total_seconds()) // 60, ""
    for _place in range(4):
        minute, digit = divmod(minute, 36)
        found = _DIGITS[digit] + found
    return found


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
    runs: list[list[int]] = []
    for one in sorted(line_nos):
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ", ".join(f"{first:02d}" if first == last else f"{first:02d} à {last:02d}" for first, last in runs)
