"""Small files of imported letters as rows of the database, in front of a store of files.

A file of one page of text takes a block of the disk, a folder, and some calls that wait for the disk. A row takes its length, and is
written with the letter, in one transaction. Rows hold what the store would hold, byte for byte: header, then clear bytes or encrypted
frames (``blob_frames``), under a key of the document's own. Clear ones are compressed: encrypted ones cannot be.

Only ``sealed`` makes contents of rows, and only the caller's transaction writes them (``ged.takeover.packed``). Whatever is put lies
in the store. Of bytes that lie in both, the store's are read.
"""

import hashlib
import io
import secrets
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from sqlalchemy import Engine, delete, select, update

from ged.adapters.blob_drafts import CHUNK, HEADER, require_digest
from ged.adapters.blob_frames import ID_BYTES, KEYED, FrameReader, FrameWriter, key_id_of
from ged.adapters.keyring import Keyring
from ged.adapters.master_keys import new_key
from ged.db import read_session, write_session
from ged.errors import EngineFailed, NotFound
from ged.ports import ByDisposal, Digest, KeyedBlobStore, SealedBlob, StoredBlob, Tombstone
from ged.takeover.models import PackedFile

AT_ONCE = 500


class PackedBlobs:
    """Adapter of ``KeyedBlobStore`` over rows and another store."""

    def __init__(
        self,
        files: KeyedBlobStore,
        engine: Engine,
        keyring: Keyring | None = None,
        *,
        packs: Callable[[], bool] | None = None,
        asked_at_once: int = 1,
    ) -> None:
        """
        Args:
            files: holds everything that is put.
            keyring: that of ``files``.
            packs: whether new rows are made, asked for each piece; None: yes. Where the store locks its files against removal, a row
                would escape the lock.
            asked_at_once: for how many files ``files`` is asked at a time: 1 for a folder of this machine, more for a store behind a network.
        """
        self._files, self._engine, self._keyring, self._packs = files, engine, keyring, packs
        self._asked_at_once = asked_at_once

    def sealed(self, contents: Sequence[bytes]) -> list[SealedBlob] | None:
        """What rows hold of these contents; see the port. All their keys are kept in one transaction of the keyring."""
        if self._packs is not None and not self._packs():
            return None
        now = datetime.now(UTC)
        keys = [(secrets.token_bytes(ID_BYTES), new_key()) for _ in contents] if self._keyring is not None else []
        digests = [Digest(hashlib.sha256(one).hexdigest()) for one in contents]
        if self._keyring is not None:
            # Before the rows, as of a file: a row without its key could not be read, a key without its row harms nobody.
            self._keyring.keep_all([(key_id, digest, key) for (key_id, key), digest in zip(keys, digests, strict=True)])
            stored = [_encrypted(one, *key) for one, key in zip(contents, keys, strict=True)]
        else:
            stored = [zlib.compress(HEADER + one) for one in contents]
        self._renew_files(digests, contents)
        return [
            SealedBlob(digest, len(content), row, now)
            for digest, content, row in zip(digests, contents, stored, strict=True)
        ]

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store a stream as a file; see the port."""
        return self._files.put(content)

    def open(self, digest: Digest) -> BinaryIO:
        """Open plain bytes; see the port."""
        try:
            return self._files.open(digest)
        except NotFound as error:
            stored = self._row_instead(digest, error)
            if stored is None:
                raise
        return self._opened(digest, stored)

    def open_stored(self, digest: Digest) -> tuple[str, BinaryIO]:
        """The file as it would lie in the store; see the port."""
        try:
            return self._files.open_stored(digest)
        except NotFound as error:
            stored = self._row_instead(digest, error)
            if stored is None:
                raise
        key_id = key_id_of(stored[:KEYED])
        return (key_id.hex() if key_id is not None else ""), io.BytesIO(stored)

    def put_stored(self, digest: Digest, content: BinaryIO) -> None:
        """Put a file back, unless it or its row is there; see the port."""
        if not self.verify(digest):
            self._files.put_stored(digest, content)

    def exists(self, digest: Digest) -> bool:
        """Whether the file or the row is there."""
        return self._files.exists(digest) or self._stored_bytes(digest) is not None

    def verify(self, digest: Digest) -> bool:
        """Whether what ``open`` reads is what the digest says."""
        if self._files.verify(digest):
            return True
        stored = self._stored_bytes(digest)
        if stored is None or self._files.exists(digest):
            return False
        try:
            with self._opened(digest, stored) as plain:
                hasher = hashlib.sha256()
                while chunk := plain.read(CHUNK):
                    hasher.update(chunk)
        except (EngineFailed, NotFound):
            return False
        return hasher.hexdigest() == digest

    def delete(self, digest: Digest) -> None:
        """Destroy the keys, and remove row and file."""
        self._discard_row(digest, None, None)
        self._files.delete(digest)

    def discard(self, digest: Digest, *, written_before: datetime, because: ByDisposal | None = None) -> bool:
        """Remove file and row, each unless it was written again meanwhile; see the port.

        Whoever imports the bytes again writes the row anew in his transaction (``ged.takeover.packed``): the row is then younger,
        or the removal waits for that transaction and finds it younger. While the file stays, the row stays: after a restore both are
        under one key.
        """
        is_file = self._files.discard(digest, written_before=written_before, because=because)
        if self._files.exists(digest):
            return is_file
        is_row = self._discard_row(digest, written_before, because)
        if because is not None and self._keyring is not None:
            # Each writing of a row makes a key. The store does not do it while another process looks at the bytes.
            self._keyring.destroy_all(digest, made_before=written_before, because=because)
        return is_file or is_row

    def in_clear(self, digests: Collection[Digest]) -> set[Digest]:
        """Those without a key; see the port."""
        found, wanted = self._files.in_clear(digests), sorted(digests)
        with read_session(self._engine) as session:
            for start in range(0, len(wanted), AT_ONCE):
                query = select(PackedFile.digest, PackedFile.stored).where(
                    PackedFile.digest.in_(wanted[start : start + AT_ONCE])
                )
                found |= {Digest(one) for one, stored in session.execute(query) if key_id_of(stored[:KEYED]) is None}
        return found

    def tell_destroyed(self, digests: Collection[Digest], because: ByDisposal) -> None:
        """Let the keyring tell of them; see the port."""
        self._files.tell_destroyed(digests, because)

    def tombstones(self) -> list[Tombstone]:
        """The keys that disposals destroyed; see the port."""
        return self._files.tombstones()

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        """All files, then all rows, with their times of writing."""
        yield from self._files.digests()
        yield from self.rows()

    def rows(self) -> Iterator[tuple[Digest, datetime]]:
        """All rows, with their times of writing."""
        after = ""
        while True:
            query = select(PackedFile.digest, PackedFile.written_at).where(PackedFile.digest > after)
            with read_session(self._engine) as session:
                rows = session.execute(query.order_by(PackedFile.digest).limit(AT_ONCE)).all()
            for digest, written_at in rows:
                yield Digest(digest), written_at
            if len(rows) < AT_ONCE:
                return
            after = rows[-1][0]

    def encrypt(self, digest: Digest) -> bool:
        """Encrypt what is clear, in its place; see the port."""
        is_file = self._files.encrypt(digest)
        return self._encrypt_row(digest) or is_file

    def key_of(self, digest: Digest) -> bytes | None:
        """The id of the key of what ``open`` reads; see the port."""
        try:
            return self._files.key_of(digest)
        except NotFound as error:
            stored = self._row_instead(digest, error)
            if stored is None:
                raise
        return key_id_of(stored[:KEYED])

    # --- files before rows

    def _renew_files(self, digests: Sequence[Digest], contents: Sequence[bytes]) -> None:
        """Put contents of which a file is there: it is read before the row. It is written again where its key is gone, and no removal
        that is at work takes it away."""
        for content, is_there in zip(contents, self._are_there(digests), strict=True):
            if is_there:
                self._files.put(io.BytesIO(content))

    def _are_there(self, digests: Sequence[Digest]) -> list[bool]:
        """Of each file whether it is there."""
        if self._asked_at_once == 1:
            return list(map(self._files.exists, digests))
        with ThreadPoolExecutor(self._asked_at_once, thread_name_prefix="packed") as asking:
            return list(asking.map(self._files.exists, digests))

    # --- rows

    def _stored_bytes(self, digest: Digest) -> bytes | None:
        """A row as the store would hold it."""
        require_digest(digest)
        with read_session(self._engine) as session:
            stored = session.scalar(select(PackedFile.stored).where(PackedFile.digest == digest))
        return None if stored is None else _unpacked(stored)

    def _row_instead(self, digest: Digest, error: NotFound) -> bytes | None:
        """The row of a file that is not there. Where the file is there and its key is not, no row stands for it."""
        return self._stored_bytes(digest) if error.code == "blob.missing" else None

    def _opened(self, digest: Digest, stored: bytes) -> BinaryIO:
        key_id = key_id_of(stored[:KEYED])
        if key_id is None:
            if not stored.startswith(HEADER):
                raise EngineFailed("blob.header", "restore the file from a backup", digest=digest)
            return io.BytesIO(stored[len(HEADER) :])
        if self._keyring is None:
            raise EngineFailed("blob.no_keyring", "name the keyring in the settings (GED_KEYRING)", digest=digest)
        key = self._keyring.key(key_id, digest)
        # Whole, as it is small: its length is known, so that a browser may ask for a part of it.
        with FrameReader(io.BytesIO(stored), key, name=digest) as plain:
            return io.BytesIO(plain.read())

    def _discard_row(self, digest: Digest, written_before: datetime | None, because: ByDisposal | None) -> bool:
        """The key first: a row without its key is read by nobody, and the next run finds it again."""
        which = [PackedFile.digest == digest]
        if written_before is not None:
            which.append(PackedFile.written_at < written_before)
        with read_session(self._engine) as session:
            stored = session.scalar(select(PackedFile.stored).where(*which))
        if stored is None:
            return False
        key_id = key_id_of(stored[:KEYED])
        if key_id is not None and self._keyring is not None:
            self._keyring.destroy(key_id, digest, because=because)
        with write_session(self._engine) as session:
            # Only the row that was read: one that was written since has a key of its own, which still stands.
            gone = session.execute(
                delete(PackedFile).where(*which, PackedFile.stored == stored).returning(PackedFile.digest)
            ).all()
            session.commit()
        return bool(gone)

    def _encrypt_row(self, digest: Digest) -> bool:
        with read_session(self._engine) as session:
            found = session.scalar(select(PackedFile.stored).where(PackedFile.digest == digest))
        if self._keyring is None or found is None or key_id_of(found[:KEYED]) is not None:
            return False
        with self._opened(digest, _unpacked(found)) as plain:
            content = plain.read()
        if hashlib.sha256(content).hexdigest() != digest:
            raise EngineFailed("blob.altered", "restore the file from a backup", digest=digest)
        key_id, key = secrets.token_bytes(ID_BYTES), new_key()
        self._keyring.keep(key_id, digest, key)
        # Only in place of what was read: who imports the bytes meanwhile has written a key's row.
        with write_session(self._engine) as session:
            changed = update(PackedFile).where(PackedFile.digest == digest, PackedFile.stored == found)
            done = session.execute(
                changed.values(stored=_encrypted(content, key_id, key)).returning(PackedFile.digest)
            ).all()
            session.commit()
        if not done:
            self._keyring.destroy(key_id)
        return bool(done)


def _encrypted(content: bytes, key_id: bytes, key: bytes) -> bytes:
    out = io.BytesIO()
    frames = FrameWriter(out, key, key_id)
    frames.write(content)
    frames.finish()
    return out.getvalue()


def _unpacked(stored: bytes) -> bytes:
    """A row as the store would hold it. One that was altered is no less readable than a file that was: ``verify`` finds it."""
    if key_id_of(stored[:KEYED]) is not None:
        return bytes(stored)
    with suppress(zlib.error):
        return zlib.decompress(stored)
    return bytes(stored)
