"""The calendar is filled with Togo's holidays, and due dates follow it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ged.routing import calendar, calendar_changes
from ged.routing.deadlines import add_working_days
from ged.routing.models import Holiday
from ged.unit import SYSTEM, Services
from tests.factories import NOW, actor, make_organisation, make_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def fill(services: Services, years: range) -> int:
    with services.unit_of_work(NOW) as uow:
        return calendar_changes.fill(uow, years, actor=SYSTEM).days


def test_the_first_day_of_ramadan_is_worked_and_muslim_feasts_wait_to_be_confirmed(services: Services) -> None:
    assert fill(services, range(2026, 2027)) == 12
    with services.reading() as session:
        rows = {row.on: row for row in calendar.list_holidays(session, 2026)}
        days = calendar.calendar(session)
    assert date(2026, 2, 18) not in rows
    assert days.is_working(date(2026, 2, 18))
    fitr, tabaski = rows[date(2026, 3, 20)], rows[date(2026, 5, 27)]
    assert (fitr.name, fitr.is_estimate, fitr.is_off) == ("Aïd el-Fitr (fin du Ramadan)", True, True)
    assert (tabaski.name, tabaski.is_estimate) == ("Tabaski", True)
    assert not rows[date(2026, 4, 27)].is_estimate
    assert add_working_days(date(2026, 2, 17), 1, days) == date(2026, 2, 18)
    assert add_working_days(date(2026, 3, 19), 1, days) == date(2026, 3, 23)


def test_a_past_feast_whose_date_the_package_knows_waits_to_be_confirmed_too(services: Services) -> None:
    fill(services, range(2025, 2026))
    with services.reading() as session:
        estimates = {row.on for row in calendar.list_holidays(session, 2025) if row.is_estimate}
    assert estimates == {date(2025, 3, 30), date(2025, 6, 7)}


def test_filling_again_corrects_what_a_program_wrote_and_keeps_what_a_person_did(services: Services) -> None:
    admin = actor(services, "admin")
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Holiday(on=date(2026, 2, 18), name="Ramadan", is_estimate=True))
        uow.session.add(Holiday(on=date(2026, 3, 20), name="l'Aïd El-Fitr", is_estimate=False))
        calendar_changes.set_holiday(uow, date(2026, 5, 27), name="Tabaski (décret)", is_off=True, actor=admin)
        calendar_changes.set_holiday(uow, date(2027, 2, 8), name="Ramadan", is_off=True, actor=admin)
    fill(services, range(2026, 2028))
    with services.reading() as session:
        rows = {row.on: row for year in (2026, 2027) for row in calendar.list_holidays(session, year)}
    assert date(2026, 2, 18) not in rows
    assert rows[date(2026, 3, 20)].is_estimate
    assert (rows[date(2026, 5, 27)].name, rows[date(2026, 5, 27)].is_estimate) == ("Tabaski (décret)", False)
    assert date(2027, 2, 8) in rows, "what an administrator entered stays"
