"""Panels of the letter's page: what other features have to show or to do there, without the page knowing them.

A view module says once, below its routes:

    PANEL = Panel("slips", 40, load)        # templates/letters/panels/slips.html shows what load returns

``load(session, mail_id, actor)`` is called for a letter that the actor may see; it returns frozen rows, or None when
the panel has nothing to show. The template finds them as ``panel``, and the letter as ``letter``; it renders a
``section`` of its own, may hold forms and buttons, and imports the components that it uses. Panels stand in the order of
their number: the path of the letter 10-30, slips and custody 40, answers and the signature book 50, dispatch 60.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from ged.ports import MailId
from ged.unit import Actor, ReadSession

Loader = Callable[[ReadSession, MailId, Actor], object | None]
_OFFERED = "ged_panels"


@dataclass(frozen=True)
class Panel:
    """A panel that a feature offers.

    Attributes:
        name: of the template ``letters/panels/<name>.html``.
        order: its place on the page, smallest first.
        load: returns the rows, or None.
    """

    name: str
    order: int
    load: Loader


@dataclass(frozen=True)
class LoadedPanel:
    """A panel of one letter's page: its template, and the rows that the template finds as ``panel``."""

    name: str
    template: str
    rows: object


def install(app: Flask, offered: Iterable[Panel]) -> None:
    """Give the application the panels that its features offer."""
    app.extensions[_OFFERED] = tuple(sorted(offered, key=lambda one: (one.order, one.name)))


def load_panels(session: ReadSession, mail_id: MailId, actor: Actor) -> list[LoadedPanel]:
    """The panels of a letter that have something to show, in order. The caller has checked the access."""
    loaded = []
    for panel in cast(tuple[Panel, ...], current_app.extensions[_OFFERED]):
        rows = panel.load(session, mail_id, actor)
        if rows is not None:
            loaded.append(LoadedPanel(panel.name, f"letters/panels/{panel.name}.html", rows))
    return loaded
