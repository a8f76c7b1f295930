"""Restores a copy: into a new installation, or into a spare folder for a drill. Nothing is served before all is checked."""

import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ged import pipeline
from ged.archive.seal import journal_seal
from ged.backup import drill_sheet, drilling, restoring
from ged.backup.medium import alone_in
from ged.backup.papers import Index, Manifest
from ged.backup.places import AnyMedium
from ged.backup.restoring import Copy, Settled
from ged.config import Settings
from ged.disposal import destroying
from ged.durable import sync_folder
from ged.errors import ConfigError, DiskFull, InvalidTransition
from ged.jobs import JobKind
from ged.ports import Decryptor, Digest, Tombstone
from ged.progress import Progress
from ged.space import NO_SPACE
from ged.unit import Services
from ged.verify import VerifyReport, verify
from web.processes.migrate import finish_database
from web.wiring import restored

KEYRING = "keyring"
HALF = ".restoring"
"""Ends the name of the data folder until everything is there."""
ROOM = 1.1
"""What a file system needs for itself, beside the bytes of the files."""


@dataclass(frozen=True)
class Wanted:
    """What is to be restored, and what opens it.

    Attributes:
        keys: archive of the keys, or its folder.
        public_pem: a copy of the journal's public key that came another way; None: the archive's.
        database_url: an empty database; empty: as the restored settings say.
    """

    medium: AnyMedium
    snapshot: str
    decryptor: Decryptor = field(repr=False)
    keys: Path
    keys_decryptor: Decryptor = field(repr=False)
    public_pem: bytes | None = None
    database_url: str = ""


@dataclass(frozen=True)
class Places:
    """Where an installation is brought, and where it will serve: data and keyring, and its settings."""

    work: Path
    data: Path
    half_keyring: Path
    keyring: Path
    settings: Path


