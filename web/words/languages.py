"""The language of a page, found once for each request: a page asks for it some hundred times."""

from collections.abc import Iterator
from contextlib import contextmanager

from babel.core import Locale
from flask import g, has_app_context
from flask_babel import force_locale, get_locale, refresh  # noqa: TID251  # this module finds the language for all others

from ged.languages import SOURCE

_LOCALE = "ged_locale"
"""In ``flask.g``: what was found."""
_OF_SOURCE = Locale(SOURCE)


def locale() -> Locale:
    """How this page writes words, dates and numbers; in a job as the installation does, outside of the application as French does.

    Only ``in_language`` may say another one for a block: ``force_locale`` alone is not noticed once a locale was found.
    """
    if not has_app_context():
        return _OF_SOURCE
    found: Locale | None = g.get(_LOCALE)
    if found is None:
        found = get_locale() or _OF_SOURCE
        setattr(g, _LOCALE, found)
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
            setattr(g, _LOCALE, before)


def forget() -> None:
    """Find the language anew: the reader has chosen another one."""
    refresh()  # Flask-Babel keeps what it has found for a request, too
    g.pop(_LOCALE, None)
