"""Encrypted files: read from any place; changed, cut or moved they are refused; their keys are destroyed and renewed."""

import io
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from ged.adapters import blob_frames
from ged.adapters.blob_frames import FRAME, KEYED, TAG, FrameReader, FrameWriter
from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.keyring import BOOK, Keyring
from ged.adapters.master_keys import MASTER, new_key
from ged.db import make_engine
from ged.errors import ConfigError, EngineFailed, NotFound
from ged.ports import ByDisposal, Digest
from tests.lock_kit import outcomes

KEY_ID = bytes(range(16))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    made = Keyring(tmp_path / "keyring")
    made.prepare()
    return made


@pytest.fixture
def blobs(tmp_path: Path, keyring: Keyring) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs", keyring)


def kept(blobs: FileBlobs, content: bytes) -> Digest:
    return blobs.put(io.BytesIO(content)).digest


def read(blobs: FileBlobs, digest: Digest) -> bytes:
    with blobs.open(digest) as plain:
        return plain.read()


def file_of(folder: Path, digest: Digest) -> Path:
    return folder / "blobs" / digest[:2] / digest[2:4] / digest


def written(path: Path, content: bytes, key: bytes) -> None:
    with path.open("wb") as out:
        frames = FrameWriter(out, key, KEY_ID)
        frames.write(content)
        frames.finish()


# --- frames


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 7])
def test_a_file_of_any_length_is_read_back(blobs: FileBlobs, size: int) -> None:
    content = os.urandom(size)
    digest = kept(blobs, content)
    assert read(blobs, digest) == content
    assert blobs.verify(digest)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 70)), max_size=12), st.integers(0, 170))
def test_any_part_is_read_from_any_place(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]], size: int
) -> None:
    content, key = bytes(n % 251 for n in range(size)), new_key()
    path = tmp_path_factory.getbasetemp() / "any-part"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blob_frames, "FRAME", 32)
        written(path, content, key)
        plain = FrameReader(io.FileIO(path), key, name=path.name)
        with io.BufferedReader(plain, 32) as file:
            for place, length in parts:
                file.seek(place)
                assert file.read(length) == content[place : place + length]


def test_nothing_of_the_content_is_in_the_file(blobs: FileBlobs, tmp_path: Path) -> None:
    digest = kept(blobs, b"Monsieur le Ministre" * 5000)
    raw = file_of(tmp_path, digest).read_bytes()
    assert b"Monsieur" not in raw
    assert b"Ministre" not in (tmp_path / "keyring" / BOOK).read_bytes()


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_frames, "FRAME", 32)
    path, key = tmp_path / "file", new_key()
    written(path, bytes(100), key)
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(EngineFailed, match="blob.unreadable"):
            FrameReader(io.FileIO(path), key, name=path.name).readall()


def test_frames_that_are_moved_left_out_or_of_another_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_frames, "FRAME", 32)
    path, key, step = tmp_path / "file", new_key(), 32 + TAG
    written(path, bytes(100), key)
    raw = path.read_bytes()
    head, frames = raw[:KEYED], [raw[KEYED + n * step : KEYED + (n + 1) * step] for n in range(4)]
    written(path, bytes(100), new_key())
    other = path.read_bytes()[KEYED : KEYED + step]
    for wrong in (
        [frames[1], frames[0], *frames[2:]],
        [*frames[:2], frames[3]],
        [frames[0], frames[1], frames[1], frames[3]],
        [other, *frames[1:]],
        frames[:3],
    ):
        path.write_bytes(head + b"".join(wrong))
        with pytest.raises(EngineFailed, match="blob.unreadable"):
            FrameReader(io.FileIO(path), key, name=path.name).readall()


# --- keys


def test_a_document_whose_key_is_destroyed_cannot_be_read_from_a_copy_of_the_data(
    blobs: FileBlobs, tmp_path: Path
) -> None:
    gone, stays = kept(blobs, b"disposed of"), kept(blobs, b"stays")
    copy = file_of(tmp_path, gone).read_bytes()
    blobs.delete(gone)
    file_of(tmp_path, gone).write_bytes(copy)
    with pytest.raises(NotFound, match="blob.no_key"):
        blobs.open(gone)
    assert not blobs.verify(gone)
    assert read(blobs, stays) == b"stays"
    assert kept(blobs, b"disposed of") == gone, "handed in again, it is stored again"
    assert read(blobs, gone) == b"disposed of"


