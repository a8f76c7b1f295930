"""The contract of ``BlobStore`` over every plug."""

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ged import models
from ged.adapters import blobs_fs
from ged.adapters.blobs_fs import HEADER, FileBlobs
from ged.adapters.keyring import Keyring
from ged.archive.blobs import sweep
from ged.db import Base, make_engine, read_session
from ged.errors import EngineFailed, NotFound
from ged.ports import BlobStore, Digest
from tests.lock_kit import outcomes

assert models is not None  # imports every table that may name a blob
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(params=["clear", "encrypted"])
def keyring(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Keyring | None:
    if request.param == "clear":
        return None
    made = Keyring(tmp_path_factory.mktemp("keyring"))
    made.prepare()
    return made


@pytest.fixture
def blobs(tmp_path: Path, keyring: Keyring | None) -> BlobStore:
    return FileBlobs(tmp_path / "blobs", keyring)


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


def test_every_altered_byte_is_found(tmp_path: Path, keyring: Keyring | None) -> None:
    blobs = FileBlobs(tmp_path, keyring)
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    (path,) = tmp_path.glob("??/??/*")
    raw = path.read_bytes()
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        assert not blobs.verify(digest), place
    path.write_bytes(raw)
    assert blobs.verify(digest)


def test_a_foreign_header_is_an_error_and_no_bytes(tmp_path: Path, keyring: Keyring | None) -> None:
    blobs = FileBlobs(tmp_path, keyring)
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    (path,) = tmp_path.glob("??/??/*")
    path.write_bytes(b"\0" * len(HEADER) + b"a letter")
    with pytest.raises(EngineFailed, match="blob.header"):
        blobs.open(digest)


def _aged(folder: Path, digest: str) -> None:
    (path,) = folder.glob(f"??/??/{digest}")
    os.utime(path, (1_000_000_000, 1_000_000_000))


def test_what_nobody_names_is_discarded(tmp_path: Path, keyring: Keyring | None) -> None:
    blobs = FileBlobs(tmp_path, keyring)
    digest = blobs.put(io.BytesIO(b"left over")).digest
    _aged(tmp_path, digest)
    assert blobs.discard(digest, written_before=YESTERDAY)
    assert not blobs.exists(digest)
    assert not list((tmp_path / "trash").iterdir())
    assert not blobs.discard(digest, written_before=YESTERDAY), "gone already"


def test_bytes_handed_in_again_between_the_look_and_the_removal_stay(tmp_path: Path, keyring: Keyring | None) -> None:
    class HandedInAgain(FileBlobs):
        def digests(self) -> Iterator[tuple[Digest, datetime]]:
            for found in super().digests():
                self.put(io.BytesIO(b"an old scan"))  # examined, but not yet judged
                yield found

    blobs = HandedInAgain(tmp_path, keyring)
    digest = blobs.put(io.BytesIO(b"an old scan")).digest
    _aged(tmp_path, digest)
    engine = make_engine(f"sqlite:///{tmp_path}/rows.db")
    Base.metadata.create_all(engine)
    with read_session(engine) as session:
        assert sweep(session, blobs, now=datetime.now(UTC)) == 0
    engine.dispose()
    assert blobs.verify(digest)


def test_bytes_discarded_while_their_time_is_set_are_written_anew(
    tmp_path: Path, keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system call finds the file. Before it sets the time, the file is moved, judged and removed."""
    blobs, content = FileBlobs(tmp_path, keyring), b"an old scan"
    digest = blobs.put(io.BytesIO(content)).digest
    _aged(tmp_path, digest)

    def found_and_then_removed(_path: Path) -> None:
        assert blobs.discard(digest, written_before=YESTERDAY)

    monkeypatch.setattr(blobs_fs.os, "utime", found_and_then_removed)
    assert blobs.put(io.BytesIO(content)).digest == digest
    monkeypatch.undo()
    assert blobs.verify(digest)


@pytest.mark.slow
def test_whoever_puts_bytes_while_they_are_discarded_has_them(tmp_path: Path, keyring: Keyring | None) -> None:
    blobs = FileBlobs(tmp_path, keyring)
    for n in range(200):
        content = f"scan {n}".encode()
        digest = blobs.put(io.BytesIO(content)).digest
        _aged(tmp_path, digest)
        outcomes(
            lambda content=content: blobs.put(io.BytesIO(content)),
            lambda digest=digest: blobs.discard(digest, written_before=YESTERDAY),
        )
        assert blobs.verify(digest), n
    assert not list((tmp_path / "trash").iterdir())


def test_a_file_that_a_killed_sweep_moved_away_comes_back(
    tmp_path: Path, keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path, keyring)
    digest = blobs.put(io.BytesIO(b"renewed, then moved")).digest
    (path,) = tmp_path.glob("??/??/*")
    path.rename(tmp_path / "trash" / f"{digest}.0a1b2c3d")
    FileBlobs(tmp_path, keyring)
    assert not blobs.exists(digest), "another process may be at it this moment"
    monkeypatch.setattr(blobs_fs, "MOVED_FOR_S", -1)
    FileBlobs(tmp_path, keyring)
    assert blobs.verify(digest)
