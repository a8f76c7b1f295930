"""The signing key opened for this browser: unlocked once, for at most five minutes.

The opened key is encrypted with a random key that only the browser holds (cookie ``ged_key``); the encrypted bytes are
stored in ``data_dir/run/unlocked``. Neither half is of use alone. The encrypted bytes contain their expiry; the file's
time is only for the sweep. Each signature checks that the key was not revoked or replaced meanwhile.
"""

import logging
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, g, request

from ged.errors import EngineFailed, GedError, Invalid
from ged.org import certificates, keys
from ged.ports import StoredKey, UnlockedKey
from web.site import context

_log = logging.getLogger(__name__)
_ID = re.compile(r"([0-9]+)-([0-9]+)-[A-Za-z0-9_-]{22}")
"""Id of the person, id of the key, random text."""


@dataclass(frozen=True)
class OpenedKey:
    """The two halves of an opened key, for ``Signer.sign``.

    Attributes:
        key_id: id of the key's row.
    """

    key_id: int
    cookie_key: str = field(repr=False)
    expires_at: datetime
    bytes_: bytes = field(repr=False)

    @property
    def sealed(self) -> bytes:
        """The encrypted key, for one signature.

        Raises:
            Invalid: ``key.locked``: the key was revoked or replaced since it was opened.
        """
        if not _lives(self.key_id):
            raise Invalid("key.locked", "type the passphrase again", field="passphrase")
        return self.bytes_


def install(app: Flask) -> None:
    """Set or clear the browser's half after a request that opened or locked a key."""
    app.after_request(_write_cookie)
    app.jinja_env.globals["key_unlocked_until"] = unlocked_until
    app.jinja_env.globals["key_wants_pin"] = wants_pin
    app.jinja_env.globals["key_is_missing"] = is_missing


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
        When the key expires.

    Raises:
        NotFound: ``key.none``.
        Invalid: ``key.passphrase_wrong`` (with ``tries_left``), ``key.too_many_tries``, ``key.expired``;
            ``key.token_locked``, ``key.token_last_try``.
        EngineFailed: ``key.unreachable``: the token is unplugged; no attempt is counted.
    """
    services, actor, now = context.services(), context.actor(), context.now()
    for attempt in services.attempts(now):
        # Counted and committed before it is tried: tries at the same moment would all see the count of before.
        with attempt as uow:
            tries_left = keys.note_try(uow, actor.person_id)
    with services.reading() as session:
        stored = keys.load_key(session, actor.person_id)
    try:
        opened = services.vault.unlock(stored, passphrase, now=now)
    except EngineFailed:
        for attempt in services.attempts(now):
            with attempt as uow:
                keys.take_back_try(uow, actor.person_id)
        raise
    except Invalid as refusal:
        if refusal.code != "key.passphrase_wrong":
            raise
        for attempt in services.attempts(now):
            with attempt as uow:
                keys.note_refused(uow, actor.person_id, tries_left=tries_left, actor=actor)
        raise Invalid(
            "key.passphrase_wrong", "type the passphrase again", field="passphrase", tries_left=tries_left
        ) from None
    for attempt in services.attempts(now):
        with attempt as uow:
            keys.note_unlocked(uow, actor.person_id, actor=actor)
    with services.reading() as session:
        ends_soon = certificates.is_renewable(session, stored.certificate_pem, now=now)
    if ends_soon:
        stored, opened = _renewed(stored, passphrase) or (stored, opened)
    lock()
    _keep(stored, opened)
    return opened.expires_at


def _renewed(old: StoredKey, passphrase: str) -> tuple[StoredKey, UnlockedKey] | None:
    """Renew: a new key with the same passphrase, or a new certificate for the key in the token. Earlier signatures stay
    valid. None when this is impossible now: there is time. If a passphrase protects the authority, ``ged pki renewals``
    renews the certificate."""
    services, actor, now = context.services(), context.actor(), context.now()
    if not services.vault.can_certify:
        with services.unit_of_work(now) as uow:
            keys.ask_renewal(uow, actor.person_id, actor=actor)
        return None
    try:
        for attempt in services.attempts(now):
            with attempt as uow:
                if old.is_in_token:
                    stored = keys.renew_in_token(uow, actor.person_id, old, passphrase, actor=actor)
                else:
                    stored = keys.issue_key(uow, actor.person_id, passphrase=passphrase, actor=actor)
        return stored, services.vault.unlock(stored, passphrase, now=now)
    except GedError as error:
        _log.warning("key.not_renewed person=%s code=%s", actor.person_id, error.code)
        return None


def _lives(key_id: int) -> bool:
    with context.services().reading() as session:
        return keys.is_live(session, key_id)


def _keep(stored: StoredKey, opened: UnlockedKey) -> None:
    sweep()
    person_id = context.actor().person_id
    with context.services().reading() as session:
        key_id = keys.key_id(session, person_id, stored)
    name = f"{person_id}-{key_id}-{secrets.token_urlsafe(16)}"
    path = _folder() / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(opened.sealed)
    expires_s = opened.expires_at.timestamp()
    os.utime(path, (expires_s, expires_s))
    g.key_cookie = (f"{name}.{opened.cookie_key}", opened.expires_at)
    g.opened_key = OpenedKey(key_id, opened.cookie_key, opened.expires_at, opened.sealed)


def unlocked() -> OpenedKey | None:
    """The actor's opened key in this browser; None when it must be unlocked first."""
    opened = _opened()
    return opened if opened is not None and opened.expires_at > context.now() and _lives(opened.key_id) else None


