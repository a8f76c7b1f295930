"""Signing in and out, the home page, the password, and the unlocking of the signing key."""

from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import checklist
from ged.directory import passwords as directory_passwords
from ged.entry import passkeys
from ged.errors import Forbidden, GedError, Invalid
from ged.org import absence_notices, absences, accounts, keys, notices, passwords, sessions
from ged.org.accounts import words_of
from ged.reports import home as home_page
from ged.reports.home import Fact
from ged.routing import calendar
from ged.signbook import queries as signbook_queries
from ged.slips import queries as slip_queries
from ged.training import tour as tours
from web.site import auth, context, entering, guard, keyring, leaving, tour
from web.site.forms import FormReader
from web.site.pages import render_form
from web.site.paths import next_path, safe_path
from web.words.due import due_words
from web.words.figures import figure_words
from web.words.messages import gettext as _

blueprint = Blueprint("session", __name__)
SLIPS_SHOWN = 10
LEADS_TO = {
    Fact.RECEIVED: "registers.index", Fact.NUMBERED: "registers.index", Fact.TRANSMITTED: "slips.index",
    Fact.WAITING_SCANS: "scans.index", Fact.IMPUTED: "followup.index", Fact.LATE_BELOW: "followup.index", Fact.TO_SIGN: "signbook.index",
    Fact.ASSIGNED: "inbox.index", Fact.DUE_THIS_WEEK: "inbox.index",
}  # fmt: skip
"""The page on which a figure of the day leads on."""


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The home page of the person who signed in."""
    services, actor, today = context.services(), context.actor(), context.today()
    with services.reading() as session:
        mine = home_page.home(session, actor, today=today, zone=services.zone)
        returned = signbook_queries.returned_count(session, actor)
        days = calendar.calendar(session)
        slips = slip_queries.unacknowledged(
            session, hours=services.unacknowledged_hours, now=context.now(), actor=actor, limit=SLIPS_SHOWN + 1
        )
        gone = slip_queries.away_at_receivers(session, [slip.id for slip in slips], on=today)
        absent = [row for row in absences.listing(session, actor, on=today) if row.from_on <= today]
        absence_lines = absence_notices.notices(session, actor)
        unread = notices.unread(session, actor)
        to_set = checklist.left(
            checklist.checklist(session, services, actor, on=today, now=context.now())
        ) if guard.opens(guard.ACCESS["checklist.index"], actor) else 0  # fmt: skip
        is_new = tours.is_due(session, actor.person_id)
        wrong_tries, tried_at = keys.wrong_tries(session, actor.person_id, now=context.now())
    return render_template(
        "session/home.html", told=absence_lines, unread=unread, desk=mine, figures=[(fact, count, figure_words(fact, count), LEADS_TO.get(fact)) for fact, count in mine.figures],
        due={row.assignment_id: due_words(row.due_on, today, days) for row in mine.late}, late_slips=slips[:SLIPS_SHOWN], more_slips=len(slips) > SLIPS_SHOWN,
        hours=services.unacknowledged_hours, away=gone, absent=absent,
        wrong_tries=wrong_tries, tried_at=tried_at, returned=returned, to_set=to_set,
        tour_steps=tour.steps(actor) if is_new or "visite" in request.args else [],
    )  # fmt: skip


@blueprint.get("/connexion")
def sign_in_form() -> ResponseReturnValue:
    """The sign-in page; a person already signed in is redirected."""
    if context.actor_or_none() is not None:
        return redirect(next_path(), 303)
    target = safe_path(request.args.get("next")) or auth.desk_path()
    return sign_in_page(form={"next": target or ""}, ended="fin" in request.args)


def sign_in_page(error: GedError | None = None, *, ended: bool = False, **values: Any) -> ResponseReturnValue:
    """The sign-in page, with the ways that this installation has."""
    found = context.services()
    ways: dict[str, Any] = {
        "has_passkeys": has_passkeys(), "has_directory": found.directory is not None, "provider": found.provider,
        "only_glass": not found.own_passwords and found.directory is None,
    }  # fmt: skip
    if isinstance(error, Invalid):
        return refused("session/sign_in.html", error, ended=ended, **ways, **values)
    return render_form("session/sign_in.html", error=error, ended=ended, **ways, **values)


def has_passkeys() -> bool:
    """Whether browsers can make passkeys for this site's address."""
    return passkeys.party(context.services().public_url) is not None


