"""The language of a page, found once for each request: a page asks for it some hundred times."""

from collections.abc import Iterator
from contextlib import contextmanager

from babel.core import Locale
from flask import g, has_app_context
from flask_babel import force_locale, get_locale, refresh

from ged.languages import SOURCE

_LOCALE = "ged_locale"
"""Where a request keeps what was found."""
_OF_SOURCE = Locale(SOURCE)


def locale() -> Locale:
    """How this page writes words, dates and numbers; outside of a request as French does."""
    if not has_app_context():
        return _OF_SOURCE
    found: Locale | None = g.get(_LOCALE)
    if found is None:
        found = g.ged_locale = get_locale() or _OF_SOURCE
    return found


def language() -> str:
    """The language of this page: ``fr`` or ``en``."""
    return str(locale().language)


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Words of this block in a language, whatever the page's is."""
    before = g.pop(_LOCALE, None)
    try:
        with force_locale(code):
            yield
    finally:
        g.pop(_LOCALE, None)
        if before is not None:
            g.ged_locale = before


def forget() -> None:
    """Find the language anew: the reader has chosen another one."""
    refresh()  # Flask-Babel keeps what it has found for a request, too
    g.pop(_LOCALE, None)
