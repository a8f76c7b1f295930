"""Import of an archive: letters of a file become letters of a register, in small batches that delay nobody.

Each batch is parsed, and its files stored, before one short transaction writes numbers, letters, rights, texts, the
journal and one index job, all or nothing. A restarted import resumes: letters whose own id is already in the register
are skipped.

In a register of the nature ``ARCHIVE`` a letter keeps the number and the day of its paper book. The sequence counts the
imported letters, so that a missing letter is detected. In any other register a letter gets the next number, dated
today, and its own number is stored in its reference.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ged import schema
from ged.db import give_back_log
from ged.errors import EngineFailed, GedError, Invalid, NotFound
from ged.org.actors import somebody_sees
from ged.org.models import Unit
from ged.ports import Confidentiality, Principal, unit_principal
from ged.register import allocation, registers
from ged.register.models import MailNumber, Register, RegisterNature
from ged.takeover import packed
from ged.takeover.files import Content, SmallText, content_of, seal, waits_for_disk
from ged.takeover.lines import LENGTHS, ArchiveLine, check_typed, read_line
from ged.takeover.models import TakenLetter
from ged.takeover.write import Placed, write
from ged.typeset import unprintable
from ged.unit import Services

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PIECE_LETTERS = 200
"""Letters of one transaction, and of one commit of the index: others wait for the register meanwhile, some 0.1 s."""
PIECE_BYTES = 4_000_000
STORED_AT_ONCE = 8
PAUSE_S = 0.03
"""At least so long between two transactions, so that people who register today's letters come first."""
NUMBERLESS = frozenset({RegisterNature.ENVELOPE, RegisterNature.SLIP})
"""Registers that do not number letters."""


@dataclass(frozen=True)
class Refusal:
    """A line that was not imported, and why."""

    line_no: int
    own_id: str
    error: GedError


@dataclass
class Takeover:
    """The progress of an import: lines read, letters imported now, letters imported before, lines refused."""

    lines: int = 0
    taken: int = 0
    already: int = 0
    refused: int = 0
    ignored: set[str] = field(default_factory=set)
    """Unknown keys of the file."""


@dataclass(frozen=True)
class TakeoverTarget:
    """The destination register and the source.

    Attributes:
        source: the file's name, for the journal.
        files_dir: the folder of the files named in lines; None: no line may name a file.
        within: the units that lines may name; None: all.
        is_typed: the lines are a clerk's spreadsheet (``ged.takeover.lines.check_typed``).
    """

    register_id: int
    source: str
    files_dir: Path | None
    dry_run: bool
    within: frozenset[int] | None = None
    is_typed: bool = False


def find_register(session: "Session", code: str) -> Register:
    """The open register of letters with this code.

    Raises:
        NotFound: ``register.unknown``.
        Invalid: ``import.register_nature``.
        InvalidTransition: ``register.closed``.
    """
    found = session.scalar(select(Register.id).where(Register.code == code))
    if found is None:
        codes = session.scalars(select(Register.code).where(Register.nature.not_in(NUMBERLESS)).order_by(Register.code))
        raise NotFound("register.unknown", f"choose one of {', '.join(codes)}", register=code)
    register = registers.open_register(session, found)
    if register.nature in NUMBERLESS:
        raise Invalid("import.register_nature", "choose a register of letters", register=code)
    return register


def take_over(
    services: Services,
    place: TakeoverTarget,
    lines: Iterable[bytes],
    *,
    refuse: Callable[[Refusal], None],
    progress: Callable[[Takeover], None],
) -> Takeover:
    """Import the letters of a file, one JSON object on each line (``takeover_lines``); empty lines are skipped.

    Args:
        refuse: called with each refused line, in order within a batch.
        progress: called after each batch.
    """
    done, seen, numbers = Takeover(), set[str](), set[tuple[str, int]]()

    def refused(one: Refusal) -> None:
        done.refused += 1
        refuse(one)

    pause = _Pause()
    for piece in _pieces(lines):
        done.lines = piece[-1][0]
        read = list(_read(services, place, piece, seen, refused))
        done.ignored.update(key for line in read for key in line.ignored)
        _take_piece(services, place, read, numbers, refused, done, pause)
        progress(done)
    return done


def give_room_back(services: Services) -> None:
    """Give the disk back what an import needed for its time, once nobody writes for it any more."""
    give_back_log(services.engine)


