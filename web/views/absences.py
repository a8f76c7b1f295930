"""Absences: who is away, until when, and who replaces them."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ged.errors import GedError, Invalid, InvalidTransition
from ged.org import absences
from ged.org.absences import AbsenceForm
from web import context
from web.forms import FormReader
from web.labels import label
from web.pages import render_form

blueprint = Blueprint("absences", __name__, url_prefix="/absences")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Those of today and to come, and the form to declare one."""
    return _page()


def _page(error: GedError | None = None) -> ResponseReturnValue:
    actor, today = context.actor(), context.today()
    with context.services().reading() as session:
        rows = absences.listing(session, actor, on=today)
        given = absences.replacement_choices(session, actor, on=today)
    choices = [
        (
            one.id,
            _(
                "%(name)s - %(kind)s, %(act)s, du %(from_on)s au %(until_on)s",
                name=one.person,
                kind=label(one.kind),
                act=one.act,
                from_on=f"{one.from_on:%d/%m/%Y}",
                until_on=f"{one.until_on:%d/%m/%Y}",
            ),
        )
        for one in given
    ]
    return render_form("absences/index.html", error=error, rows=rows, choices=choices)


@blueprint.post("/")
def declare() -> ResponseReturnValue:
    """Say that one is away."""
    fields = FormReader(request.form)
    from_on, until_on = fields.day("from_on", required=True), fields.day("until_on", required=True)
    delegation_id = fields.integer("delegation_id")
    try:
        fields.check()
        if from_on is None or until_on is None:
            raise Invalid("form.required", "fill it in", field="until_on")
        with context.services().unit_of_work(context.now()) as uow:
            absences.declare(uow, AbsenceForm(from_on, until_on, delegation_id), actor=context.actor())
    except Invalid as error:
        return _page(error)
    flash(_("Votre absence est déclarée."), "success")
    return redirect(url_for("absences.index"), 303)


@blueprint.post("/<int:absence_id>/fin")
def end(absence_id: int) -> ResponseReturnValue:
    """Be back, or not go."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            absences.end(uow, absence_id, actor=context.actor())
    except InvalidTransition as error:
        return _page(error)
    flash(_("L'absence est terminée."), "success")
    return redirect(url_for("absences.index"), 303)
