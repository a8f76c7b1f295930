"""Due dates are counted while the calendar changes, on PostgreSQL: who waits for whom."""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ged.ports import MailId
from ged.routing import calendar, calendar_changes, due
from ged.routing.deadlines import add_working_days
from tests.calendar_kit import MONDAY, counted, dates, made
from tests.factories import NOW, actor, make_services
from tests.lock_kit import wait_for_waiters

pytestmark = pytest.mark.servers


def test_a_letter_counted_while_the_calendar_changes_is_counted_with_the_new_one(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    services = made(make_services(tmp_path, url=make_database()))
    given: list[MailId] = []
    clerk = threading.Thread(target=lambda: given.append(counted(services, 6)))
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_holiday(uow, MONDAY, name="Décret", is_off=True, actor=actor(services, "admin"))
        clerk.start()
        wait_for_waiters(services.engine)
        assert given == [], "it waits for the calendar"
    clerk.join(60)
    assert dates(services, given[0])[0] == date(2026, 12, 3)
    services.engine.dispose()


def test_a_week_put_in_the_place_of_another_lets_no_third_change_overtake_who_counts(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    """A transaction that waited for the first change must hold the rows that it made, not those that it deleted."""
    services = made(make_services(tmp_path, url=make_database()))
    counts, third, released = threading.Event(), threading.Event(), threading.Event()
    given: list[MailId] = []

    def count() -> None:
        with services.unit_of_work(NOW) as uow:
            due.hold_calendar(uow)
            counts.set()
            released.wait(30)
        given.append(counted(services, 6))

    def change() -> None:
        counts.wait(30)
        with services.unit_of_work(NOW) as uow:
            calendar_changes.set_working_week(uow, frozenset({0, 1, 2}), actor=actor(services, "admin"))
        third.set()

    people = [threading.Thread(target=count), threading.Thread(target=change)]
    with services.unit_of_work(NOW) as uow:
        calendar_changes.set_working_week(uow, frozenset({5, 6}), actor=actor(services, "admin"))
        for one in people:
            one.start()
        wait_for_waiters(services.engine)
        assert not counts.is_set()
    assert counts.wait(30)
    wait_for_waiters(services.engine)
    assert not third.is_set(), "who counts still holds the calendar"
    released.set()
    for one in people:
        one.join(60)
    with services.reading() as session:
        working = calendar.calendar(session)
    assert dates(services, given[0])[0] == add_working_days(date(2026, 11, 24), 6, working)
    services.engine.dispose()
