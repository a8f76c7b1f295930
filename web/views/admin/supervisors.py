"""Supervisors: who sees the figures of a branch, by which act, until when."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Invalid, InvalidTransition, NotFound
from ged.supervisors import operations as supervisors
from ged.supervisors import queries
from ged.supervisors.operations import SupervisorForm
from web.site import auth, context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("supervisors", __name__, url_prefix="/administration/superviseurs")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The supervisors, and the form for a new one."""
    return _page()


def _page(error: GedError | None = None) -> ResponseReturnValue:
    actor, today = context.actor(), context.today()
    with context.services().reading() as session:
        rows = queries.listing(session, actor, on=today, zone=context.services().zone)
        choices = queries.choices(session, actor, on=today)
    return render_form("supervisors/index.html", error=error, rows=rows, choices=choices, longest=supervisors.MAX_ACT)


@blueprint.post("/")
def give() -> ResponseReturnValue:
    """Enter the act that makes a supervisor."""
    auth.require_recent_proof()
    fields = FormReader(request.form)
    unit_id = fields.integer("unit_id", required=True)
    person_id, post_id = fields.integer("person_id"), fields.integer("post_id")
    act = fields.printed("act", required=True, maximum=supervisors.MAX_ACT)
    from_on, until_on = fields.day("from_on", required=True), fields.day("until_on")
    try:
        fields.check()
        if unit_id is None or from_on is None:
            raise Invalid("form.required", "fill it in", field="unit_id" if unit_id is None else "from_on")
        form = SupervisorForm(unit_id, person_id, post_id, act, from_on, until_on)
        with context.services().unit_of_work(context.now()) as uow:
            supervisors.give(uow, form, actor=context.actor())
    except Invalid as error:
        return _page(error)
    flash(_("La supervision est enregistrée."), "success")
    return redirect(url_for("supervisors.index"), 303)


@blueprint.post("/fin")
def end() -> ResponseReturnValue:
    """End a supervision at once, by another act."""
    auth.require_recent_proof()
    fields = FormReader(request.form)
    supervisor_id = fields.integer("supervisor_id", required=True)
    act = fields.printed("ended_act", required=True, maximum=supervisors.MAX_ACT)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            supervisors.end(uow, supervisor_id or 0, act, actor=context.actor())
    except (Invalid, InvalidTransition, NotFound) as error:
        return _page(error)
    flash(_("La supervision a pris fin."), "success")
    return redirect(url_for("supervisors.index"), 303)
