"""The journal's head, signed and written outside the database, to detect a truncated or rewritten chain.

A line of ``heads.jsonl`` is ``{"head": {...}, "signature": hex}``. The head contains count, hash, time and the digest
of the line before, so that removed lines are detected too. The key is an Ed25519 key (RFC 8032) beside the file,
encrypted with the server's secret, which is stored elsewhere. Keep copies of the file on another machine
(``ged.archive.outside``).
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import AuditEntry, Finding, Head
from ged.durable import make_folder, replace_file
from ged.errors import ConfigError
from ged.unit import Services

GENESIS = "0" * 64
BLOCK_BYTES = 4096


@dataclass(frozen=True)
class SealedHead:
    """A head that was sealed."""

    count: int
    hash: str
    at: str


class HeadSeal:
    """The folder of the sealed heads.

    Args:
        secret: decrypts the journal's key; without it, the folder can only be read and checked.
    """

    def __init__(self, folder: Path, secret: bytes = b"") -> None:
        self._folder = folder
        self._secret = secret
        self._heads = folder / "heads.jsonl"
        self._key = folder / "journal.key"
        self._public = folder / "journal.pub"

    @classmethod
    def of_public(cls, key: Path) -> "HeadSeal":
        """For checks with a public key that is kept elsewhere: it seals and signs nothing."""
        made = cls(key.parent)
        made._public = key
        return made

    def seal(self, head: Head, *, now: datetime) -> bool:
        """Sign and write the head; False when this head, or a later head, is already sealed."""
        with self.alone():
            return self._seal(head, now)

    def sign(self, body: dict[str, object]) -> str:
        """A signature (hex, Ed25519) of the installation over the canonical JSON of something else than a head."""
        return self._made_before().sign(audit.canonical(body)).hex()

    def is_signed(self, body: dict[str, object], signature: str) -> bool:
        """Whether ``sign`` made this signature over exactly this."""
        try:
            public = serialization.load_pem_public_key(self._public.read_bytes())
            if not isinstance(public, Ed25519PublicKey):
                return False
            public.verify(bytes.fromhex(signature), audit.canonical(body))
        except (OSError, ValueError, InvalidSignature):
            return False
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder against other writers."""
        # Two workers, or a worker and the command, may write: a line contains the digest of the line before it.
        make_folder(self._folder, mode=0o700)
        with (self._folder / "lock").open("w") as place:
            fcntl.flock(place, fcntl.LOCK_EX)
            yield

    def sign_bytes(self, content: bytes) -> str:
        """The journal's signature over some bytes, in hexadecimal. Call under ``alone``, or once the key exists."""
        return self._private().sign(content).hex()

    def is_signed_bytes(self, content: bytes, signature: str) -> bool:
        """Whether the signature is the journal's over these bytes."""
        try:
            public = serialization.load_pem_public_key(self.public_pem())
            if not isinstance(public, Ed25519PublicKey):
                return False
            public.verify(bytes.fromhex(signature), content)
        except (OSError, ValueError, InvalidSignature):
            return False
        return True

    def public_pem(self) -> bytes:
        """The public key, for checks by others; a key pair is made when there is none."""
        if not self._public.exists():
            with self.alone():
                self._private()
        return self._public.read_bytes()

    @property
    def public_path(self) -> Path:
        """The path of the public key."""
        return self._public

    def lines(self) -> list[str]:
        """The lines of the file of heads, oldest first."""
        return self._lines()

    def _seal(self, head: Head, now: datetime) -> bool:
        self._drop_torn_line()
        last_line, last = next(self._from_the_end(), None), self.last()
        if last is not None and last.count >= head.count:
            return False
        body = {
            "count": head.count,
            "hash": head.hash,
            "at": now.isoformat(),
            "previous": hashlib.sha256(last_line.encode()).hexdigest() if last_line is not None else GENESIS,
        }
        signature = self._private().sign(audit.canonical(body)).hex()
        line = json.dumps({"head": body, "signature": signature}, sort_keys=True)
        with self._heads.open("a", encoding="utf-8") as out:
            out.write(line + "\n")
            out.flush()
            os.fsync(out.fileno())
        return True

    def last(self) -> SealedHead | None:
        """The last sealed head; later entries are not sealed yet."""
        for line in self._from_the_end():
            try:
                head = json.loads(line)["head"]
                return SealedHead(int(head["count"]), str(head["hash"]), str(head["at"]))
            except (ValueError, KeyError, TypeError):
                continue  # `verify` reports it
        return None

    def verify(self, session: Session) -> Iterator[Finding]:
        """Compare every sealed head with the journal, and the file with itself.

        The session must not have queried yet: the file is read first, so that no head is newer than the journal read.
        """
        # Check the key first: the file of heads is created before the key, so an existing key has its file.
        has_key = self._public.exists()
        if not self._heads.exists():
            if has_key:
                yield Finding(0, "seal.file_missing")
            return
        lines = self._lines()
        if not lines and not has_key:
            return  # being created at this moment
        try:
            public = serialization.load_pem_public_key(self._public.read_bytes())
        except (OSError, ValueError):
            yield Finding(0, "seal.key_missing")
            return
        previous = GENESIS
        for number, line in enumerate(lines, start=1):
            yield from self._verify_line(session, line, number, previous, public)
            previous = hashlib.sha256(line.encode()).hexdigest()

    def _verify_line(
        self, session: Session, line: str, number: int, previous: str, public: object
    ) -> Iterator[Finding]:
        try:
            record = json.loads(line)
            head = record["head"]
            if not isinstance(public, Ed25519PublicKey):
                raise InvalidSignature
            public.verify(bytes.fromhex(record["signature"]), audit.canonical(head))
        except (ValueError, KeyError, TypeError, InvalidSignature):
            yield Finding(number, "seal.line_altered")
            return
        if head["previous"] != previous:
            yield Finding(number, "seal.line_missing")
        if head["count"] == 0:
            return
        entry = session.get(AuditEntry, head["count"])
        if entry is None:
            yield Finding(head["count"], "journal.cut_behind_seal")
        elif entry.hash != head["hash"]:
            yield Finding(head["count"], "journal.rewritten_behind_seal")

    def _lines(self) -> list[str]:
        if not self._heads.exists():
            return []
        return self._heads.read_text(encoding="utf-8", errors="replace").splitlines()

    def _from_the_end(self) -> Iterator[str]:
        """The lines, the last first. Reads only as much of the file as needed: it grows for ever."""
        if not self._heads.exists():
            return
        with self._heads.open("rb") as heads:
            at, rest = heads.seek(0, os.SEEK_END), b""
            while at > 0:
                size = min(at, BLOCK_BYTES)
                at -= size
                heads.seek(at)
                rest, *whole = (heads.read(size) + rest).split(b"\n")
                yield from (line.decode(errors="replace") for line in reversed(whole) if line)
        if rest:
            yield rest.decode(errors="replace")

    def _drop_torn_line(self) -> None:
        """Remove an incomplete last line, which was never sealed: power or disk failed during the write."""
        if not self._heads.exists():
            return
        with self._heads.open("r+b") as heads:
            size = heads.seek(0, os.SEEK_END)
            heads.seek(max(0, size - BLOCK_BYTES))  # a line is some 300 bytes
            tail = heads.read()
            torn = len(tail) - (tail.rfind(b"\n") + 1)
            if torn:
                heads.truncate(size - torn)
                os.fsync(heads.fileno())

    def _made_before(self) -> Ed25519PrivateKey:
        """The key, without waiting for the folder's lock: an existing key is only ever replaced atomically."""
        if self._key.exists():
            return self._opened(self._key.read_bytes())
        with self.alone():
            return self._private()

    def _private(self) -> Ed25519PrivateKey:
        """The key; made when there is none, under the lock of ``alone``.

        Raises:
            ConfigError: ``seal.secret_wrong``: the key is encrypted with another secret.
        """
        if self._key.exists():
            return self._opened(self._key.read_bytes())
        # First the file, then the key: else a concurrent check could mistake a file not yet created for a removed one.
        self._heads.touch()
        made = Ed25519PrivateKey.generate()
        public = made.public_key()
        # The public key before the other, and whole at once: a concurrent check never finds half of it, and a power cut
        # between the two only means a new pair.
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        replace_file(self._public, pem)
        self._keep(made)
        return made

    def protect(self) -> bool:
        """Encrypt a key that an earlier release stored in clear text; returns whether there was such a key."""
        if not self._key.exists() or not self._is_clear(self._key.read_bytes()):
            return False
        with self.alone():
            content = self._key.read_bytes()
            if self._is_clear(content):
                self._keep(self._opened(content))
        return True

    def _opened(self, content: bytes) -> Ed25519PrivateKey:
        try:
            key = serialization.load_pem_private_key(content, None if self._is_clear(content) else self._password())
        except ValueError as error:
            raise _secret_wrong() from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _secret_wrong()
        return key

    def _is_clear(self, content: bytes) -> bool:
        return content.startswith(b"-----BEGIN PRIVATE KEY")

    def _password(self) -> bytes:
        if not self._secret:
            raise _secret_wrong()
        return base64.b64encode(self._secret)

    def _keep(self, key: Ed25519PrivateKey) -> None:
        """Write the key encrypted and atomically, over an existing key."""
        encryption = serialization.BestAvailableEncryption(self._password())
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        replace_file(self._key, pem, mode=0o600)


def _secret_wrong() -> ConfigError:
    return ConfigError(
        "seal.secret_wrong", "Start with the secret that the journal's key was made with.", setting="secret"
    )


def journal_seal(services: Services) -> HeadSeal:
    """The sealed heads of an installation, with the key that signs them."""
    return HeadSeal(Path(services.data_dir) / "seal", services.journal_secret)
