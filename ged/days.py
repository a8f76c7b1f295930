"""Days, hours and the place as documents write them in French: the first of a month is ``1er``."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, get_timezone_location


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


def hour(at: datetime) -> str:
    """An hour as a sentence says it.

    >>> hour(datetime(2026, 11, 24, 5, 4))
    '5\\xa0h\\xa004'
    """
    return f"{at.hour}\u00a0h\u00a0{at:%M}"


def place_of(zone: ZoneInfo) -> str:
    """The town that a document is dated from: that of the installation's time zone.

    >>> place_of(ZoneInfo("Africa/Lome"))
    'Lomé'
    """
    return str(get_timezone_location(zone, locale="fr", return_city=True))


def _first(text: str, day: date, locale: str | Locale) -> str:
    is_french = str(locale).startswith("fr")
    return text.replace("1 ", "1er ", 1) if is_french and day.day == 1 else text
