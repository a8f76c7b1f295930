"""Panels of the letter's page: what other features have to show or to do there, without the page knowing them.

A view module says once, below its blueprint:

    register_panel("slips", 40, load)        # templates/letters/panels/slips.html shows what load answers

``load(session, mail_id, actor)`` is called for a letter that the actor may see; it returns frozen rows, or None when
the panel has nothing to show. The template finds them as ``panel``, and the letter as ``letter``; it renders a
``section`` of its own, may hold forms and buttons, and imports the components that it uses. Panels stand in the order of
their number: the path of the letter 10-30, slips and custody 40, answers and the signature book 50, dispatch 60.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ged.ports import MailId
from ged.unit import Actor, ReadSession

Loader = Callable[[ReadSession, MailId, Actor], object | None]


@dataclass(frozen=True)
class Panel:
    """A panel that a feature offers."""

    name: str
    order: int
    load: Loader


@dataclass(frozen=True)
class LoadedPanel:
    """A panel of one letter's page: its template, and the rows that the template finds as ``panel``."""

    name: str
    template: str
    rows: object


_PANELS: dict[str, Panel] = {}


def register_panel(name: str, order: int, loader: Loader) -> None:
    """Offer a panel; the same name again replaces it (a module that is loaded anew).

    Args:
        name: of the template ``letters/panels/<name>.html``.
        order: its place on the page, smallest first.
        loader: returns the rows, or None.
    """
    _PANELS[name] = Panel(name, order, loader)


def load_panels(session: ReadSession, mail_id: MailId, actor: Actor) -> list[LoadedPanel]:
    """The panels of a letter that have something to show, in order. The caller has checked the access."""
    loaded = []
    for panel in sorted(_PANELS.values(), key=lambda one: (one.order, one.name)):
        rows = panel.load(session, mail_id, actor)
        if rows is not None:
            loaded.append(LoadedPanel(panel.name, f"letters/panels/{panel.name}.html", rows))
    return loaded
