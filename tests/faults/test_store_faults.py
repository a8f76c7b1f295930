"""The S3 store is away, busy, slow, cuts off, loses answers, locks: nothing hangs, nothing is lost, nothing is called broken."""

import errno
import io
import os
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ged.adapters import blobs_s3, s3, s3_wire
from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.keyring import Keyring
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Lock, Place
from ged.errors import DiskFull, EngineFailed, NotFound
from ged.ports import Digest
from tests import s3_kit
from tests.s3_kit import Line

pytestmark = pytest.mark.servers
LETTER = os.urandom(300_000)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    made = Keyring(tmp_path / "keyring")
    made.prepare()
    return made


@pytest.fixture
def place() -> Place:
    return s3_kit.new_place(s3_kit.store_url())


@pytest.fixture
def line(place: Place) -> Iterator[Line]:
    with s3_kit.line_to(place.endpoint) as made:
        yield made


@pytest.fixture
def blobs(place: Place, line: Line, tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> S3Blobs:
    """Over the line, with limits of a second."""
    monkeypatch.setattr(s3_wire, "READ_S", 0.5)
    monkeypatch.setattr(s3_wire, "ANSWER_S", 1.0)
    return S3Blobs(Bucket(replace(place, endpoint=line.url)), tmp_path / "drafts", keyring)


def kept(blobs: S3Blobs, content: bytes = LETTER) -> Digest:
    return blobs.put(io.BytesIO(content)).digest


def read(blobs: S3Blobs, digest: Digest) -> bytes:
    with blobs.open(digest) as plain:
        return plain.read()


@pytest.mark.parametrize(("how", "code"), [("refuse", "store.away"), ("busy", "store.busy"), ("hang", "store.slow")])
def test_a_store_that_does_not_serve_is_told_soon_and_serves_again(
    blobs: S3Blobs, line: Line, keyring: Keyring, how: str, code: str
) -> None:
    digest = kept(blobs)
    setattr(line, how, True)
    for what in (
        lambda: read(blobs, digest),
        lambda: blobs.verify(digest),
        lambda: blobs.exists(digest),
        lambda: kept(blobs, b"another letter"),
        lambda: blobs.delete(digest),
        lambda: list(blobs.digests()),
    ):
        begun = time.monotonic()
        with pytest.raises(EngineFailed, match=code) as failed:
            what()
        assert failed.value.retryable
        assert failed.value.remedy
        assert time.monotonic() - begun < 3 * (s3_wire.CONNECT_S + s3_wire.ANSWER_S) + 3
    setattr(line, how, False)
    assert read(blobs, digest) == LETTER
    assert blobs.verify(digest)
    assert read(blobs, kept(blobs, b"another letter")) == b"another letter"
    assert keyring.count() <= 3, "a key without a file may be left, a file without a key never"


def test_what_is_cut_off_is_read_again(blobs: S3Blobs, line: Line) -> None:
    digest = kept(blobs)
    line.cut_after, line.cuts = 150_000, 2
    assert read(blobs, digest) == LETTER
    line.cuts = 100
    with pytest.raises(EngineFailed, match=r"store\.away"):
        read(blobs, digest)


def test_a_byte_now_and_then_holds_nobody(blobs: S3Blobs, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = kept(blobs)
    monkeypatch.setattr(s3, "READ_ENDS_S", 1.0)
    line.drip_s = 0.005
    begun = time.monotonic()
    with pytest.raises(EngineFailed, match=r"store\.slow"):
        read(blobs, digest)
    assert time.monotonic() - begun < 10


def test_an_answer_that_is_lost_leaves_one_file_with_its_key(blobs: S3Blobs, line: Line, keyring: Keyring) -> None:
    """The store has written, we are not told, send again, and meet ourselves."""
    line.lose_answers_to = b"PUT"
    digest = kept(blobs)
    assert [one.partition(" ")[0] for one in line.asked].count("PUT") == 2
    assert read(blobs, digest) == LETTER
    assert keyring.count() == 1


def test_who_comes_second_with_the_same_bytes_leaves_no_key(
    blobs: S3Blobs, place: Place, tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, send = S3Blobs(Bucket(place), tmp_path / "other", keyring), S3Blobs._send

    def second(self: S3Blobs, *args: object, **options: object) -> bool:
        monkeypatch.setattr(S3Blobs, "_send", send)
        kept(other)
        return send(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(S3Blobs, "_send", second)
    assert read(blobs, kept(blobs)) == LETTER
    assert keyring.count() == 1


def test_a_part_that_is_altered_on_the_way_is_refused(
    blobs: S3Blobs, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "base64_of", lambda _: s3_wire.base64_of(bytes(32)))
    for content in (LETTER, bytes(9 << 20)):
        with pytest.raises(EngineFailed, match=r"store\.damaged"):
            kept(blobs, content)
    assert list(Bucket(place).listed()) == []
    assert Bucket(place).drop_unfinished(begun_before=datetime.now(UTC) + timedelta(days=1)) == 0


def test_what_a_killed_process_had_begun_to_send_is_dropped(place: Place) -> None:
    bare = s3_kit.client(place.endpoint)
    bare.create_multipart_upload(Bucket=place.bucket, Key=f"{place.prefix}ab/cd/half")
    bare.close()
    bucket = Bucket(place)
    assert bucket.drop_unfinished(begun_before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert bucket.drop_unfinished(begun_before=datetime.now(UTC) + timedelta(days=1)) == 1


def test_a_large_file_goes_through_little_memory(blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_wire, "ANSWER_S", 20.0)
    monkeypatch.setattr(s3_wire, "READ_S", 20.0)

    class Zeros(io.RawIOBase):
        left = 40 << 20

        def read(self, size: int = -1, /) -> bytes:
            given = min(size, self.left)
            self.left -= given
            return bytes(given)

    tracemalloc.start()
    try:
        stored = blobs.put(Zeros())  # type: ignore[arg-type]
        assert blobs.verify(stored.digest)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored.size_bytes == 40 << 20
    assert most < 24 << 20


def test_a_full_disk_of_ours_is_told_before_anything_is_sent(
    blobs: S3Blobs, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs_s3, "write_draft", full)
    with pytest.raises(DiskFull, match=r"disk\.full"):
        kept(blobs)
    assert line.asked == []


# --- locks, versions, marks


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_what_is_disposed_of_under_a_lock_is_read_by_nobody(tmp_path: Path, keyring: Keyring, mode: str) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock(mode, 1))  # type: ignore[arg-type]
    blobs = S3Blobs(Bucket(place), tmp_path / "drafts", keyring)
    gone, large = kept(blobs), kept(blobs, bytes(9 << 20))
    for digest in (gone, large):
        blobs.delete(digest)
        assert not blobs.exists(digest)
    assert keyring.count() == 0
    with s3_kit.bare(place) as bare:
        held = bare.list_object_versions(Bucket=place.bucket, Prefix=f"{place.prefix}{gone[:2]}")["Versions"]
        raw = bare.get_object(Bucket=place.bucket, Key=held[0]["Key"], VersionId=held[0]["VersionId"])["Body"].read()
        with pytest.raises(bare.exceptions.ClientError):
            bare.delete_object(Bucket=place.bucket, Key=held[0]["Key"], VersionId=held[0]["VersionId"])
    with pytest.raises(NotFound, match=r"blob\.no_key"):
        blobs.put_stored(gone, io.BytesIO(raw))
    assert read(blobs, kept(blobs)) == LETTER, "handed in again, it is stored again"


def test_a_clear_file_under_a_lock_is_not_said_to_be_disposed_of(tmp_path: Path, keyring: Keyring) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    blobs = S3Blobs(Bucket(place), tmp_path / "drafts")
    with pytest.raises(EngineFailed, match=r"store\.locked"):
        S3Blobs(Bucket(place), tmp_path / "drafts", keyring).encrypt(kept(blobs, b"its clear bytes stay"))
    with pytest.raises(EngineFailed, match=r"store\.locked"):
        blobs.delete(kept(blobs))


def test_no_earlier_version_stays_of_what_was_disposed_of_or_encrypted(tmp_path: Path, keyring: Keyring) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), versioned=True)
    clear, blobs = S3Blobs(Bucket(place), tmp_path / "drafts"), S3Blobs(Bucket(place), tmp_path / "drafts", keyring)
    stays, gone = kept(clear), kept(clear, b"gone")
    assert blobs.encrypt(stays)
    assert not blobs.encrypt(stays)
    assert read(blobs, stays) == LETTER
    blobs.delete(gone)
    with s3_kit.bare(place) as bare:
        told = bare.list_object_versions(Bucket=place.bucket)
    assert [one["Key"].rpartition("/")[2] for one in told["Versions"]] == [stays]
    assert "DeleteMarkers" not in told


def test_whoever_finds_bytes_under_a_look_waits_and_a_mark_that_was_left_is_removed(
    blobs: S3Blobs, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = kept(blobs)
    Bucket(place).put(f"going/{digest}", io.BytesIO(b"GED"))
    monkeypatch.setattr(blobs_s3, "WAIT_S", 0.3)
    monkeypatch.setattr(blobs_s3, "PAUSE_S", 0.05)
    with pytest.raises(EngineFailed, match=r"store\.busy"):
        kept(blobs)
    assert not blobs.discard(digest, written_before=datetime.now(UTC) + timedelta(days=1))
    mark = s3_kit.files_of(place) / "going" / digest
    os.utime(mark, (1_000_000_000, 1_000_000_000))
    assert kept(blobs) == digest
    assert not mark.exists()


@pytest.mark.parametrize("how", ["twice", "encrypted later", "name removed by others"])
def test_clear_bytes_under_a_lock_are_told_each_time_and_stay_listed(
    tmp_path: Path, keyring: Keyring, how: str
) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    blobs = S3Blobs(Bucket(place), tmp_path / "drafts", keyring)
    digest = kept(S3Blobs(Bucket(place), tmp_path / "drafts"))
    if how == "encrypted later":
        with pytest.raises(EngineFailed, match=r"store\.locked"):
            blobs.encrypt(digest)
    if how == "name removed by others":
        with s3_kit.bare(place) as bare:
            bare.delete_object(Bucket=place.bucket, Key=f"{place.prefix}{digest[:2]}/{digest[2:4]}/{digest}")
    for _ in range(2):
        with pytest.raises(EngineFailed, match=r"store\.locked"):
            blobs.delete(digest)
    assert keyring.count() == 0
    assert [one for one, _ in blobs.digests()] == [digest], "a later sweep finds it"
    later = datetime.now(UTC) + timedelta(days=1)
    assert not blobs.discard(digest, written_before=later), "one file under a lock does not end a sweep"


@pytest.mark.parametrize("forbidden", [b"retention", b"legal-hold", b"object-lock"])
@pytest.mark.parametrize("locks", [True, False])
def test_an_earlier_clear_version_counts_as_locked_where_we_may_not_ask_a_bucket_with_locks(
    tmp_path: Path, keyring: Keyring, locks: bool, forbidden: bytes
) -> None:
    lock = Lock("GOVERNANCE", 1) if locks else None
    place = replace(s3_kit.new_place(s3_kit.store_url(), lock=lock, versioned=not locks), lock=None)
    digest = kept(S3Blobs(Bucket(place), tmp_path / "drafts"))
    other = S3Blobs(Bucket(s3_kit.new_place(place.endpoint)), tmp_path / "drafts", keyring)
    kept(other)
    _, stored = other.open_stored(digest)
    with stored:
        Bucket(place).put(f"{digest[:2]}/{digest[2:4]}/{digest}", io.BytesIO(stored.read()))
    with s3_kit.line_to(place.endpoint) as line:
        blobs = S3Blobs(Bucket(replace(place, endpoint=line.url)), tmp_path / "drafts", keyring)
        assert blobs.in_clear({digest}) == set(), "the store says that nothing holds it"
        line.forbidden = forbidden
        may_be_held = locks and forbidden != b"object-lock"
        assert blobs.in_clear({digest}) == ({digest} if may_be_held else set())


def test_whoever_was_slow_leaves_the_mark_of_who_took_over(
    blobs: S3Blobs, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A removal that lasted until its mark counted as left: another run is at work on the file now."""
    digest, name = kept(blobs), f"going/{kept(blobs)}"
    looked, mark = Bucket.head, b""

    def slowly(bucket: Bucket, key: str) -> s3.Stored | None:
        nonlocal mark
        if key == f"renewed/{digest}" and not mark:
            with monkeypatch.context() as later:
                later.setattr(blobs_s3, "GOING_S", -5.0)
                mark = S3Blobs(Bucket(place), blobs._drafts)._mark_as_going(digest) or b""
        return looked(bucket, key)

    monkeypatch.setattr(Bucket, "head", slowly)
    assert not blobs.discard(digest, written_before=datetime.now(UTC) - timedelta(days=1)), "it is new"
    found = Bucket(place).read(name, 0, 99)
    assert mark
    assert found is not None
    assert found[0] == mark


def test_a_mark_that_is_taken_over_meanwhile_is_not_dropped_by_a_writer(
    blobs: S3Blobs, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = kept(blobs)
    other = S3Blobs(Bucket(place), blobs._drafts)
    assert other._mark_as_going(digest)
    monkeypatch.setattr(blobs_s3, "GOING_S", -5.0)
    looked = Bucket.now

    def meanwhile(bucket: Bucket) -> datetime:
        with monkeypatch.context() as asked:
            asked.setattr(Bucket, "now", looked)
            assert other._mark_as_going(digest)
        return looked(bucket)

    monkeypatch.setattr(Bucket, "now", meanwhile)
    assert not blobs._drop_if_left(digest)
    assert Bucket(place).head(f"going/{digest}")


def test_a_hidden_mark_with_many_versions_is_shown_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of the bucket locks marks too: each try adds a version, and a store lists a thousand at a time."""
    place = s3_kit.new_place(place.endpoint, versioned=True)
    bucket, key = Bucket(place), "going/mark"
    for n in range(5):
        bucket.put(key, io.BytesIO(b"%d" % n))
    with s3_kit.bare(place) as bare:
        bare.delete_object(Bucket=place.bucket, Key=f"{place.prefix}{key}")
        client = bucket._client("read")
        made = client.get_paginator

        def by_two(call: str) -> Any:
            pages = made(call)
            kept_paginate = pages.paginate
            pages.paginate = lambda **asked: kept_paginate(**asked, PaginationConfig={"PageSize": 2})
            return pages

        monkeypatch.setattr(client, "get_paginator", by_two)
        assert not bucket.unhide(key, written_before=datetime.now(UTC) - timedelta(days=1)), "something is new there"
        assert bucket.unhide(key, written_before=datetime.now(UTC) + timedelta(days=1))
        assert bucket.head(key) is not None


def test_no_version_stays_of_what_was_hidden_or_of_a_bucket_that_began_to_keep_versions(tmp_path: Path) -> None:
    place = s3_kit.new_place(s3_kit.store_url())
    blobs = S3Blobs(Bucket(place), tmp_path / "drafts")
    blobs.delete(kept(blobs, b"now this process knows that the bucket keeps no versions"))
    gone, hidden = kept(blobs, b"gone"), kept(blobs, b"hidden")
    with s3_kit.bare(place) as bare:
        bare.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
        blobs.delete(gone)
        bare.delete_object(Bucket=place.bucket, Key=f"{place.prefix}{hidden[:2]}/{hidden[2:4]}/{hidden}")
        blobs.delete(hidden)
        told = bare.list_object_versions(Bucket=place.bucket)
    assert not [one["Key"] for one in (*told.get("Versions", ()), *told.get("DeleteMarkers", ()))]


def test_an_object_without_a_byte_is_an_altered_file_and_is_replaced(blobs: S3Blobs, place: Place) -> None:
    digest = kept(blobs)
    Bucket(place).put(f"{digest[:2]}/{digest[2:4]}/{digest}", io.BytesIO())
    assert blobs.exists(digest)
    assert not blobs.verify(digest)
    assert blobs.key_of(digest) is None
    with pytest.raises(EngineFailed, match=r"blob\.header"):
        read(blobs, digest)
    assert read(blobs, kept(blobs)) == LETTER
    Bucket(place).put(f"going/{digest}", io.BytesIO())
    assert not blobs.discard(digest, written_before=datetime.now(UTC) + timedelta(days=1))


def test_who_writes_into_the_bucket_makes_us_destroy_no_key_of_another_file(
    blobs: S3Blobs, place: Place, keyring: Keyring
) -> None:
    one, other = kept(blobs), kept(blobs, b"another letter")
    _, stored = blobs.open_stored(other)
    with stored:
        Bucket(place).put(f"{one[:2]}/{one[2:4]}/{one}", io.BytesIO(stored.read()))
    blobs.delete(one)
    assert not blobs.exists(one)
    assert read(blobs, other) == b"another letter"


def test_a_removal_without_an_answer_leaves_its_mark(
    blobs: S3Blobs, place: Place, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may carry it out later: who hands the bytes in waits until then."""
    digest = kept(blobs)
    assert blobs.exists(digest)
    remove = Bucket.remove

    def lost(bucket: Bucket, key: str, **options: bool) -> bool:
        if key.endswith(f"/{digest}") and not key.startswith(("going", "renewed")):
            raise EngineFailed("store.slow", retryable=True)
        return remove(bucket, key, **options)

    monkeypatch.setattr(Bucket, "remove", lost)
    with pytest.raises(EngineFailed, match=r"store\.slow"):
        blobs.discard(digest, written_before=datetime.now(UTC) + timedelta(days=1))
    monkeypatch.setattr(blobs_s3, "WAIT_S", 0.3)
    with pytest.raises(EngineFailed, match=r"store\.busy"):
        kept(blobs)


def test_an_answer_that_ignores_the_asked_place_is_not_taken_for_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(place)
    bucket.put("x", io.BytesIO(LETTER))
    client = bucket._client("read")
    asked = client.get_object
    monkeypatch.setattr(client, "get_object", lambda **told: asked(**{k: v for k, v in told.items() if k != "Range"}))
    with pytest.raises(EngineFailed, match=r"store\.failed"):
        bucket.read("x", 10, 20)
    with pytest.raises(EngineFailed, match=r"store\.failed"):
        bucket.read("x", 0, 20)
    assert bucket.read("x", 0, len(LETTER)) is not None


def test_clear_bytes_go_through_no_proxy_of_the_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert Bucket(place).put("x", io.BytesIO(b"clear"))
