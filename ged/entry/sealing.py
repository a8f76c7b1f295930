"""Secrets of telephones at rest: encrypted under a key that is derived from the installation's secret, for one person alone."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ged.errors import Invalid

NONCE_BYTES = 12


def seal(secret: str, *, key: bytes, person_id: int) -> bytes:
    """Encrypt (AES-256-GCM). A row that is copied to another person does not open."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), _whose(person_id))


def opened(sealed: bytes, *, key: bytes, person_id: int) -> str:
    """The secret.

    Raises:
        Invalid: ``second_step.unreadable``: the installation's secret was changed, or the row is another person's.
    """
    nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, content, _whose(person_id)).decode()
    except InvalidTag:
        raise Invalid("second_step.unreadable", "use a recovery code, or have it reset", field="code") from None


def _whose(person_id: int) -> bytes:
    return f"ged/totp/{person_id}".encode()
