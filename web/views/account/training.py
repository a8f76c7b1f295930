"""The exercises of a training installation; elsewhere these pages do not exist."""

from io import BytesIO

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.errors import Invalid
from ged.training import operations, outbox, queries
from ged.training.queries import Trainee
from ged.training.sheet import result_sheet
from web.site import context
from web.site.forms import FormReader
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("training", __name__, url_prefix="/exercices")


@blueprint.before_request
def only_in_training() -> None:
    """A real installation has no such pages."""
    if not context.services().training:
        abort(404)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The exercises of the reader's roles."""
    return _index()


def _index(error: Invalid | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        rows = queries.progress_of(session, context.actor())
    passed = sum(row.done_at is not None for row in rows)
    return render_form("training/index.html", error=error, rows=rows, passed=passed)


@blueprint.post("/<int:number>/commencer")
def start(number: int) -> ResponseReturnValue:
    """Begin an exercise, or begin it anew."""
    with context.services().unit_of_work(context.now()) as uow:
        operations.start(uow, number, actor=context.actor())
    flash(_("L'exercice est commencé : ce que vous faites à partir de maintenant compte."), "success")
    return redirect(url_for("training.index", _anchor=f"exercice-{number}"), 303)


@blueprint.post("/<int:number>/reponse")
def answer(number: int) -> ResponseReturnValue:
    """Answer an exercise that asks for something."""
    fields = FormReader(request.form)
    text = fields.text(f"answer-{number}", required=True, maximum=20)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.answer(uow, number, text, actor=context.actor())
    except Invalid as error:
        return _index(error)
    flash(_("C'est juste."), "success")
    return redirect(url_for("training.index", _anchor=f"exercice-{number}"), 303)


@blueprint.get("/fiche.pdf")
def sheet() -> ResponseReturnValue:
    """The reader's own result sheet."""
    actor, services = context.actor(), context.services()
    with services.reading() as session:
        begun = tuple(row for row in queries.progress_of(session, actor) if row.started_at is not None)
        one = Trainee(int(actor.person_id), actor.name, actor.account, begun)
        made = result_sheet(session, services, [one], with_table=False, now=context.now())
    return send_file(BytesIO(made.pdf()), mimetype="application/pdf", download_name=made.filename)


@blueprint.get("/resultats")
def results() -> ResponseReturnValue:
    """For the trainer: all who began an exercise."""
    with context.services().reading() as session:
        found = queries.trainees(session)
    return render_template("training/results.html", found=found)


@blueprint.get("/courriels")
def kept_mails() -> ResponseReturnValue:
    """For the trainer: the e-mails that would have left."""
    mails, total = outbox.kept_mails(context.services())
    return render_template("training/outbox.html", mails=mails, total=total)


@blueprint.get("/resultats.pdf")
def all_sheets() -> ResponseReturnValue:
    """For the trainer: the table, and a page for each person."""
    services = context.services()
    with services.reading() as session:
        made = result_sheet(session, services, queries.trainees(session), with_table=True, now=context.now())
    return send_file(BytesIO(made.pdf()), mimetype="application/pdf", download_name=made.filename)
