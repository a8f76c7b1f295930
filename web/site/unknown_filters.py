"""What an address asks for and no list knows: it is not applied, and the page says so above the list (``layout.html``).

One rule for all lists: an address may be old, cut or typed by hand, and a list that passed over a filter in silence would look like what
was asked for. A file has no room for such a sentence, so it is refused.
"""

from collections.abc import Callable, Collection, Container
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

from flask import Flask, g, request

from ged.errors import Invalid
from web.site.numbers import id_of

MOST_SHOWN = 60
"""Characters of a value: an address holds thousands."""
_PLACES = frozenset({"offset", "apres", "avant"})
Value = TypeVar("Value")


def install(app: Flask) -> None:
    """Let the layout tell what was passed over."""
    app.jinja_env.globals.update(unknown_filters=unknown, without_unknown=without)


def choice(name: str, known: Collection[str], usual: str) -> str:
    """What the address chooses among ``known``; ``usual`` where it names nothing, or nothing that is known."""
    return parsed(name, lambda text: text if text in known else None) or usual


def number(name: str, known: Container[int]) -> int | None:
    """A whole number among ``known``; None where the address names none, or none of them."""
    return parsed(name, lambda text: found if (found := id_of(text)) is not None and found in known else None)


def parsed(name: str, parse: Callable[[str], Value | None]) -> Value | None:
    """What ``parse`` makes of a filter; None where the address has none, or where ``parse`` knows no such value."""
    typed = request.args.get(name, "").strip()
    if not typed:
        return None
    if (found := parse(typed)) is None:
        tell(name)
    return found


def tell(name: str) -> None:
    """Note that the filter is passed over."""
    _noted()[name] = request.args.get(name, "").strip()


def unknown() -> list[str]:
    """The values that were passed over."""
    return [text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…" for text in _noted().values()]


def refuse() -> None:
    """Make no file of other lines than those that were asked for.

    Raises:
        Invalid: ``form.unknown_choice``.
    """
    for name in _noted():
        raise Invalid("form.unknown_choice", "open the list again", field=name)


def without() -> str:
    """The address of this page without what was passed over, at the beginning of its list."""
    kept = [
        (name, text) for name, text in request.args.items(multi=True) if name not in _noted() and name not in _PLACES
    ]
    path = quote(request.path, safe="/~:,")
    return f"{path}?{urlencode(kept)}" if kept else path


def _noted() -> dict[str, str]:
    """Names and values, in the order in which the page asked for them."""
    return cast(dict[str, str], g.setdefault("unknown_filters", {}))
