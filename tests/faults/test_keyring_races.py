"""The keyring and the stored files while others work: two new master keys at once, a file encrypted while it is read or removed."""

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.keyring import Keyring
from ged.adapters.master_keys import MASTER, MasterKeys, new_key
from ged.db import make_engine
from ged.errors import NotFound
from ged.ports import Digest
from tests.lock_kit import outcomes

PLACES = ["file", pytest.param("postgresql", marks=pytest.mark.servers)]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine | None]:
    if request.param == "file":
        yield None
        return
    make_database: Callable[[], str] = request.getfixturevalue("make_database")
    made = make_engine(make_database())
    yield made
    made.dispose()


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    made = Keyring(tmp_path / "keyring")
    made.prepare()
    return made


def kept(blobs: FileBlobs, content: bytes) -> Digest:
    return blobs.put(io.BytesIO(content)).digest


def file_of(folder: Path, digest: Digest) -> Path:
    return folder / "blobs" / digest[:2] / digest[2:4] / digest


@pytest.mark.parametrize("engine", PLACES, indirect=True)
def test_two_new_master_keys_at_once_lose_no_document(tmp_path: Path, engine: Engine | None) -> None:
    keyrings = [Keyring(tmp_path / "keyring", engine) for _ in range(2)]
    keyrings[0].prepare()
    blobs = FileBlobs(tmp_path / "blobs", keyrings[0])
    digests = [kept(blobs, b"letter %d" % n) for n in range(8)]
    both = threading.Barrier(2)

    def rotate(keyring: Keyring) -> int:
        both.wait()
        return list(keyring.rotate())[-1]

    assert outcomes(*[lambda one=one: rotate(one) for one in keyrings]) == [0, 0]
    assert all(blobs.verify(one) for one in digests)
    assert len(keyrings[0].master.all()) == 1


def test_two_that_start_at_once_make_one_master_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one stores a file while the first makes its master key."""
    first, second = Keyring(tmp_path / "keyring"), Keyring(tmp_path / "keyring")
    digests: list[Digest] = []

    def at_once() -> None:
        second.prepare()
        digests.append(kept(FileBlobs(tmp_path / "blobs", second), b"a letter"))

    other = threading.Thread(target=at_once)

    def late() -> bytes:
        if other.ident is None:
            other.start()
            other.join(0.3)  # without a lock it has ended by then; with it, it waits for us
        return new_key()

    monkeypatch.setattr("ged.adapters.master_keys.new_key", late)
    first.prepare()
    other.join()
    assert FileBlobs(tmp_path / "blobs", first).verify(digests[0])


@pytest.mark.parametrize("engine", PLACES, indirect=True)
def test_a_file_stored_after_the_last_key_was_counted_keeps_its_master_key(
    tmp_path: Path, engine: Engine | None
) -> None:
    """The moment between the count and the removal of the earlier master key."""
    keyring = Keyring(tmp_path / "keyring", engine)
    keyring.prepare()
    blobs = FileBlobs(tmp_path / "blobs", keyring)
    first = kept(blobs, b"before")
    wrap, late = Keyring._wrap, list[Digest]()

    def by_a_process_that_read_the_master_keys_before(
        self: Keyring, key_id: bytes, digest: Digest, key: bytes
    ) -> tuple[int, bytes]:
        earlier = {number: one for number, one in self.master.all().items() if number == 1}
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(MasterKeys, "all", lambda _: earlier)
            return wrap(self, key_id, digest, key)

    for left in keyring.rotate():
        if left == 0 and not late:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(Keyring, "_wrap", by_a_process_that_read_the_master_keys_before)
                late.append(kept(blobs, b"between"))
    assert blobs.verify(first)
    assert blobs.verify(late[0])
    assert sorted(keyring.master.all()) == [2]


def test_what_a_killed_writer_left_of_the_master_keys_is_removed(keyring: Keyring, tmp_path: Path) -> None:
    draft = tmp_path / "keyring" / f".{MASTER}.0badf00d"
    draft.write_bytes((tmp_path / "keyring" / MASTER).read_bytes())
    assert list(keyring.rotate()) == [0]
    assert not draft.exists()


def test_a_file_is_read_while_it_is_encrypted(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each opening of the file, it is encrypted in the moment after."""
    digest = kept(FileBlobs(tmp_path / "blobs"), b"an old scan")
    blobs, other = FileBlobs(tmp_path / "blobs", keyring), FileBlobs(tmp_path / "blobs", keyring)
    path = file_of(tmp_path, digest)
    real = (Path.open, os.open)
    is_encrypted = False

    def then_encrypted(found: object, place: object) -> object:
        nonlocal is_encrypted
        if Path(str(place)) == path and not is_encrypted:
            is_encrypted = True
            assert other.encrypt(digest)
        return found

    monkeypatch.setattr(Path, "open", lambda place, *a, **k: then_encrypted(real[0](place, *a, **k), place))
    monkeypatch.setattr(os, "open", lambda place, *a, **k: then_encrypted(real[1](place, *a, **k), place))
    with blobs.open(digest) as plain:
        assert plain.read() == b"an old scan"
    assert is_encrypted
    assert blobs.key_of(digest) is not None


def test_what_is_removed_while_it_is_encrypted_does_not_come_back(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = kept(FileBlobs(tmp_path / "blobs"), b"disposed of")
    blobs = FileBlobs(tmp_path / "blobs", keyring)
    keep = Keyring.keep

    def late(self: Keyring, key_id: bytes, of: Digest, key: bytes) -> None:
        keep(self, key_id, of, key)
        blobs.delete(digest)

    monkeypatch.setattr(Keyring, "keep", late)
    assert not blobs.encrypt(digest)
    assert not blobs.exists(digest)
    assert keyring.count() == 0
    with pytest.raises(NotFound):
        blobs.open(digest)
