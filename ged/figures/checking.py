"""The proof of the figures: every letter against the register, every cell against the letters, in one moment of the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged import audit
from ged.capture.models import Scan
from ged.db import Base, table_of
from ged.figures import cells, moving, operations, scanned, sums
from ged.figures.counted import CountedRegister, among, between, stored_letters, stored_returns
from ged.figures.models import (
    STATE,
    FigureCell,
    FigureDelay,
    FigureFlow,
    FigureHour,
    FigureReading,
    FigureState,
)
from ged.figures.stages import Grain
from ged.figures.whole_days import WholeDays, within
from ged.progress import PartProgress
from ged.unit import Services


@dataclass(frozen=True)
class Difference:
    """Something that is counted otherwise than it must be.

    Attributes:
        what: ``figures.missing`` (there are no figures, or they are being made), ``figures.letter``, ``figures.returns``,
            ``figures.moves``, ``figures.rounds``, ``figures.cell``, ``figures.delay``, ``figures.flow``, ``figures.hour``, ``figures.sum`` (a key whose
            sum is another's), ``figures.scan`` (a station), ``figures.slip`` (slips of a unit), ``figures.reading`` (a scanned document).
        where: the letter (``mail 12``), the key (``key 3``), or the key of the cell.
        counted: what the figures say; empty: no row.
        must_be: what the register says; empty: no row.
    """

    what: str
    where: str
    counted: str
    must_be: str


TABLES: Sequence[tuple[type[Base], str]] = (
    (FigureCell, "figures.cell"), (FigureDelay, "figures.delay"), (FigureFlow, "figures.flow"), (FigureHour, "figures.hour"),
)  # fmt: skip
"""The tables of cells (``sums.MODELS``), and what their differences are called."""


def compare(services: Services, *, progress: PartProgress = lambda _done, _of: None) -> Iterator[Difference]:
    """Every difference. Letters with acts that no run has counted yet are left out: they are about to be counted."""
    with services.snapshot() as session:
        state = session.get(FigureState, STATE)
        if state is None or not state.is_whole:
            yield Difference("figures.missing", "all", "", "")
            return
        waiting = operations.letters_of(session, state.sequence, audit.head(session).count)
        yield from _letters(CountedRegister(session, services.zone), waiting, progress)
        for key_id in session.scalars(sums.astray()) if state.sums_whole else ():
            yield Difference("figures.sum", f"key {key_id}", "", "")
        for model, what in TABLES:
            must_be = cells.whole(session, model, lambda column: column.is_not(None), with_sums=state.sums_whole)
            kept = select(*table_of(model).columns)
            if not state.sums_whole:  # those that are being made are not read yet
                kept = kept.where(table_of(model).c.grain.in_([Grain.DAY, Grain.MONTH, Grain.YEAR]))
            yield from _rows(session, model, what, kept, must_be)
        for kind in operations.WHOLE_DAYS:
            yield from _papers(session, services.zone, state, kind)


def _letters(register: CountedRegister, waiting: set[int], progress: PartProgress) -> Iterator[Difference]:
    session = register.session
    last, upto = operations.last_letter(session), 0
    while upto < last:
        after, upto = upto, operations.chunk_end(session, upto)
        which = between(after, upto)
        for mail_id in sorted(operations.different(register, which) - waiting):
            one = among([mail_id])
            for what, now, before in (
                ("figures.letter", register.letters(one), stored_letters(one)),
                ("figures.returns", register.returns(one), stored_returns(one)),
                ("figures.moves", moving.moves(register, one), moving.stored_moves(one)),
                ("figures.rounds", moving.rounds(register, one), moving.stored_rounds(one)),
            ):
                must_be, counted = _row_texts(session, now), _row_texts(session, before)
                if must_be != counted:
                    yield Difference(what, f"mail {mail_id}", _only(counted, must_be), _only(must_be, counted))
        progress(upto, last)


def _row_texts(session: Session, rows: Select[*tuple[Any, ...]]) -> list[tuple[str, ...]]:
    return sorted(
        tuple(f"{name}={_text(value)}" for name, value in row._mapping.items()) for row in session.execute(rows)
    )


def _only(rows: Sequence[tuple[str, ...]], others: Sequence[tuple[str, ...]]) -> str:
    """What stands in the rows and not in the others."""
    known = {value for row in others for value in row}
    return "; ".join(" ".join(value for value in row if value not in known) for row in rows)


def _papers(session: Session, zone: ZoneInfo, state: FigureState, kind: WholeDays) -> Iterator[Difference]:
    """Stations and readings, or slips, month by month. A month with a day that is about to be counted is left out."""
    if not kind.is_whole(state):
        if kind.is_due(session, state):
            yield Difference("figures.missing", f"{kind.name}s", "", "")
        return
    waiting = kind.waiting_days(session, zone, state.sequence, audit.head(session).count)
    months = {day.replace(day=1) for day in waiting}
    for month in kind.months(session, zone):
        if month.since in months:
            continue
        cell = table_of(kind.model)
        kept = select(*cell.columns).where(cell.c.day.between(month.since, month.until))
        yield from _rows(session, kind.model, f"figures.{kind.name}", kept, kind.whole(session, zone, month))
        if kind is scanned.STATIONS:
            reading = table_of(FigureReading)
            of_month = select(Scan.attachment_id).where(within(Scan.created_at, month, zone))
            known = select(*reading.columns).where(reading.c.attachment_id.in_(of_month))
            yield from _rows(session, FigureReading, "figures.reading", known, scanned.readings(zone, month))


def _rows(
    session: Session, model: type[Base], what: str, kept: Select[*tuple[Any, ...]], must_be: Select[*tuple[Any, ...]]
) -> Iterator[Difference]:
    """The rows of a table that are otherwise than they must be, by their keys."""
    table = table_of(model)
    keys = list(table.primary_key.columns)
    found: dict[tuple[str, ...], list[str]] = {}
    for place, (one, other) in enumerate(((kept, must_be), (must_be, kept))):
        for row in session.execute(one.except_(other)):
            key = tuple(_text(value) for value in row[: len(keys)])
            found.setdefault(key, ["", ""])[place] = " ".join(
                f"{column.name}={value}" for column, value in list(zip(table.columns, row, strict=True))[len(keys) :]
            )
    for key, (counted, wanted) in sorted(found.items()):
        yield Difference(what, " ".join(key), counted, wanted)


def _text(value: object) -> str:
    return str(getattr(value, "value", value))
