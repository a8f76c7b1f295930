"""Numbers from a locked row, in the transaction that registers: no gap, no double.

The counter's row stays locked until the commit, so call ``allocate`` after everything slow and as late as possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from ged.db import Together, insert_of, known_to, placed, table_of
from ged.org.models import Unit
from ged.org.tree import entities, entity_of
from ged.ports import RegisterId
from ged.register import clock
from ged.register.counters import counter_of, locked_counter, open_day
from ged.register.models import MailNumber, Register, RegisterCounter, RegisterNature
from ged.register.numbering import format_number, number_key
from ged.register.registers import open_register
from ged.unit import Actor, HeldPost, UnitOfWork, UnitRow

_counters = table_of(RegisterCounter)
_NEXT = Together(
    update(_counters)
    .where(_counters.c.register_id == placed("register_id"), _counters.c.year == placed("year"))
    .values(last_sequence=placed("sequence"), last_on=placed("registered_on")),
    insert_of(MailNumber).returning(table_of(MailNumber).c.id),
)
"""A number, and the counter that it comes from."""


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
    """Give the next number of a register, dated today in the installation's time zone.

    A process that waited for the lock over midnight never dates a number before the one given just before it, nor into
    a closed day; its hour is then the first of that day, so that label and register say the same.

    Raises:
        NotFound: ``register.unknown``.
        InvalidTransition: ``register.closed``, ``clock.ahead``, ``clock.jump``.
    """
    register = open_register(uow.session, register_id)
    # Read before everybody waits for us.
    entity, unit = entity_code(uow.session, register.unit, actor.units), register.unit.code
    counter = locked_counter(uow.session, register, uow.now.astimezone(uow.services.zone).date())
    local_day = open_day(uow, register.id)  # no day is closed any more while we hold the lock
    if register.restarts_yearly and local_day.year != counter.year:  # this year is closed to its end
        counter = locked_counter(uow.session, register, local_day)
    year = counter.year
    on = max(local_day, counter.last_on) if counter.last_on else local_day
    clock.check(uow, on, counter)
    begin = datetime.combine(on, time(), tzinfo=uow.services.zone).astimezone(UTC)
    sequence = counter.last_sequence + 1
    text = format_number(register.pattern, sequence=sequence, on=on, entity=entity, unit=unit, register=register.code)
    row = {
        "register_id": register.id,
        "year": year,
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
    number_id = _NEXT.run(uow.session, row).scalar_one()
    # The register is in hand: whoever tells of the number reads nothing while others wait.
    number = MailNumber(**row, id=number_id, register=register)
    known_to(uow.session, number)
    uow.session.expire(counter)
    return number


@dataclass(frozen=True)
class BookEntry:
    """A letter of an archive: its number and day in the paper book; an empty number asks for one by the pattern."""

    mail_id: int
    number: str
    on: date


def lock_book(uow: UnitOfWork, register_id: RegisterId | int) -> None:
    """Hold the counter that ``allocate_many`` will use until the commit: nobody else takes letters over meanwhile."""
    register = open_register(uow.session, register_id)
    _locked_book(uow, register)


def allocate_many(uow: UnitOfWork, register: Register, entries: Sequence[BookEntry]) -> list[MailNumber]:
    """Numbers for letters taken over, in their order, in one statement; the sequence has no gap in any register.

    A register of the nature ``ARCHIVE`` bears numbers and days of its paper book. Any other gives its own next numbers,
    dated as ``allocate`` dates them.
    """
    is_book = register.nature is RegisterNature.ARCHIVE
    counter = _locked_book(uow, register)
    today = open_day(uow, register.id)
    clock.check(uow, today, counter)
    counter.last_on = max(today, counter.last_on) if counter.last_on else today
    entity = entity_code(uow.session, register.unit)
    numbers = []
    for entry in entries:
        counter.last_sequence += 1
        on = entry.on if is_book else counter.last_on
        begin = datetime.combine(on, time(), tzinfo=uow.services.zone).astimezone(UTC)
        text = format_number(
            register.pattern,
            sequence=counter.last_sequence,
            on=on,
            entity=entity,
            unit=register.unit.code,
            register=register.code,
        )
        numbers.append(
            MailNumber(
                register=register,
                year=counter.year,
                sequence=counter.last_sequence,
                text=(entry.number if is_book else "") or text,
                registered_at=begin if is_book else max(uow.now, begin),
                registered_on=on,
                mail_id=entry.mail_id,
            )
        )
    uow.session.add_all(numbers)
    uow.session.flush()
    return numbers


def _locked_book(uow: UnitOfWork, register: Register) -> RegisterCounter:
    counter = counter_of(uow.session, register.id, _book_year(register, uow))
    year = _book_year(register, uow)  # a year closed while we waited for the lock
    return counter if counter.year == year else counter_of(uow.session, register.id, year)


def _book_year(register: Register, uow: UnitOfWork) -> int:
    """A book taken over is counted as one, whatever years its letters are of."""
    if register.nature is RegisterNature.ARCHIVE or not register.restarts_yearly:
        return 0
    return open_day(uow, register.id).year


def entity_code(session: Session, unit: Unit, units: Mapping[int, UnitRow] | None = None) -> str:
    """The code of the entity that a unit belongs to (itself, or the nearest above).

    Args:
        units: all units, where they are in hand.
    """
    if units and unit.id in units:
        return units[entity_of(unit.id, units)].code
    return session.get_one(Unit, entities(session)[unit.id]).code


def told_of_number(number: MailNumber) -> dict[str, Any]:
    """What the entry of an act that gives a number says of it: enough to miss it when its row is gone."""
    return {
        "number": number.text,
        "register": number.register.code,
        "year": number.year,
        "sequence": number.sequence,
    }
