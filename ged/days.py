"""Days as documents write them in French: the first of a month is ``1er``."""

from datetime import date

from babel.core import Locale
from babel.dates import format_date


def long_day(day: date, locale: str | Locale = "fr") -> str:
    """A day without its name.

    >>> long_day(date(2026, 3, 1))
    '1er mars 2026'
    """
    return _first(format_date(day, "long", locale=locale), day, locale)


def full_day(day: date, locale: str | Locale = "fr") -> str:
    """A day with its name.

    >>> full_day(date(2026, 11, 1))
    'dimanche 1er novembre 2026'
    """
    return _first(format_date(day, "full", locale=locale), day, locale)


def _first(text: str, day: date, locale: str | Locale) -> str:
    is_french = str(locale).startswith("fr")
    return text.replace("1 ", "1er ", 1) if is_french and day.day == 1 else text
