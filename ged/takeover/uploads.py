"""Registers kept as spreadsheets, handed in on the site: looked at, checked, taken over by a job, paused, sent again.

A file is shown to who handed it in, while that person keeps the register: nobody else sees the letters in it before they
are in the register. What was taken in once is known again by its number, so a file may be handed in as often as needed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, exists, extract, select, update
from sqlalchemy.orm import Session, defer

from ged import locks
from ged.errors import GedError, Invalid, InvalidTransition, NotFound
from ged.filenames import harmless_name
from ged.jobs import JobKind
from ged.org.models import Unit
from ged.org.tree import ministry_of_units
from ged.register import registers
from ged.register.models import MailNumber, Register, RegisterCounter, RegisterNature
from ged.spreadsheet.reading import MAX_ROWS, read_apart
from ged.takeover import archives, sheets
from ged.takeover.lines import TYPED, ArchiveLine, check_typed
from ged.takeover.models import TakeoverFile
from ged.takeover.operations import NUMBERLESS, Refusal, Takeover, TakeoverTarget, not_printed, take_over
from ged.takeover.sheets import Rows
from ged.unit import Actor, Services, UnitOfWork

KEPT = timedelta(days=30)
"""How long the file itself is kept."""
SHOWN = 30
MOST_REFUSALS = 5_000
"""Refusals that are kept of a file; when more lines are wrong, a column was chosen wrongly."""
Refused = tuple[int, int, str, Mapping[str, object]]
"""A line that is refused: row, column from 1 (0: the whole line), code and parameters of the error."""


@dataclass(frozen=True)
class FileRow:
    """A file as lists and pages show it. ``refusals``: of the taking in, once it is done."""

    id: int
    register_id: int
    register_name: str
    filename: str
    sheet: str
    head_row: int
    columns: tuple[str, ...]
    handed_in_at: datetime
    asked_at: datetime | None
    is_paused: bool
    done_at: datetime | None
    total: int
    read: int
    taken: int
    refusals: tuple[Refused, ...]
    is_kept: bool


@dataclass(frozen=True)
class Checked:
    """What taking a file in would do: letters that would be added, letters that are there already, refused lines.

    ``repeated``: cells that say « idem », read as the cell above.
    """

    would_take: int
    already: int
    refusals: tuple[Refused, ...]
    refused: int
    repeated: int = 0


@dataclass(frozen=True)
class Opening:
    """Registers that may go on where a paper book of this year ends: ``last`` is the greatest number taken over."""

    last: int
    registers: tuple[tuple[int, str], ...]


def files(session: Session, actor: Actor) -> list[FileRow]:
    """The files that the actor handed in, the newest first."""
    rows = session.execute(
        select(TakeoverFile, Register.name, TakeoverFile.content.is_not(None))
        .join(Register, Register.id == TakeoverFile.register_id)
        .where(TakeoverFile.person_id == actor.person_id)
        .options(defer(TakeoverFile.content))
        .order_by(TakeoverFile.id.desc())
        .limit(SHOWN)
    )
    return [_file_row(file, name, is_kept) for file, name, is_kept in rows]


def file(session: Session, file_id: int, actor: Actor) -> FileRow:
    """A file that the actor handed in, into a register that the actor keeps.

    Raises:
        NotFound: ``takeover.unknown``.
    """
    row = _own(session, file_id, actor)
    return _file_row(row, session.get_one(Register, row.register_id).name, row.content is not None)


def content_of(session: Session, file_id: int, actor: Actor) -> bytes:
    """The file itself.

    Raises:
        NotFound: ``takeover.unknown``.
    """
    content = _own(session, file_id, actor).content
    if content is None:
        raise _unknown(file_id)
    return content


def _own(session: Session, file_id: int, actor: Actor) -> TakeoverFile:
    row = session.get(TakeoverFile, file_id)
    if row is None or row.person_id != actor.person_id or not archives.keeps(session, row.register_id, actor):
        raise _unknown(file_id)
    return row


def _unknown(file_id: int) -> NotFound:
    return NotFound("takeover.unknown", "hand the file in again", id=file_id)


def _file_row(row: TakeoverFile, register_name: str, is_kept: bool) -> FileRow:
    return FileRow(
        row.id, row.register_id, register_name, row.filename, row.sheet, row.head_row, tuple(row.columns),
        row.handed_in_at, row.asked_at, row.is_paused, row.done_at, row.total, row.read, row.taken,
        tuple((one[0], one[1], one[2], one[3]) for one in row.refusals), is_kept,
    )  # fmt: skip


def hand_in(
    uow: UnitOfWork, register_id: int, content: bytes, filename: str, book: Mapping[str, Rows], *, actor: Actor
) -> int:
    """Keep a file that was read (``read_apart``); its columns are guessed. Returns its id.

    Raises:
        Forbidden, InvalidTransition, Invalid: as ``archives.require_target``.
        Invalid: ``takeover.empty``, ``takeover.too_long``.
    """
    archives.require_target(uow.session, register_id, actor)
    row = TakeoverFile(
        register_id=register_id, person_id=actor.person_id, filename=harmless_name(filename)[-200:],
        sha256=hashlib.sha256(content).hexdigest(), content=content, handed_in_at=uow.now,
    )  # fmt: skip
    _lay_out(uow.session, row, book, sheets.fullest(book))
    uow.session.add(row)
    uow.session.flush()
    uow.record("takeover.handed_in", "register", register_id, actor=actor, file=row.sha256, lines=row.total)
    return row.id


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete files that nobody took in for ``KEPT``, and the bytes of those that were taken in: letters stand in them."""
    long_ago = TakeoverFile.handed_in_at < now - KEPT
    uow.session.execute(delete(TakeoverFile).where(TakeoverFile.asked_at.is_(None), long_ago))
    uow.session.execute(
        update(TakeoverFile)
        .where(TakeoverFile.done_at.is_not(None), TakeoverFile.content.is_not(None), long_ago)
        .values(content=None)
    )


