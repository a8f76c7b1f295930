"""``ged export case``: all that proves a letter, in a folder that ``ged_verify.py`` checks without us.

The docstring of ``ged_verify.py`` describes the folder's format. The folder holds no entries of other letters. Each
entry of the case comes with its place in the Merkle tree whose root the daily anchor names. The recipient checks the
folder with a verifier from another source: the copy in the folder is for reading only, and has no executable name.
"""

import hashlib
import json
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ged import access, audit, destroyed
from ged.archive import merkle
from ged.archive.anchor import journal_anchors, leaves
from ged.archive.keeping import seal_head
from ged.archive.seal import journal_seal
from ged.audit import AuditEntry, AuditPayload
from ged.errors import NotFound
from ged.org.models import Person
from ged.ports import Confidentiality, Digest, MailId
from ged.register import typed_numbers
from ged.register.journal import REFUSALS
from ged.register.models import Attachment, AttachmentPage, Mail, MailNumber
from ged.search.models import MarginNote, MarginNoteText
from ged.signbook.models import SignedRevision
from ged.slips.models import SlipLine, SlipRevision
from ged.unit import SYSTEM, Actor, Services

FORMAT = "ged-case-1"
MARGIN_NOTES = "annotations.json"
VERIFIER_COPY = "reference/ged_verify.py.txt"
VERIFIER = Path(__file__).parents[1] / "ged_verify.py"
_READ_ME = """\
Ce dossier réunit un courrier et ce qui le prouve.

Vérifiez-le avec le programme ged_verify.py, obtenu ailleurs que dans ce dossier : auprès de l'institution qui l'a émis
(adresse /pki/ged_verify.py de son site), ou de vos propres archives. Qui aurait falsifié le dossier aurait aussi falsifié
le programme : la copie {copy} ne sert qu'à la lecture, ne l'exécutez jamais.

Empreinte SHA-256 du programme, que l'institution publie aussi (/pki/ged_verify.sha256) :
{digest}

    python ged_verify.py DOSSIER --key CLÉ_DU_JOURNAL.pub --trust RACINE.pem

La clé du journal et les racines jointes ne disent que ce qu'affirme l'auteur du dossier : donnez celles que vous tenez.
Code de sortie : 0 tout est prouvé ; 1 non conforme ; 2 illisible ; 3 rien de contraire, mais tout n'est pas prouvé.
"""
_DESTROYED = """
Les fichiers de ce courrier ont été détruits : décision du {day:%d/%m/%Y}, bordereau d'élimination n° {slip}. Son inscription au
registre et son journal restent, et sont joints.
"""
_ENDINGS = {"application/pdf": ".pdf", "image/tiff": ".tif", "image/jpeg": ".jpg", "image/png": ".png"}


@dataclass
class CaseFile:
    """A case file before it is written: small parts as bytes, stored files as digests."""

    number: str
    parts: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, Digest] = field(default_factory=dict)


def verifier() -> tuple[bytes, str]:
    """The program that checks a case file, and its SHA-256, which the site publishes."""
    content = VERIFIER.read_bytes()
    return content, hashlib.sha256(content).hexdigest()


def find_mail(session: Session, number: str, *, letter: int | None = None) -> MailId:
    """The letter with a register number as typed. If several letters match, ``letter`` (an id) chooses.

    Raises:
        NotFound: ``mail.unknown``.
        Invalid: ``number.several``: its ``choices`` name the letters.
    """
    found = typed_numbers.bearers(session, number, None)
    if not found:
        raise NotFound("mail.unknown", "give a number of the register", number=number)
    return typed_numbers.choose(found, number, field="number", chosen=letter)


def collect(services: Services, mail_id: MailId | int, *, actor: Actor | None, now: datetime) -> CaseFile:
    """Assemble a letter's case file, and record the export in the journal.

    Args:
        actor: who exports; None on the command line, where every letter may be exported.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may not know).
    """
    # First, so that the newest entries of the letter are under a signed head.
    seal_head(services, now=now)
    with services.snapshot() as session:
        case = _Collector(services, session, _mail(session, mail_id, actor), now, actor).collect()
    # After the collection: the export does not contain its own entry, and a failed one is not recorded.
    for attempt in services.attempts(now):
        with attempt as uow:
            uow.record("mail.exported", "mail", int(mail_id), actor=actor or SYSTEM, form="case")
    return case


