"""Folders of scans, sent from the browser for the letters of a register that was taken over.

The browser first says which files the folder has, then sends them one by one, in pieces: what has arrived survives a lost
network and a closed page, and the same folder chosen again goes on where it stopped. A job looks at each file that has arrived
and joins it to the letter whose number its name bears (``ged.takeover.names``). What is not clear is refused with the reason
and waits for a person, who gives the number, sends the file again, or takes it from the list.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import ColumnElement, case, delete, extract, func, select
from sqlalchemy.orm import Session

from ged import access, locks
from ged.capture import intake, letter_files, partials
from ged.capture.files import JOB_PATIENCE_S, Upload, examine, limited
from ged.errors import EngineFailed, Forbidden, GedError, Invalid, NotFound
from ged.filenames import harmless_name
from ged.jobs import JobKind
from ged.org.actors import load_actor
from ged.org.models import Unit
from ged.ports import Digest
from ged.register.models import Attachment, AttachmentKind, Mail, MailNumber, Register
from ged.register.operations import attach, mail_to_change
from ged.takeover import archives
from ged.takeover.models import FolderScan, ScanFolder
from ged.takeover.names import Meant, Numbered, Numbers
from ged.unit import Actor, Services, UnitOfWork

MOST_FILES = 20_000
"""Files of one folder."""
LONGEST_NAME = 480
"""Characters of a path that are kept, the last ones."""
SHOWN = 100
"""Folders in the list, and refused files on a page; the next ones come as those are dealt with."""
KEPT = timedelta(days=90)
"""How long a file that was refused, or that did not arrive whole, is kept."""
AT_ONCE = 20
"""Files that the job reads from the list at once."""
OF_FILE = frozenset({"ocr.timeout", "ocr.crashed", "ocr.out_of_memory", "scanner.refused", "blob.missing"})
"""Failures that come again with the same file: it is refused, or it would keep all those after it."""
KINDS = (AttachmentKind.DOCUMENT, AttachmentKind.ANNEX)
"""What a person may join a file as."""


@dataclass(frozen=True)
class Announced:
    """A file of a folder, as the browser sees it; see ``FolderScan``."""

    name: str
    size_bytes: int
    modified_ms: int = 0
    digest: str = ""
    """Where its bytes are known already."""


@dataclass(frozen=True)
class Expected:
    """A file that the browser is to send: its place in the announced list, and from which byte on."""

    scan_id: int
    place: int
    offset: int


@dataclass(frozen=True)
class FolderRow:
    """A folder, and of its files how many are announced, have arrived, were joined, were there already, were refused."""

    id: int
    register_id: int
    register_name: str
    name: str
    begun_at: datetime
    is_paused: bool
    total: int = 0
    arrived: int = 0
    joined: int = 0
    already: int = 0
    refused: int = 0

    @property
    def settled(self) -> int:
        """Files of which it is decided what becomes of them."""
        return self.joined + self.already + self.refused

    @property
    def waiting(self) -> int:
        """Files that have arrived and are not yet matched."""
        return max(0, self.arrived - self.settled)

    @property
    def missing(self) -> int:
        """Files that were announced and have not arrived."""
        return self.total - self.arrived


@dataclass(frozen=True)
class RefusedRow:
    """A refused file. ``is_readable``: a person may join it to a letter."""

    id: int
    name: str
    size_bytes: int
    code: str
    params: Mapping[str, object]
    is_readable: bool


# --- the folder


def begin(uow: UnitOfWork, register_id: int, name: str, *, actor: Actor) -> int:
    """Begin a folder for a register of earlier archives. Returns its id.

    Raises:
        Forbidden, InvalidTransition, Invalid: as ``archives.require_target``; Invalid: ``upgrade.not_finished``.
    """
    archives.require_opened(uow.session)
    archives.require_target(uow.session, register_id, actor)
    row = ScanFolder(register_id=register_id, person_id=actor.person_id, name=name[:200], begun_at=uow.now)
    uow.session.add(row)
    uow.session.flush()
    uow.record("takeover.folder_begun", "register", register_id, actor=actor, folder=row.id)
    return row.id


def folders(session: Session, actor: Actor) -> list[FolderRow]:
    """The folders that the actor began, the newest first."""
    rows = session.execute(
        select(ScanFolder, Register.name)
        .join(Register, Register.id == ScanFolder.register_id)
        .where(ScanFolder.person_id == actor.person_id)
        .order_by(ScanFolder.id.desc())
        .limit(SHOWN)
    ).all()
    counts = _counts(session, [row.id for row, _name in rows])
    return [_folder_row(row, name, counts.get(row.id, {})) for row, name in rows]


def folder(session: Session, folder_id: int, actor: Actor) -> FolderRow:
    """A folder that the actor began, into a register that the actor keeps.

    Raises:
        NotFound: ``takeover.folder_unknown``.
    """
    row = _own(session, folder_id, actor)
    return _folder_row(
        row, session.get_one(Register, row.register_id).name, _counts(session, [folder_id]).get(folder_id, {})
    )


def refused(session: Session, folder_id: int, actor: Actor) -> list[RefusedRow]:
    """The first refused files of a folder, by name.

    Raises:
        NotFound: ``takeover.folder_unknown``.
    """
    _own(session, folder_id, actor)
    rows = session.scalars(
        select(FolderScan)
        .where(FolderScan.folder_id == folder_id, FolderScan.code != "")
        .order_by(FolderScan.name, FolderScan.id)
        .limit(SHOWN)
    )
    return [RefusedRow(row.id, row.name, row.size_bytes, row.code, row.params, _is_readable(row)) for row in rows]


def _is_readable(row: FolderScan) -> bool:
    """Whether the bytes of a refused file are here and sound: it was refused for its letter, and not for what it is."""
    return row.digest is not None and row.code.startswith(("takeover.", "mail."))


def _counts(session: Session, folder_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    settled, refusal = FolderScan.settled_at.is_not(None), FolderScan.code != ""

    def counted(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    joined = settled & ~refusal & FolderScan.attachment_id.is_not(None)
    rows = session.execute(
        select(
            FolderScan.folder_id,
            func.count().label("total"),
            counted(FolderScan.arrived_at.is_not(None)).label("arrived"),
            counted(joined).label("joined"),
            counted(settled & ~refusal & FolderScan.attachment_id.is_(None)).label("already"),
            counted(refusal).label("refused"),
        )
        .where(FolderScan.folder_id.in_(folder_ids))
        .group_by(FolderScan.folder_id)
    )
    return {
        row.folder_id: {name: int(row._mapping[name]) for name in ("total", "arrived", "joined", "already", "refused")}
        for row in rows
    }


def _folder_row(row: ScanFolder, register_name: str, counts: Mapping[str, int]) -> FolderRow:
    return FolderRow(row.id, row.register_id, register_name, row.name, row.begun_at, row.is_paused, **counts)


def _own(session: Session, folder_id: int, actor: Actor) -> ScanFolder:
    row = session.get(ScanFolder, folder_id)
    if row is None or row.person_id != actor.person_id or not archives.keeps(session, row.register_id, actor):
        raise _unknown(folder_id)
    return row


def _unknown(folder_id: int) -> NotFound:
    return NotFound("takeover.folder_unknown", "begin the folder again", id=folder_id)


def _own_scan(session: Session, folder_id: int, scan_id: int, actor: Actor) -> FolderScan:
    _own(session, folder_id, actor)
    row = session.get(FolderScan, scan_id)
    if row is None or row.folder_id != folder_id:
        raise NotFound("takeover.scan_unknown", "read the list again", id=scan_id)
    return row


def pause(uow: UnitOfWork, folder_id: int, *, actor: Actor) -> None:
    """Stop the matching after the file that is being looked at.

    Raises:
        NotFound: ``takeover.folder_unknown``.
    """
    row = _held(uow, folder_id, actor)
    if not row.is_paused:
        row.is_paused = True
        uow.record("takeover.folder_paused", "register", row.register_id, actor=actor, folder=row.id)


def resume(uow: UnitOfWork, folder_id: int, *, actor: Actor) -> None:
    """Go on with a paused folder, where it stopped.

    Raises:
        NotFound: ``takeover.folder_unknown``.
    """
    row = _held(uow, folder_id, actor)
    if row.is_paused:
        row.is_paused = False
        _ask(uow, row)
        uow.record("takeover.folder_resumed", "register", row.register_id, actor=actor, folder=row.id)


def _held(uow: UnitOfWork, folder_id: int, actor: Actor) -> ScanFolder:
    _own(uow.session, folder_id, actor)
    row = locks.hold_one(uow.session, ScanFolder, folder_id)
    if row is None:
        raise _unknown(folder_id)
    return row


def _ask(uow: UnitOfWork, row: ScanFolder) -> None:
    """Have the arrived files matched, where no job waits to do so. The caller holds the folder."""
    if not row.is_asked:
        row.is_asked = True
        uow.defer(JobKind.TAKE_OVER_SCANS, row.id)


# --- files come in


def announce(
    services: Services, folder_id: int, files: Sequence[Announced], *, actor: Actor, now: datetime
) -> list[Expected]:
    """Say which files the folder has. Returns those that are to be sent; what has arrived already is not.

    A refused file that is announced again is expected anew: it was mended. An empty or too large one is refused at once.
    Another file of the same name is a file of its own: ``2015/12.pdf`` and ``2015/(2)/12.pdf``.

    Raises:
        NotFound: ``takeover.folder_unknown``; Invalid: ``takeover.too_many_files``.
    """
    if len(files) > MOST_FILES:
        raise Invalid("takeover.too_many_files", "part the folder", field="files", maximum=MOST_FILES)
    wanted = [_named(one) for one in files]
    expected: list[tuple[int, FolderScan]] = []
    with services.unit_of_work(now) as uow:
        _held(uow, folder_id, actor)
        rows = _Rows(uow.session, folder_id, {one.name for one in wanted})
        standing = uow.session.scalar(
            select(func.count()).select_from(FolderScan).where(FolderScan.folder_id == folder_id)
        )
        added: list[FolderScan] = []
        for place, file in enumerate(wanted):
            scan = rows.row_of(file)
            if scan.id is None:
                added.append(scan)
            elif scan.arrived_at is not None and not scan.code:
                continue  # on its way to its letter, or there
            scan.size_bytes, scan.modified_ms = file.size_bytes, file.modified_ms
            scan.digest, scan.arrived_at, scan.settled_at, scan.code, scan.params = None, None, None, "", {}
            refusal = _refused_unseen(services, file)
            if refusal is not None:
                _refuse(scan, refusal, now)
                scan.arrived_at = now
            else:
                expected.append((place, scan))
        if (standing or 0) + len(added) > MOST_FILES:
            raise Invalid("takeover.too_many_files", "part the folder", field="files", maximum=MOST_FILES)
        uow.session.add_all(added)
        uow.session.flush()
        return [Expected(scan.id, place, _arrived(services, scan)) for place, scan in expected]


def _named(file: Announced) -> Announced:
    """A file with a name that can be stored and shown: each folder of its path without what nobody sees."""
    parts = [harmless_name(part) for part in file.name.replace("\\", "/").split("/") if part.strip(" .")]
    name = "/".join(parts) or "document"
    return replace(file, name=name[-LONGEST_NAME:])


class _Rows:
    """The rows of a folder by their names, while files are announced for it.

    Args:
        names: of the files that are announced.
    """

    def __init__(self, session: Session, folder_id: int, names: Collection[str]) -> None:
        self._session, self._folder_id = session, folder_id
        self._known: dict[str, FolderScan | None] = dict.fromkeys(names)
        for row in session.scalars(
            select(FolderScan).where(FolderScan.folder_id == folder_id, FolderScan.name.in_(names))
        ):
            self._known[row.name] = row
        self._announced = set[str]()
        self._first_turn = dict[str, int]()

    def row_of(self, file: Announced) -> FolderScan:
        """The row of an announced file: its own, one whose file did not come or was refused, or a new one."""
        row = self._standing(file)
        if row is None:
            turn = self._first_turn[file.name]
            while self._named(name := _apart(file.name, turn)) is not None:
                turn += 1
            self._known[name] = row = FolderScan(
                folder_id=self._folder_id, name=name, size_bytes=file.size_bytes, modified_ms=file.modified_ms,
                code="", params={},
            )  # fmt: skip
        self._announced.add(row.name)
        return row

    def _standing(self, file: Announced) -> FolderScan | None:
        turn = self._first_turn.get(file.name, 1)
        while _apart(file.name, turn) in self._announced:
            turn += 1
        self._first_turn[file.name] = turn  # of many equal names none is looked at again and again
        free: FolderScan | None = None
        for later in count(turn):
            row = self._named(_apart(file.name, later))
            if row is None:
                return free
            if row.name in self._announced:
                continue
            if _is_same(row, file):
                return row
            if free is None and (row.arrived_at is None or row.code):
                free = row
        return free

    def _named(self, name: str) -> FolderScan | None:
        if name not in self._known:
            self._known[name] = self._session.scalar(
                select(FolderScan).where(FolderScan.folder_id == self._folder_id, FolderScan.name == name)
            )
        return self._known[name]


def _apart(name: str, turn: int) -> str:
    """The name of the second, third... file of a name: the number as a folder, so that the file's name means what it meant."""
    if turn == 1:
        return name
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}({turn})/{last}"


