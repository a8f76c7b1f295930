"""Registers as the pages of the administration show them, and the numbers that they will give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ged.administration.numbered import renumbered
from ged.administration.queries import ActRow, Named, history
from ged.administration.reach import Reach
from ged.errors import Invalid, NotFound
from ged.org.file import OrganisationFile
from ged.org.models import Unit
from ged.org.tree import all_units, entity_of
from ged.register.counters import is_by_year, year_of
from ged.register.models import Direction, Register, RegisterCounter, RegisterNature
from ged.register.numbering import check_pattern, format_number
from ged.workbook.registry import paper_books

NEXT = 3
"""How many numbers are shown beforehand."""


@dataclass(frozen=True)
class NextNumbers:
    """The numbers that a register gives next; ``new_year``: the first one of the next year, empty where it does not restart."""

    code: str
    name: str
    numbers: tuple[str, ...]
    new_year: str


@dataclass(frozen=True)
class RegisterRow:
    """A register. ``given``: numbers that it has given, by its counters; ``last_on``: the day of the last one."""

    id: int
    code: str
    name: str
    unit: Named
    direction: Direction
    nature: RegisterNature
    pattern: str
    restarts_yearly: bool
    closed_at: datetime | None
    given: int
    last_on: date | None


@dataclass(frozen=True)
class RegisterPage:
    """A register with its next numbers, the paper book that it continues and its acts.

    Attributes:
        paper: last number and name of the paper book; None: it continues none.
    """

    row: RegisterRow
    coming: NextNumbers
    paper: tuple[int, str] | None
    acts: tuple[ActRow, ...]


def registers(session: Session, reach: Reach, *, with_closed: bool = False) -> tuple[RegisterRow, ...]:
    """The registers of the units within reach, by unit, then code."""
    where = [Register.unit_id.in_(reach.units)]
    if not with_closed:
        where.append(Register.closed_at.is_(None))
    return _rows(session, *where)


def _rows(session: Session, *where: ColumnElement[bool]) -> tuple[RegisterRow, ...]:
    given = (
        select(
            RegisterCounter.register_id,
            func.sum(RegisterCounter.last_sequence - RegisterCounter.opening_sequence).label("given"),
            func.max(RegisterCounter.last_on).label("last_on"),
        )
        .group_by(RegisterCounter.register_id)
        .subquery()
    )
    found = session.execute(
        select(Register, Unit.code, Unit.name, given.c.given, given.c.last_on)
        .join(Unit, Unit.id == Register.unit_id)
        .outerjoin(given, given.c.register_id == Register.id)
        .where(*where)
        .order_by(Unit.id, Register.code)
    )
    return tuple(
        RegisterRow(
            row.id, row.code, row.name, Named(row.unit_id, unit_code, unit_name), row.direction, row.nature, row.pattern,
            row.restarts_yearly, row.closed_at, int(count or 0), last_on,
        )
        for row, unit_code, unit_name, count, last_on in found
    )  # fmt: skip


def register_page(session: Session, register_id: int, reach: Reach, *, on: date) -> RegisterPage:
    """A register within reach.

    Raises:
        NotFound: ``act.unknown``.
    """
    rows = _rows(session, Register.id == register_id, Register.unit_id.in_(reach.units))
    if not rows:
        raise NotFound("act.unknown", "open it from the list again", id=register_id)
    (row,) = rows
    (coming,) = _coming(session, [Register.id == register_id], on=on)
    return RegisterPage(row, coming, paper_books(session).get(row.id), history(session, "registers", row.code))


def next_numbers_of(
    session: Session, seen: OrganisationFile, wanted: OrganisationFile, *, on: date
) -> tuple[NextNumbers, ...]:
    """The next numbers of the registers that will number otherwise, in a transaction in which they do already."""
    codes = renumbered(seen, wanted)
    if not codes:
        return ()
    return _coming(session, [Register.code.in_(sorted(codes))], on=on)


def _coming(session: Session, where: Sequence[ColumnElement[bool]], *, on: date) -> tuple[NextNumbers, ...]:
    units = all_units(session)
    rows = session.scalars(select(Register).where(*where).order_by(Register.id)).unique().all()
    counters = select(RegisterCounter.register_id, RegisterCounter.year, RegisterCounter.last_sequence).where(
        RegisterCounter.register_id.in_([row.id for row in rows]),
        or_(RegisterCounter.year == 0, RegisterCounter.year == on.year),
    )
    last = {(register_id, year): sequence for register_id, year, sequence in session.execute(counters)}
    return tuple(
        NextNumbers(
            row.code, row.name,
            *_numbers(
                row.pattern, restarts=is_by_year(row), last=last.get((row.id, year_of(row, on)), 0),
                entity=units[entity_of(row.unit_id, units)].code, unit=units[row.unit_id].code, register=row.code, on=on,
            ),
        )
        for row in rows
    )  # fmt: skip


def _numbers(
    pattern: str, *, restarts: bool, last: int, entity: str, unit: str, register: str, on: date
) -> tuple[tuple[str, ...], str]:
    def text_of(sequence: int, day: date) -> str:
        return format_number(pattern, sequence=sequence, on=day, entity=entity, unit=unit, register=register)

    coming = tuple(text_of(last + step, on) for step in range(1, NEXT + 1))
    return coming, text_of(1, date(on.year + 1, 1, 1)) if restarts else ""


def tried(
    session: Session,
    reach: Reach,
    *,
    pattern: str,
    unit: str,
    register: str,
    nature: str,
    restarts: bool,
    last: int | None,
    on: date,
) -> NextNumbers:
    """The numbers of a pattern that is being typed.

    Args:
        nature: value of a `RegisterNature`; empty while none is chosen.
        restarts: ``restarts_yearly`` of the register.
        last: the last number of a paper book; None: that of the register of this code, else 0.

    Raises:
        Invalid: ``register.pattern``, ``register.pattern_long``.
        NotFound: ``act.unknown``: the unit is not within reach.
    """
    units = all_units(session)
    near = reach.units
    unit_id = next((one for one, row in units.items() if one in near and row.code == unit), None)
    if unit_id is None:
        raise NotFound("act.unknown", "open it from the list again", sought=unit)
    if not pattern:
        raise Invalid("register.pattern", "type a pattern", field="pattern")
    entity = units[entity_of(unit_id, units)].code
    check_pattern(pattern, entity=entity, unit=unit, register=register)
    restarts = restarts and nature != RegisterNature.ARCHIVE
    if last is None:
        held = (
            select(RegisterCounter.last_sequence)
            .join(Register, Register.id == RegisterCounter.register_id)
            .where(
                Register.code == register,
                Register.unit_id.in_(near),
                RegisterCounter.year == (on.year if restarts else 0),
            )
        )
        last = session.scalar(held) or 0
    numbers, new_year = _numbers(
        pattern, restarts=restarts, last=last, entity=entity, unit=unit, register=register or "…", on=on
    )
    return NextNumbers(register, "", numbers, new_year)
