"""Departures by messenger: lines are ticked, one act notes that they left, one sheet goes with the messenger."""

from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, session, url_for
from flask.typing import ResponseReturnValue

from ged.dispatch import operations as dispatch
from ged.dispatch import print as dispatch_print
from ged.dispatch import queries as dispatch_queries
from ged.dispatch.operations import MAX_NAME
from ged.errors import GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.ports import Confidentiality
from ged.register import opening
from web.site import context
from web.site.forms import FormReader
from web.site.numbers import id_of, whole
from web.site.pages import render_form
from web.words.messages import ngettext

blueprint = Blueprint("dispatch_rounds", __name__, url_prefix="/departs/tournee")

REFUSALS = (Invalid, InvalidTransition, StaleVersion, NotFound)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What a messenger may carry now."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as db:
        rows = dispatch_queries.waiting_lines(db, context.actor())
    return render_form("dispatch_rounds/index.html", error=error, rows=rows, last=session.get("messenger", ""))


@blueprint.post("/")
def leave() -> ResponseReturnValue:
    """Note that the ticked lines left with the messenger."""
    fields = FormReader(request.form)
    carrier = " ".join(fields.text("carrier", required=True, maximum=MAX_NAME).split())
    versions = {line_id: request.form.get(f"version-{line_id}", type=whole) for line_id in fields.integers("line")}
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            left = [line.id for line in dispatch.leave_together(uow, versions, carrier, actor=context.actor())]
    except REFUSALS as error:
        return _index(error)
    session["messenger"] = carrier
    flash(ngettext("%(num)s départ est noté.", "%(num)s départs sont notés.", len(left)), "success")
    return redirect(url_for("dispatch_rounds.done", ligne=left), 303)


def _lines() -> list[int]:
    return [one for value in request.args.getlist("ligne") if (one := id_of(value)) is not None]


@blueprint.get("/faite")
def done() -> ResponseReturnValue:
    """What left, and its sheet to print."""
    with context.services().reading() as db:
        rows = dispatch_queries.lines_of_round(db, _lines(), context.actor())
    return render_template("dispatch_rounds/done.html", rows=rows)


@blueprint.get("/feuille.pdf")
def sheet() -> ResponseReturnValue:
    """The sheet that goes with the messenger, and comes back with the discharges."""
    services, actor, line_ids = context.services(), context.actor(), _lines()
    with services.reading() as db:
        rows = dispatch_queries.lines_of_round(db, line_ids, actor)
    restricted = sorted({row.mail_id for row in rows if row.level > Confidentiality.ORDINARY})
    if restricted:
        with services.unit_of_work(context.now()) as uow:
            for mail_id in restricted:
                opening.record_printing(uow, mail_id, what="departure_book", actor=actor)
    pdf = dispatch_print.round_sheet(services, line_ids, actor, at=context.now())
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name="tournee.pdf", max_age=0)