def test_a_swept_file_takes_its_key_along(blobs: FileBlobs, keyring: Keyring, tmp_path: Path) -> None:
    digest = kept(blobs, b"left over")
    os.utime(file_of(tmp_path, digest), (1_000_000_000, 1_000_000_000))
    ((_, named, made_at),) = keyring.listed()
    assert named == digest
    assert blobs.discard(digest, written_before=made_at)
    assert keyring.count() == 0


def test_a_key_that_a_disposal_destroyed_does_not_come_back_with_an_older_copy(
    blobs: FileBlobs, keyring: Keyring, tmp_path: Path
) -> None:
    gone, stays = kept(blobs, b"periodic papers"), kept(blobs, b"papers of today")
    before = tmp_path / "before"
    before.mkdir()
    keyring.copy_to(before)
    ((key_id, made_at),) = [(one, at) for one, digest, at in keyring.listed() if digest == gone]
    why = ByDisposal(7, 3, made_at)
    assert blobs.discard(gone, written_before=datetime.now(UTC) + timedelta(days=1), because=why)
    (told,) = blobs.tombstones()
    assert (told.key_id, told.digest, told.because) == (key_id, gone, why)
    assert keyring.bring(before) == 0
    assert keyring.without_key({gone, stays}) == {gone}
    after = tmp_path / "after"
    after.mkdir()
    keyring.copy_to(after)
    other = Keyring(tmp_path / "other")
    assert other.bring(before) == 2
    assert other.bring(after) == 0
    assert other.without_key({gone, stays}) == {gone}, "a later copy destroys here what it tells of"
    assert [one.key_id for one in other.destroyed()] == [key_id]
    again = kept(blobs, b"periodic papers")
    assert (again, keyring.without_key({again})) == (gone, set()), "handed in again, under another key"
    assert keyring.bring(before) == 0
    assert read(blobs, again) == b"periodic papers"


def test_a_keyring_of_an_earlier_release_tells_of_no_disposal(
    keyring: Keyring, blobs: FileBlobs, tmp_path: Path
) -> None:
    digest = kept(blobs, b"a letter")
    before = tmp_path / "before"
    before.mkdir()
    keyring.copy_to(before)
    with sqlite3.connect(before / BOOK) as book:
        book.execute("DROP TABLE destroyed_keys")
    book.close()
    assert Keyring(before).destroyed() == []
    other = Keyring(tmp_path / "other")
    assert other.bring(before) == 1
    assert other.without_key({digest}) == set()


def test_what_is_in_clear_is_told(blobs: FileBlobs, tmp_path: Path) -> None:
    clear, keyed = kept(FileBlobs(tmp_path / "blobs"), b"in clear"), kept(blobs, b"under a key")
    assert blobs.in_clear({clear, keyed, Digest("0" * 64)}) == {clear}, "not what is not there"
    assert FileBlobs(tmp_path / "blobs").in_clear({clear, keyed}) == {clear, keyed}
    assert FileBlobs(tmp_path / "blobs").tombstones() == []


def test_without_the_keyring_nothing_is_read(blobs: FileBlobs, tmp_path: Path) -> None:
    digest = kept(blobs, b"a letter")
    with pytest.raises(EngineFailed, match="blob.no_keyring"):
        FileBlobs(tmp_path / "blobs").open(digest)
    empty = Keyring(tmp_path / "another")
    empty.prepare()
    with pytest.raises(NotFound, match="blob.no_key"):
        FileBlobs(tmp_path / "blobs", empty).open(digest)


def test_a_keyring_without_its_master_key_makes_no_other_one(keyring: Keyring, tmp_path: Path) -> None:
    FileBlobs(tmp_path / "blobs", keyring).put(io.BytesIO(b"a letter"))
    place = tmp_path / "keyring" / MASTER
    kept_aside = place.read_bytes()
    for wrong in (None, b"", b"{}", b'{"keys": {"1": "short"}}', b"[1]"):
        place.unlink(missing_ok=True)
        if wrong is not None:
            place.write_bytes(wrong)
        with pytest.raises(ConfigError, match="keyring.unreadable"):
            keyring.prepare()
            FileBlobs(tmp_path / "blobs", keyring).put(io.BytesIO(b"another letter"))
    place.write_bytes(kept_aside)
    assert list(keyring.rotate())[-1] == 0


def test_only_the_owner_reads_the_keyring(keyring: Keyring, tmp_path: Path) -> None:
    assert keyring.count() == 0
    assert stat.S_IMODE((tmp_path / "keyring").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keyring" / MASTER).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keyring" / BOOK).stat().st_mode) == 0o600


