"""Panels of the letter's page: other features add content to the page, without the page knowing them.

A view module defines its panel once, below its routes:

    PANEL = Panel("slips", 40, load)        # templates/letters/panels/slips.html shows what load returns

``load(session, mail_id, actor)`` is called for a letter that the actor may see; it returns frozen rows, or None when
the panel has nothing to show. The template gets the rows as ``panel``, and the letter as ``letter``. It renders its own
``section``, may contain forms and buttons, and imports the components that it uses. Panels are ordered by their number:
the path of the letter 10-30, slips and custody 40, answers and the signature book 50, dispatch 60.
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
        reads: whether it is also for who reads the letter by exception alone: what it leads to is in ``web.site.by_exception``.
    """

    name: str
    order: int
    load: Loader
    reads: bool = False


@dataclass(frozen=True)
class LoadedPanel:
    """A panel of one letter's page: its template, and the rows for the variable ``panel``."""

    name: str
    template: str
    rows: object


def install(app: Flask, offered: Iterable[Panel]) -> None:
    """Register the panels of the features with the application."""
    app.extensions[_OFFERED] = tuple(sorted(offered, key=lambda one: (one.order, one.name)))


def load_panels(
    session: ReadSession, mail_id: MailId, actor: Actor, *, by_exception: bool = False
) -> list[LoadedPanel]:
    """The non-empty panels of a letter, in order. The caller has checked access to the letter.

    Args:
        by_exception: the actor sees the letter by exception alone.
    """
    loaded = []
    for panel in cast(tuple[Panel, ...], current_app.extensions[_OFFERED]):
        if by_exception and not panel.reads:
            continue
        rows = panel.load(session, mail_id, actor)
        if rows is not None:
            loaded.append(LoadedPanel(panel.name, f"letters/panels/{panel.name}.html", rows))
    return loaded
