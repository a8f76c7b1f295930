"""The files that a person requested: their progress, the file itself, and cancelling."""

from flask import Blueprint, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.reports import exports
from web.site import context
from web.words.messages import gettext as _

blueprint = Blueprint("exports", __name__, url_prefix="/mes-fichiers")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The list, the newest first."""
    return render_template("exports/index.html", rows=_file_rows())


@blueprint.get("/liste")
def progress() -> ResponseReturnValue:
    """Only the list: the page polls it while a file is being made."""
    return render_template("exports/_list.html", rows=_file_rows())


def _file_rows() -> list[exports.FileRow]:
    with context.services().reading() as session:
        return exports.files(session, context.actor(), now=context.now())


@blueprint.get("/<int:file_id>.zip")
def fetch(file_id: int) -> ResponseReturnValue:
    """The file, while its owner may have it."""
    services = context.services()
    digest, name = exports.fetch(services, file_id, actor=context.actor(), now=context.now())
    return send_file(
        services.blobs.open(digest), mimetype="application/zip", as_attachment=True, download_name=name, max_age=0
    )


@blueprint.post("/<int:file_id>/annuler")
def cancel(file_id: int) -> ResponseReturnValue:
    """Cancel a file, made or not."""
    with context.services().unit_of_work(context.now()) as uow:
        exports.cancel(uow, file_id, actor=context.actor())
    flash(_("Le fichier est retiré de la liste."), "success")
    return redirect(url_for("exports.index"), 303)
