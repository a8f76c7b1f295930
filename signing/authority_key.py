"""The issuing authority's key at rest: encrypted with a passphrase and the server's secret, or with the secret alone.

The secret alone is for trials. Both forms use the same file, so that a change of form is atomic.
"""

import base64
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ged.errors import ConfigError, Invalid
from signing.secrets import Argon2Cost, new_salt, passphrase_password, subkey

COST = Argon2Cost(iterations=4, memory_kib=256 * 1024, lanes=4)
"""Each attempt takes 256 MiB and most of a second: four times the memory of a person's key (RFC 9106, section 4)."""
_PURPOSE = b"ged issuing authority v1"
_SALT = b"GED-Argon2id: "


def is_protected(folder: Path) -> bool:
    """Whether a passphrase is needed besides the server's secret. True also if the head of the file is damaged."""
    try:
        content = (folder / "issuing.key").read_bytes()
    except FileNotFoundError:  # the key was removed: this server cannot issue
        return True
    return not content.startswith(b"-----BEGIN")


def locked(key: ec.EllipticCurvePrivateKey, secret: bytes, passphrase: str, *, cost: Argon2Cost | None = None) -> bytes:
    """Return the file's content. Without a passphrase the secret alone decrypts it: for trials."""
    if not passphrase:
        return encrypted(key, secret_password(secret))
    salt = new_salt(cost or COST)
    password = passphrase_password(passphrase, salt, secret, purpose=_PURPOSE)
    return _SALT + base64.b64encode(salt) + b"\n" + encrypted(key, password)


def opened(content: bytes, secret: bytes, passphrase: str) -> ec.EllipticCurvePrivateKey:
    """Decrypt the key.

    Raises:
        ConfigError: ``authority.secret_wrong`` (a key encrypted with the secret alone), ``authority.key_damaged``.
        Invalid: ``authority.passphrase_wrong``.
    """
    if content.startswith(b"-----BEGIN"):
        try:
            return curve_key(content, secret_password(secret))
        except ValueError as error:
            raise ConfigError(
                "authority.secret_wrong", "Start with the secret that the authority was made with.", setting="secret"
            ) from error
    head, _, pem = content.partition(b"\n")
    try:
        salt = base64.b64decode(head.removeprefix(_SALT), validate=True)
        password = passphrase_password(passphrase, salt, secret, purpose=_PURPOSE)
    except Exception:  # noqa: BLE001  base64, struct, argon2 and our own check: all mean that the head was altered
        raise ConfigError(
            "authority.key_damaged", "Restore issuing.key from a backup.", setting="authority_dir"
        ) from None
    try:
        return curve_key(pem, password)
    except ValueError:
        raise Invalid(
            "authority.passphrase_wrong", "Type the passphrase of the authority again; the server's secret counts too."
        ) from None


def curve_key(content: bytes, password: bytes) -> ec.EllipticCurvePrivateKey:
    """Decrypt a key in PEM form.

    Raises:
        ValueError: the password is wrong, or bytes were altered.
        ConfigError: ``authority.key_unsupported``.
    """
    key = serialization.load_pem_private_key(content, password)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError("authority.key_unsupported", "Use an elliptic-curve key.", setting="authority_dir")
    return key


def encrypted(key: ec.EllipticCurvePrivateKey, password: bytes) -> bytes:
    """Encrypt a key with a password, in PEM form."""
    encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def secret_password(secret: bytes) -> bytes:
    """The password of keys encrypted with the server's secret alone: seal, responder, an authority for trials."""
    return base64.b64encode(subkey(secret, b"ged signing authority v1"))