@dataclass
class Apart:
    """An installation that was brought back, and is still apart from where it will serve.

    Attributes:
        broken: objects that could not be brought back; the rest is there.
        destroyed: letters that a disposal destroyed after the copy, and that were destroyed again in it.
        seconds: how long each step took.
    """

    services: Services
    copy: Copy
    settings: Settings
    lines: str
    unpacked: Path
    broken: tuple[str, ...]
    destroyed: tuple[int, ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What a restore did: see ``Apart``, ``Settled`` and ``ged.verify``.

    Attributes:
        keyring_unread: the keyring of the installation whose place this takes could not be read.
    """

    manifest: Manifest
    settings: Path
    broken: tuple[str, ...]
    settled: Settled
    report: VerifyReport
    destroyed: tuple[int, ...]
    seconds: dict[str, float]
    keyring_unread: bool = False


@dataclass(frozen=True)
class Drill:
    """What a drill has proven.

    Attributes:
        body: what the report says.
        signature: of the restored journal's key, over the report.
        public: the journal's public key, as PEM.
        sheet: the report on paper: a PDF, under the institution's seal where ``unsealed`` is empty; no bytes: it was not made.
        unsealed: code of the reason why there is no PDF, or why it bears no seal.
    """

    snapshot: str
    body: dict[str, object]
    signature: str
    public: bytes
    faults: tuple[str, ...]
    letters: int
    destroyed: int
    seconds: float
    sheet: bytes
    unsealed: str

    def is_of(self, data: Path) -> bool:
        """Whether the copy is of the installation with this data folder: it has the same journal key."""
        own = data / "seal" / "journal.pub"
        return own.is_file() and own.read_bytes() == self.public


def restore(
    wanted: Wanted, data: Path, settings: Path, *, settled: Callable[[Services], None] = lambda _: None,
    destroyed: Collection[Tombstone] = (), progress: Progress = lambda _: None,
) -> Outcome:  # fmt: skip
    """Restore into a new data folder and a new settings folder. Interrupted, the same call goes on.

    Args:
        settled: called with the restored services before the data folder gets its name.
        destroyed: what disposals destroyed in the installation of which this takes the place.

    Raises:
        InvalidTransition: ``backup.not_empty``; ``backup.running``; NotFound, EngineFailed, ConfigError: what is not as it
            should be, with the file's name; the data folder is not there then.
        DiskFull: ``backup.no_room_here``.
    """
    data, settings = data.resolve(), settings.resolve()
    work, keyring = data.with_name(data.name + HALF), data.with_name(f"{data.name}-{KEYRING}")
    half_keyring = keyring.with_name(keyring.name + HALF)
    _require_new(data)
    if not work.exists():  # an interrupted run may have written its settings: ``put_settings`` compares them
        _require_new(settings)
        _require_new(keyring)
    elif keyring.exists() and not half_keyring.exists():
        keyring.replace(half_keyring)
    if settings.is_relative_to(data):
        raise ConfigError("settings.inside_data", "choose a folder outside of the data folder", setting="--settings")
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        alone_in(work / "restore.lock"),
        _apart(wanted, Places(work, data, half_keyring, keyring, settings), progress, destroyed=destroyed) as apart,
    ):
        with _timed(apart.seconds, "verify"):
            progress("ged verify")
            now = datetime.now(UTC)
            fit = restoring.settle(apart.services, apart.copy, irrevocable=_irrevocable(), now=now)
            settled(apart.services)
            report = verify(apart.services, now=now)
        apart.services.engine.dispose()
        # In this order: without its settings a data folder would seem to be there, and could not be restored again.
        place = restored.put_settings(apart.lines, apart.unpacked, settings)
        shutil.rmtree(apart.unpacked)
        if half_keyring.exists():
            half_keyring.replace(keyring)
        if data.is_dir():
            data.rmdir()
        (work / "restore.lock").unlink()
        work.replace(data)
        sync_folder(data.parent)
    return Outcome(apart.copy.manifest, place, apart.broken, fit, report, apart.destroyed, apart.seconds)


def drill(wanted: Wanted, spare: Path, *, letters: int, progress: Progress = lambda _: None) -> Drill:
    """Restore into a new folder, prove that all is of use, and remove it again, however it ends.

    Raises:
        As ``restore``.
    """
    spare = spare.resolve()
    _require_new(spare)
    work = spare / "data"
    work.mkdir(parents=True, mode=0o700)
    try:
        places = Places(work, work, spare / KEYRING, spare / KEYRING, spare / "settings")
        with _apart(wanted, places, progress, undo=restored.empty_database) as apart:
            try:
                with _timed(apart.seconds, "verify"):
                    progress("ged verify")
                    report = verify(apart.services, now=datetime.now(UTC))
                with _timed(apart.seconds, "letters"):
                    progress("letters taken by chance")
                    opened = drilling.look(apart.services, letters)
                faults = drilling.faults_of(apart.broken, report.problems, opened)
                body = drilling.report_of(
                    apart.copy,
                    report,
                    opened,
                    faults,
                    apart.seconds,
                    at=datetime.now(UTC),
                    destroyed_since=len(apart.destroyed),
                )
                seal = journal_seal(apart.services)
                progress("the report on paper")
                pdf, unsealed = drill_sheet.printed(apart.services, body, at=datetime.now(UTC))
                return Drill(
                    apart.copy.manifest.snapshot, body, seal.sign(body), seal.public_pem(), faults, len(opened), len(apart.destroyed),
                    sum(apart.seconds.values()), pdf, unsealed,
                )  # fmt: skip
            finally:
                apart.services.engine.dispose()
                progress("the spare folder is removed")
                restored.empty_database(apart.settings)
    finally:
        shutil.rmtree(spare)


def _irrevocable() -> frozenset[JobKind]:
    return frozenset(kind for kind, known in pipeline.KINDS.items() if known.irrevocable)


def _require_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidTransition(
            "backup.not_empty", "name a new folder: nothing is ever restored over what is there", folder=str(folder)
        )


@contextmanager
def _apart(
    wanted: Wanted,
    places: Places,
    progress: Progress,
    *,
    undo: Callable[[Settings], None] = lambda _: None,
    destroyed: Collection[Tombstone] = (),
) -> Iterator[Apart]:
    """Bring a copy back into the folder ``work``. What an earlier run brought of the stored files is read, and stays.

    Args:
        undo: is called where that fails after the database was found empty.
    """
    seconds: dict[str, float] = {}
    work = places.work
    unpacked = work / "unpacked"
    with _timed(seconds, "keys"), _full_disk_named(work):
        progress("keys and settings")
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir(mode=0o700)
        copy = _opened(wanted, unpacked, progress)
    with _timed(seconds, "small files"), _full_disk_named(work):
        restoring.unpack_files(copy, unpacked)
        shutil.copytree(unpacked / "data", work, dirs_exist_ok=True)
        work.chmod(0o700)
        shutil.rmtree(unpacked / "data")
        lines = restored.written_settings(
            unpacked, places.settings, data=places.data, keyring=places.keyring, database_url=wanted.database_url
        )
        own = restored.settings_apart(lines, unpacked, data=work, keyring=places.half_keyring)
        restored.require_empty(own, copy.manifest.database)
    with ExitStack() as undone:
        # Only from here on: the database was found empty above, so nothing of others is emptied.
        undone.callback(undo, own)
        with _timed(seconds, "stored files"):
            keyring = _keyring(wanted, copy, unpacked, progress) if own.keyring is not None else None
            with restored.blob_store(own, keyring, destroyed) as blobs:
                # Twice the database: the copy that is unpacked, and the tables that are made of it.
                missing = sum(one.size_bytes for one in copy.manifest.held if not blobs.exists(Digest(one.digest)))
                _require_room(work, int((missing + 2 * copy.manifest.database_bytes) * ROOM))
                broken = restoring.bring_blobs(copy, blobs, unpacked, progress=progress)
        with _timed(seconds, "database"):
            progress("the database")
            _bring_database(copy, own, unpacked)
            # The copy may be of an earlier release; nobody runs on this database, so contractions are no danger.
            finish_database(own)
        services = restored.services_apart(own)
        again = destroying.again(services, services.blobs.tombstones(), now=datetime.now(UTC))
        undone.pop_all()
    yield Apart(services, copy, own, lines, unpacked, tuple(broken), again, seconds)


def _opened(wanted: Wanted, unpacked: Path, progress: Progress) -> Copy:
    medium = wanted.medium
    name = restoring.latest(medium, wanted.snapshot, now=datetime.now(UTC))
    index = Index.read(medium.path_of(name))
    archive = restoring.find_keys(wanted.keys, index)
    if not archive.stem.endswith(f"-{index.keys}"):
        progress(f"{archive.name} is of another moment than the copy: keys that were made between the two are missing")
    restoring.unpack_keys(archive, wanted.keys_decryptor, unpacked)
    public = wanted.public_pem
    if public is None:
        found = unpacked / "data" / "seal" / "journal.pub"
        public = found.read_bytes() if found.is_file() else b""
    return restoring.open_copy(medium, name, wanted.decryptor, public)


def _keyring(wanted: Wanted, copy: Copy, unpacked: Path, progress: Progress) -> Path:
    archive, is_as_new = restoring.find_keyring(wanted.keys, copy.index.snapshot)
    if not is_as_new:
        progress(f"{archive.name} is older than the copy: files that were stored between the two cannot be opened")
    folder = unpacked / KEYRING
    restoring.unpack_keys(archive, wanted.keys_decryptor, folder)
    return folder


def _bring_database(copy: Copy, settings: Settings, scratch: Path) -> None:
    if settings.embedded:
        place = settings.data_dir / "ged.sqlite3"
        # With its -wal and -shm of an interrupted run: SQLite would apply them to the new file.
        for left in settings.data_dir.glob(f"{place.name}*"):
            left.unlink()
        restoring.write_database(copy, place)
        return
    dump = scratch / "database.dump"
    restoring.write_database(copy, dump)
    restored.bring_dump(settings, dump, version=copy.manifest.version)
    dump.unlink()


def _require_room(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise DiskFull(
            "backup.no_room_here",
            "free room, or choose a larger disk",
            folder=str(folder),
            missing_bytes=size_bytes - free,
        )


@contextmanager
def _full_disk_named(folder: Path) -> Iterator[None]:
    """A disk that is full before the room was counted, in the words of a restore: nobody "sends again" here."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        free = shutil.disk_usage(folder).free
        raise DiskFull(
            "backup.no_room_here",
            "free room, or choose a larger disk (--data, --spare)",
            folder=str(folder),
            free_bytes=free,
        ) from error


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - began, 3)
