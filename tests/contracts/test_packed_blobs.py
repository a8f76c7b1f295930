"""Small files as rows: they are read, checked, encrypted and removed as files of the store are, and die with their keys."""

import hashlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from ged.adapters import blobs_packed
from ged.adapters.blob_frames import KEYED, key_id_of
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.adapters.keyring import Keyring
from ged.db import make_engine, read_session, write_session
from ged.errors import EngineFailed, NotFound
from ged.ports import ByDisposal, Digest
from ged.takeover import packed
from ged.takeover.models import PackedFile
from tests.factories import make_tables

pytestmark = pytest.mark.in_turns(3)

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]
NOW = datetime.now(UTC)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
WHY = ByDisposal(7, 3, YESTERDAY)
TEXTS = [b"", b"Lettre au ministre", "Préfecture de la Kozah\f".encode() * 300]


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/ged.sqlite3"
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("make_database")
        url = make()
    made = make_engine(url)
    make_tables(made)
    yield made
    made.dispose()


@dataclass(frozen=True)
class Store:
    """A store with rows, and what is below it."""

    blobs: PackedBlobs
    files: FileBlobs
    engine: Engine
    keyring: Keyring | None

    def pack(self, *contents: bytes) -> list[Digest]:
        """Seal contents and write their rows, as an import does."""
        sealed = self.blobs.sealed(contents)
        assert sealed is not None
        with write_session(self.engine) as session:
            packed.write(session, sealed)
            session.commit()
        return [one.digest for one in sealed]

    def row(self, digest: Digest) -> bytes | None:
        with read_session(self.engine) as session:
            return session.scalar(select(PackedFile.stored).where(PackedFile.digest == digest))

    def change(self, digest: Digest, **values: object) -> None:
        with write_session(self.engine) as session:
            session.execute(update(PackedFile).where(PackedFile.digest == digest).values(**values))
            session.commit()

    def keys(self) -> list[Digest]:
        return [] if self.keyring is None else sorted(digest for _id, digest, _at in self.keyring.listed())


@pytest.fixture(params=["clear", "encrypted"])
def store(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Store:
    keyring = None
    if request.param == "encrypted":
        keyring = Keyring(tmp_path / "keyring")
        keyring.prepare()
    files = FileBlobs(tmp_path / "blobs", keyring)
    return Store(PackedBlobs(files, engine, keyring), files, engine, keyring)


def read(store: Store, digest: Digest) -> bytes:
    with store.blobs.open(digest) as plain:
        return plain.read()


def test_rows_are_read_as_files_are(store: Store) -> None:
    digests = store.pack(*TEXTS)
    assert digests == [hashlib.sha256(one).hexdigest() for one in TEXTS]
    assert [read(store, one) for one in digests] == TEXTS
    with store.blobs.open(digests[2]) as plain:
        plain.seek(5_000)
        assert plain.read(100) == TEXTS[2][5_000:5_100]
    assert list(store.files.digests()) == [], "no file was written"
    assert sorted(one for one, _at in store.blobs.digests()) == sorted(digests)
    assert all(NOW <= at <= datetime.now(UTC) for _one, at in store.blobs.digests())
    assert all(map(store.blobs.exists, digests))
    assert all(map(store.blobs.verify, digests))
    assert store.blobs.in_clear({*digests, Digest("0" * 64)}) == (set(digests) if store.keyring is None else set())
    assert store.keys() == ([] if store.keyring is None else sorted(digests))
    for digest in digests:
        stored = store.row(digest)
        assert stored is not None
        assert b"ministre" not in stored
        assert (key_id_of(stored[:KEYED]) is None) == (store.keyring is None)
        assert store.blobs.key_of(digest) == key_id_of(stored[:KEYED])


def test_many_rows_are_listed_once_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs_packed, "AT_ONCE", 3)
    digests = store.pack(*(f"texte {n}".encode() for n in range(6)))
    file = store.blobs.put(io.BytesIO(b"a file")).digest
    assert sorted(one for one, _at in store.blobs.digests()) == sorted([*digests, file])
    assert len(store.blobs.in_clear([*digests, file])) == (7 if store.keyring is None else 0)


