"""The store of files."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from ged.ports.names import Digest


@dataclass(frozen=True)
class StoredBlob:
    """The return value of ``BlobStore.put``."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True)
class SealedBlob:
    """A small content as a row holds it (``BlobStore.sealed``).

    Attributes:
        size_bytes: of the plain content.
        stored: the bytes of the row.
        sealed_at: before its key was made.
    """

    digest: Digest
    size_bytes: int
    stored: bytes
    sealed_at: datetime


@dataclass(frozen=True)
class ByDisposal:
    """Why keys are destroyed: a slip of disposal (``ged.destroyed``)."""

    mail_id: int
    slip_no: int
    decided_at: datetime


@dataclass(frozen=True)
class Tombstone:
    """What the keyring says of a key that a disposal destroyed. It comes back with the keyring, whatever copy of the database does.

    Or of a file that a destroyed letter bore (``is_key`` False): its key is told of for another letter, or a living letter bears the
    file too.
    """

    key_id: bytes
    digest: Digest
    because: ByDisposal
    destroyed_at: datetime

    @property
    def is_key(self) -> bool:
        """Whether the key of the file was destroyed."""
        return self.key_id != mark_of(self.because.mail_id, self.digest)


def mark_of(mail_id: int, digest: Digest) -> bytes:
    """What stands in the place of a key's id where the keyring tells of a letter's file and of no key: 16 bytes."""
    return hashlib.sha256(f"{mail_id}:{digest}".encode()).digest()[:16]


class BlobStore(Protocol):
    """Content-addressed bytes. Writing the same bytes twice stores them once."""

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store a stream and return its digest; durable (fsynced) when it returns."""
        ...

    def sealed(self, contents: Sequence[bytes]) -> Sequence[SealedBlob] | None:
        """What rows of the database hold of small contents, in their order; None: this store reads no rows, so ``put`` them.

        Their keys are durable when it returns. The caller writes the rows in his transaction (``ged.takeover.packed``): then they are
        stored. Contents that he does not write leave keys without a file.
        """
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Open the plain bytes for reading.

        Raises:
            NotFound: ``blob.missing``.
        """
        ...

    def open_stored(self, digest: Digest) -> tuple[str, BinaryIO]:
        """(name of its key, the file as it is stored): for copies that only the key opens. The name is empty for a clear file.

        Raises:
            NotFound: ``blob.missing``.
        """
        ...

    def put_stored(self, digest: Digest, content: BinaryIO) -> None:
        """Put a file back as ``open_stored`` gave it, unless it is there and can be read.

        Raises:
            NotFound: ``blob.no_key``: its key was destroyed; EngineFailed: ``blob.altered``, ``blob.write_failed``. The file is
                not kept then.
        """
        ...

    def exists(self, digest: Digest) -> bool:
        """Whether the blob exists (its bytes are not read)."""
        ...

    def verify(self, digest: Digest) -> bool:
        """Read all bytes and compare; False also when missing."""
        ...

    def delete(self, digest: Digest) -> None:
        """Remove a blob; no error when it does not exist."""
        ...

    def discard(self, digest: Digest, *, written_before: datetime, because: ByDisposal | None = None) -> bool:
        """Remove an unreferenced blob, unless it was stored again meanwhile.

        Args:
            written_before: a blob written, or stored again, at or after this moment is kept.
            because: the keyring keeps it for each key that is destroyed. All keys of the bytes that were made before
                ``written_before`` go, also where the file itself is gone already: an earlier copy may hold it under another key.

        Returns:
            Whether the blob was removed.
        """
        ...

    def in_clear(self, digests: Collection[Digest]) -> set[Digest]:
        """Those of some blobs that are there and have no key, or of which the store holds an earlier, clear version under a lock.

        A copy of them is read by whoever has it.
        """
        ...

    def tell_destroyed(self, digests: Collection[Digest], because: ByDisposal) -> None:
        """Let the keyring tell that a destroyed letter bore these files, whoever else bears them; a second call changes nothing."""
        ...

    def tombstones(self) -> list[Tombstone]:
        """The keys that disposals destroyed; none without a keyring."""
        ...

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        """All blobs with the time they were written (aware UTC), for sweeps and checks."""
        ...


class KeyedBlobStore(BlobStore, Protocol):
    """A store whose files may be encrypted under a keyring."""

    def encrypt(self, digest: Digest) -> bool:
        """Encrypt a clear file in its place. Returns False when it is encrypted already, or gone meanwhile.

        Raises:
            EngineFailed: ``blob.altered``: its bytes are not those of its name; it stays as it is.
        """
        ...

    def key_of(self, digest: Digest) -> bytes | None:
        """The id of a file's key; None: it is clear.

        Raises:
            NotFound: ``blob.missing``.
        """
        ...
