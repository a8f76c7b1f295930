"""Due dates counted and moved, row by row: which letters a change of the calendar moves, to which date, and the
notices."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid
from ged.org.models import Unit
from ged.ports import PostId
from ged.register.models import Correspondent, Direction, Mail, MailNumber, Register
from ged.register.operations import IncomingForm
from ged.register.states import MailState
from ged.routing import due
from ged.routing.deadlines import WorkCalendar
from ged.routing.due import Due
from ged.routing.models import Assignment, Holiday, Purpose, WorkingDay
from ged.routing.states import AssignmentState
from ged.unit import Role, UnitOfWork
from tests.remedies import refused
from tests.rows_kit import asked, held, person, rows, told, work

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # already the 25th where the installation is
WEEK = frozenset(range(5))
BEFORE = WorkCalendar(WEEK, frozenset())
ADMIN = person(7, held(5, Role.MEMBER), held(6, Role.ADMINISTRATOR))


def november(day: int) -> date:
    return date(2026, 11, day)


TUE, WED, THU, FRI, SAT, MON = (november(day) for day in (24, 25, 26, 27, 28, 30))
NEXT = date(2026, 12, 1)


@pytest.fixture
def session() -> Iterator[Session]:
    with rows(Mail, MailNumber, Register, Correspondent, Unit, Assignment, WorkingDay, Holiday) as session:
        session.add(Unit(id=1, code="U", name="Unité"))
        session.add_all([WorkingDay(weekday=day) for day in WEEK])
        session.flush()
        yield session


@pytest.fixture
def uow(session: Session) -> UnitOfWork:
    return work(session, NOW)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, session: Session) -> list[type]:
    """The tables that were locked."""
    found: list[type] = []

    def seen(where: Session, model: type) -> None:
        assert where is session
        found.append(model)

    monkeypatch.setattr(locks, "share", seen)
    return found


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The letters that were locked, by statement."""
    found: list[list[int]] = []
    hold = locks.hold

    def seen(session: Session, model: type[Any], ids: list[int]) -> list[Any]:
        found.append(list(ids))
        return hold(session, model, ids)

    monkeypatch.setattr(locks, "hold", seen)
    return found


def letter(session: Session, mail_id: int, on: date | None = None, since: date | None = None, days: int | None = None,
           **values: Any) -> Mail:  # fmt: skip
    values = {"state": MailState.ASSIGNED, **values}
    mail = Mail(id=mail_id, direction=Direction.INCOMING, unit_id=1, created_at=NOW, due_on=on, due_from=since,
                due_days=days, **values)  # fmt: skip
    session.add(mail)
    session.flush()
    return mail


def below(session: Session, row_id: int, mail_id: int, on: date | None, since: date | None = None,
          days: int | None = None, **values: Any) -> Assignment:  # fmt: skip
    row = Assignment(id=row_id, mail_id=mail_id, unit_id=1, purpose=Purpose.ACTION, assigned_by_person_id=1,
                     assigned_by_post_id=1, assigned_at=NOW, due_on=on, due_from=since, due_days=days,
                     **{"state": AssignmentState.OPEN, **values})  # fmt: skip
    session.add(row)
    session.flush()
    return row


def off(session: Session, *days: date) -> None:
    session.add_all([Holiday(on=day, name="Décret") for day in days])
    session.flush()


def recount(uow: UnitOfWork, *days: date, before: WorkCalendar = BEFORE) -> int:
    """The number of letters that moved."""
    return len(due.recount(uow, before, days or None, actor=ADMIN, reason="Décret n° 1"))


# --- A date is asked for ------------------------------------------------------------------------------------------


def test_none_is_asked_for_and_nobody_is_kept_waiting(uow: UnitOfWork, shared: list[type]) -> None:
    assert due.asked(uow, None, None) is None
    assert shared == []


def test_a_typed_date_is_its_own_origin(uow: UnitOfWork, shared: list[type]) -> None:
    assert due.asked(uow, SAT, None) == Due(SAT, SAT, 0)
    assert shared == [WorkingDay]


def test_days_count_from_the_day_that_it_is_here(uow: UnitOfWork, shared: list[type]) -> None:
    off(uow.session, FRI)
    assert due.asked(uow, None, 2) == Due(MON, WED, 2)
    assert due.asked(uow, SAT, 0) == Due(WED, WED, 0)
    assert shared == [WorkingDay] * 2
    with refused(Invalid, "deadline.days", field="days"):
        due.asked(uow, None, 400)


def form(**values: Any) -> IncomingForm:
    return IncomingForm("Objet", "Préfecture", PostId(1), **values)


