"""Monthly reports of an entity: their list, making one, and its sealed file."""

from datetime import date
from io import BytesIO

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from ged.errors import GedError, Invalid, InvalidTransition
from ged.monthly import operations, queries
from web.site import context
from web.site.forms import FormReader
from web.site.pages import place, render_form

blueprint = Blueprint("monthly_reports", __name__, url_prefix="/rapports-mensuels")

MONTHS = 24
"""How many past months the form offers. The command makes reports on any."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The reports that the reader may read, the newest first, and the form for another one."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        entities = queries.entities(session, actor)
        rows, page = queries.reports(session, actor, place())
    months = _months(context.today())
    return render_form(
        "monthly_reports/index.html",
        error=error,
        entities=[(one.id, one.name) for one in entities],
        months=[(f"{one:%Y-%m}", _named(one)) for one in months],
        rows=[(row, _named(row.month)) for row in rows],
        page=page,
    )


@blueprint.post("/")
def make() -> ResponseReturnValue:
    """Make a report."""
    fields = FormReader(request.form)
    entity_id = fields.integer("entity_id", required=True)
    asked = fields.text("month", required=True, maximum=7)
    months = {f"{one:%Y-%m}": one for one in _months(context.today())}
    try:
        if asked and asked not in months:
            fields.refuse(Invalid("form.unknown_choice", "choose a month of the list", field="month"))
        fields.check()
        operations.make(context.services(), entity_id or 0, months[asked], actor=context.actor(), now=context.now())
    except (Invalid, InvalidTransition) as error:
        return _index(error)
    flash(_("Le rapport est établi et gardé."), "success")
    return redirect(url_for("monthly_reports.index"), 303)


@blueprint.get("/<int:report_id>.pdf")
def fetch(report_id: int) -> ResponseReturnValue:
    """The latest sealed file of a report."""
    services = context.services()
    with services.reading() as session:
        row = queries.report(session, report_id, context.actor())
    name = f"rapport-{row.month:%Y-%m}-{row.id}.pdf"
    with services.blobs.open(row.last) as stored:
        return send_file(BytesIO(stored.read()), mimetype="application/pdf", download_name=name)


def _months(today: date) -> list[date]:
    """The first days of the past months, the last month first."""
    count = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(count - 1, count - 1 - MONTHS, -1)]


def _named(month: date) -> str:
    return str(format_date(month, "MMMM y"))
