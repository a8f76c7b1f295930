"""Allocates numbers from a locked row, in the transaction that registers: no gap, no duplicate.

The counter's row stays locked until the commit, so call ``allocate`` after everything slow and as late as possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from typing import Any

from sqlalchemy import and_, exists, update
from sqlalchemy.orm import Session

from ged.db import Together, insert_of, known_to, placed, table_of, write_many
from ged.errors import Overtaken
from ged.org.models import Unit
from ged.org.tree import entities, entity_of
from ged.ports import RegisterId
from ged.register import clock
from ged.register.counters import closed_until, counter_of, day_after, locked_counter, open_day, year_of
from ged.register.models import MailNumber, Register, RegisterClosing, RegisterCounter, RegisterNature
from ged.register.numbering import format_number, number_key
from ged.register.registers import open_register
from ged.unit import Actor, HeldPost, UnitOfWork, UnitRow

_counters, _closings, _registers = table_of(RegisterCounter), table_of(RegisterClosing), table_of(Register)
_DAY_IS_OPEN = ~exists().where(
    _closings.c.register_id == placed("register_id"), _closings.c.until_on >= placed("registered_on")
)
_NUMBERED_BY = ("code", "unit_id", "pattern", "restarts_yearly", "direction", "nature")
"""The columns of a register that its numbers show or follow, and what it numbers."""
_IS_AS_READ = exists().where(
    _registers.c.id == placed("register_id"),
    _registers.c.closed_at.is_(None),
    *(_registers.c[name] == placed(f"read_{name}") for name in _NUMBERED_BY),
)
_HOLDS = and_(_DAY_IS_OPEN, _IS_AS_READ)
_NEXT = Together(
    update(_counters)
    .where(_counters.c.register_id == placed("register_id"), _counters.c.year == placed("year"), _HOLDS)
    .values(last_sequence=placed("sequence"), last_on=placed("registered_on")),
    insert_of(MailNumber, where=_HOLDS).returning(table_of(MailNumber).c.id),
)
"""Statements: insert a number and update its counter, unless its day is closed or its register has changed."""


def allocate(
    uow: UnitOfWork,
    register_id: RegisterId | int,
    *,
    actor: Actor,
    post: HeldPost | None,
    mail_id: int | None = None,
    envelope_id: int | None = None,
    slip_id: int | None = None,
) -> MailNumber:
    """Allocate the next number of a register, dated today in the installation's time zone.

    A process that waited for the lock over midnight never dates a number before the previous number, nor into a closed
    day. The number's time is then the first moment of its day, so that label and register agree.

    Raises:
        NotFound: ``register.unknown``.
        InvalidTransition: ``register.closed``, ``clock.ahead``, ``clock.jump``.
        Overtaken: the register was changed while we waited for its counter.
    """
    register = open_register(uow.session, register_id)
    closed: date | None = None  # hardly ever is the day closed, and the statement that writes the number looks
    while True:
        # Read this before we take the lock that others wait for.
        entity, unit = entity_code(uow.session, register.unit, actor.units), register.unit.code
        counter = locked_counter(uow.session, register, day_after(uow, closed))
        on = max(day_after(uow, closed), counter["last_on"] or date.min)
        clock.check(uow, on, counter["last_on"])
        begin = datetime.combine(on, time(), tzinfo=uow.services.zone).astimezone(UTC)
        sequence = counter["last_sequence"] + 1
        text = format_number(
            register.pattern, sequence=sequence, on=on, entity=entity, unit=unit, register=register.code
        )
        row = {
            "register_id": register.id,
            "year": counter["year"],
            "sequence": sequence,
            "text": text,
            "text_key": number_key(text),
            "registered_at": max(uow.now, begin),
            "registered_on": on,
            "person_id": actor.person_id or None,
            "post_id": post.post_id if post else None,
            "mail_id": mail_id,
            "envelope_id": envelope_id,
            "slip_id": slip_id,
            "voided_at": None,
            "void_reason": "",
        }
        number_id: int | None = _NEXT.run(uow.session, row | _as_read(register)).scalar_one_or_none()
        if number_id is not None:
            break
        _check_unchanged(uow.session, register)
        # So its day is closed. We keep the lock: no other day can be closed.
        closed = closed_until(uow.session, register.id)
    # The register is already loaded: callers that use the number need no query while others wait for the lock.
    number = MailNumber(**row, id=number_id, register=register)
    known_to(uow.session, number)
    return number


def _as_read(register: Register) -> dict[str, Any]:
    """What ``_IS_AS_READ`` compares with the stored register."""
    return {f"read_{name}": getattr(register, name) for name in _NUMBERED_BY}


def _check_unchanged(session: Session, register: Register) -> None:
    """Read the register again.

    Raises:
        Overtaken: it was closed or changed meanwhile. The caller begins anew: its clerk may be another one now.
    """
    before = _as_read(register)
    session.refresh(register)
    if register.closed_at is not None or _as_read(register) != before:
        raise Overtaken(f"register {register.code} was changed")


@dataclass(frozen=True)
class BookEntry:
    """A letter of an archive: its number and day in the paper book. An empty number: make one by the pattern."""

    mail_id: int
    number: str
    on: date


class BookNumber(SimpleNamespace):
    """The row of an imported letter's number, with its register. No object of the session: an import makes a thousand a second."""


