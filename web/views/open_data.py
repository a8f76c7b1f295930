"""Open data: what may be published of the counts of letters, its act, and the files that have left."""

from datetime import date
from io import BytesIO

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from ged.errors import GedError, Invalid, InvalidTransition
from ged.languages import SOURCE
from ged.monthly import open_data as tables
from ged.monthly import publications
from ged.monthly.publications import Offer
from ged.typography import french
from web.site import context
from web.site.forms import FormReader
from web.site.numbers import id_of
from web.site.pages import render_form
from web.words import labels
from web.words.languages import language
from web.words.messages import gettext as _

blueprint = Blueprint("open_data", __name__, url_prefix="/donnees-ouvertes")

SHOWN = 20
"""Rows of the preview."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The publications, and the form for the next one with what it would tell."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    actor, today = context.actor(), context.today()
    with context.services().reading() as session:
        rows = publications.acts(session, actor)
        offers = publications.offers(session, actor, today=today)
        offer = _chosen(offers)
        months = offer.months if offer is not None else ()
        # Of its own the page counts one month: all of them may be many years.
        until = next(
            (one for one in months if f"{one:%Y-%m}" == request.values.get("until")), months[0] if months else None
        )
        preview = None
        if offer is not None and until is not None:
            try:
                preview = publications.preview(
                    session, offer.ministry_id, months[0], until, actor, zone=context.services().zone
                )
            except InvalidTransition as refusal:
                error = error or refusal
    is_french = language() == SOURCE
    return render_form(
        "open_data/index.html",
        error=error,
        rows=[(row, _named(row.since), _named(row.until)) for row in rows],
        offers=[(str(one.ministry_id), one.ministry) for one in offers],
        offer=offer,
        months=[(f"{one:%Y-%m}", _named(one)) for one in months],
        since=_named(months[0]) if months else "",
        until=f"{until:%Y-%m}" if until is not None else "",
        preview=preview,
        shown=preview[:SHOWN] if preview is not None else (),
        rule=french(tables.RULE) if is_french else tables.RULE_IN_ENGLISH,
        directions={direction: labels.label(one) for one, direction in tables.DIRECTIONS.items()}
        | {tables.OTHER: tables.OTHER},
        today=today,
    )


def _chosen(offers: list[Offer]) -> Offer | None:
    asked = id_of(request.values.get("ministry", ""))
    found = [one for one in offers if one.ministry_id == asked] or [one for one in offers if one.months] or offers
    return found[0] if found else None


@blueprint.post("/")
def publish() -> ResponseReturnValue:
    """Publish."""
    fields = FormReader(request.form)
    ministry_id = fields.integer("ministry", required=True)
    until = fields.text("until", required=True, maximum=7)
    reference = fields.text("act_reference", required=True, maximum=publications.LONGEST_REFERENCE)
    act_on = fields.day("act_on", required=True)
    licence = fields.text("licence", required=True, maximum=publications.LONGEST_LICENCE)
    try:
        fields.check()
        made = publications.publish(
            context.services(), ministry_id or 0, _month(until), act_reference=reference, act_on=act_on or date.max,
            licence=licence, actor=context.actor(), now=context.now(),
        )  # fmt: skip
    except (Invalid, InvalidTransition) as error:
        return _index(error)
    flash(
        _("La publication n° %(number)s est faite. Téléchargez-la et mettez-la en ligne.", number=made.number),
        "success",
    )
    return redirect(url_for("open_data.index"), 303)


@blueprint.get("/<int:publication_id>.zip")
def fetch(publication_id: int) -> ResponseReturnValue:
    """The file of a publication."""
    services = context.services()
    with services.reading() as session:
        row = publications.act(session, publication_id, context.actor())
    name = f"courriers-{row.since:%Y-%m}-{row.until:%Y-%m}-{row.number}.zip"
    with services.blobs.open(row.digest) as stored:
        return send_file(BytesIO(stored.read()), mimetype="application/zip", as_attachment=True, download_name=name)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid("form.unknown_choice", "choose a month of the list", field="until") from None


def _named(month: date) -> str:
    return str(format_date(month, "MMMM y"))
