"""Signing in and out, the home page, the password, and the unlocking of the signing key."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ged.errors import GedError, Invalid
from ged.org import absence_notices, absences, accounts, notices
from ged.routing import queries as routing_queries
from ged.routing.queries import InboxView
from ged.slips import queries as slip_queries
from web import auth, away, context, keyring
from web.forms import FormReader
from web.pages import render_form
from web.paths import next_path, safe_path

blueprint = Blueprint("session", __name__)
SLIPS_SHOWN = 10


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The tasks of the person who signed in."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        late = routing_queries.inbox_count(session, actor, today=context.today(), view=InboxView.LATE)
        slips = slip_queries.unacknowledged(
            session, hours=services.unacknowledged_hours, now=context.now(), actor=actor, limit=SLIPS_SHOWN + 1
        )
        gone = away.at_receivers(session, [slip.id for slip in slips], on=context.today())
        absent = [row for row in absences.listing(session, actor, on=context.today()) if row.from_on <= context.today()]
        told = absence_notices.notices(session, actor)
        unread = notices.unread(session, actor)
    return render_template(
        "session/home.html", told=told, unread=unread, late=late, late_slips=slips[:SLIPS_SHOWN], more_slips=len(slips) > SLIPS_SHOWN,
        hours=services.unacknowledged_hours, away=gone, absent=absent,
    )  # fmt: skip


@blueprint.get("/connexion")
def sign_in_form() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in goes on."""
    if context.actor_or_none() is not None:
        return redirect(next_path(), 303)
    target = safe_path(request.args.get("next"))
    return render_form("session/sign_in.html", form={"next": target or ""}, ended="fin" in request.args)


@blueprint.post("/connexion")
def sign_in() -> ResponseReturnValue:
    """Check account and password, open a session."""
    fields = FormReader(request.form)
    account, password = fields.text("account", required=True, maximum=64), fields.secret("password")
    try:
        fields.check()
        person_id = accounts.sign_in(
            context.services(), account, password, address=request.remote_addr or "", now=context.now()
        )
    except Invalid as error:
        status = 429 if error.code == "session.throttled" else 422
        return render_form("session/sign_in.html", error=error, status=status, ended=False)
    auth.open_session(person_id)
    return redirect(next_path(), 303)


@blueprint.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    """Close the session and forget the opened key."""
    actor = context.actor_or_none()
    if actor is not None:
        keyring.lock()
        with context.services().unit_of_work(context.now()) as uow:
            accounts.sign_out(uow, actor=actor)
        auth.close_session()
        flash(_("Vous êtes déconnecté."), "success")
    return redirect(url_for("session.sign_in_form"), 303)


@blueprint.get("/mon-compte/mot-de-passe")
def password_form() -> ResponseReturnValue:
    """The form to change one's password."""
    return render_form("session/password.html")


@blueprint.post("/mon-compte/mot-de-passe")
def change_password() -> ResponseReturnValue:
    """Set a new password; the person's other sessions end."""
    fields = FormReader(request.form)
    current, new, again = (fields.secret(name) for name in ("current_password", "password", "password_again"))
    services, actor = context.services(), context.actor()
    try:
        fields.check()
        if new != again:
            raise Invalid("password.differs", "type it twice", field="password_again")
        accounts.check_password(services, actor.person_id, current)
        password_hash = accounts.hash_password(new)
    except Invalid as error:
        return render_form("session/password.html", error=error)
    with services.unit_of_work(context.now()) as uow:
        epoch = accounts.set_password(uow, actor.person_id, password_hash, actor=actor)
    auth.renew_epoch(epoch)
    flash(_("Votre mot de passe est changé. Vos autres sessions sont fermées."), "success")
    return redirect(url_for("session.home"), 303)


@blueprint.get("/cle/deverrouiller")
def unlock_key_form() -> ResponseReturnValue:
    """The page that asks for the passphrase, for whoever comes without a form of their own."""
    return render_form("session/unlock_key.html", form={"next": safe_path(request.args.get("next")) or ""})


@blueprint.post("/cle/deverrouiller")
def unlock_key() -> ResponseReturnValue:
    """Open the signing key for five minutes, then go back to where it was asked for."""
    fields = FormReader(request.form)
    passphrase = fields.secret("passphrase")
    try:
        fields.check()
        keyring.unlock(passphrase)
    except GedError as error:
        return render_form("session/unlock_key.html", error=error)
    flash(_("Votre clé de signature est déverrouillée pour cinq minutes."), "success")
    return redirect(next_path(), 303)


@blueprint.post("/cle/verrouiller")
def lock_key() -> ResponseReturnValue:
    """Forget the opened key before its time."""
    keyring.lock()
    flash(_("Votre clé de signature est verrouillée."), "success")
    return redirect(next_path(), 303)
