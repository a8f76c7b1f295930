"""Numbers from a counter, row by row: which number, with which day and year, and who is refused."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping, delete, event, select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from ged import locks
from ged.archive import register_check
from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound, NumberTaken, Overtaken
from ged.org.models import Unit
from ged.register import allocation, clock, corrections, counters, numbering, registers
from ged.register.allocation import BookEntry
from ged.register.models import (
    ClosingPeriod,
    Direction,
    MailNumber,
    Rectification,
    Register,
    RegisterClosing,
    RegisterCounter,
    RegisterNature,
)
from ged.unit import SYSTEM, Role, UnitOfWork, UnitRow
from tests.remedies import refused
from tests.rows_kit import held, person, rows, told, work

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
TODAY = date(2026, 11, 25)  # where the installation is
MIDNIGHT = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # the beginning of that day
DAY = timedelta(days=1)
CLERK = person(7, held(4, Role.MEMBER, unit_id=2), held(5, Role.CLERK, unit_id=3), held(6, Role.CLERK, unit_id=2))
PATTERN = "{seq:04d}/{year}/{month}/{entity}/{unit}/{register}"


@pytest.fixture
def session() -> Iterator[Session]:
    with rows(Unit, Register, RegisterCounter, MailNumber, Rectification, RegisterClosing, AuditEntry) as session:
        session.add_all(
            [
                Unit(id=1, code="MIN", name="Ministère", is_entity=True),
                Unit(id=2, code="BO", name="Bureau d'ordre", parent_id=1),
                Unit(id=3, code="SOUS", name="Sous-bureau", parent_id=2),
                Unit(id=4, code="SEUL", name="Sans entité"),
            ]
        )
        session.flush()
        yield session


@pytest.fixture
def uow(session: Session) -> UnitOfWork:
    return work(session, NOW)


def register(session: Session, register_id: int = 1, **values: Any) -> Register:
    made = Register(
        **{
            "id": register_id,
            "code": f"R{register_id}",
            "name": "Registre",
            "unit_id": 2,
            "direction": Direction.INCOMING,
            "nature": RegisterNature.ARRIVAL,
            "pattern": PATTERN,
            **values,
        }
    )
    session.add(made)
    session.flush()
    return made


def counter(session: Session, year: int = 2026, register_id: int = 1, **values: Any) -> RegisterCounter:
    made = RegisterCounter(register_id=register_id, year=year, **values)
    session.add(made)
    session.flush()
    return made


def closed(
    session: Session,
    until_on: date,
    register_id: int = 1,
    period: ClosingPeriod = ClosingPeriod.DAY,
    digest: str = "d" * 64,
) -> RegisterClosing:
    made = RegisterClosing(
        register_id=register_id, period=period, sequence=until_on.toordinal(), from_on=until_on, until_on=until_on,
        digest=digest, content_hash="", seal="", number_count=0, void_count=0, rectification_count=0, closed_at=NOW,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def allocate(uow: UnitOfWork, register_id: int = 1, **values: Any) -> MailNumber:
    return allocation.allocate(uow, register_id, **{"actor": CLERK, "post": CLERK.posts[2], **values})


def meanwhile(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """During the wait for the n-th lock, another transaction calls the n-th of these functions."""
    left = list(acts)

    def waits(hold: Callable[..., Any]) -> Callable[..., Any]:
        def late(*words: Any, **values: Any) -> Any:
            if left:
                left.pop(0)()
            return hold(*words, **values)

        return late

    monkeypatch.setattr(locks, "hold_one", waits(locks.hold_one))
    monkeypatch.setattr(locks, "hold_values", waits(locks.hold_values))


# --- The next number ------------------------------------------------------------------------------------------------


def test_the_first_number_of_a_register(uow: UnitOfWork) -> None:
    book = register(uow.session)
    number = allocate(uow, mail_id=11)
    assert number.id is not None
    assert (number.register, number.register_id, number.year, number.sequence) == (book, 1, 2026, 1)
    assert number.text == "0001/2026/11/MIN/BO/R1"
    assert (number.registered_on, number.registered_at) == (TODAY, NOW)
    assert (number.person_id, number.post_id) == (7, 6)
    assert (number.mail_id, number.envelope_id, number.slip_id) == (11, None, None)
    row = uow.session.get_one(RegisterCounter, (1, 2026))
    assert (row.last_sequence, row.last_on, row.opening_sequence, row.opening_reason) == (1, TODAY, 0, "")


def test_a_number_may_be_an_envelopes_or_a_slips_and_a_job_has_no_person(uow: UnitOfWork) -> None:
    register(uow.session)
    first = allocate(uow, envelope_id=12, actor=SYSTEM, post=None)
    assert (first.person_id, first.post_id, first.mail_id, first.envelope_id) == (None, None, None, 12)
    second = allocate(uow, slip_id=13)
    assert (second.sequence, second.envelope_id, second.slip_id) == (2, None, 13)


def test_a_book_without_a_yearly_restart_goes_on(uow: UnitOfWork) -> None:
    register(uow.session, restarts_yearly=False)
    counter(uow.session, 0, last_sequence=41, last_on=date(2026, 11, 24))
    number = allocate(uow)
    assert (number.year, number.sequence, number.text) == (0, 42, "0042/2026/11/MIN/BO/R1")
    assert len(uow.session.scalars(select(RegisterCounter)).all()) == 1


def test_a_new_year_begins_with_one(uow: UnitOfWork) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=41, last_on=date(2026, 12, 30))
    later = work(uow.session, datetime(2026, 12, 31, 20, 0, tzinfo=UTC))
    assert allocate(later).text == "0001/2027/01/MIN/BO/R1"


def test_the_year_is_that_of_the_installation(uow: UnitOfWork) -> None:
    register(uow.session)
    assert allocate(work(uow.session, datetime(2026, 12, 31, 20, 0, tzinfo=UTC))).year == 2027
    assert years(uow.session) == [2027]


def test_moments_are_utc_wherever_the_server_stands(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    book = register(uow.session)
    closed(uow.session, TODAY)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/Martinique")
        time.tzset()
        one, (many,) = allocate(uow), allocation.allocate_many(uow, book, OLD[:1])
        corrected = entered(uow, numbered(uow.session, 9)[0])
    time.tzset()
    assert {one.registered_at, many.registered_at, corrected} == {MIDNIGHT + DAY}
    assert {moment.utcoffset() for moment in (one.registered_at, many.registered_at, corrected)} == {timedelta(0)}


@pytest.mark.parametrize(("restarts_yearly", "year"), [(True, 2026), (False, 0)])
def test_the_counter_is_locked_by_one_statement(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch, restarts_yearly: bool, year: int
) -> None:
    """All other transactions wait for it."""
    book = register(uow.session, restarts_yearly=restarts_yearly)
    counter(uow.session, year)
    calls: list[None] = []
    meanwhile(monkeypatch, *[lambda: calls.append(None)] * 9)
    allocate(uow)
    assert len(calls) == 1
    allocation.allocate_many(uow, book, OLD)
    assert len(calls) == 2
    closed(uow.session, TODAY)  # hardly ever: it costs one statement more, and no registration of an open day
    assert allocate(uow).registered_on == TODAY + DAY
    assert len(calls) == 4


@pytest.mark.parametrize("until", [TODAY, TODAY + DAY])
def test_a_number_whose_day_is_closed_while_its_counter_is_waited_for_is_of_the_next_day(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch, until: date
) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=4, last_on=TODAY)
    meanwhile(monkeypatch, lambda: closed(uow.session, until))
    number = allocate(uow)
    assert (number.sequence, number.registered_on) == (5, until + DAY)
    assert [one.id for one in uow.session.scalars(select(MailNumber))] == [number.id]
    row = uow.session.get_one(RegisterCounter, (1, 2026))
    assert (row.last_sequence, row.last_on) == (5, until + DAY)


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "R9"}, {"unit_id": 1}, {"pattern": "{seq}"}, {"restarts_yearly": False}, {"closed_at": NOW},
        {"direction": Direction.OUTGOING}, {"nature": RegisterNature.DEPARTURE},
    ],
    ids=lambda one: next(iter(one)),
)  # fmt: skip
def test_a_register_that_changed_while_its_counter_was_waited_for_gives_no_number(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    book = register(uow.session)
    assert all(getattr(book, name) != value for name, value in changed.items())
    counter(uow.session, last_sequence=4, last_on=TODAY)
    change = update(Register).where(Register.id == 1).values(changed).execution_options(synchronize_session=False)
    meanwhile(monkeypatch, lambda: uow.session.execute(change))
    with pytest.raises(Overtaken, match=r"register R\d was changed"):
        allocate(uow)
    assert uow.session.scalars(select(MailNumber)).all() == []
    assert uow.session.get_one(RegisterCounter, (1, 2026)).last_sequence == 4


def test_another_register_that_takes_over_its_code_gives_no_number_either(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(uow.session)
    register(uow.session, 2)

    def change_codes() -> None:
        for register_id, code in ((1, "R9"), (2, "R1")):
            change = update(Register).where(Register.id == register_id).values(code=code)
            uow.session.execute(change.execution_options(synchronize_session=False))

    meanwhile(monkeypatch, change_codes)
    with pytest.raises(Overtaken, match="register R9 was changed"):
        allocate(uow)


def test_a_change_of_another_register_does_not_hold_a_number_up(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(uow.session)
    register(uow.session, 2)
    change = update(Register).where(Register.id == 2).values(closed_at=NOW).execution_options(synchronize_session=False)
    meanwhile(monkeypatch, lambda: uow.session.execute(change))
    assert allocate(uow).sequence == 1


def test_a_closing_of_another_register_or_of_days_before_does_not_move_a_number(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=4, last_on=TODAY)
    counter(uow.session, register_id=2, last_sequence=8, last_on=TODAY)

    def others() -> None:
        closed(uow.session, TODAY + DAY, 2)
        closed(uow.session, TODAY - DAY)

    meanwhile(monkeypatch, others)
    number = allocate(uow)
    assert (number.sequence, number.registered_on) == (5, TODAY)


def test_no_other_clock_is_queried_while_numbers_follow_day_by_day(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = register(uow.session)
    counter(uow.session, last_sequence=4, last_on=TODAY - DAY)

    def not_here(_uow: UnitOfWork, _last: date) -> date:
        raise AssertionError("the last number is of the day before")

    monkeypatch.setattr(clock, "_confirmed", not_here)
    assert allocate(uow).sequence == 5
    assert allocation.allocate_many(uow, book, OLD[:1])[0].sequence == 6


def test_a_number_is_never_dated_before_the_one_before_it(uow: UnitOfWork) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=1, last_on=TODAY + DAY)
    number = allocate(uow)
    assert (number.registered_on, number.registered_at) == (TODAY + DAY, MIDNIGHT + DAY)
    assert uow.session.get_one(RegisterCounter, (1, 2026)).last_on == TODAY + DAY


def test_a_number_after_a_quiet_day_is_of_today(uow: UnitOfWork) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=1, last_on=TODAY - 3 * DAY)
    assert allocate(uow).registered_on == TODAY
    assert uow.session.get_one(RegisterCounter, (1, 2026)).last_on == TODAY


def test_no_number_falls_into_a_closed_day(uow: UnitOfWork) -> None:
    register(uow.session)
    register(uow.session, 2)
    closed(uow.session, TODAY - DAY)
    closed(uow.session, TODAY)
    closed(uow.session, TODAY + 9 * DAY, register_id=2)
    number = allocate(uow)
    assert (number.registered_on, number.registered_at) == (TODAY + DAY, MIDNIGHT + DAY)


def test_in_a_year_that_is_closed_to_its_end_the_next_one_begins(uow: UnitOfWork) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=41, last_on=TODAY)
    closed(uow.session, date(2026, 12, 31), period=ClosingPeriod.YEAR)
    number = allocate(uow)
    assert (number.year, number.sequence, number.registered_on) == (2027, 1, date(2027, 1, 1))
    assert uow.session.get_one(RegisterCounter, (1, 2026)).last_sequence == 41


def test_a_book_without_a_yearly_restart_goes_on_after_a_closed_year(uow: UnitOfWork) -> None:
    register(uow.session, restarts_yearly=False)
    counter(uow.session, 0, last_sequence=41, last_on=TODAY)
    closed(uow.session, date(2026, 12, 31), period=ClosingPeriod.YEAR)
    number = allocate(uow)
    assert (number.year, number.sequence, number.registered_on) == (0, 42, date(2027, 1, 1))


def test_a_clock_that_jumped_gives_no_number(uow: UnitOfWork) -> None:
    register(uow.session)
    counter(uow.session, last_sequence=41, last_on=TODAY - 61 * DAY)
    with refused(InvalidTransition, "clock.jump", on=TODAY, last=TODAY - 61 * DAY):
        allocate(uow)


def test_codes_are_read_before_anybody_is_kept_waiting(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    register(uow.session)
    meanwhile(monkeypatch, lambda: uow.session.execute(update(Unit).values(code=Unit.code + "X")))
    assert allocate(uow).text == "0001/2026/11/MIN/BO/R1"


@pytest.mark.parametrize("ask", [allocate, allocation.lock_book])
def test_an_unknown_and_a_closed_register_give_none(uow: UnitOfWork, ask: Callable[..., object]) -> None:
    register(uow.session, closed_at=NOW)
    with refused(NotFound, "register.unknown", id=9):
        ask(uow, 9)
    with refused(InvalidTransition, "register.closed", register="R1"):
        ask(uow, 1)


# --- Numbers of an archive -------------------------------------------------------------------------------------------


def archive(session: Session, **values: Any) -> Register:
    return register(session, nature=RegisterNature.ARCHIVE, **values)


OLD = [BookEntry(21, "12 bis", date(1987, 5, 4)), BookEntry(22, "", date(1988, 1, 2))]


def test_a_paper_book_keeps_its_numbers_and_its_days(uow: UnitOfWork) -> None:
    book = archive(uow.session)
    first, second = allocation.allocate_many(uow, book, OLD)
    assert (first.id is None, first.register, first.register_id, first.year) == (False, book, 1, 0)
    assert (first.sequence, first.text, first.mail_id) == (1, "12 bis", 21)
    assert (first.registered_on, first.registered_at) == (date(1987, 5, 4), datetime(1987, 5, 3, 12, tzinfo=UTC))
    assert (second.sequence, second.text, second.mail_id) == (2, "0002/1988/01/MIN/BO/R1", 22)
    row = uow.session.get_one(RegisterCounter, (1, 0))
    assert (row.last_sequence, row.last_on) == (2, TODAY)


def test_any_other_register_gives_its_own_next_numbers_of_today(uow: UnitOfWork) -> None:
    book = register(uow.session)
    counter(uow.session, last_sequence=7, last_on=TODAY - DAY)
    numbers = allocation.allocate_many(uow, book, OLD)
    assert [(n.year, n.sequence, n.text) for n in numbers] == [
        (2026, 8, "0008/2026/11/MIN/BO/R1"),
        (2026, 9, "0009/2026/11/MIN/BO/R1"),
    ]
    assert {(n.registered_on, n.registered_at) for n in numbers} == {(TODAY, NOW)}
    assert uow.session.get_one(RegisterCounter, (1, 2026)).last_on == TODAY


def test_numbers_taken_over_are_dated_as_any_number(uow: UnitOfWork) -> None:
    book = register(uow.session)
    counter(uow.session, last_sequence=7, last_on=TODAY + DAY)
    (number,) = allocation.allocate_many(uow, book, OLD[:1])
    assert (number.registered_on, number.registered_at) == (TODAY + DAY, MIDNIGHT + DAY)
    closed(uow.session, TODAY + 2 * DAY)
    (number,) = allocation.allocate_many(uow, book, OLD[:1])
    assert (number.registered_on, number.registered_at) == (TODAY + 3 * DAY, MIDNIGHT + 3 * DAY)


def test_an_archive_without_a_yearly_restart_and_an_open_book_have_one_counter(uow: UnitOfWork) -> None:
    book, plain = archive(uow.session, restarts_yearly=False), register(uow.session, 2, restarts_yearly=False)
    assert allocation.allocate_many(uow, book, OLD[:1])[0].year == 0
    assert allocation.allocate_many(uow, plain, OLD[:1])[0].year == 0


def test_a_clock_that_jumped_takes_nothing_over(uow: UnitOfWork) -> None:
    book = archive(uow.session)
    counter(uow.session, 0, last_sequence=41, last_on=TODAY - 61 * DAY)
    with refused(InvalidTransition, "clock.jump", on=TODAY, last=TODAY - 61 * DAY):
        allocation.allocate_many(uow, book, OLD)


def test_locking_a_book_holds_the_counter_of_the_open_year(uow: UnitOfWork) -> None:
    register(uow.session)
    allocation.lock_book(uow, 1)
    closed(uow.session, date(2026, 12, 31))
    allocation.lock_book(uow, 1)
    assert years(uow.session) == [2026, 2027]


def test_locking_a_book_of_a_closed_year_makes_no_counter_there(uow: UnitOfWork) -> None:
    register(uow.session)
    closed(uow.session, date(2026, 12, 31))
    allocation.lock_book(uow, 1)
    assert years(uow.session) == [2027]


def test_a_register_that_changed_while_its_book_was_waited_for_is_not_locked(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(uow.session)
    change = update(Register).where(Register.id == 1).values(nature=RegisterNature.DEPARTURE)
    meanwhile(monkeypatch, lambda: uow.session.execute(change.execution_options(synchronize_session=False)))
    with pytest.raises(Overtaken, match="register R1 was changed"):
        allocation.lock_book(uow, 1)


def test_a_year_closed_while_its_counter_is_waited_for_is_left(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(uow.session)
    counter(uow.session)
    meanwhile(monkeypatch, lambda: closed(uow.session, date(2026, 12, 31)))
    (number,) = allocation.allocate_many(uow, registers.open_register(uow.session, 1), OLD[:1])
    assert (number.year, number.registered_on) == (2027, date(2027, 1, 1))


def years(session: Session, register_id: int = 1) -> list[int]:
    found = select(RegisterCounter.year).where(RegisterCounter.register_id == register_id)
    return list(session.scalars(found.order_by(RegisterCounter.year)))


# --- Counters -------------------------------------------------------------------------------------------------------


def test_days_are_held_by_the_counters_of_their_years(uow: UnitOfWork) -> None:
    book, open_book = register(uow.session), register(uow.session, 2, restarts_yearly=False)
    counters.lock_days(uow.session, book, date(2025, 12, 31), date(2027, 1, 1))
    counters.lock_days(uow.session, open_book, date(2025, 12, 31), date(2027, 1, 1))
    assert (years(uow.session), years(uow.session, 2)) == ([2025, 2026, 2027], [0])


def test_an_imported_book_has_one_counter_over_all_years(uow: UnitOfWork) -> None:
    book = archive(uow.session)
    assert book.restarts_yearly
    counters.lock_days(uow.session, book, date(2025, 12, 31), date(2027, 1, 1))
    assert counters.locked_counter(uow.session, book, TODAY)["year"] == 0
    assert years(uow.session, book.id) == [0]
    assert counters.year_of(register(uow.session, 9), TODAY) == TODAY.year
    assert counters.year_of(register(uow.session, 8, restarts_yearly=False), TODAY) == 0


def test_a_counter_that_another_made_first_is_taken_as_it_is(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    book = register(uow.session)
    counter(uow.session, 2025, last_sequence=9)
    counter(uow.session, register_id=3, last_sequence=8)
    hold, calls = locks.hold_one, []

    def first_blind(*words: Any) -> Any:
        calls.append(words)
        if len(calls) > 1:
            return hold(*words)
        counter(uow.session, last_sequence=5)
        return None

    monkeypatch.setattr(locks, "hold_one", first_blind)
    held_row = counters.locked_counter(uow.session, book, TODAY)
    assert (held_row["register_id"], held_row["year"], held_row["last_sequence"]) == (1, 2026, 5)


def test_the_last_closed_day_is_of_this_register(uow: UnitOfWork) -> None:
    assert counters.closed_until(uow.session, 1) is None
    for day, register_id in ((3, 1), (5, 1), (4, 1), (9, 2)):
        closed(uow.session, date(2026, 11, day), register_id)
    assert counters.closed_until(uow.session, 1) == date(2026, 11, 5)


# --- Who, and which entity ------------------------------------------------------------------------------------------


def test_a_register_tells_what_it_numbers(uow: UnitOfWork) -> None:
    register(uow.session)
    register(uow.session, 2, nature=RegisterNature.ARCHIVE)
    assert registers.nature_of(uow.session, 1) is RegisterNature.ARRIVAL
    assert registers.nature_of(uow.session, 2) is RegisterNature.ARCHIVE
    with pytest.raises(NoResultFound):
        registers.nature_of(uow.session, 3)


def test_the_clerk_of_the_registers_unit_keeps_it(uow: UnitOfWork) -> None:
    register(uow.session)
    assert registers.clerk_post(uow.session, 1, CLERK) == CLERK.posts[2]
    member, elsewhere = person(8, held(4, Role.MEMBER, unit_id=2)), person(9, held(5, Role.CLERK, unit_id=3))
    for actor in (member, elsewhere, person(10)):
        with refused(Forbidden, "register.not_clerk", register="R1"):
            registers.clerk_post(uow.session, 1, actor)
    with refused(NotFound, "register.unknown", id=9):
        registers.clerk_post(uow.session, 9, CLERK)


@pytest.mark.parametrize(("unit_id", "code"), [(1, "MIN"), (2, "MIN"), (3, "MIN"), (4, "SEUL")])
def test_the_entity_is_the_nearest_above(session: Session, unit_id: int, code: str) -> None:
    assert allocation.entity_code(session, session.get_one(Unit, unit_id)) == code


def test_units_that_are_in_hand_are_not_read_anew(uow: UnitOfWork) -> None:
    """The actor's units were read in this request; here they differ from the rows."""
    units = {2: UnitRow(2, 4, False, None, None, "BO", "BO"), 4: UnitRow(4, None, True, None, None, "SEUL", "SEUL")}
    assert allocation.entity_code(uow.session, uow.session.get_one(Unit, 2), units) == "SEUL"
    register(uow.session, pattern="{seq}/{entity}")
    assert allocate(uow, actor=replace(CLERK, units=units)).text == "1/SEUL"
    assert allocate(uow).text == "2/MIN"


