"""Word templates of an entity: uploaded and checked, looked at as a letter, replaced by a next version, withdrawn."""

from io import BytesIO

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ged.errors import EngineFailed, GedError, Invalid, NotFound, StaleVersion
from ged.word import making
from ged.word.letters import FIELDS, PLACES, TEXT
from ged.writing import word_templates
from web.site import context
from web.site.errors import view_of
from web.site.forms import FormReader, chosen_file
from web.site.numbers import id_of
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("word_templates", __name__, url_prefix="/administration/modeles-word")
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
COMMON = "commun"
REFUSALS = (Invalid, NotFound, StaleVersion, EngineFailed)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The templates with their versions, and the form for another."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        rows = word_templates.listing(session, actor, services.installation_accounts)
        places = word_templates.places(session, actor, services.installation_accounts)
        maker = making.maker_of(services, session)
    choices = [(COMMON if one is None else one, name or _("Fonds commun")) for one, name in places]
    return render_form(
        "word_templates/index.html", error=error, rows=rows, places=choices, maker=maker, fields=FIELDS,
        required=(TEXT, *PLACES),
    )  # fmt: skip


@blueprint.post("/")
def add() -> ResponseReturnValue:
    """The next version of a template; its file is checked before anything is kept."""
    fields = FormReader(request.form)
    entity, name = fields.text("entity", required=True, maximum=20), fields.text("name", required=True, maximum=60)
    try:
        fields.check()
        file = chosen_file("word")
        word_templates.add(
            context.services(), None if entity == COMMON else id_of(entity) or 0, name, file.name,
            file.stream, actor=context.actor(), now=context.now(),
        )  # fmt: skip
    except REFUSALS as error:
        return _index(error)
    flash(_("Le modèle « %(name)s » est proposé aux rédacteurs.", name=name), "success")
    return redirect(url_for("word_templates.index"), 303)


@blueprint.get("/<int:template_id>/modele.docx")
def take(template_id: int) -> ResponseReturnValue:
    """A version, as it was uploaded."""
    name, content = word_templates.file_of(context.services(), template_id, actor=context.actor())
    return send_file(BytesIO(content), mimetype=DOCX, as_attachment=True, download_name=name)


@blueprint.get("/<int:template_id>/apercu.pdf")
def preview(template_id: int) -> ResponseReturnValue:
    """A letter made with a version."""
    try:
        pdf = word_templates.preview(context.services(), template_id, actor=context.actor())
    except (Invalid, EngineFailed) as error:
        view = view_of(error)
        flash(f"{view.message} {view.remedy}", "danger")
        return redirect(url_for("word_templates.index"), 303)
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name="apercu.pdf")


@blueprint.post("/<int:template_id>/retirer")
def withdraw(template_id: int) -> ResponseReturnValue:
    """Offer a template no longer."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            name = word_templates.withdraw(uow, template_id, actor=context.actor())
        flash(_("Le modèle « %(name)s » n'est plus proposé.", name=name), "success")
    except (StaleVersion, NotFound) as error:
        view = view_of(error)
        flash(f"{view.message} {view.remedy}", "danger")
    return redirect(url_for("word_templates.index"), 303)
