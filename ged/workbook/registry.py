"""The mail office's part of the organisation file: registers and the paper books that they continue, correspondents, filing plan."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid
from ged.org.file import OrganisationFile, RegisterRecord
from ged.org.load import Change, upsert
from ged.org.tree import all_units, entity_of
from ged.register.correspondents import fold
from ged.register.counters import year_of
from ged.register.models import Correspondent, Direction, FilingClass, Register, RegisterCounter, RegisterNature
from ged.register.numbering import TRAINING, check_pattern
from ged.unit import Actor, UnitOfWork


def load_registry(uow: UnitOfWork, file: OrganisationFile) -> list[Change]:
    """Bring registers, correspondents and filing classes to the state of the file.

    Raises:
        Invalid: ``register.pattern``, ``register.pattern_long``, ``organisation.field``; ``register.in_use``: a used register would number otherwise;
            ``register.training``, ``register.reserved``: the numbers of a training and a real installation would be alike.
    """
    changes: list[Change] = []
    registers = {r.code: r for r in uow.session.scalars(select(Register))}
    uow.session.flush()
    placed = all_units(uow.session)
    units = {row.code: unit_id for unit_id, row in placed.items()}
    used = _used(uow.session) if file.registers else frozenset()
    for record in file.registers:
        register = registers.get(record.code)
        entity = placed[entity_of(units[record.unit], placed)].code
        values = _register_values(
            record, units, entity, closed_at=(register.closed_at if register else None) or uow.now
        )
        if register is not None and register.id in used:
            _stay_as_numbered(register, values)
        if register is None or register.pattern != values["pattern"]:
            _check_prefix(record, is_training=uow.services.training)
        changes += upsert(uow, registers, Register, {"code": record.code}, values)
    common = select(Correspondent).where(Correspondent.entity_id.is_(None))
    correspondents = {c.folded_name: c for c in uow.session.scalars(common)}
    for c in file.correspondents:
        held = correspondents.get(fold(c.name))
        if held is not None and held.merged_into_id is not None:
            continue  # another entry stands for it, which the directory shows
        details: dict[str, object] = {
            "name": c.name, "kind": c.kind, "address": c.address, "email": c.email or "", "phone": c.phone or "",
        }  # fmt: skip
        changes += upsert(uow, correspondents, Correspondent, {"folded_name": fold(c.name)}, details)
    classes = {f.code: f for f in uow.session.scalars(select(FilingClass))}
    for record_class in file.filing_plan:
        fields: dict[str, object] = {"title": record_class.title, "is_closed": record_class.closed}
        changes += upsert(uow, classes, FilingClass, {"code": record_class.code}, fields)
    return changes


def _check_prefix(record: RegisterRecord, *, is_training: bool) -> None:
    """A number on paper tells whether it is real."""
    begins = (
        record.pattern.replace("{register}", record.code).replace("{unit}", record.unit).upper().startswith(TRAINING)
    )
    if begins == is_training:
        return
    if is_training:
        raise Invalid("register.training", "begin the pattern with EX-", field="pattern", register=record.code)
    raise Invalid("register.reserved", "choose another beginning", field="pattern", register=record.code)


FIXED = ("direction", "nature", "restarts_yearly")
"""What numbers were given by: it never changes once there is one."""


def _used(session: Session) -> frozenset[int]:
    """The registers that have given numbers."""
    given = RegisterCounter.last_sequence > RegisterCounter.opening_sequence
    return frozenset(session.scalars(select(RegisterCounter.register_id).where(given)))


def _stay_as_numbered(register: Register, values: dict[str, object]) -> None:
    changed = next((name for name in FIXED if values[name] != getattr(register, name)), None)
    if changed is not None:
        raise Invalid("register.in_use", "open another register", register=register.code, field=changed)


def check_still_unused(uow: UnitOfWork, changes: Iterable[Change], *, on: date) -> None:
    """Refuse changes of registers that were given their first number meanwhile. From now on their numbers wait for us.

    It locks counters: nothing that stands before them in the order of locks may follow.

    Raises:
        Invalid: ``register.in_use``.
    """
    changed = {
        one.code
        for one in changes
        if one.kind == "registers" and not frozenset(FIXED).isdisjoint(one.detail.split(", "))
    }
    if not changed:
        return
    registers = uow.session.scalars(
        select(Register).where(Register.code.in_(sorted(changed))).order_by(Register.id)
    ).all()
    for register in registers:
        for year in (0, on.year):  # the counter of the first number, which has no row yet
            locks.take_turn(uow.session, RegisterCounter, (register.id, year))
    used = _used(uow.session)
    for register in registers:
        if register.id in used:
            raise Invalid("register.in_use", "open another register", register=register.code)


def load_paper_books(uow: UnitOfWork, file: OrganisationFile, *, on: date, actor: Actor) -> list[Change]:
    """Let registers go on from the last number of the paper books that the file names, while they have no number of their own.

    It locks counters: nothing that stands before them in the order of locks may follow.

    Raises:
        Invalid: ``register.started``: the register has given numbers.
    """
    changes: list[Change] = []
    registers = {row.code: row for row in uow.session.scalars(select(Register))} if file.registers else {}
    held = paper_books(uow.session)
    for record in sorted(file.registers, key=lambda one: registers[one.code].id):
        register = registers[record.code]
        asked = (record.paper_number or 0, record.paper_reason.strip() if record.paper_number else "")
        if held.get(register.id, (0, "")) != asked:
            _continue_book(uow, register, *asked, on=on, actor=actor)
            changes.append(Change("changed", "registers", register.code, "paper_number"))
    return changes


def paper_books(session: Session) -> dict[int, tuple[int, str]]:
    """Last number and name of the paper book that each register continues; the last one, if there were several."""
    rows = session.execute(
        select(RegisterCounter.register_id, RegisterCounter.opening_sequence, RegisterCounter.opening_reason)
        .where(RegisterCounter.opening_sequence > 0)
        .order_by(RegisterCounter.year)
    )
    return {register_id: (number, reason) for register_id, number, reason in rows}


def _continue_book(uow: UnitOfWork, register: Register, number: int, reason: str, *, on: date, actor: Actor) -> None:
    """Go on from a number in the counter of a day. A counter that bears another book, perhaps of an earlier year, bears none any more."""
    if register.id in _used(uow.session):
        raise Invalid("register.started", "open another register", register=register.code, field="paper_number")
    bearing = select(RegisterCounter.year).where(
        RegisterCounter.register_id == register.id, RegisterCounter.opening_sequence > 0
    )
    books = dict.fromkeys(uow.session.scalars(bearing), (0, ""))
    if number:
        books[year_of(register, on)] = (number, reason)
    for year in sorted(books):
        counter = _unused(uow, register, year)
        counter.opening_sequence = counter.last_sequence = books[year][0]
        counter.opening_reason = books[year][1]
        uow.record(
            "register.opened", "register", register.id, actor=actor, last_number=books[year][0], reason=books[year][1], year=year
        )  # fmt: skip


def _unused(uow: UnitOfWork, register: Register, year: int) -> RegisterCounter:
    """A counter that has given no number, locked."""
    counter = locks.hold_one(uow.session, RegisterCounter, (register.id, year))
    if counter is None:
        counter = RegisterCounter(register_id=register.id, year=year)
        try:
            with uow.session.begin_nested():
                uow.session.add(counter)
        except IntegrityError:  # the first number is being given at this moment
            raise Invalid("register.started", "open another register", register=register.code) from None
    elif counter.last_sequence > counter.opening_sequence or counter.last_on is not None:
        raise Invalid("register.started", "open another register", register=register.code, field="paper_number")
    return counter


def _register_values(
    record: RegisterRecord, units: dict[str, int], entity: str, *, closed_at: datetime
) -> dict[str, object]:
    try:
        direction, nature = Direction(record.direction), RegisterNature(record.nature)
    except ValueError as error:
        raise Invalid(
            "organisation.field", "correct this field", where=f"registers.{record.code}", detail=str(error)
        ) from None
    return {
        "name": record.name,
        "unit_id": units[record.unit],
        "direction": direction,
        "nature": nature,
        "pattern": check_pattern(record.pattern, entity=entity, unit=record.unit, register=record.code),
        "restarts_yearly": record.restarts_yearly,
        "closed_at": closed_at if record.closed else None,
    }
