"""The directory of correspondents: a list, and corrections of entries."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ged.errors import GedError, Invalid, StaleVersion
from ged.register import directory
from ged.register.directory import CorrespondentForm
from web.site import context
from web.site.forms import FormReader
from web.site.pages import place, render_form

blueprint = Blueprint("correspondents", __name__, url_prefix="/correspondants")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The directory, by name (``?q=``)."""
    text = request.args.get("q", "")[: directory.MAX_NAME]
    with context.services().reading() as session:
        rows, page = directory.listing(session, text, place(), actor=context.actor())
    return render_template("correspondents/index.html", rows=rows, page=page, q=text)


@blueprint.get("/<int:correspondent_id>")
def edit_form(correspondent_id: int) -> ResponseReturnValue:
    """An entry."""
    return _form(correspondent_id)


def _form(correspondent_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = directory.correspondent(session, correspondent_id, actor=context.actor())
    return render_form("correspondents/edit.html", error=error, row=row, stale=isinstance(error, StaleVersion))


@blueprint.post("/<int:correspondent_id>")
def edit(correspondent_id: int) -> ResponseReturnValue:
    """Correct an entry."""
    fields = FormReader(request.form)
    form = CorrespondentForm(
        name=fields.text("name", required=True, maximum=directory.MAX_NAME),
        kind=fields.text("kind", maximum=directory.MAX_KIND),
        address=fields.text("address", maximum=directory.MAX_ADDRESS),
        email=fields.text("email", maximum=directory.MAX_EMAIL),
        phone=fields.text("phone", maximum=directory.MAX_PHONE),
        is_active=fields.ticked("is_active"),
        is_shared=fields.ticked("is_shared"),
    )
    version = fields.integer("version", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            directory.edit(uow, correspondent_id, form, version=version, actor=context.actor())
    except (Invalid, StaleVersion) as error:
        return _form(correspondent_id, error)
    flash(_("Le correspondant est corrigé."), "success")
    return redirect(url_for("correspondents.index"), 303)