def _opened() -> OpenedKey | None:
    if "opened_key" in g:  # opened by this request: the browser does not have its half yet
        return g.opened_key if isinstance(g.opened_key, OpenedKey) else None
    found = _find()
    if found is None:
        return None
    path, key_id, cookie_key = found
    try:
        expires_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return OpenedKey(key_id, cookie_key, expires_at, path.read_bytes())
    except FileNotFoundError:
        return None


def signing_key(passphrase: str = "") -> OpenedKey:
    """The opened key for this form's signature; a passphrase typed into the form opens it now.

    Raises:
        Invalid: ``key.locked`` at the field ``passphrase``, and the codes of ``unlock``.
        NotFound: ``key.none``.
    """
    opened = unlocked()
    # Not where it is open already: a form that is sent twice counts no try.
    if opened is None and passphrase:
        unlock(passphrase)
        opened = unlocked()
    if opened is None:
        with context.services().reading() as session:
            keys.load_key(session, context.actor().person_id)  # who has no key has no passphrase to type
        raise Invalid("key.locked", "type the passphrase, then sign", field="passphrase")
    return opened


def unlocked_until() -> datetime | None:
    """When the opened key expires, or None; for templates (``key_unlocked_until()``)."""
    opened = unlocked()
    return None if opened is None else opened.expires_at


def wants_pin() -> bool:
    """Whether the actor's key is in a token; for templates (``key_wants_pin()``)."""
    with context.services().reading() as session:
        return keys.is_in_token(session, context.actor().person_id)


def is_missing() -> bool:
    """Whether the actor has no key that could sign; for templates (``key_is_missing()``)."""
    if unlocked() is not None:
        return False
    if "has_key" not in g:  # a page asks above its form and inside it
        with context.services().reading() as session:
            g.has_key = keys.has_key(session, context.actor().person_id)
    return not g.has_key


def _find() -> tuple[Path, int, str] | None:
    name, _, cookie_key = request.cookies.get(_cookie_name(), "").partition(".")
    actor, parts = context.actor_or_none(), _ID.fullmatch(name)
    if actor is None or parts is None or int(parts[1]) != actor.person_id:
        return None
    return _folder() / name, int(parts[2]), cookie_key


def lock() -> None:
    """Delete both halves of this browser's opened key."""
    found = _find()
    if found is not None:
        found[0].unlink(missing_ok=True)
    g.pop("opened_key", None)
    if _cookie_name() in request.cookies:
        g.key_cookie = None


def sweep() -> int:
    """Delete expired encrypted keys; returns how many."""
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
        # With all its attributes: browsers ignore a Set-Cookie of a __Host- name without Secure, so the cookie would
        # stay.
        response.delete_cookie(_cookie_name(), secure=_is_secure(), httponly=True, samesite="Strict")
        return response
    value, expires_at = g.key_cookie
    response.set_cookie(
        _cookie_name(), value, expires=expires_at, secure=_is_secure(), httponly=True, samesite="Strict"
    )
    return response