def test_what_is_in_neither_is_missing(store: Store) -> None:
    for name in ("0" * 64, "../../etc/passwd"):
        digest = Digest(name)
        for act in (store.blobs.open, store.blobs.open_stored, store.blobs.key_of):
            with pytest.raises(NotFound, match="blob.missing"):
                act(digest)
    assert not store.blobs.exists(Digest("0" * 64))
    assert not store.blobs.verify(Digest("0" * 64))
    assert not store.blobs.encrypt(Digest("0" * 64))
    store.blobs.delete(Digest("0" * 64))


def test_every_altered_byte_of_a_row_is_found(store: Store) -> None:
    (digest,) = store.pack(b"a letter")
    stored = store.row(digest)
    assert stored is not None
    for place in range(len(stored)):
        store.change(digest, stored=stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
        # A change that opens as the very same bytes harms nobody: two bits of the head of compressed bytes say how hard they were tried.
        assert not store.blobs.verify(digest) or read(store, digest) == b"a letter", place
    store.change(digest, stored=b"")
    assert not store.blobs.verify(digest)
    with pytest.raises(EngineFailed, match=r"blob\.header"):
        store.blobs.open(digest)
    store.change(digest, stored=stored)
    assert store.blobs.verify(digest)


def test_a_row_becomes_a_file_of_another_store_as_it_is_and_comes_back(store: Store, tmp_path: Path) -> None:
    digests = store.pack(*TEXTS)
    other = FileBlobs(tmp_path / "other", store.keyring)
    for digest in digests:
        key_id, stored = store.blobs.open_stored(digest)
        with stored:
            other.put_stored(digest, stored)
        assert other.verify(digest)
        assert other.key_of(digest) == (bytes.fromhex(key_id) or None)
        _, back = other.open_stored(digest)
        with back:
            store.blobs.put_stored(digest, back)
        assert not store.files.exists(digest), "its row is there"
    store.change(digests[1], stored=b"rubbish")
    _, back = other.open_stored(digests[1])
    with back:
        store.blobs.put_stored(digests[1], back)
    assert read(store, digests[1]) == TEXTS[1]


def test_of_bytes_in_both_the_file_is_read_and_each_can_go(store: Store) -> None:
    (digest,) = store.pack(b"twice")
    store.blobs.put(io.BytesIO(b"twice"))
    assert store.files.exists(digest)
    assert store.keys() == ([] if store.keyring is None else [digest] * 2)
    store.change(digest, stored=b"rubbish")
    assert store.blobs.verify(digest), "nobody reads the row"
    store.blobs.delete(digest)
    assert not store.blobs.exists(digest)
    assert store.row(digest) is None


def test_an_altered_file_is_told_although_its_row_is_whole(store: Store, tmp_path: Path) -> None:
    (digest,) = store.pack(b"twice")
    store.blobs.put(io.BytesIO(b"twice"))
    (path,) = (tmp_path / "blobs").glob("??/??/*")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert not store.blobs.verify(digest)


def test_a_disposal_leaves_neither_row_nor_key(store: Store) -> None:
    digest, stays = store.pack(b"to destroy", b"stays")
    before = store.row(digest)
    assert not store.blobs.discard(digest, written_before=YESTERDAY, because=WHY), "it is new"
    assert store.row(digest) == before
    assert read(store, digest) == b"to destroy"
    assert store.blobs.discard(digest, written_before=TOMORROW, because=WHY)
    assert not store.blobs.exists(digest)
    assert store.row(digest) is None
    assert not store.blobs.discard(digest, written_before=TOMORROW, because=WHY), "gone already"
    assert read(store, stays) == b"stays"
    if store.keyring is not None:
        assert store.keys() == [stays]
        assert {(one.digest, one.because, one.is_key) for one in store.blobs.tombstones()} == {(digest, WHY, True)}
        assert before is not None
        store.pack(b"to destroy")
        store.change(digest, stored=before)  # as an older copy of the database has it
        with pytest.raises(NotFound, match=r"blob\.no_key"):
            store.blobs.open(digest)
        assert not store.blobs.verify(digest)


def test_a_removal_that_was_killed_between_key_and_row_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (digest,) = store.pack(b"to destroy")

    def killed(_engine: Engine) -> Session:
        raise KeyboardInterrupt

    monkeypatch.setattr(blobs_packed, "write_session", killed)
    with pytest.raises(KeyboardInterrupt):
        store.blobs.discard(digest, written_before=TOMORROW, because=WHY)
    monkeypatch.undo()
    assert store.keys() == []
    assert store.blobs.discard(digest, written_before=TOMORROW, because=WHY)
    assert not store.blobs.exists(digest)


def test_whoever_packs_bytes_while_they_are_removed_has_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both orders: the removal looks, the import commits, the removal goes on."""
    (digest,) = store.pack(b"again")
    store.change(digest, written_at=YESTERDAY - timedelta(days=1))

    def after_an_import(engine: Engine) -> Session:
        monkeypatch.undo()
        assert store.pack(b"again") == [digest]
        return write_session(engine)

    monkeypatch.setattr(blobs_packed, "write_session", after_an_import)
    assert not store.blobs.discard(digest, written_before=YESTERDAY)
    assert read(store, digest) == b"again"
    assert store.keys() == ([] if store.keyring is None else [digest])


def test_a_removal_waits_for_the_import_that_writes_the_row(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: the removal waits for the whole import")
    (digest,) = store.pack(b"again")
    store.change(digest, written_at=YESTERDAY - timedelta(days=1))
    with write_session(store.engine) as session, ThreadPoolExecutor(1) as pool:
        packed.write(session, store.blobs.sealed([b"again"]) or [])
        removal = pool.submit(store.blobs.discard, digest, written_before=YESTERDAY)
        with pytest.raises(TimeoutError):
            removal.result(timeout=1)
        session.commit()
        assert not removal.result(timeout=30)
    assert read(store, digest) == b"again"


def test_bytes_of_a_rolled_back_import_are_not_there(store: Store) -> None:
    sealed = store.blobs.sealed([b"rolled back"]) or []
    with write_session(store.engine) as session:
        packed.write(session, sealed)
        session.rollback()
    assert not store.blobs.exists(sealed[0].digest)


def test_bytes_twice_in_one_piece_are_one_row(store: Store) -> None:
    first, second = store.pack(b"one text", b"one text")
    assert first == second
    assert read(store, first) == b"one text"
    assert [one for one, _at in store.blobs.digests()] == [first]


def test_a_row_of_before_the_keyring_is_encrypted_in_its_place(store: Store, tmp_path: Path) -> None:
    clear = Store(PackedBlobs(FileBlobs(tmp_path / "blobs"), store.engine), store.files, store.engine, None)
    digest, altered = clear.pack(b"clear", b"altered")
    stored = clear.row(digest)
    clear.change(altered, stored=stored)
    if store.keyring is None:
        assert not store.blobs.encrypt(digest)
        return
    assert store.blobs.in_clear([digest]) == {digest}
    assert store.blobs.encrypt(digest)
    assert not store.blobs.encrypt(digest), "it is"
    assert store.blobs.in_clear([digest]) == set()
    assert read(store, digest) == b"clear"
    with pytest.raises(EngineFailed, match=r"blob\.no_keyring"):
        clear.blobs.open(digest)
    with pytest.raises(EngineFailed, match=r"blob\.altered"):
        store.blobs.encrypt(altered)
    assert store.keys() == [digest]


def test_beside_a_store_under_a_lock_no_row_is_made_and_those_of_before_are_read(store: Store) -> None:
    (digest,) = store.pack(b"of before")
    locked = PackedBlobs(store.files, store.engine, store.keyring, packs=lambda: False)
    assert locked.sealed([b"a text"]) is None
    assert locked.verify(digest)


def test_keys_of_a_piece_are_kept_together_and_renewed_with_the_others(store: Store) -> None:
    if store.keyring is None:
        assert store.blobs.sealed([]) == []
        return
    digests = store.pack(*TEXTS)
    masters = set(store.keyring.master.all())
    assert list(store.keyring.rotate())[-1] == 0
    assert set(store.keyring.master.all()).isdisjoint(masters)
    assert [read(store, one) for one in digests] == TEXTS
