"""Resets of the second step: an administrator asks, another person confirms or refuses within a day."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.entry import resets
from ged.errors import Invalid
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import view_of
from web.site.forms import FormReader
from web.views.admin.people import person_form
from web.words.messages import gettext as _

blueprint = Blueprint("factor_resets", __name__, url_prefix="/verifications")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Those that wait for the reader; of administrators, all of the people whom they look after."""
    services = context.services()
    with services.reading() as session:
        rows = resets.listing(session, services, context.actor(), now=context.now())
    return render_template("factor_resets/index.html", rows=rows)


@blueprint.post("/personnes/<int:person_id>")
def ask(person_id: int) -> ResponseReturnValue:
    """Ask for the reset of a person's second step."""
    require_recent_proof()
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=300)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            resets.ask(uow, person_id, reason, actor=context.actor())
    except Invalid as refused:
        return person_form(person_id, refused)
    flash(_("La demande est faite : une seconde personne, qui en est avertie, la confirme dans les vingt-quatre heures."), "success")  # fmt: skip
    return redirect(url_for("factor_resets.index"), 303)


@blueprint.post("/<int:reset_id>/confirmer")
def confirm(reset_id: int) -> ResponseReturnValue:
    """The person's second step is taken away."""
    return _settle(reset_id, is_confirmed=True)


@blueprint.post("/<int:reset_id>/refuser")
def refuse(reset_id: int) -> ResponseReturnValue:
    """Nothing is taken away; who asked and the person are told."""
    return _settle(reset_id, is_confirmed=False)


def _settle(reset_id: int, *, is_confirmed: bool) -> ResponseReturnValue:
    require_recent_proof()
    settle = resets.confirm if is_confirmed else resets.refuse
    try:
        with context.services().unit_of_work(context.now()) as uow:
            settle(uow, reset_id, actor=context.actor())
    except Invalid as refused:
        _say(refused)
        return redirect(url_for("factor_resets.index"), 303)
    said = (
        _("La vérification est réinitialisée : la personne se connecte par son mot de passe, et ajoute son nouveau téléphone ou sa clé.")
        if is_confirmed
        else _("La demande est refusée : la personne et l'administrateur qui l'a faite en sont avertis.")
    )  # fmt: skip
    flash(said, "success")
    return redirect(url_for("factor_resets.index"), 303)


def _say(refused: Invalid) -> None:
    view = view_of(refused)
    flash(f"{view.message} {view.remedy}", "danger")
