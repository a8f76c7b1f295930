"""Which registers wait, which numbers were lost, and which labels on paper may belong to a lost one."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.errors import Invalid, NotFound
from ged.org.models import Unit
from ged.ports import RegisterId
from ged.register.allocation import entity_code
from ged.register.models import MailNumber, Register, RegisterCounter, RegisterNature
from ged.register.queries import clerk_unit_ids
from ged.register.registers import clerk_post
from ged.resuming.models import RegisterHold
from ged.resuming.typed import sequence_of
from ged.unit import Actor

SHOWN = 100
"""Lost numbers that a page shows."""
SLACK = 1000
"""Ids that the lost installation may have used without a number of a register that waits: an import, an act that was given up."""


@dataclass(frozen=True)
class WaitingRow:
    """A register that waits.

    Attributes:
        year: 0: the register never restarts.
        last: the last sequence in the copy; 0: none. ``last_text``: as it is printed.
    """

    id: int
    register_id: RegisterId
    register: str
    nature: RegisterNature
    unit: str
    year: int
    copied_at: datetime
    restored_at: datetime
    last: int
    last_text: str


@dataclass(frozen=True)
class LostRow:
    """A lost number to which no letter was joined yet."""

    id: int
    text: str
    register_id: RegisterId
    register: str
    nature: RegisterNature


def waiting(session: Session, actor: Actor, *, hold_id: int | None = None) -> list[WaitingRow]:
    """The registers that the actor keeps and that wait; only the one of ``hold_id``, where it is given."""
    units = clerk_unit_ids(actor)
    if not units:
        return []
    of_year = (RegisterCounter.register_id == RegisterHold.register_id) & (RegisterCounter.year == RegisterHold.year)
    text = (
        select(MailNumber.text)
        .where(
            MailNumber.register_id == RegisterHold.register_id,
            MailNumber.year == RegisterHold.year,
            MailNumber.sequence == RegisterCounter.last_sequence,
        )
        .scalar_subquery()
    )
    query = (
        select(RegisterHold, Register, Unit.name, RegisterCounter.last_sequence, text)
        .join(Register, Register.id == RegisterHold.register_id)
        .join(Unit, Unit.id == Register.unit_id)
        .outerjoin(RegisterCounter, of_year)
        .where(RegisterHold.released_at.is_(None), Register.closed_at.is_(None), Register.unit_id.in_(sorted(units)))
        .order_by(Register.id, RegisterHold.year)
    )
    if hold_id is not None:
        query = query.where(RegisterHold.id == hold_id)
    return [
        WaitingRow(
            hold.id, RegisterId(register.id), register.name, register.nature, unit, hold.year, hold.copied_at,
            hold.restored_at, last or 0, printed or "",
        )
        for hold, register, unit, last, printed in session.execute(query).unique()
    ]  # fmt: skip


def waiting_one(session: Session, actor: Actor, hold_id: int) -> WaitingRow:
    """One of ``waiting``.

    Raises:
        NotFound: ``hold.unknown``: it does not wait any more, or the actor does not keep it.
    """
    found = waiting(session, actor, hold_id=hold_id)
    if not found:
        raise NotFound("hold.unknown", "choose a register of the list", id=hold_id)
    return found[0]


def is_waiting(session: Session, register_id: int) -> bool:
    """Whether a register waits, in any year."""
    return bool(session.scalar(select(waits(register_id))))


def waits(register_id: InstrumentedAttribute[int] | int) -> ColumnElement[bool]:
    """SQL: a register waits, in any year."""
    return exists().where(RegisterHold.register_id == register_id, RegisterHold.released_at.is_(None))


def waiting_codes(session: Session) -> list[str]:
    """The codes of all registers that wait and are open, in the order of the alphabet: for checks of the installation."""
    query = select(Register.code).join(RegisterHold, RegisterHold.register_id == Register.id)
    query = query.where(RegisterHold.released_at.is_(None), Register.closed_at.is_(None))
    return list(session.scalars(query.distinct().order_by(Register.code)))


def lost_clause() -> ColumnElement[bool]:
    """SQL: a number is one of the lost ones."""
    return exists().where(
        RegisterHold.register_id == MailNumber.register_id,
        RegisterHold.year == MailNumber.year,
        RegisterHold.released_at.is_not(None),
        MailNumber.sequence > RegisterHold.from_sequence,
        MailNumber.sequence <= RegisterHold.told_sequence,
    )


def lost(session: Session, actor: Actor) -> tuple[list[LostRow], int]:
    """The lost numbers of the actor's registers that no letter was joined to, the first ones, and how many there are."""
    units = clerk_unit_ids(actor)
    held = select(RegisterHold.register_id).where(RegisterHold.told_sequence > RegisterHold.from_sequence)
    where = (
        Register.unit_id.in_(sorted(units)), Register.id.in_(held), MailNumber.voided_at.is_not(None),
        MailNumber.mail_id.is_(None), lost_clause(),
    )  # fmt: skip
    query = select(MailNumber.id, MailNumber.text, Register.id, Register.name, Register.nature)
    query = query.join(Register, Register.id == MailNumber.register_id).where(*where)
    rows = session.execute(query.order_by(Register.id, MailNumber.year, MailNumber.sequence).limit(SHOWN)).all()
    total = len(rows)
    if total == SHOWN:
        count = select(func.count(MailNumber.id)).join(Register, Register.id == MailNumber.register_id).where(*where)
        total = session.scalar(count) or 0
    return [LostRow(id, text, RegisterId(of), name, nature) for id, text, of, name, nature in rows], total


