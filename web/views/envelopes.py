"""Sealed envelopes: registered from their outside; the addressee decides on them."""

import secrets
from datetime import datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.capture import desks as scan_desks
from ged.capture import files
from ged.capture import letters as scan_letters
from ged.capture.files import Upload
from ged.envelopes import operations as envelopes
from ged.envelopes.operations import EnvelopeForm
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, StaleVersion
from ged.filenames import harmless_name
from ged.ports import Confidentiality
from web.site import context
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import render_form
from web.site.scan_form import RESOLUTIONS, read_choice
from web.words.messages import gettext as _

blueprint = Blueprint("envelopes", __name__, url_prefix="/plis")

MAX_TOKEN = 43
REFUSALS = (Invalid, InvalidTransition, StaleVersion)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Envelopes addressed to the actor, or kept in the actor's registers."""
    actor = context.actor()
    with context.services().reading() as session:
        rows = envelopes.envelopes(session, actor)
        registers = envelopes.kept_registers(session, actor)
    return render_template("envelopes/index.html", rows=rows, may_register=bool(registers))


@blueprint.get("/nouveau")
def new() -> ResponseReturnValue:
    """The form for the outside of an envelope."""
    return _new()


def _new(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        registers = envelopes.kept_registers(session, context.actor())
        addressees = envelopes.addressees(session, context.actor(), on=context.today())
    local = context.now().astimezone(context.services().zone)
    return render_form(
        "envelopes/new.html",
        error=error,
        registers=registers,
        addressees=addressees,
        local=local,
        request_token=secrets.token_urlsafe(),
    )


@blueprint.post("/nouveau")
def register() -> ResponseReturnValue:
    """Number the envelope."""
    fields = FormReader(request.form)
    day, clock = fields.day("arrived_on", required=True), fields.clock("arrived_time", required=True)
    register_id = fields.integer("register_id", required=True)
    post_id = fields.integer("addressed_post_id", required=True)
    sender, marks = fields.on_paper("sender_name", maximum=200), fields.text("marks", maximum=300)
    kind, count = fields.text("kind", required=True, maximum=32), fields.integer("count", minimum=1, maximum=999)
    try:
        fields.check()
        if day is None or clock is None:
            raise Invalid("form.required", "fill it in", field="arrived_on")
        arrived_at = datetime.combine(day, clock, tzinfo=context.services().zone)
        token = request.form.get("request_token", "")[:MAX_TOKEN] or None
        form = EnvelopeForm(arrived_at, post_id or 0, sender, marks, kind, count or 1, token)
        with context.services().unit_of_work(context.now()) as uow:
            done = envelopes.register_envelope(uow, register_id or 0, form, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return _new(error)
    flash(_("Pli enregistré sous le numéro %(number)s.", number=done.number), "success")
    return redirect(url_for("envelopes.show", envelope_id=done.envelope_id), 303)


@blueprint.get("/<int:envelope_id>")
def show(envelope_id: int) -> ResponseReturnValue:
    """The envelope, as far as the actor may see it."""
    return _show(envelope_id)


def _show(envelope_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        row = envelopes.envelope(session, envelope_id, actor)
        post = actor.holds(row.addressed_post_id or 0)
        at_desk = row.state == envelopes.OPENED and row.mail_id is not None and row.is_addressee
        desks = scan_desks.bridges(session, [post.unit_id], now=context.now()) if post and at_desk else []
    levels = [level for level in Confidentiality if level <= actor.clearance]
    return render_form(
        "envelopes/show.html", error=error, row=row, levels=levels, bridges=desks, resolutions=RESOLUTIONS
    )


@blueprint.post("/<int:envelope_id>/numeriser")
def scan(envelope_id: int) -> ResponseReturnValue:
    """Scan the content at the addressee's own desk."""
    fields = FormReader(request.form)
    choice = read_choice(fields)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            envelopes.scan_inside(
                uow,
                envelope_id,
                choice.bridge_id,
                choice.settings,
                actor=context.actor(),
                now=context.now(),
                device=choice.device,
            )
    except REFUSALS as error:
        return _show(envelope_id, error)
    flash(_("La demande est transmise au scanner ; les pages iront droit au courrier."), "success")
    return redirect(url_for("envelopes.show", envelope_id=envelope_id), 303)


@blueprint.post("/<int:envelope_id>/garder")
def keep(envelope_id: int) -> ResponseReturnValue:
    """Keep it closed."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            envelopes.keep_sealed(uow, envelope_id, version=_version(), actor=context.actor())
    except REFUSALS as error:
        return _show(envelope_id, error)
    flash(_("Le pli reste fermé."), "success")
    return redirect(url_for("envelopes.show", envelope_id=envelope_id), 303)


@blueprint.post("/<int:envelope_id>/rendre")
def give_back(envelope_id: int) -> ResponseReturnValue:
    """Return it as ordinary mail."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            envelopes.return_as_ordinary(uow, envelope_id, version=_version(), actor=context.actor())
    except REFUSALS as error:
        return _show(envelope_id, error)
    flash(_("Le pli retourne au bureau d'ordre comme courrier ordinaire."), "success")
    return redirect(url_for("envelopes.show", envelope_id=envelope_id), 303)


@blueprint.post("/<int:envelope_id>/ouvrir")
def open_it(envelope_id: int) -> ResponseReturnValue:
    """Make a letter of the content, with its file if there is one."""
    fields = FormReader(request.form)
    subject = fields.on_paper("subject", required=True, maximum=2000)
    sender = fields.on_paper("sender_name", maximum=200)
    level = fields.integer("level", required=True, maximum=2)
    version = fields.integer("version")
    services, actor = context.services(), context.actor()
    try:
        fields.check()
        with services.reading() as session:
            may_decide = envelopes.envelope(session, envelope_id, actor).may_decide
        # An actor without the right is refused below, before the file is read.
        upload = _file() if may_decide else None
        with services.unit_of_work(context.now()) as uow:
            mail_id = envelopes.open_envelope(
                uow,
                envelope_id,
                subject=subject,
                level=Confidentiality(level or 0),
                version=version,
                actor=actor,
                now=context.now(),
                sender_name=sender,
                upload=upload,
            )
    except REFUSALS as error:
        return _show(envelope_id, error)
    flash(_("Le pli est ouvert : seul le poste destinataire voit le courrier, jusqu'à ce qu'il le partage."), "success")
    return redirect(_letter(mail_id) or url_for("envelopes.show", envelope_id=envelope_id), 303)


def _file() -> Upload | None:
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    try:
        return files.examine(context.services(), file.filename, file.stream)  # type: ignore[arg-type]  # IO[bytes]
    except EngineFailed as failure:
        if failure.code.startswith("store."):  # nothing is wrong with the file
            raise
        name = harmless_name(file.filename)
        raise Invalid("file.not_looked_at", "try again", field="file", filename=name, cause=failure.code) from failure


@blueprint.post("/<int:envelope_id>/rattacher")
def link(envelope_id: int) -> ResponseReturnValue:
    """Link a returned envelope to the letter that was registered from it."""
    fields = FormReader(request.form)
    number, chosen = fields.text("number", required=True, maximum=64), fields.integer("number_letter")
    services, actor = context.services(), context.actor()
    try:
        fields.check()
        with services.reading() as session:
            letter = scan_letters.letter_by_number(session, number, actor, chosen=chosen)
        with services.unit_of_work(context.now()) as uow:
            envelopes.link_registered(uow, envelope_id, letter.mail_id, actor=actor)
    except REFUSALS as error:
        return _show(envelope_id, error)
    flash(_("Le pli est rattaché au courrier %(number)s.", number=letter.number), "success")
    return redirect(url_for("envelopes.show", envelope_id=envelope_id), 303)


@blueprint.post("/<int:envelope_id>/annuler")
def void(envelope_id: int) -> ResponseReturnValue:
    """Void the envelope's number, with a reason."""
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=envelopes.MAX_REASON)
    actor, now = context.actor(), context.now()
    try:
        fields.check()
        with context.services().unit_of_work(now) as uow:
            envelopes.void(uow, envelope_id, reason=reason, version=_version(), actor=actor, now=now)
    except REFUSALS as error:
        return _show(envelope_id, error)
    flash(_("Le numéro du pli est annulé."), "success")
    return redirect(url_for("envelopes.show", envelope_id=envelope_id), 303)


def _version() -> int | None:
    return request.form.get("version", type=whole)


def _letter(mail_id: int) -> str | None:
    return url_for("letters.show", mail_id=mail_id) if "letters.show" in current_app.view_functions else None
