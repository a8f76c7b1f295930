"""Reads days as people type them."""

import re
from datetime import date, timedelta


def read_day(text: str, *, first: bool) -> date | None:
    """A day from ``2025-01-31``, ``31/01/2025``, ``2025-01`` or ``2025`` (first or last day); None for other texts."""
    numbers_found = [int(part) for part in re.findall(r"\d+", text)[:3] if len(part) <= 4]
    if not re.fullmatch(r"\d{1,4}(?:[-/.]\d{1,4}){0,2}", text.strip()):
        return None
    if len(numbers_found) > 1 and numbers_found[0] <= 31:
        numbers_found.reverse()
    if numbers_found[0] < 1000:
        return None
    try:
        if len(numbers_found) == 3:
            return date(*numbers_found)
        start = date(numbers_found[0], numbers_found[1] if len(numbers_found) == 2 else 1, 1)
        if first:
            return start
        if len(numbers_found) == 1:
            return date(start.year, 12, 31)
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    except (ValueError, OverflowError):
        return None
