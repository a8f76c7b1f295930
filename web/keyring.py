"""The signing key opened for this browser: one unlock for a session's work, five minutes at most.

The opened key is sealed under a random key that only the browser holds (cookie ``ged_key``); the sealed bytes lie in
``data_dir/run/unlocked``. Neither half opens anything alone. The vault wrote the end of life inside the sealed bytes;
the file's own time only serves the sweeping.
"""

import logging
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, g, request

from ged.errors import GedError, Invalid
from ged.org import certificates, keys
from ged.ports import UnlockedKey
from web import context

_log = logging.getLogger(__name__)
_ID = re.compile(r"[0-9]+-[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class OpenedKey:
    """What ``Signer.sign`` asks for."""

    sealed: bytes
    cookie_key: str
    expires_at: datetime


def install(app: Flask) -> None:
    """Set or clear the browser's half after a request that opened or locked a key."""
    app.after_request(_write_cookie)
    app.jinja_env.globals["key_unlocked_until"] = unlocked_until


def _cookie_name() -> str:
    return "__Host-ged_key" if _is_secure() else "ged_key"


def _is_secure() -> bool:
    return context.settings().public_url.startswith("https://")


def _folder() -> Path:
    folder = Path(context.services().data_dir) / "run" / "unlocked"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def unlock(passphrase: str) -> datetime:
    """Open the actor's key for this browser.

    Returns:
        When it closes by itself.

    Raises:
        NotFound: ``key.none``.
        Invalid: ``key.passphrase_wrong`` (with ``tries_left``), ``key.too_many_tries``, ``key.expired``.
    """
    services, actor, now = context.services(), context.actor(), context.now()
    with services.unit_of_work(now) as uow:
        tries_left = keys.note_try(uow, actor.person_id)
    with services.reading() as session:
        stored = keys.load_key(session, actor.person_id, counted=True)
    try:
        opened = services.vault.unlock(stored, passphrase, now=now)
    except Invalid as refusal:
        if refusal.code != "key.passphrase_wrong":
            raise
        with services.unit_of_work(now) as uow:
            keys.note_refused(uow, actor.person_id, tries_left=tries_left, actor=actor)
        raise Invalid(
            "key.passphrase_wrong", "type the passphrase again", field="passphrase", tries_left=tries_left
        ) from None
    with services.unit_of_work(now) as uow:
        keys.note_unlocked(uow, actor.person_id, actor=actor)
    with services.reading() as session:
        ends_soon = certificates.is_renewable(session, stored.certificate_pem, now=now)
    if ends_soon:
        opened = _renewed(passphrase) or opened
    lock()
    _keep(opened)
    return opened.expires_at


def _renewed(passphrase: str) -> UnlockedKey | None:
    """A new key under the same passphrase; what the old one signed holds. None when it cannot be made: it has time."""
    services, actor, now = context.services(), context.actor(), context.now()
    try:
        with services.unit_of_work(now) as uow:
            stored = keys.issue_key(uow, actor.person_id, passphrase=passphrase, actor=actor)
        return services.vault.unlock(stored, passphrase, now=now)
    except GedError as error:
        _log.warning("key.not_renewed person=%s code=%s", actor.person_id, error.code)
        return None


def _keep(opened: UnlockedKey) -> None:
    sweep()
    name = f"{context.actor().person_id}-{secrets.token_urlsafe(16)}"
    path = _folder() / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(opened.sealed)
    expires_s = opened.expires_at.timestamp()
    os.utime(path, (expires_s, expires_s))
    g.key_cookie = (f"{name}.{opened.cookie_key}", opened.expires_at)
    g.opened_key = OpenedKey(opened.sealed, opened.cookie_key, opened.expires_at)


def unlocked() -> OpenedKey | None:
    """The actor's opened key in this browser, or None when it must be unlocked first."""
    if "opened_key" in g:  # by this very request: the browser has its half only afterwards
        return g.opened_key if isinstance(g.opened_key, OpenedKey) else None
    found = _find()
    if found is None:
        return None
    path, cookie_key = found
    try:
        expires_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        sealed = path.read_bytes()
    except FileNotFoundError:
        return None
    return OpenedKey(sealed, cookie_key, expires_at) if expires_at > context.now() else None


def signing_key(passphrase: str = "") -> OpenedKey:
    """The opened key for what this form signs; a passphrase typed into the same form opens it now.

    Raises:
        Invalid: ``key.locked`` at the field ``passphrase``, and the codes of ``unlock``.
        NotFound: ``key.none``.
    """
    opened = unlocked()
    if opened is None and passphrase:
        unlock(passphrase)
        opened = unlocked()
    if opened is None:
        raise Invalid("key.locked", "type the passphrase, then sign", field="passphrase")
    return opened


def unlocked_until() -> datetime | None:
    """When the opened key closes, or None; for templates (``key_unlocked_until()``)."""
    opened = unlocked()
    return None if opened is None else opened.expires_at


def _find() -> tuple[Path, str] | None:
    name, _, cookie_key = request.cookies.get(_cookie_name(), "").partition(".")
    actor = context.actor_or_none()
    if actor is None or not _ID.fullmatch(name) or not name.startswith(f"{actor.person_id}-"):
        return None
    return _folder() / name, cookie_key


def lock() -> None:
    """Forget the opened key of this browser, both halves."""
    found = _find()
    if found is not None:
        found[0].unlink(missing_ok=True)
    g.pop("opened_key", None)
    if _cookie_name() in request.cookies:
        g.key_cookie = None


def sweep() -> int:
    """Remove sealed keys whose time is over; answers how many."""
    swept = 0
    for path in _folder().iterdir():
        with suppress(FileNotFoundError):  # another process swept it first
            if path.stat().st_mtime <= context.now().timestamp():
                path.unlink()
                swept += 1
    return swept


def _write_cookie(response: Response) -> Response:
    if "key_cookie" not in g:
        return response
    if g.key_cookie is None:
        response.delete_cookie(_cookie_name(), secure=_is_secure(), httponly=True, samesite="Strict")
        return response
    value, expires_at = g.key_cookie
    response.set_cookie(
        _cookie_name(), value, expires=expires_at, secure=_is_secure(), httponly=True, samesite="Strict"
    )
    return response
