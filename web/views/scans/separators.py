"""Separator sheets: the kinds that the actor's offices use, and copies of them to print."""

from io import BytesIO

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.capture import separators
from ged.errors import GedError, Invalid, NotFound
from ged.natures import queries
from ged.org.stock import entities_of
from ged.ports import Confidentiality
from ged.register.models import Direction
from web.site import context
from web.site.forms import FormReader
from web.site.natures import name_of
from web.site.numbers import whole
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("separators", __name__, url_prefix="/numerisations/separateurs")

USUAL_COPIES = 10


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The kinds of sheets, each with its button to print, and the form to make another."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        rows, units = separators.sheets(session, actor), separators.units(session, actor)
        natures = queries.offered(session, Direction.INCOMING, entities_of(actor))
    return render_form(
        "scans/separators.html",
        error=error,
        rows=rows,
        units=units,
        natures=[(one.code, one.name) for one in natures],
        levels=[level for level in Confidentiality if level < Confidentiality.SECRET or level <= actor.clearance],
        copies=USUAL_COPIES,
    )


@blueprint.post("/")
def make() -> ResponseReturnValue:
    """Make a kind of sheet."""
    fields = FormReader(request.form)
    unit_id, nature = fields.integer("unit_id", required=True), fields.text("nature", maximum=32)
    level = fields.integer("level", maximum=int(Confidentiality.SECRET)) or 0
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            if nature:
                queries.require(uow.session, nature, Direction.INCOMING, entities_of(context.actor()))
            separators.make(
                uow, unit_id or 0, nature=nature, level=Confidentiality(level), actor=context.actor(), now=uow.now
            )
    except Invalid as error:
        return _index(error)
    flash(_("La feuille est prête : imprimez-en autant d'exemplaires que de courriers."), "success")
    return redirect(url_for("separators.index"), 303)


@blueprint.get("/<int:sheet_id>.pdf")
def sheet(sheet_id: int) -> ResponseReturnValue:
    """Copies to print."""
    copies = request.args.get("copies", USUAL_COPIES, type=whole)
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        row = next((one for one in separators.sheets(session, actor) if one.id == sheet_id), None)
        if row is None:
            raise NotFound("separator.unknown", "reload the list of sheets", id=sheet_id)
        made = separators.printed(
            session,
            services,
            sheet_id,
            actor,
            nature_name=name_of(row.nature),
            copies=copies,
            recto_verso="recto_verso" in request.args,
        )
    return send_file(BytesIO(made.pdf()), mimetype="application/pdf", download_name=made.filename)


@blueprint.post("/<int:sheet_id>/retirer")
def withdraw(sheet_id: int) -> ResponseReturnValue:
    """Withdraw a kind of sheet: it no longer pre-fills the form."""
    with context.services().unit_of_work(context.now()) as uow:
        separators.withdraw(uow, sheet_id, actor=context.actor(), now=uow.now)
    flash(_("La feuille est retirée : elle sépare encore, mais ne remplit plus le formulaire."), "success")
    return redirect(url_for("separators.index"), 303)
