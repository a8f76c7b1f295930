"""Signing in through the identity provider: the way there and back, proving again who one is, and sessions that end there."""

from flask import Blueprint, Response, flash, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from ged.directory import provider
from ged.directory.provider import Came
from ged.errors import GedError, Invalid
from ged.org import accounts
from web.site import auth, context, entering, leaving
from web.site.errors import status_of, view_of
from web.site.paths import next_path, safe_path
from web.views.account.session import sign_in_page
from web.words.messages import gettext as _

blueprint = Blueprint("provider", __name__, url_prefix="/connexion/fournisseur")


@blueprint.post("")
def begin() -> ResponseReturnValue:
    """Leave for the provider, to sign in."""
    target = safe_path(request.form.get("next", "")) or url_for("session.home")
    try:
        return leaving.page(_way(target))
    except GedError as error:
        return sign_in_page(error, form={"next": target})


@blueprint.post("/confirmer")
def prove() -> ResponseReturnValue:
    """Leave for the provider, to prove again who one is before a sensitive act."""
    try:
        return leaving.page(_way(next_path(), proves_session_id=auth.session_id()))
    except GedError as error:
        _say(error)
        return redirect(url_for("session.proof_form", next=next_path()), 303)


def _way(target: str, *, proves_session_id: int | None = None) -> str:
    return provider.begin(
        context.services(), browser=leaving.browser(), target=target, redirect_uri=leaving.redirect_uri(),
        address=request.remote_addr or "", anew=leaving.is_anew(), now=context.now(), proves_session_id=proves_session_id,
    )  # fmt: skip


@blueprint.get("/retour")
def returned() -> ResponseReturnValue:
    """Come back from the provider."""
    if request.args.get("error"):
        # Its text is of the address: it is not shown.
        return _not_in(Invalid("provider.cancelled", "begin again"))
    issuer = request.args.get("iss")
    known = context.services().provider
    try:
        if known is None or (issuer is not None and issuer != known.issuer):  # RFC 9207
            raise Invalid("provider.refused", "sign in again", why="iss")
        came = provider.finish(
            context.services(), state=request.args.get("state", ""), browser=leaving.known_browser(),
            code=request.args.get("code", ""), redirect_uri=leaving.redirect_uri(), address=request.remote_addr or "",
            now=context.now(),
        )  # fmt: skip
    except accounts.NotRecorded as full:
        return _on_full_disk(full)
    except GedError as error:
        return _not_in(error)
    return _proved(came) if came.proves_session_id is not None else _enter(came)


def _enter(came: Came) -> ResponseReturnValue:
    session[auth.PENDING] = came.pending
    if came.asks_more:
        try:
            return entering.begin_second(came.person_id, came.target, epoch=came.epoch)
        except accounts.NotRecorded as full:
            return entering.begin_on_full_disk(full, came.target)
    try:
        auth.open_session(came.person_id, epoch=came.epoch)
    except accounts.NotRecorded as full:
        return _on_full_disk(full, came.target)
    except GedError as error:
        return _not_in(error)
    return entering.welcome(came.target)


def _on_full_disk(full: accounts.NotRecorded, target: str | None = None) -> ResponseReturnValue:
    """The second step is asked for although the provider may have asked for its own: nothing that it said could be stored."""
    if entering.is_half(full.person_id):
        return entering.begin_on_full_disk(full, target)
    auth.open_unrecorded(full)
    return entering.welcome(target)


def _proved(came: Came) -> ResponseReturnValue:
    # In another tab another person may have signed in here: the proof is worth something to the session that asked.
    if not auth.has_row() or context.actor_or_none() is None or auth.session_id() != came.proves_session_id:
        return _not_in(Invalid("provider.over", "begin again"))
    auth.note_proof()
    flash(_("Merci. Envoyez maintenant votre demande de nouveau."), "success")
    return redirect(safe_path(came.target) or url_for("session.home"), 303)


def _not_in(error: GedError) -> ResponseReturnValue:
    """A person who is signed in stays so: another tab may have been quicker."""
    if context.actor_or_none() is not None:
        _say(error)
        return redirect(url_for("session.home"), 303)
    return sign_in_page(error, form={"next": auth.desk_path() or ""})


def _say(error: GedError) -> None:
    view = view_of(error)
    flash(f"{view.message} {view.remedy}", "danger")


@blueprint.post("/fin")
def left() -> ResponseReturnValue:
    """The provider says that sessions ended there (OpenID Connect Back-Channel Logout 1.0, 2.5 and 2.8)."""
    token = request.form.get("logout_token", "")
    try:
        provider.leave(context.services(), token, address=request.remote_addr or "", now=context.now())
    except Invalid as error:
        return _plain_response(400 if error.code != "session.throttled" else 429)
    except GedError as error:
        return _plain_response(status_of(error))
    return _plain_response(200)


def _plain_response(status: int) -> Response:
    return make_response("", status, {"Content-Type": "text/plain; charset=utf-8"})
