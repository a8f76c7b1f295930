"""Absences: who is away, until when, and who replaces them."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, InvalidTransition
from ged.org import absence_notices, absence_rights, absences
from ged.org.absences import AbsenceForm
from ged.ports import PersonId
from web.site import context
from web.site.forms import FormReader
from web.site.numbers import id_of
from web.site.pages import render_form
from web.words.labels import label
from web.words.messages import gettext as _

blueprint = Blueprint("absences", __name__, url_prefix="/absences")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Present and future absences, and the form to declare one: one's own, or that of ``?personne=``."""
    person_id = request.args.get("personne", "")
    return _page(id_of(person_id))


def _page(person_id: int | None, error: GedError | None = None) -> ResponseReturnValue:
    actor, today = context.actor(), context.today()
    absent_id = actor.person_id if person_id is None else person_id
    with context.services().reading() as session:
        others = absence_rights.people_choices(session, actor, on=today)
        absence_rights.speaking_post(session, absent_id, actor, on=today)
        rows = absences.listing(session, actor, on=today, others=dict(others).keys())
        given = absences.replacement_choices(session, absent_id, on=today)
        notices = absence_notices.notices(session, actor)
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
    return render_form(
        "absences/index.html", error=error, rows=rows, choices=choices, told=notices, others=others,
        absent=dict(others).get(absent_id), absent_id=absent_id,
    )  # fmt: skip


@blueprint.post("/")
def declare() -> ResponseReturnValue:
    """Declare one's own absence, or another person's."""
    fields = FormReader(request.form)
    person_id = fields.integer("person_id")
    from_on, until_on = fields.day("from_on", required=True), fields.day("until_on", required=True)
    delegation_id = fields.integer("delegation_id")
    try:
        fields.check()
        if from_on is None or until_on is None:
            raise Invalid("form.required", "fill it in", field="until_on")
        with context.services().unit_of_work(context.now()) as uow:
            form = AbsenceForm(
                from_on, until_on, delegation_id, person_id=None if person_id is None else PersonId(person_id)
            )
            absences.declare(uow, form, actor=context.actor())
    except Invalid as error:
        return _page(person_id, error)
    if person_id in (None, context.actor().person_id):
        flash(_("Votre absence est déclarée."), "success")
    else:
        flash(_("L'absence est déclarée ; la personne en est avertie."), "success")
    return redirect(url_for("absences.index"), 303)


@blueprint.post("/<int:absence_id>/fin")
def end(absence_id: int) -> ResponseReturnValue:
    """End an absence early, or cancel it."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            absences.end(uow, absence_id, actor=context.actor())
    except InvalidTransition as error:
        return _page(None, error)
    flash(_("L'absence est terminée."), "success")
    return redirect(url_for("absences.index"), 303)


@blueprint.post("/connaissance")
def acknowledge() -> ResponseReturnValue:
    """Acknowledge absences that others declared."""
    read = FormReader(request.form).integers("absence")
    with context.services().unit_of_work(context.now()) as uow:
        absence_notices.acknowledge(uow, read, actor=context.actor())
    return redirect(url_for("absences.index"), 303)
