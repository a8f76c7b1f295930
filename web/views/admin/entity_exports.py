"""An entity is exported, sealed for the installation that takes it in: asked for, made by a job, fetched once."""

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.errors import Forbidden, GedError, Invalid, InvalidTransition, NotFound
from ged.transfer import leaving, sealed
from ged.transfer.leaving import LeavingRow
from web.site import context
from web.site.forms import FormReader, chosen_file
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("entity_exports", __name__, url_prefix="/administration/export-entite")
REFUSALS = (Invalid, InvalidTransition, NotFound, Forbidden)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The form, and the last exports."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        entities = leaving.entities(session)
    return render_form(
        "entity_exports/index.html", error=error, entities=entities, rows=_rows(), kept_days=leaving.KEPT.days,
        digits=leaving.TYPED,
    )  # fmt: skip


def _rows() -> list[LeavingRow]:
    services = context.services()
    with services.reading() as session:
        return leaving.exports(services, session)


@blueprint.get("/liste")
def progress() -> ResponseReturnValue:
    """Only the list: the page polls it while a file is being made."""
    return render_template("entity_exports/_list.html", rows=_rows())


@blueprint.post("/")
def ask() -> ResponseReturnValue:
    """Have an entity written and sealed."""
    fields = FormReader(request.form)
    code = fields.text("entity", required=True, maximum=64)
    typed = fields.text("fingerprint", required=True, maximum=200)
    try:
        fields.check()
        # One byte more than is allowed: what is too long is refused, not cut.
        certificate = chosen_file("certificate").stream.read(sealed.MAX_CERTIFICATE + 1)
        with context.services().unit_of_work(context.now()) as uow:
            leaving.ask(uow, code, certificate, typed, actor=context.actor())
    except REFUSALS as error:
        return _index(error)
    flash(_("L'export est demandé ; il est en préparation."), "success")
    return redirect(url_for("entity_exports.index"), 303)


@blueprint.post("/<int:job_id>/telecharger")
def fetch(job_id: int) -> ResponseReturnValue:
    """The sealed file; an hour after its first download it is gone."""
    content, name = leaving.fetch(context.services(), job_id, actor=context.actor(), now=context.now())
    return send_file(content, mimetype="application/zip", as_attachment=True, download_name=name, max_age=0)


@blueprint.post("/<int:job_id>/supprimer")
def drop(job_id: int) -> ResponseReturnValue:
    """Remove a sealed file before its time."""
    leaving.drop(context.services(), job_id, actor=context.actor(), now=context.now())
    flash(_("Le fichier est supprimé."), "success")
    return redirect(url_for("entity_exports.index"), 303)
