"""Authentication: the session of the cookie, checked at each request, and the password check before some acts.

The cookie is signed and holds a random text; the session itself is a row (``ged.org.sessions``). It ends after 12
hours, after two idle hours, at sign-out, when its owner or an administrator ends it, when the account is closed or
when the password changes. If a full disk refuses the row, an administrator gets in without one (``open_unrecorded``). A
second cookie identifies a device that has opened an account before (``ged.org.accounts``).
"""

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, flash, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from ged.codes import derive_secret
from ged.directory import links, provider
from ged.entry import factors
from ged.errors import DiskFull, Forbidden, Invalid
from ged.exceptional.reading import reads
from ged.org import accounts, sessions
from ged.org.sessions import LONGEST_SESSION
from ged.ports import PersonId
from ged.unit import ReadSession
from web.site import by_exception, context
from web.site.paths import safe_path
from web.words.messages import gettext

_log = logging.getLogger(__name__)

PROOF_LASTS = timedelta(minutes=15)
DEVICE_KEPT = timedelta(days=180)
ACCOUNTS_OF_A_DEVICE = 8
"""Several people share an office PC; beyond this number the least recent account is forgotten."""
OPEN_WHILE_PASSWORD_IS_GIVEN = frozenset(
    {"static", "session.password_form", "session.change_password", "session.sign_out", "health.show"}
)


OPEN_WHILE_UNARMED = OPEN_WHILE_PASSWORD_IS_GIVEN | {
    "second_factor.index", "second_factor.act_form", "second_factor.begin_totp", "second_factor.totp_form", "second_factor.arm_totp",
    "second_factor.begin_passkey", "second_factor.add_passkey", "second_factor.print_codes", "language.switch",
}  # fmt: skip
PENDING = "provider"
"""The text under which a provider's word waits for the session (``ged.directory.provider``)."""
CAME_FOR = "came_for"
"""The path at which one person gave their place to another: see ``leave_desk``."""
UNRECORDED = "unrecorded"
UNRECORDED_LASTS = timedelta(minutes=15)
NOT_THEIRS = frozenset({403, 404, 405})
OPEN_WHILE_UNRECORDED = frozenset(
    {
        "session.sign_in", "session.sign_out", "second_step.code", "second_step.recovery", "second_step.ask_passkey",
        "second_step.passkey", "second_step.ask_alone", "second_step.passkey_alone",
    }
)  # fmt: skip


class ProofNeeded(Forbidden):
    """The person must enter their password again; the password page then leads back."""