@blueprint.post("/connexion")
def sign_in() -> ResponseReturnValue:
    """Check account and password, open a session."""
    fields = FormReader(request.form)
    account, password = fields.text("account", required=True, maximum=64), fields.secret("password")
    try:
        fields.check()
        caller = auth.caller(account)
        with context.services().reading() as db:
            epoch = sessions.epoch_of_account(db, account)
        person_id = directory_passwords.sign_in(context.services(), account, password, caller=caller, now=context.now())
        if entering.is_half(person_id):
            return entering.begin_second(person_id, fields.text("next"), epoch=epoch)
        return entering.enter(person_id, by_password=True, epoch=epoch)
    except Invalid as error:
        return sign_in_page(error)
    except accounts.NotRecorded as full:
        if entering.is_half(full.person_id):
            return entering.begin_on_full_disk(full, fields.text("next"))
        auth.open_unrecorded(full)
    return entering.welcome()


@blueprint.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    """Close the session and forget the opened key."""
    actor, way_out = context.actor_or_none(), ""
    if actor is not None:
        way_out = leaving.way_out()
        # Before the session is closed: the server's half is found by who is signed in, and would stay there.
        keyring.lock()
        auth.close_session()
        flash(_("Vous êtes déconnecté."), "success")
    return _gone(way_out)


@blueprint.post("/changer-de-personne")
def change_person() -> ResponseReturnValue:
    """Give the place at a shared desk to another person, who comes back to the same page if it is theirs too."""
    way_out = ""
    if context.actor_or_none() is not None:
        way_out = leaving.way_out()
        keyring.lock()
        auth.leave_desk(request.form.get("next"))
        leaving.ask_anew()
    return _gone(way_out)


def _gone(way_out: str) -> ResponseReturnValue:
    answer = leaving.page(way_out) if way_out else make_response(redirect(url_for("session.sign_in_form"), 303))
    # Not "cookies": the device stays known, and the cookie of the ended session is worthless.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def refused(template: str, error: Invalid, **values: Any) -> ResponseReturnValue:
    """A refused form; where attempts are slowed, with the seconds to wait for programs too."""
    if error.code != "session.throttled":
        return render_form(template, error=error, **values)
    page = make_response(render_form(template, error=error, status=429, **values))
    page.headers["Retry-After"] = str(error.params["seconds"])
    return page


@blueprint.get("/mon-compte/mot-de-passe")
def password_form() -> ResponseReturnValue:
    """The form to change one's password."""
    _require_own_password()
    return render_form("session/password.html", given=g.password_is_given)


@blueprint.post("/mon-compte/mot-de-passe")
def change_password() -> ResponseReturnValue:
    """Set a new password; the person's other sessions end."""
    _require_own_password()
    fields = FormReader(request.form)
    current, new, again = (fields.secret(name) for name in ("current_password", "password", "password_again"))
    services, actor = context.services(), context.actor()
    try:
        fields.check()
        if new != again:
            raise Invalid("password.differs", "type it twice", field="password_again")
        with services.reading() as session:
            epoch = sessions.epoch_of(session, actor.person_id)
        accounts.check_password(services, actor.person_id, current, now=context.now())
        if new == current:
            raise Invalid("password.same", "choose another", field="password")
        with services.reading() as session:
            words = words_of(session, actor.person_id)
        passwords.refuse_guessable(new, *words)
        # Before the transaction: argon2id is slow on purpose, and on SQLite all other writers would wait for it.
        password_hash = passwords.hash_password(new)
        with services.unit_of_work(context.now()) as uow:
            opened = accounts.set_password(uow, actor.person_id, password_hash, actor=actor, epoch=epoch)
            sessions.end_all(uow, actor.person_id, actor=actor)
    except Invalid as error:
        return refused("session/password.html", error, given=g.password_is_given)
    # This session has ended with the others: a copy of its cookie in other hands is worth nothing from here on.
    auth.open_session(actor.person_id, epoch=opened)
    flash(_("Votre mot de passe est changé. Vos autres sessions sont fermées."), "success")
    return redirect(url_for("session.home"), 303)


