"""Languages and local forms. The messages are written in French: French is the catalogue's source language."""

import gettext as std_gettext
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context
from flask_babel import Babel, Domain, get_locale
from flask_babel import gettext as _

from ged.days import full_day, long_day
from ged.typography import french
from web.site import context

_HELD = "ged_translations"
TRANSLATIONS = Path(__file__).parents[1] / "translations"


_set = lru_cache(maxsize=8192)(french)
"""The messages are three thousand, and a page shows some hundred of them."""


class _FrenchSource(std_gettext.NullTranslations):
    """Messages without translation are French, with its typography; in French zero is singular."""

    def gettext(self, message: str) -> str:
        return _set(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return _set(msgid1 if abs(n) < 2 else msgid2)


class _SourceDomain(Domain):  # type: ignore[misc]  # flask_babel is untyped
    """Flask-Babel's domain, with French as the last resort for plurals."""

    def get_translations(self) -> Translations | NullTranslations:
        # Called some hundred times for a page; the lookup by locale takes longer than the message itself.
        held: Translations | NullTranslations | None = getattr(g, _HELD, None) if has_request_context() else None
        if held is not None:
            return held
        translations: Translations | NullTranslations = super().get_translations()
        if translations._fallback is None:
            translations.add_fallback(_FrenchSource())
        if has_request_context():
            setattr(g, _HELD, translations)
        return translations


class _FrenchFirst(Babel):  # type: ignore[misc]
    @cached_property
    def domain_instance(self) -> Domain:
        return _SourceDomain(str(TRANSLATIONS))


def install(app: Flask, *, locale: str, zone: str) -> None:
    """Set the installation's language and zone, and the filters ``date``, ``datetime``, ``long_date`` …."""
    _FrenchFirst(
        app,
        default_locale=locale,
        default_timezone=zone,
        default_translation_directories=str(TRANSLATIONS),
    )
    app.jinja_env.filters.update(
        date=short_date,
        datetime=date_and_time,
        long_date=long_date,
        full_date=full_date,
        clock=clock,
        filesize=file_size,
    )


def _local(value: date | datetime) -> date | datetime:
    return value.astimezone(context.services().zone) if isinstance(value, datetime) else value


def _day(value: date | datetime) -> date:
    local = _local(value)
    return local.date() if isinstance(local, datetime) else local


def short_date(value: date | datetime | None) -> str:
    """``24/11/2026`` in local time; an empty string for None."""
    return "" if value is None else format_date(_local(value), "dd/MM/yyyy", locale=get_locale())


def long_date(value: date | datetime | None) -> str:
    """``24 novembre 2026`` in local time."""
    return "" if value is None else long_day(_day(value), get_locale() or "fr")


def full_date(value: date | datetime | None) -> str:
    """``mardi 24 novembre 2026`` in local time."""
    return "" if value is None else full_day(_day(value), get_locale() or "fr")


def clock(value: datetime | None) -> str:
    """``14:05`` in local time."""
    if value is None:
        return ""
    return format_datetime(value.astimezone(context.services().zone), "HH:mm", locale=get_locale())


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
    return f"{format_decimal(value, '#,##0.#' if value < 10 else '#,##0', locale=get_locale())} {unit}"