def choose_sheet(
    uow: UnitOfWork, file_id: int, book: Mapping[str, Rows], sheet: str, head_row: int | None, *, actor: Actor
) -> None:
    """Read another sheet, or the names of the columns in another line (None: as it is found); columns are guessed anew.

    Raises:
        NotFound: ``takeover.unknown``; InvalidTransition: ``takeover.asked``; Invalid: ``form.unknown_choice``,
            ``takeover.empty``, ``takeover.too_long``.
    """
    row = _changed(uow, file_id, actor)
    if sheet not in book:
        raise Invalid("form.unknown_choice", "choose from the list", field="sheet")
    _lay_out(uow.session, row, book, sheet, head_row)


def choose_columns(uow: UnitOfWork, file_id: int, columns: Sequence[str], *, actor: Actor) -> None:
    """Say what each column holds; the next file of the register is read in the same way.

    Raises:
        NotFound: ``takeover.unknown``; InvalidTransition: ``takeover.asked``; Invalid: as ``sheets.check_columns``.
    """
    row = _changed(uow, file_id, actor)
    if len(columns) != len(row.columns) or not set(columns) <= {"", *sheets.FIELDS}:
        raise Invalid("form.unknown_choice", "choose from the list", field="column_0")
    sheets.check_columns(columns)
    row.columns = list(columns)


def _lay_out(
    session: Session, row: TakeoverFile, book: Mapping[str, Rows], sheet: str, head: int | None = None
) -> None:
    rows = book.get(sheet, ())
    if not any(any(line) for line in rows):
        raise Invalid("takeover.empty", "give a sheet with lines", field="file")
    if len(rows) > MAX_ROWS:
        raise Invalid("takeover.too_long", "part the file", field="file", maximum=MAX_ROWS)
    remembered = _remembered(session, row.register_id)
    row.head_row = min(head or sheets.head_row(rows, remembered), len(rows))
    width = max(map(len, rows))
    names = [*rows[row.head_row - 1], *("" for _ in range(width - len(rows[row.head_row - 1])))]
    row.sheet, row.columns, row.names = sheet, sheets.guessed(names, remembered), [sheets.plain(one) for one in names]
    row.total = sum(any(line) for line in rows[row.head_row :])


def _remembered(session: Session, register_id: int) -> dict[str, str]:
    """What the columns of the last file that was taken into the register held, by their folded names."""
    last = session.execute(
        select(TakeoverFile.names, TakeoverFile.columns)
        .where(TakeoverFile.register_id == register_id, TakeoverFile.asked_at.is_not(None))
        .order_by(TakeoverFile.id.desc())
        .limit(1)
    ).first()
    return dict(zip(last[0], last[1], strict=False)) if last is not None else {}