def _require_own_password() -> None:
    """Refuse to change a password that opens nothing: the directory's is changed there."""
    if not auth.has_own_password():
        raise Forbidden("password.of_directory", "change it in the directory")


@blueprint.get("/mon-compte/confirmer")
def proof_form() -> ResponseReturnValue:
    """The page that asks for the password again before a sensitive act."""
    return _proof_page(form={"next": safe_path(request.args.get("next")) or ""})


def _proof_page(**values: Any) -> ResponseReturnValue:
    return render_form(
        "session/proof.html", by_provider=leaving.by_provider(), provider=context.services().provider, **values
    )


@blueprint.post("/mon-compte/confirmer")
def prove() -> ResponseReturnValue:
    """Check the password, then go back to the act."""
    fields = FormReader(request.form)
    current = fields.secret("current_password")
    try:
        fields.check()
        directory_passwords.check(context.services(), context.actor().person_id, current, now=context.now())
    except Invalid as error:
        return refused(
            "session/proof.html", error, by_provider=leaving.by_provider(), provider=context.services().provider
        )
    auth.note_proof()
    flash(_("Merci. Envoyez maintenant votre demande de nouveau."), "success")
    return redirect(next_path(), 303)


@blueprint.get("/mon-compte/sessions")
def own_sessions() -> ResponseReturnValue:
    """The person's open sessions."""
    with context.services().reading() as session:
        rows = sessions.listing(session, context.actor(), now=context.now())
    return render_template("session/sessions.html", rows=rows, here=auth.session_id(), everybody=False)


@blueprint.post("/mon-compte/sessions/<int:row_id>/fin")
def end_own(row_id: int) -> ResponseReturnValue:
    """End one of the person's sessions."""
    auth.require_recent_proof()
    with context.services().unit_of_work(context.now()) as uow:
        sessions.end_own(uow, row_id, actor=context.actor())
    flash(_("La session est fermée."), "success")
    return redirect(url_for("session.own_sessions"), 303)


@blueprint.post("/mon-compte/sessions/autres")
def end_others() -> ResponseReturnValue:
    """End all sessions of the person but this one."""
    auth.require_recent_proof()
    actor = context.actor()
    with context.services().unit_of_work(context.now()) as uow:
        sessions.end_all(uow, actor.person_id, actor=actor, keep=auth.session_id())
    flash(_("Vos autres sessions sont fermées."), "success")
    return redirect(url_for("session.own_sessions"), 303)


@blueprint.get("/administration/sessions")
def all_sessions() -> ResponseReturnValue:
    """Who is signed in, for the administrator."""
    with context.services().reading() as session:
        rows = sessions.listing(session, context.actor(), everybody=True, now=context.now())
    return render_template("session/sessions.html", rows=rows, here=auth.session_id(), everybody=True)


@blueprint.post("/administration/sessions/<int:row_id>/fin")
def end_any(row_id: int) -> ResponseReturnValue:
    """End anybody's session."""
    auth.require_recent_proof()
    with context.services().unit_of_work(context.now()) as uow:
        sessions.end(uow, row_id, actor=context.actor())
    flash(_("La session est fermée."), "success")
    return redirect(url_for("session.all_sessions"), 303)


@blueprint.get("/cle/deverrouiller")
def unlock_key_form() -> ResponseReturnValue:
    """The page that asks for the passphrase, for acts whose form does not ask for it."""
    return render_form("session/unlock_key.html", form={"next": safe_path(request.args.get("next")) or ""})


@blueprint.post("/cle/deverrouiller")
def unlock_key() -> ResponseReturnValue:
    """Open the signing key for five minutes, then go back to the previous page."""
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
    """Close the opened key early."""
    keyring.lock()
    flash(_("Votre clé de signature est verrouillée."), "success")
    return redirect(next_path(), 303)
