"""The language of a request, and local forms. The messages are written in French: French is the catalogue's source.

A page is in the language that its reader chose; before that in the language of the cookie that a choice left in this
browser; before that in English if the browser asks for it before French, else in French. What is printed stays in the
organisation's language (``ged.languages``).
"""

from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache

from babel.core import Locale
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, has_app_context, has_request_context, request, url_for
from flask_babel import Babel, Domain
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from ged.days import full_day, long_day
from ged.languages import LANGUAGES, SOURCE
from web.site import context
from web.words.languages import forget, language, locale
from web.words.messages import counted
from web.words.messages import gettext as _
from web.words.numbers import decimal
from web.words.translations import translations

NAMES = {"fr": "Français", "en": "English"}
"""Each language by its own name."""
LOCALES = {"en": "en_GB"}
"""How dates and numbers are written in a language; French is written as the installation's setting says."""
COOKIE = "ged_language"
COOKIE_KEPT = timedelta(days=400)
_CHOSEN = "ged_chosen_language"


class _SourceDomain(Domain):  # type: ignore[misc]  # flask_babel is untyped
    """Flask-Babel's domain over our own reader of catalogues."""

    def get_translations(self) -> Translations | NullTranslations:
        return translations(language()) if has_app_context() else NullTranslations()


class _FrenchFirst(Babel):  # type: ignore[misc]
    @cached_property
    def domain_instance(self) -> Domain:
        return _SourceDomain()


def install(app: Flask, *, locale: str, zone: str, secure: bool = False) -> None:
    """Set the installation's locale and zone, the language of each request, and the filters ``date``, ``datetime`` …."""

    def locale_of_reader() -> str:
        chosen = reader_language()
        return locale if Locale.parse(locale).language == chosen else LOCALES.get(chosen, chosen)

    _FrenchFirst(app, default_locale=locale, default_timezone=zone, locale_selector=locale_of_reader)
    app.extensions[COOKIE] = cookie_name(secure=secure)
    app.after_request(_write_cookie)
    app.jinja_env.filters.update(
        date=short_date,
        entered=entered,
        datetime=date_and_time,
        long_date=long_date,
        full_date=full_date,
        clock=clock,
        filesize=file_size,
        decimal=decimal,
    )
    app.jinja_env.globals.update(
        language=language, other_languages=other_languages, language_url=language_url, colon=colon
    )
    # In place of Jinja's own: a page looks up some hundred messages, and this takes a fifth of the time.
    app.jinja_env.globals.update(_=shown, gettext=shown, ngettext=shown_plural, pgettext=shown_in_context)


# --- messages in templates: HTML, into which values are put escaped ---


def shown(message: str, /, **values: object) -> Markup:
    """A message in the language of this page."""
    return _filled(_marked(language(), message), values)


def shown_plural(one: str, many: str, num: int, /, **values: object) -> Markup:
    """The message of a number, ``%(num)s``, which is written as a reader writes it: "1 153 courriers"."""
    return _filled(Markup(translations(language()).ngettext(one, many, num)), {"num": counted(num), **values})  # noqa: S704  # our own text


def shown_in_context(meaning: str, message: str, /, **values: object) -> Markup:
    """A message whose words have several meanings."""
    return _filled(Markup(translations(language()).pgettext(meaning, message)), values)  # noqa: S704  # our own text


@lru_cache(maxsize=16_384)
def _marked(code: str, message: str) -> Markup:
    return Markup(translations(code).gettext(message))  # noqa: S704  # our own text


def _filled(message: Markup, values: dict[str, object]) -> Markup:
    return message % values if "%" in message else message


# --- which language ---


def other_languages() -> list[tuple[str, str]]:
    """The other languages: code, and name in the language itself."""
    return [(code, NAMES[code]) for code in LANGUAGES if code != language()]


def colon() -> str:
    """A colon between two texts: only French has a space before it."""
    return "\u00a0: " if language() == SOURCE else ": "


def language_url(code: str) -> str:
    """The URL that shows this page in another language; for who is not signed in. A sent form leads to its empty page."""
    here = request.full_path.removesuffix("?") if request.method == "GET" else request.path
    return url_for("language.switch", code=code, next=here)


