"""The last number on paper, as a clerk types it. Pure."""

import re
from datetime import date

from ged.register.numbering import format_number, number_key

MAX_DIGITS = 7


def sequence_of(text: str, *, pattern: str, years: range, entity: str, unit: str, register: str) -> int | None:
    """The sequence of a typed number: its digits alone (457), or the whole number as it is printed (00457/2026/MIN).

    Args:
        years: the years in which the number may have been given.

    Returns:
        None: it is no number of this register.

    >>> printed = {"pattern": "{seq:05d}/{year}/{entity}", "years": range(2026, 2027), "entity": "MIN", "unit": "BO", "register": "ARR"}
    >>> sequence_of("457", **printed), sequence_of(" n° 00457/2026/min", **printed), sequence_of("457/2025/MIN", **printed)
    (457, 457, None)
    """
    wanted, begins = number_key(text), text.lstrip()[:1]
    if not wanted or not (begins.isalnum() or begins == "№"):
        return None
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= MAX_DIGITS:
        return int(wanted)
    for digits in dict.fromkeys(re.findall(r"[0-9]+", wanted)):
        if len(digits) > MAX_DIGITS:
            continue
        for year in years:
            for month in range(1, 13):
                printed = format_number(
                    pattern, sequence=int(digits), on=date(year, month, 1), entity=entity, unit=unit, register=register
                )
                if number_key(printed) == wanted:
                    return int(digits)
    return None
