"""Secrets of people at rest (of telephones, of sessions at a provider): encrypted under a key that is derived from the installation's secret, for one person alone."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ged.errors import Invalid

NONCE_BYTES = 12


def seal(secret: str, *, key: bytes, person_id: int, what: str = "totp") -> bytes:
    """Encrypt (AES-256-GCM). A row that is copied to another person, or to another use, does not open."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), _whose(person_id, what))


def opened(sealed: bytes, *, key: bytes, person_id: int, what: str = "totp") -> str:
    """The secret.

    Raises:
        Invalid: ``second_step.unreadable``: the installation's secret was changed, or the row is another person's.
    """
    nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, content, _whose(person_id, what)).decode()
    except InvalidTag:
        raise Invalid("second_step.unreadable", "use a recovery code, or have it reset", field="code") from None


def _whose(person_id: int, what: str) -> bytes:
    return f"ged/{what}/{person_id}".encode()
