"""Numbers, as the reader's language writes them."""

from decimal import Decimal
from functools import lru_cache

from babel.core import Locale
from babel.numbers import format_decimal

from web.words.languages import locale


def decimal(number: int | float | Decimal, *, places: str | None = None) -> str:
    """A number with the marks of the reader's language. A page of figures writes some two hundred, most of them again and again.

    Args:
        places: the pattern of CLDR; None: that of the language, with three decimals at most.
    """
    reader = locale()
    return _written(number, places, reader.language, reader.territory)


# To compare locales takes longer than to compare their names.
@lru_cache(maxsize=8_192)
def _written(number: int | float | Decimal, places: str | None, language: str, territory: str | None) -> str:
    return str(format_decimal(number, places, locale=Locale(language, territory)))
