"""Makes a disk: the checks, the copy from which a server comes back, the readable part, and last what signs all of it.

Until the last step the folder is called ``DRAFT`` and has no page to open. Interrupted anywhere, the next call goes on with it.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives import serialization
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged import destroyed
from ged.archive.anchor import journal_anchors
from ged.archive.seal import journal_seal
from ged.backup import making as backup
from ged.backup.medium import FolderMedium, alone_in, digest_of, require_writable
from ged.backup.order import Made, Order
from ged.backup.papers import Index
from ged.case_export import FORMAT, VERIFIER_COPY, verifier
from ged.db import PROGRAM
from ged.disk import reading
from ged.disk.papers import read_me
from ged.disk.readable import FILES, FOLDER, PAGE, WAITING_PAGE, Counts, Readable, files_of, put
from ged.disk.sealing import KEY_NAME, DiskKey
from ged.durable import sync_folder
from ged.errors import InvalidTransition, NotFound
from ged.letterhead import organisation_name
from ged.progress import Progress
from ged.register.models import Attachment, Mail, Rendition
from ged.unit import Actor, Services
from ged.verify import VerifyReport, verify

DRAFT = "GED-INCOMPLET"
"""The name of a disk that is not complete."""
BACKUP = "sauvegarde"
BEGUN, MADE = "disk.begun", "disk.made"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
HEADS = 12
"""So many of the latest sealed heads stand on the page of proofs."""
SEALING = 1.36
"""A sealed part is larger than what it holds, by base64."""
TEXT_BYTES = 8_000
"""About what a letter takes in registers, letters and words."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        folder: of the medium: a disk is a new folder in it.
        order: makes the order of the backup for its folder on the disk.
        holder: for whom the disk is made, in words: it stands on the page and in the journal.
        actor: who makes it.
        anew: whether a disk that was interrupted is removed first.
    """

    folder: Path
    order: Callable[[Path], Order]
    passphrase: str = field(repr=False)
    holder: str
    actor: Actor
    anew: bool = False


@dataclass(frozen=True)
class Disk:
    """A disk that was made.

    Attributes:
        manifest_sha256: the digest of its manifest, which names the digest of each file: note it beside the passphrase.
    """

    folder: Path
    counts: Counts
    copy: Made
    files: int
    size_bytes: int
    manifest_sha256: str
    problems: int

    @property
    def is_whole(self) -> bool:
        """Whether the copy in it holds all files and the keyring."""
        return self.copy.is_whole and not self.copy.damaged and not self.copy.lost


def draft_of(folder: Path) -> Path | None:
    """The folder of a disk that was begun and is not complete; None: there is none."""
    draft = folder / DRAFT
    return draft if draft.is_dir() and not draft.is_symlink() else None


def has_key(draft: Path) -> bool:
    """Whether a disk that was begun has its passphrase already: to go on with it, the passphrase is needed."""
    return _key_file(draft).is_file()


def _key_file(draft: Path) -> Path:
    return draft / FOLDER / f"{KEY_NAME}.js"


def tidy(draft: Path) -> None:
    """Leave of an interrupted disk what the next run takes up: its key, its sealed documents, its copy.

    The manifest signs what lies on the disk. So what somebody put there meanwhile goes, and links are not followed.
    """
    if draft.is_symlink():
        draft.unlink()
    _keep(draft, {FOLDER, BACKUP})
    _keep(draft / FOLDER, {FILES, _key_file(draft).name})
    for path in (draft / FOLDER / FILES).rglob("*"):
        if path.is_symlink() or path.name.endswith(".part"):
            path.unlink()


def _keep(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name in names and not path.is_symlink():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def make(services: Services, wanted: Wanted, *, now: datetime, progress: Progress = lambda _: None) -> Disk:
    """Make a disk, or go on with one that was interrupted, and note it in the journal. People work meanwhile.

    Raises:
        NotFound, InvalidTransition: as ``place_of``; ``backup.running``, ``backup.keys_beside_data``.
        Invalid: ``disk.passphrase_wrong``: of a disk that was begun.
        DiskFull: ``backup.no_room``, and those of ``ged.backup.making.make``.
    """
    folder = place_of(services, wanted.folder)
    run = Path(services.data_dir) / "run"
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone_in(run / "disk.lock"), _spare(run) as spare:
        return _Run(services, wanted, folder, spare, now, progress).make()


def place_of(services: Services, folder: Path) -> Path:
    """The folder of the medium, with all links resolved, where a disk may be made there.

    Raises:
        NotFound: ``backup.medium_away``; InvalidTransition: ``backup.medium_in_data``, ``backup.medium_read_only``.
    """
    place = folder.resolve()
    if not place.is_dir():
        raise NotFound("backup.medium_away", "plug the disk in, or make the folder once by hand", folder=str(folder))
    if place.is_relative_to(Path(services.data_dir).resolve()):
        raise InvalidTransition(
            "backup.medium_in_data",
            "name a folder of another disk: what takes the data away takes this copy too",
            folder=str(folder),
        )
    require_writable(place)
    return place


@contextmanager
def _spare(run: Path) -> Iterator[Path]:
    """A private folder for words in clear. What a killed run left there is removed."""
    for left in run.glob("disk-*"):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=run, prefix="disk-") as folder:
        yield Path(folder)


class _Sharing(FolderMedium):
    """A medium on which other bytes need room too."""

    def __init__(self, folder: Path, kept_free: int) -> None:
        super().__init__(folder)
        self._kept_free = kept_free

    def require_room(self, size_bytes: int) -> None:
        """See ``FolderMedium``."""
        super().require_room(size_bytes + self._kept_free)


class _Run:
    def __init__(
        self, services: Services, wanted: Wanted, folder: Path, spare: Path, now: datetime, progress: Progress
    ) -> None:
        self._services, self._wanted, self._folder, self._spare = services, wanted, folder, spare
        self._now, self._progress = now, progress
        self._draft = folder / DRAFT
        self._local = now.astimezone(services.zone)

    def make(self) -> Disk:
        # First of all: an interrupted disk can be read too, by who knows its passphrase.
        with self._services.unit_of_work(self._now) as uow:
            uow.record(BEGUN, "disk", None, actor=self._wanted.actor, holder=self._wanted.holder, scope="ordinary")
        key = self._key()
        order = self._order(self._require_room())
        copy = backup.make(self._services, order, now=self._now, progress=self._progress)
        self._progress("the installation is checked")
        report = verify(self._services, now=self._now)
        self._require_room()
        readable = Readable(self._draft, key, self._services.blobs, self._spare, self._progress)
        readable.prepare()
        with self._services.snapshot() as session:
            books = readable.write(session, self._services.zone)
            ministry = organisation_name(session)
        self._proofs()
        readable.finish(self._first_page(ministry, books, report, copy, readable.counts))
        self._keep_own_copy(copy)
        manifest = self._manifest(ministry)
        final = self._complete()
        with self._services.unit_of_work(self._now) as uow:
            uow.record(
                MADE, "disk", None, actor=self._wanted.actor, holder=self._wanted.holder, name=final.name, scope="ordinary",
                letters=readable.counts.letters, files=readable.counts.files, snapshot=copy.snapshot, manifest=manifest[1],
            )  # fmt: skip
        return Disk(final, readable.counts, copy, manifest[2], manifest[3], manifest[1], len(report.problems))

    def _key(self) -> DiskKey:
        if self._wanted.anew and (begun := draft_of(self._folder)) is not None:
            shutil.rmtree(begun)
        tidy(self._draft)
        place = _key_file(self._draft)
        if place.is_file():
            return DiskKey.opened(place.read_bytes(), self._wanted.passphrase)
        self._draft.mkdir(exist_ok=True)
        key = DiskKey.made(self._wanted.passphrase)
        put(place, key.file)
        return key

    def _order(self, kept_free: int) -> Order:
        place = self._draft / BACKUP
        place.mkdir(exist_ok=True)
        order = self._wanted.order(place)
        keys = order.keys.medium
        if keys is not None and self._lies_on_the_disk(keys.resolve()):
            raise InvalidTransition(
                "backup.keys_beside_data",
                "name another medium for the keys: with the copy they open and sign",
                folder=str(keys),
            )
        return replace(order, medium=_Sharing(place, kept_free))

    def _lies_on_the_disk(self, keys: Path) -> bool:
        if keys.is_relative_to(self._folder):
            return True
        # Another folder of one stick. Where the data too lie there, it is a trial on one machine.
        return keys.is_dir() and device_of(keys) == device_of(self._folder) != device_of(Path(self._services.data_dir))

    def _keep_own_copy(self, copy: Made) -> None:
        """Leave of the copy's medium this copy alone: the manifest signs whatever lies there, also what somebody put there meanwhile."""
        medium = FolderMedium(self._draft / BACKUP)
        mine = medium.path_of(copy.snapshot)
        _keep(medium.folder, {"README.txt", "objects", mine.parent.name})
        _keep(mine.parent, {mine.name})
        named = set(Index.read(mine).objects)
        own = {path for key, path in medium.objects().items() if key in named}
        for _name, path in files_of(medium.folder / "objects"):
            if path not in own:
                path.unlink()

    def _require_room(self) -> int:
        """Refuse a disk without room for its readable part, before the first large byte.

        Returns:
            The bytes that the readable part still needs: the copy, which is written first, leaves them free.
        """
        with self._services.reading() as session:
            needed = _needed(session)
        needed -= sum(path.stat().st_size for _, path in files_of(self._draft / FOLDER))
        FolderMedium(self._folder).require_room(max(0, needed))
        return max(0, needed)

    # --- what is told and proven

    def _first_page(
        self, ministry: str, books: list[dict[str, Any]], report: VerifyReport, copy: Made, counts: Counts
    ) -> dict[str, Any]:
        seal = journal_seal(self._services)
        heads = [json.loads(line)["head"] for line in seal.lines()[-HEADS:]]
        return {
            "ministry": ministry,
            "holder": self._wanted.holder,
            "made": self._local.strftime("%Y-%m-%dT%H:%M"),
            "letters": counts.letters,
            "files": counts.files,
            "unreadable": counts.unreadable,
            "books": books,
            "copy": {"snapshot": copy.snapshot, "whole": copy.is_whole and not copy.damaged and not copy.lost},
            "program": PROGRAM,
            "verdict": {
                # Their places name digests and numbers of letters of every level: `ged verify` tells them.
                "problems": sorted(Counter(one.code for one in report.problems).items()),
                "count": len(report.problems),
                "entries": report.entries,
                "sealed_until": report.sealed_until,
                "sealed_at": report.sealed_at,
                "files": report.blobs,
                "signatures": report.signatures,
                "no_gap": report.numbers_without_gap,
            },
            "heads": [[one["count"], one["at"], one["hash"]] for one in reversed(heads)],
            "journal_key": fingerprint(seal.public_pem()),
            "verifier": verifier()[1],
        }

    def _proofs(self) -> None:
        """What ``ged_verify.py`` reads beside the manifest: the journal's key and anchor, the roots, a copy of the program to read."""
        for number, pem in enumerate(self._services.vault.trust_roots_pem(), start=1):
            put(self._draft / "trust" / f"root-{number}.pem", pem.encode())
        put(self._draft / "journal.pub", journal_seal(self._services).public_pem())
        put(self._draft / "journal.jsonl", b"")
        found = journal_anchors(self._services).newest()
        if found is not None:
            put(self._draft / "anchor.json", found[1].encode())
            if found[2] is not None:
                put(self._draft / "anchor.tst", found[2])
        program, digest = verifier()
        put(self._draft / VERIFIER_COPY, program)
        put(self._draft / "LISEZ-MOI.txt", read_me(VERIFIER_COPY, digest).encode())

    def _manifest(self, ministry: str) -> tuple[bytes, str, int, int]:
        """(the manifest, its SHA-256, how many files it names, how large they are)."""
        self._progress("the manifest")
        # The page is listed under the name that it gets in the last step, `_complete`.
        listed = [
            {"path": PAGE if name == WAITING_PAGE else name, "sha256": digest_of(path), "size": path.stat().st_size}
            for name, path in files_of(self._draft)
        ]
        number = f"« Le ministère sur un disque », {ministry}, {self._local:%d/%m/%Y %H:%M}"
        manifest = {
            "format": FORMAT,
            "exported_at": self._now.isoformat(),
            "case": {"mail_id": 0, "number": number, "subject": ""},
            "people": {},
            "files": listed,
            "signed": [],
        }
        content = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1).encode()
        put(self._draft / MANIFEST, content)
        put(self._draft / SIGNATURE, journal_seal(self._services).sign_bytes(content).encode())
        size = sum(int(str(one["size"])) for one in listed)
        return content, hashlib.sha256(content).hexdigest(), len(listed) + 2, size + len(content)

    def _complete(self) -> Path:
        base = self._local.strftime("GED-%Y-%m-%d-%H%M")
        final, number = self._folder / base, 1
        while final.exists():
            number += 1
            final = self._folder / f"{base}-{number}"
        (self._draft / WAITING_PAGE).rename(self._draft / PAGE)
        # The name of the page is safe before the folder gets its own: after a power cut no whole disk lacks it.
        sync_folder(self._draft)
        self._draft.rename(final)
        sync_folder(self._folder)
        return final


