"""The contract of ``BlobStore`` over every plug."""

import hashlib
import io
from pathlib import Path

import pytest

from ged.adapters.blobs_fs import HEADER, FileBlobs
from ged.errors import EngineFailed, NotFound
from ged.ports import BlobStore, Digest


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return FileBlobs(tmp_path / "blobs")


def test_what_is_put_is_read_back(blobs: BlobStore) -> None:
    data = bytes(range(256)) * 9000
    stored = blobs.put(io.BytesIO(data))
    assert stored.digest == hashlib.sha256(data).hexdigest()
    assert stored.size_bytes == len(data)
    with blobs.open(stored.digest) as plain:
        assert plain.read(10) == data[:10]
        assert plain.tell() == 10
        assert plain.seek(0) == 0
        assert plain.read() == data
        plain.seek(-5, io.SEEK_END)
        assert plain.read() == data[-5:]
    assert blobs.verify(stored.digest)


def test_the_same_bytes_are_stored_once(blobs: BlobStore) -> None:
    first, second = blobs.put(io.BytesIO(b"x")), blobs.put(io.BytesIO(b"x"))
    assert first == second
    assert [d for d, _ in blobs.digests()] == [first.digest]


def test_what_is_missing_says_so(blobs: BlobStore) -> None:
    with pytest.raises(NotFound, match="blob.missing"):
        blobs.open(Digest("0" * 64))
    with pytest.raises(NotFound):
        blobs.open(Digest("../../etc/passwd"))
    assert not blobs.verify(Digest("0" * 64))
    blobs.delete(Digest("0" * 64))


def test_every_altered_byte_is_found(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    (path,) = tmp_path.glob("??/??/*")
    raw = path.read_bytes()
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        assert not blobs.verify(digest), place
    path.write_bytes(raw)
    assert blobs.verify(digest)


def test_a_foreign_header_is_an_error_and_no_bytes(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    (path,) = tmp_path.glob("??/??/*")
    path.write_bytes(b"\0" * len(HEADER) + b"a letter")
    with pytest.raises(EngineFailed, match="blob.header"):
        blobs.open(digest)