def test_a_form_without_a_delay_stays_as_it_is(uow: UnitOfWork, shared: list[type]) -> None:
    assert due.counted(uow, form(received_on=TUE)) == form(received_on=TUE)
    assert shared == []
    assert due.counted(uow, form(due_on=SAT)) == form(due_on=SAT)
    assert shared == [WorkingDay]


def test_a_delay_counts_from_the_arrival_and_otherwise_from_today(uow: UnitOfWork, shared: list[type]) -> None:
    off(uow.session, THU)
    arrived = form(received_on=TUE, due_days=2, due_on=SAT)
    assert due.counted(uow, arrived) == form(received_on=TUE, due_days=2, due_on=FRI)
    assert due.counted(uow, form(due_days=1)) == form(due_days=1, due_on=FRI)
    assert shared == [WorkingDay] * 2


def test_a_date_is_kept_with_its_origin(session: Session) -> None:
    mail = letter(session, 1)
    due.set_due(mail, Due(FRI, TUE, 3))
    origin = {"due_on": FRI, "due_from": TUE, "due_days": 3}
    assert due.columns_of(mail) == origin == due.columns(Due(FRI, TUE, 3))
    assert Due(FRI, FRI).days == 0


def test_holding_the_calendar_keeps_the_week(uow: UnitOfWork, shared: list[type]) -> None:
    due.hold_calendar(uow)
    assert shared == [WorkingDay]


# --- A day of the calendar changes ----------------------------------------------------------------------------------


def test_a_letter_counted_over_the_day_moves_and_its_history_says_so(uow: UnitOfWork) -> None:
    mail, row = letter(uow.session, 3, FRI, TUE, 3), below(uow.session, 8, 3, FRI, TUE, 3)
    other = below(uow.session, 9, 3, THU, TUE, 2)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert (mail.due_on, row.due_on, other.due_on) == (MON, MON, THU)
    assert told(uow) == [
        {
            "action": "mail.due_moved",
            "of": ("mail", 3),
            "by": (7, 6),
            "reason": "Décret n° 1",
            "old": "2026-11-27",
            "new": "2026-11-30",
            "assignments": [[8, "2026-11-27", "2026-11-30"], [9, "2026-11-26", "2026-11-26"]],
        }
    ]
    assert asked(uow) == [("index", 3, "")]


def test_of_each_letter_the_soonest_date_that_moved_is_returned(uow: UnitOfWork) -> None:
    letter(uow.session, 3, FRI, TUE, 3)
    below(uow.session, 8, 3, FRI, TUE, 3)
    below(uow.session, 9, 3, THU, TUE, 2)
    letter(uow.session, 4, FRI, TUE, 3)
    below(uow.session, 10, 4, WED, TUE, 1)
    off(uow.session, THU)
    assert due.recount(uow, BEFORE, [THU], actor=ADMIN, reason="Décret n° 1") == [(THU, FRI), (FRI, MON)]


def test_a_letter_that_stays_where_it_was_is_told_of_nowhere(uow: UnitOfWork) -> None:
    letter(uow.session, 3, FRI, TUE, 3)
    below(uow.session, 8, 3, THU, TUE, 2)
    off(uow.session, SAT)
    assert recount(uow, *(november(day) for day in range(24, 29))) == 0
    assert (told(uow), asked(uow)) == ([], [])


def test_a_history_names_the_letters_own_date_only_when_that_moved(uow: UnitOfWork) -> None:
    letter(uow.session, 3, NEXT, NEXT, 0)
    row = below(uow.session, 8, 3, FRI, TUE, 3)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert row.due_on == MON
    (said,) = told(uow)
    assert said["assignments"] == [[8, "2026-11-27", "2026-11-30"]]
    assert {"old", "new"}.isdisjoint(said)


def test_a_letter_whose_date_alone_moves_is_told_of_too(uow: UnitOfWork) -> None:
    mail = letter(uow.session, 3, FRI, TUE, 3)
    below(uow.session, 8, 3, WED, WED, 0)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert mail.due_on == MON
    assert told(uow)[0]["assignments"] == [[8, "2026-11-25", "2026-11-25"]]


@pytest.mark.parametrize(("state", "moves"), [(state, state in (MailState.TO_IMPUTE, MailState.ASSIGNED))
                                              for state in MailState])  # fmt: skip
def test_a_letter_that_waits_moves(uow: UnitOfWork, state: MailState, moves: bool) -> None:
    mail = letter(uow.session, 3, FRI, TUE, 3, state=state)
    off(uow.session, FRI)
    assert recount(uow, FRI) == moves
    assert mail.due_on == (MON if moves else FRI)


@pytest.mark.parametrize(("state", "moves"), [(state, state in (AssignmentState.OPEN, AssignmentState.TAKEN))
                                              for state in AssignmentState])  # fmt: skip
