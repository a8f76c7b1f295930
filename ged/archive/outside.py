"""Compares the journal with copies of the sealed heads that are kept elsewhere.

An attacker with full control of the server can change an entry, recompute the chain, and sign heads and anchors again.
No data on the server reveals this. An earlier copy of ``heads.jsonl`` and of the key does.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from ged import audit
from ged.archive.seal import GENESIS, HeadSeal
from ged.audit import AuditEntry, Finding
from ged.errors import Invalid


@dataclass(frozen=True)
class _Copied:
    count: int
    hash: str
    digest: str


@dataclass(frozen=True)
class HeldCopy:
    """A public key and sealed heads from elsewhere, checked to belong together.

    Attributes:
        heads: lines of the copy, oldest first; empty when only the key was given.
    """

    key: Ed25519PublicKey
    heads: tuple[_Copied, ...]

    @property
    def until(self) -> int:
        """The last entry that the copy covers."""
        return self.heads[-1].count if self.heads else 0

    def compare(self, session: Session, seal: HeadSeal) -> Iterator[Finding]:
        """Yield the differences between the copy and this installation's journal, heads and key.

        ``journal.key_other``: the server signs with another key. ``journal.other_than_copy``: no head of the copy is
        here. ``journal.rewritten_behind_copy``: an entry has changed since it was sealed. ``journal.cut_behind_copy``:
        the journal ends before the copy (restored from an older backup, or truncated). ``seal.differs_from_copy``: the
        entries are the same, but the file of heads differs.
        """
        here = seal.lines()
        try:
            own = serialization.load_pem_public_key(seal.public_path.read_bytes())
        except (OSError, ValueError):
            own = None
        if not isinstance(own, Ed25519PublicKey) or own.public_bytes_raw() != self.key.public_bytes_raw():
            yield Finding(0, "journal.key_other")
        found = list(self._journal(session))
        if self.heads and len([one for one in found if one.code == "journal.rewritten_behind_copy"]) == len(self.heads):
            yield Finding(self.until, "journal.other_than_copy")
            return
        yield from found
        digests = [hashlib.sha256(line.encode()).hexdigest() for line in here]
        for number, (one, digest) in enumerate(zip(self.heads, digests, strict=False), start=1):
            if one.digest != digest:
                yield Finding(number, "seal.differs_from_copy")
                return
        if len(digests) < len(self.heads):
            yield Finding(len(digests) + 1, "seal.differs_from_copy")

    def _journal(self, session: Session) -> Iterator[Finding]:
        for one in self.heads:
            entry = session.get(AuditEntry, one.count) if one.count else None
            if entry is None and one.count:
                yield Finding(one.count, "journal.cut_behind_copy")
                return
            if entry is not None and entry.hash != one.hash:
                yield Finding(one.count, "journal.rewritten_behind_copy")


def read_copy(key_pem: bytes, content: bytes | None) -> HeldCopy:
    """Read a copy kept elsewhere. An incomplete last line was still being copied, and is ignored.

    Raises:
        Invalid: ``copy.key_unreadable``; ``copy.empty``; ``copy.altered`` (with the line): not a file of heads, signed
            with another key than the given key, or with lines removed.
    """
    try:
        key = serialization.load_pem_public_key(key_pem)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid(
            "copy.key_unreadable", "give the journal's public key (journal.pub) as it was copied", field="--key"
        )
    if content is None:
        return HeldCopy(key, ())
    # Bytes that are no UTF-8 are replaced: their line then fails at its signature, and the error names it.
    whole = content.decode("utf-8", errors="replace").rpartition("\n")[0]
    if not whole:
        raise Invalid("copy.empty", "give a copy of heads.jsonl with at least one line", field="--heads")
    heads, previous = list[_Copied](), GENESIS
    for number, line in enumerate(whole.split("\n"), start=1):
        heads.append(_read(key, line, number, previous))
        previous = heads[-1].digest
    return HeldCopy(key, tuple(heads))


def _read(key: Ed25519PublicKey, line: str, number: int, previous: str) -> _Copied:
    try:
        record = json.loads(line)
        head = record["head"]
        key.verify(bytes.fromhex(record["signature"]), audit.canonical(head))
        if head["previous"] != previous:
            raise InvalidSignature
        return _Copied(int(head["count"]), str(head["hash"]), hashlib.sha256(line.encode()).hexdigest())
    except (ValueError, KeyError, TypeError, RecursionError, InvalidSignature):
        raise Invalid(
            "copy.altered", "give the key that signed this copy, and the file as it was copied, whole",
            field="--heads", line=number,
        ) from None  # fmt: skip
