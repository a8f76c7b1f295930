"""Blobs in an S3 store: ``ab/cd/<digest>`` below the prefix. Each object is what ``blobs_fs`` has in a file, byte for byte, so that
files go from one to the other as they are.

A file is written and encrypted in a local draft first: its digest names it. It never replaces what is there and good.

Two small objects keep a sweep and a writer apart, over all hosts: ``renewed/<digest>``, whose time says when the bytes were
handed in again, and ``going/<digest>``, made by whoever looks whether they may go. A writer who finds the bytes renews first, then
waits until nobody is looking, then looks again; who removes has looked at the time of renewal in between.
"""

import hashlib
import io
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, cast

from ged.adapters.blob_drafts import CHUNK, HEADER, Written, drop_old_drafts, not_written, require_digest, write_draft
from ged.adapters.blob_frames import FRAME, KEYED, TAG, FrameReader, key_id_of
from ged.adapters.keyring import Keyring
from ged.adapters.s3 import Bucket
from ged.adapters.s3_reading import FIRST, Plain, Ranged
from ged.adapters.s3_wire import PART
from ged.errors import EngineFailed, NotFound
from ged.ports import ByDisposal, Digest, StoredBlob, Tombstone

LOOK_S, GOING_S, WAIT_S, PAUSE_S = 60.0, 600.0, 20.0, 0.25
"""Who looks whether bytes may go begins to remove them within ``LOOK_S``, or leaves them. A mark that is older than ``GOING_S`` was
left by a killed process, or by a removal without an answer: until then the store may still carry it out."""
TRIES = 4
HEADS_AT_ONCE = 16
MARK = b"GED"
UNFINISHED_AFTER = timedelta(days=1)
_BLOB = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/(\1\2[0-9a-f]{60})")


class _Found(Enum):
    ABSENT = auto()
    GOOD = auto()
    BAD = auto()


