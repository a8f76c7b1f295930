"""Streams between a file and its encryption: counted, compressed, hashed. Nothing is held whole in memory."""

import hashlib
import zlib
from typing import BinaryIO

from ged.errors import EngineFailed
from ged.ports import Readable, Writable

CHUNK = 1 << 18
GZIP_BITS = 31
"""zlib's parameter for the gzip format (zlib manual, ``deflateInit2``)."""


class Hashed:
    """Reads bytes on, and knows their SHA-256 and number."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._hasher, self.size = hashlib.sha256(), 0

    def read(self, size: int = -1, /) -> bytes:
        """See ``Readable``."""
        content = self._source.read(size)
        self._hasher.update(content)
        self.size += len(content)
        return content

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._hasher.hexdigest()


class Hashing:
    """Writes bytes on, and knows their SHA-256 and number: what ``Hashed`` is for reading."""

    def __init__(self, out: Writable) -> None:
        self._out = out
        self._hasher, self.size = hashlib.sha256(), 0

    def write(self, content: bytes, /) -> int:
        """See ``Writable``."""
        self._out.write(content)
        self._hasher.update(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """See ``Writable``."""
        self._out.flush()

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hasher.hexdigest()


class FromMedium:
    """Reads a file of a medium. A sector that cannot be read is a fault of this file alone, and none of the program."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        """See ``Readable``.

        Raises:
            EngineFailed: ``backup.altered``.
        """
        try:
            return self._source.read(size)
        except OSError as error:
            raise EngineFailed(
                "backup.altered", "take an earlier copy, or another medium", errno=error.errno
            ) from error


class AtMost:
    """Passes so many bytes on, and no more: what a medium unpacks to is known before."""

    def __init__(self, out: Writable, size_bytes: int) -> None:
        self._out, self._left = out, size_bytes

    def write(self, content: bytes, /) -> int:
        """See ``Writable``.

        Raises:
            EngineFailed: ``backup.altered``.
        """
        self._left -= len(content)
        if self._left < 0:
            raise EngineFailed("backup.altered", "take an earlier copy, or another medium")
        self._out.write(content)
        return len(content)

    def flush(self) -> None:
        """See ``Writable``."""
        self._out.flush()


class Gzipped:
    """Reads a stream compressed, in gzip's format."""

    def __init__(self, source: Readable, *, level: int = 1) -> None:
        self._source, self._packer = source, zlib.compressobj(level, wbits=GZIP_BITS)
        self._ready, self._ended = b"", False

    def read(self, size: int = -1, /) -> bytes:
        """See ``Readable``."""
        while not self._ended and (size < 0 or len(self._ready) < size):
            content = self._source.read(CHUNK)
            if content:
                self._ready += self._packer.compress(content)
            else:
                self._ready += self._packer.flush()
                self._ended = True
        size = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:size], self._ready[size:]
        return given


class Gunzipping:
    """Takes gzip's format, and writes it uncompressed; knows the SHA-256 and the number of the plain bytes."""

    def __init__(self, out: Writable) -> None:
        self._out, self._unpacker = out, zlib.decompressobj(wbits=GZIP_BITS)
        self._hasher, self.size = hashlib.sha256(), 0

    def write(self, content: bytes, /) -> int:
        """See ``Writable``.

        Raises:
            EngineFailed: ``backup.altered``.
        """
        packed = content
        while True:
            try:
                # A piece at a time: a few bytes can stand for a thousand times as many, and `_out` may refuse what is beyond its limit.
                plain = self._unpacker.decompress(packed, CHUNK)
            except zlib.error:
                raise EngineFailed("backup.altered", "take an earlier copy, or another medium") from None
            packed = self._unpacker.unconsumed_tail
            # We write one stream. The library would gather all that follows it, in memory, and copy it at each call.
            if self._unpacker.unused_data:
                raise EngineFailed("backup.altered", "take an earlier copy, or another medium")
            if not plain and not packed:
                return len(content)
            self._hasher.update(plain)
            self.size += len(plain)
            self._out.write(plain)

    def flush(self) -> None:
        """See ``Writable``."""
        self._out.flush()

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hasher.hexdigest()


def copy(source: Readable, out: BinaryIO) -> None:
    """Copy a stream."""
    while content := source.read(CHUNK):
        out.write(content)