def device_of(folder: Path) -> int:
    """The number of the file system on which a folder lies."""
    return folder.stat().st_dev


def _needed(session: Session) -> int:
    """About how many bytes the readable part of a disk takes."""
    shown = sum(_sum(session, one) for one in (Attachment, Rendition))
    letters = session.scalar(select(func.count()).select_from(Mail).where(reading.is_readable())) or 0
    return int(SEALING * shown) + letters * TEXT_BYTES + backup.MARGIN_BYTES


def _sum(session: Session, table: type[Attachment] | type[Rendition]) -> int:
    """Bytes of the files of letters that go readable onto a disk."""
    query = select(func.coalesce(func.sum(table.size_bytes), 0))
    if table is Rendition:
        query = query.join(Attachment, Attachment.id == Rendition.attachment_id)
        query = query.where(Rendition.kind == "searchable_pdf", Attachment.digest.is_(None))
    query = query.join(Mail, Mail.id == Attachment.mail_id).where(reading.is_readable())
    query = query.where(~destroyed.holds(Mail.id))
    return int(session.scalar(query) or 0)  # PostgreSQL sums to a decimal


def fingerprint(public_pem: bytes) -> str:
    """Of the journal's key, as ``ged_verify.py`` tells it."""
    key = serialization.load_pem_public_key(public_pem)
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:32]
