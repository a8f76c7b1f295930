"""Blobs in a folder: ``ab/cd/<digest>``. Each file begins with a header that names its format.

A clear file: 8 bytes ``GEDBLOB`` + format (1), then 4 zero bytes. An encrypted one: see ``blob_frames``; its key is in the
keyring. Both may stand side by side. The digest is of the plain bytes. A file is written under a private temporary name,
fsynced, then renamed; then its folder is fsynced. A key is kept before its file has its name, and destroyed with it.
"""

import hashlib
import io
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ged.adapters.blob_drafts import CHUNK, HEADER, Written, drop_old_drafts, not_written, require_digest, write_draft
from ged.adapters.blob_frames import FRAME, KEYED, FrameReader, key_id_of
from ged.adapters.keyring import Keyring
from ged.durable import make_folder, sync_folder
from ged.errors import EngineFailed, NotFound
from ged.ports import ByDisposal, Digest, StoredBlob, Tombstone

MOVED_FOR_S = 60
"""A sweep moves a file aside for a moment. A file that stays there longer was left by a killed process."""


class _PlainReader(io.FileIO):
    """A blob file whose position 0 is the first plain byte."""

    def __init__(self, handle: int, name: str) -> None:
        super().__init__(handle, "rb")
        if super().read(len(HEADER)) != HEADER:
            self.close()
            raise EngineFailed("blob.header", "restore the file from a backup", digest=name)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek over plain bytes."""
        shift = len(HEADER) if whence == os.SEEK_SET else 0
        return super().seek(offset + shift, whence) - len(HEADER)

    def tell(self) -> int:
        """Position in plain bytes."""
        return super().tell() - len(HEADER)


class FileBlobs:
    """Adapter of ``BlobStore`` over a local folder."""

    def __init__(self, folder: Path, keyring: Keyring | None = None) -> None:
        """
        Args:
            keyring: encrypts what is stored from now on; None: new files are clear, and encrypted ones cannot be read.
        """
        self._folder, self._keyring = folder, keyring
        self._incoming = folder / "incoming"
        make_folder(self._incoming)
        self._trash = folder / "trash"
        make_folder(self._trash)
        drop_old_drafts(self._incoming)
        self._empty_trash()

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store a stream; see the port."""
        draft = self._incoming / secrets.token_hex(16)
        try:
            written = write_draft(draft, content, self._keyring)
            target = self._path(written.digest)
            # Renewed before it is looked at: a sweep that comes in between sees the new time, and leaves the file.
            if not (_renewed(target) and self._is_readable(written.digest)):
                make_folder(target.parent)
                self._give_name(draft, written)
        except OSError as error:
            raise not_written(error) from error
        finally:
            draft.unlink(missing_ok=True)
        return StoredBlob(written.digest, written.size)

    def sealed(self, contents: Sequence[bytes]) -> None:
        """A store of files reads no rows; see the port."""

    def open(self, digest: Digest) -> BinaryIO:
        """Open plain bytes; see the port."""
        try:
            return self._open_file(self._path(digest), digest)
        except FileNotFoundError:
            raise NotFound("blob.missing", "restore the file from a backup", digest=digest) from None

    def open_stored(self, digest: Digest) -> tuple[str, BinaryIO]:
        """The file as it is; see the port."""
        try:
            file = self._path(digest).open("rb")
        except FileNotFoundError:
            raise NotFound("blob.missing", "restore the file from a backup", digest=digest) from None
        key_id = key_id_of(file.read(KEYED))
        file.seek(0)
        return (key_id.hex() if key_id is not None else ""), file

    def put_stored(self, digest: Digest, content: BinaryIO) -> None:
        """Put a file back; see the port."""
        draft, target = self._incoming / secrets.token_hex(16), self._path(digest)
        try:
            if self.verify(digest):
                return
            with draft.open("xb") as out:
                shutil.copyfileobj(content, out, CHUNK)
                out.flush()
                os.fsync(out.fileno())
            # Checked as a draft: a name never stands for bytes that are not its own.
            if not self._is_of(digest, draft):
                raise EngineFailed("blob.altered", "restore the file from another backup", digest=digest)
            make_folder(target.parent)
            os.replace(draft, target)
            sync_folder(target.parent)
        except OSError as error:
            raise not_written(error) from error
        finally:
            draft.unlink(missing_ok=True)

    def exists(self, digest: Digest) -> bool:
        """Whether the file is there."""
        return self._path(digest).is_file()

    def verify(self, digest: Digest) -> bool:
        """Whether the header is valid and the digest of the bytes equals the name."""
        try:
            return self._is_of(digest, self._path(digest))
        except (FileNotFoundError, NotFound):
            return False

    def delete(self, digest: Digest) -> None:
        """Destroy the key, and remove the file."""
        path = self._path(digest)
        with suppress(FileNotFoundError):
            # Killed after this line, a file is left that nobody can read. The
            # other way round a key would be left, which opens earlier copies.
            self._destroy_key(path)
            path.unlink()

    def discard(self, digest: Digest, *, written_before: datetime, because: ByDisposal | None = None) -> bool:
        """Move the file away, check its time once more, and only then remove it; see the port.

        A concurrent ``put`` of the bytes either renews the time of the file before the move, which is seen here, or
        finds no file and writes it again.
        """
        if because is None:
            return self._discard(digest, written_before, None)
        self._finish_moved(digest, written_before, because)
        is_removed = self._discard(digest, written_before, because)
        # Looked for where it may be now, and once more: another process may be putting it back.
        is_there = self.exists(digest) or any(self._trash.glob(f"{digest}.*")) or self.exists(digest)
        if self._keyring is not None and not is_there:
            self._keyring.destroy_all(digest, made_before=written_before, because=because)
        return is_removed

    def _discard(self, digest: Digest, written_before: datetime, because: ByDisposal | None) -> bool:
        target, away = self._path(digest), self._trash / f"{digest}.{secrets.token_hex(4)}"
        try:
            os.replace(target, away)
        except FileNotFoundError:
            return False  # another process removed it since the folder was read
        # The move keeps this time, so a `put` that renewed the file just before is seen here.
        if away.stat().st_mtime < written_before.timestamp():
            self._destroy_key(away, because)
            away.unlink()
            return True
        self._put_back(away)
        return False

    def in_clear(self, digests: Collection[Digest]) -> set[Digest]:
        """Those without a key; see the port."""
        unknown = self._keyring.without_key(digests) if self._keyring is not None else set(digests)
        return {one for one in digests if self.exists(one) and (one in unknown or self._is_clear(one))}

    def tell_destroyed(self, digests: Collection[Digest], because: ByDisposal) -> None:
        """Let the keyring tell of them; see the port."""
        if self._keyring is not None:
            self._keyring.tell(digests, because)

    def tombstones(self) -> list[Tombstone]:
        """The keys that disposals destroyed; see the port."""
        return self._keyring.destroyed() if self._keyring is not None else []

    def digests(self) -> Iterator[tuple[Digest, datetime]]:
        """All blobs, with their times of writing."""
        # Neither `incoming` nor `trash`: what lies there has no name yet, or none any more.
        for path in self._folder.glob("??/??/*"):
            try:
                written = path.stat().st_mtime
            except FileNotFoundError:
                continue  # another process removed it since the folder was read
            yield Digest(path.name), datetime.fromtimestamp(written, tz=UTC)

    def encrypt(self, digest: Digest) -> bool:
        """Encrypt a clear file in its place. Returns False when it is encrypted already, or gone meanwhile.

        Raises:
            EngineFailed: ``blob.altered``: its bytes are not those of its name; it stays as it is.
        """
        target, draft = self._path(digest), self._incoming / secrets.token_hex(16)
        try:
            if self._keyring is None or _key_id(target) is not None:
                return False
            with self.open(digest) as plain:
                written = write_draft(draft, plain, self._keyring)
            if written.digest != digest:
                raise EngineFailed("blob.altered", "restore the file from a backup", digest=digest)
            return self._give_name(draft, written, instead=True)
        except (FileNotFoundError, NotFound):
            return False
        finally:
            draft.unlink(missing_ok=True)

    def key_of(self, digest: Digest) -> bytes | None:
        """The id of a file's key; None: it is clear.

        Raises:
            NotFound: ``blob.missing``.
        """
        try:
            return _key_id(self._path(digest))
        except FileNotFoundError:
            raise NotFound("blob.missing", "restore the file from a backup", digest=digest) from None

    def _is_clear(self, digest: Digest) -> bool:
        """Whether a file is clear, whatever keys there are: it may have been put back from a copy that is older than its key."""
        try:
            return self.key_of(digest) is None
        except NotFound:
            return False

    def _give_name(self, draft: Path, written: Written, *, instead: bool = False) -> bool:
        """The key first: a file without its key could not be read; a key without its file harms nobody.

        Args:
            instead: only in place of a file that is there: what was removed meanwhile does not come back. Returns whether
                it was.
        """
        target = self._path(written.digest)
        if self._keyring is not None and written.key_id is not None:
            self._keyring.keep(written.key_id, written.digest, written.key)
            if instead and not target.exists():
                self._keyring.destroy(written.key_id)
                return False
        os.replace(draft, target)
        sync_folder(target.parent)
        return True

    def _open_file(self, path: Path, digest: Digest) -> BinaryIO:
        # Opened once: between two openings the file may be encrypted, or get another key.
        handle = os.open(path, os.O_RDONLY)
        try:
            key_id = key_id_of(os.pread(handle, KEYED, 0))
            if key_id is not None and self._keyring is None:
                raise EngineFailed("blob.no_keyring", "name the keyring in the settings (GED_KEYRING)", digest=digest)
            key = self._keyring.key(key_id, digest) if key_id is not None and self._keyring is not None else b""
        except BaseException:
            os.close(handle)
            raise
        if key_id is None:
            return io.BufferedReader(_PlainReader(handle, path.name))
        return io.BufferedReader(FrameReader(io.FileIO(handle), key, name=path.name), FRAME)

    def _is_of(self, digest: Digest, path: Path) -> bool:
        """Whether a file can be read, and its plain bytes are those of the digest."""
        try:
            with self._open_file(path, digest) as plain:
                hasher = hashlib.sha256()
                while chunk := plain.read(CHUNK):
                    hasher.update(chunk)
                return hasher.hexdigest() == digest
        except EngineFailed:
            return False

    def _is_readable(self, digest: Digest) -> bool:
        """Whether the key of a file is there: after a keyring was put back from an older backup, it may not be."""
        try:
            self.open(digest).close()
        except NotFound:
            return False
        return True

    def _finish_moved(self, digest: Digest, written_before: datetime, because: ByDisposal) -> None:
        """Destroy what a killed process had moved away and not destroyed: a disposal is done only when no key is left."""
        for away in self._trash.glob(f"{digest}.*"):
            with suppress(FileNotFoundError):  # its own process was faster
                if away.stat().st_mtime < written_before.timestamp():
                    self._destroy_key(away, because)
                    away.unlink()

    def _destroy_key(self, path: Path, because: ByDisposal | None = None) -> None:
        key_id = _key_id(path)
        if key_id is not None and self._keyring is not None:
            self._keyring.destroy(key_id, because=because)

    def _empty_trash(self) -> None:
        """Move back files that a killed process had moved away; the next sweep checks them again."""
        for away in self._trash.iterdir():
            with suppress(FileNotFoundError):  # its own process was faster
                # By ctime, which the move has set: mtime is still that of the writing.
                if time.time() - away.stat().st_ctime > MOVED_FOR_S:
                    self._put_back(away)

    def _put_back(self, away: Path) -> None:
        target = self._path(Digest(away.name.partition(".")[0]))
        # By a link, which replaces nothing: the file may have been written again meanwhile, under another key.
        with suppress(FileExistsError):  # written again meanwhile, with the same bytes
            os.link(away, target)
        # Between the two steps: a power cut leaves one of the names, or both.
        sync_folder(target.parent)
        away.unlink(missing_ok=True)

    def _path(self, digest: Digest) -> Path:
        require_digest(digest)
        return self._folder / f"{digest[:2]}/{digest[2:4]}/{digest}"


def _key_id(path: Path) -> bytes | None:
    with path.open("rb") as file:
        return key_id_of(file.read(KEYED))


def _renewed(target: Path) -> bool:
    """Whether the bytes are already there; renews the time of writing, so that no sweep takes them for left over."""
    try:
        os.utime(target)
    except FileNotFoundError:
        return False
    # The system finds the file, then sets its time: a discard between these steps has seen the old time.
    return target.exists()
