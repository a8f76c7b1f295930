"""The contract of ``BlobStore`` over every plug."""

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import Engine, delete, select, update

from ged import models
from ged.adapters import blobs_fs
from ged.adapters.blob_drafts import HEADER
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.keyring import Keyring
from ged.adapters.master_keys import new_key
from ged.adapters.s3 import Bucket
from ged.archive.blobs import sweep
from ged.db import Base, make_engine, read_session, write_session
from ged.errors import EngineFailed, NotFound
from ged.ports import BlobStore, ByDisposal, Digest, StoredBlob
from ged.takeover import packed
from ged.takeover.models import PackedFile
from tests import s3_kit
from tests.factories import make_tables
from tests.lock_kit import outcomes

pytestmark = pytest.mark.in_turns(3)

assert models is not None  # imports every table that may name a blob
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(params=["clear", "encrypted"])
def keyring(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Keyring | None:
    if request.param == "clear":
        return None
    made = Keyring(tmp_path_factory.mktemp("keyring"))
    made.prepare()
    return made


class Rows(PackedBlobs):
    """What is put becomes a row, as an import makes one."""

    def put(self, content: BinaryIO) -> StoredBlob:
        """Seal bytes, and write their row."""
        sealed = self.sealed([content.read()])
        assert sealed is not None
        with write_session(self._engine) as session:
            packed.write(session, sealed)
            session.commit()
        return StoredBlob(sealed[0].digest, sealed[0].size_bytes)


@dataclass(frozen=True)
class Store:
    """A plug, and the folder in which its files lie, so that a test can harm them."""

    blobs: FileBlobs | S3Blobs | PackedBlobs
    folder: Path

    def path(self) -> Path:
        (path,) = self.folder.glob("??/??/*")
        return path

    def raw(self) -> bytes:
        """What the store holds of its only file."""
        return self.path().read_bytes()

    def harm(self, raw: bytes) -> None:
        """Let the store hold something else."""
        self.path().write_bytes(raw)

    def lose(self) -> None:
        self.path().unlink()

    def aged(self) -> None:
        os.utime(self.path(), (1_000_000_000, 1_000_000_000))

    def left(self) -> list[Path]:
        """The files that lie there in any place."""
        return [one for one in self.folder.rglob("*") if one.is_file()]


@dataclass(frozen=True)
class StoreOfRows(Store):
    """A plug whose files are rows."""

    engine: Engine

    def raw(self) -> bytes:
        with read_session(self.engine) as session:
            return session.scalars(select(PackedFile.stored)).one()

    def harm(self, raw: bytes) -> None:
        with write_session(self.engine) as session:
            session.execute(update(PackedFile).values(stored=raw))
            session.commit()

    def lose(self) -> None:
        with write_session(self.engine) as session:
            session.execute(delete(PackedFile))
            session.commit()

    def aged(self) -> None:
        with write_session(self.engine) as session:
            session.execute(update(PackedFile).values(written_at=datetime.fromtimestamp(1_000_000_000, UTC)))
            session.commit()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = make_engine(f"sqlite:///{tmp_path}/packed.sqlite3")
    make_tables(made)
    yield made
    made.dispose()


@pytest.fixture(params=["folder", "packed", "rows", pytest.param("s3", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest, tmp_path: Path, keyring: Keyring | None) -> Store:
    folder = tmp_path / "blobs"
    if request.param == "folder":
        return Store(FileBlobs(folder, keyring), folder)
    if request.param == "packed":
        return Store(PackedBlobs(FileBlobs(folder, keyring), request.getfixturevalue("engine"), keyring), folder)
    if request.param == "rows":
        engine: Engine = request.getfixturevalue("engine")
        return StoreOfRows(Rows(FileBlobs(folder, keyring), engine, keyring), folder, engine)
    place = s3_kit.new_place(s3_kit.store_url())
    return Store(S3Blobs(Bucket(place), tmp_path / "drafts", keyring), s3_kit.files_of(place))


@pytest.fixture
def blobs(store: Store) -> BlobStore:
    return store.blobs


@pytest.mark.parametrize("size", [0, 8, 2_304_000, 9 << 20], ids=["empty", "small", "frames", "parts"])
def test_what_is_put_is_read_back(blobs: BlobStore, size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    stored = blobs.put(io.BytesIO(data))
    assert stored.digest == hashlib.sha256(data).hexdigest()
    assert stored.size_bytes == len(data)
    with blobs.open(stored.digest) as plain:
        assert plain.read(10) == data[:10]
        assert plain.tell() == min(10, size)
        assert plain.seek(0) == 0
        assert plain.read() == data
        assert plain.seek(0, io.SEEK_END) == size
        plain.seek(size * 2 // 3)
        assert plain.read(70_000) == data[size * 2 // 3 :][:70_000]
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


def test_every_altered_byte_is_found(store: Store) -> None:
    blobs = store.blobs
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    raw = store.raw()
    for place in range(len(raw)):
        store.harm(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        assert not blobs.verify(digest), place
    store.harm(raw)
    assert blobs.verify(digest)


def test_a_foreign_header_is_an_error_and_no_bytes(store: Store) -> None:
    blobs = store.blobs
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    store.harm(b"\0" * len(HEADER) + b"a letter")
    with pytest.raises(EngineFailed, match="blob.header"):
        blobs.open(digest)


def test_a_disposal_leaves_no_key_of_the_bytes_and_is_told_of_the_letter(store: Store, keyring: Keyring | None) -> None:
    blobs, why, letter = store.blobs, ByDisposal(7, 3, YESTERDAY), Digest("ab" * 32)
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    if keyring is None:
        assert blobs.in_clear({digest}) == {digest}
        blobs.tell_destroyed([letter], why)
        assert blobs.tombstones() == []
        return
    keyring.keep(os.urandom(16), digest, new_key())
    assert blobs.in_clear({digest}) == set()
    store.aged()
    assert blobs.discard(digest, written_before=YESTERDAY, because=why)
    assert keyring.count() == 1, "that was made within the day: somebody may be storing the bytes again"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert not blobs.discard(digest, written_before=tomorrow, because=why), "the file is gone already"
    assert keyring.count() == 0
    for _twice in range(2):
        blobs.tell_destroyed([letter], why)
    told = blobs.tombstones()
    assert sorted(one.digest for one in told) == sorted([digest, digest, letter])
    assert [one.digest for one in told if not one.is_key] == [letter]
    assert {one.because for one in told} == {why}


def test_what_nobody_names_is_discarded(store: Store) -> None:
    blobs = store.blobs
    digest = blobs.put(io.BytesIO(b"left over")).digest
    assert not blobs.discard(digest, written_before=YESTERDAY), "it is new"
    store.aged()
    assert blobs.discard(digest, written_before=YESTERDAY)
    assert not blobs.exists(digest)
    assert store.left() == []
    assert not blobs.discard(digest, written_before=YESTERDAY), "gone already"


def test_what_was_disposed_of_is_gone_and_may_come_again(store: Store) -> None:
    blobs = store.blobs
    digest = blobs.put(io.BytesIO(b"a letter")).digest
    blobs.put(io.BytesIO(b"a letter"))
    blobs.delete(digest)
    assert list(blobs.digests()) == []
    assert store.left() == []
    blobs.put(io.BytesIO(b"a letter"))
    assert blobs.verify(digest)


def test_a_file_goes_to_another_store_as_it_is(store: Store, tmp_path: Path, keyring: Keyring | None) -> None:
    digest = store.blobs.put(io.BytesIO(b"a letter" * 100_000)).digest
    other = FileBlobs(tmp_path / "other", keyring)
    key_id, stored = store.blobs.open_stored(digest)
    with stored:
        other.put_stored(digest, stored)
    assert other.verify(digest)
    assert store.blobs.key_of(digest) == (bytes.fromhex(key_id) or None) == other.key_of(digest)
    store.lose()
    _, stored = other.open_stored(digest)
    with stored:
        store.blobs.put_stored(digest, stored)
    assert store.blobs.verify(digest)
    with pytest.raises((EngineFailed, NotFound)):
        store.blobs.put_stored(Digest("0" * 64), io.BytesIO(HEADER + b"another letter"))
    assert [one for one, _ in store.blobs.digests()] == [digest]


def test_bytes_handed_in_again_between_the_look_and_the_removal_stay(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, looked = store.blobs, type(store.blobs).digests
    digest = blobs.put(io.BytesIO(b"an old scan")).digest
    store.aged()

    def handed_in_again(self: FileBlobs | S3Blobs | PackedBlobs) -> Iterator[tuple[Digest, datetime]]:
        for found in looked(self):  # type: ignore[arg-type]  # it is of the same class
            blobs.put(io.BytesIO(b"an old scan"))  # examined, but not yet judged
            yield found

    monkeypatch.setattr(type(blobs), "digests", handed_in_again)
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
    (path,) = tmp_path.glob("??/??/*")
    os.utime(path, (1_000_000_000, 1_000_000_000))

    def found_and_then_removed(_path: Path) -> None:
        assert blobs.discard(digest, written_before=YESTERDAY)

    monkeypatch.setattr(blobs_fs.os, "utime", found_and_then_removed)
    assert blobs.put(io.BytesIO(content)).digest == digest
    monkeypatch.undo()
    assert blobs.verify(digest)


@pytest.mark.slow
def test_whoever_puts_bytes_while_they_are_discarded_has_them(store: Store) -> None:
    blobs = store.blobs
    for n in range(200 if isinstance(blobs, FileBlobs) else 30):
        content = f"scan {n}".encode()
        digest = blobs.put(io.BytesIO(content)).digest
        store.aged()
        outcomes(
            lambda content=content: blobs.put(io.BytesIO(content)),
            lambda digest=digest: blobs.discard(digest, written_before=YESTERDAY),
        )
        assert blobs.verify(digest), n
        blobs.delete(digest)
    assert not [one for name in ("trash", "going") for one in store.folder.glob(f"{name}/*")]


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
