"""The store of files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from ged.ports.names import Digest


@dataclass(frozen=True)
class StoredBlob:
    """The return value of ``BlobStore.put``."""

    digest: Digest
    size_bytes: int


class BlobStore(Protocol):
    """Content-addressed bytes. Writing the same bytes twice stores them once."""

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store a stream and return its digest; durable (fsynced) when it returns."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Open the plain bytes for reading.

        Raises:
            NotFound: ``blob.missing``.
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

    def discard(self, digest: Digest, *, written_before: datetime) -> bool:
        """Remove an unreferenced blob, unless it was stored again meanwhile.

        Args:
            written_before: a blob written, or stored again, at or after this moment is kept.

        Returns:
            Whether the blob was removed.
        """
        ...

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        """All blobs with the time they were written (aware UTC), for sweeps and checks."""
        ...