def _is_same(scan: FolderScan, file: Announced) -> bool:
    if scan.size_bytes != file.size_bytes:
        return False
    if file.digest and scan.digest:
        return scan.digest == file.digest
    return scan.modified_ms == file.modified_ms or not (scan.modified_ms and file.modified_ms)


def _refused_unseen(services: Services, file: Announced) -> Invalid | None:
    if file.size_bytes <= 0:
        return Invalid("file.empty", "choose a file with content", field="file", filename=file.name)
    limit = services.max_upload_bytes
    if file.size_bytes > limit:
        return Invalid("file.too_large", "send a smaller file", field="file", filename=file.name, limit_bytes=limit)
    return None


def _arrived(services: Services, scan: FolderScan) -> int:
    path = _pieces(services, scan)
    here = path.stat().st_size if path.exists() else 0
    # All of it is here, and the site ended before it was kept: any piece makes it go on, but a browser sends none without bytes.
    return here if here < scan.size_bytes else 0


def _pieces(services: Services, scan: FolderScan) -> Path:
    return partials.partial_path(services, "takeover", str(scan.id), str(scan.size_bytes), str(scan.modified_ms))


def receive(
    services: Services, folder_id: int, scan_id: int, content: BinaryIO, *, offset: int, actor: Actor, now: datetime
) -> int | None:
    """Receive a piece of a file at ``offset``. Returns how many bytes are here; None once the whole file is.

    A piece with another offset than what is here is not taken: the sender goes on from the returned one.

    Raises:
        NotFound: ``takeover.folder_unknown``, ``takeover.scan_unknown``; Invalid: ``page.size``.
        EngineFailed: ``blob.write_failed``; DiskFull: ``disk.full``; what arrived stays.
    """
    with services.reading() as session:
        scan = _own_scan(session, folder_id, scan_id, actor)
        if scan.arrived_at is not None:
            return None
        size, modified, path = scan.size_bytes, scan.modified_ms, _pieces(services, scan)
    here, _in_place = partials.append(path, content, offset=offset, limit=size)
    if here < size:
        return here
    try:
        with path.open("rb") as whole:
            _arrive(services, folder_id, scan_id, whole, modified, actor=actor, now=now)
    except FileNotFoundError:
        return None  # another connection has just finished the same file
    # After the commit: killed before it, the bytes are still here, and the next piece makes it go on.
    path.unlink(missing_ok=True)
    return None