def test_whoever_works_on_an_answered_letter_moves_and_the_letter_does_not(
    uow: UnitOfWork, state: AssignmentState, moves: bool
) -> None:
    mail = letter(uow.session, 3, NEXT, NEXT, 0, state=MailState.ANSWERED)
    row = below(uow.session, 8, 3, FRI, TUE, 3, state=state)
    off(uow.session, FRI, NEXT)
    assert recount(uow, FRI, NEXT) == moves
    assert (mail.due_on, row.due_on) == (NEXT, MON if moves else FRI)


def test_nothing_of_a_closed_letter_moves(uow: UnitOfWork) -> None:
    letter(uow.session, 3, NEXT, NEXT, 0, state=MailState.CLOSED, closed_at=NOW)
    row = below(uow.session, 8, 3, FRI, TUE, 3)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 0
    assert row.due_on == FRI


def test_work_without_a_date_gets_none(uow: UnitOfWork) -> None:
    letter(uow.session, 3, FRI, TUE, 3)
    row, gone = below(uow.session, 8, 3, None), below(uow.session, 9, 3, FRI, state=AssignmentState.DONE)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert (row.due_on, gone.due_on) == (None, FRI)
    assert told(uow)[0]["assignments"] == []


def test_work_on_a_letter_without_a_date_moves_by_itself(uow: UnitOfWork) -> None:
    mail, row = letter(uow.session, 3), below(uow.session, 8, 3, FRI, TUE, 3)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert (mail.due_on, row.due_on) == (None, MON)


def test_only_letters_that_the_days_can_move_are_locked(uow: UnitOfWork, locked: list[list[int]]) -> None:
    letter(uow.session, 1, WED, TUE, 1)  # ends the day before
    letter(uow.session, 2, THU, TUE, 2)  # ends on the first changed day
    letter(uow.session, 3, NEXT, FRI, 2)  # begins on the last changed day
    letter(uow.session, 4, NEXT, MON, 1)  # begins after it
    letter(uow.session, 5)
    letter(uow.session, 6, FRI)  # typed, from before the origin of a date was stored
    letter(uow.session, 7, NEXT)
    letter(uow.session, 8, WED, WED, 0)
    below(uow.session, 8, 8, THU, TUE, 2)
    letter(uow.session, 9, WED, WED, 0)
    below(uow.session, 9, 9, THU, TUE, 2, state=AssignmentState.DONE)
    letter(uow.session, 10, WED, WED, 0, state=MailState.ANSWERED)
    below(uow.session, 10, 10, WED, TUE, 1)
    recount(uow, THU, FRI)
    assert locked == [[2, 3, 6, 8]]


def test_another_week_can_move_any_letter_that_has_a_date(uow: UnitOfWork, locked: list[list[int]]) -> None:
    letter(uow.session, 1, date(1999, 1, 4), date(1999, 1, 4), 0)
    letter(uow.session, 2)
    letter(uow.session, 3)
    below(uow.session, 8, 3, FRI, TUE, 3)
    letter(uow.session, 4, FRI, TUE, 3, state=MailState.DRAFT)
    recount(uow)
    assert locked == [[1, 3]]


def test_many_letters_are_locked_in_portions_by_ascending_key(
    uow: UnitOfWork, locked: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "AT_ONCE", 2)
    for mail_id in (5, 2, 4, 1, 3):
        letter(uow.session, mail_id, FRI, TUE, 3)
        below(uow.session, mail_id, mail_id, FRI, TUE, 3)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 5
    assert locked == [[1, 2], [3, 4], [5]]
    assert [said["assignments"] for said in told(uow)] == [[[n, "2026-11-27", "2026-11-30"]] for n in range(1, 6)]


def test_of_other_letters_nothing_is_read(uow: UnitOfWork) -> None:
    letter(uow.session, 3, FRI, TUE, 3)
    letter(uow.session, 4, WED, TUE, 1)
    for mail_id in (3, 4):
        below(uow.session, mail_id, mail_id, WED, TUE, 1)
    off(uow.session, FRI)
    uow.session.expunge_all()
    read: list[int] = []
    event.listen(uow.session, "loaded_as_persistent",
                 lambda _session, row: read.append(row.id) if isinstance(row, Assignment) else None)  # fmt: skip
    assert recount(uow, FRI) == 1
    assert read == [3]


def test_dates_are_taken_as_they_are_once_the_lock_is_there(uow: UnitOfWork) -> None:
    """Another person set another date after the rows were read."""
    mail, row = letter(uow.session, 3, FRI, TUE, 3), below(uow.session, 8, 3, FRI, TUE, 3)
    for model in (Mail, Assignment):
        newer = update(model).values(due_on=THU, due_days=2).execution_options(synchronize_session=False)
        uow.session.execute(newer)
    off(uow.session, THU)
    assert recount(uow, THU) == 1
    assert (mail.due_on, row.due_on) == (FRI, FRI)
    assert told(uow)[0]["assignments"] == [[8, "2026-11-26", "2026-11-27"]]