def _held(uow: UnitOfWork, file_id: int, actor: Actor) -> TakeoverFile:
    _own(uow.session, file_id, actor)
    row = locks.hold_one(uow.session, TakeoverFile, file_id)
    if row is None:
        raise _unknown(file_id)
    return row


def _changed(uow: UnitOfWork, file_id: int, actor: Actor) -> TakeoverFile:
    row = _held(uow, file_id, actor)
    if row.asked_at is not None:
        raise InvalidTransition("takeover.asked", "hand the file in again", id=file_id)
    return row


def units_of(session: Session, register_id: int) -> tuple[dict[str, str], frozenset[int]]:
    """The units that lines of a register may name, by code or by name: (folded code or name -> code, ids)."""
    near = ministry_of_units(session, [session.get_one(Register, register_id).unit_id])
    rows = session.execute(select(Unit.code, Unit.name).where(Unit.id.in_(sorted(near))).order_by(Unit.id)).all()
    by_name: dict[str, str] = {}
    for code, name in rows:
        # Of two units of one name neither is meant surely.
        by_name[sheets.plain(name)] = "" if sheets.plain(name) in by_name else code
    named = {name: code for name, code in by_name.items() if code}
    return named | {sheets.plain(code): code for code, _name in rows}, near


def check(services: Services, row: FileRow, rows: Rows, *, now: datetime) -> Checked:
    """What taking the file in would do; nothing is changed."""
    return _run(services, row, rows, now=now, dry_run=True, progress=lambda _done: None)


def _run(
    services: Services, row: FileRow, rows: Rows, *, now: datetime, dry_run: bool, progress: Callable[[Takeover], None]
) -> Checked:
    with services.reading() as session:
        units, near = units_of(session, row.register_id)
    today = now.astimezone(services.zone).date()
    found: list[Refused] = []

    def refuse(one: Refusal) -> None:
        if len(found) < MOST_REFUSALS:
            found.append(refused_cell(one, row.columns))

    done = take_over(
        services,
        TakeoverTarget(row.register_id, row.filename, None, dry_run, near, is_typed=True),
        sheets.lines(rows, row.head_row, row.columns, units, today=today),
        refuse=refuse,
        progress=progress,
    )
    repeated = sheets.count_repeated(rows, row.head_row, row.columns)
    return Checked(done.taken, done.already, tuple(sorted(found, key=lambda one: one[:2])), done.refused, repeated)


def first_lines(
    rows: Rows, row: FileRow, units: Mapping[str, str], *, today: date, count: int
) -> list[tuple[int, ArchiveLine | Invalid]]:
    """The first letters as they would be read, each with its line; or why one is refused."""
    found: list[tuple[int, ArchiveLine | Invalid]] = []
    for number, line in sheets.first_lines(rows, row.head_row, row.columns, units, today=today, count=count):
        refused = None if isinstance(line, Invalid) else _refusal(line)
        found.append((number, refused or line))
    return found


def _refusal(line: ArchiveLine) -> Invalid | None:
    typed = "".join(str(getattr(line, field)) for field in TYPED)
    try:
        check_typed(line, not_printed(typed.encode()))
    except Invalid as refused:
        return refused
    return None


_WORDS_OF_BOOKS = {
    "import.own_id": "takeover.no_number_no_day",
    "import.empty": "takeover.line_without_subject",
    "import.own_id_twice": "takeover.number_twice",
    "import.own_id_taken": "takeover.number_changed",
    "import.unit": "takeover.unit",
}
"""An id of another system is for a paper book the number, or the line."""


def refused_cell(one: Refusal, columns: Sequence[str]) -> Refused:
    """The cell of a refused line, and why."""
    params = json.loads(json.dumps(dict(one.error.params), default=str))
    column = sheets.column_of(str(params.get("field", "")), columns)
    return one.line_no, column, code_of_books(one.error.code), params


def code_of_books(code: str) -> str:
    """The code of a refused line in the words of a register on paper."""
    return _WORDS_OF_BOOKS.get(code, code)


