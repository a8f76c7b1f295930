"""Makes a copy: the sealed heads, then the database of one moment, then the stored files that it names.

Stored files are named by their digest and never rewritten, so what is copied after the database belongs to it. A sweep may
remove a file between the two, which the database of that moment names and the present one does not: then the database is
copied again. By then nearly all files are on the medium, so the second time takes seconds.
"""

import errno
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock

from ged.archive import blobs as archive_blobs
from ged.archive.copies import INCOMPLETE, MADE
from ged.archive.keeping import seal_head
from ged.archive.seal import journal_seal
from ged.backup import database, facts, folders, papers
from ged.backup.medium import alone_in, write_whole
from ged.backup.order import KEYRING, Made, Order, object_key, object_prefix
from ged.backup.papers import Held, Index, Manifest, Piece
from ged.backup.places import AnyMedium, Written
from ged.backup.pruning import prune
from ged.backup.retention import name_of
from ged.backup.streams import Gzipped, Hashed
from ged.db import PROGRAM
from ged.errors import DiskFull, EngineFailed, InvalidTransition, NotFound
from ged.ports import BlobStore, Digest, Readable, Writable
from ged.progress import Progress
from ged.unit import SYSTEM, Services

TRIES = 3
"""How often the database is copied when files that it names were removed meanwhile."""
AT_ONCE = 4
"""Files that are written at the same time: a medium answers slowly, and takes several as fast as one."""
BATCH = 256
KEYRINGS_KEPT = 2
COPY_OF_KEYS = "copy-"
"""Begins the name of the folder in which the keys of the stored files are copied."""
MARGIN_BYTES = 8_000_000
"""Room for the index, and for what a file system needs itself."""
ENTRY_BYTES = 100
"""What index and manifest say of a file."""
HEADER_BYTES = 512
"""About what the encryption adds to a file."""


def make(services: Services, order: Order, *, now: datetime, progress: Progress = lambda _: None) -> Made:
    """Make a copy, and note it in the journal. People work meanwhile.

    Interrupted anywhere, it leaves earlier copies whole; what it had written of stored files counts for the next run.

    Raises:
        InvalidTransition: ``backup.running``, ``backup.medium_in_data``.
        NotFound: ``backup.medium_away``; DiskFull: ``backup.no_room``, ``backup.no_room_here``.
        EngineFailed: ``backup.medium_damaged``, ``backup.unsteady`` and those of ``database.taken``.
    """
    medium = order.medium
    if medium.lies_in(services.data_dir):
        raise InvalidTransition(
            "backup.medium_in_data", "name a folder of another disk: what takes the data away takes this copy too",
            folder=services.data_dir,
        )  # fmt: skip
    with _alone(services, medium), _spare(services) as spare:
        seal_head(services, now=now)
        made = _Run(services, order, medium, spare, now, progress).make()
    with services.unit_of_work(now) as uow:
        uow.record(
            MADE if made.is_whole else INCOMPLETE, "backup", None, actor=SYSTEM, snapshot=made.snapshot, objects=made.objects, new=made.new,
            new_bytes=made.new_bytes, index=made.index_sha256, damaged=len(made.damaged) + len(made.lost),
            keys=made.keys, keys_there=made.keys_there,
        )  # fmt: skip
    return made


@contextmanager
def _alone(services: Services, medium: AnyMedium) -> Iterator[None]:
    run = Path(services.data_dir) / "run"
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone_in(run / "backup.lock"), medium.alone():
        yield


@contextmanager
def _spare(services: Services) -> Iterator[Path]:
    """A private folder for SQLite's copy. What a killed run left there, in clear text as the database itself, is removed."""
    parent = Path(services.data_dir) / "run"
    for left in parent.glob("backup-*"):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=parent, prefix="backup-") as folder:
        yield Path(folder)


@contextmanager
def _beside_the_keys(keyring: Path | None, spare: Path) -> Iterator[Path]:
    """A private folder on the disk of the keyring: in the data folder, the keys would lie beside what they open for whoever copies
    it meanwhile, or after a run that was killed. Where there is no room, or the keyring is only read, in ``spare``."""
    parent = keyring if keyring is not None and _takes_another(keyring) else spare
    for left in parent.glob(f"{COPY_OF_KEYS}*"):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=parent, prefix=COPY_OF_KEYS) as folder:
        yield Path(folder)


def _takes_another(keyring: Path) -> bool:
    size = sum(one.stat().st_size for one in keyring.iterdir() if one.is_file())
    return os.access(keyring, os.W_OK) and shutil.disk_usage(keyring).free > 3 * size + MARGIN_BYTES


