"""A draft written in Word: its filled file goes out, comes back as a version, and becomes pages."""

from io import BytesIO
from typing import cast

from flask import Blueprint, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from ged.errors import GedError, Invalid, StaleVersion
from ged.ports import Digest
from ged.signbook import queries
from ged.writing import word
from ged.writing.word import Received
from web.site import context
from web.site.errors import REFUSALS
from web.site.forms import FormReader, chosen_file
from web.site.pages import render_form
from web.views.signbook.drafts import edit_page, failure_view
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("word", __name__, url_prefix="/projets")
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FOLLOWING = {"objet", "destinataire", "destinataires", "destinataire_adresse"}
"""Fields that follow the draft; programs that keep no merge fields have made text of them."""
KEPT_S = 20 * 3600
"""A file set beside another version waits so long for its author's decision; unreferenced blobs stay a day."""


@blueprint.get("/<int:mail_id>/redaction.docx")
def take(mail_id: int) -> ResponseReturnValue:
    """The Word file to write in: of a template (``modele``), or of the present version."""
    template = request.args.get("modele", "")
    try:
        made = word.filled(context.services(), mail_id, template, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return edit_page(mail_id, error)
    return send_file(BytesIO(made.content), mimetype=DOCX, as_attachment=True, download_name=made.filename)


@blueprint.get("/<int:mail_id>/redaction/etat")
def state(mail_id: int) -> ResponseReturnValue:
    """Whether the pages are made: a part of the draft's page, which asks for it until they are."""
    services = context.services()
    with services.reading() as session:
        row = queries.letter(session, mail_id, context.actor(), on=context.today())
        status = word.status(session, services, mail_id, context.actor())
    return render_template("drafts/_word_state.html", row=row, word=status, word_failure=failure_view(status))


@blueprint.post("/<int:mail_id>/redaction")
def give(mail_id: int) -> ResponseReturnValue:
    """A Word file that comes back: the next version, unless somebody wrote the text meanwhile."""
    fields = FormReader(request.form)
    version = fields.integer("version", required=True) or 0
    try:
        fields.check()
        file = chosen_file("word")
        received = word.receive(context.services(), mail_id, file.name, file.stream, actor=context.actor())
    except REFUSALS as error:
        return edit_page(mail_id, error)
    return _keep(mail_id, received, version)


def _keep(mail_id: int, received: Received, version: int, *, knows_of: int | None = None) -> ResponseReturnValue:
    services, actor = context.services(), context.actor()
    try:
        saved = word.keep(
            services, mail_id, received, version=version, knows_of=knows_of, actor=actor, now=context.now()
        )
    except StaleVersion as error:
        return _both(mail_id, received, error)
    except REFUSALS as error:
        return edit_page(mail_id, error)
    _tell(received, saved.version_no, saved.cancelled)
    return redirect(url_for("drafts.edit", mail_id=mail_id) + "#redaction-word", 303)


def _tell(received: Received, version_no: int, cancelled: int) -> None:
    flash(_("Le document est enregistré (version %(no)s).", no=version_no), "success")
    facts = received.facts
    if cancelled:
        flash(
            ngettext(
                "%(num)s visa est annulé par ce changement ; son auteur en est averti.",
                "%(num)s visas sont annulés par ce changement ; leurs auteurs en sont avertis.",
                cancelled,
            ),
            "warning",
        )
    if not FOLLOWING & set(facts.fields):
        flash(
            _(
                "Ce document n'a plus de champs : si l'objet ou les destinataires changent, corrigez-les aussi dans Word."
            ),
            "warning",
        )
    if facts.left_out:
        flash(_("Le document était lié à un modèle ou à un fichier d'adresses : ce lien est retiré."), "info")


def _both(mail_id: int, received: Received, error: GedError) -> ResponseReturnValue:
    """Both texts; the received file is stored and waits for the decision."""
    with context.services().reading() as session:
        row = queries.letter(session, mail_id, context.actor(), on=context.today())
        compared = word.beside(session, mail_id, received, actor=context.actor())
    # Signed: ``decide`` opens the file of this digest without asking whose it is, so nobody may name one.
    waits = _signer().dumps([mail_id, context.actor().person_id, received.digest, received.name])
    return render_form("drafts/word_conflict.html", error=error, row=row, compared=compared, waits=waits)


@blueprint.post("/<int:mail_id>/redaction/decider")
def decide(mail_id: int) -> ResponseReturnValue:
    """Make the file that waits the next version after all."""
    fields = FormReader(request.form)
    version, knows_of = fields.integer("version", required=True) or 0, fields.integer("knows_of", required=True)
    try:
        fields.check()
        of, person_id, digest, name = _signer().loads(request.form.get("waits", ""), max_age=KEPT_S)
        if (of, person_id) != (mail_id, context.actor().person_id):
            raise BadSignature("of another draft")
        received = word.look_at(context.services(), mail_id, Digest(digest), name)
    except BadSignature:
        return edit_page(mail_id, Invalid("file.not_chosen", "choose a file", field="word"))
    except REFUSALS as error:
        return edit_page(mail_id, error)
    return _keep(mail_id, received, version, knows_of=knows_of)


@blueprint.post("/<int:mail_id>/redaction/quitter")
def leave(mail_id: int) -> ResponseReturnValue:
    """Go on in the site with the text that the Word file says."""
    fields = FormReader(request.form)
    version = fields.integer("version", required=True) or 0
    try:
        fields.check()
        word.leave(context.services(), mail_id, version=version, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return edit_page(mail_id, error)
    flash(_("Le texte du document Word est repris dans le projet ; relisez sa mise en forme."), "success")
    return redirect(url_for("drafts.edit", mail_id=mail_id), 303)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(cast(str, current_app.secret_key), salt="word")
