"""Encryption in the age format (age-encryption.org/v1): the program ``age`` opens what is written here, without GED.

A stream is encrypted by ChaCha20-Poly1305 under a fresh key, which is wrapped for each recipient (X25519) or by a
passphrase (scrypt). The format says nothing of who wrote it: whoever needs to know that signs beside it.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pyrage

from ged.errors import ConfigError, EngineFailed
from ged.ports import Readable, Writable

PUBLIC, PRIVATE = "age1", "AGE-SECRET-KEY-1"
_OTHER_KEY = ("No matching keys found", "Decryption failed")
"""What pyrage says of a private key, or a passphrase, that does not open a file."""


class _Source:
    """Reads for pyrage, and keeps the error of our own side, which pyrage would turn into a text."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """See ``Readable``."""
        try:
            return self._source.read(size)
        except BaseException as error:
            self.error = error
            raise


class _Target:
    """Writes for pyrage; see ``_Source``."""

    def __init__(self, target: Writable) -> None:
        self._target = target
        self.error: BaseException | None = None

    def write(self, content: bytes) -> int:
        """See ``Writable``."""
        try:
            self._target.write(bytes(content))
        except BaseException as error:
            self.error = error
            raise
        return len(content)

    def flush(self) -> None:
        """See ``Writable``."""
        self._target.flush()


class AgeRecipients:
    """Encrypts for public keys ``age1…``: each of their private keys opens it.

    Raises:
        ConfigError: ``backup.recipient_invalid``.
    """

    def __init__(self, recipients: Sequence[str]) -> None:
        self._recipients = [_recipient(one) for one in recipients]

    def encrypt(self, source: Readable, target: Writable) -> None:
        """See ``Encryptor``."""
        read, write = _Source(source), _Target(target)
        try:
            pyrage.encrypt_io(read, write, self._recipients)
        except Exception:
            own = read.error or write.error
            if own is not None:
                raise own from None
            raise


class AgeIdentities:
    """Decrypts with the private keys of a file.

    Raises:
        ConfigError: ``backup.identity_invalid``.
    """

    def __init__(self, file: Path) -> None:
        try:
            lines = [line.strip() for line in file.read_text(encoding="ascii").splitlines()]
            self._identities = [pyrage.x25519.Identity.from_str(one) for one in lines if one.startswith(PRIVATE)]
        except (OSError, ValueError, pyrage.IdentityError):
            self._identities = []
        if not self._identities:
            raise ConfigError(
                "backup.identity_invalid",
                f"name the file of the private key: it holds a line {PRIVATE}…",
                setting="--identity",
            )

    def decrypt(self, source: Readable, target: Writable) -> None:
        """See ``Decryptor``."""
        read, write = _Source(source), _Target(target)
        try:
            pyrage.decrypt_io(read, write, self._identities)
        except (pyrage.DecryptError, OSError) as error:
            own = read.error or write.error
            if own is not None:
                raise own from None
            raise _refused(error) from None


class AgePassphrase:
    """Encrypts and decrypts with a passphrase. Everything is held in memory: for small archives."""

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase

    def encrypt(self, source: Readable, target: Writable) -> None:
        """See ``Encryptor``."""
        target.write(pyrage.passphrase.encrypt(source.read(), self._passphrase))
        target.flush()

    def decrypt(self, source: Readable, target: Writable) -> None:
        """See ``Decryptor``."""
        try:
            target.write(pyrage.passphrase.decrypt(source.read(), self._passphrase))
        except (pyrage.DecryptError, OSError) as error:
            raise _refused(error) from None


def make_pair(file: Path) -> str:
    """Write a new private key into a new file of its own (mode 0600), and return the public one.

    Raises:
        FileExistsError: the file is there.
    """
    made = pyrage.x25519.Identity.generate()
    public = str(made.to_public())
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(f"# public key: {public}\n{made}\n")
        out.flush()
        os.fsync(out.fileno())
    return public


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise ConfigError(
            "backup.recipient_invalid",
            f"a public key begins with {PUBLIC} and is copied whole; `ged backup keygen --to FILE` makes a pair",
            setting="GED_BACKUP_RECIPIENTS",
            given=text[:12],
        ) from None


def _refused(error: Exception) -> EngineFailed:
    if isinstance(error, pyrage.DecryptError) and str(error) in _OTHER_KEY:
        return EngineFailed(
            "backup.wrong_key", "name the private key, or type the passphrase, for which it was encrypted"
        )
    return EngineFailed("backup.altered", "this file of the copy is damaged: take an earlier one, or another medium")
