"""Writes an entity into a folder. The package's docstring says what is in it, and why."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit, destroyed, durable
from ged.archive import blobs as archive_blobs
from ged.archive.anchor import journal_anchors, leaves
from ged.archive.keeping import anchor_journal
from ged.archive.seal import journal_seal
from ged.case_export import VERIFIER_COPY, verifier
from ged.db import PROGRAM
from ged.errors import EngineFailed, InvalidTransition, NotFound
from ged.org.certificates import own_lists
from ged.org.models import Unit
from ged.ports import Digest
from ged.progress import Progress
from ged.taken import TakenEntity
from ged.transfer import journal, rows
from ged.transfer.belonging import Belonging, travelling, units_of
from ged.unit import SYSTEM, Actor, Services

FORMAT = "ged-entity-1"
DESTROYED = "destroyed.jsonl"
_READ_ME = """\
Ce dossier réunit une entité entière : ses courriers, ses registres, ses documents, et ce qui les prouve.

Vérifiez-le avec le programme ged_verify.py, obtenu ailleurs que dans ce dossier : auprès de l'institution qui l'a émis
(adresse /pki/ged_verify.py de son site), ou de vos propres archives. La copie {copy} ne sert qu'à la lecture,
ne l'exécutez jamais.

Empreinte SHA-256 du programme, que l'institution publie aussi (/pki/ged_verify.sha256) :
{digest}

    python ged_verify.py DOSSIER --key CLÉ_DU_JOURNAL.pub --trust RACINE.pem

La clé du journal et les racines jointes ne disent que ce qu'affirme l'auteur du dossier : donnez celles que vous tenez.
Code de sortie : 0 tout est prouvé ; 1 non conforme ; 2 illisible ; 3 rien de contraire, mais tout n'est pas prouvé.

Le dossier contient tous les courriers de l'entité, quel que soit leur niveau de confidentialité, sans chiffrement :
gardez-le et transportez-le comme une sauvegarde. Il ne contient ni mot de passe, ni clé privée.
"""


@dataclass(frozen=True)
class Written:
    """What was written: the folder's name, counts, and the SHA-256 of the manifest, which the journal names."""

    folder: Path
    letters: int
    documents: int
    entries: int
    manifest_sha256: str


def export(
    services: Services,
    code: str,
    folder: Path,
    *,
    actor: Actor = SYSTEM,
    now: datetime,
    progress: Progress = lambda _: None,
) -> Written:
    """Write the entity with this code into a new folder. What is written of an interrupted run is written anew.

    Args:
        progress: is given the name of each part as its writing begins.

    Raises:
        NotFound: ``entity.unknown``: no entity has this code.
        InvalidTransition: ``entity.entangled``: records of it name records of another entity (``where``);
            ``entity.being_written``: another run writes this folder; ``entity.came_from_elsewhere``: it was taken in here,
            and most of its proof hangs on another journal.
        FileExistsError: the folder, or what would be its half, is there and is none of ours.
        EngineFailed: ``blob.missing``, ``blob.altered``: a stored file is damaged; mend it first (``ged verify``).
    """
    if folder.exists():
        raise FileExistsError(folder)
    with services.reading() as session:
        _entity(session, code)
    with _half(folder) as half:
        # Before the snapshot: so each entry of the folder is under an anchor.
        anchor_journal(services, now=now)
        written = _Writer(services, half, now, progress).write(code)
        for attempt in services.attempts(now):
            with attempt as uow:
                uow.record(
                    "entity.exported", "entity", written.unit_id, actor=actor, code=code,
                    manifest=written.manifest_sha256, letters=written.letters, documents=written.documents,
                )  # fmt: skip
        # The files first: after a power cut a folder with its own name is whole. On Linux `os.sync` waits for the disk (sync(2)).
        os.sync()
        # Last, after the journal knows of the folder: one with its own name was recorded.
        half.rename(folder)
        durable.sync_folder(folder.parent)
    return Written(folder, written.letters, written.documents, written.entries, written.manifest_sha256)


def _entity(session: Session, code: str) -> tuple[int, Belonging]:
    found = units_of(session, code)
    if found is None:
        raise NotFound("entity.unknown", "give the code of an entity", unit=code)
    belonging = Belonging(found[1])
    if session.scalar(select(TakenEntity.id).where(TakenEntity.unit_id.in_(found[1])).limit(1)) is not None:
        raise InvalidTransition("entity.came_from_elsewhere", "export it where it was before")
    entangled = list(belonging.entangled(session))
    if entangled:
        where = ", ".join(f"{column} {count}" for column, count in entangled[:5])
        raise InvalidTransition("entity.entangled", "export the entity above both", where=where)
    return found[0], belonging