def install(app: Flask, *, secure: bool) -> None:
    """Set the cookies' attributes, and find the actor before each request."""
    app.config.update(
        # RFC 6265bis, 4.1.3.2: no subdomain and no page by http can set a cookie of this prefix. Without Secure,
        # browsers refuse it: so it is for https alone.
        SESSION_COOKIE_NAME="__Host-ged" if secure else "ged",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        # Not Strict: links in our e-mails and the way back from the identity provider come from another site.
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LONGEST_SESSION,
        # The session's row sets the end. Renewed with each response, the cookie would outlive it.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.before_request(_find_actor)
    app.before_request(_ask_for_an_own_password)
    app.before_request(_ask_to_arm)
    # After _find_actor, which alone knows that the session has no row.
    app.before_request(_refuse_writing)
    app.after_request(_write_device)
    app.after_request(_lead_home)
    app.register_error_handler(ProofNeeded, _ask_for_proof)
    app.jinja_env.globals["has_own_password"] = has_own_password


# --- the session ---


def open_session(person_id: PersonId, *, by_password: bool = False, epoch: int) -> None:
    """Start a new session; an earlier session is discarded.

    Args:
        by_password: the password alone opens it.
        epoch: as for ``ged.org.sessions.open_session``.

    Raises:
        Invalid: ``second_step.over``: ``by_password``, and a second step was armed meanwhile; ``session.refused``: the password or the
            account was changed since ``epoch`` was read.
        NotRecorded: the database's disk is full.
    """
    device = request.headers.get("User-Agent", "")
    services, pending, came_for = context.services(), str(session.get(PENDING, "")), session.get(CAME_FOR)
    with accounts.told_when_full(person_id, epoch), services.unit_of_work(context.now()) as uow:
        token = sessions.open_session(
            uow, person_id, address=request.remote_addr or "", device=device, instead_of=str(session.get("sid", "")),
            epoch=epoch,
        )  # fmt: skip
        # The epoch was read before: what is armed from here on ends this session too.
        if by_password and factors.is_armed(uow.session, int(person_id)):
            raise Invalid("second_step.over", "begin again")
        if pending:
            provider.follow(uow, pending, token, int(person_id))
    # After the commit: where the disk refuses the row, the session before is still there.
    session.clear()
    session.permanent = True
    session["sid"] = token
    if came_for is not None:
        session[CAME_FOR] = came_for
    g.is_unrecorded = False  # signed in again, now with disk space
    with services.reading() as db:
        if _load(db, token):
            return
    session.clear()
    raise Invalid("session.refused", "type the new password", reason="changed meanwhile")


def open_unrecorded(refused: accounts.NotRecorded) -> None:
    """Let an administrator sign in for a few minutes although a full disk refuses the session's row, to find the cause.

    The cookie holds the person, its expiry, and the epoch, which a new password changes. Such a session can only read,
    sign in and sign out. It never becomes an ordinary session: without a row, a copy of the cookie could not be
    revoked. Once there is space, the administrator signs in again.

    Raises:
        NotRecorded: the person is no administrator, must arm a second step first, or has had another password since the check.
    """
    with context.services().reading() as db:
        person_id, until = int(refused.person_id), _stamp(context.now() + UNRECORDED_LASTS)
        unrecorded = {"person": person_id, "epoch": refused.epoch, "until": until}
        # Nothing can be armed without a row either.
        must_arm = factors.must_arm(db, context.services(), person_id, on=context.today())
        is_let_in = not must_arm and _load_unrecorded(db, unrecorded)
    if not is_let_in:
        raise refused
    _log.warning("session.opened_unrecorded person=%s address=%s", unrecorded["person"], request.remote_addr)
    session.clear()
    session.permanent = True
    session[UNRECORDED] = unrecorded


def _load_unrecorded(db: ReadSession, unrecorded: Mapping[str, Any]) -> bool:
    if _stamp(context.now()) >= unrecorded["until"]:
        return False
    actor = sessions.administrator_without_row(
        db, int(unrecorded["person"]), epoch=unrecorded["epoch"], on=context.today()
    )
    if actor is None:
        return False
    g.actor, g.is_unrecorded, g.session_id = actor, True, 0
    # Never recent: no act that asks for the password again can be done from here.
    g.session_proved_at = context.now() - 2 * PROOF_LASTS
    g.password_is_given = g.must_arm = False
    return True


def _stamp(moment: datetime) -> int:
    return int(moment.timestamp())


def _refuse_writing() -> None:
    if (
        g.get("is_unrecorded")
        and request.method not in by_exception.READING
        and request.endpoint not in OPEN_WHILE_UNRECORDED
    ):
        raise DiskFull("disk.full", "free space on the database's disk, then send again", retryable=True)


def close_session() -> None:
    """End the session of this request."""
    if "session_id" in g and not g.get("is_unrecorded"):
        with context.services().unit_of_work(context.now()) as uow:
            sessions.end_this(uow, g.session_id, actor=context.actor())
    session.clear()
    g.pop("actor", None)


def leave_desk(target: str | None) -> None:
    """End this session for the next person at the desk, who comes back to the same path if they may see it.

    The path alone: what the first person typed may stand in the rest of an address (the words of a search).
    """
    close_session()
    path = safe_path((target or "").partition("?")[0].partition("#")[0])
    if path is not None:
        session[CAME_FOR] = path


def desk_path() -> str | None:
    """The path at which the person before gave their place."""
    return safe_path(session.get(CAME_FOR))


def _lead_home(response: Response) -> Response:
    """The next person at a desk may not see the page of the one before: home, with no word of what it is."""
    if CAME_FOR not in session or "actor" not in g or request.endpoint == "static" or request.method != "GET":
        return response
    path = session.pop(CAME_FOR)
    if path != request.path or response.status_code not in NOT_THEIRS:
        return response
    flash(gettext("La page ouverte avant vous n'est pas à vous : voici votre accueil."), "info")
    return make_response(redirect(url_for("session.home"), 303))


def has_row() -> bool:
    """Whether this request's session is a row: not while a full disk refuses it."""
    return "session_id" in g and not g.get("is_unrecorded")


def session_id() -> int:
    """The id of this request's session row."""
    return int(g.session_id)


def _find_actor() -> None:
    # A static file needs no actor, and its response must not set a cookie.
    if request.endpoint == "static" or not {"sid", UNRECORDED} & session.keys():
        return
    if UNRECORDED in session:
        _find_unrecorded()
        return
    with context.services().reading() as db:
        found = _load(db, str(session["sid"]))
    if not found:
        g.session_ended = True
        session.clear()
    # Now and then: else each page that is only read would wait for a commit.
    elif context.now() - g.session_seen_at > sessions.SEEN_EVERY:
        sessions.touch(context.services(), g.session_id, now=context.now())


def _find_unrecorded() -> None:
    with context.services().reading() as db:
        found = _load_unrecorded(db, session[UNRECORDED])
    if not found:
        g.session_ended = True
        session.clear()


def _load(db: ReadSession, token: str) -> bool:
    here = sessions.find(db, token, now=context.now(), on=context.today())
    if here is None:
        return False
    is_reading = by_exception.counts(request.method, request.endpoint)
    g.actor = reads(here.actor, here.excepted_until, on=context.today()) if is_reading else here.actor
    g.session_id, g.session_seen_at, g.session_proved_at = here.session_id, here.seen_at, here.proved_at
    g.password_is_given = here.password_is_given
    lacks = factors.lacks(db, context.services(), here.actor)
    g.must_arm = lacks and not provider.second_done(db, here.session_id)
    return True


# --- what must be proved ---


def _ask_for_an_own_password() -> ResponseReturnValue | None:
    if not g.get("password_is_given") or request.endpoint in OPEN_WHILE_PASSWORD_IS_GIVEN:
        return None
    target = url_for("session.password_form")
    # htmx would follow a 303 by itself, and put the whole page into the part that it replaces.
    return ("", 204, {"HX-Redirect": target}) if "HX-Request" in request.headers else redirect(target, 303)


def _ask_to_arm() -> ResponseReturnValue | None:
    if not g.get("must_arm") or request.endpoint in OPEN_WHILE_UNARMED:
        return None
    target = url_for("second_factor.index")
    return ("", 204, {"HX-Redirect": target}) if "HX-Request" in request.headers else redirect(target, 303)


def require_recent_proof() -> None:
    """Require a recent password check, before acts that a thief of an open session would do first.

    Raises:
        ProofNeeded: ``proof.needed``: the last proof is older than ``PROOF_LASTS``.
    """
    if not is_just_proved():
        raise ProofNeeded("proof.needed", "type the password, then repeat the act")


def is_just_proved() -> bool:
    """Whether the person of this session entered their password a moment ago."""
    return bool(context.now() - g.session_proved_at <= PROOF_LASTS)


def has_own_password() -> bool:
    """Whether a password here opens the account of this session: else it is the directory's, and is changed there."""
    services = context.services()
    if services.directory is None and services.provider is None:
        return True
    with services.reading() as db:
        return links.has_own_password(db, services, int(context.actor().person_id))


def note_proof() -> None:
    """Record that the person of this session has just entered their password."""
    with context.services().unit_of_work(context.now()) as uow:
        sessions.prove(uow, g.session_id)


def _ask_for_proof(error: ProofNeeded) -> ResponseReturnValue:  # noqa: ARG001  # Flask hands it over
    came_from = urlsplit(request.referrer or "").path
    return redirect(url_for("session.proof_form", next=safe_path(came_from)), 303)


# --- known devices ---


def caller(account: str) -> accounts.Caller:
    """The origin of this sign-in; a device is known for the accounts that it has opened."""
    name, known = _device()
    return accounts.Caller(request.remote_addr or "", name if accounts.as_stored(account) in known else "")


def remember_device(account: str) -> None:
    """Remember that this browser opened the account: failures elsewhere no longer slow its owner."""
    name, known = _device()
    kept = [account, *(one for one in known if one != account)][:ACCOUNTS_OF_A_DEVICE]
    g.device_cookie = _signer().dumps([name or secrets.token_urlsafe(16), kept])


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(derive_secret(context.settings().secret.get_secret_value(), "device-cookie"))


def _device_cookie() -> str:
    return "__Host-ged_device" if _is_secure() else "ged_device"


def _is_secure() -> bool:
    return context.settings().public_url.startswith("https://")


def _device() -> tuple[str, list[str]]:
    try:
        name, known = _signer().loads(
            request.cookies.get(_device_cookie(), ""), max_age=int(DEVICE_KEPT.total_seconds())
        )
    except BadSignature:
        return "", []
    return str(name), [str(one) for one in known]


def _write_device(response: Response) -> Response:
    if "device_cookie" in g:
        response.set_cookie(
            _device_cookie(),
            g.device_cookie,
            max_age=DEVICE_KEPT,
            secure=_is_secure(),
            httponly=True,
            # Read only where the sign-in form is sent, which never comes from another site.
            samesite="Strict",
        )
    return response
