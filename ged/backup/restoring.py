"""Brings a copy back: every byte is compared with what the manifest says before it counts."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import delete, update

from ged.backup import checking, folders, papers
from ged.backup.order import KEYRING, KEYS
from ged.backup.papers import Held, Index, Manifest
from ged.backup.places import AnyMedium, Place
from ged.backup.retention import RECENT, name_of
from ged.backup.streams import CHUNK, AtMost, FromMedium, Gunzipping, Hashed
from ged.db import PROGRAM
from ged.errors import ConfigError, EngineFailed, NotFound
from ged.exceptional import operations as exceptional
from ged.jobs import LIVE_STATES, Job, JobKind, JobState
from ged.org.models import OpenSession
from ged.ports import BlobStore, Decryptor, Digest, Readable
from ged.progress import Progress
from ged.resuming import holding
from ged.unit import SYSTEM, Services

logger = logging.getLogger(__name__)

RESTORED = "backup.restored"
AFTER_RESTORE = "backup.restored"
"""Error code of jobs that wait for a person, because they may have been done after the copy was made."""


@dataclass(frozen=True)
class Copy:
    """A copy that was opened: it is signed by the journal's key, and its own files are whole."""

    medium: AnyMedium
    decryptor: Decryptor
    index: Index
    manifest: Manifest

    @property
    def folder(self) -> Place:
        """Where it lies."""
        return self.medium.path_of(self.index.snapshot)


def latest(medium: AnyMedium, wanted: str = "", *, now: datetime) -> str:
    """The name of the wanted copy, or of the latest. One of a later day than today was made while the server's clock was ahead:
    it is the latest only where there is no other.

    Raises:
        NotFound: ``backup.no_medium``, ``backup.no_snapshot``.
    """
    medium.require()
    names = medium.snapshots()
    if not names or (wanted and wanted not in names):
        raise NotFound("backup.no_snapshot", "name one of the copies that `ged backup list` names", snapshot=wanted)
    return wanted or ([one for one in names if one <= name_of(now + RECENT)] or names)[-1]


def open_copy(medium: AnyMedium, name: str, decryptor: Decryptor, public_pem: bytes) -> Copy:
    """Open a copy. The encryption does not say who made it; the journal's signature does.

    Raises:
        EngineFailed: ``backup.not_ours``, ``backup.broken`` (with the file), ``backup.wrong_key``, ``backup.altered``.
        ConfigError: ``database.newer``: a later program made it.
    """
    for broken in checking.of_snapshot(medium, name, public_pem):
        if broken.code == "index.not_ours":
            raise _not_ours(broken.where)
        raise _broken(broken.where)
    folder = medium.path_of(name)
    # Read once more, and from here on the only one: a medium may give something else the second time.
    index = Index.signed(folder, public_pem)
    if index is None or index.snapshot != name:
        raise _not_ours(f"{name}/{papers.INDEX}")
    with TemporaryFile() as plain:
        with _piece(folder, index, papers.MANIFEST) as stored:
            decryptor.decrypt(stored, Gunzipping(plain))
        plain.seek(0)
        manifest = Manifest.read(plain)
    if manifest.program > PROGRAM:
        raise ConfigError(
            "database.newer",
            "install the release that made this copy, or a later one",
            setting="ged",
            made_by=manifest.program,
        )
    if manifest.snapshot != name:
        raise _broken(f"{name}/{papers.MANIFEST}")
    return Copy(medium, decryptor, index, manifest)


@contextmanager
def _piece(folder: Place, index: Index, name: str) -> Iterator[Readable]:
    """A file of a copy, to be read once. Use what was made of it after the block: its bytes are then those that were signed.

    Raises:
        EngineFailed: ``backup.broken``.
    """
    signed = [one.sha256 for one in index.pieces if one.name == name]
    with (folder / name).open("rb") as stored:
        source = Hashed(stored)
        yield source
        while source.read(CHUNK):
            pass
    if signed != [source.sha256]:
        raise _broken(f"{folder.name}/{name}")


def find_keys(place: Path, index: Index) -> Path:
    """The archive of keys that belongs to a copy; in a folder without it, the latest.

    Raises:
        NotFound: ``backup.no_keys``.
    """
    if place.is_file():
        return place
    found = sorted(place.glob(f"{KEYS}*.age")) if place.is_dir() else []
    own = [one for one in found if one.stem.endswith(f"-{index.keys}")]
    if not found:
        raise NotFound(
            "backup.no_keys", "name the archive ged-keys-….age, or the folder that holds it", place=str(place)
        )
    return (own or found)[-1]


def find_keyring(place: Path, snapshot: str) -> tuple[Path, bool]:
    """The latest archive of the stored files' keys, and whether it is as new as a copy: it opens what was not disposed of.

    Args:
        place: the archive of the keys, or its folder.

    Raises:
        NotFound: ``backup.no_keyring``.
    """
    folder = place if place.is_dir() else place.parent
    found = sorted(folder.glob(f"{KEYRING}*.age"))
    if not found:
        raise NotFound(
            "backup.no_keyring",
            "put the latest ged-keyring-….age beside the archive of the keys: the stored files are encrypted under it",
            place=str(folder),
        )
    return found[-1], found[-1].stem.removeprefix(KEYRING) >= snapshot