def exportable_id(session: Session, code: str) -> int:
    """The id of the entity with this code, where it can be exported.

    Raises:
        NotFound, InvalidTransition: as ``export``.
    """
    return _entity(session, code)[0]


@contextmanager
def _half(folder: Path) -> Iterator[Path]:
    """An empty folder beside the one that is wanted; what an interrupted run left there is removed.

    The lock's file tells our half from a folder of the same name that somebody else made.
    """
    half, lock = folder.with_name(folder.name + ".half"), folder.with_name(folder.name + ".lock")
    is_ours = lock.exists()
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidTransition(
                "entity.being_written", "wait until the other run has ended", path=str(folder)
            ) from None
        if half.exists():
            if not is_ours:
                lock.unlink()
                raise FileExistsError(half)
            shutil.rmtree(half)
        half.mkdir(parents=True, mode=0o700)
        yield half
        lock.unlink()


@dataclass
class _Done:
    """What the manifest says of the whole."""

    unit_id: int = 0
    letters: int = 0
    documents: int = 0
    entries: int = 0
    manifest_sha256: str = ""


@dataclass
class _Signed:
    """Revisions of signed documents, collected as rows pass by."""

    revisions: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    numbers: dict[tuple[str, int], str] = field(default_factory=dict)
    sheets: dict[int, str] = field(default_factory=dict)

    def see(self, table: str, row: dict[str, Any]) -> None:
        match table:
            case "signed_revisions":
                self.revisions.setdefault(("courrier", row["mail_id"]), []).append(row["digest"])
            case "slip_revisions":
                self.revisions.setdefault(("bordereau", row["slip_id"]), []).append(row["digest"])
            case "closing_revisions":
                closed = ("clôture", row["closing_id"])
                self.revisions.setdefault(closed, [self.sheets[row["closing_id"]]]).append(row["digest"])
            case "register_closings":
                self.sheets[row["id"]] = row["digest"]
            case "mail_numbers" if row["voided_at"] is None:
                for column, of in (("mail_id", "courrier"), ("slip_id", "bordereau")):
                    if row[column] is not None:
                        self.numbers.setdefault((of, row[column]), row["text"])

    def leave_out(self, gone: Collection[str]) -> None:
        """Forget the documents that were destroyed."""
        self.revisions = {of: digests for of, digests in self.revisions.items() if digests[-1] not in gone}

    def lines(self) -> Iterator[bytes]:
        for (of, subject_id), digests in sorted(self.revisions.items()):
            name = f"{of} {self.numbers.get((of, subject_id), '')}".strip()
            yield (
                audit.canonical(
                    {"name": f"{name} (n° {subject_id})", "path": document_path(digests[-1]), "revisions": digests}
                )
                + b"\n"
            )


def document_path(digest: str) -> str:
    """Where a stored file lies in the folder."""
    return f"files/{digest[:2]}/{digest}"


