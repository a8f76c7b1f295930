"""Derivation of passwords and keys from the server's secret and a person's passphrase."""

import base64
import hashlib
import hmac
import os
import struct
import unicodedata
from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_HEADER = struct.Struct(">BBIB")
_VERSION = 1
_SALT_BYTES = 16


@dataclass(frozen=True)
class Argon2Cost:
    """Work of one argon2id derivation; the default is the second choice of RFC 9106, section 4."""

    iterations: int = 3
    memory_kib: int = 65536
    lanes: int = 4


def new_salt(cost: Argon2Cost) -> bytes:
    """A new random salt. The cost is stored in it, so that the cost can be raised later and old keys still open."""
    return _HEADER.pack(_VERSION, cost.iterations, cost.memory_kib, cost.lanes) + os.urandom(_SALT_BYTES)


def passphrase_password(
    passphrase: str, salt: bytes, server_secret: bytes, *, purpose: bytes = b"ged signing keystore v1"
) -> bytes:
    """Derive the password of a keystore. It needs the passphrase *and* the server's secret.

    Args:
        purpose: separates the passwords of different uses.

    Raises:
        ValueError: the salt was not made by ``new_salt``, or its cost is above the limit.
    """
    version, iterations, memory_kib, lanes = _HEADER.unpack(salt[: _HEADER.size])
    if version != _VERSION or not (1 <= iterations <= 20 and 8 * lanes <= memory_kib <= 1 << 20 and 1 <= lanes <= 16):
        raise ValueError("salt header")
    # NFC: the same passphrase typed on another keyboard must give the same bytes.
    stretched = hash_secret_raw(
        unicodedata.normalize("NFC", passphrase).encode(),
        salt[_HEADER.size :],
        time_cost=iterations,
        memory_cost=memory_kib,
        parallelism=lanes,
        hash_len=32,
        type=Type.ID,
    )
    pepper = subkey(server_secret, purpose)
    return base64.b64encode(hmac.new(pepper, stretched, hashlib.sha256).digest())


def subkey(server_secret: bytes, purpose: bytes) -> bytes:
    """A 32-byte key for one purpose only."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(server_secret)
