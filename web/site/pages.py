"""Rendering: the variables of all templates, and the pattern for forms that keep their content after an error."""

import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, current_app, redirect, render_template, request, templating
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from ged.errors import GedError
from ged.letterhead import organisation_name
from ged.org.powers import francs
from ged.paging import Place
from ged.richtext.document import dump
from ged.richtext.marks import from_plain
from ged.richtext.screen import html as rich_html
from ged.signbook.queries import LetterRow
from ged.signbook.render import shown_document
from web.drawing import charts
from web.site import context, destroyed_letters, errors, guide, headers, natures, paths, unknown_filters
from web.site.devices import device_words
from web.site.numbers import MAX_NUMBER, id_of
from web.words import labels, verdicts
from web.words.languages import language
from web.words.messages import gettext

NAME_KEPT_S = 30.0
_NAMED = "ged_installation_name"
_PLACES = ("offset", "apres", "avant")


def install(app: Flask) -> None:
    """Give templates the actor, the time, labels and the link back; and an empty form for macros."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(label=labels.label, tone=labels.tone, nature=natures.name_of)
    app.jinja_env.filters["scan_warning"] = labels.scan_warning
    app.jinja_env.filters["level_words"] = verdicts.level_words
    app.jinja_env.filters["safe_path"] = paths.safe_path
    app.jinja_env.filters["letter_text"] = letter_text
    app.jinja_env.filters["breaks"] = breaks
    app.jinja_env.filters["destruction"] = destroyed_letters.words
    app.jinja_env.filters["device_words"] = device_words
    app.jinja_env.filters["francs"] = lambda amount: francs(amount) if amount else ""
    app.jinja_env.globals.update(form=MultiDict(), errors=(), way_back=paths.way_back, option_tags=option_tags)
    app.jinja_env.globals.update(installation_name=installation_name, page_url=page_url, place_url=place_url)
    app.jinja_env.globals.update(help_url=guide.help_url, HATCHED=charts.HATCHED)
    app.jinja_env.globals.update(is_training=lambda: context.services().training, training_mark=headers.TRAINING)
    app.context_processor(_common)
    app.after_request(_say_where)


_INDENT = re.compile(r"(?P<after_tag>(?<=[%#]\}\n))?^[ \t]+", re.MULTILINE)


class Environment(templating.Environment):
    """Pages have the lines of their templates without the indentation, which nobody sees: one to two kilobytes of a page.

    Of a line after a tag one space stays. The end of that line is dropped (``trim_blocks``), so two words would become one.
    """

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """The source of a template, before it is read."""
        return super().preprocess(_INDENT.sub(_shorter, source), name, filename)


def _shorter(indent: re.Match[str]) -> str:
    return "" if indent["after_tag"] is None else " "


_PARTED = re.compile(r"(?<=[/@._])(?=\w)")


def breaks(text: str) -> Markup:
    """A reference or an address that may go on in the next line after a stroke, an at sign or a point, not within a word.

    >>> str(breaks("017/MEF<a@b.tg"))
    '017/<wbr>MEF&lt;a@<wbr>b.<wbr>tg'
    """
    return Markup("<wbr>").join(escape(part) for part in _PARTED.split(text))


def option_tags(options: Iterable[tuple[object, Any]], chosen: str) -> Markup:
    """The options of a list to choose from, for the macro ``select``.

    They are no template: it would take five times as long, and a list may have a hundred.

    Args:
        options: (value, label), or (label of a group, a list or tuple of its options).
        chosen: the value of the option that is selected, as a text.

    >>> str(option_tags([("fax", "Télécopie"), ("a<b", [(1, "Un")])], "1"))
    '<option value="fax">Télécopie</option>\\n<optgroup label="a&lt;b">\\n<option value="1" selected>Un</option>\\n</optgroup>'
    """
    parts = list[str]()
    for first, second in options:
        if isinstance(second, list | tuple):
            parts += f'<optgroup label="{escape(first)}">', option_tags(second, chosen), "</optgroup>"
        else:
            is_chosen = " selected" if chosen == str(first) else ""
            parts.append(f'<option value="{escape(first)}"{is_chosen}>{escape(second)}</option>')
    return Markup("\n".join(parts))  # noqa: S704, every value and label is escaped


def letter_text(row: LetterRow) -> str:
    """A letter's text as HTML: elements of ours, every text of people escaped."""
    document = shown_document(row.rich or dump(from_plain(row.body)), row.civility)
    return rich_html(document)