def unpack_keys(archive: Path, decryptor: Decryptor, folder: Path) -> None:
    """Write an archive of keys below a folder: ``data/…`` and ``settings/…``; or the two files of a keyring.

    Raises:
        EngineFailed: ``backup.wrong_key``, ``backup.altered``.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    with TemporaryFile(dir=folder) as plain:
        with archive.open("rb") as stored:
            decryptor.decrypt(stored, plain)
        plain.seek(0)
        folders.unpack(plain, folder)


def unpack_files(copy: Copy, folder: Path) -> None:
    """Write the small files below a private folder: ``data/…``."""
    with TemporaryFile(dir=folder) as plain:
        with _piece(copy.folder, copy.index, papers.FILES) as stored:
            copy.decryptor.decrypt(stored, plain)
        plain.seek(0)
        folders.unpack(plain, folder)


def write_database(copy: Copy, place: Path) -> None:
    """Write the plain copy of the database into a file.

    Raises:
        EngineFailed: ``backup.broken``: its bytes are not those of the manifest.
    """
    with place.open("xb") as out, _piece(copy.folder, copy.index, papers.DATABASE) as stored:
        plain = Gunzipping(out)
        copy.decryptor.decrypt(stored, plain)
    if plain.sha256 != copy.manifest.database_sha256:
        raise _broken(f"{copy.index.snapshot}/{papers.DATABASE}")


def bring_blobs(copy: Copy, blobs: BlobStore, spare: Path, *, progress: Progress = lambda _: None) -> list[str]:
    """Store every file of the copy, unless it is there already. Returns the objects that cannot be brought back.

    One that is broken does not stop the others: the rest of the archive comes back, and each is named. What a disposal destroyed since
    is not brought back, and is not broken: the keyring tells of it.

    Args:
        spare: a private folder, on a disk with room for the largest file.
    """
    found, broken = copy.medium.objects(), list[str]()
    gone = {one.digest for one in blobs.tombstones() if one.is_key}
    for n, one in enumerate(copy.manifest.held):
        if n % 500 == 0:
            progress(f"stored files: {n}/{len(copy.manifest.held)}")
        if blobs.exists(Digest(one.digest)) and blobs.verify(Digest(one.digest)):
            continue
        path = found.get(one.object)
        if path is None:
            broken.append(f"objects/{one.object[:2]}/{one.object}: missing ({one.digest})")
        elif fault := _bring(copy, path, one, blobs, spare, gone):
            broken.append(f"{copy.medium.shown_as(path)}: {fault} ({one.digest})")
    progress(f"stored files: {len(copy.manifest.held)}/{len(copy.manifest.held)}")
    return broken


def _bring(copy: Copy, path: Place, held: Held, blobs: BlobStore, spare: Path, gone: Collection[Digest]) -> str:
    """Put one file back; what is wrong with it, or nothing."""
    with TemporaryFile(dir=spare) as stored:
        try:
            with path.open("rb") as source:
                copy.decryptor.decrypt(FromMedium(source), AtMost(stored, held.size_bytes))
            stored.seek(0)
            blobs.put_stored(Digest(held.digest), stored)
        except NotFound:
            if Digest(held.digest) in gone:
                return ""
            return "its key was destroyed: it was disposed of since, or the keyring is older than the copy"
        except EngineFailed as error:
            if error.retryable:  # our own disk, not the medium
                raise
            logger.warning("backup.object_refused object=%s code=%s", path.name, error.code)
            return "altered"
    return ""


@dataclass(frozen=True)
class Settled:
    """What was changed in a restored database.

    Attributes:
        requeued: jobs that had been running when the copy was made.
        uncertain: messages that may have left after the copy was made: a person decides (page of the jobs).
        waiting: registers that give no number until a clerk says the last one on paper, by code.
    """

    sessions: int
    requeued: int
    uncertain: int
    waiting: tuple[str, ...] = ()


def settle(services: Services, copy: Copy, *, irrevocable: frozenset[JobKind], now: datetime) -> Settled:
    """Make a restored database fit to serve: everybody signs in anew, no message is sent twice, no number is given twice,
    nobody reads by exception, the index is built anew.

    Args:
        irrevocable: kinds of jobs whose act cannot be taken back.
    """
    with services.unit_of_work(now) as uow:
        ended = uow.session.scalars(delete(OpenSession).returning(OpenSession.id)).all()
        waiting = update(Job).execution_options(synchronize_session=False).returning(Job.id)
        # Before the next statement, which would queue a running one again: its e-mail would leave twice.
        uncertain = uow.session.scalars(
            waiting.where(Job.state.in_(LIVE_STATES), Job.kind.in_(irrevocable)).values(
                state=JobState.UNCERTAIN, lease_until=None, finished_at=now, error_code=AFTER_RESTORE
            )
        ).all()
        requeued = uow.session.scalars(
            waiting.where(Job.state == JobState.RUNNING).values(state=JobState.QUEUED, lease_until=None, run_after=now)
        ).all()
        exceptional.end_all(uow)
        waiting_registers = holding.hold_registers(uow, copied_at=datetime.fromisoformat(copy.manifest.made_at))
        uow.defer(JobKind.REBUILD_INDEX, 0)
        uow.record(
            RESTORED, "backup", None, actor=SYSTEM, snapshot=copy.manifest.snapshot, entries=copy.manifest.entries,
            damaged=len(copy.manifest.damaged),
        )  # fmt: skip
        return Settled(len(ended), len(requeued), len(uncertain), tuple(dict.fromkeys(waiting_registers)))


def _not_ours(where: str) -> EngineFailed:
    return EngineFailed(
        "backup.not_ours",
        "the journal's key did not sign this copy: somebody else made it, or the keys are of another installation",
        where=where,
    )


def _broken(where: str) -> EngineFailed:
    return EngineFailed("backup.broken", "this file is not what was written: take another copy or medium", where=where)