def lost_one(session: Session, actor: Actor, number_id: int) -> LostRow:
    """A lost number that no letter was joined to.

    Raises:
        NotFound: ``number.unknown``.
    """
    query = (
        select(MailNumber.id, MailNumber.text, Register.id, Register.name, Register.nature)
        .join(Register, Register.id == MailNumber.register_id)
        .where(
            MailNumber.id == number_id, Register.unit_id.in_(sorted(clerk_unit_ids(actor))),
            MailNumber.mail_id.is_(None), lost_clause(),
        )
    )  # fmt: skip
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("number.unknown", "check the number", id=number_id)
    return LostRow(row[0], row[1], RegisterId(row[2]), row[3], row[4])


def may_be_of_the_lost(session: Session, number: MailNumber) -> bool:
    """Whether a label with the id of this number may be of a letter that was lost: the lost installation gave ids that the
    restored one gives again. While a register waits, every number after the restore is in doubt; afterwards, as many as were
    lost, and some more.
    """
    lost = func.coalesce(RegisterHold.told_sequence - RegisterHold.from_sequence, 0)
    of_restore = (
        select(
            RegisterHold.last_number_id,
            func.count().filter(RegisterHold.released_at.is_(None)).label("open"),
            func.sum(lost).label("lost"),
        )
        .where(RegisterHold.last_number_id < number.id, RegisterHold.restored_at <= number.registered_at)
        .group_by(RegisterHold.last_number_id)
    )
    return any(
        row.open or (row.lost and number.id <= row.last_number_id + 2 * row.lost + SLACK)
        for row in session.execute(of_restore)
    )


def sequence_typed(session: Session, hold_id: int, text: str, *, actor: Actor, on: date) -> int:
    """The sequence of a number as a clerk types it: its digits alone, or the whole number of this register.

    Raises:
        NotFound: ``hold.unknown``.
        Forbidden: ``register.not_clerk``.
        Invalid: ``hold.number``, at ``last_number``.
    """
    hold = session.get(RegisterHold, hold_id)
    if hold is None:
        raise NotFound("hold.unknown", "choose a register of the list", id=hold_id)
    register = session.get_one(Register, hold.register_id)
    clerk_post(session, register.id, actor)
    found = sequence_of(
        text, pattern=register.pattern, entity=entity_code(session, register.unit, actor.units), unit=register.unit.code,
        register=register.code,
        years=range(hold.year, hold.year + 1) if hold.year else range(hold.copied_at.year, on.year + 1),
    )  # fmt: skip
    if found is None:
        raise Invalid("hold.number", "type the number as it is printed", field="last_number", register=register.name)
    return found