def test_an_entity_below_another_is_its_own(session: Session) -> None:
    session.get_one(Unit, 2).is_entity = True
    assert allocation.entity_code(session, session.get_one(Unit, 3)) == "BO"


def test_a_unit_whose_superior_is_gone_is_its_own_entity(session: Session) -> None:
    session.add(Unit(id=5, code="ORPH", name="Orpheline", parent_id=77))
    session.flush()
    assert allocation.entity_code(session, session.get_one(Unit, 5)) == "ORPH"


# --- A paper book that is continued ---------------------------------------------------------------------------------


def open_at(uow: UnitOfWork, last_number: int = 120, reason: str = " Livre n° 3 ", on: date = TODAY) -> None:
    registers.open_at(uow, 1, last_number=last_number, on=on, reason=reason, actor=CLERK)  # type: ignore[arg-type]


def test_a_register_continues_a_paper_book(uow: UnitOfWork) -> None:
    register(uow.session)
    open_at(uow)
    row = uow.session.get_one(RegisterCounter, (1, 2026))
    assert (row.opening_sequence, row.last_sequence, row.opening_reason) == (120, 120, "Livre n° 3")
    assert told(uow) == [
        {
            "action": "register.opened",
            "of": ("register", 1),
            "by": (7, 6),
            "last_number": 120,
            "reason": " Livre n° 3 ",
            "year": 2026,
        }
    ]
    assert allocate(uow).sequence == 121
    assert register_check.gaps(uow.session) == []


