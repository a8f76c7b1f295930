"""Reads an object of an S3 store from any place, in pieces."""

import io
import os
from typing import cast

from ged.adapters.blob_drafts import HEADER
from ged.adapters.s3 import Bucket
from ged.errors import NotFound
from ged.ports import Digest

FIRST, MOST = 512 << 10, 4 << 20
"""Bytes that are asked for at first: most letters in one request; and at most, when a file is read from end to end."""


class Ranged(io.RawIOBase):
    """An object that is fetched in pieces. The pieces grow while it is read on; a jump fetches no more than is asked for.

    Raises:
        NotFound: ``blob.missing``, at the first piece.
    """

    def __init__(self, bucket: Bucket, key: str, digest: Digest, *, first: int = FIRST) -> None:
        super().__init__()
        self._bucket, self._key, self._digest = bucket, key, digest
        self._held, self._held_at, self._next = b"", 0, first
        self._at, self._size, self.etag = 0, -1, ""

    def start(self, length: int) -> bytes:
        """The first bytes; the position stays at the first."""
        content = self.read(length) or b""
        self.seek(0)
        return content

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; nothing is fetched, except the first piece to know the end."""
        if whence == os.SEEK_END and self._size < 0:
            self._fetch(0, self._next)
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what is held at the position, as far as it fits; fetch it first where nothing is."""
        if 0 <= self._size <= self._at:
            return 0
        within = self._at - self._held_at
        if not 0 <= within < len(self._held):
            is_next = within == len(self._held)
            self._next = min(2 * self._next, MOST) if is_next and self._held else self._next if self._size < 0 else 0
            self._fetch(self._at, max(len(buffer), self._next))
            within = 0
        part = self._held[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _fetch(self, start: int, length: int) -> None:
        found = self._bucket.read(self._key, start, length, etag=self.etag)
        if found is None:
            raise NotFound("blob.missing", "restore the file from a backup", digest=self._digest)
        self._held, self._size, self.etag = found
        self._held_at = start


class Plain(io.RawIOBase):
    """A clear object whose position 0 is the first plain byte."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        raw.seek(len(HEADER))

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position in plain bytes."""
        return self._raw.tell() - len(HEADER)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek over plain bytes."""
        return self._raw.seek(offset + (len(HEADER) if whence == os.SEEK_SET else 0), whence) - len(HEADER)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As the object."""
        return cast("int", self._raw.readinto(buffer))