def reader_language() -> str:
    """The language of the person, else of the browser's cookie, else of what the browser asks for."""
    if not has_request_context():
        return SOURCE
    if g.get(_CHOSEN) in LANGUAGES:
        return str(g.get(_CHOSEN))
    actor = context.actor_or_none()
    if actor is not None and actor.language in LANGUAGES:
        return actor.language
    return browser_language(request.cookies.get(_cookie(), ""), request.headers.get("Accept-Language", ""))


def browser_language(cookie: str, accepted: str) -> str:
    """The language of a browser: its cookie, else English if it asks for English before French, else French.

    >>> browser_language("", "en-US,en;q=0.9"), browser_language("", "fr-FR,en;q=0.5"), browser_language("fr", "en")
    ('en', 'fr', 'fr')
    """
    if cookie in LANGUAGES:
        return cookie
    quality = dict.fromkeys(LANGUAGES, 0.0)
    for tag, wish in parse_accept_header(accepted, LanguageAccept):
        code = tag.partition("-")[0].lower()
        if code in quality:
            quality[code] = max(quality[code], wish)
    # The first of equals: French.
    return max(LANGUAGES, key=quality.__getitem__)


def choose(code: str) -> None:
    """Show the rest of this request in a language, and remember it in this browser for the pages before the sign-in."""
    setattr(g, _CHOSEN, code)
    forget()


def cookie_name(*, secure: bool) -> str:
    """The name of the cookie; ``secure``: browsers reach the site by https."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def _cookie() -> str:
    return str(current_app.extensions[COOKIE])


def _write_cookie(response: Response) -> Response:
    chosen = g.get(_CHOSEN)
    if chosen:
        response.set_cookie(
            _cookie(), chosen, max_age=COOKIE_KEPT, secure=_cookie() != COOKIE, httponly=True, samesite="Lax"
        )
    return response


# --- dates and numbers ---


def _local(value: date | datetime) -> date | datetime:
    return value.astimezone(context.services().zone) if isinstance(value, datetime) else value


def _day(value: date | datetime) -> date:
    local = _local(value)
    return local.date() if isinstance(local, datetime) else local


def short_date(value: date | datetime | None) -> str:
    """``24/11/2026`` in local time; an empty string for None. The day comes first in English too (British order)."""
    if value is None:
        return ""
    day = _day(value)
    return f"{day.day:02}/{day.month:02}/{day.year:04}"  # lists have hundreds: babel takes twenty times as long


def long_date(value: date | datetime | None) -> str:
    """``24 novembre 2026`` in local time."""
    return "" if value is None else long_day(_day(value), locale())


def full_date(value: date | datetime | None) -> str:
    """``mardi 24 novembre 2026`` in local time."""
    return "" if value is None else full_day(_day(value), locale())


def clock(value: datetime | None) -> str:
    """``14:05`` in local time."""
    if value is None:
        return ""
    return f"{value.astimezone(context.services().zone):%H:%M}"


def entered(value: datetime | None) -> str:
    """When a letter was entered in its register, kept or closed: the day and the hour; of an old book, which has no hours, the day."""
    if value is None:
        return ""
    local = value.astimezone(context.services().zone)
    return short_date(value) if local.time() == time.min else date_and_time(value)


def date_and_time(value: datetime | None) -> str:
    """``24/11/2026 à 14:05`` in local time."""
    if value is None:
        return ""
    return str(_("%(day)s à %(time)s", day=short_date(value), time=clock(value)))


def file_size(size_bytes: int) -> str:
    """``1,2 Mo``; thousands are decimal, as people's computers show them."""
    if size_bytes < 1000:
        return str(_("%(number)s octets", number=size_bytes))
    power = 1 if size_bytes < 999_500 else 2 if size_bytes < 999_500_000 else 3
    unit = (str(_("Ko")), str(_("Mo")), str(_("Go")))[power - 1]
    value = size_bytes / 1000**power
    return f"{format_decimal(value, '#,##0.#' if value < 10 else '#,##0', locale=locale())} {unit}"
