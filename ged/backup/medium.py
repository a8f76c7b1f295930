"""A medium that is a folder: whole files or none, read back after they are written; one run at a time."""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ged.backup.places import Fill, Place, Written
from ged.backup.retention import moment_of
from ged.backup.streams import Hashing
from ged.durable import sync_folder
from ged.errors import DiskFull, EngineFailed, InvalidTransition, NotFound
from ged.ports import Writable
from ged.space import NO_SPACE

CHUNK = 1 << 20
HALF = ".half"
"""Ends the name of a copy's folder until the copy is complete."""
OBJECT = re.compile(r"[0-9a-f]+-[0-9a-f]{64}")
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a share says that knows no locks."""
READ_ME = """\
Sauvegarde de GED, chiffrée. / A backup of GED, encrypted.

Tout est au format « age » (https://age-encryption.org/v1) : la clé privée, gardée ailleurs, l'ouvre seule.
Everything is in the format "age": the private key, kept elsewhere, opens it alone.

    ged restore DOSSIER --identity CLÉ --keys AUTRE-SUPPORT --data ... --settings ...

Sans GED / without GED:
    age -d -i CLÉ snapshots/DATE/manifest.age | zcat      # which object is which file (SHA-256)
    age -d -i CLÉ snapshots/DATE/database.age | zcat > ged.sqlite3     (PostgreSQL: | zcat | pg_restore -d BASE)
    age -d -i CLÉ snapshots/DATE/files.age | tar xz
    age -d -i CLÉ objects/ab/NOM > FICHIER      # tel que GED l'a stocké, chiffré sous le trousseau / as GED stored it,
                                                # encrypted under the keyring (docs/operate/keyring.md of GED)
"""


class FolderMedium:
    """Adapter of ``AnyMedium`` over a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._objects, self._snapshots = folder / "objects", folder / "snapshots"
        self._incoming = folder / "incoming"

    def require(self) -> None:
        """Check that there is a medium here, for reading.

        Raises:
            NotFound: ``backup.no_medium``; EngineFailed: ``backup.medium_damaged``.
        """
        if not self._snapshots.is_dir():
            raise NotFound("backup.no_medium", "name the folder into which `ged backup` wrote", folder=str(self.folder))
        self._refuse_links()

    def _refuse_links(self) -> None:
        """A medium was in other hands: a link on it would let us write or remove files of the server."""
        own = (self._objects, self._snapshots, self._incoming)
        within = (one for top in own if top.is_dir() and not top.is_symlink() for one in _entries(top))
        for path in (*(one for one in own if one.is_symlink()), *(Path(one) for one in within if one.is_symlink())):
            raise _leads_elsewhere(path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folders, and hold the medium against other runs. What a killed run left half written is removed.

        Raises:
            InvalidTransition: ``backup.running``, ``backup.medium_read_only``.
            EngineFailed: ``backup.medium_damaged``: a name on it leads elsewhere.
            NotFound: ``backup.medium_away``: the folder is not there; it is not made, since it may be the empty place
                of a disk that is not plugged in.
        """
        if not self.folder.is_dir():
            raise NotFound(
                "backup.medium_away", "plug the disk in, or make the folder once by hand", folder=str(self.folder)
            )
        require_writable(self.folder)
        with alone_in(self.folder / "lock"):
            for one in (self._objects, self._snapshots, self._incoming):
                one.mkdir(exist_ok=True, mode=0o700)
            self._refuse_links()
            for draft in _entries(self._incoming):
                shutil.rmtree(draft) if draft.is_dir(follow_symlinks=False) else os.unlink(draft)
            for half in self._snapshots.glob(f"*{HALF}"):
                shutil.rmtree(half)
            read_me = self.folder / "README.txt"
            content = READ_ME.encode()
            is_there = read_me.is_file() and read_me.stat().st_size == len(content)
            if not is_there or read_me.read_bytes() != content:
                self._write(lambda out: _all(out, content), lambda _: read_me)
            yield

    def free_bytes(self) -> int:
        """The free bytes now."""
        return shutil.disk_usage(self.folder).free

    def require_room(self, size_bytes: int) -> None:
        """Check that so many bytes have room.

        Raises:
            DiskFull: ``backup.no_room``, with the missing bytes.
        """
        free = self.free_bytes()
        if free < size_bytes:
            raise _no_room(self.folder, size_bytes - free)

    def objects(self) -> dict[str, Path]:
        """Key -> file of every object."""
        if not self._objects.is_dir():
            return {}
        return {
            one.name.partition("-")[0]: Path(one)
            for top in _entries(self._objects)
            if top.is_dir(follow_symlinks=False)
            for one in _entries(top)
            if one.is_file(follow_symlinks=False) and OBJECT.fullmatch(one.name) and one.name[:2] == top.name
        }

    def write_object(self, key: str, fill: Fill) -> Written:
        """Write an object; it is there whole, or not at all."""
        return self._write(fill, lambda sha256: self._objects / key[:2] / f"{key}-{sha256}")

    def write_file(self, snapshot: str, name: str, fill: Fill) -> Written:
        """Write a file of a copy that is not complete yet."""
        return self._write(fill, lambda _: self._snapshots / (snapshot + HALF) / name)

    def complete(self, snapshot: str) -> Path:
        """A copy is complete: from now on it counts."""
        half = self._snapshots / (snapshot + HALF)
        # The names in it first: after a power cut a copy that counts has all its files.
        sync_folder(half)
        os.replace(half, self._snapshots / snapshot)
        sync_folder(self._snapshots)
        return self._snapshots / snapshot

    def snapshots(self) -> list[str]:
        """The names of the complete copies, oldest first."""
        if not self._snapshots.is_dir():
            return []
        return sorted(one.name for one in self._snapshots.iterdir() if moment_of(one.name) is not None)

    def path_of(self, snapshot: str) -> Path:
        """The folder of a complete copy."""
        return self._snapshots / snapshot

    def drop(self, snapshot: str) -> None:
        """Remove a copy; first its name, so that half of it never counts."""
        gone = self._snapshots / (snapshot + HALF)
        os.replace(self._snapshots / snapshot, gone)
        sync_folder(self._snapshots)
        shutil.rmtree(gone)

    def shown_as(self, place: Place) -> str:
        """See the port."""
        return str(Path(str(place)).relative_to(self.folder))

    def lies_in(self, folder: str) -> bool:
        """See the port."""
        return self.folder.resolve().is_relative_to(Path(folder).resolve())

    def holds(self, folder: str) -> bool:
        """See the port."""
        return Path(folder).resolve().is_relative_to(self.folder.resolve())

    def _write(self, fill: Fill, place: Callable[[str], Path]) -> Written:
        return write_whole(self._incoming / secrets.token_hex(12), fill, place)


def write_whole(draft: Path, fill: Fill, place: Callable[[str], Path]) -> Written:
    """Write a file under the name ``draft``, read it back, and only then give it its own name.

    Args:
        place: the file's path, from the SHA-256 of its bytes, on the same file system; its folder is made.

    Raises:
        DiskFull: ``backup.no_room``; EngineFailed: ``backup.medium_damaged``. Nothing of the file is left then.
    """
    try:
        with draft.open("xb") as out:
            hashing = Hashing(out)
            fill(hashing)
            out.flush()
            os.fsync(out.fileno())
            _forget_cached(out.fileno())
        sha256 = hashing.sha256
        if digest_of(draft) != sha256:
            raise EngineFailed(
                "backup.medium_damaged",
                "what was written is not what is read back: replace the disk",
                folder=str(draft.parent),
            )
        target = place(sha256)
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            # Synced in a folder whose own name is lost, the file would be lost with it.
            sync_folder(target.parent.parent)
        os.replace(draft, target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise _no_room(draft.parent) from error
        raise
    finally:
        draft.unlink(missing_ok=True)
    return Written(hashing.size, sha256)


def require_writable(folder: Path) -> None:
    """Check that a medium may be written: it may be mounted for reading, or belong to another account.

    Raises:
        InvalidTransition: ``backup.medium_read_only``.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidTransition(
            "backup.medium_read_only", "mount it for writing, for the account that calls this", folder=str(folder)
        )


def digest_of(path: Place) -> str:
    """The SHA-256 of a file's bytes."""
    hasher = hashlib.sha256()
    with path.open("rb") as stored:
        while content := stored.read(CHUNK):
            hasher.update(content)
    return hasher.hexdigest()


@contextmanager
def alone_in(place: Path) -> Iterator[None]:
    """Hold a lock file. It is freed when the process ends, however it ends.

    Raises:
        InvalidTransition: ``backup.running``; EngineFailed: ``backup.medium_damaged``: it is a link.
    """
    # Never emptied, and no link is followed: on a medium the name may lead to a file of the server.
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _leads_elsewhere(place) from None
        raise
    with os.fdopen(handle, "rb", buffering=0) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise InvalidTransition(
                    "backup.running", "another backup or restore works here: wait until it has ended", place=str(place)
                ) from None
        yield


def _entries(folder: "Path | os.DirEntry[str]") -> "list[os.DirEntry[str]]":
    with os.scandir(folder) as found:
        return list(found)


def _leads_elsewhere(path: Path) -> EngineFailed:
    return EngineFailed(
        "backup.medium_damaged",
        f"{path} leads elsewhere, and GED makes no such name: ask who had the medium, and use another",
        folder=str(path.parent),
    )


def _all(out: Writable, content: bytes) -> None:
    out.write(content)


def _forget_cached(handle: int) -> None:
    """Let the bytes be read from the medium, and not from memory, where the system can."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _no_room(folder: Path, missing: int | None = None) -> DiskFull:
    params: dict[str, Any] = {} if missing is None else {"missing_bytes": missing}
    return DiskFull(
        "backup.no_room",
        "free room on the medium, take a larger one, or keep fewer copies (--keep); earlier copies are whole",
        folder=str(folder),
        **params,
    )
