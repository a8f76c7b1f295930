"""Automatic suggestions: for a waiting scan, on the letter's page; and the administrator's page of trained models."""

from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.capture import queries as scan_queries
from ged.suggestions import form, lessons, letter
from ged.suggestions.form import Progress, Proposal
from web.site import context, natures
from web.site.panels import Panel
from web.words.labels import LESSON_REASONS, READINGS
from web.words.messages import gettext as _

blueprint = Blueprint("proposals", __name__)

MORE = ("nature", "related_number", "addressee")
"""Fields of the form's collapsed part."""
SLOTS = ("sender_name", "their_reference", "written_on", "subject", "enclosure_count", *MORE)


@blueprint.get("/enregistrer/numerisation/<int:scan_id>/propositions")
def of_scan(scan_id: int) -> ResponseReturnValue:
    """Suggestions made since the form was opened; an empty response while the scan is being read."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        scan = scan_queries.scan(session, scan_id, actor)
        found = form.for_scan(session, services, scan, actor)
    if found.progress is Progress.READING:
        return Response(status=204)
    return render_template("proposals/_of_scan.html", proposals=found, scan=scan, slots=SLOTS, more=MORE)


PANEL = Panel("proposals", 10, letter.panel)


# --- what was learned --------------------------------------------------------------------------------------------


@blueprint.get("/administration/apprentissage")
def learning() -> ResponseReturnValue:
    """The trained models, with their figures."""
    with context.services().reading() as session:
        rows = lessons.versions(session)
    return render_template("proposals/learning.html", rows=rows, minimum=lessons.MIN_LETTERS)


@blueprint.post("/administration/apprentissage")
def learn() -> ResponseReturnValue:
    """Start the training now."""
    with context.services().unit_of_work(context.now()) as uow:
        lessons.ask(uow, actor=context.actor())
    flash(_("La mise à jour est demandée : ses chiffres paraîtront ici dans quelques minutes."), "success")
    return redirect(url_for("proposals.learning"), 303)


# --- words -------------------------------------------------------------------------------------------------------


@blueprint.app_template_filter()
def form_value(one: Proposal) -> str:
    """A proposal's value in the format of its form field."""
    return as_day(one.value) if one.field == "written_on" else one.value


@blueprint.app_template_filter()
def shown_value(one: Proposal) -> str:
    """A proposal's value in the format for people."""
    return natures.name_of(one.value) if one.field == "nature" else form_value(one)


@blueprint.app_template_filter()
def reading_label(name: str) -> str:
    """The French name of a field read on a letter."""
    return str(READINGS.get(name, name))


@blueprint.app_template_filter()
def lesson_reason(code: str) -> str:
    """The French text of why nothing is proposed."""
    return str(LESSON_REASONS.get(code, code))


def as_day(value: str) -> str:
    """An ISO day in the format for people; any other text unchanged."""
    try:
        return f"{date.fromisoformat(value):%d/%m/%Y}"
    except ValueError:
        return value
