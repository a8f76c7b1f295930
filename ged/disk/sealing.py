"""The sealed parts of a disk: AES-256-GCM (NIST SP 800-38D), as WebCrypto opens it.

A part is a script ``GED_DISK("name", "base64")`` of a nonce of 12 bytes and the sealed text. The name is authenticated with it, so
that no part stands for another. The text begins with a byte: 1, what follows is packed by gzip; 0, it is not.

The key of the parts is random. The passphrase seals it: PBKDF2-HMAC-SHA256 (RFC 8018), which is what WebCrypto has.
"""

import base64
import gzip
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from ged.disk.passphrase import normal
from ged.errors import EngineFailed, Invalid

ITERATIONS = 1_000_000
"""Half a second in a browser of today, and twenty bits more for whoever tries passphrases."""
MOST_ITERATIONS = 10 * ITERATIONS
"""A stick that lay about may ask for any number: nobody waits for a day."""
NONCE_BYTES = 12
KEY_NAME = "cle"
_PART = re.compile(rb'\AGED_DISK\("([a-z0-9/-]+)","([A-Za-z0-9+/=]+)"\);\n\Z')
_KEY = re.compile(rb"\AGED_DISK_KEY\((\{.*\})\);\n\Z")


@dataclass(frozen=True)
class DiskKey:
    """The key of a disk's readable part, and the file that holds it sealed."""

    key: bytes = field(repr=False)
    file: bytes = field(repr=False)

    @classmethod
    def made(cls, passphrase: str, iterations: int = ITERATIONS) -> "DiskKey":
        """A new key under a passphrase."""
        key, salt, nonce = secrets.token_bytes(32), secrets.token_bytes(16), secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(_derived(passphrase, salt, iterations)).encrypt(nonce, key, KEY_NAME.encode())
        fields = {"salt": _text(salt), "iterations": iterations, "sealed": _text(nonce + sealed)}
        fields["sum"] = _sum(fields)
        return cls(key, f"GED_DISK_KEY({json.dumps(fields)});\n".encode())

    @classmethod
    def opened(cls, file: bytes, passphrase: str) -> "DiskKey":
        """The key of a file.

        Raises:
            Invalid: ``disk.passphrase_wrong``; EngineFailed: ``disk.key_damaged``.
        """
        try:
            found = _KEY.match(file)
            fields = json.loads(found[1]) if found else {}
            if fields.pop("sum") != _sum(fields) or not 0 < fields["iterations"] <= MOST_ITERATIONS:
                raise ValueError
            sealed = base64.b64decode(fields["sealed"])
            derived = _derived(passphrase, base64.b64decode(fields["salt"]), fields["iterations"])
        except (KeyError, TypeError, ValueError, RecursionError):
            raise EngineFailed("disk.key_damaged", "begin the disk anew (--anew)", where=f"{KEY_NAME}.js") from None
        try:
            key = AESGCM(derived).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], KEY_NAME.encode())
        except InvalidTag:
            raise Invalid(
                "disk.passphrase_wrong", "type the passphrase with which the disk was begun, or begin it anew (--anew)", field="passphrase"
            ) from None  # fmt: skip
        return cls(key, file)

    def name_of(self, digest: str) -> str:
        """The name of a stored file on the disk: who knows a document can look for its size alone."""
        return hmac.new(self.key, digest.encode(), hashlib.sha256).hexdigest()[:32]

    def sealed(self, name: str, plain: bytes, *, packed: bool) -> bytes:
        """The script of a part.

        Args:
            name: of the part, which is its path under ``lecture`` without the ending.
            packed: whether gzip makes it smaller.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        text = b"\x01" + gzip.compress(plain, 6, mtime=0) if packed else b"\x00" + plain
        sealed = AESGCM(self.key).encrypt(nonce, text, name.encode())
        return b'GED_DISK("%s","%s");\n' % (name.encode(), base64.b64encode(nonce + sealed))

    def unsealed(self, name: str, script: bytes) -> bytes:
        """What a part holds: for tests, and for people who open a disk without the page.

        Raises:
            EngineFailed: ``disk.part_altered``.
        """
        found = _PART.match(script)
        try:
            if found is None or found[1].decode() != name:
                raise InvalidTag
            sealed = base64.b64decode(found[2])
            text = AESGCM(self.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise EngineFailed(
                "disk.part_altered", "take another disk, or restore its backup", where=f"{name}.js"
            ) from None
        return gzip.decompress(text[1:]) if text[:1] == b"\x01" else text[1:]


def _derived(passphrase: str, salt: bytes, iterations: int) -> bytes:
    return PBKDF2HMAC(hashes.SHA256(), 32, salt, iterations).derive(normal(passphrase).encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _sum(fields: dict[str, object]) -> str:
    """Tells a damaged file from a wrong passphrase; it proves nothing, and need not."""
    return hashlib.sha256(f"{fields.get('salt')}{fields.get('iterations')}{fields.get('sealed')}".encode()).hexdigest()[
        :16
    ]