class _Pause:
    """Keeps transactions ``PAUSE_S`` apart. The time in which the next letters are read and stored counts."""

    def __init__(self) -> None:
        self._ended_s = float("-inf")

    def __enter__(self) -> None:
        time.sleep(max(0.0, self._ended_s + PAUSE_S - time.monotonic()))

    def __exit__(self, *_error: object) -> None:
        self._ended_s = time.monotonic()


def _pieces(lines: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    piece: list[tuple[int, bytes]] = []
    size = 0
    for line_no, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        piece.append((line_no, raw))
        size += len(raw)
        if len(piece) >= PIECE_LETTERS or size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _read(
    services: Services,
    place: TakeoverTarget,
    piece: Sequence[tuple[int, bytes]],
    seen: set[str],
    refuse: Callable[[Refusal], None],
) -> Iterator[ArchiveLine]:
    today = datetime.now(UTC).astimezone(services.zone).date()
    lacking = not_printed(b"".join(raw for _line_no, raw in piece)) if place.is_typed else frozenset[str]()
    for line_no, raw in piece:
        try:
            line = read_line(line_no, raw, today=today)
            if place.is_typed:
                check_typed(line, lacking)
        except Invalid as error:
            refuse(Refusal(line_no, "", error))
            continue
        if line.own_id in seen:
            twice = Invalid("import.own_id_twice", "give each letter an id of its own", field="id", value=line.own_id)
            refuse(Refusal(line_no, line.own_id, twice))
            continue
        seen.add(line.own_id)
        yield line


def not_printed(raw: bytes) -> frozenset[str]:
    """The characters of lines that no font of ours has; none where no child is free to look: a print shows a stand-in."""
    with suppress(EngineFailed):
        return unprintable(raw.decode("utf-8", "replace"))
    return frozenset()


def _take_piece(
    services: Services,
    place: TakeoverTarget,
    read: list[ArchiveLine],
    numbers: set[tuple[str, int]],
    refuse: Callable[[Refusal], None],
    done: Takeover,
    pause: "_Pause",
) -> None:
    with services.reading() as session:
        wanted = _Judge(session, place, services, numbers).new(read, refuse, done)
        packs = schema.is_opened(session, packed.OPENED_BY) and services.blobs.sealed(()) is not None
    placed = _sealed(services, list(_with_content(services, place, wanted, refuse, packs=packs)))
    if place.dry_run or not placed:
        done.taken += len(placed)
        return
    with pause, services.unit_of_work(datetime.now(UTC)) as uow:
        # Of two concurrent imports, the second sees the first's letters here.
        allocation.lock_book(uow, place.register_id)
        judge, lines = _Judge(uow.session, place, services, set()), [one.line for one in placed]
        if judge.knows_some(lines):
            still = {one.line.line_no for one in judge.new(lines, refuse, done)}
            placed = [one for one in placed if one.line.line_no in still]
        if placed:
            write(uow, place.register_id, place.source, placed)
    done.taken += len(placed)


def _with_content(
    services: Services,
    place: TakeoverTarget,
    wanted: Sequence[Placed],
    refuse: Callable[[Refusal], None],
    *,
    packs: bool,
) -> Iterator[tuple[Placed, Content | SmallText | None]]:
    def content(one: Placed) -> Content | SmallText | GedError | None:
        try:
            return content_of(services, one.line, place.files_dir, look_only=place.dry_run, packs=packs)
        except GedError as error:
            return error

    # Threads, because storing files mostly waits for the disk. A small text waits for nothing, and costs less than its way to a thread.
    waits = [waits_for_disk(one.line, packs=packs) for one in wanted]
    with ThreadPoolExecutor(STORED_AT_ONCE, thread_name_prefix="takeover") as pool:
        stored = pool.map(content, compress(wanted, waits))
        for one, is_slow in zip(wanted, waits, strict=True):
            found = next(stored) if is_slow else content(one)
            if isinstance(found, GedError):
                refuse(Refusal(one.line.line_no, one.line.own_id, found))
            else:
                yield one, found


def _sealed(services: Services, held: Sequence[tuple[Placed, Content | SmallText | None]]) -> list[Placed]:
    """The letters with their content; small texts are sealed together, so that their keys are kept in one transaction."""
    small = iter(seal(services, [found for _one, found in held if isinstance(found, SmallText)]))
    return [replace(one, content=next(small) if isinstance(found, SmallText) else found) for one, found in held]


class _Judge:
    """Checks lines against the database: known already, unknown unit, number taken, secret letter nobody could see."""

    def __init__(
        self, session: "Session", place: TakeoverTarget, services: Services, given: set[tuple[str, int]]
    ) -> None:
        self._session = session
        self._given = given
        self._register = session.get_one(Register, place.register_id)
        self._today = datetime.now(UTC).astimezone(services.zone).date()
        self._units = {
            code: unit_id
            for code, unit_id in session.execute(select(Unit.code, Unit.id))
            if place.within is None or unit_id in place.within
        }
        self._seen_by: dict[tuple[frozenset[Principal], Confidentiality], bool] = {}

    def new(self, lines: Sequence[ArchiveLine], refuse: Callable[[Refusal], None], done: Takeover) -> list[Placed]:
        """The lines to import."""
        known, numbers = self._known(lines), self._numbers(lines)
        wanted: list[Placed] = []
        for line in lines:
            if known.get(line.own_id) == line.content_hash:
                done.already += 1
                continue
            try:
                if line.own_id in known:
                    raise Invalid(
                        "import.own_id_taken", "another letter bears this id: give it another", field="id",
                        value=line.own_id,
                    )  # fmt: skip
                placed = self._placed(line)
                self._check_number(placed, numbers)
            except Invalid as error:
                refuse(Refusal(line.line_no, line.own_id, error))
                continue
            wanted.append(placed)
        return wanted

    def knows_some(self, lines: Sequence[ArchiveLine]) -> bool:
        """Whether the register has an id or a number of these lines."""
        return bool(self._known(lines) or self._numbers(lines))

    def _known(self, lines: Sequence[ArchiveLine]) -> dict[str, str]:
        rows = self._session.execute(
            select(TakenLetter.own_id, TakenLetter.content_hash).where(
                TakenLetter.register_id == self._register.id, TakenLetter.own_id.in_([line.own_id for line in lines])
            )
        )
        return dict(iter(rows))

    def _numbers(self, lines: Sequence[ArchiveLine]) -> set[tuple[str, int]]:
        """Numbers of the paper book that already exist, each with its year."""
        if self._register.nature is not RegisterNature.ARCHIVE:
            return set()
        rows = self._session.execute(
            select(MailNumber.text, func.extract("year", MailNumber.registered_on)).where(
                MailNumber.register_id == self._register.id,
                MailNumber.text.in_([line.number for line in lines if line.number]),
            )
        )
        return {(text, int(year)) for text, year in rows}

    def _placed(self, line: ArchiveLine) -> Placed:
        unit_id = self._units.get(line.unit) if line.unit else None
        if line.unit and unit_id is None:
            raise Invalid("import.unit", "load the unit first, or correct its code", field="unit", value=line.unit)
        principals = frozenset(
            {unit_principal(self._register.unit_id), unit_principal(unit_id or self._register.unit_id)}
        )
        if not self._is_seen(principals, line.level):
            raise Invalid("mail.level_nobody", "have somebody of the unit cleared first", field="confidentiality")
        on = line.registered_on or line.received_on or line.written_on
        is_book = self._register.nature is RegisterNature.ARCHIVE
        reference = line.their_reference if is_book else _reference(line)
        return Placed(line, unit_id, on or self._today, reference, line.number if is_book else "")

    def _is_seen(self, principals: frozenset[Principal], level: Confidentiality) -> bool:
        if level < Confidentiality.SECRET:
            return True
        key = (principals, level)
        if key not in self._seen_by:
            self._seen_by[key] = somebody_sees(self._session, principals, level, on=self._today)
        return self._seen_by[key]

    def _check_number(self, placed: Placed, given: set[tuple[str, int]]) -> None:
        if not placed.number:
            return
        key = (placed.number, placed.on.year)
        if key in given or key in self._given:
            raise Invalid(
                "import.number_taken", "a number is given once a year in a book: correct it", field="number",
                value=placed.number, year=placed.on.year,
            )  # fmt: skip
        self._given.add(key)


def _reference(line: ArchiveLine) -> str:
    """The reference, including a letter's own number if the register gives another number."""
    if not line.number or line.number == line.their_reference:
        return line.their_reference
    both = f"{line.their_reference} (n° {line.number})" if line.their_reference else line.number
    if len(both) > LENGTHS["their_reference"]:
        raise Invalid(
            "import.field_long", "shorten it, or import into a register of the nature archive", field="their_reference",
            maximum=LENGTHS["their_reference"],
        )  # fmt: skip
    return both
