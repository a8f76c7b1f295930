"""A day off is added to the calendar or removed. The due dates of open letters move, and their histories say so."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Invalid, StaleVersion
from ged.ports import MailId
from ged.register import operations as register_operations
from ged.register.models import Mail
from ged.routing import calendar_changes, operations
from ged.routing.calendar_changes import Changed
from ged.routing.models import Assignment, Purpose
from ged.routing.operations import ImputationForm
from ged.unit import Services
from ged.verify import verify
from tests.calendar_kit import MONDAY, counted, dates, made
from tests.factories import NOW, actor, make_services
from tests.routing_kit import register, unit_id

pytestmark = pytest.mark.in_turns(3)

WEEK = frozenset(range(5))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = made(make_services(tmp_path))
    yield services
    services.engine.dispose()


def impute(services: Services, mail_id: int, *, due_on: date | None = None, due_days: int | None = None) -> None:
    form = ImputationForm(unit_id(services, "DGE"), due_on=due_on, due_days=due_days)  # type: ignore[arg-type]
    with services.unit_of_work(NOW) as uow:
        operations.impute(uow, MailId(mail_id), form, version=None, actor=actor(services, "sg"), now=NOW)


def day_off(services: Services, on: date, *, is_off: bool = True) -> Changed:
    with services.unit_of_work(NOW) as uow:
        return calendar_changes.set_holiday(
            uow, on, name="Jour férié décrété", is_off=is_off, actor=actor(services, "admin")
        )


def told(services: Services, action: str) -> list[dict[str, object]]:
    with services.reading() as session:
        rows = session.execute(
            select(AuditEntry.subject_id, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.action == action)
            .order_by(AuditEntry.sequence)
        )
        return [{"of": subject, **payload} for subject, payload in rows]


def test_a_day_added_moves_what_is_counted_over_it_and_a_day_struck_out_moves_it_back(services: Services) -> None:
    over, before = counted(services, 6), counted(services, 2)
    assert (dates(services, over)[0], dates(services, before)[0]) == (date(2026, 12, 2), date(2026, 11, 26))
    impute(services, over)
    assert day_off(services, MONDAY) == Changed(letters=1)
    assert dates(services, over) == (date(2026, 12, 3), [date(2026, 12, 3)])
    assert dates(services, before)[0] == date(2026, 11, 26)
    (moved,) = told(services, "mail.due_moved")
    assert (moved["of"], moved["old"], moved["new"]) == (over, "2026-12-02", "2026-12-03")
    assert moved["reason"] == "Jour férié décrété"
    assert told(services, "calendar.changed")[-1]["moved"] == 1
    assert day_off(services, MONDAY, is_off=False) == Changed(letters=1)
    assert dates(services, over) == (date(2026, 12, 2), [date(2026, 12, 2)])
    assert verify(services, now=NOW).problems == ()
    services.checker.close()


def test_a_change_that_moves_no_working_day_moves_nothing(services: Services) -> None:
    counted(services, 6)
    assert day_off(services, date(2026, 11, 29)) == Changed(letters=0), "a Sunday"
    assert day_off(services, date(2026, 12, 24)) == Changed(letters=0), "a day after"
    assert told(services, "mail.due_moved") == []


def test_a_typed_date_stays_unless_it_becomes_a_day_off_itself(services: Services) -> None:
    typed = register(services, due_on=MONDAY).mail_id
    assert day_off(services, MONDAY - timedelta(days=4)) == Changed(letters=0)
    assert day_off(services, MONDAY) == Changed(letters=1)
    assert dates(services, typed)[0] == MONDAY + timedelta(days=1)
    assert day_off(services, MONDAY, is_off=False) == Changed(letters=1)
    assert dates(services, typed)[0] == MONDAY


def test_dates_from_before_it_was_kept_how_they_were_counted_are_as_typed(services: Services) -> None:
    typed = register(services, due_on=MONDAY).mail_id
    with services.unit_of_work(NOW) as uow:
        mail = uow.session.get_one(Mail, typed)
        mail.due_from = mail.due_days = None
    assert day_off(services, MONDAY) == Changed(letters=1)
    assert dates(services, typed)[0] == MONDAY + timedelta(days=1)
    day_off(services, MONDAY, is_off=False)
    assert dates(services, typed)[0] == MONDAY, "from then on it is kept"


def test_a_date_typed_on_a_day_off_stays_there(services: Services) -> None:
    saturday = register(services, due_on=date(2026, 12, 5)).mail_id
    with services.unit_of_work(NOW) as uow:
        changed = calendar_changes.set_working_week(uow, WEEK - {4}, actor=actor(services, "admin"))
    assert changed == Changed(letters=0)
    assert dates(services, saturday)[0] == date(2026, 12, 5)


def test_letters_that_wait_for_nothing_any_more_keep_their_date(services: Services) -> None:
    closed = counted(services, 6)
    impute(services, closed)
    with services.unit_of_work(NOW) as uow:
        register_operations.close(
            uow, closed, outcome="Classé", filing_class_id=1, version=None, actor=actor(services, "dge"), now=NOW
        )
    assert day_off(services, MONDAY) == Changed(letters=0)
    assert dates(services, closed)[0] == date(2026, 12, 2)


def test_whoever_has_the_letter_from_above_never_has_a_later_date(services: Services) -> None:
    """The lower date was counted from another day: when a day off is removed, the upper date may move before it."""
    day_off(services, MONDAY)
    mail_id = counted(services, 6)
    impute(services, mail_id)
    with services.reading() as session:
        above = session.scalars(select(Assignment.id)).one()
    with services.unit_of_work(NOW) as uow:
        operations.assign(
            uow, mail_id, from_assignment_id=above, to_unit_id=unit_id(services, "ETU"), to_post_id=None,  # type: ignore[arg-type]
            purpose=Purpose.ACTION, instruction="", due_on=date(2026, 12, 3), actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
    assert dates(services, mail_id) == (date(2026, 12, 3), [date(2026, 12, 3)] * 2)
    assert day_off(services, MONDAY, is_off=False) == Changed(letters=1)
    assert dates(services, mail_id) == (date(2026, 12, 2), [date(2026, 12, 2)] * 2)


def test_another_working_week_moves_them_too(services: Services) -> None:
    mail_id = counted(services, 4)
    assert dates(services, mail_id)[0] == MONDAY
    with services.unit_of_work(NOW) as uow:
        changed = calendar_changes.set_working_week(uow, WEEK | {5}, actor=actor(services, "admin"))
    assert changed == Changed(letters=1)
    assert dates(services, mail_id)[0] == date(2026, 11, 28)
    assert told(services, "calendar.week")[-1]["moved"] == 1


def test_of_two_who_change_the_week_the_second_sees_the_first(services: Services) -> None:
    admin = actor(services, "admin")
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_working_week(uow, WEEK | {5}, actor=admin, shown=WEEK)
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        calendar_changes.set_working_week(uow, WEEK | {6}, actor=admin, shown=WEEK)
    with pytest.raises(Invalid, match=r"calendar\.year"):
        day_off(services, date(1990, 12, 1))


def test_a_refill_moves_what_its_days_move(services: Services) -> None:
    mail_id = counted(services, 366)
    before = dates(services, mail_id)[0]
    assert before is not None
    assert before.year == 2028
    with services.unit_of_work(NOW) as uow:
        changed = calendar_changes.fill(uow, range(2028, 2029), actor=actor(services, "admin"))
    after = dates(services, mail_id)[0]
    assert (changed.days > 5, changed.letters) == (True, 1)
    assert after is not None
    assert after > before