def receive_whole(
    services: Services, folder_id: int, name: str, content: BinaryIO, size_bytes: int, *, actor: Actor, now: datetime
) -> None:
    """Receive a file at once, as a form sends it. One that has arrived already is left alone.

    Raises:
        As ``announce`` and ``receive``.
    """
    file = Announced(name, size_bytes)
    if _refused_unseen(services, file) is None:
        with services.reading() as session:
            _own(session, folder_id, actor)
        file = replace(file, digest=services.blobs.put(limited(content, services.max_upload_bytes)).digest)
        content.seek(0)
    for scan in announce(services, folder_id, [file], actor=actor, now=now):
        _arrive(services, folder_id, scan.scan_id, content, 0, actor=actor, now=now)


def _arrive(
    services: Services,
    folder_id: int,
    scan_id: int,
    content: BinaryIO,
    modified_ms: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    stored = services.blobs.put(limited(content, services.max_upload_bytes))
    for attempt in services.attempts(now):
        with attempt as uow:
            row = _held(uow, folder_id, actor)
            scan = _own_scan(uow.session, folder_id, scan_id, actor)
            is_announced = (scan.size_bytes, scan.modified_ms) == (stored.size_bytes, modified_ms)
            if scan.arrived_at is None and is_announced:  # else another version of the file was announced meanwhile
                scan.digest, scan.arrived_at = stored.digest, now
                if not row.is_paused:
                    _ask(uow, row)


# --- the job


def take(services: Services, folder_id: int, *, heartbeat: Callable[[str], None], now: datetime) -> None:
    """Join the files that have arrived to their letters; run twice, killed or paused it goes on with those that are left.

    It acts for who began the folder: it finds the letters which that person may see, while the register is theirs.
    """
    with services.unit_of_work(now) as uow:
        row = locks.hold_one(uow.session, ScanFolder, folder_id)
        if row is None:
            return
        # Before the list is read: a file that arrives from here on asks for a job of its own.
        row.is_asked = False
        person_id = row.person_id
    try:
        with services.reading() as session:
            actor = _acting(session, services, folder_id, person_id, now)
            numbers = _book(session, row.register_id, actor)
        done = 0
        while waiting := _waiting(services, folder_id):
            for scan_id in waiting:
                _take_one(services, folder_id, scan_id, numbers, person_id=person_id, now=now)
                done += 1
                heartbeat(str(done))
    except _Ended:
        return  # the page says so too; what has arrived is kept


class _Ended(Exception):
    """The folder is paused, or the register is no longer that of who began it."""


def _acting(session: Session, services: Services, folder_id: int, person_id: int, now: datetime) -> Actor:
    """Who began a folder, with the rights of now.

    Raises:
        _Ended: the folder is paused, the account or the register is closed, or the register is another's.
    """
    try:
        actor = load_actor(session, person_id, on=now.astimezone(services.zone).date())
        row = _own(session, folder_id, actor)
    except NotFound:
        raise _Ended from None
    if row.is_paused:
        raise _Ended
    return actor


def _waiting(services: Services, folder_id: int) -> list[int]:
    """The next files that have arrived and are not matched."""
    with services.reading() as session:
        return list(
            session.scalars(
                select(FolderScan.id)
                .where(
                    FolderScan.folder_id == folder_id, FolderScan.digest.is_not(None), FolderScan.settled_at.is_(None),
                )
                .order_by(FolderScan.id)
                .limit(AT_ONCE)
            )
        )  # fmt: skip


def _numbers(session: Session, register_id: int, actor: Actor, *narrowed: ColumnElement[bool]) -> list[Numbered]:
    """The numbers of a register's letters that the actor may see; ``narrowed``: conditions that they meet too."""
    rows = session.execute(
        select(Mail.id, MailNumber.text, extract("year", MailNumber.registered_on))
        .join(Mail, Mail.id == MailNumber.mail_id)
        .where(
            MailNumber.register_id == register_id,
            access.visible_clause(Mail.id, Mail.level, actor.principals),
            *narrowed,
        )
        .order_by(MailNumber.id)
    )
    return [Numbered(mail_id, text, int(year)) for mail_id, text, year in rows]


def _book(session: Session, register_id: int, actor: Actor) -> Numbers:
    """The numbers that the name of a file may mean: a voided one is none of them."""
    numbers = _numbers(session, register_id, actor, MailNumber.voided_at.is_(None))
    return Numbers(numbers, codes=session.scalars(select(Unit.code)))


def _take_one(
    services: Services, folder_id: int, scan_id: int, numbers: Numbers, *, person_id: int, now: datetime
) -> None:
    with services.reading() as session:
        scan = session.get(FolderScan, scan_id)
        if scan is None or scan.digest is None or scan.settled_at is not None:
            return
        name, digest = scan.name, scan.digest
    found: tuple[Upload, Numbered] | GedError
    try:
        found = _examined(services, name, digest), _clear(numbers.meant(name))
    except (Invalid, NotFound, EngineFailed) as error:
        if not isinstance(error, Invalid) and error.code not in OF_FILE:
            raise
        found = error
    for attempt in services.attempts(now):
        with attempt as uow:
            # A folder takes hours: rights may end meanwhile, or somebody pauses it.
            actor = _acting(uow.session, services, folder_id, person_id, now)
            _settle(uow, scan_id, digest, found, actor=actor)


def _settle(
    uow: UnitOfWork, scan_id: int, digest: str, found: tuple[Upload, Numbered] | GedError, *, actor: Actor
) -> None:
    """Join a file to its letter, or refuse it."""
    if isinstance(found, GedError):
        _settle_refused(uow, scan_id, digest, found)
        return
    try:
        _join(uow, scan_id, found[0], found[1], AttachmentKind.DOCUMENT, actor=actor)
    except (Invalid, NotFound, Forbidden) as error:
        _settle_refused(uow, scan_id, digest, error)


def _examined(services: Services, name: str, digest: str) -> Upload:
    """The file, looked at.

    Raises:
        Invalid, EngineFailed: as ``ged.capture.files.examine``; NotFound: ``blob.missing``.
    """
    with services.blobs.open(Digest(digest)) as content:
        return examine(services, name.rpartition("/")[2], content, wait_s=JOB_PATIENCE_S)


def _clear(meant: Meant) -> Numbered:
    """The one letter that is meant.

    Raises:
        Invalid: ``takeover.scan_no_number``, ``takeover.scan_no_letter``, ``takeover.scan_two_letters``.
    """
    if not meant.number:
        raise Invalid("takeover.scan_no_number", "give the number", field="number")
    if not meant.letters:
        raise Invalid("takeover.scan_no_letter", "correct the number", field="number", value=meant.number)
    if len(meant.letters) > 1:
        letters = ", ".join(f"{one.text} ({one.year})" for one in meant.letters[:5])
        raise Invalid("takeover.scan_two_letters", "give the number with its year", field="number", letters=letters)
    return meant.letters[0]


def _refuse(scan: FolderScan, error: GedError, now: datetime) -> None:
    scan.settled_at, scan.code = now, error.code
    scan.params = {key: value if isinstance(value, str | int) else str(value) for key, value in error.params.items()}


def _settle_refused(uow: UnitOfWork, scan_id: int, digest: str, error: GedError) -> None:
    scan = locks.hold_one(uow.session, FolderScan, scan_id)
    if scan is not None and scan.digest == digest and scan.settled_at is None:
        _refuse(scan, error, uow.now)


def _join(
    uow: UnitOfWork, scan_id: int, upload: Upload, letter: Numbered, kind: AttachmentKind, *, actor: Actor
) -> bool:
    """Join an examined file to a letter, unless the letter has these bytes already. False: it is no longer in the list.

    Raises:
        NotFound: ``mail.unknown``; Forbidden: ``mail.file_forbidden``.
        Invalid: ``takeover.scan_has_document``, ``takeover.scan_elsewhere``.
    """
    mail_id = letter.mail_id
    # The letter first: a table that is not in `ged.locks.ORDER` is locked after letters.
    mail = mail_to_change(uow, mail_id, actor=actor)
    scan = locks.hold_one(uow.session, FolderScan, scan_id)
    if scan is None or scan.digest != upload.digest or (scan.settled_at is not None and not scan.code):
        return False  # sent again, or joined by hand meanwhile
    if kind not in letter_files.kinds(mail, actor):
        raise Forbidden("mail.file_forbidden", "ask who works on the letter", id=mail.id)
    elsewhere = _bearers(uow.session, scan, actor)
    if any(one.mail_id == mail_id for one in elsewhere):
        scan.mail_id, scan.attachment_id, scan.settled_at, scan.code, scan.params = mail_id, None, uow.now, "", {}
        return True
    if elsewhere and not scan.code:
        other = elsewhere[0]
        raise Invalid("takeover.scan_elsewhere", "see whether it belongs to both", field="number",
                      letters=f"{other.text} ({other.year})")  # fmt: skip
    if kind is AttachmentKind.DOCUMENT and intake.document_of(uow, mail_id) is not None:
        raise Invalid("takeover.scan_has_document", "join it as an annex", field="kind", value=letter.text)
    scan.attachment_id = attach(
        uow, mail_id, kind=kind, pages=upload.pages, media_type=upload.facts.media_type, actor=actor, now=uow.now,
        filename=upload.filename, digest=upload.digest, size_bytes=upload.size_bytes, is_signed=upload.facts.signed,
        recognise=False,
    )  # fmt: skip
    # Not by `attach`: pages of an archive wait behind those of today.
    uow.defer(JobKind.RECOGNISE_BACKLOG, scan.attachment_id)
    scan.mail_id, scan.settled_at, scan.code, scan.params = mail_id, uow.now, "", {}
    return True


def _bearers(session: Session, scan: FolderScan, actor: Actor) -> list[Numbered]:
    """The letters of the folder's register that have the bytes of a file already."""
    register_id = session.get_one(ScanFolder, scan.folder_id).register_id
    bearing = select(Attachment.mail_id).where(Attachment.digest == scan.digest)
    return _numbers(session, register_id, actor, MailNumber.mail_id.in_(bearing))


# --- what a person decides


def match(
    services: Services, folder_id: int, scan_id: int, number: str, kind: AttachmentKind, *, actor: Actor, now: datetime
) -> str:
    """Join a refused file to the letter with the typed number. Returns the number as the register writes it.

    Raises:
        NotFound: ``takeover.folder_unknown``, ``takeover.scan_unknown``.
        Invalid: ``form.unknown_choice``, ``takeover.scan_no_letter``, ``takeover.scan_two_letters``,
            ``takeover.scan_has_document``, and those of ``ged.capture.files.examine``.
        EngineFailed: the file could not be looked at now.
    """
    if kind not in KINDS:
        raise Invalid("form.unknown_choice", "choose from the list", field="kind")
    with services.reading() as session:
        scan = _own_scan(session, folder_id, scan_id, actor)
        if scan.digest is None or not _is_readable(scan):
            raise NotFound("takeover.scan_unknown", "read the list again", id=scan_id)
        name, digest = scan.name, scan.digest
        register_id = session.get_one(ScanFolder, folder_id).register_id
        # As the name of a file would write it: no name has a slash.
        meant = _book(session, register_id, actor).meant(number.replace("/", "-"))
        letter = _clear(meant if meant.number else Meant((), number))
    upload = _examined(services, name, digest)
    with services.unit_of_work(now) as uow:
        if not _join(uow, scan_id, upload, letter, kind, actor=actor):
            raise NotFound("takeover.scan_unknown", "read the list again", id=scan_id)
    return letter.text


def drop(uow: UnitOfWork, folder_id: int, scan_id: int, *, actor: Actor) -> None:
    """Take a refused file from the list; its bytes go with the nightly sweep.

    Raises:
        NotFound: ``takeover.folder_unknown``, ``takeover.scan_unknown``.
    """
    register_id = _own(uow.session, folder_id, actor).register_id
    _own_scan(uow.session, folder_id, scan_id, actor)
    scan = locks.hold_one(uow.session, FolderScan, scan_id)
    if scan is None or not scan.code:
        raise NotFound("takeover.scan_unknown", "read the list again", id=scan_id)
    uow.record("takeover.scan_dropped", "register", register_id, actor=actor, digest=scan.digest or "")
    uow.session.delete(scan)


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete the files of folders older than ``KEPT`` that were refused or never arrived, and folders that are empty then."""
    old = select(ScanFolder.id).where(ScanFolder.begun_at < now - KEPT)
    uow.session.execute(
        delete(FolderScan).where(
            FolderScan.folder_id.in_(old), FolderScan.mail_id.is_(None),
            FolderScan.arrived_at.is_(None) | (FolderScan.settled_at < now - KEPT),
        )
    )  # fmt: skip
    uow.session.execute(
        delete(ScanFolder).where(ScanFolder.id.in_(old), ScanFolder.id.not_in(select(FolderScan.folder_id).distinct()))
    )