# --- Assignments below and above -----------------------------------------------------------------------------------


def test_nobody_below_has_a_later_date_than_the_letter(uow: UnitOfWork) -> None:
    letter(uow.session, 3, THU, TUE, 2)
    row = below(uow.session, 1, 3, THU, WED, 1)
    off(uow.session, THU)
    assert recount(uow, THU) == 1
    assert row.due_on == FRI
    uow.session.delete(uow.session.get_one(Holiday, THU))
    uow.session.flush()
    mail = uow.session.get_one(Mail, 3)
    mail.due_from, mail.due_days = WED, 0  # it is due a day earlier than the work
    assert recount(uow, THU, WED, before=WorkCalendar(WEEK, frozenset({THU}))) == 1
    assert (mail.due_on, row.due_on) == (WED, WED)


def test_whoever_has_it_from_an_assignment_is_bound_by_that_one(uow: UnitOfWork) -> None:
    letter(uow.session, 3, NEXT, NEXT, 0)
    above = below(uow.session, 1, 3, FRI, TUE, 3)
    row = below(uow.session, 2, 3, FRI, FRI, 0, parent_id=1)
    free = below(uow.session, 4, 3, FRI, FRI, 0, parent_id=99)  # the assignment above is done
    above.due_days = 2
    assert recount(uow, FRI) == 1
    assert (above.due_on, row.due_on, free.due_on) == (THU, THU, FRI)


def test_the_first_assignment_ever_is_bound_by_the_letter_alone(uow: UnitOfWork) -> None:
    letter(uow.session, 3, NEXT, NEXT, 0)
    first, second = below(uow.session, 1, 3, WED, TUE, 1), below(uow.session, 2, 3, FRI, TUE, 3)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert (first.due_on, second.due_on) == (WED, MON)


# --- Typed dates ------------------------------------------------------------------------------------------------------


def test_a_typed_date_moves_off_a_day_that_becomes_free_and_comes_back(uow: UnitOfWork) -> None:
    mail = letter(uow.session, 3, FRI, FRI, 0)
    off(uow.session, THU, FRI)
    recount(uow, THU, FRI)
    assert mail.due_on == MON
    uow.session.delete(uow.session.get_one(Holiday, FRI))
    uow.session.flush()
    recount(uow, FRI, before=WorkCalendar(WEEK, frozenset({THU, FRI})))
    assert (mail.due_on, mail.due_from, mail.due_days) == (FRI, FRI, 0)


def test_a_date_typed_on_a_day_off_stays_there(uow: UnitOfWork) -> None:
    typed = letter(uow.session, 3, SAT, SAT, 0)
    old = letter(uow.session, 4, SAT)
    off(uow.session, MON)
    assert recount(uow) == 0
    assert (typed.due_on, old.due_on) == (SAT, SAT)


@pytest.mark.parametrize(("since", "days"), [(None, None), (None, 3), (TUE, None)])
def test_a_date_without_its_whole_origin_is_as_typed(uow: UnitOfWork, since: date | None, days: int | None) -> None:
    mail = letter(uow.session, 3, FRI, since, days)
    off(uow.session, FRI)
    assert recount(uow, FRI) == 1
    assert (mail.due_on, mail.due_from, mail.due_days) == (MON, FRI, 0)


def test_a_counted_date_on_a_day_off_is_counted_anew(uow: UnitOfWork) -> None:
    """It was counted in an earlier calendar. Only a typed date would stay."""
    none, one = letter(uow.session, 3, SAT, FRI, 0), letter(uow.session, 4, SAT, SAT, 1)
    assert recount(uow) == 2
    assert (none.due_on, one.due_on) == (FRI, MON)


def test_live_work_of_a_letter_is_read_anew_in_its_order(uow: UnitOfWork) -> None:
    session = uow.session
    for mail_id in (1, 2):
        letter(session, mail_id)
    for row_id, mail_id in ((13, 1), (11, 1), (12, 2), (14, 1)):
        below(session, row_id, mail_id, None)
    session.get_one(Assignment, 14).state = AssignmentState.DONE
    session.flush()
    kept = session.get_one(Assignment, 11)
    session.execute(
        update(Assignment).where(Assignment.id == 11).values(due_on=FRI).execution_options(synchronize_session=False)
    )
    assert [one.id for one in due.live_of(uow, 1)] == [11, 13]
    assert kept.due_on == FRI, "another transaction changed it meanwhile"