def test_a_new_master_key_rewrites_no_file(blobs: FileBlobs, keyring: Keyring, tmp_path: Path) -> None:
    digests = [kept(blobs, b"letter %d" % n) for n in range(20)]
    before = {digest: file_of(tmp_path, digest).read_bytes() for digest in digests}
    old = (tmp_path / "keyring" / MASTER).read_bytes()
    assert list(keyring.rotate()) == [0]
    assert sorted(keyring.master.all()) == [2]
    assert {digest: file_of(tmp_path, digest).read_bytes() for digest in digests} == before
    assert all(blobs.verify(digest) for digest in digests)
    (tmp_path / "keyring" / MASTER).write_bytes(old)
    with pytest.raises(ConfigError, match="keyring.no_master"):
        blobs.open(digests[0])


def test_a_rotation_that_was_interrupted_goes_on(
    blobs: FileBlobs, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [kept(blobs, b"letter %d" % n) for n in range(5)]
    monkeypatch.setattr("ged.adapters.keyring.AT_ONCE", 2)
    assert next(keyring.rotate()) == 3
    assert sorted(keyring.master.all()) == [1, 2]
    assert all(blobs.verify(digest) for digest in digests)
    assert list(keyring.rotate()) == [1, 0]
    assert sorted(keyring.master.all()) == [2]


def test_a_file_that_is_stored_while_the_master_key_changes_is_read(
    blobs: FileBlobs, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes a new master key waits for whoever has read the earlier one."""
    wrap = Keyring._wrap
    rotation = threading.Thread(target=lambda: list(keyring.rotate()))

    def late(self: Keyring, key_id: bytes, digest: Digest, key: bytes) -> tuple[int, bytes]:
        found = wrap(self, key_id, digest, key)
        if rotation.ident is None:
            rotation.start()
        return found

    monkeypatch.setattr(Keyring, "_wrap", late)
    digest = kept(blobs, b"meanwhile")
    rotation.join()
    assert read(blobs, digest) == b"meanwhile"
    assert sorted(keyring.master.all()) == [2]


def test_a_key_moved_to_another_document_is_refused(blobs: FileBlobs, keyring: Keyring) -> None:
    one, other = kept(blobs, b"one"), kept(blobs, b"other")
    key_id = blobs.key_of(one)
    assert key_id is not None
    with pytest.raises(EngineFailed, match="keyring.altered"):
        keyring.key(key_id, other)


def test_bytes_that_two_store_at_once_are_read(blobs: FileBlobs) -> None:
    for n in range(20):
        content = b"scan %d" % n
        outcomes(*[lambda content=content: blobs.put(io.BytesIO(content))] * 3)
        assert read(blobs, blobs.put(io.BytesIO(content)).digest) == content


# --- files from before


def test_clear_files_are_read_beside_encrypted_ones_and_encrypted_later(blobs: FileBlobs, tmp_path: Path) -> None:
    clear = FileBlobs(tmp_path / "blobs")
    old, wrong = kept(clear, b"an old scan"), kept(clear, b"a torn scan")
    raw = file_of(tmp_path, wrong).read_bytes()
    file_of(tmp_path, wrong).write_bytes(raw[:-1] + b"!")
    assert read(blobs, old) == b"an old scan"
    assert blobs.key_of(old) is None
    assert blobs.encrypt(old)
    assert not blobs.encrypt(old)
    assert not blobs.encrypt(Digest("0" * 64))
    assert blobs.key_of(old) is not None
    assert read(blobs, old) == b"an old scan"
    with pytest.raises(EngineFailed, match="blob.altered"):
        blobs.encrypt(wrong)
    assert blobs.key_of(wrong) is None
    assert not list((tmp_path / "blobs" / "incoming").iterdir())


# --- a keyring of several hosts


@pytest.fixture
def engine(make_database: Callable[[], str]) -> Iterator[Engine]:
    made = make_engine(make_database())
    yield made
    made.dispose()


@pytest.mark.servers
def test_the_keys_of_several_hosts_are_in_postgresql(tmp_path: Path, engine: Engine) -> None:
    first, second = Keyring(tmp_path / "keyring", engine), Keyring(tmp_path / "keyring", engine)
    first.prepare()
    second.prepare()
    here, there = FileBlobs(tmp_path / "blobs", first), FileBlobs(tmp_path / "blobs", second)
    digests = [kept(here, b"letter %d" % n) for n in range(3)]
    assert [read(there, one) for one in digests] == [b"letter 0", b"letter 1", b"letter 2"]
    assert list(second.rotate()) == [0]
    there.delete(digests[0])
    assert [here.verify(one) for one in digests] == [False, True, True]
    assert {digest for _, digest, _ in first.listed()} == set(digests[1:])
    assert not (tmp_path / "keyring" / BOOK).exists()


# --- copies


@pytest.mark.parametrize("kept_in", ["file", pytest.param("postgresql", marks=pytest.mark.servers)])
def test_a_copy_of_files_and_keyring_is_brought_back(
    blobs: FileBlobs, keyring: Keyring, tmp_path: Path, kept_in: str, request: pytest.FixtureRequest
) -> None:
    digests = [kept(blobs, b"letter %d" % n) for n in range(3)]
    stored = {digest: stored_bytes(blobs, digest) for digest in digests}
    (tmp_path / "copy").mkdir()
    keyring.copy_to(tmp_path / "copy")
    engine = request.getfixturevalue("engine") if kept_in == "postgresql" else None
    there = Keyring(tmp_path / "there", engine)
    assert there.bring(tmp_path / "copy") == 3
    assert there.bring(tmp_path / "copy") == 0
    files = FileBlobs(tmp_path / "restored", there)
    for digest in digests:
        files.put_stored(digest, io.BytesIO(stored[digest]))
        assert stored_bytes(files, digest) == stored[digest]
    assert [read(files, one) for one in digests] == [b"letter 0", b"letter 1", b"letter 2"]


def stored_bytes(blobs: FileBlobs, digest: Digest) -> bytes:
    _, file = blobs.open_stored(digest)
    with file:
        return file.read()


def test_a_file_whose_key_was_destroyed_since_is_not_brought_back(
    blobs: FileBlobs, keyring: Keyring, tmp_path: Path
) -> None:
    gone, stays = kept(blobs, b"disposed of"), kept(blobs, b"stays")
    copy = {digest: stored_bytes(blobs, digest) for digest in (gone, stays)}
    blobs.delete(gone)
    (tmp_path / "copy").mkdir()
    keyring.copy_to(tmp_path / "copy")
    there = Keyring(tmp_path / "there")
    there.bring(tmp_path / "copy")
    files = FileBlobs(tmp_path / "restored", there)
    files.put_stored(stays, io.BytesIO(copy[stays]))
    with pytest.raises(NotFound, match="blob.no_key"):
        files.put_stored(gone, io.BytesIO(copy[gone]))
    assert [digest for digest, _ in files.digests()] == [stays]
    assert not list((tmp_path / "restored" / "incoming").iterdir())


def test_what_is_not_the_file_is_not_brought_back(blobs: FileBlobs) -> None:
    one, other = kept(blobs, b"one"), kept(blobs, b"other")
    raw = stored_bytes(blobs, one)
    file = io.BytesIO(raw)
    blobs.put_stored(one, io.BytesIO(b"whatever"))  # it is there and can be read: nothing is written
    assert read(blobs, one) == b"one"
    blobs.delete(other)
    for wrong in (raw, b"", raw[:-1], blob_frames.MAGIC, b"GEDBLOB\x01\0\0\0\0something else"):
        with pytest.raises((EngineFailed, NotFound), match=r"blob.altered|keyring.altered"):
            blobs.put_stored(other, io.BytesIO(wrong))
        assert not blobs.exists(other)
    assert file.read() == raw


def test_a_copy_of_another_keyring_is_refused(keyring: Keyring, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    keyring.copy_to(tmp_path / "copy")
    other = Keyring(tmp_path / "other")
    other.prepare()
    with pytest.raises(ConfigError, match="keyring.other"):
        other.bring(tmp_path / "copy")


def test_a_copy_made_while_the_master_key_changes_opens_everything(
    blobs: FileBlobs, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [kept(blobs, b"letter %d" % n) for n in range(6)]
    monkeypatch.setattr("ged.adapters.keyring.AT_ONCE", 2)
    pages = Keyring._pages

    def changed(self: Keyring) -> Iterator[object]:
        for n, rows in enumerate(pages(self)):
            yield rows
            if n == 0:
                assert list(keyring.rotate())[-1] == 0

    (tmp_path / "copy").mkdir()
    monkeypatch.setattr(Keyring, "_pages", changed)
    keyring.copy_to(tmp_path / "copy")
    monkeypatch.setattr(Keyring, "_pages", pages)
    there = Keyring(tmp_path / "there")
    there.bring(tmp_path / "copy")
    for digest in digests:
        key_id = blobs.key_of(digest)
        assert key_id is not None
        assert there.key(key_id, digest) == keyring.key(key_id, digest)
