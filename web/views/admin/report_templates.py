"""The first pages of monthly reports: written, shown with a made-up month, kept in versions, taken back."""

from io import BytesIO

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.errors import EngineFailed, GedError, Invalid, NotFound, StaleVersion
from ged.figures.definitions import DELAYS, LETTERS
from ged.monthly import templates
from web.site import context
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.numbers import id_of
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("report_templates", __name__, url_prefix="/administration/modele-du-rapport")
COMMON = "commun"
NAMES = ("entete", "titre", "entite", "mois", "portee", "etabli", "tableau-nombres", "tableau-delais")
"""What first pages print by its name alone (``ged/templates/monthly_parts.typ``)."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The template of an entity (``entite``), one of its versions to begin with (``version``), and the form."""
    version = request.args.get("version")
    return _page(request.args.get("entite"), version_no=(id_of(version) or 0) if version else None)


def _page(asked: str | None, error: GedError | None = None, version_no: int | None = None) -> ResponseReturnValue:
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        places = templates.places(session, actor, services.installation_accounts)
        choices = [(COMMON if one is None else str(one), name or _("Fonds commun")) for one, name in places]
        chosen = asked if asked is not None else next((code for code, _name in choices), "")
        if chosen not in dict(choices):
            raise NotFound("report_template.entity", "choose an entity of the list", id=chosen)
        entity_id = _entity(chosen)
        rows = templates.versions(session, entity_id)
        source = templates.source_of(session, entity_id, version_no)
    return render_form(
        "report_templates/index.html",
        error=error,
        places=choices,
        chosen=chosen,
        rows=rows,
        last=rows[0].version_no if rows else 0,
        source=source,
        version_no=version_no,
        names=NAMES,
        numbers=[one.french for one in LETTERS],
        stages=[one.french for one in DELAYS],
    )


@blueprint.post("/")
def add() -> ResponseReturnValue:
    """The next version; it is checked before anything is kept."""
    fields = FormReader(request.form)
    chosen, after = fields.text("entite", required=True, maximum=20), fields.integer("after", required=True)
    try:
        fields.check()
        number = templates.add(
            context.services(), _entity(chosen), _source(), after=after or 0, actor=context.actor(), now=context.now()
        )
    except (Invalid, StaleVersion, EngineFailed) as error:
        return _page(chosen, error)
    flash(_("La version %(no)s du modèle sert aux prochains rapports.", no=number), "success")
    return redirect(url_for("report_templates.index", entite=chosen), 303)


@blueprint.post("/apercu.pdf")
def preview() -> ResponseReturnValue:
    """A report on a made-up month with the first pages that were sent. Nothing is kept."""
    fields = FormReader(request.form)
    chosen = fields.text("entite", required=True, maximum=20)
    try:
        fields.check()
        pdf = templates.preview(
            context.services(), _entity(chosen), _source(), actor=context.actor(), now=context.now()
        )
    except (Invalid, EngineFailed) as error:
        return _page(chosen, error)
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name="apercu-rapport.pdf")


@blueprint.post("/retirer")
def withdraw() -> ResponseReturnValue:
    """Make the next reports with the pages that are shipped."""
    fields = FormReader(request.form)
    chosen, version_no = fields.text("entite", required=True, maximum=20), fields.integer("version", required=True)
    fields.check()
    try:
        templates.withdraw(
            context.services(), _entity(chosen), version_no or 0, actor=context.actor(), now=context.now()
        )
        flash(_("Les prochains rapports se font sans ce modèle."), "success")
    except StaleVersion as error:
        view = view_of(error)
        flash(f"{view.message} {view.remedy}", "danger")
    return redirect(url_for("report_templates.index", entite=chosen), 303)


def _entity(chosen: str) -> int | None:
    return None if chosen == COMMON else id_of(chosen) or 0


def _source() -> str:
    """The text as it was typed: its spaces and line ends count. Its length is judged with the rest of it."""
    return request.form.get("source", "")
