"""Days, hours and the place as documents write them in French: the first of a month is ``1er``; and days read back."""

import re
import unicodedata
from datetime import date, datetime, timedelta
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


_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ].*)?")
_FIGURES = re.compile(r"(\d{1,2})(?: ?[-/. ] ?)(\d{1,2})(?: ?[-/. ] ?)(\d{4}|\d{2})(?: .*)?")
_TOGETHER = re.compile(r"(\d{2})(\d{2})(\d{4}|\d{2})")
_WORDS = re.compile(r"(?:[a-z]+\.?,? )?(\d{1,2})(?:er)?[ -]?([a-z]{3,})\.?[ -]?(\d{4}|\d{2})")
_SERIAL = re.compile(r"[1-7]\d{4}(?:\.\d+)?")
_MONTHS = (
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
)
_FIRST_SERIAL = date(1899, 12, 30)
"""The day from which spreadsheets count."""


def read_day(text: str, *, today: date) -> date | None:
    """The day that a French text means, None when it means none.

    Figures parted by ``/ - . `` or together, two or four figures of the year (of two, the last such year that is not in
    the future), the name of the month or its beginning, with or without the day of the week; ISO 8601; the number under
    which a spreadsheet keeps a day.

    >>> read_day("lundi 1er févr. 26", today=date(2026, 11, 27))
    datetime.date(2026, 2, 1)
    """
    plain = _plain(text)
    if found := _ISO.fullmatch(plain):
        year, month, day = map(int, found.groups())
    elif found := _FIGURES.fullmatch(plain) or _TOGETHER.fullmatch(plain):
        day, month, year = int(found[1]), int(found[2]), _year(found[3], today)
    elif found := _WORDS.fullmatch(plain):
        months = [
            n for n, name in enumerate(_MONTHS, start=1) if name.startswith(found[2]) or found[2].startswith(name)
        ]
        if len(months) != 1:
            return None
        day, month, year = int(found[1]), months[0], _year(found[3], today)
    elif _SERIAL.fullmatch(plain):
        return _FIRST_SERIAL + timedelta(days=int(float(plain)))
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_in_words(text: str) -> date | None:
    """A day with the name of its month and all figures of its year, as letters bear it; None: it is written otherwise.

    >>> day_in_words("Lundi 1er déc. 2026")
    datetime.date(2026, 12, 1)
    """
    found = _WORDS.fullmatch(_plain(text))
    return read_day(text, today=date.max) if found is not None and len(found[3]) == 4 else None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return " ".join("".join(sign for sign in folded if not unicodedata.combining(sign)).split())


def _year(figures: str, today: date) -> int:
    if len(figures) == 4:
        return int(figures)
    year = today.year - today.year % 100 + int(figures)
    return year if year <= today.year else year - 100


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