class _Run:
    def __init__(
        self, services: Services, order: Order, medium: AnyMedium, spare: Path, now: datetime, progress: Progress
    ) -> None:
        self._services, self._order, self._medium, self._spare = services, order, medium, spare
        self._now, self._progress = now, progress
        self._known, self._dropped = _known(medium), tuple[str, ...]()
        self._new, self._new_bytes, self._counting = 0, 0, Lock()
        self._data = Path(services.data_dir)

    def make(self) -> Made:
        """See ``make`` above."""
        at, earlier = self._now, self._medium.snapshots()
        while (name := name_of(at)) in earlier:
            at += timedelta(seconds=1)
        keys, keys_written, keys_there = self._keys(name)
        for _ in range(TRIES):
            pieces = {papers.FILES: self._small(name)}
            moment = self._database(name, pieces)
            held, damaged, lost, is_steady = self._blobs(moment.digests)
            if is_steady:
                break
            self._progress("stored files were removed meanwhile: the database is copied again")
        else:
            raise EngineFailed("backup.unsteady", "call it again when no sweep or disposal runs", retryable=True)
        manifest = Manifest(
            name, self._now.isoformat(), PROGRAM, moment.kind, moment.version, moment.sha256, moment.size_bytes, moment.entries,
            moment.head, moment.books, tuple(sorted({*damaged, *lost})), held,
        )  # fmt: skip
        pieces[papers.MANIFEST] = self._encrypted(name, papers.MANIFEST, Gzipped(_Lines(manifest.lines())))
        index = Index(
            name,
            tuple(Piece(n, one.size_bytes, one.sha256) for n, one in sorted(pieces.items())),
            tuple(sorted(one.object for one in held)),
            keys,
        )
        is_whole = self._keyring(name)
        content = index.written()
        written = self._plain(name, papers.INDEX, content)
        # The last file: a copy in a bucket counts from here on.
        self._plain(name, papers.SIGNATURE, _signed(self._services, content).encode())
        self._medium.complete(name)
        # Earlier copies go only now that the new one counts.
        dropped = (*self._dropped, *prune(self._medium, self._order.keep, self._services.zone, progress=self._progress))
        return Made(
            name, len(held), self._new, self._new_bytes, written.sha256, tuple(damaged), tuple(lost), dropped, keys,
            keys_written, keys_there, is_whole,
        )  # fmt: skip

    def _keys(self, name: str) -> tuple[str, bool, bool]:
        """(digest of the keys, whether they were written now, whether they are on their medium)."""
        order = self._order.keys
        archive, digest = folders.pack_keys(self._data, order.settings, secret=self._order.object_key)
        if order.medium is None or order.encryptor is None:
            return digest, False, False
        if not order.medium.is_dir():
            raise NotFound(
                "backup.keys_medium_away", "plug the medium of the keys in, or leave --keys-to out this time",
                folder=str(order.medium),
            )  # fmt: skip
        if self._order.medium.holds(str(order.medium)) or order.medium.resolve().is_relative_to(self._data.resolve()):
            raise InvalidTransition(
                "backup.keys_beside_data", "name another medium for the keys: with the copy they open and sign",
                folder=str(order.medium),
            )  # fmt: skip
        if any(order.medium.glob(f"ged-keys-*-{digest}.age")):
            return digest, False, True
        encryptor, place = order.encryptor, order.medium / f"ged-keys-{name}-{digest}.age"
        for left in order.medium.glob(".ged-key*.part"):
            left.unlink()
        write_whole(
            order.medium / f".{place.name}.part",
            lambda out: encryptor.encrypt(io.BytesIO(archive), out),
            lambda _: place,
        )
        return digest, True, True

    def _keyring(self, name: str) -> bool:
        """Copy the keys of the stored files, after the files; whether each file of this copy can be opened."""
        order = self._order.keys
        if order.copy_keyring is None:
            return True
        if order.medium is None or order.encryptor is None:
            return False
        encryptor, place = order.encryptor, order.medium / f"{KEYRING}{name}.age"
        with _beside_the_keys(order.keyring, self._spare) as spare, TemporaryFile(dir=spare) as packed:
            folder = spare / "keyring"
            folder.mkdir(mode=0o700)
            order.copy_keyring(folder)
            folders.pack_folder(folder, packed)
            packed.seek(0)
            write_whole(
                order.medium / f".{place.name}.part", lambda out: encryptor.encrypt(packed, out), lambda _: place
            )
        # An older keyring still opens what was disposed of since. One that is named later was made while the clock was ahead, and
        # a restore would take it for the latest.
        others = sorted(one for one in order.medium.glob(f"{KEYRING}*.age") if one != place)
        stays = [one for one in others if one < place][-(KEYRINGS_KEPT - 1) :]
        for earlier in set(others) - set(stays):
            earlier.unlink()
        return True

    def _small(self, name: str) -> Written:
        path = self._services.engine.url.database if self._services.engine.dialect.name == database.SQLITE else None
        with TemporaryFile(dir=self._spare) as packed:
            with journal_seal(self._services).alone():  # no head is half written
                folders.pack(self._data, folders.small_files(self._data, Path(path) if path else None), packed)
            packed.seek(0)
            return self._encrypted(name, papers.FILES, packed)

    def _database(self, name: str, pieces: dict[str, Written]) -> facts.Facts:
        self._progress("the database")
        with database.taken(self._services.engine, self._spare) as moment:
            known = facts.of(moment)
            self._require_room(name, moment.size_bytes, known.digests)
            with moment.opened() as stream:
                plain = Hashed(stream)
                pieces[papers.DATABASE] = self._encrypted(name, papers.DATABASE, Gzipped(plain))
        return known.copied(plain.sha256, plain.size)

    def _require_room(self, snapshot: str, database_bytes: int, digests: Mapping[Digest, str]) -> None:
        """Look at the medium's room before anything large is written; what is kept no longer makes room first."""
        size = database_bytes + ENTRY_BYTES * len(digests) + MARGIN_BYTES
        size += sum(self._new_size(one) for one in digests)
        try:
            self._medium.require_room(size)
        # Only where there is no room: else a run that fails would have cost an earlier copy.
        except DiskFull:
            self._dropped += prune(
                self._medium, self._order.keep, self._services.zone, coming=snapshot, progress=self._progress
            )
            self._known = _known(self._medium)
            self._medium.require_room(size)

    def _new_size(self, digest: Digest) -> int:
        try:
            key_id, stored = self._services.blobs.open_stored(digest)
        except NotFound:
            return 0
        with stored:
            if object_key(self._order.object_key, digest, key_id) in self._known:
                return 0
            return stored.seek(0, io.SEEK_END) + HEADER_BYTES

    def _blobs(self, named_then: Mapping[Digest, str]) -> tuple[tuple[Held, ...], list[str], list[str], bool]:
        """(what the copy holds, altered, lost, whether nothing was removed lawfully meanwhile)."""
        held: list[Held] = []
        damaged: list[str] = []
        gone: list[Digest] = []
        digests = list(named_then)
        with ThreadPoolExecutor(AT_ONCE) as writers:
            for start in range(0, len(digests), BATCH):
                some = digests[start : start + BATCH]
                for digest, (found, fault) in zip(some, writers.map(self._blob, some), strict=True):
                    if found is not None:
                        held.append(found)
                    if fault == "blob.missing":
                        gone.append(digest)
                    elif fault:
                        damaged.append(digest)
                self._progress(f"stored files: {min(start + BATCH, len(digests))}/{len(digests)}")
        # By the present database: what it still names was lost, the rest was removed by a sweep or a disposal.
        with self._services.reading() as session:
            named = {digest for digest, _ in archive_blobs.named_digests(session)} if gone else set()
        held.sort(key=lambda one: one.digest)
        lost = [one for one in gone if one in named]
        return tuple(held), damaged, list[str](lost), len(lost) == len(gone)

    def _blob(self, digest: Digest) -> tuple[Held | None, str]:
        """Write one stored file, as it is stored, unless it is there: (what the copy holds of it, fault of the server)."""
        blobs = self._services.blobs
        try:
            key_id, stored = blobs.open_stored(digest)
        except NotFound:
            return self._earlier(digest), "blob.missing"
        with stored:
            key = object_key(self._order.object_key, digest, key_id)
            size = stored.seek(0, io.SEEK_END)
            if key in self._known:
                return Held(digest, size, key), ""
            if not _is_good(blobs, digest):
                return self._earlier(digest), "blob.altered" if blobs.exists(digest) else "blob.missing"
            stored.seek(0)
            written = self._medium.write_object(key, lambda out: self._order.encryptor.encrypt(stored, out))
        with self._counting:
            self._known[key] = written.size_bytes
            self._new += 1
            self._new_bytes += written.size_bytes
        return Held(digest, size, key), ""

    def _earlier(self, digest: Digest) -> Held | None:
        """What an earlier copy holds of a file that the server has lost."""
        prefix = object_prefix(self._order.object_key, digest)
        key = next((one for one in sorted(self._known) if one.startswith(prefix)), None)
        return Held(digest, self._known[key], key) if key is not None else None

    def _encrypted(self, snapshot: str, name: str, source: Readable) -> Written:
        return self._medium.write_file(snapshot, name, lambda out: self._order.encryptor.encrypt(source, out))

    def _plain(self, snapshot: str, name: str, content: bytes) -> Written:
        def fill(out: Writable) -> None:
            out.write(content)

        return self._medium.write_file(snapshot, name, fill)


class _Lines:
    """Lines as a stream."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def read(self, size: int = -1, /) -> bytes:  # noqa: ARG002  # a line is as much as is asked for
        return next(self._lines, b"")


def _is_good(blobs: BlobStore, digest: Digest) -> bool:
    """Whether a stored file is what it was. One that lies on a bad sector is lost alone: the others are copied all the more."""
    try:
        return blobs.verify(digest)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return False


def _known(medium: AnyMedium) -> dict[str, int]:
    """Key -> size of every object on a medium."""
    return {key: path.stat().st_size for key, path in medium.objects().items()}


def _signed(services: Services, content: bytes) -> str:
    seal = journal_seal(services)
    with seal.alone():
        return seal.sign_bytes(content)