def write_folder(services: Services, case: CaseFile, folder: Path) -> None:
    """Write a case file into a new folder, which is there with all its files or not at all.

    Raises:
        FileExistsError: the folder exists already.
        OSError: a file could not be written; nothing is left of the others.
    """
    if folder.exists():
        raise FileExistsError(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as unfinished:
        whole = Path(unfinished) / folder.name
        whole.mkdir()
        _write_files(services, case, whole)
        # In one step, after all files: whoever finds the folder finds it whole.
        whole.rename(folder)


def _write_files(services: Services, case: CaseFile, folder: Path) -> None:
    for name, content in case.parts.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for name, digest in case.blobs.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with services.blobs.open(digest) as stored, place.open("wb") as out:
            _copy(stored, out)


def write_zip(services: Services, case: CaseFile, out: IO[bytes]) -> None:
    """Write a case file as one ZIP."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in case.parts.items():
            packed.writestr(name, content)
        for name, digest in case.blobs.items():
            # Stored without compression: scans and PDFs are compressed already, and a second pass costs seconds of CPU.
            entry = zipfile.ZipInfo(name, date_time=time.localtime()[:6])
            with services.blobs.open(digest) as stored, packed.open(entry, "w", force_zip64=True) as part:
                _copy(stored, part)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while piece := source.read(1 << 20):
        target.write(piece)


def _mail(session: Session, mail_id: MailId | int, actor: Actor | None) -> Mail:
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "reload the list", id=mail_id)
    if actor is not None:
        access.require(session, mail.id, Confidentiality(mail.level), actor)
    return mail


class _Collector:
    """Collects one export from one snapshot of the database."""

    def __init__(self, services: Services, session: Session, mail: Mail, now: datetime, actor: Actor | None) -> None:
        self._services, self._session, self._mail, self._now, self._actor = services, session, mail, now, actor
        self._destroyed = destroyed.of_letter(session, mail.id)
        self._case = CaseFile(next((one.text for one in mail.numbers if one.voided_at is None), ""))
        self._listed: list[dict[str, Any]] = []
        self._signed: list[dict[str, Any]] = []

    def collect(self) -> CaseFile:
        if self._destroyed is None:
            self._attachments()
            self._margin_notes()
        self._revisions()
        entries = self._entries()
        self._journal(entries)
        for number, pem in enumerate(self._services.vault.trust_roots_pem(), start=1):
            self._part(f"trust/root-{number}.pem", pem.encode())
        seal = journal_seal(self._services)
        self._part("journal.pub", seal.public_pem())
        program, digest = verifier()
        self._part(VERIFIER_COPY, program)
        self._part("LISEZ-MOI.txt", (_READ_ME.format(copy=VERIFIER_COPY, digest=digest) + self._gone()).encode())
        manifest = {
            "format": FORMAT,
            "exported_at": self._now.isoformat(),
            "case": {"mail_id": self._mail.id, "number": self._case.number, "subject": self._mail.subject},
            "people": self._people(entries),
            "files": self._listed,
            "signed": self._signed,
        }
        if self._destroyed is not None:
            manifest["destroyed"] = {
                "slip": self._destroyed.slip_no, "decided_at": self._destroyed.decided_at.isoformat(),
            }  # fmt: skip
        content = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1).encode()
        self._case.parts["manifest.json"] = content
        self._case.parts["manifest.sig"] = seal.sign_bytes(content).encode()
        return self._case

    def _gone(self) -> str:
        if self._destroyed is None:
            return ""
        day = self._destroyed.decided_at.astimezone(self._services.zone)
        return _DESTROYED.format(day=day, slip=self._destroyed.slip_no)

    def _part(self, name: str, content: bytes) -> None:
        self._case.parts[name] = content
        self._listed.append({"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)})

    def _blob(self, digest: str, name: str, media_type: str) -> str:
        """Add a stored file, once, and return its path in the folder."""
        path = str(PurePosixPath("files") / (digest + _ENDINGS.get(media_type, "")))
        if path not in self._case.blobs:
            with self._services.blobs.open(Digest(digest)) as stored:
                size = sum(len(piece) for piece in iter(lambda: stored.read(1 << 20), b""))
            self._case.blobs[path] = Digest(digest)
            self._listed.append({"path": path, "sha256": digest, "size": size, "name": name})
        return path

    def _attachments(self) -> None:
        wanted = select(Attachment).where(Attachment.mail_id == self._mail.id).order_by(Attachment.id)
        for one in self._session.scalars(wanted):
            name = f"{one.filename or one.kind.value} (version {one.version_no})"
            if one.digest is not None:
                self._blob(one.digest, name, one.media_type)
            pages = (
                select(AttachmentPage).where(AttachmentPage.attachment_id == one.id).order_by(AttachmentPage.page_no)
            )
            for page in self._session.scalars(pages):
                if page.digest != one.digest:
                    self._blob(page.digest, f"{name}, page {page.page_no}", page.media_type)

    def _margin_notes(self) -> None:
        """What people typed of handwriting on the pages, each version with who typed it."""
        rows = self._session.execute(
            select(MarginNote, MarginNoteText, Person.name)
            .join(MarginNoteText, MarginNoteText.note_id == MarginNote.id)
            .join(Attachment, Attachment.id == MarginNote.attachment_id)
            .join(Person, Person.id == MarginNoteText.person_id)
            .where(Attachment.mail_id == self._mail.id)
            .order_by(MarginNote.attachment_id, MarginNote.page_no, MarginNote.id, MarginNoteText.version)
        )
        notes = [
            {
                "note": note.id, "attachment": note.attachment_id, "page": note.page_no, "version": typed.version,
                "place": [note.x, note.y, note.width, note.height], "text": typed.text, "dismissed": typed.is_dismissed,
                "by": name, "at": typed.at.isoformat(),
            }
            for note, typed, name in rows
        ]  # fmt: skip
        if notes:
            self._part(MARGIN_NOTES, json.dumps(notes, ensure_ascii=False, indent=1).encode())

    def _revisions(self) -> None:
        letter = select(SignedRevision.digest).where(SignedRevision.mail_id == self._mail.id)
        if self._destroyed is None:
            self._document("courrier", list(self._session.scalars(letter.order_by(SignedRevision.sequence))))
        for slip_id in self._slip_ids():
            slip = select(SlipRevision.digest).where(SlipRevision.slip_id == slip_id).order_by(SlipRevision.sequence)
            self._document(f"bordereau {slip_id}", list(self._session.scalars(slip)))

    def _document(self, name: str, digests: list[str]) -> None:
        if digests:
            path = self._blob(digests[-1], f"{name} signé", "application/pdf")
            self._signed.append({"name": name, "path": path, "revisions": digests})

    def _slip_ids(self) -> list[int]:
        """Slips that carry only this letter: a slip with other letters would disclose them."""
        carrying = select(SlipLine.slip_id).where(SlipLine.mail_id == self._mail.id)
        others = select(SlipLine.slip_id).where(or_(SlipLine.mail_id.is_(None), SlipLine.mail_id != self._mail.id))
        wanted = select(SlipLine.slip_id).where(SlipLine.slip_id.in_(carrying), SlipLine.slip_id.not_in(others))
        return list(self._session.scalars(wanted.distinct().order_by(SlipLine.slip_id)))

    def _entries(self) -> list[AuditEntry]:
        numbers = select(MailNumber.id).where(MailNumber.mail_id == self._mail.id)
        about = or_(
            (AuditEntry.subject_kind == "mail") & (AuditEntry.subject_id == self._mail.id),
            (AuditEntry.subject_kind == "number") & AuditEntry.subject_id.in_(numbers),
            (AuditEntry.subject_kind == "slip") & AuditEntry.subject_id.in_(self._slip_ids()),
        )
        # Refusals name people who looked for the letter in vain: they prove nothing of it.
        wanted = select(AuditEntry).where(about, AuditEntry.action.not_in(REFUSALS)).order_by(AuditEntry.sequence)
        return list(self._session.scalars(wanted))

    def _journal(self, entries: list[AuditEntry]) -> None:
        anchors = journal_anchors(self._services)
        found = anchors.line_for(max((one.sequence for one in entries), default=0))
        found = found or anchors.newest()
        proofs: Mapping[int, tuple[str, ...]] = {}
        if found is not None:
            anchor, line, token = found
            places = [one.sequence - 1 for one in entries if one.sequence <= anchor.count]
            proofs = merkle.proofs(leaves(self._session, anchor.count), places)
            self._part("anchor.json", line.encode())
            if token is not None:
                self._part("anchor.tst", token)
        lines = [audit.canonical(self._entry_data(one, proofs.get(one.sequence - 1, ()))) for one in entries]
        self._part("journal.jsonl", b"".join(line + b"\n" for line in lines))

    def _entry_data(self, entry: AuditEntry, proof: tuple[str, ...]) -> dict[str, Any]:
        columns: dict[str, Any] = audit.columns(entry) | {"hash": entry.hash, "proof": list(proof)}
        payload = self._session.get(AuditPayload, entry.sequence)
        if payload is not None and self._may_be_told(entry, payload.payload):
            columns |= {"salt": payload.salt, "payload": payload.payload}
        return columns

    def _may_be_told(self, entry: AuditEntry, payload: Mapping[str, Any]) -> bool:
        """Whether the payload may be exported. A link to a letter that the actor may not see stays a digest."""
        other = payload.get("to") if entry.action == "mail.linked" else None
        if self._actor is None or not isinstance(other, int):
            return True
        mail = self._session.get(Mail, other)
        return mail is not None and access.may_see(self._session, mail.id, Confidentiality(mail.level), self._actor)

    def _people(self, entries: list[AuditEntry]) -> dict[str, str]:
        ids = {one.person_id for one in entries if one.person_id is not None}
        found = self._session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
        return {str(person_id): name for person_id, name in found}