class S3Blobs:
    """Adapter of ``BlobStore`` over a bucket. ``store.*`` errors of ``ged.adapters.s3`` come from every call."""

    def __init__(self, bucket: Bucket, drafts: Path, keyring: Keyring | None = None) -> None:
        """No call is made: the site starts while the store is away.

        Args:
            drafts: a local folder, with room for the files that are written at once.
            keyring: encrypts what is stored from now on; None: new files are clear, and encrypted ones cannot be read.
        """
        self._bucket, self._drafts, self._keyring = bucket, drafts, keyring
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        drop_old_drafts(drafts)

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store a stream; see the port."""
        draft = self._drafts / secrets.token_hex(16)
        try:
            try:
                written = write_draft(draft, content, self._keyring)
            except OSError as error:
                raise not_written(error) from error
            self._store(draft, written)
        finally:
            draft.unlink(missing_ok=True)
        return StoredBlob(written.digest, written.size)

    def sealed(self, contents: Sequence[bytes]) -> None:
        """A store of files reads no rows; see the port."""

    def open(self, digest: Digest) -> BinaryIO:
        """Open plain bytes; see the port."""
        return self._opened(Ranged(self._bucket, _key(digest), digest), digest)

    def open_stored(self, digest: Digest) -> tuple[str, BinaryIO]:
        """The object as it is; see the port. Only its first bytes are fetched until more is read."""
        raw = Ranged(self._bucket, _key(digest), digest, first=KEYED)
        key_id = key_id_of(raw.start(KEYED))
        return (key_id.hex() if key_id is not None else ""), io.BufferedReader(raw, FRAME)

    def put_stored(self, digest: Digest, content: BinaryIO) -> None:
        """Put a file back; see the port."""
        draft = self._drafts / secrets.token_hex(16)
        try:
            if self.verify(digest):
                return
            try:
                with draft.open("xb") as out:
                    while chunk := content.read(CHUNK):
                        out.write(chunk)
            except OSError as error:
                raise not_written(error) from error
            with draft.open("rb") as stored:
                if not self._is_of(digest, self._opened(io.FileIO(stored.fileno(), closefd=False), digest)):
                    raise EngineFailed("blob.altered", "restore the file from another backup", digest=digest)
                stored.seek(0)
                self._bucket.put(_key(digest), stored)
        finally:
            draft.unlink(missing_ok=True)

    def exists(self, digest: Digest) -> bool:
        """Whether the object is there."""
        return self._bucket.head(_key(digest)) is not None

    def verify(self, digest: Digest) -> bool:
        """Whether the header is valid and the digest of the bytes equals the name."""
        try:
            return self._is_of(digest, self.open(digest))
        except NotFound:
            return False
        except EngineFailed as error:
            return _false_unless_away(error)

    def delete(self, digest: Digest) -> None:
        """Destroy its keys, and remove the object with its earlier versions.

        Raises:
            EngineFailed: ``store.locked``: the store keeps clear bytes under a lock, also as an earlier version; the name stays
                until they can go. Encrypted ones that it keeps are read by nobody: their keys are destroyed.
        """
        self._delete(digest, None)

    def _delete(self, digest: Digest, because: ByDisposal | None) -> None:
        key = _key(digest)
        # The key of each is destroyed before one is removed.
        closed = [self._close(digest, version, because) for version in self._bucket.versions(key) or [""]]
        are_closed = all(closed)
        if not self._bucket.remove(key, hides=are_closed) and not are_closed:
            raise EngineFailed("store.locked", "it can be removed when the lock of the store has ended", digest=digest)
        self._bucket.remove(_renewed(digest))

    def discard(self, digest: Digest, *, written_before: datetime, because: ByDisposal | None = None) -> bool:
        """Mark the object as going, look at its times once more, and only then remove it; see the port."""
        begun, mark = time.monotonic(), self._mark_as_going(digest)
        if mark is None:
            return False  # somebody else looks; the next sweep comes by again
        times = [one.written_at for one in map(self._bucket.head, (_key(digest), _renewed(digest))) if one]
        is_removed = bool(times) and max(times) < written_before and time.monotonic() - begun < LOOK_S
        if is_removed:
            try:
                self._delete(digest, because)
            except EngineFailed as error:
                if error.code != "store.locked":
                    raise  # the mark stays: a removal that had no answer may still come
                is_removed = False  # a sweep after the lock has ended comes by again
        if because is not None and self._keyring is not None and (is_removed or not times):
            self._keyring.destroy_all(digest, made_before=written_before, because=because)
        self._unmark(digest, mark)
        return is_removed

    def in_clear(self, digests: Collection[Digest]) -> set[Digest]:
        """Those without a key, and those of which the store keeps clear bytes under a lock as an earlier version; see the port."""
        unknown = self._keyring.without_key(digests) if self._keyring is not None else set(digests)
        wanted = sorted(digests)
        with ThreadPoolExecutor(HEADS_AT_ONCE) as readers:
            return {
                one for one, is_clear in zip(wanted, readers.map(self._is_clear, wanted), strict=True) if is_clear
            } | {one for one in unknown if self.exists(one)}

    def tell_destroyed(self, digests: Collection[Digest], because: ByDisposal) -> None:
        """Let the keyring tell of them; see the port."""
        if self._keyring is not None:
            self._keyring.tell(digests, because)

    def tombstones(self) -> list[Tombstone]:
        """The keys that disposals destroyed; see the port."""
        return self._keyring.destroyed() if self._keyring is not None else []

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        """All blobs, with their times of writing. What killed processes had begun to send is dropped on the way."""
        self._bucket.drop_unfinished(begun_before=datetime.now(UTC) - UNFINISHED_AFTER)
        for one in self._bucket.listed():
            if named := _BLOB.fullmatch(one.key):
                yield Digest(named[3]), one.written_at

    def encrypt(self, digest: Digest) -> bool:
        """Encrypt a clear object in its place. Returns False when it is encrypted already, or gone meanwhile.

        Raises:
            EngineFailed: ``blob.altered``: its bytes are not those of its name; it stays as it is. ``store.locked``: it is
                encrypted, and the store keeps the clear bytes under a lock as an earlier version.
        """
        draft = self._drafts / secrets.token_hex(16)
        try:
            raw = Ranged(self._bucket, _key(digest), digest)
            if self._keyring is None or key_id_of(raw.start(KEYED)) is not None:
                return False
            with self._opened(raw, digest) as plain:
                written = write_draft(draft, plain, self._keyring)
            if written.digest != digest:
                raise EngineFailed("blob.altered", "restore the file from a backup", digest=digest)
            if not self._send(draft, written, over=raw.etag):
                return False
        except NotFound:
            return False
        finally:
            draft.unlink(missing_ok=True)
        if not self._bucket.forget_earlier(_key(digest)):
            raise EngineFailed("store.locked", "the store keeps what was clear until its lock ends", digest=digest)
        return True

    def key_of(self, digest: Digest) -> bytes | None:
        """The id of a file's key; None: it is clear.

        Raises:
            NotFound: ``blob.missing``.
        """
        return key_id_of(Ranged(self._bucket, _key(digest), digest, first=KEYED).start(KEYED))

    def _is_clear(self, digest: Digest) -> bool:
        """Whether an object is clear, whatever keys there are: it may have been put back from a copy that is older than its key."""
        try:
            return self.key_of(digest) is None or self._is_held_in_clear(digest)
        except NotFound:
            return False

    def _is_held_in_clear(self, digest: Digest) -> bool:
        """Whether an earlier version is clear and cannot be removed yet: a lock of the store outlasts its encryption."""
        key, versions = _key(digest), self._bucket.versions(_key(digest))
        if len(versions) < 2:
            return False  # the present one, which has a key
        for version in versions:
            found = self._bucket.read(key, 0, KEYED, version=version)
            if found and found[0] and key_id_of(found[0]) is None and self._bucket.is_held(key, version):
                return True
        return False

    def _store(self, draft: Path, written: Written) -> None:
        digest = written.digest
        for tried in range(TRIES):
            found, etag = self._found_there(written)
            if found is _Found.ABSENT:
                # Some stores take the mark of a removal for something that is there. With versions nothing is written over.
                if self._send(draft, written, only_new=not tried or not self._bucket.is_versioned()):
                    return
                continue
            # Before the wait: who begins to look later sees the new time, and who began before has a mark, which is waited for.
            self._bucket.put(_renewed(digest), io.BytesIO(MARK), locked=False)
            self._wait_for_sweep(digest)
            again, etag = self._found_there(written)
            if again is _Found.GOOD or (again is _Found.BAD and self._send(draft, written, over=etag)):
                return
        raise EngineFailed("store.busy", "try again in a minute", retryable=True, digest=digest)

    def _found_there(self, written: Written) -> tuple[_Found, str]:
        """What is there under a digest, and the tag of this writing. A file of one part is read and compared; of a longer one, the
        size, the header, and that its key is there."""
        raw = Ranged(self._bucket, _key(written.digest), written.digest, first=min(FIRST, written.size + KEYED + TAG))
        try:
            with self._opened(raw, written.digest) as plain:
                is_good = plain.seek(0, os.SEEK_END) == written.size
                if is_good and written.size <= PART:
                    plain.seek(0)
                    is_good = self._is_of(written.digest, plain)
        except NotFound as error:
            return (_Found.ABSENT if error.code == "blob.missing" else _Found.BAD), raw.etag
        except EngineFailed as error:
            is_good = _false_unless_away(error)
        return (_Found.GOOD if is_good else _Found.BAD), raw.etag

    def _send(self, draft: Path, written: Written, *, only_new: bool = False, over: str = "") -> bool:
        """The key first: a file without its key could not be read; a key without its file harms nobody.

        Returns whether it was sent; False: something else came first, or is no longer there.
        """
        keyring, key_id = self._keyring, written.key_id
        if keyring is not None and key_id is not None:
            keyring.keep(key_id, written.digest, written.key)
        with draft.open("rb") as stored:
            if self._bucket.put(_key(written.digest), stored, only_new=only_new, over=over):
                return True
        if keyring is None or key_id is None:
            return False
        with suppress(NotFound):
            if self.key_of(written.digest) == key_id:
                return True  # an answer was lost, and what was sent again met itself
        keyring.destroy(key_id)
        return False

    def _mark_as_going(self, digest: Digest) -> bytes | None:
        """Write the mark, also in the place of one that a killed process left: the next run goes on with what was begun.

        Each mark has bytes of its own: of two processes that find a mark left behind, only one writes over it.

        Returns:
            The bytes of our mark; None: the mark of another process is there.
        """
        name, mark = _going(digest), _new_mark()
        if self._bucket.put(name, io.BytesIO(mark), only_new=True, locked=False):
            return mark
        left_before = self._bucket.now() - timedelta(seconds=GOING_S)
        found = self._bucket.head(name)
        if found is None and self._bucket.unhide(name, written_before=left_before):
            # The bucket's own rule locks marks too: the removal of an earlier mark only hid it.
            found = self._bucket.head(name)
        if found is None or found.written_at > left_before:
            return None
        return mark if self._bucket.put(name, io.BytesIO(mark), over=found.etag, locked=False) else None

    def _unmark(self, digest: Digest, mark: bytes) -> None:
        """Remove our mark. Whoever was slow finds the mark of another in its place, who is at work: that one stays."""
        name = _going(digest)
        found = self._bucket.read(name, 0, len(mark) + 1)
        if found is not None and found[0] == mark:
            self._bucket.remove(name)

    def _wait_for_sweep(self, digest: Digest) -> None:
        until = time.monotonic() + WAIT_S
        while self._bucket.head(_going(digest)) is not None and not self._drop_if_left(digest):
            if time.monotonic() > until:
                raise EngineFailed("store.busy", "try again in a minute", retryable=True, digest=digest)
            time.sleep(PAUSE_S)

    def _drop_if_left(self, digest: Digest) -> bool:
        """Remove the mark of a killed process: take it over first, so that nobody else does at this moment."""
        name, mark = _going(digest), _new_mark()
        found = self._bucket.head(name)
        if found is None or self._bucket.now() - found.written_at < timedelta(seconds=GOING_S):
            return False
        if not self._bucket.put(name, io.BytesIO(mark), over=found.etag, locked=False):
            return False
        self._unmark(digest, mark)
        return True

    def _opened(self, raw: Ranged | io.FileIO, digest: Digest) -> BinaryIO:
        start = raw.read(KEYED) or b""
        key_id = key_id_of(start)
        if key_id is None:
            if not start.startswith(HEADER):
                raise EngineFailed("blob.header", "restore the file from a backup", digest=digest)
            return cast("BinaryIO", io.BufferedReader(Plain(raw), FRAME))
        if self._keyring is None:
            raise EngineFailed("blob.no_keyring", "name the keyring in the settings (GED_KEYRING)", digest=digest)
        raw.seek(0)
        reader = FrameReader(raw, self._keyring.key(key_id, digest), name=digest)
        return cast("BinaryIO", io.BufferedReader(reader, FRAME))

    def _is_of(self, digest: Digest, plain: BinaryIO) -> bool:
        try:
            with plain:
                hasher = hashlib.sha256()
                while chunk := plain.read(CHUNK):
                    hasher.update(chunk)
                return hasher.hexdigest() == digest
        except EngineFailed as error:
            return _false_unless_away(error)

    def _close(self, digest: Digest, version: str, because: ByDisposal | None) -> bool:
        """Destroy the key of one writing of an object. Returns whether nobody can read it: False: it is clear, or no keyring is named."""
        found = self._bucket.read(_key(digest), 0, KEYED, version=version)
        key_id = key_id_of(found[0]) if found is not None else None
        if key_id is not None and self._keyring is not None:
            self._keyring.destroy(key_id, digest, because=because)
            return True
        return not (found and found[0])


def _false_unless_away(error: EngineFailed) -> bool:
    """A store that does not answer says nothing about a file."""
    if error.code.startswith("store."):
        raise error
    return False


def _key(digest: Digest) -> str:
    require_digest(digest)
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _renewed(digest: Digest) -> str:
    return f"renewed/{digest}"


def _new_mark() -> bytes:
    return MARK + secrets.token_bytes(8)


def _going(digest: Digest) -> str:
    return f"going/{digest}"
