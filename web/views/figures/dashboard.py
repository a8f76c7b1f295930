"""The dashboard: the figures of the reader's own services; and the letters behind each figure, by the rule of access."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from ged.figures import letters as letter_lists
from ged.figures.letters import Asked as AskedLetters
from ged.figures.letters import What
from ged.figures.reach import reach_on
from ged.figures.stages import Stage
from ged.paging import Slice
from ged.routing.queries import MailRow
from web.site import context
from web.site.numbers import id_of
from web.site.pages import place
from web.views.figures import asked as address
from web.views.figures import deciding, pages, panels, papers
from web.views.figures.board import period_name
from web.views.figures.pages import Page
from web.words import figure_pages as words

blueprint = Blueprint("dashboard", __name__, url_prefix="/tableau")

PAGE = Page(
    "dashboard.index",
    "dashboard.table",
    "dashboard.export",
    "dashboard/index.html",
    "tableau-de-bord",
    {**panels.OWN, **papers.PANELS, **deciding.OWN},
    {**panels.OWN_VIEWS, **deciding.DELAYS, **papers.VIEWS, **deciding.OWN_VIEWS},
    overseen=False,
)
LETTERS = 50
"""Letters of a page of the list."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The figures of the reader's services."""
    return pages.show(PAGE)


@blueprint.get("/chiffres")
def table() -> ResponseReturnValue:
    """A table of the page."""
    return pages.table(PAGE)


@blueprint.get("/fichier")
def export() -> Response:
    """A table of the page as a file."""
    return pages.save(PAGE)


@blueprint.get("/courriers")
def letters() -> ResponseReturnValue:
    """The letters behind a figure that the reader may see."""
    actor = context.actor()
    what = next((one for one in What if one.value == request.args.get("quoi")), What.RECEIVED)
    given = request.args.get
    rows: list[MailRow] = []
    page, total = Slice(()), 0
    with context.services().reading() as session:
        reach = reach_on(session, actor, on=context.today())
        asked = address.read(request.args, actor, reach, reach.own, today=context.today(), for_list=True)
        wanted = AskedLetters(
            what, asked.period, asked.stage, _bins(), (id_of(given("depuis", "")) or 0, id_of(given("vers", "")) or 0),
            id_of(given("expediteur", "")),
        )  # fmt: skip
        if asked.sight.opens:
            rows, page, total = letter_lists.letters(session, actor, asked.cut, wanted, place(), limit=LETTERS)
    return render_template(
        "dashboard/letters.html",
        rows=rows,
        page=page,
        total=total,
        asked=asked,
        title=_title(what, asked.stage),
        period=period_name(asked.period),
        definition=words.definition(what),
    )


def _bins() -> tuple[int, int]:
    first, last = (id_of(request.args.get(name, "")) or 0 for name in ("de", "a"))
    return first, max(first, last)


def _title(what: What, stage: Stage) -> str:
    return words.stage(stage) if what is What.DELAY else words.what(what)
