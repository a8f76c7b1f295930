"""The session: a signed cookie that names a person and the epoch of their sessions, checked at each request.

It ends after 12 hours, after two idle hours, when the account is closed, or when the password changes.
"""

from datetime import datetime, timedelta

from flask import Flask, g, request, session
from sqlalchemy.orm import Session

from ged.errors import NotFound
from ged.org import accounts
from ged.org.actors import load_actor
from ged.org.models import Person
from ged.ports import PersonId
from web import context

LONGEST_SESSION = timedelta(hours=12)
LONGEST_IDLE = timedelta(hours=2)
REFRESH_AFTER = timedelta(minutes=1)
"""The cookie is written again at most this often, not with every thumbnail."""


def install(app: Flask, *, secure: bool) -> None:
    """Set the cookie's rules and find the actor before each request."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-ged" if secure else "ged",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LONGEST_SESSION,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.before_request(_find_actor)


def open_session(person_id: PersonId) -> None:
    """Start a new session; nothing of an earlier one survives."""
    with context.services().reading() as db:
        epoch = accounts.session_epoch(db, person_id)
        session.clear()
        session.permanent = True
        session["person_id"] = int(person_id)
        session["epoch"] = epoch
        session["opened_at"] = session["seen_at"] = context.now().timestamp()
        _load(db, person_id)


def renew_epoch(epoch: int) -> None:
    """Keep this session after an act that ended the person's others."""
    session["epoch"] = epoch


def close_session() -> None:
    """Forget the session."""
    session.clear()
    g.pop("actor", None)


def _find_actor() -> None:
    # A static file needs nobody, and must not carry a cookie.
    if request.endpoint == "static" or "person_id" not in session:
        return
    if not _is_fresh(context.now()):
        g.session_ended = True
        session.clear()
        return
    with context.services().reading() as db:
        # Held here, so that the actor is made of the same row.
        person = db.get(Person, session["person_id"])
        is_same = person is not None and person.is_active and person.session_epoch == session.get("epoch")
        found = is_same and _load(db, PersonId(session["person_id"]))
    if not found:
        g.session_ended = True
        session.clear()


def _is_fresh(now: datetime) -> bool:
    seen_at = session.get("seen_at", 0.0)
    age_s = now.timestamp() - session.get("opened_at", 0.0)
    idle_s = now.timestamp() - seen_at
    if age_s > LONGEST_SESSION.total_seconds() or idle_s > LONGEST_IDLE.total_seconds():
        return False
    if idle_s > REFRESH_AFTER.total_seconds():
        session["seen_at"] = now.timestamp()
    return True


def _load(db: Session, person_id: PersonId) -> bool:
    try:
        g.actor = load_actor(db, person_id, on=context.today())
    except NotFound:
        return False
    return True
