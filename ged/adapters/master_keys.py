"""The master keys of the keyring, in a file of their own: they encrypt the documents' keys (``keyring``)."""

import base64
import binascii
import json
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ged.durable import replace_file
from ged.errors import ConfigError

MASTER = "master.json"
KEY_BYTES = 32


def new_key() -> bytes:
    """A new key for AES-256: of a document, or of documents' keys."""
    return AESGCM.generate_key(KEY_BYTES * 8)


class MasterKeys:
    """The numbered master keys in a file, mode 0600. The highest number encrypts; each number that is there decrypts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_there(self) -> bool:
        """Whether there is a file of master keys."""
        return self._path.exists()

    def make(self) -> int:
        """Add a master key, the first or the next. Returns its number."""
        keys = self.all() if self.is_there else {}
        number = max(keys, default=0) + 1
        self.write({**keys, number: new_key()})
        return number

    def drop(self, number: int) -> None:
        """Remove a key for ever."""
        keys = self.all()
        keys.pop(number, None)
        self.write(keys)

    def all(self) -> dict[int, bytes]:
        """Number -> key.

        Raises:
            ConfigError: ``keyring.unreadable``: no file, or none of ours.
        """
        try:
            document = json.loads(self._path.read_bytes())
            keys = {int(number): base64.b64decode(key, validate=True) for number, key in document["keys"].items()}
            if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
                raise ValueError(MASTER)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
            raise ConfigError(
                "keyring.unreadable", f"put {self._path} back from the backup of the keyring", setting="GED_KEYRING"
            ) from error
        return keys

    def write(self, keys: dict[int, bytes]) -> None:
        """Write the file with these keys: whole, durable, for its owner alone."""
        document = {"keys": {str(number): base64.b64encode(key).decode() for number, key in sorted(keys.items())}}
        replace_file(self._path, json.dumps(document, indent=1).encode(), mode=0o600)
