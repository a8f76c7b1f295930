"""What is to be copied where, what was made, and how the objects of a medium are named."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ged.backup.places import AnyMedium
from ged.backup.retention import Retention
from ged.ports import Encryptor

KEYS, KEYRING = "ged-keys-", "ged-keyring-"
"""Begin the names of the archives on the medium of the keys: secret, authority and settings; the keys of the stored files."""
KEY_CHARS, PREFIX_CHARS = 40, 24


@dataclass(frozen=True)
class KeysOrder:
    """Where the keys go, and for whom they are encrypted.

    Attributes:
        medium: None: not this time; what changed since is told.
        settings: name in the archive -> content: the settings, and the files that they name.
        copy_keyring: writes the keys of the stored files into an empty folder; None: files are stored in clear.
        keyring: the folder of the keyring, on whose disk that copy is made.
    """

    medium: Path | None
    encryptor: Encryptor | None
    settings: Mapping[str, bytes] = field(repr=False)
    copy_keyring: Callable[[Path], None] | None = None
    keyring: Path | None = None


@dataclass(frozen=True)
class Order:
    """What is to be copied where.

    Attributes:
        object_key: secret of the server under which objects are named.
    """

    medium: AnyMedium
    encryptor: Encryptor
    object_key: bytes = field(repr=False)
    keys: KeysOrder
    keep: Retention


@dataclass(frozen=True)
class Made:
    """A copy that was made.

    Attributes:
        objects: stored files in it; ``new`` of them were written in this run, ``new_bytes`` on the medium.
        damaged: digests of stored files that the installation itself has lost or altered; an earlier object of the
            medium stands for them where there is one.
        dropped: copies that were removed, by the rule of retention.
        keys: digest of the keys that belong to it; ``keys_written``: they were written in this run; ``keys_there``: they
            are on their medium now.
        is_whole: False: files are stored encrypted, and their keyring was not copied: what was stored since it last was
            cannot be opened from this copy.
    """

    snapshot: str
    objects: int
    new: int
    new_bytes: int
    index_sha256: str
    damaged: tuple[str, ...]
    lost: tuple[str, ...]
    dropped: tuple[str, ...]
    keys: str
    keys_written: bool
    keys_there: bool
    is_whole: bool


def object_key(secret: bytes, digest: str, key_id: str) -> str:
    """The name of a stored file's object: first of the file, then of the key under which it is stored."""
    return object_prefix(secret, digest) + _named(secret, f"{digest} {key_id}")[: KEY_CHARS - PREFIX_CHARS]


def object_prefix(secret: bytes, digest: str) -> str:
    """The beginning of the names of all objects of a stored file."""
    return _named(secret, digest)[:PREFIX_CHARS]


def _named(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