def test_a_book_without_a_yearly_restart_is_continued_as_one(uow: UnitOfWork) -> None:
    register(uow.session, restarts_yearly=False)
    open_at(uow, last_number=0)
    assert years(uow.session) == [0]


def test_a_book_is_continued_with_a_reason_and_a_number(uow: UnitOfWork) -> None:
    register(uow.session)
    with refused(Invalid, "register.opening_reason", field="reason"):
        open_at(uow, reason=" ")
    with refused(Invalid, "register.opening_number", field="last_number"):
        open_at(uow, last_number=-1)
    assert (years(uow.session), told(uow)) == ([], [])


@pytest.mark.parametrize("values", [{"last_sequence": 1}, {"last_on": TODAY}, {"last_sequence": 1, "last_on": TODAY}])
def test_a_register_that_gave_numbers_continues_nothing(uow: UnitOfWork, values: dict[str, Any]) -> None:
    register(uow.session)
    counter(uow.session, **values)
    with refused(NumberTaken, "register.started", register="R1"):
        open_at(uow)


def test_only_its_clerk_continues_a_book(uow: UnitOfWork) -> None:
    register(uow.session, unit_id=1)
    with refused(Forbidden, "register.not_clerk", register="R1"):
        open_at(uow)


# --- The proof of no gap --------------------------------------------------------------------------------------------


