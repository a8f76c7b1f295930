"""Supervision: entities, services, natures and months side by side, for who heads, supervises or audits them."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from web.views.figures import deciding, loads, pages, panels, papers
from web.views.figures.asked import SUPERVISION
from web.views.figures.pages import Page

blueprint = Blueprint("supervision", __name__, url_prefix="/supervision")

PAGE = Page(
    "supervision.index",
    "supervision.table",
    "supervision.export",
    "supervision.criteria",
    "supervision/index.html",
    "supervision",
    {**panels.OVERSEEN, **loads.PANELS, **papers.PANELS, **deciding.OVERSEEN},
    {**deciding.with_slower(panels.OVERSEEN_VIEWS), **loads.VIEWS, **papers.VIEWS, **deciding.OVERSEEN_VIEWS},
    sign=SUPERVISION,
    overseen=True,
)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The figures of what the reader oversees."""
    return pages.show(PAGE)


@blueprint.get("/chiffres")
def table() -> ResponseReturnValue:
    """A table of the page."""
    return pages.table(PAGE)


@blueprint.get("/criteres")
def criteria() -> ResponseReturnValue:
    """The fields of the filter."""
    return pages.criteria(PAGE)


@blueprint.get("/fichier")
def export() -> Response:
    """A table of the page as a file."""
    return pages.save(PAGE)
