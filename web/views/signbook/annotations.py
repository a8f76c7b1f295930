"""Notes in the margin of a draft: added by members of the circuit, answered and settled by its author."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.writing import annotations
from ged.writing.annotations import Spot
from web.site import context
from web.site.errors import REFUSALS
from web.site.forms import FormReader
from web.views.signbook import signbook
from web.words.messages import gettext as _

blueprint = Blueprint("annotations", __name__, url_prefix="/parapheur")


@blueprint.post("/<int:mail_id>/notes")
def add(mail_id: int) -> ResponseReturnValue:
    """Add a note to a page."""
    fields = FormReader(request.form)
    version_no, page_no = fields.integer("version_no", required=True), fields.integer("page_no", required=True)
    x, y = (fields.integer(name, maximum=annotations.WHOLE) for name in ("x", "y"))
    text = fields.text("note", required=True, maximum=annotations.MAX_TEXT)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            spot = Spot(page_no or 0, x, y)
            annotations.annotate(uow, mail_id, spot, text, version_no=version_no or 0, actor=context.actor())
    except REFUSALS as error:
        return signbook.page(mail_id, error)
    flash(_("Votre note est posée ; l'auteur en est averti."), "success")
    return _back(mail_id)


@blueprint.post("/<int:mail_id>/notes/<int:note_id>/reponse")
def answer(mail_id: int, note_id: int) -> ResponseReturnValue:
    """Store the author's answer."""
    fields = FormReader(request.form)
    text = fields.text("answer", required=True, maximum=annotations.MAX_TEXT)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            annotations.answer(uow, mail_id, note_id, text, actor=context.actor())
    except REFUSALS as error:
        return signbook.page(mail_id, error)
    flash(_("Votre réponse est enregistrée."), "success")
    return _back(mail_id)


@blueprint.post("/<int:mail_id>/notes/<int:note_id>/regler")
def resolve(mail_id: int, note_id: int) -> ResponseReturnValue:
    """Settle a note, by the author."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            annotations.resolve(uow, mail_id, note_id, actor=context.actor())
    except REFUSALS as error:
        return signbook.page(mail_id, error)
    flash(_("La note est traitée."), "success")
    return _back(mail_id)


def _back(mail_id: int) -> ResponseReturnValue:
    return redirect(url_for("signbook.show", mail_id=mail_id) + "#notes", 303)