def numbered(session: Session, *sequences: int, register_id: int = 1, year: int = 2026) -> list[MailNumber]:
    made = [
        MailNumber(
            register_id=register_id, year=year, sequence=n, text=str(n), registered_at=NOW, registered_on=TODAY,
        )
        for n in sequences
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    return made


@pytest.mark.parametrize(
    ("opening", "last", "given", "missing"),
    [
        (0, 0, (), None),
        (0, 3, (1, 2, 3), None),
        (10, 12, (11, 12), None),
        (10, 10, (), None),
        (0, 3, (1, 3), 1),
        (0, 3, (2, 3), 1),
        (0, 3, (1, 2), 1),
        (0, 2, (), 2),
        (0, 2, (1, 2, 3), -1),
        (10, 12, (12, 13), 0),
        (10, 12, (10, 12), 0),
        (10, 12, (11, 13), 0),
    ],
)
def test_numbers_that_are_not_exactly_those_counted_are_a_gap(
    session: Session, opening: int, last: int, given: tuple[int, ...], missing: int | None
) -> None:
    register(session)
    counter(session, opening_sequence=opening, last_sequence=last)
    numbered(session, *given)
    assert register_check.gaps(session) == ([] if missing is None else [(1, 2026, missing)])


def test_each_register_and_year_is_counted_apart(session: Session) -> None:
    for register_id, year, last in ((1, 2025, 2), (1, 2026, 1), (2, 2026, 2)):
        counter(session, year, register_id, last_sequence=last)
    register(session)
    register(session, 2)
    numbered(session, 1, 2, year=2025)
    numbered(session, 1, register_id=2)
    numbered(session, 1)
    assert register_check.gaps(session) == [(2, 2026, 1)]


def test_numbers_whose_counter_is_gone_are_told_with_the_last_of_them(session: Session) -> None:
    register(session)
    register(session, 2)
    counter(session, last_sequence=2)
    counter(session, register_id=2, last_sequence=3)
    numbered(session, 1, 2)
    numbered(session, 1, 2, 3, register_id=2)
    numbered(session, 5, 6, 4, year=2025)
    assert register_check.gaps(session) == [(1, 2025, 6)]
    numbered(session, 1, 2, year=2024)
    numbered(session, 1, register_id=2, year=2024)
    assert sorted(register_check.gaps(session)) == [(1, 2024, 2), (1, 2025, 6), (2, 2024, 1)]
    session.execute(delete(RegisterCounter).where(RegisterCounter.register_id == 2))
    assert sorted(register_check.gaps(session)) == [(1, 2024, 2), (1, 2025, 6), (2, 2024, 1), (2, 2026, 3)]


# --- A number that is voided ----------------------------------------------------------------------------------------


def number(session: Session, **values: Any) -> MailNumber:
    (made,) = numbered(session, 1)
    for name, value in values.items():
        setattr(made, name, value)
    session.flush()
    return made


def void(uow: UnitOfWork, number: MailNumber, reason: str = " Erreur ") -> None:
    corrections.void(uow, number, reason=reason, actor=CLERK, post=CLERK.posts[2], now=NOW)


def test_a_number_is_found_by_its_id(session: Session) -> None:
    register(session)
    assert registers.number_of(session, number(session).id).sequence == 1
    with refused(NotFound, "number.unknown", id=99):
        registers.number_of(session, 99)


def test_a_voided_number_stays_with_its_reason(uow: UnitOfWork) -> None:
    register(uow.session)
    one = number(uow.session)
    void(uow, one)
    assert (one.voided_at, one.void_reason) == (NOW, "Erreur")
    said = {"action": "number.voided", "of": ("number", one.id), "by": (7, 6), "number": "1", "reason": "Erreur"}
    assert told(uow) == [said]
    assert years(uow.session) == [2026], "its counter is held"


def test_a_number_is_voided_once_and_with_a_reason(uow: UnitOfWork) -> None:
    register(uow.session)
    one = number(uow.session)
    with refused(Invalid, "number.void_reason", field="reason"):
        void(uow, one, " ")
    void(uow, one)
    with refused(InvalidTransition, "number.voided", number="1"):
        void(uow, one)


def test_of_two_who_void_at_once_the_second_sees_the_first(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    register(uow.session)
    one = number(uow.session)
    other = update(MailNumber).values(voided_at=NOW - DAY).execution_options(synchronize_session=False)
    meanwhile(monkeypatch, lambda: uow.session.execute(other))
    with refused(InvalidTransition, "number.voided", number="1"):
        void(uow, one)
    assert one.voided_at == NOW - DAY
    assert told(uow) == []


def test_a_void_of_a_closed_day_is_entered_in_the_first_open_one_and_cites_the_closing(uow: UnitOfWork) -> None:
    register(uow.session)
    closed(uow.session, TODAY, digest="c" * 64)
    one = number(uow.session)
    void(uow, one)
    assert one.voided_at == MIDNIGHT + DAY
    assert (told(uow)[0]["closed_on"], told(uow)[0]["closing"]) == (TODAY.isoformat(), "c" * 64)


# --- When a correction may be entered -------------------------------------------------------------------------------


def entered(uow: UnitOfWork, *numbers: MailNumber) -> datetime:
    return corrections.correction_at(uow, numbers, now=NOW)


def test_a_correction_is_never_entered_before_the_number(uow: UnitOfWork) -> None:
    register(uow.session)
    later = NOW + timedelta(hours=1)
    assert entered(uow, number(uow.session, registered_at=later)) == later
    assert entered(uow, uow.session.scalars(select(MailNumber)).one()) == later


def test_a_correction_waits_for_the_first_day_open_in_all_registers(uow: UnitOfWork) -> None:
    register(uow.session)
    register(uow.session, 2)
    closed(uow.session, TODAY)
    closed(uow.session, TODAY + 2 * DAY, register_id=2)
    (one,), (two,) = numbered(uow.session, 1), numbered(uow.session, 1, register_id=2)
    assert entered(uow, one) == MIDNIGHT + DAY
    assert entered(uow, one, two) == entered(uow, two, one) == MIDNIGHT + 3 * DAY


def test_a_day_closed_long_ago_delays_nothing(uow: UnitOfWork) -> None:
    register(uow.session)
    closed(uow.session, TODAY - DAY)
    assert entered(uow, number(uow.session)) == NOW


def test_an_archive_is_never_closed(uow: UnitOfWork) -> None:
    archive(uow.session)
    closed(uow.session, TODAY + DAY)
    assert entered(uow, number(uow.session)) == NOW
    assert years(uow.session) == []


def test_the_counter_of_the_day_of_entry_is_held(uow: UnitOfWork) -> None:
    register(uow.session)
    one = number(uow.session)
    corrections.correction_at(uow, [one], now=datetime(2025, 12, 31, 20, 0, tzinfo=UTC))
    assert years(uow.session) == [2026], "of the day here, and not before the number's"
    closed(uow.session, date(2026, 12, 31))
    entered(uow, one)
    assert years(uow.session) == [2026, 2027]


def test_the_day_of_entry_is_that_of_the_installation(uow: UnitOfWork) -> None:
    register(uow.session)
    now = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)
    assert corrections.correction_at(uow, [number(uow.session)], now=now) == now
    assert years(uow.session) == [2027]


def test_a_day_closed_while_its_counter_is_waited_for_is_left(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    register(uow.session)
    counter(uow.session)
    meanwhile(monkeypatch, lambda: closed(uow.session, TODAY), lambda: closed(uow.session, TODAY + DAY))
    assert entered(uow, number(uow.session)) == MIDNIGHT + 2 * DAY


def test_counters_are_held_in_the_order_of_their_registers(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[int] = []
    hold = corrections.locked_counter

    def seen(session: Session, register: Register, on: date) -> RowMapping:
        order.append(register.id)
        return hold(session, register, on)

    monkeypatch.setattr(corrections, "locked_counter", seen)
    for register_id in (1, 2, 3):
        register(uow.session, register_id)
    numbers = [numbered(uow.session, 1, register_id=n)[0] for n in (3, 1, 2)]
    entered(uow, *numbers)
    assert order == [1, 2, 3]


def test_the_closing_cited_is_the_first_that_closes_the_numbers_day(session: Session) -> None:
    register(session)
    one = number(session)
    assert (corrections.closing_of(session, one), corrections.citation(session, one)) == (None, {})
    closed(session, TODAY - DAY)
    closed(session, TODAY, register_id=2)
    closed(session, TODAY, period=ClosingPeriod.YEAR)
    assert corrections.citation(session, one) == {}
    closed(session, TODAY + 2 * DAY)
    first = closed(session, TODAY + DAY, digest="f" * 64)
    assert corrections.closing_of(session, one) is first
    assert corrections.citation(session, one) == {"closed_on": "2026-11-26", "closing": "f" * 64}


# --- Rows that are written, and the locks that a correction waits for ------------------------------------------------


def test_a_number_is_the_row_that_was_written_and_moves_its_own_counter_alone(
    uow: UnitOfWork, session: Session
) -> None:
    register(session, 1)
    register(session, 2)
    allocate(uow, 1)
    number = allocate(uow, 2)
    assert (number.text, number.sequence, number.year) == (f"0001/2026/{TODAY:%m}/MIN/BO/R2", 1, 2026)
    assert (number.void_reason, number.voided_at, number.register.code) == ("", None, "R2")
    assert allocation.told_of_number(number) == {"number": number.text, "register": "R2", "year": 2026, "sequence": 1}
    session.expire_all()
    assert session.scalars(select(RegisterCounter.last_sequence).order_by(RegisterCounter.register_id)).all() == [1, 1]
    allocate(uow, 2)
    session.expire_all()
    assert session.scalars(select(RegisterCounter.last_sequence).order_by(RegisterCounter.register_id)).all() == [1, 2]
    assert session.get_one(MailNumber, number.id).void_reason == ""


@pytest.mark.parametrize(("mail_id", "waits"), [(11, True), (12, False), (None, False)])
def test_a_correction_is_never_dated_before_the_letters_last_rectification(
    uow: UnitOfWork, session: Session, mail_id: int | None, waits: bool
) -> None:
    register(session)
    number = allocate(uow, mail_id=mail_id)
    ahead = NOW + timedelta(hours=1)
    for n, at in enumerate((NOW, ahead, NOW - DAY), start=1):
        session.add(Rectification(
            id=n, mail_id=11, field="subject", old_value="a", new_value="b", reason="c", person_id=7, at=at,
        ))  # fmt: skip
    session.flush()
    assert corrections.correction_at(uow, [number], now=NOW) == (ahead if waits else NOW)


def test_what_is_told_of_a_number_asks_the_database_nothing(uow: UnitOfWork, session: Session) -> None:
    """The counter is locked: others wait for each statement."""
    register(session)
    number = allocate(uow)
    asked: list[str] = []
    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_rest: asked.append(statement))
    assert allocation.told_of_number(number)["register"] == "R1"
    assert (number.void_reason, number.registered_on, number.text_key) == ("", TODAY, numbering.number_key(number.text))
    assert asked == []