def _say_where(response: Response) -> Response:
    """A redirection in the reader's language, for who does not follow it: the framework's own is in English."""
    if 300 <= response.status_code < 400 and response.location and response.mimetype == "text/html":
        place, title, said = (
            escape(response.location),
            gettext("Redirection"),
            gettext("Cette page se trouve à l'adresse"),
        )
        link = f'<a href="{place}">{place}</a>'
        response.set_data(
            f"<!doctype html>\n<html lang='{language()}'>\n<title>{title}</title>\n<p>{said} {link}</p>\n"
        )
    return response


def _common() -> dict[str, Any]:
    return {"actor": context.actor_or_none(), "now": context.now(), "today": context.today()}


def installation_name() -> str:
    """The name of the ministry; cached for a while, because it hardly ever changes."""
    read_at, name = current_app.extensions.get(_NAMED, (-math.inf, ""))
    if time.monotonic() - read_at > NAME_KEPT_S:
        with context.services().reading() as session:
            name = organisation_name(session)
        current_app.extensions[_NAMED] = time.monotonic(), name
    return str(name)


def page_url(path: str = "", /, **place: object) -> str:
    """This page's URL at another place of its list, for the pager; filters are kept.

    Args:
        path: the page's path, where the request may have another: a refused form of the page was sent there.
    """
    arguments = [(key, value) for key, value in request.args.items(multi=True) if key not in _PLACES]
    return f"{path or quote(request.path, safe='/~:,')}?{urlencode([*arguments, *((key, str(value)) for key, value in place.items())])}"


def offset_of(limit: int, *, most: int = MAX_NUMBER) -> int:
    """Where the requested page of a list begins (``?offset=``): at a whole page, so that each row stands on one page.

    Args:
        limit: the rows of a page.
        most: where the last page may begin.
    """
    asked = min(unknown_filters.parsed("offset", id_of) or 0, most)
    return asked - asked % limit


def past_the_end(offset: int, limit: int, total: int) -> ResponseReturnValue | None:
    """The way to the last page of a list, for who asked for a page behind it; None for a page with rows.

    A list grows shorter while somebody reads it, and an address is kept. An empty page would say that the list is empty.
    """
    if not 0 < offset >= total:
        return None
    return redirect(page_url(offset=max(0, total - 1) // limit * limit))


def place() -> Place:
    """Where the requested page begins (``?apres=`` or ``?avant=``); an invalid value means the beginning, and is told."""
    after, before = unknown_filters.parsed("apres", id_of), unknown_filters.parsed("avant", id_of)
    return Place(after=after) if after is not None else Place(before=before)


def place_url(at: Place, path: str = "") -> str:
    """This page's URL at a place of its list. ``path``: as of ``page_url``."""
    return page_url(path, apres=at.after) if at.after is not None else page_url(path, avant=at.before)


def render_form(
    template: str,
    *,
    error: GedError | None = None,
    form: Mapping[str, Any] | None = None,
    status: int | None = None,
    **values: Any,
) -> ResponseReturnValue:
    """Render a page with a form: empty, or with the sent values and the error summary.

    Args:
        error: why the form was refused; the field macros of ``components/forms.html`` show it at its field.
        form: the typed values; by default, after an error, the request's own form.
        status: HTTP status; by default the error's (422, 409 ...), else 200.
        values: further variables of the template.
    """
    typed = MultiDict(form) if form is not None else (request.form if error is not None else MultiDict())
    views = errors.views_of(error) if error is not None else ()
    page = render_template(template, form=typed, errors=views, **values)
    return page, status or (errors.status_of(error) if error is not None else 200)