def ask(uow: UnitOfWork, file_id: int, *, actor: Actor) -> None:
    """Have a file taken in by a job.

    Raises:
        NotFound: ``takeover.unknown``; InvalidTransition: ``takeover.asked``; Invalid: ``upgrade.not_finished``,
            and as ``sheets.check_columns``.
    """
    archives.require_opened(uow.session)
    row = _changed(uow, file_id, actor)
    sheets.check_columns(row.columns)
    row.asked_at = uow.now
    uow.defer(JobKind.TAKE_OVER, row.id)
    uow.record("takeover.asked", "register", row.register_id, actor=actor, file=row.sha256, lines=row.total)


def pause(uow: UnitOfWork, file_id: int, *, actor: Actor) -> None:
    """Stop the taking in after the lines that are being written; a file that is done stays done.

    Raises:
        NotFound: ``takeover.unknown``.
    """
    row = _held(uow, file_id, actor)
    if row.asked_at is not None and row.done_at is None and not row.is_paused:
        row.is_paused = True
        uow.record("takeover.paused", "register", row.register_id, actor=actor, file=row.sha256, lines=row.read)


def resume(uow: UnitOfWork, file_id: int, *, actor: Actor) -> None:
    """Go on with a paused file, where it stopped.

    Raises:
        NotFound: ``takeover.unknown``.
    """
    row = _held(uow, file_id, actor)
    if row.is_paused and row.done_at is None:
        row.is_paused = False
        uow.defer(JobKind.TAKE_OVER, row.id)
        uow.record("takeover.resumed", "register", row.register_id, actor=actor, file=row.sha256, lines=row.read)


class _Paused(Exception):
    """A person paused the taking in."""


def take(services: Services, file_id: int, *, heartbeat: Callable[[str], None], now: datetime) -> None:
    """Take a file in, in pieces; run twice, killed or paused it goes on, for what is in the register is left alone."""
    with services.reading() as session:
        held = session.get(TakeoverFile, file_id)
        if held is None or held.content is None or held.asked_at is None or held.is_paused or held.done_at is not None:
            return
        row, content = _file_row(held, "", is_kept=True), held.content

    def progress(done: Takeover) -> None:
        read = done.taken + done.already + done.refused
        heartbeat(f"{read}/{row.total}")
        # A transaction of its own after each piece: a pause that was asked for meanwhile is seen here.
        with services.unit_of_work(now) as uow:
            file = locks.hold_one(uow.session, TakeoverFile, file_id)
            if file is None or file.is_paused:
                raise _Paused
            # A second attempt begins at the first line again, and soon catches up.
            file.read, file.taken = max(file.read, read), max(file.taken, done.taken + done.already)

    try:
        with services.reading() as session:
            registers.open_register(session, row.register_id)
        rows = read_apart(content, lists=True).get(row.sheet, [])
        done = _run(services, row, rows, now=now, dry_run=False, progress=progress)
    except _Paused:
        return
    except (Invalid, InvalidTransition) as error:
        done = Checked(0, 0, (_whole(error),), 0)
    with services.unit_of_work(now) as uow:
        file = locks.hold_one(uow.session, TakeoverFile, file_id)
        if file is not None and file.done_at is None:
            # Where it was broken off, what the pieces before had said stands.
            taken = done.would_take + done.already
            file.done_at, file.taken = uow.now, max(file.taken, taken)
            file.read = max(file.read, taken + done.refused)
            file.refusals = [list(one) for one in done.refusals]


def _whole(error: GedError) -> Refused:
    return 0, 0, error.code, json.loads(json.dumps(dict(error.params), default=str))


def opening(session: Session, row: FileRow, *, year: int) -> Opening | None:
    """The registers beside the archive that have given no number yet and may go on where the paper book of a year ends."""
    archive = session.get_one(Register, row.register_id)
    numbers = session.scalars(
        select(MailNumber.text).where(
            MailNumber.register_id == archive.id, extract("year", MailNumber.registered_on) == year
        )
    ).all()
    last = sheets.greatest_number(numbers)
    if last is None:
        return None
    started = exists().where(RegisterCounter.register_id == Register.id, RegisterCounter.last_sequence > 0)
    found = session.execute(
        select(Register.id, Register.name)
        .where(
            Register.unit_id == archive.unit_id, Register.direction == archive.direction, Register.closed_at.is_(None),
            Register.nature.not_in([RegisterNature.ARCHIVE, *NUMBERLESS]), ~started,
        )
        .order_by(Register.id)
    ).all()  # fmt: skip
    return Opening(last, tuple((one, name) for one, name in found)) if found else None
