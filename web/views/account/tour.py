"""The tour of the first day: its steps as a page, and its end."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.training import tour as tours
from web.site import context, tour
from web.words.messages import gettext as _

blueprint = Blueprint("tour", __name__, url_prefix="/visite")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All steps on one page, at any time."""
    actor = context.actor()
    with context.services().reading() as session:
        is_due = tours.is_due(session, actor.person_id)
    return render_template("tour/index.html", steps=tour.steps(actor), is_due=is_due)


@blueprint.post("/fin")
def end() -> ResponseReturnValue:
    """Finished or skipped: the home page offers the tour no more."""
    with context.services().unit_of_work(context.now()) as uow:
        tours.end(uow, actor=context.actor(), now=uow.now)
    if request.headers.get("X-Part"):  # the script of the home page says it itself
        return "", 204
    flash(_("La visite est terminée. Elle se reprend depuis le menu de votre nom ou depuis l'aide."), "info")
    return redirect(url_for("session.home"), 303)
