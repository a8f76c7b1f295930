"""A person's own second step: a telephone, passkeys, recovery codes. Each change asks for the password again."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, send_file, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from markupsafe import Markup

from ged.entry import factors, passkeys, recovery, totp
from ged.entry.codes import Drift
from ged.errors import Invalid
from ged.org import accounts
from web.site import auth, context, entering
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import render_form
from web.views.account.session import has_passkeys, refused
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l

blueprint = Blueprint("second_factor", __name__, url_prefix="/mon-compte/verification")
PAGE = "second_factor/index.html"
TOTP = "second_factor/totp.html"
ACT = "second_factor/act.html"


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What the person has for the second step."""
    return render_form(PAGE, **_values())


def _values() -> dict[str, Any]:
    services, actor = context.services(), context.actor()
    with services.reading() as db:
        found = factors.factors_of(db, int(actor.person_id))
    return {
        "factors": found, "is_required": factors.is_required(services, actor), "must_arm": g.must_arm,
        "has_passkeys": has_passkeys(), "here": getattr(passkeys.party(services.public_url), "rp_id", ""),
    }  # fmt: skip


@dataclass(frozen=True)
class Act:
    """What a person is about to do, on a page that asks for the password."""

    title: LazyString
    text: LazyString
    button: LazyString
    endpoint: str


ACTS = {
    "telephone": Act(
        _l("Ajouter un téléphone"),
        _l("La page suivante montre un carré que l'application de votre téléphone lit. S'il y en a déjà un, l'ancien sert jusqu'au premier code du nouveau."),
        _l("Continuer"), "second_factor.begin_totp",
    ),
    "retirer-telephone": Act(
        _l("Retirer le téléphone"), _l("Ses codes n'ouvriront plus votre compte."), _l("Retirer le téléphone"),
        "second_factor.remove_totp",
    ),
    "cle": Act(
        _l("Ajouter une clé d'accès"), _l("L'appareil fait la clé à la page suivante."), _l("Continuer"),
        "second_factor.begin_passkey",
    ),
    "retirer-cle": Act(
        _l("Retirer la clé d'accès"), _l("Elle n'ouvrira plus votre compte."), _l("Retirer la clé d'accès"),
        "second_factor.remove_passkey",
    ),
    "codes": Act(
        _l("Faire dix nouveaux codes"),
        _l("Les codes précédents ne vaudront plus rien : détruisez alors l'ancienne feuille."),
        _l("Faire dix nouveaux codes"), "second_factor.renew_codes",
    ),
}  # fmt: skip


@blueprint.get("/acte")
def act_form() -> ResponseReturnValue:
    """The page of one act, which asks for the password."""
    name = request.args.get("acte", "")
    if name not in ACTS:
        return redirect(url_for("second_factor.index"), 303)
    return _act_page(name, passkey_id=request.args.get("cle", type=whole))


def _act_page(name: str, error: Invalid | None = None, passkey_id: int | None = None) -> ResponseReturnValue:
    if name == "retirer-cle" and passkey_id is None:
        return redirect(url_for("second_factor.index"), 303)
    values: dict[str, Any] = {
        "act": ACTS[name],
        "asks_name": name == "cle",
        "passkey_id": passkey_id,
        "is_proved": _is_proved(),
    }
    return refused(ACT, error, **values) if error is not None else render_form(ACT, **values)


def _prove(fields: FormReader) -> None:
    """Check the password of the form.

    Raises:
        Invalid: ``password.wrong``, ``session.throttled``.
    """
    if _is_proved():
        return
    password = fields.secret("current_password")
    fields.check()
    accounts.check_password(context.services(), context.actor().person_id, password, now=context.now())


def _is_proved() -> bool:
    """Whoever must arm a second step at the sign-in typed the password a moment ago; in a session that was left open, nobody did."""
    return bool(g.must_arm) and auth.is_just_proved()


# --- the telephone ---


@blueprint.post("/telephone")
def begin_totp() -> ResponseReturnValue:
    """Begin to add a telephone."""
    try:
        _prove(FormReader(request.form))
    except Invalid as wrong:
        return _act_page("telephone", wrong)
    with context.services().unit_of_work(context.now()) as uow:
        totp.begin(uow, actor=context.actor())
    return redirect(url_for("second_factor.totp_form"), 303)


@blueprint.get("/telephone")
def totp_form() -> ResponseReturnValue:
    """The code that the telephone reads, until its first right code."""
    return _totp_form()


def _totp_form(error: Invalid | None = None) -> ResponseReturnValue:
    services = context.services()
    try:
        with services.reading() as db:
            shown = totp.shown(db, services, actor=context.actor(), now=context.now())
    except Invalid:
        return redirect(url_for("second_factor.index"), 303)
    # Without its XML declaration and DOCTYPE, which mean nothing inside a page of HTML.
    picture = Markup(shown.qr[shown.qr.index("<svg") :])  # noqa: S704  # our own drawing
    return render_form(TOTP, error=error, form={}, shown=shown, picture=picture)