def lock_book(uow: UnitOfWork, register_id: RegisterId | int) -> None:
    """Lock the counter that ``allocate_many`` will use, until the commit: no other import can run meanwhile.

    Raises:
        NotFound: ``register.unknown``.
        InvalidTransition: ``register.closed``, perhaps while we waited for the counter.
        Overtaken: the register numbers otherwise than before we waited.
    """
    register = open_register(uow.session, register_id)
    before = _as_read(register)
    _locked_book(uow, register)
    uow.session.refresh(register)
    open_register(uow.session, register_id)
    if _as_read(register) != before:
        raise Overtaken(f"register {register.code} was changed")


def allocate_many(uow: UnitOfWork, register: Register, entries: Sequence[BookEntry]) -> list[BookNumber]:
    """Allocate numbers for imported letters, in their order, in one statement. The sequence has no gap in any register.

    In a register of the nature ``ARCHIVE`` the letters keep the numbers and days of the paper book. Any other register
    allocates its own next numbers, dated as by ``allocate``.
    """
    is_book = register.nature is RegisterNature.ARCHIVE
    counter = _locked_book(uow, register)
    today = open_day(uow, register.id)
    clock.check(uow, today, counter.last_on)
    counter.last_on = max(today, counter.last_on) if counter.last_on else today
    entity = entity_code(uow.session, register.unit)
    rows = []
    for entry in entries:
        counter.last_sequence += 1
        on = entry.on if is_book else counter.last_on
        begin = datetime.combine(on, time(), tzinfo=uow.services.zone).astimezone(UTC)
        made = format_number(
            register.pattern, sequence=counter.last_sequence, on=on, entity=entity, unit=register.unit.code,
            register=register.code,
        )  # fmt: skip
        text = (entry.number if is_book else "") or made
        rows.append(
            {
                "register_id": register.id,
                "year": counter.year,
                "sequence": counter.last_sequence,
                "text": text,
                "text_key": number_key(text),
                "registered_at": begin if is_book else max(uow.now, begin),
                "registered_on": on,
                "mail_id": entry.mail_id,
            }
        )
    ids = write_many(uow.session, MailNumber, rows)
    return [BookNumber(**row, id=number_id, register=register) for row, number_id in zip(rows, ids, strict=True)]


def _locked_book(uow: UnitOfWork, register: Register) -> RegisterCounter:
    counter = counter_of(uow.session, register.id, year_of(register, open_day(uow, register.id)))
    year = year_of(register, open_day(uow, register.id))  # the year may have been closed while we waited for the lock
    return counter if counter.year == year else counter_of(uow.session, register.id, year)


def entity_code(session: Session, unit: Unit, units: Mapping[int, UnitRow] | None = None) -> str:
    """The code of the entity that a unit belongs to (itself, or the nearest above).

    Args:
        units: all units, if already loaded.
    """
    if units and unit.id in units:
        return units[entity_of(unit.id, units)].code
    return session.get_one(Unit, entities(session)[unit.id]).code


def told_of_number(number: MailNumber | BookNumber) -> dict[str, Any]:
    """The number's data for the journal entry: enough to detect later that its row is missing."""
    return {
        "number": number.text,
        "register": number.register.code,
        "year": number.year,
        "sequence": number.sequence,
    }
