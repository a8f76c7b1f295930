"""An encrypted blob file: a header, then frames that are each encrypted and proven alone, so that a page in the middle is read
without what stands before it.

Header: 8 bytes ``GEDBLOB`` + format (2), then the id of the document's key (16 bytes). Each frame holds ``FRAME`` plain bytes,
the last one fewer, and 16 bytes of proof: AES-256-GCM. The nonce is the frame's number (11 bytes, big endian) and whether it is
the last (1 byte); the header is proven with each frame. So no frame can be moved, left out or taken from another file
(Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption", 2015, STREAM). Each key encrypts one file, so no nonce
is used twice.
"""

import io
import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ged.errors import EngineFailed

MAGIC = b"GEDBLOB\x02"
ID_BYTES = 16
KEYED = len(MAGIC) + ID_BYTES
"""Bytes of the header."""
FRAME = 1 << 16
TAG = 16


def header_of(key_id: bytes) -> bytes:
    """The header of a file under this key."""
    return MAGIC + key_id


def key_id_of(start: bytes) -> bytes | None:
    """The id of the key in the first bytes of a file; None: the file is of another format."""
    key_id = start[len(MAGIC) : KEYED]
    return key_id if start.startswith(MAGIC) and len(key_id) == ID_BYTES else None


class FrameWriter:
    """Encrypts what is written into a file. ``finish`` writes the last frame: without it the file cannot be read."""

    def __init__(self, out: BinaryIO, key: bytes, key_id: bytes) -> None:
        self._out, self._cipher, self._header = out, AESGCM(key), header_of(key_id)
        self._waiting, self._number = bytearray(), 0
        out.write(self._header)

    def write(self, plain: bytes) -> None:
        """Encrypt these bytes as the next ones."""
        self._waiting += plain
        # A full frame waits for the next byte: only `finish` knows which frame is the last.
        while len(self._waiting) > FRAME:
            self._seal(bytes(self._waiting[:FRAME]), is_last=False)
            del self._waiting[:FRAME]

    def finish(self) -> None:
        """Write the last frame."""
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, is_last), plain, self._header))
        self._number += 1


class FrameReader(io.RawIOBase):
    """The plain bytes of an encrypted file, from any place.

    Raises:
        EngineFailed: ``blob.unreadable``, when a frame is read that is not as it was written.
    """

    def __init__(self, file: io.RawIOBase | io.BytesIO, key: bytes, *, name: str) -> None:
        """
        Args:
            file: unbuffered and at its first byte; it is closed with this reader.
            name: of the file, for an error.
        """
        super().__init__()
        self._file, self._cipher, self._name = file, AESGCM(key), name
        try:
            self._header = self._exactly(KEYED)
            body = self._file.seek(0, os.SEEK_END) - len(self._header)
            self._frames = max(1, -(-body // (FRAME + TAG)))
            self._size = body - self._frames * TAG
            last = body - (self._frames - 1) * (FRAME + TAG)
            if last < TAG + (self._frames > 1):  # a last frame is empty only in an empty file
                raise self._altered()
        except BaseException:
            self._file.close()
            raise
        self._at, self._number, self._plain = 0, -1, b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position in plain bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek over plain bytes."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the first byte")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what is left of the frame at the position, as far as it fits."""
        if self._at >= self._size:
            if self._size == 0:
                self._open(0)  # an empty file is proven too
            return 0
        number, within = divmod(self._at, FRAME)
        self._open(number)
        part = self._plain[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def _open(self, number: int) -> None:
        if number == self._number:
            return
        is_last = number == self._frames - 1
        length = self._size - number * FRAME if is_last else FRAME
        self._file.seek(len(self._header) + number * (FRAME + TAG))
        try:
            self._plain = self._cipher.decrypt(_nonce(number, is_last), self._exactly(length + TAG), self._header)
        except InvalidTag:
            raise self._altered() from None
        self._number = number

    def _exactly(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length and (part := self._file.read(length - len(found))):
            found += part
        if len(found) < length:
            raise self._altered()
        return bytes(found)

    def _altered(self) -> EngineFailed:
        return EngineFailed("blob.unreadable", "restore the file from a backup", digest=self._name)


def _nonce(number: int, is_last: bool) -> bytes:
    # With `is_last`: a file that was cut off at the end of a frame would else pass for a shorter one.
    return number.to_bytes(11, "big") + bytes([is_last])