@blueprint.post("/telephone/armer")
def arm_totp() -> ResponseReturnValue:
    """Take the telephone into use, by its first right code."""
    typed = FormReader(request.form).secret("code")
    actor = context.actor()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            armed = totp.arm(uow, typed, actor=actor, shown_mark=request.form.get("shown", ""))
    except Invalid as wrong:
        return _totp_form(wrong)
    # The first armed step ends all sessions, because the password alone had opened them; this one has just shown both.
    if armed.raised_epoch is not None:
        auth.open_session(actor.person_id, epoch=armed.raised_epoch)
    flash(_("Votre téléphone est ajouté.") + _drift_words(armed.drift), "success")
    return _codes_page(armed.recovery_codes)


def _drift_words(drift: Drift) -> str:
    if not drift.steps:
        return ""
    said = (
        _("Son horloge avance d'environ %(seconds)s s sur la nôtre : réglez-la sur l'heure automatique.", seconds=drift.seconds)
        if drift.steps > 0
        else _("Son horloge retarde d'environ %(seconds)s s sur la nôtre : réglez-la sur l'heure automatique.", seconds=drift.seconds)
    )  # fmt: skip
    return f" {said}"


@blueprint.post("/telephone/retirer")
def remove_totp() -> ResponseReturnValue:
    """Take the telephone away."""
    return _remove(None)


# --- passkeys ---


@blueprint.post("/cle")
def begin_passkey() -> ResponseReturnValue:
    """Begin to add a passkey: the next page asks the device for it."""
    fields = FormReader(request.form)
    name = fields.text("name", required=True, maximum=80)
    try:
        fields.check()
        _prove(fields)
        with context.services().unit_of_work(context.now()) as uow:
            token, options = passkeys.begin(uow, actor=context.actor(), instead_of=entering.text(entering.ADDING))
    except Invalid as wrong:
        return _act_page("cle", wrong)
    session[entering.ADDING] = token
    return render_template("second_factor/passkey.html", name=name, options=json.loads(options))


@blueprint.post("/cle/ajouter")
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey that the device made."""
    fields = FormReader(request.form)
    name, answer = fields.text("name", required=True, maximum=80), request.form.get("answer", "")
    actor, token = context.actor(), entering.text(entering.ADDING)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            added = passkeys.add(uow, token, name, answer, actor=actor)
    except Invalid as wrong:
        return refused(PAGE, wrong, **_values())
    session.pop(entering.ADDING, None)
    if added.raised_epoch is not None:
        auth.open_session(actor.person_id, epoch=added.raised_epoch)
    flash(_("La clé d'accès « %(name)s » est ajoutée.", name=name), "success")
    return _codes_page(added.recovery_codes)


@blueprint.post("/cle/<int:passkey_id>/retirer")
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Take a passkey away."""
    return _remove(passkey_id)


def _remove(passkey_id: int | None) -> ResponseReturnValue:
    try:
        _prove(FormReader(request.form))
        with context.services().unit_of_work(context.now()) as uow:
            if passkey_id is None:
                factors.remove_totp(uow, actor=context.actor())
            else:
                factors.remove_passkey(uow, passkey_id, actor=context.actor())
    except Invalid as wrong:
        return _act_page("retirer-telephone" if passkey_id is None else "retirer-cle", wrong, passkey_id)
    flash(
        _("Votre téléphone est retiré.") if passkey_id is None else _("La clé d'accès est retirée."),
        "success",
    )
    return redirect(url_for("second_factor.index"), 303)


# --- recovery codes ---


@blueprint.post("/codes")
def renew_codes() -> ResponseReturnValue:
    """Ten new recovery codes; the earlier ones are worth nothing any more."""
    try:
        _prove(FormReader(request.form))
        with context.services().unit_of_work(context.now()) as uow:
            made = recovery.renew_own(uow, actor=context.actor())
    except Invalid as wrong:
        return _act_page("codes", wrong)
    return _codes_page(made)


def _codes_page(codes: tuple[str, ...]) -> ResponseReturnValue:
    """The page that shows the codes, once; without codes, back to the list."""
    if not codes:
        return redirect(url_for("second_factor.index"), 303)
    return render_template("second_factor/codes.html", codes=codes)


@blueprint.post("/codes/feuille")
def print_codes() -> ResponseReturnValue:
    """The sheet for the sealed envelope: the page that shows the codes sends them back, as the program does not know them."""
    services = context.services()
    address = services.public_url.rstrip("/") + url_for("session.sign_in_form")
    shown_codes = [one[:40] for one in request.form.getlist("code")][:20]
    try:
        with services.reading() as db:
            sheet = recovery.sheet(db, services, shown_codes, actor=context.actor(), address=address, now=context.now())
    except Invalid as gone:
        return refused(PAGE, gone, **_values())
    return send_file(
        BytesIO(sheet.pdf()), mimetype="application/pdf", download_name=sheet.filename, as_attachment=True, max_age=0
    )