class _Writer:
    def __init__(self, services: Services, folder: Path, now: datetime, progress: Progress) -> None:
        self._services, self._folder, self._now, self._progress = services, folder, now, progress
        self._parts: list[dict[str, Any]] = []
        self._counts: dict[str, int] = {}
        self._named: set[str] = set()
        self._signed = _Signed()

    def write(self, code: str) -> _Done:
        # Read the files of heads and anchors before the snapshot begins, so that none is newer than the entries in it.
        heads, anchors, tokens = self._seals()
        with self._services.snapshot() as session:
            unit_id, belonging = _entity(session, code)
            name = session.get_one(Unit, unit_id).name
            head = audit.head(session)
            for table in travelling():
                self._progress(table.name)
                self._rows(session, belonging, table)
            self._leave_out_destroyed(session)
            strangers = sorted(belonging.strangers(session).items())
            self._part("strangers.jsonl", (_line({"id": one, "name": name}) for one, name in strangers))
            self._progress("journal")
            self._part("journal/hashes.bin", leaves(session, head.count))
            entries = self._part("journal/entries.jsonl", journal.entries(session, belonging))
        for path, lines in (("heads", heads), ("anchors", anchors)):
            self._part(f"journal/{path}.jsonl", (line.encode() + b"\n" for line in lines))
        for count, token in tokens:
            self._part(f"journal/anchors/{count}.tst", [token])
        self._part("signed.jsonl", self._signed.lines())
        self._beside()
        documents, size = self._documents()
        os.sync()  # all of it is on the disk before the manifest says so
        done = _Done(unit_id, self._counts["mails"], documents, entries)
        manifest = {
            "format": FORMAT,
            "exported_at": self._now.isoformat(),
            "schema": PROGRAM,
            "training": self._services.training,
            "entity": {"id": unit_id, "code": code, "name": name, "units": len(belonging.unit_ids)},
            "counts": self._counts,
            "documents": {"count": documents, "bytes": size},
            "journal": {"count": head.count, "head": head.hash, "entries": entries},
            "files": self._parts,
        }
        content = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1).encode()
        done.manifest_sha256 = self._sign(content)
        return done

    def _seals(self) -> tuple[list[str], list[str], list[tuple[int, bytes]]]:
        anchors, heads = journal_anchors(self._services), journal_seal(self._services).lines()
        return heads, anchors.lines(), [(one.count, token) for one in anchors.all() if (token := anchors.token(one))]

    def _rows(self, session: Session, belonging: Belonging, table: Any) -> None:
        def seen() -> Iterator[bytes]:
            for values, line in rows.lines(session, belonging.rows(table)):
                self._named.update(rows.digests(table, values))
                self._signed.see(table.name, values)
                yield line

        self._counts[table.name] = self._part(f"rows/{table.name}.jsonl", seen())

    def _leave_out_destroyed(self, session: Session) -> None:
        """Files that a disposal destroyed are named by their rows, and listed apart."""
        bearing = set(archive_blobs.digests_of(session, destroyed.ids()))
        gone = bearing.intersection(map(Digest, self._named))
        gone -= archive_blobs.still_named(session, gone)
        if gone:
            self._named -= gone
            self._signed.leave_out(gone)
            self._part(DESTROYED, (_line({"sha256": digest}) for digest in sorted(gone)))

    def _part(self, name: str, pieces: Iterable[bytes]) -> int:
        """Write a file and list it. Returns the number of pieces."""
        place = self._folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        digest, size, count = hashlib.sha256(), 0, 0
        with place.open("wb") as out:
            for piece in pieces:
                out.write(piece)
                digest.update(piece)
                size, count = size + len(piece), count + 1
        self._parts.append({"path": name, "sha256": digest.hexdigest(), "size": size})
        return count

    def _beside(self) -> None:
        """What a reader needs beside the records: roots, revocation lists, the key, the verifier, an explanation."""
        for number, pem in enumerate(self._services.vault.trust_roots_pem(), start=1):
            self._part(f"trust/root-{number}.pem", [pem.encode()])
        for number, der in enumerate(own_lists(self._services, now=self._now), start=1):
            self._part(f"trust/list-{number}.crl", [der])
        program, digest = verifier()
        self._part("journal.pub", [journal_seal(self._services).public_pem()])
        self._part(VERIFIER_COPY, [program])
        self._part("LISEZ-MOI.txt", [_READ_ME.format(copy=VERIFIER_COPY, digest=digest).encode()])

    def _documents(self) -> tuple[int, int]:
        """Copy the stored files, and list them. Returns (count, bytes)."""
        self._progress("files")
        listed: list[bytes] = []
        whole = 0
        for digest in sorted(self._named):
            size = self._copy(digest)
            listed.append(_line({"sha256": digest, "size": size}))
            whole += size
        self._part("documents.jsonl", listed)
        return len(listed), whole

    def _copy(self, digest: str) -> int:
        place = self._folder / document_path(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not self._services.blobs.exists(Digest(digest)):
            raise EngineFailed("blob.missing", "run ged verify, and bring the file back from a backup", digest=digest)
        found, size = hashlib.sha256(), 0
        with self._services.blobs.open(Digest(digest)) as stored, place.open("wb") as out:
            while piece := stored.read(1 << 20):
                out.write(piece)
                found.update(piece)
                size += len(piece)
        if found.hexdigest() != digest:
            raise EngineFailed("blob.altered", "run ged verify, and bring the file back from a backup", digest=digest)
        return size

    def _sign(self, content: bytes) -> str:
        """Write the manifest, its signature and, if the authority answers, its time-stamp."""
        digest = hashlib.sha256(content)
        stamp: Sequence[bytes] = ()
        if self._services.timestamper is not None:
            try:
                stamp = (self._services.timestamper.stamp(digest.digest()),)
            except EngineFailed:
                stamp = ()  # signed all the same; the anchor's time-stamp is older, and stays
        signature = journal_seal(self._services).sign_bytes(content).encode()
        # The manifest comes last: a folder without it is refused as unreadable.
        written = [("manifest.json", content), ("manifest.sig", signature), *(("manifest.tst", one) for one in stamp)]
        for name, one in written:
            with (self._folder / name).open("wb") as out:
                out.write(one)
                out.flush()
                os.fsync(out.fileno())
        return digest.hexdigest()


def _line(values: dict[str, Any]) -> bytes:
    return audit.canonical(values) + b"\n"
